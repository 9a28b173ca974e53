"""Two ways to bind a Unix socket that fail, and how."""

import errno
import os
import socket


def outcome(bind):
    try:
        bind()
        return "it works"
    except OSError as error:
        return errno.errorcode[error.errno]


first = socket.socket(socket.AF_UNIX)
first.bind("taken.sock")
second = socket.socket(socket.AF_UNIX)
second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
print("with SO_REUSEADDR, on the file of another:", outcome(lambda: second.bind("taken.sock")))
print("the same socket once more, on another path:", outcome(lambda: first.bind("other.sock")))
os.unlink("taken.sock")
