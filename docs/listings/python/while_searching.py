"""Chapter 18: fills the store, has one client search it, and sees how long two others wait meanwhile."""

import selectors
import socket
import struct
import time

VALUES, SIZE = 200, 250_000


def frame(kind, body):
    return struct.pack(">IB", len(body) + 1, kind) + body


def read_exactly(client, count):
    data = b""
    while len(data) < count:
        data += client.recv(count - len(data)) or exit("the server hung up")
    return data


def reply(client):
    (length,) = struct.unpack(">I", read_exactly(client, 4))
    return read_exactly(client, length)


def connect():
    client = socket.create_connection(("127.0.0.1", 7879))
    client.sendall(b"PSK\x01" + frame(0x11, b"color\0green"))
    reply(client)
    return client


filler, searcher, first, second = (connect() for _ in range(4))
for number in range(VALUES):
    filler.sendall(frame(0x11, b"%d\0" % number + bytes([97 + number % 26]) * SIZE))
    reply(filler)

began = time.monotonic()
searcher.sendall(frame(0x13, b"green"))
time.sleep(0.1)
first.sendall(frame(0x10, b"color"))
second.sendall(frame(0x10, b"color"))
ready = selectors.DefaultSelector()
for name, client in (("the search", searcher), ("another client", first), ("a third one", second)):
    ready.register(client, selectors.EVENT_READ, name)
took = {}
while len(took) < 3:
    for key, _ in ready.select():
        reply(key.fileobj)
        took[key.data] = time.monotonic() - began - 0.1 * (key.fileobj != searcher)
        ready.unregister(key.fileobj)
for name in ("the search", "another client", "a third one"):
    print(f"{name} was answered after {took[name]:.2f} s")
