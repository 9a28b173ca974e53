"""The same call, to two addresses at which no server takes the connection."""
import socket, time

listener = socket.socket()
listener.bind(("127.0.0.2", 0))
listener.listen(0)
hole = listener.getsockname()
first = socket.create_connection(hole)  # now its queue is full
nobody = socket.socket()
nobody.bind(("127.0.0.1", 0))  # bound, and not listening

for address in nobody.getsockname(), hole:
    began = time.monotonic()
    try:
        socket.create_connection(address, timeout=2)
    except OSError as error:
        print(f"{address[0]} {error}, after {time.monotonic() - began:.0f} s")
