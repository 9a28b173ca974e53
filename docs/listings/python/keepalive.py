"""When does the kernel ask whether the peer is still there? (Linux: `ss` knows the timer.)"""

import re
import socket
import subprocess

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()

# ANCHOR: ask
print("by default:", bool(server.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)), flush=True)
server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
port = server.getsockname()[1]
timer = subprocess.check_output(["ss", "-tonH", f"sport = {port}"], text=True)
minutes = int(re.search(r"keepalive,(\d+)min", timer)[1])
print("now, in", round(minutes / 60), "hours")
# ANCHOR_END: ask
