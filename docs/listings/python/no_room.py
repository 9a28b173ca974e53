"""A descriptor comes, and the process may have no more of them."""

import os
import resource
import socket

here, there = socket.socketpair()
# ANCHOR: no_room
free = os.dup(0)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))
socket.send_fds(here, [b"one"], [0])
data, files, flags, address = socket.recv_fds(there, 100, 1)
print(data, files, "MSG_CTRUNC:", bool(flags & socket.MSG_CTRUNC))
# ANCHOR_END: no_room
