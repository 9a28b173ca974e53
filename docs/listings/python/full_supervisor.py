"""How many messages does a supervisor's socket hold that nobody reads? (Linux)"""

import socket

supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
supervisor.bind("\0supervisor")
program = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
# ANCHOR: fill
program.setblocking(False)
said = 0
try:
    while True:
        program.sendto(b"WATCHDOG=1", "\0supervisor")
        said += 1
except BlockingIOError as error:
    print(said, "messages, and then:", error)
# ANCHOR_END: fill
