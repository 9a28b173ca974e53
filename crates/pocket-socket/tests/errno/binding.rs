//! The address cannot be had.

use std::fs::{File, read_to_string};
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use pocket_socket::{
    AF_INET, AF_UNIX, SHUT_RDWR, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, Socket, socket,
};

use crate::Situation;
use crate::connecting::unprivileged;

pub const LOW_PORT: &str = "`bind` to a port below 1024 without the privilege";

pub const SITUATIONS: &[Situation] = &[
    Situation {
        entry: "EADDRINUSE",
        text: "`bind` to a port where another program is listening",
        happens: |_| {
            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            TcpListener::bind(server.local_addr().unwrap()).unwrap_err()
        },
    },
    Situation {
        entry: "EADDRINUSE",
        text: "`bind` to the port of a server that has ended, without `SO_REUSEADDR`",
        happens: |_| restarted_at_once(false),
    },
    Situation {
        entry: "EADDRINUSE",
        text: "`bind` with `SO_REUSEADDR` to the port of a server that ended without it",
        happens: |_| restarted_at_once(true),
    },
    Situation {
        entry: "EADDRINUSE",
        text: "`bind` to the path of a server, running or gone",
        happens: |folder| {
            let server = UnixListener::bind(folder.join("s")).unwrap();
            let running = UnixListener::bind(folder.join("s")).unwrap_err();
            drop(server);
            let gone = UnixListener::bind(folder.join("s")).unwrap_err();
            assert_eq!(running.raw_os_error(), gone.raw_os_error());
            gone
        },
    },
    Situation {
        entry: "EADDRINUSE",
        text: "`bind` to the path of any other file",
        happens: |folder| {
            File::create(folder.join("plain")).unwrap();
            UnixListener::bind(folder.join("plain")).unwrap_err()
        },
    },
    Situation {
        entry: "EADDRNOTAVAIL",
        text: "`bind` to an address that this machine does not have",
        happens: |_| TcpListener::bind("192.0.2.1:0").unwrap_err(), // for documentation: RFC 5737
    },
    Situation {
        entry: "EACCES",
        text: LOW_PORT,
        happens: |_| {
            let low = first_port_for_all() - 1;
            unprivileged(|| TcpListener::bind(("127.0.0.1", low)).unwrap_err())
        },
    },
    Situation {
        entry: "EINVAL",
        text: "`bind` a second time",
        happens: |_| {
            let server = bound();
            server.bind(("127.0.0.1", 0)).unwrap_err()
        },
    },
    Situation {
        entry: "EINVAL",
        text: "`accept` without `listen`",
        happens: |_| bound().accept().unwrap_err(),
    },
    Situation {
        entry: "EINVAL",
        text: "`accept` after `shutdown` of the listening socket",
        happens: |_| {
            let server = bound();
            server.listen(1).unwrap();
            server.shutdown(SHUT_RDWR).unwrap();
            server.accept().unwrap_err()
        },
    },
    Situation {
        entry: "EINVAL",
        text: "`listen` on a Unix socket without `bind`",
        happens: |_| socket(AF_UNIX, SOCK_STREAM).unwrap().listen(1).unwrap_err(),
    },
    Situation {
        entry: "InvalidInput",
        text: "`bind` or `connect` to a path of more than 107 bytes",
        happens: |folder| UnixListener::bind(folder.join("s".repeat(108))).unwrap_err(),
    },
];

/// 1024, unless this machine was told otherwise, as containers often are: ip(7).
pub fn first_port_for_all() -> u16 {
    let first = read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    first.trim().parse().unwrap()
}

fn bound() -> Socket {
    let server = socket(AF_INET, SOCK_STREAM).unwrap();
    server.bind(("127.0.0.1", 0)).unwrap();
    server
}

/// The side that closes first keeps the port for a minute: tcp(7), TIME-WAIT.
fn restarted_at_once(reuse: bool) -> io::Error {
    let server = bound();
    server.listen(1).unwrap();
    let address = server.getsockname().unwrap();
    let client = socket(AF_INET, SOCK_STREAM).unwrap();
    client.connect(&address).unwrap();
    let (conn, _) = server.accept().unwrap();
    conn.close().unwrap();
    assert_eq!(client.recv(1).unwrap(), b"");
    client.close().unwrap();
    server.close().unwrap();
    let again = socket(AF_INET, SOCK_STREAM).unwrap();
    again.setsockopt(SOL_SOCKET, SO_REUSEADDR, reuse).unwrap();
    again.bind(address).unwrap_err()
}
