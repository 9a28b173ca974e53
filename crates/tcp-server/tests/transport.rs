//! Where the transport listens, and what an accepted connection is like.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tcp_server::TcpTransport;

/// An address for documentation, which no machine has: RFC 5737.
fn not_here() -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, 1), 0).into()
}

fn here() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

#[test]
fn an_address_that_this_machine_lacks_is_passed_over() {
    let transport = TcpTransport::bind_first(&[not_here(), here()]).unwrap();
    assert!(transport.local_address().unwrap().ip().is_loopback());
}

#[test]
fn of_two_servers_at_one_name_the_second_is_refused() {
    let first = TcpListener::bind(here()).unwrap();
    let in_use = first.local_addr().unwrap();
    // Whether the name's other addresses stand before it or behind it.
    for addresses in [
        vec![in_use],
        vec![in_use, here()],
        vec![not_here(), in_use, here()],
    ] {
        let error = TcpTransport::bind_first(&addresses).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}");
        let names_it = error.to_string().contains(&in_use.to_string());
        assert_eq!(names_it, addresses.len() > 1, "{error}");
    }
}

#[test]
fn if_this_machine_lacks_all_addresses_each_is_named() {
    let other = (Ipv4Addr::new(198, 51, 100, 1), 0).into();
    let error = TcpTransport::bind_first(&[not_here(), other]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    for address in ["192.0.2.1:0: ", "198.51.100.1:0: "] {
        assert!(error.to_string().contains(address), "{error}");
    }
    let error = TcpTransport::bind_first(&[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[cfg(target_os = "linux")]
mod options {
    use super::here;
    use shared_server::Transport;
    use socket2::SockRef;
    use std::io::ErrorKind;
    use std::net::TcpStream;
    use std::time::Duration;
    use tcp_server::TcpTransport;

    /// A client, and the connection that was accepted from it.
    fn accepted() -> (TcpStream, impl std::os::fd::AsFd) {
        let transport = TcpTransport::bind_first(&[here()]).unwrap();
        let client = TcpStream::connect(transport.local_address().unwrap()).unwrap();
        loop {
            match transport.accept() {
                Ok((accepted, _)) => return (client, accepted),
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn replies_do_not_wait_and_do_not_pile_up_in_the_kernel() {
        let (_client, stream) = accepted();
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 256 * 1024);
    }

    #[test]
    fn a_peer_whose_machine_is_gone_is_found_within_90_seconds() {
        let (_client, stream) = accepted();
        let socket = SockRef::from(&stream);
        let idle = socket.tcp_keepalive_time().unwrap();
        let interval = socket.tcp_keepalive_interval().unwrap();
        let probes = socket.tcp_keepalive_retries().unwrap();
        // Nobody is given up for one packet that was lost.
        assert!(socket.keepalive().unwrap() && probes >= 2);
        let gone = idle + probes * interval;
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(gone));
        // A timer may be an eighth late: kernel/time/timer.c.
        assert!(gone + gone / 8 < Duration::from_secs(90), "{gone:?}");
    }
}
