"""Chapter 12: so many clients that say nothing; and what they cost a server, by its process id."""

import os
import socket
import sys
import time

pid, count = int(sys.argv[1]), int(sys.argv[2])


def processor_time():
    """Seconds of user and system time: fields 14 and 15 of proc(5)'s stat."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


clients = [socket.create_connection(("127.0.0.1", 7878)) for _ in range(count)]
clients[-1].sendall(b"hello\n")
print(f"{count} clients, one of them {clients[-1].recv(100).decode().strip()}")
before = processor_time()
time.sleep(1)
threads = len(os.listdir(f"/proc/{pid}/task"))
print(f"{threads} thread(s), {processor_time() - before:.2f} s of processor time in the next 1.0 s")
