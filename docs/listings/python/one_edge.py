"""Chapter 17: three messages for one read, without luck."""

import os
import signal
import socket

ours, theirs = socket.socketpair()
child = os.fork()
if child == 0:
    ours.close()
    while data := theirs.recv(1024):
        print(data, flush=True)
        theirs.send(b"read")
    os._exit(0)

theirs.close()
# ANCHOR: edge
for message in b"one", b"two", b"three":
    ours.send(message)
    ours.recv(1024)  # it has been read

os.kill(child, signal.SIGSTOP)
os.waitpid(child, os.WUNTRACED)  # it has stopped
for message in b"one", b"two", b"three":
    ours.send(message)
os.kill(child, signal.SIGCONT)
# ANCHOR_END: edge
ours.recv(1024)
ours.shutdown(socket.SHUT_WR)
os.waitpid(child, 0)
