"""A socket with a name and without a file (Linux)."""

import os
import socket

# ANCHOR: name
server = socket.socket(socket.AF_UNIX)
server.bind("\0hello")
server.listen()
print([name for name in os.listdir() if "hello" in name], flush=True)
os.system("ss -xlH | grep -o @hello")
# ANCHOR_END: name
