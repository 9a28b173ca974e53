"""What reads return when what was sent comes in two parts and then ends."""

import socket

# ANCHOR: reads
one_end, other_end = socket.socketpair()
one_end.send(b"good ")
print(other_end.recv(1024))
one_end.send(b"evening")
one_end.close()
print(other_end.recv(1024))
print(other_end.recv(1024))
# ANCHOR_END: reads
