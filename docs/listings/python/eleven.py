"""How many datagrams a Unix socket takes that nobody reads (Linux)."""

import os
import socket

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("reads-nothing.sock")
# ANCHOR: eleven
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.setblocking(False)
sent = 0
try:
    while True:
        sender.sendto(b"hello", "reads-nothing.sock")
        sent += 1
except OSError as error:
    failure = error
# ANCHOR_END: eleven
with open("/proc/sys/net/unix/max_dgram_qlen") as limit:
    print("max_dgram_qlen and", sent - int(limit.read()), "more, then", failure)
os.unlink("reads-nothing.sock")
