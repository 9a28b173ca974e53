"""Sends what is typed and prints what comes back, until the server says "closed".

The client to accepted_server.py, from the same tutorial, in our words.

Usage: accepted_client.py [ADDRESS], by default 127.0.0.1:8000
"""

import socket
import sys

host, port = (sys.argv[1:] or ["127.0.0.1:8000"])[0].rsplit(":", 1)


def ask():
    """The next line without its end, or None at the end of input."""
    if sys.stdin.isatty():
        print("Enter message: ", end="", flush=True)
    line = sys.stdin.readline()
    return line.removesuffix("\n") if line else None


# ANCHOR: socket
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
# ANCHOR_END: socket
# ANCHOR: connect
client.connect((host, int(port)))
# ANCHOR_END: connect

# ANCHOR: loop
while (message := ask()) is not None:
    client.send(message.encode("utf-8")[:1024])
    reply = client.recv(1024).decode("utf-8")
    if reply.lower() == "closed":
        break
    print(f"Received: {reply}", flush=True)
# ANCHOR_END: loop

# ANCHOR: close
client.close()
# ANCHOR_END: close
print("connection closed", flush=True)
