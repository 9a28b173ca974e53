"""Chapter 17: the same question, then half a frame and the end."""

import socket

HELLO = b"\0\0\0\5hello"


def receive_all(server):
    """What comes until the end of the stream, in whatever pieces."""
    got = b""
    while more := server.recv(1024):
        got += more
    return got


with socket.create_connection(("127.0.0.1", 7878)) as server:
    server.settimeout(10)
    # ANCHOR: cut
    server.sendall(HELLO + HELLO[:7])
    server.shutdown(socket.SHUT_WR)
    reply = receive_all(server)
    print("green" if reply == HELLO else f"broken: {reply}")
    # ANCHOR_END: cut
