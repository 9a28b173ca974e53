"""Chapter 18: clients that send requests without a pause, and a server that is told to end meanwhile.

Usage: drain_under_load.py PID
"""

import os
import signal
import socket
import sys
import threading

CLIENTS = 50
HELLO, ACCEPTED = b"\0\0\0\x06\x01hello", b"\0\0\0\x01\x81"
endings = []
all_ask = threading.Barrier(CLIENTS + 1)


def ask_without_pause():
    server = socket.create_connection(("127.0.0.1", 7878))
    server.sendall(b"PSK\x01")
    answers, reply = 0, b""
    try:
        while True:
            server.sendall(HELLO)
            reply = b""
            while len(reply) < len(ACCEPTED):
                if not (more := server.recv(len(ACCEPTED) - len(reply))):
                    raise EOFError
                reply += more
            answers += 1
            if answers == 100:
                all_ask.wait()
    except EOFError:
        endings.append("half an answer" if reply else "end of stream")
    except OSError as error:
        endings.append(type(error).__name__)


threads = [threading.Thread(target=ask_without_pause) for _ in range(CLIENTS)]
for thread in threads:
    thread.start()
all_ask.wait()  # each has had a hundred answers, and goes on
os.kill(int(sys.argv[1]), signal.SIGTERM)
for thread in threads:
    thread.join()
for ending in ("end of stream", "half an answer", "ConnectionResetError"):
    print(f"{ending}: {endings.count(ending)} of {len(endings)} clients")
