"""Chapter 17: a hundred questions on a busy machine, and two ways to wait for the answers.

Usage: sleep_or_event.py [MILLISECONDS]
"""

import multiprocessing
import os
import socket
import sys
import time

pause = int(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.01


def serve(stream):
    """Echoes, with the lowest priority: one of a hundred programs that want the processor."""
    os.nice(19)
    while data := stream.recv(1024):
        stream.sendall(data)


def burn():
    while True:
        pass


def sleeps(stream):
    # ANCHOR: sleep
    stream.send(b"x")
    time.sleep(pause)
    try:
        return stream.recv(1, socket.MSG_DONTWAIT) == b"x"
    except BlockingIOError:
        return False
    # ANCHOR_END: sleep


def waits(stream):
    # ANCHOR: event
    stream.settimeout(10)
    stream.send(b"x")
    return stream.recv(1) == b"x"
    # ANCHOR_END: event


if __name__ == "__main__":
    burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(os.cpu_count())]
    for burner in burners:
        burner.start()
    for test in sleeps, waits:
        passed = 0
        for _ in range(100):
            ours, theirs = socket.socketpair()
            with ours, theirs:
                server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
                server.start()
                theirs.close()
                ours.send(b"?")
                ours.recv(1)  # it is there
                passed += test(ours)
            server.kill()
            server.join()
        print(f"{test.__name__}: {passed} of 100")
