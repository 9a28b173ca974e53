"""Says hello, and leaves without a good-bye: its close is a reset.

Usage: rude_client.py [ADDRESS], by default 127.0.0.1:7878
"""

import socket
import struct
import sys

host, port = (sys.argv[1:] or ["127.0.0.1:7878"])[0].rsplit(":", 1)

# ANCHOR: reset
client = socket.create_connection((host, int(port)))
client.send(b"hello")
client.recv(1024)
# On, and a time of 0 seconds: close() discards what has not been sent yet, and resets the connection.
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
client.close()
# ANCHOR_END: reset
