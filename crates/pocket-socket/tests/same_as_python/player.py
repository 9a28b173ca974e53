"""Plays the table of scenarios through Python's own socket module.

Usage: player.py TABLE. Prints one line a step, `outcome`, and `scenario NAME` before each scenario.
What the steps mean is told at the top of the table; the other player is player.rs.
"""

import array
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
        except (OverflowError, ValueError):
            return "invalid"

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

    def do_socket(self, names, family, kind, proto="0"):
        proto = int(proto) if proto.isdigit() else getattr(socket, proto)
        self.sockets[names[0]] = socket.socket(getattr(socket, family), kind_of(kind), proto)
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

    def do_sendall(self, _, s, data, *flags):
        self.socket(s).sendall(bytes_of(data), flags_of(flags))
        return "ok"

    def do_sendto(self, _, s, data, address, *flags):
        return str(self.socket(s).sendto(bytes_of(data), flags_of(flags), self.address(address)))

    def do_recv(self, _, s, size, *flags):
        return show(self.socket(s).recv(int(size), flags_of(flags)))

    def do_recv_into(self, _, s, size, *flags):
        buffer = bytearray(int(size))
        n = self.socket(s).recv_into(buffer, 0, flags_of(flags))
        return show(bytes(buffer[:n]))

    def do_recvfrom(self, _, s, size, *flags):
        data, address = self.socket(s).recvfrom(int(size), flags_of(flags))
        return f"{show(data)} from {self.show_address(address)}"

    def do_recvfrom_into(self, _, s, size, *flags):
        buffer = bytearray(int(size))
        n, address = self.socket(s).recvfrom_into(buffer, 0, flags_of(flags))
        return f"{show(bytes(buffer[:n]))} from {self.show_address(address)}"

    def do_sendmsg(self, _, s, data, *words):
        passed = [self.socket(name).fileno() for name in after("fds:", words)]
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))
        address = [self.address(word) for word in after("to:", words)]
        flags = flags_of(word for word in words if word.startswith("MSG_"))
        buffers = [bytes_of(word) for word in data.split(",")]
        return str(self.socket(s).sendmsg(buffers, [rights] if passed else [], flags, *address))

    def do_recvmsg(self, names, s, size, room, *flags):
        message = self.socket(s).recvmsg(int(size), room_of(room), flags_of(flags))
        return self.message(names, *message)

    def do_recvmsg_into(self, names, s, sizes, room, *flags):
        buffers = [bytearray(int(size)) for size in sizes.split(",")]
        n, *rest = self.socket(s).recvmsg_into(buffers, room_of(room), flags_of(flags))
        return self.message(names, b"".join(buffers)[:n], *rest)

    def message(self, names, data, ancdata, flags, address):
        said = [show(data)]
        for level, kind, bits in ancdata:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds = array.array("i", bits[: len(bits) - len(bits) % 4])
                said.append(f"{len(fds)} fds")
                kept = min(len(names), len(fds))
                for name, fd in zip(names, fds):
                    self.sockets[name] = socket.socket(fileno=fd)
                for fd in fds[kept:]:
                    os.close(fd)
            elif len(bits) == 12:  # what was cut is not shown; MSG_CTRUNC tells
                sender = struct.unpack("3i", bits)
                ours = (os.getpid(), os.geteuid(), os.getegid())
                said.append("sent by this process" if sender == ours else f"sent by {sender}")
        said += [name for name in ("MSG_CTRUNC", "MSG_TRUNC") if flags & getattr(socket, name)]
        return " ".join([*said, "from", self.show_address(address)])

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

    def do_getblocking(self, _, s):
        return str(self.socket(s).getblocking()).lower()

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
        pair = socket.socketpair(getattr(socket, family), kind_of(kind))
        self.sockets[names[0]], self.sockets[names[1]] = pair
        return "ok"

    def do_create_server(self, names, address, *settings):
        address = self.address(address)
        settings = {word: value for word, _, value in (word.partition("=") for word in settings)}
        numbers = {word: int(value) for word, value in settings.items() if word != "family"}
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        family = getattr(socket, settings["family"]) if "family" in settings else family
        self.sockets[names[0]] = socket.create_server(address, family=family, **numbers)
        return "ok"

    def do_create_connection(self, names, address, timeout="none", source=None):
        timeout = None if timeout == "none" else float(timeout)
        address = self.address(address)[:2]
        source = source and self.address(source)
        self.sockets[names[0]] = socket.create_connection(address, timeout, source)
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

    def do_has_ipv6(self, _):
        return str(socket.has_ipv6).lower()

    def do_CMSG_LEN(self, _, length):
        return str(socket.CMSG_LEN(int(length)))

    def do_CMSG_SPACE(self, _, length):
        return str(socket.CMSG_SPACE(int(length)))

    # What scenarios need besides.

    def do_os_set_blocking(self, _, s):
        """Turns the switch of the descriptor back, behind the socket's back."""
        os.set_blocking(self.socket(s).fileno(), True)
        return "ok"

    def do_fill_to(self, _, s, address):
        """Sends datagrams until no more fits at the other end."""
        try:
            while True:
                self.socket(s).sendto(b"x", socket.MSG_DONTWAIT, self.address(address))
        except BlockingIOError:
            return "full"

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


def kind_of(word):
    kind = 0
    for name in word.split("|"):
        kind |= getattr(socket, name)
    return kind


def room_of(word):
    function, _, length = word.rpartition(":")
    return getattr(socket, function)(int(length)) if function else int(length)


def after(mark, words):
    return [name for word in words if word.startswith(mark) for name in word[len(mark) :].split(",")]


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
