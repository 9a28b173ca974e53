"""The same bytes with the same open file, received by recv and by recv_fds."""

import os
import socket

here, there = socket.socketpair()


def open_files():
    return len(os.listdir("/proc/self/fd"))


before = open_files()
# ANCHOR: both
socket.send_fds(here, [b"one"], [0])
print("recv:    ", there.recv(100), open_files() - before)
socket.send_fds(here, [b"one"], [0])
print("recv_fds:", socket.recv_fds(there, 100, 1)[0], open_files() - before)
# ANCHOR_END: both
