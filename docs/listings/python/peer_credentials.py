"""Who is at the other end of a Unix socket, as the kernel knows it (Linux)."""

import os
import socket
import struct

server = socket.socket(socket.AF_UNIX)
server.bind("who.sock")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("who.sock")
# ANCHOR: ask
peer, _ = server.accept()
size = struct.calcsize("3i")
found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
pid, uid, gid = struct.unpack("3i", found)
# ANCHOR_END: ask
print("it is me:", (pid, uid) == (os.getpid(), os.getuid()))
