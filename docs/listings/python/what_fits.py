"""How much a Unix stream takes before its reader reads, in writes of several sizes."""

import socket

# ANCHOR: fill
for size in (1, 1024, 1024 * 1024):
    writer, reader = socket.socketpair()
    writer.setblocking(False)
    taken = 0
    try:
        while True:
            taken += writer.send(bytes(size))
    except BlockingIOError:
        print(f"in writes of {size:7} B: {taken:6} B fit")
# ANCHOR_END: fill
