"""Chapters 12 and 13: many clients that say nothing, except the last, and what they cost a server.

Usage: crowd.py PID CLIENTS [psk]; with psk the last one speaks this book's protocol, else it sends a line.
"""

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
frames = sys.argv[3:] == ["psk"]
clients[-1].sendall(b"PSK\x01\0\0\0\x06\x01hello" if frames else b"hello\n")
accepted = clients[-1].recv(100) == (b"\0\0\0\x01\x81" if frames else b"accepted\n")
print(f"{count} clients, one of them {'accepted' if accepted else 'not understood'}")
before = processor_time()
time.sleep(1)
threads = len(os.listdir(f"/proc/{pid}/task"))
print(f"{threads} thread(s), {processor_time() - before:.2f} s of processor time in the next 1.0 s")
