"""Chapter 17: a test that is green, a hundred times, whatever the server does with a cut frame."""

import socket

HELLO = b"\0\0\0\5hello"


# ANCHOR: test
def test_echo():
    with socket.create_connection(("127.0.0.1", 7878)) as server:
        server.sendall(HELLO)
        reply = server.recv(1024)
        assert reply == HELLO, reply
# ANCHOR_END: test


passed = 0
for _ in range(100):
    test_echo()
    passed += 1
print(f"{passed} times green")
