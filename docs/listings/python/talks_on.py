"""Says `close` in a frame of chapter 4, and does not stop talking.

Usage: talks_on.py [PATH], by default over TCP to 127.0.0.1:7878
"""

import socket
import sys

if path := sys.argv[1:]:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path[0])
else:
    connection = socket.create_connection(("127.0.0.1", 7878))

with connection as s:
    # ANCHOR: talk
    s.sendall(b"\0\0\0\x05close" + bytes(30_000))
    try:
        while data := s.recv(1024):
            print("received", data)
        print("the end")
    except OSError as error:
        print(error)
    # ANCHOR_END: talk
