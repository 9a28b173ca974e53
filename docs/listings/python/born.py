"""What was this program born with?"""

import os
import socket

for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
    print(name, "=", os.environ.get(name))
print("this is pid", os.getpid())
# ANCHOR: three
listener = socket.socket(fileno=3)
print(listener.family.name, listener.type.name, listener.getsockname())
print("listens:", bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)))
# ANCHOR_END: three
