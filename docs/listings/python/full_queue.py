"""A server that has not accepted yet, with a backlog of 0, and three clients."""

import os
import socket
import threading


def knock(wait):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(wait)
    try:
        client.connect("busy.sock")
        print("connected")
    except OSError as error:
        print(type(error).__name__, error)
    return client


# ANCHOR: queue
server = socket.socket(socket.AF_UNIX)
server.bind("busy.sock")
server.listen(0)

first = knock(wait=True)
second = knock(wait=False)
third = threading.Thread(target=knock, args=[True])
third.start()
third.join(0.2)
print("the third one waits:", third.is_alive())
server.accept()
# ANCHOR_END: queue

third.join()
os.unlink("busy.sock")
