"""A client that asks and takes no answer, so that its server has work left when it is told to end.

Usage: takes_nothing.py PID, of a tcp-server at its default address.
"""

import os
import select
import signal
import sys

from psk_client import ECHO, connect, send_frame

client = connect("127.0.0.1:7878", timeout=0.5)
try:
    while True:
        send_frame(client, ECHO, b"x" * 100_000)
except TimeoutError:
    print("the server takes no more")
server = os.pidfd_open(int(sys.argv[1]))
signal.pidfd_send_signal(server, signal.SIGTERM)
select.select([server], [], [])  # it has ended
