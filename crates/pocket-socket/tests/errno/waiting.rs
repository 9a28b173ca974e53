//! Nothing is wrong yet: a call that would have to wait, was interrupted, or has waited long enough.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::Signal;
use pocket_socket::{
    AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_STREAM, Socket, TCP_USER_TIMEOUT, create_connection,
    create_server, socket, socketpair,
};
use rustix::event::{PollFd, PollFlags, poll};

use crate::Situation;

const SHORT: Duration = Duration::from_millis(10);

pub const SITUATIONS: &[Situation] = &[
    Situation {
        entry: "EAGAIN",
        text: "a non-blocking `recv`, and nothing has arrived",
        happens: |_| {
            let (a, _b) = non_blocking_pair();
            a.recv(1).unwrap_err()
        },
    },
    Situation {
        entry: "EAGAIN",
        text: "a non-blocking `send`, and the buffers are full",
        happens: |_| {
            let (a, _b) = non_blocking_pair();
            loop {
                if let Err(error) = a.send(&[0; 65536]) {
                    return error;
                }
            }
        },
    },
    Situation {
        entry: "EAGAIN",
        text: "a non-blocking `accept`, and nobody is there",
        happens: |_| {
            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            server.set_nonblocking(true).unwrap();
            server.accept().unwrap_err()
        },
    },
    Situation {
        entry: "EAGAIN",
        text: "a non-blocking `connect` to a Unix socket whose backlog is full",
        happens: full_unix_backlog,
    },
    Situation {
        entry: "EAGAIN",
        text: "a non-blocking `send` to a Unix datagram socket whose queue is full",
        happens: |_| {
            let (here, _there) = UnixDatagram::pair().unwrap();
            here.set_nonblocking(true).unwrap();
            loop {
                if let Err(error) = here.send(b"x") {
                    break error;
                }
            }
        },
    },
    Situation {
        entry: "EAGAIN",
        text: "a `read` of Rust's `std` after its `set_read_timeout` has run out",
        happens: |_| {
            let (mut a, _b) = UnixStream::pair().unwrap();
            a.set_read_timeout(Some(SHORT)).unwrap();
            a.read(&mut [0]).unwrap_err()
        },
    },
    Situation {
        entry: "EINPROGRESS",
        text: "a non-blocking `connect` over TCP",
        happens: |_| {
            let server = create_server(("127.0.0.1", 0)).unwrap();
            let client = socket(AF_INET, SOCK_STREAM).unwrap();
            client.setblocking(false).unwrap();
            client.connect(server.getsockname().unwrap()).unwrap_err()
        },
    },
    Situation {
        entry: "EALREADY",
        text: "`connect` again while the first one is under way",
        happens: |_| {
            let server = full_tcp_backlog();
            let client = socket(AF_INET, SOCK_STREAM).unwrap();
            client.setblocking(false).unwrap();
            let address = server.0.getsockname().unwrap();
            client.connect(&address).unwrap_err();
            client.connect(&address).unwrap_err()
        },
    },
    Situation {
        entry: "EINTR",
        text: "a `read` with a timeout, when a signal is caught",
        happens: interrupted_read,
    },
    Situation {
        entry: "EINTR",
        text: "`poll` and its like, whenever a signal is caught",
        happens: |_| {
            let (a, _b) = UnixStream::pair().unwrap();
            interrupted(move || {
                let mut wanted = [PollFd::new(&a, PollFlags::IN)];
                poll(&mut wanted, None).unwrap_err().into()
            })
        },
    },
    Situation {
        entry: "ETIMEDOUT",
        text: "`connect`, and nobody answers",
        happens: |_| {
            let server = full_tcp_backlog();
            let client = socket(AF_INET, SOCK_STREAM).unwrap();
            give_up_soon(&client);
            client.connect(server.0.getsockname().unwrap()).unwrap_err()
        },
    },
    Situation {
        entry: "ETIMEDOUT",
        text: "`recv`, when what we sent was not acknowledged for `TCP_USER_TIMEOUT`",
        happens: not_taken,
    },
    Situation {
        entry: "TimedOut",
        text: "any call of Python's `socket` or of `pocket_socket` after `settimeout`",
        happens: |_| {
            let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
            a.settimeout(Some(SHORT)).unwrap();
            a.recv(1).unwrap_err()
        },
    },
    Situation {
        entry: "TimedOut",
        text: "`TcpStream::connect_timeout` of Rust's `std`",
        happens: |_| {
            let server = full_tcp_backlog();
            let address = server.0.getsockname().unwrap();
            let address = (address.ip().unwrap(), address.port().unwrap()).into();
            TcpStream::connect_timeout(&address, SHORT).unwrap_err()
        },
    },
];

fn non_blocking_pair() -> (Socket, Socket) {
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    a.setblocking(false).unwrap();
    (a, b)
}

fn full_unix_backlog(folder: &Path) -> io::Error {
    let path = folder.join("s");
    let server = socket(AF_UNIX, SOCK_STREAM).unwrap();
    server.bind(&path).unwrap();
    server.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let client = socket(AF_UNIX, SOCK_STREAM).unwrap();
        client.setblocking(false).unwrap();
        if let Err(error) = client.connect(&path) {
            return error;
        }
        waiting.push(client);
    }
}

/// A server that takes nobody more: further clients hear nothing. With it, the clients that wait.
fn full_tcp_backlog() -> (Socket, Vec<Socket>) {
    let server = socket(AF_INET, SOCK_STREAM).unwrap();
    server.bind(("127.0.0.1", 0)).unwrap();
    server.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let client = socket(AF_INET, SOCK_STREAM).unwrap();
        client.settimeout(Some(Duration::from_millis(200))).unwrap();
        let outcome = client.connect(server.getsockname().unwrap());
        waiting.push(client);
        if outcome.is_err() {
            return (server, waiting);
        }
    }
}

fn give_up_soon(socket: &Socket) {
    let milliseconds = 100;
    socket
        .setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds)
        .unwrap();
}

fn not_taken(_: &Path) -> io::Error {
    let server = create_server(("127.0.0.1", 0)).unwrap();
    let client = create_connection(server.getsockname().unwrap(), None).unwrap();
    let (_never_reads, _) = server.accept().unwrap();
    give_up_soon(&client);
    client.setblocking(false).unwrap();
    loop {
        match client.send(&[0; 65536]) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(early) => return early, // we were too slow ourselves
        }
    }
    client.setblocking(true).unwrap();
    client.recv(1).unwrap_err()
}

/// `signal-hook` installs its handlers with `SA_RESTART`; a call with a timeout of its own is
/// interrupted all the same: signal(7).
fn interrupted_read(_: &Path) -> io::Error {
    let (mut a, _b) = UnixStream::pair().unwrap();
    a.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    interrupted(move || a.read(&mut [0]).unwrap_err())
}

/// What a call fails with when a signal is caught while it waits.
fn interrupted(call: impl FnOnce() -> io::Error + Send + 'static) -> io::Error {
    let caught = Arc::new(AtomicBool::new(false));
    let handler = signal_hook::flag::register(Signal::SIGUSR1 as i32, caught).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(pthread_self()).unwrap();
        call()
    });
    let id = told.recv().unwrap();
    // One signal may come before the thread waits.
    while !waiting.is_finished() {
        pthread_kill(id, Signal::SIGUSR1).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    signal_hook::low_level::unregister(handler);
    waiting.join().unwrap()
}
