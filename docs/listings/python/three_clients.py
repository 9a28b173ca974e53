"""Three clients of tcp-server, and what each of them gets when the server is told to end.

Usage: three_clients.py PID. While the process is stopped, all of it can be prepared: what the server
finds when it goes on is there at once.
"""

import os
import signal
import sys

from psk_client import ACCEPTED, ERROR, SAY, connect, receive_frame, say, send_frame

ADDRESS, server = "127.0.0.1:7878", int(sys.argv[1])


def rest(connection):
    """All that comes until the connection ends, in words."""
    words = []
    try:
        while True:
            kind, body = receive_frame(connection)
            words.append({ACCEPTED: "accepted", ERROR: body[2:].decode()}.get(kind, hex(kind)))
    except EOFError:
        words.append("end of stream")
    return ", ".join(words)


# ANCHOR: three
idle, asks, cut_short = (connect(ADDRESS) for _ in range(3))
assert all(say(client, "hello") for client in (idle, asks, cut_short))

os.kill(server, signal.SIGSTOP)
for text in "one", "two", "three":
    send_frame(asks, SAY, text.encode())
cut_short.sendall(b"\x00\x00\x00\x06\x01hel")
os.kill(server, signal.SIGTERM)
os.kill(server, signal.SIGCONT)
# ANCHOR_END: three

print("waits for nothing:", rest(idle))
print("has asked:        ", rest(asks))
print("is cut short:     ", rest(cut_short))
