"""A listening socket that no process has: it waits in another socket's queue."""

import socket
import subprocess

here, there = socket.socketpair()
# ANCHOR: send
listener = socket.create_server(("127.0.0.1", 7878))
socket.send_fds(here, [b"x"], [listener.fileno()])
listener.close()
# ANCHOR_END: send
subprocess.run(["ss", "-tlnpH", "sport = :7878"])
# ANCHOR: receive
client = socket.create_connection(("127.0.0.1", 7878))
print("connected")
data, files, flags, address = socket.recv_fds(there, 100, 1)
listener = socket.socket(fileno=files[0])
server, address = listener.accept()
server.send(b"hello")
print(client.recv(100))
# ANCHOR_END: receive
