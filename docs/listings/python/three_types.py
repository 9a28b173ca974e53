"""What is sent in two is received in one, or in two: the three types of Unix sockets."""

from socket import AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, socketpair

# ANCHOR: types
for kind in SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET:
    here, there = socketpair(AF_UNIX, kind)
    here.send(b"one")
    here.send(b"two")
    print(kind.name, there.recv(100))
# ANCHOR_END: types
