"""Chapter 18: says hello to this book's server twice, over one connection, and leaves when the server has seen that."""

import socket

PREAMBLE, HELLO = b"PSK\x01", b"\0\0\0\x06\x01hello"

with socket.create_connection(("127.0.0.1", 7878)) as server:
    for request in (PREAMBLE + HELLO, HELLO):
        server.sendall(request)
        print(server.recv(100))
    server.shutdown(socket.SHUT_WR)
    server.recv(100)
