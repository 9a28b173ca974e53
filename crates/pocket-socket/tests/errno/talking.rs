//! There was a connection, or should be one.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use pocket_socket::{
    AF_INET, AF_UNIX, SHUT_RD, SHUT_RDWR, SHUT_WR, SO_LINGER, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET,
    Socket, create_connection, create_server, socket, socketpair,
};

use crate::Situation;

pub const SITUATIONS: &[Situation] = &[
    Situation {
        entry: "ECONNRESET",
        text: "`recv` after the peer has closed with our bytes unread",
        happens: |_| {
            let (tcp, peer) = connected();
            let over_tcp = closes_without_reading(&tcp, peer);
            let (unix, peer) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
            let over_unix = closes_without_reading(&unix, peer);
            assert_eq!(over_tcp.raw_os_error(), over_unix.raw_os_error());
            over_tcp
        },
    },
    Situation {
        entry: "ECONNRESET",
        text: "`recv` after the peer has closed with `SO_LINGER` 0, over TCP",
        happens: |_| {
            let (conn, peer) = connected();
            reset(peer);
            conn.recv(1).unwrap_err()
        },
    },
    Situation {
        entry: "EPIPE",
        text: "`send` after the peer has closed, over Unix the first, over TCP a later one",
        happens: sends_to_nobody,
    },
    Situation {
        entry: "ECONNRESET",
        text: "`recv` after the server has closed its listening socket without accepting us",
        happens: nobody_accepts,
    },
    Situation {
        entry: "EPIPE",
        text: "`send` after the peer's `shutdown(SHUT_RD)`, over Unix",
        happens: |_| {
            let (tcp, peer) = connected();
            peer.shutdown(SHUT_RD).unwrap();
            tcp.send(b"taken").unwrap();
            assert_eq!(peer.recv(1024).unwrap(), b"taken");
            let (unix, peer) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
            peer.shutdown(SHUT_RD).unwrap();
            unix.send(b"refused").unwrap_err()
        },
    },
    Situation {
        entry: "EPIPE",
        text: "`send` after our own `shutdown(SHUT_WR)`",
        happens: |_| {
            let (conn, _peer) = connected();
            conn.shutdown(SHUT_WR).unwrap();
            conn.send(b"more").unwrap_err()
        },
    },
    Situation {
        entry: "EPIPE",
        text: "`send` on a TCP socket that was never connected",
        happens: |_| unconnected().send(b"hello").unwrap_err(),
    },
    Situation {
        entry: "ENOTCONN",
        text: "`recv` on a TCP socket that was never connected",
        happens: |_| unconnected().recv(1).unwrap_err(),
    },
    Situation {
        entry: "ENOTCONN",
        text: "`getpeername` on a connection that the client reset before `accept`",
        happens: |_| {
            let server = create_server(("127.0.0.1", 0)).unwrap();
            reset(create_connection(server.getsockname().unwrap(), None).unwrap());
            let (conn, _address) = server.accept().unwrap();
            conn.recv(1).unwrap_err(); // waits for the reset, however late it comes
            conn.getpeername().unwrap_err()
        },
    },
    Situation {
        entry: "ENOTCONN",
        text: "`shutdown` on a connection that was reset",
        happens: |_| {
            let (conn, peer) = connected();
            reset(peer);
            conn.recv(1).unwrap_err();
            conn.shutdown(SHUT_RDWR).unwrap_err()
        },
    },
    Situation {
        entry: "ENOTCONN",
        text: "`send` on a Unix datagram socket that is not connected",
        happens: |_| {
            let s = socket(AF_UNIX, SOCK_DGRAM).unwrap();
            s.send(b"hello").unwrap_err()
        },
    },
    Situation {
        entry: "EISCONN",
        text: "`connect` on a connected socket",
        happens: |_| {
            let server = create_server(("127.0.0.1", 0)).unwrap();
            let address = server.getsockname().unwrap();
            let client = create_connection(&address, None).unwrap();
            client.connect(&address).unwrap_err()
        },
    },
    Situation {
        entry: "EDESTADDRREQ",
        text: "`send` on a UDP socket that is not connected",
        happens: |_| {
            let s = socket(AF_INET, SOCK_DGRAM).unwrap();
            s.send(b"hello").unwrap_err()
        },
    },
    Situation {
        entry: "EMSGSIZE",
        text: "`sendto` of more than 65,507 bytes over UDP",
        happens: |_| {
            let s = socket(AF_INET, SOCK_DGRAM).unwrap();
            s.sendto(&[0; 65508], ("127.0.0.1", 9)).unwrap_err()
        },
    },
    Situation {
        entry: "EMSGSIZE",
        text: "`send` of a Unix datagram that is larger than the send buffer",
        happens: |_| {
            let (a, _b) = socketpair(AF_UNIX, SOCK_DGRAM).unwrap();
            a.send(&vec![0; 64 * 1024 * 1024]).unwrap_err()
        },
    },
    Situation {
        entry: "UnexpectedEof",
        text: "`read_exact` of Rust's `std`, when the stream ends before the buffer is full",
        happens: |_| {
            let (conn, peer) = connected();
            peer.sendall(b"ab").unwrap();
            peer.close().unwrap();
            (&conn).read_exact(&mut [0; 4]).unwrap_err()
        },
    },
];

/// Over TCP and over Unix alike, and with bytes that had been sent.
fn nobody_accepts(folder: &Path) -> io::Error {
    let path = folder.join("s");
    let tcp = create_server(("127.0.0.1", 0)).unwrap();
    let unix = socket(AF_UNIX, SOCK_STREAM).unwrap();
    unix.bind(path.as_path()).unwrap();
    unix.listen(1).unwrap();
    let over_tcp = create_connection(tcp.getsockname().unwrap(), None).unwrap();
    let over_unix = socket(AF_UNIX, SOCK_STREAM).unwrap();
    over_unix.connect(path.as_path()).unwrap();
    let errors = [(over_tcp, tcp), (over_unix, unix)].map(|(client, server)| {
        client.sendall(b"hello").unwrap();
        server.close().unwrap();
        client.recv(1).unwrap_err()
    });
    let [over_tcp, over_unix] = errors;
    assert_eq!(over_tcp.raw_os_error(), over_unix.raw_os_error());
    over_tcp
}

fn connected() -> (Socket, Socket) {
    let server = create_server(("127.0.0.1", 0)).unwrap();
    let client = create_connection(server.getsockname().unwrap(), None).unwrap();
    let (conn, _) = server.accept().unwrap();
    (client, conn)
}

fn unconnected() -> Socket {
    socket(AF_INET, SOCK_STREAM).unwrap()
}

fn reset(socket: Socket) {
    socket
        .setsockopt(SOL_SOCKET, SO_LINGER, Some(Duration::ZERO))
        .unwrap();
    socket.close().unwrap();
}

fn closes_without_reading(conn: &Socket, peer: Socket) -> io::Error {
    conn.sendall(b"hello").unwrap();
    // On a TCP connection the bytes may still be on their way.
    assert_eq!(peer.recv(1).unwrap(), b"h");
    peer.close().unwrap();
    conn.recv(1).unwrap_err()
}

fn sends_to_nobody(_: &Path) -> io::Error {
    let (unix, peer) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    peer.close().unwrap();
    let over_unix = unix.send(b"first").unwrap_err();

    let (tcp, peer) = connected();
    peer.close().unwrap();
    // It is taken, and answered with a reset.
    assert_eq!(tcp.send(b"first").unwrap(), 5);
    let over_tcp = loop {
        match tcp.send(b"later") {
            Ok(_) => std::thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert_eq!(over_unix.raw_os_error(), over_tcp.raw_os_error());
    over_tcp
}
