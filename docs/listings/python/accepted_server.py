"""One client, one answer to all it says; the server of a well-known tutorial, in our words.

It is what "A Complete Guide to Socket Programming in Python" by Serhii Orlivskyi (DataCamp) begins
with, faults included: chapters 2 and 3 are about those.

Usage: accepted_server.py [ADDRESS], by default 127.0.0.1:8000
"""

import socket
import sys

host, port = (sys.argv[1:] or ["127.0.0.1:8000"])[0].rsplit(":", 1)

# ANCHOR: socket
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
# ANCHOR_END: socket
# ANCHOR: bind
server.bind((host, int(port)))
# ANCHOR_END: bind
# ANCHOR: listen
server.listen(0)
# ANCHOR_END: listen
print("listening on {}:{}".format(*server.getsockname()), flush=True)

# ANCHOR: accept
client, address = server.accept()
# ANCHOR_END: accept
print("connection from {}:{}".format(*address), flush=True)

# ANCHOR: loop
while True:
    message = client.recv(1024).decode("utf-8")
    if message.lower() == "close":
        client.send("closed".encode("utf-8"))
        break
    print(f"Received: {message}", flush=True)
    client.send("accepted".encode("utf-8"))
# ANCHOR_END: loop

# ANCHOR: close
client.close()
server.close()
# ANCHOR_END: close
print("connection closed", flush=True)
