"""Chapter 12: how often a poller reports the same six bytes, of which one is read each time. Linux only."""

import select
import socket


# ANCHOR: reports
def reports(how):
    here, there = socket.socketpair()
    poller = select.epoll()
    poller.register(here, select.EPOLLIN | how)
    there.send(b"abcdef")
    number = 0
    while poller.poll(timeout=0.1):
        here.recv(1)
        number += 1
    return number
# ANCHOR_END: reports


print("level:", reports(0))
print("edge: ", reports(select.EPOLLET))
