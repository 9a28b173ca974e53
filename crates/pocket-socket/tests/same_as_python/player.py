"""Plays the table of scenarios through Python's own socket module.

Usage: player.py TABLE. Prints one line a step, `outcome`, and `scenario NAME` before each scenario.
What the steps mean is told at the top of the table; the other player is player.rs.
"""

import errno
import faulthandler
import os
import select
import socket
import struct
import sys
import tempfile
import threading
import time


class Scenario:
    def __init__(self, folder):
        self.folder = folder
        self.sockets = {}
        self.drains = {}

    def play(self, names, verb, words):
        timeouts = [s.gettimeout() for s in self.sockets.values()]
        start = time.monotonic()
        try:
            return getattr(self, "do_" + verb)(names, *words)
        except Gone:
            return "EBADF"
        except socket.gaierror:
            return "name unknown"
        except TimeoutError as error:
            if error.errno is not None:
                return errno_name(error.errno)
            shortest = min((t for t in timeouts if t), default=0)
            return "timed out" if time.monotonic() - start >= shortest else "timed out early"
        except OSError as error:
            if error.errno is None:
                return "path too long" if "too long" in str(error) else repr(error)
            return errno_name(error.errno)

    def close_all(self):
        for s in self.sockets.values():
            s.close()

    # What the words of a step mean.

    def socket(self, name):
        s = self.sockets[name]
        if s.fileno() < 0:
            raise Gone
        return s

    def address(self, word):
        if word.startswith("@"):
            return self.socket(word[1:]).getsockname()
        if word.startswith("abstract:"):
            return b"\0" + f"pocket-{os.getpid()}-{word[9:]}".encode()
        if word == "autobind":
            return ""
        if word.startswith(("dir/", "long:")):
            return self.path(word)
        host, port = word.rsplit(":", 1)
        return host.strip("[]"), int(port)

    def path(self, word):
        if word.startswith("long:"):
            return self.folder + "/" + "x" * (int(word[5:]) - len(self.folder) - 1)
        return self.folder + word[3:]

    def show_address(self, address):
        if not address:
            return "unnamed"
        if isinstance(address, tuple):
            host = f"[{address[0]}]" if ":" in address[0] else address[0]
            return f"{host}:{'PORT' if address[1] else 0}"
        if isinstance(address, bytes):
            name, ours = address[1:].decode(), f"pocket-{os.getpid()}-"
            return f"abstract:{name.removeprefix(ours)}" if name.startswith(ours) else "abstract:(chosen)"
        return "dir" + address.removeprefix(self.folder)

    # The calls.

    def do_socket(self, names, family, kind):
        self.sockets[names[0]] = socket.socket(getattr(socket, family), getattr(socket, kind))
        return "ok"

    def do_bind(self, _, s, address):
        self.socket(s).bind(self.address(address))
        return "ok"

    def do_listen(self, _, s, backlog):
        self.socket(s).listen(int(backlog))
        return "ok"

    def do_accept(self, names, s):
        conn, address = self.socket(s).accept()
        self.sockets[names[0]] = conn
        return f"from {self.show_address(address)}"

    def do_connect(self, _, s, address):
        self.socket(s).connect(self.address(address))
        return "ok"

    def do_connect_ex(self, _, s, address):
        number = self.socket(s).connect_ex(self.address(address))
        return errno_name(number) if number else "0"

    def do_send(self, _, s, data, *flags):
        return str(self.socket(s).send(bytes_of(data), flags_of(flags)))

    def do_sendall(self, _, s, data):
        self.socket(s).sendall(bytes_of(data))
        return "ok"

    def do_sendto(self, _, s, data, address):
        return str(self.socket(s).sendto(bytes_of(data), self.address(address)))

    def do_recv(self, _, s, size, *flags):
        return show(self.socket(s).recv(int(size), flags_of(flags)))

    def do_recv_into(self, _, s, size):
        buffer = bytearray(int(size))
        n = self.socket(s).recv_into(buffer)
        return show(bytes(buffer[:n]))

    def do_recvfrom(self, _, s, size):
        data, address = self.socket(s).recvfrom(int(size))
        return f"{show(data)} from {self.show_address(address)}"

    def do_shutdown(self, _, s, how):
        self.socket(s).shutdown(getattr(socket, how))
        return "ok"

    def do_close(self, _, s):
        self.socket(s).close()
        return "ok"

    def do_settimeout(self, _, s, seconds):
        self.socket(s).settimeout(None if seconds == "none" else float(seconds))
        return "ok"

    def do_gettimeout(self, _, s):
        seconds = self.socket(s).gettimeout()
        return "none" if seconds is None else f"{seconds:g}"

    def do_setblocking(self, _, s, blocking):
        self.socket(s).setblocking(blocking == "true")
        return "ok"

    def do_getsockname(self, _, s):
        return self.show_address(self.socket(s).getsockname())

    def do_getpeername(self, _, s):
        return self.show_address(self.socket(s).getpeername())

    def do_peer_is(self, _, s, other):
        return str(self.socket(s).getpeername() == self.socket(other).getsockname()).lower()

    def do_setsockopt(self, _, s, level, option, value):
        if option == "SO_LINGER":
            value = struct.pack("ii", 0, 0) if value == "off" else struct.pack("ii", 1, int(value))
        elif option in ("SO_RCVTIMEO", "SO_SNDTIMEO"):
            value = struct.pack("ll", int(float(value)), int(float(value) % 1 * 1_000_000))
        else:
            value = int(value)
        self.socket(s).setsockopt(getattr(socket, level), getattr(socket, option), value)
        return "ok"

    def do_getsockopt(self, _, s, level, option):
        s, level, number = self.socket(s), getattr(socket, level), getattr(socket, option)
        if option == "SO_LINGER":
            on, seconds = struct.unpack("ii", s.getsockopt(level, number, 8))
            return str(seconds) if on else "off"
        if option in ("SO_RCVTIMEO", "SO_SNDTIMEO"):
            return str(struct.unpack("ll", s.getsockopt(level, number, 16))[0])
        if option == "SO_PEERCRED":
            pid, uid, gid = struct.unpack("3i", s.getsockopt(level, number, 12))
            ours = (pid, uid, gid) == (os.getpid(), os.geteuid(), os.getegid())
            return "this process" if ours else f"{pid} {uid} {gid}"
        value = s.getsockopt(level, number)
        return errno_name(value) if option == "SO_ERROR" and value else str(value)

    def do_fileno(self, _, s):
        return "open" if self.socket(s).fileno() > 2 else "closed"

    def do_dup(self, names, s):
        self.sockets[names[0]] = self.socket(s).dup()
        return "ok"

    def do_socketpair(self, names, family, kind):
        pair = socket.socketpair(getattr(socket, family), getattr(socket, kind))
        self.sockets[names[0]], self.sockets[names[1]] = pair
        return "ok"

    def do_create_server(self, names, address):
        address = self.address(address)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sockets[names[0]] = socket.create_server(address, family=family)
        return "ok"

    def do_create_connection(self, names, address, timeout="none"):
        timeout = None if timeout == "none" else float(timeout)
        address = self.address(address)[:2]
        self.sockets[names[0]] = socket.create_connection(address, timeout=timeout)
        return "ok"

    def do_getaddrinfo(self, _, host, port):
        infos = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        return " ".join(f"{info[0].name} {info[4][0]} {info[4][1]}" for info in infos)

    def do_send_fds(self, _, s, data, *passed):
        fds = [self.socket(name).fileno() for name in passed]
        return str(socket.send_fds(self.socket(s), [bytes_of(data)], fds))

    def do_recv_fds(self, names, s, size, maxfds):
        data, fds, flags, address = socket.recv_fds(self.socket(s), int(size), int(maxfds))
        for name, fd in zip(names, fds):
            self.sockets[name] = socket.socket(fileno=fd)
        told = [name for name in ("MSG_CTRUNC", "MSG_TRUNC") if flags & getattr(socket, name)]
        sender = self.show_address(address)
        return " ".join([show(data), f"{len(fds)} fds", *told, "from", sender])

    def do_constant(self, _, name):
        return str(int(getattr(socket, name)))

    # What scenarios need besides.

    def do_fill(self, _, s):
        """Sends until no more fits."""
        try:
            while True:
                self.socket(s).send(bytes(4096), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return "full"

    def do_drain(self, _, s):
        """Starts a thread that receives until the end of stream."""
        copy = self.socket(s).dup()
        total = []

        def drain():
            with copy:
                while data := copy.recv(65536):
                    total.append(len(data))

        thread = threading.Thread(target=drain, daemon=True)
        thread.start()
        self.drains[s] = thread, total
        return "ok"

    def do_drained(self, _, s):
        """How much it has received."""
        thread, total = self.drains.pop(s)
        thread.join()
        return str(sum(total))

    def do_wait(self, _, s, event):
        """Until the socket is ready, at most ten seconds."""
        poll = select.poll()
        poll.register(self.socket(s), select.POLLIN if event == "in" else select.POLLOUT)
        return "ready" if poll.poll(10_000) else "not ready"

    def do_file(self, _, path):
        """Makes a regular file."""
        open(self.path(path), "x").close()
        return "ok"

    def do_unlink(self, _, path):
        os.unlink(self.path(path))
        return "ok"

    def do_exists(self, _, path):
        return str(os.path.lexists(self.path(path))).lower()


class Gone(Exception):
    """The socket was closed."""


def errno_name(number):
    return "EOPNOTSUPP" if number == errno.EOPNOTSUPP else errno.errorcode[number]


def bytes_of(word):
    letter, star, count = word.partition("*")
    return (letter * int(count) if star else "" if word == "nothing" else word).encode()


def show(data):
    return f"{len(data)} bytes" if len(data) > 40 else f'b"{data.decode()}"'


def flags_of(names):
    flags = 0
    for name in names:
        flags |= getattr(socket, name)
    return flags


def main():
    faulthandler.dump_traceback_later(60, exit=True)
    scenario, folder = None, None
    with open(sys.argv[1], encoding="utf-8") as table:
        lines = table.readlines()
    for line in lines:
        line = line.partition("#")[0].strip()
        if line.startswith("scenario "):
            if scenario:
                scenario.close_all()
            print(line)
            folder = tempfile.TemporaryDirectory(prefix="pocket-")
            scenario = Scenario(folder.name)
        elif line:
            step = line.partition("=>")[0].split()
            names = []
            if "=" in step:
                names, step = step[: step.index("=")], step[step.index("=") + 1 :]
            print(scenario.play(names, step[0], step[1:]))


main()
