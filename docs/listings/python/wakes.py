"""A thread sleeps in accept or recv. Which call of another thread wakes it? (Linux)"""

import errno
import socket
import threading
import time


def asleep(s, call):
    """Starts a thread that makes the call on s, and returns when the kernel has put it to sleep."""

    def run():
        try:
            print("  it returned", call())
        except OSError as error:
            print("  it failed with", errno.errorcode[error.errno])

    descriptor = hex(s.fileno())
    thread = threading.Thread(target=run)
    thread.start()
    while True:  # proc_pid_syscall(5): the call's number, then its arguments
        with open(f"/proc/self/task/{thread.native_id}/syscall") as file:
            words = file.read().split()
        if words[1:2] == [descriptor]:
            return thread
        time.sleep(0.01)


# ANCHOR: wake
one_end, other_end = socket.socketpair()
reader = asleep(one_end, lambda: one_end.recv(1024))
one_end.close()
reader.join(0.5)
print("closed, and the reader still sleeps:", reader.is_alive())
other_end.send(b"late")
reader.join()

one_end, other_end = socket.socketpair()
reader = asleep(one_end, lambda: one_end.recv(1024))
one_end.shutdown(socket.SHUT_RDWR)
reader.join()

listener = socket.create_server(("127.0.0.1", 0))
acceptor = asleep(listener, listener.accept)
listener.shutdown(socket.SHUT_RDWR)
acceptor.join()
# ANCHOR_END: wake
