"""A datagram of eleven bytes, received with room for five."""

import socket

here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
# ANCHOR: cut
here.send(b"hello world")
print(there.recv(5))
here.send(b"hello world")
data, ancillary, flags, address = there.recvmsg(5)
print(data, "MSG_TRUNC:", bool(flags & socket.MSG_TRUNC))
here.send(b"hello world")
print(there.recv_into(bytearray(5), 0, socket.MSG_TRUNC))
# ANCHOR_END: cut
