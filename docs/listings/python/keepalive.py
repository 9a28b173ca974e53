"""When does the kernel ask whether the peer is still there? (Linux: `ss` knows the timer.)"""

import os
import socket

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()

# ANCHOR: ask
print("by default:", bool(server.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)), flush=True)
server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
port = server.getsockname()[1]
os.system(f"ss -tonH sport = {port} | sed -n 's/.*keepalive,\\([0-9]*min\\).*/now, in \\1/p'")
# ANCHOR_END: ask
