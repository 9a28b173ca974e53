"""A client that was let in and never accepted, when the listener closes. On either family."""

import errno
import os
import socket
import tempfile


def tcp_listener():
    return socket.create_server(("127.0.0.1", 0))


def unix_listener():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(tempfile.mkdtemp(), "socket"))
    listener.listen()
    return listener


# ANCHOR: close
def never_accepted(listener):
    client = socket.socket(listener.family)
    client.connect(listener.getsockname())
    client.sendall(b"hello")
    listener.close()
    try:
        print("  the client reads", client.recv(100))
    except OSError as error:
        print("  connected, sent, and then", errno.errorcode[error.errno])
# ANCHOR_END: close


for make in (tcp_listener, unix_listener):
    print(make.__name__)
    never_accepted(make())
