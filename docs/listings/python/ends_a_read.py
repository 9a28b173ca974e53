"""What reads return after shutdown(SHUT_RD): all that had arrived, then the end. On either family."""

import socket


def unix_pair():
    return socket.socketpair()


def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return listener.accept()[0], client


# ANCHOR: ends
def ends_a_read(server, client):
    client.sendall(b"one two")
    server.recv(3)
    server.shutdown(socket.SHUT_RD)
    print("  it reads", server.recv(100), "and then", server.recv(100))
    try:
        client.sendall(b"three")
        print("  what comes late is taken, and read as", server.recv(100))
    except BrokenPipeError:
        print("  what comes late is refused: EPIPE")
# ANCHOR_END: ends


for make in (unix_pair, tcp_pair):
    print(make.__name__)
    ends_a_read(*make())
