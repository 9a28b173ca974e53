"""Where a receive stops when some of the bytes have a descriptor with them."""

import socket

here, there = socket.socketpair()
# ANCHOR: runs
here.send(b"ab")
socket.send_fds(here, [b"cd"], [0])
socket.send_fds(here, [b"ef"], [0])
here.send(b"gh")
for _ in range(3):
    data, files, flags, address = socket.recv_fds(there, 100, 10)
    print(data, "with", len(files))
# ANCHOR_END: runs
