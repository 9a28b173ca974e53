"""An empty message, and the end: what a seqpacket socket returns for each (Linux)."""

import select
import socket

here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
poll = select.poll()
poll.register(there, select.POLLIN | select.POLLRDHUP)


# ANCHOR: ask
def ask():
    [(_, events)] = poll.poll()
    print(there.recv(100), "ended:", bool(events & select.POLLRDHUP))
# ANCHOR_END: ask


here.send(b"")
ask()
here.close()
ask()
