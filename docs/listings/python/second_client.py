"""Chapter 10: two clients at a server that serves one after another. Frames as in chapter 4."""

import socket

SERVER = ("127.0.0.1", 7878)

# ANCHOR: second
first = socket.create_connection(SERVER)
second = socket.create_connection(SERVER)
second.sendall(b"\0\0\0\x05hello")
print("the second one is connected, and has sent")

second.settimeout(1)
try:
    print("received", second.recv(100))
except TimeoutError:
    print("no answer within a second")

first.close()
second.settimeout(None)
print("received", second.recv(100))
# ANCHOR_END: second
