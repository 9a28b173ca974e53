"""One process opens a file and sends it to another: under which number, and at which position?"""

import os
import socket

here, there = socket.socketpair()
if os.fork() == 0:
    here.close()
    # ANCHOR: receive
    data, files, flags, address = socket.recv_fds(there, 100, 1)
    print("received", files[0], flush=True)
    print("there:", os.read(files[0], 4), flush=True)
    # ANCHOR_END: receive
    os._exit(0)
there.close()
# ANCHOR: send
letters = os.open("letters", os.O_RDONLY)
print("sent", letters, flush=True)
socket.send_fds(here, [b"x"], [letters])
# ANCHOR_END: send
os.wait()
print("here: ", os.read(letters, 4))
