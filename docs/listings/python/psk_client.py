#!/usr/bin/env python3
"""A client for the servers of this book, with Python's socket and struct alone.

    psk_client.py 127.0.0.1:7878 say hello
    psk_client.py /run/user/1000/pocket-sockets.sock whoami
"""

import socket
import struct
import sys

# ANCHOR: numbers
PREAMBLE = b"PSK\x01"
SAY, ECHO, WHO_AM_I, STATS, CLOSE = 0x01, 0x02, 0x03, 0x04, 0x05
ACCEPTED, ECHOED, PEER, COUNTERS, CLOSED, ERROR = 0x81, 0x82, 0x83, 0x84, 0x85, 0xFF
LARGEST_FRAME = 256 * 1024
# ANCHOR_END: numbers


class Refused(Exception):
    """The server answered with an error: a number for programs, a text for people."""


# ANCHOR: connect
def connect(address, timeout=10):
    """Connects to HOST:PORT, or to a path, which has a slash in it."""
    if "/" in address:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(address)
    else:
        host, port = address.rsplit(":", 1)
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout)
    connection.sendall(PREAMBLE)
    return connection
# ANCHOR_END: connect


# ANCHOR: frame
def send_frame(connection, kind, body=b""):
    # ">IB": big-endian, 4 bytes of length, 1 byte of kind. The length counts the kind, too.
    connection.sendall(struct.pack(">IB", len(body) + 1, kind) + body)


def receive_frame(connection):
    (length,) = struct.unpack(">I", receive_exactly(connection, 4))
    if not 1 <= length <= LARGEST_FRAME:
        raise ValueError(f"a frame of {length} bytes: the peer speaks another protocol")
    frame = receive_exactly(connection, length)
    return frame[0], frame[1:]
# ANCHOR_END: frame


# ANCHOR: exactly
def receive_exactly(connection, size):
    """recv returns what has come so far, so it takes a loop to get all of it."""
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise EOFError(f"the stream ended after {len(received)} of {size} bytes")
        received += piece
    return received
# ANCHOR_END: exactly


# ANCHOR: call
def call(connection, kind, body=b""):
    send_frame(connection, kind, body)
    kind, body = receive_frame(connection)
    if kind == ERROR:
        (code,) = struct.unpack(">H", body[:2])
        raise Refused(code, body[2:].decode())
    return kind, body


def say(connection, text):
    return call(connection, SAY, text.encode()) == (ACCEPTED, b"")


def echo(connection, data):
    return call(connection, ECHO, data)[1]


def who_am_i(connection):
    return call(connection, WHO_AM_I)[1].decode()


def stats(connection):
    """Connections now, connections ever, requests, milliseconds since the server started."""
    return struct.unpack(">IQQQ", call(connection, STATS)[1])


def close(connection):
    return call(connection, CLOSE) == (CLOSED, b"")
# ANCHOR_END: call


def main(address, command, argument=""):
    with connect(address) as connection:
        if command == "say":
            print("accepted" if say(connection, argument) else "not accepted")
        elif command == "echo":
            print(echo(connection, argument.encode()).decode())
        elif command == "whoami":
            print(who_am_i(connection))
        elif command == "stats":
            print(*stats(connection))
        elif command == "close":
            print("closed" if close(connection) else "not closed")
        else:
            sys.exit(f"{command}: not one of say, echo, whoami, stats, close")


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__.strip())
    try:
        main(*sys.argv[1:])
    except Refused as error:
        code, text = error.args
        sys.exit(f"refused with error {code}: {text!r}")
    except (OSError, EOFError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
