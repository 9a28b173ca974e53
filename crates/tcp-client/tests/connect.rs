//! Names with several addresses: which of them is taken, and what is said if none is.

use socket2::{Domain, Socket, Type};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use tcp_client::{ConnectError, connect, connect_to_any};

const PATIENCE: Duration = Duration::from_secs(30);

/// Takes no connection, and refuses none: its backlog is full, and what more comes is dropped.
struct BlackHole {
    address: SocketAddr,
    _listener: Socket,
    _held: Vec<Socket>,
}

impl BlackHole {
    fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&any_port().into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let hold = |_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address.into());
            socket
        };
        BlackHole {
            address,
            _held: (0..4).map(hold).collect(),
            _listener: listener,
        }
    }

    /// How many connects to it are still waiting, as `/proc/net/tcp` tells.
    #[cfg(target_os = "linux")]
    fn waiting(&self) -> usize {
        const SYN_SENT: &str = "02";
        let port = format!(":{:04X}", self.address.port());
        let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        let sockets = sockets.lines().map(fields);
        sockets
            .filter(|socket: &Vec<String>| socket[2].ends_with(&port) && socket[3] == SYN_SENT)
            .count()
    }
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn server() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind(any_port()).unwrap();
    (listener.local_addr().unwrap(), listener)
}

/// A port that nobody listens on, and nobody else is given while the socket lives.
fn nobody() -> (SocketAddr, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&any_port().into()).unwrap();
    (socket.local_addr().unwrap().as_socket().unwrap(), socket)
}

fn is_at(stream: &TcpStream, address: SocketAddr) -> bool {
    stream.peer_addr().unwrap() == address
}

/// Each address with the kind of its reason, in the order of trying.
#[track_caller]
fn reasons(error: ConnectError) -> Vec<(SocketAddr, ErrorKind)> {
    let ConnectError::Unreachable(reasons) = error else {
        panic!("{error:?}");
    };
    let kind = |(address, reason): &(_, std::io::Error)| (*address, reason.kind());
    reasons.iter().map(kind).collect()
}

#[test]
fn a_silent_first_address_is_walked_around_and_closed() {
    let (silent, (address, _listener)) = (BlackHole::new(), server());
    #[cfg(target_os = "linux")]
    let before = silent.waiting();
    let stream = connect_to_any(&[silent.address, address], PATIENCE).unwrap();
    assert!(is_at(&stream, address));
    assert!(stream.nodelay().unwrap());
    #[cfg(target_os = "linux")]
    assert_eq!(silent.waiting(), before, "none is left behind");
}

#[test]
fn a_first_address_that_refuses_is_walked_around() {
    let ((refusing, _bound), (address, _listener)) = (nobody(), server());
    let stream = connect_to_any(&[refusing, address], PATIENCE).unwrap();
    assert!(is_at(&stream, address));
}

#[test]
fn the_connection_blocks_as_any_other() {
    let (address, listener) = server();
    let stream = connect_to_any(&[address], PATIENCE).unwrap();
    let _accepted = listener.accept().unwrap();
    let wait = Duration::from_millis(50);
    stream.set_read_timeout(Some(wait)).unwrap();
    let started = Instant::now();
    std::io::Read::read(&mut &stream, &mut [0]).unwrap_err();
    assert!(started.elapsed() >= wait);
}

#[test]
fn the_last_of_many_addresses_is_reached_within_a_short_timeout() {
    let (silent, (address, _listener)) = ([(); 3].map(|()| BlackHole::new()), server());
    let silent = silent.each_ref().map(|silent| silent.address);
    let addresses = [&silent[..], &[address]].concat();
    // On a machine that is busy elsewhere all of so short a time may pass in one wait.
    let connected = (0..50).any(|_| {
        let timeout = Duration::from_millis(200);
        connect_to_any(&addresses, timeout).is_ok_and(|stream| is_at(&stream, address))
    });
    assert!(connected, "200 ms are enough for four addresses");
}

#[test]
fn if_none_answers_each_is_named_with_its_reason_in_time() {
    let ((refusing, _bound), silent) = (nobody(), BlackHole::new());
    let timeout = Duration::from_millis(600);
    for addresses in [[refusing, silent.address], [silent.address, refusing]] {
        let started = Instant::now();
        let error = connect_to_any(&addresses, timeout).unwrap_err();
        let took = started.elapsed();
        assert!((timeout..PATIENCE / 2).contains(&took), "{took:?}");
        // What did not answer may have a server; what refused has none.
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let told = error.to_string();
        for address in addresses {
            assert!(told.contains(&format!("{address}: ")), "{told}");
        }
        let expected = addresses.map(|address| match address == refusing {
            true => (address, ErrorKind::ConnectionRefused),
            false => (address, ErrorKind::TimedOut),
        });
        assert_eq!(reasons(error), expected);
    }
}

#[test]
fn an_address_that_a_name_has_twice_is_tried_once() {
    let ((one, _bound), (two, _too)) = (nobody(), nobody());
    let error = connect_to_any(&[one, two, one, one, two], PATIENCE).unwrap_err();
    let refused = ErrorKind::ConnectionRefused;
    assert_eq!(reasons(error), [(one, refused), (two, refused)]);
}

#[test]
fn no_address_is_not_found() {
    let error = connect_to_any(&[], PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn no_timeout_is_too_long_or_too_short() {
    let ((address, _listener), silent) = (server(), BlackHole::new());
    assert!(connect_to_any(&[address], Duration::MAX).is_ok());
    assert!(connect_to_any(&[silent.address, address], Duration::MAX).is_ok());
    for timeout in [Duration::ZERO, Duration::from_nanos(1)] {
        let error = connect_to_any(&[silent.address], timeout).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn a_name_is_looked_up_within_the_timeout() {
    let (address, _listener) = server();
    let name = format!("localhost:{}", address.port());
    assert!(is_at(&connect(&name, PATIENCE).unwrap(), address));
    let error = connect("no-such-name.invalid:1", PATIENCE).unwrap_err();
    assert!(matches!(error, ConnectError::LookUp(_)), "{error:?}");
}

/// A refusal is of the server, and so tells more than what this machine lacks.
#[test]
fn the_most_telling_reason_wins() {
    let address = any_port();
    let kinds = [
        ErrorKind::TimedOut,
        ErrorKind::ConnectionRefused,
        ErrorKind::PermissionDenied,
        ErrorKind::HostUnreachable,
        ErrorKind::AddrNotAvailable,
    ];
    for (at, more) in kinds.iter().enumerate() {
        for less in &kinds[at..] {
            for both in [[more, less], [less, more]] {
                let reasons = both.map(|kind| (address, std::io::Error::from(*kind)));
                let error = ConnectError::Unreachable(reasons.into());
                assert_eq!(error.kind(), *more, "{error}");
                assert_eq!(std::io::Error::from(error).kind(), *more);
            }
        }
    }
}
