"""Chapter 10: a client that comes, and leaves without a word."""

import socket

socket.create_connection(("127.0.0.1", 7878)).close()
