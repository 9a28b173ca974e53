//! Nobody is there, or they won't let us in.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use pocket_socket::{
    AF_INET, AF_UNIX, IPPROTO_ICMP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, socket, socket_with,
};
use rustix::process::{Uid, getuid};
use rustix::thread::set_thread_res_uid;

use crate::Situation;

pub const SITUATIONS: &[Situation] = &[
    Situation {
        entry: "ECONNREFUSED",
        text: "`connect` to a port where nothing is listening",
        happens: |_| {
            // Its own, so that no one else can listen there.
            let bound = socket(AF_INET, SOCK_STREAM).unwrap();
            bound.bind(("127.0.0.1", 0)).unwrap();
            let client = socket(AF_INET, SOCK_STREAM).unwrap();
            client.connect(bound.getsockname().unwrap()).unwrap_err()
        },
    },
    Situation {
        entry: "ECONNREFUSED",
        text: "`connect` to the path of a server that is gone",
        happens: |folder| {
            drop(UnixListener::bind(folder.join("s")).unwrap());
            UnixStream::connect(folder.join("s")).unwrap_err()
        },
    },
    Situation {
        entry: "ECONNREFUSED",
        text: "`connect` to the path of an ordinary file",
        happens: |folder| {
            File::create(folder.join("plain")).unwrap();
            UnixStream::connect(folder.join("plain")).unwrap_err()
        },
    },
    Situation {
        entry: "ECONNREFUSED",
        text: "`connect` to the path of a server that has not called `listen` yet",
        happens: |folder| {
            let server = socket(AF_UNIX, SOCK_STREAM).unwrap();
            server.bind(folder.join("s").as_path()).unwrap();
            UnixStream::connect(folder.join("s")).unwrap_err()
        },
    },
    Situation {
        entry: "ECONNREFUSED",
        text: "`recv` on a connected UDP socket, when nothing received the last datagram",
        happens: nobody_took_it,
    },
    Situation {
        entry: "ECONNREFUSED",
        text: "`send` on a Unix datagram socket whose peer is gone",
        happens: |folder| {
            let peer = UnixDatagram::bind(folder.join("s")).unwrap();
            let sender = UnixDatagram::unbound().unwrap();
            sender.connect(folder.join("s")).unwrap();
            drop(peer);
            let error = sender.send(b"hello").unwrap_err();
            let later = sender.send(b"hello").unwrap_err();
            assert_eq!(later.kind(), io::ErrorKind::NotConnected, "{later:?}");
            error
        },
    },
    Situation {
        entry: "ENOENT",
        text: "`connect` to a path that does not exist",
        happens: |folder| UnixStream::connect(folder.join("s")).unwrap_err(),
    },
    Situation {
        entry: "ENOENT",
        text: "`bind` to a path in a folder that does not exist",
        happens: |folder| UnixListener::bind(folder.join("no-folder/s")).unwrap_err(),
    },
    Situation {
        entry: "ENXIO",
        text: "`open` of a socket's path",
        happens: |folder| {
            let _server = UnixListener::bind(folder.join("s")).unwrap();
            File::open(folder.join("s")).unwrap_err()
        },
    },
    Situation {
        entry: "EACCES",
        text: "`connect` to a path whose mode does not let you write",
        happens: |folder| {
            let _server = UnixListener::bind(folder.join("s")).unwrap();
            std::fs::set_permissions(folder.join("s"), Permissions::from_mode(0o444)).unwrap();
            unprivileged(|| UnixStream::connect(folder.join("s")).unwrap_err())
        },
    },
    Situation {
        entry: "EACCES",
        text: "`bind` to a path in a folder that you may not write in",
        happens: |folder| {
            std::fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
            unprivileged(|| UnixListener::bind(folder.join("s")).unwrap_err())
        },
    },
    Situation {
        entry: "EACCES",
        text: "`sendto` a broadcast address without `SO_BROADCAST`",
        happens: |_| {
            let s = socket(AF_INET, SOCK_DGRAM).unwrap();
            s.sendto(b"hello", ("127.255.255.255", 9)).unwrap_err()
        },
    },
    Situation {
        entry: "EPERM",
        text: "`socket` with `SOCK_RAW`, without the privilege",
        happens: |_| unprivileged(|| socket_with(AF_INET, SOCK_RAW, IPPROTO_ICMP).unwrap_err()),
    },
    Situation {
        entry: "EPERM",
        text: "`connect` to a Unix datagram socket that is connected to another",
        happens: |folder| {
            let path = |name| folder.join(name);
            let _other = UnixDatagram::bind(path("other")).unwrap();
            let taken = UnixDatagram::bind(path("taken")).unwrap();
            taken.connect(path("other")).unwrap();
            let s = UnixDatagram::unbound().unwrap();
            s.connect(path("taken")).unwrap_err()
        },
    },
    Situation {
        entry: "EPROTOTYPE",
        text: "`connect` of a stream socket to the path of a datagram socket",
        happens: |folder| {
            let _server = UnixDatagram::bind(folder.join("s")).unwrap();
            let client = socket(AF_UNIX, SOCK_STREAM).unwrap();
            client.connect(folder.join("s").as_path()).unwrap_err()
        },
    },
    Situation {
        entry: "ENETUNREACH",
        text: "`connect` over TCP to a broadcast address",
        happens: |_| {
            let client = socket(AF_INET, SOCK_STREAM).unwrap();
            client.connect(("127.255.255.255", 9)).unwrap_err()
        },
    },
];

/// A UDP socket that is connected takes datagrams from its peer only: ours find nobody.
fn nobody_took_it(_: &Path) -> io::Error {
    let deaf = socket(AF_INET, SOCK_DGRAM).unwrap();
    deaf.bind(("127.0.0.1", 0)).unwrap();
    deaf.connect(("127.0.0.1", 9)).unwrap();
    let s = socket(AF_INET, SOCK_DGRAM).unwrap();
    s.connect(deaf.getsockname().unwrap()).unwrap();
    s.send(b"hello").unwrap();
    s.recv(1024).unwrap_err()
}

/// Runs in a thread whose user is not root. Linux has users by thread; capabilities go with the
/// effective one: capabilities(7).
pub fn unprivileged(attempt: impl FnOnce() -> io::Error + Send) -> io::Error {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if getuid().is_root() {
                set_thread_res_uid(None, Uid::from_raw(65534), None).unwrap();
            }
            attempt()
        });
        thread.join().unwrap()
    })
}
