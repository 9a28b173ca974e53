"""Answers each line `ping` with `pong`, one client after another, at the path that it is given."""

import os
import socket
import sys

path = sys.argv[1]
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
    listener.bind(path)
    try:
        listener.listen()
        print(f"listening on {path}", flush=True)
        while True:
            client, _ = listener.accept()
            with client, client.makefile("rb") as lines:
                for line in lines:
                    client.sendall(b"pong\n")
    except KeyboardInterrupt:
        pass
    finally:
        os.unlink(path)
