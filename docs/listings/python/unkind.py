"""Chapter 17: the same test, with one and a half frames in one write."""

import socket

HELLO = b"\0\0\0\5hello"


def receive(server, size):
    """So many bytes, in whatever pieces they come; fewer only at the end of the stream."""
    got = b""
    while len(got) < size and (more := server.recv(size - len(got))):
        got += more
    return got


with socket.create_connection(("127.0.0.1", 7878)) as server:
    server.settimeout(10)
    # ANCHOR: cut
    server.sendall(HELLO + HELLO[:7])
    assert receive(server, 9) == HELLO
    # What came in the same write has been read by now, or waits to be.
    server.sendall(HELLO[7:])
    reply = receive(server, 9)
    print("green" if reply == HELLO else f"broken: {reply}")
    # ANCHOR_END: cut
