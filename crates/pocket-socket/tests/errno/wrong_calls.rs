//! A call that this socket doesn't have, a descriptor that is none, and no descriptor left.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use pocket_socket::{
    AF_INET, AF_UNIX, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM,
    Socket, TCP_NODELAY, socket, socket_with,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Situation;

pub const SITUATIONS: &[Situation] = &[
    Situation {
        entry: "EBADF",
        text: "any call on a descriptor that is closed",
        happens: |_| {
            let s = socket(AF_INET, SOCK_STREAM).unwrap();
            // Behind the socket's back, as code that closes twice does it to others.
            nix::unistd::close(s.fileno()).unwrap();
            let error = s.recv(1).unwrap_err();
            s.close().unwrap_err();
            error
        },
    },
    Situation {
        entry: "ENOTSOCK",
        text: "a socket's call on a descriptor that is a file or a pipe",
        happens: |_| {
            let (reader, _writer) = io::pipe().unwrap();
            Socket::from(OwnedFd::from(reader)).recv(1).unwrap_err()
        },
    },
    Situation {
        entry: "EOPNOTSUPP",
        text: "`listen` or `accept` on a datagram socket",
        happens: |_| {
            let s = socket(AF_INET, SOCK_DGRAM).unwrap();
            let listen = s.listen(1).unwrap_err();
            let accept = s.accept().unwrap_err();
            assert_eq!(listen.raw_os_error(), accept.raw_os_error());
            accept
        },
    },
    Situation {
        entry: "EOPNOTSUPP",
        text: "`setsockopt` of `TCP_NODELAY` on a Unix socket",
        happens: |_| {
            let s = socket(AF_UNIX, SOCK_STREAM).unwrap();
            s.setsockopt(IPPROTO_TCP, TCP_NODELAY, true).unwrap_err()
        },
    },
    Situation {
        entry: "ENOPROTOOPT",
        text: "`setsockopt` of `TCP_NODELAY` on a UDP socket",
        happens: |_| {
            let s = socket(AF_INET, SOCK_DGRAM).unwrap();
            s.setsockopt(IPPROTO_TCP, TCP_NODELAY, true).unwrap_err()
        },
    },
    Situation {
        entry: "EAFNOSUPPORT",
        text: "`connect` of an `AF_INET` socket to an IPv6 address",
        happens: |_| {
            let s = socket(AF_INET, SOCK_STREAM).unwrap();
            s.connect(("::1", 9)).unwrap_err()
        },
    },
    Situation {
        entry: "EPROTONOSUPPORT",
        text: "`socket` with `SOCK_RAW` and no protocol",
        happens: |_| socket(AF_INET, SOCK_RAW).unwrap_err(),
    },
    Situation {
        entry: "EPROTONOSUPPORT",
        text: "`socket` with a protocol that its type does not have",
        happens: |_| socket_with(AF_INET, SOCK_STREAM, IPPROTO_UDP).unwrap_err(),
    },
    Situation {
        entry: "ESOCKTNOSUPPORT",
        text: "`socket` with a family and a type that do not go together",
        happens: |_| socket(AF_INET, SOCK_SEQPACKET).unwrap_err(),
    },
    Situation {
        entry: "EMFILE",
        text: "`socket`, `accept` or `open` when the process has no descriptor left",
        happens: no_descriptor_left,
    },
];

fn no_descriptor_left(_: &Path) -> io::Error {
    with_few_descriptors(|| {
        let mut sockets = Vec::new();
        loop {
            match socket(AF_UNIX, SOCK_STREAM) {
                Ok(socket) => sockets.push(socket),
                Err(error) => break error,
            }
        }
    })
}

/// What fails where `ulimit -n` is 64.
pub fn with_few_descriptors(fails: impl FnOnce() -> io::Error) -> io::Error {
    let limit = getrlimit(Resource::Nofile);
    let low = Rlimit {
        current: Some(64),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, low).unwrap();
    let error = fails();
    setrlimit(Resource::Nofile, limit).unwrap();
    error
}
