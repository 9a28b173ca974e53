"""Chapter 12: reads that return less than they could, although more is there already. Linux only."""

import select
import socket


# ANCHOR: reads
def reads(end):
    """What each read brings once all has arrived, the end of the stream included."""
    poller = select.poll()
    poller.register(end, select.POLLRDHUP)
    poller.poll()
    pieces = []
    while piece := end.recv(100):
        pieces.append(piece)
    return pieces
# ANCHOR_END: reads


def pair_over_tcp():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = socket.create_connection(listener.getsockname())
        return listener.accept()[0], there


here, there = socket.socketpair()
there.send(b"one")
there.send(b"two")
there.close()
print("bytes alone:      ", reads(here))

here, there = socket.socketpair()
socket.send_fds(there, [b"one"], [1])
there.send(b"two")
there.close()
print("with a descriptor:", reads(here))

here, there = pair_over_tcp()
there.send(b"one")
there.send(b"!", socket.MSG_OOB)
there.send(b"two")
there.close()
print("with urgent data: ", reads(here))
