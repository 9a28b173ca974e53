"""What was this program born with?"""

import os
import socket

print("LISTEN_FDS =", os.environ.get("LISTEN_FDS"))
print("LISTEN_PID is this process:", os.environ.get("LISTEN_PID") == str(os.getpid()))
print("LISTEN_FDNAMES =", os.environ.get("LISTEN_FDNAMES"))
# ANCHOR: three
listener = socket.socket(fileno=3)
print(listener.family.name, listener.type.name, listener.getsockname())
print("listens:", bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)))
# ANCHOR_END: three
