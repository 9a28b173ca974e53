"""Sends a line over TLS, and prints how it was encrypted and what came back."""

import socket
import ssl
import sys

# ANCHOR: whom
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
# ANCHOR_END: whom

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
with context.wrap_socket(connection, server_hostname="pocket.test") as tls:
    tls.sendall(b"a secret\n")
    print(tls.version(), tls.cipher()[0], tls.recv(100))
    tls.unwrap()
