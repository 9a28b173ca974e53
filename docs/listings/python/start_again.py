"""A server that ends first, and the next one at its port: on Linux both need SO_REUSEADDR."""

import errno
import socket


def server(reuse, port=0):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    s.bind(("127.0.0.1", port))
    s.listen()
    return s


# ANCHOR: again
for old in (False, True):
    for new in (False, True):
        first = server(reuse=old)
        address = first.getsockname()
        client = socket.create_connection(address)
        first.accept()[0].close()  # the server hangs up first,
        client.recv(1)
        client.close()
        first.close()
        try:
            server(reuse=new, port=address[1])  # and starts again
            outcome = "starts"
        except OSError as error:
            outcome = errno.errorcode[error.errno]
        print(f"old one set it: {old}, new one sets it: {new} ->", outcome)
# ANCHOR_END: again
