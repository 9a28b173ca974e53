//! The kernel's table of TCP sockets, as Linux shows it in /proc/net/tcp and tcp6
//! ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// One line of the table. An IPv4 address is shown as such, even on an IPv6 socket:
/// `::ffff:127.0.0.1` as `127.0.0.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TcpSocket {
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub state: u8,
    /// How many bytes the other side's kernel has not acknowledged. An unacknowledged FIN counts as
    /// one.
    pub unacknowledged: u64,
    /// How many received bytes the process has not read; for a listener, how many connections it
    /// has not accepted.
    pub unread: u64,
    /// The number of the timer that is running, and how long it has left.
    pub timer: (u8, Duration),
    /// The socket's inode; 0 as long as no process has the socket open.
    pub inode: u64,
}

/// A connection's state, from net/tcp_states.h.
pub(crate) const SYN_SENT: u8 = 2;
pub(crate) const LISTEN: u8 = 10;
/// The number of a running timer, from net/ipv4/tcp_ipv4.c.
pub(crate) const KEEPALIVE: u8 = 2;

/// Returns the TCP sockets that have this port on either side, in the network of this process (or
/// of `pid`); none if the system has no such table. Lines with other ports are not parsed: a busy
/// machine may have thousands of them.
pub(crate) fn sockets(pid: Option<u32>, port: u16) -> Vec<TcpSocket> {
    let of = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let table = |name| fs::read_to_string(format!("/proc/{of}/net/{name}")).unwrap_or_default();
    let text = table("tcp") + &table("tcp6");
    let port = format!(":{port:04X} ");
    let lines = text.lines().filter(|line| line.contains(&port));
    lines.filter_map(parse).collect()
}

fn parse(line: &str) -> Option<TcpSocket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let state = u8::from_str_radix(fields.get(3)?, 16).ok()?;
    let (sent, unread) = fields.get(4)?.split_once(':')?;
    let (timer, ticks) = fields.get(5)?.split_once(':')?;
    let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
    Some(TcpSocket {
        local: address(fields.get(1)?)?,
        remote: address(fields.get(2)?)?,
        state,
        unacknowledged: hexadecimal(sent)?,
        unread: hexadecimal(unread)?,
        // In hundredths of a second, whatever the kernel's own clock is.
        timer: (
            u8::from_str_radix(timer, 16).ok()?,
            Duration::from_millis(hexadecimal(ticks)?.saturating_mul(10)),
        ),
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// Parses an address: words of four bytes, each in this machine's byte order.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(host.get(at..at + 8)?, 16).ok();
    let host: IpAddr = match host.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let mut octets = [0; 16];
            for part in 0..4 {
                octets[part * 4..][..4].copy_from_slice(&word(part * 8)?.to_ne_bytes());
            }
            Ipv6Addr::from(octets).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(host, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read() {
        let line = "   4: 0100007F:1F90 0200007F:C001 01 0000000A:00000007 02:00000BB8 00000000     \
                    0        0 12345 2 0000000000000000 20 4 30 10 -1";
        let socket = parse(line).unwrap();
        assert_eq!(socket.local, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(socket.remote, "127.0.0.2:49153".parse().unwrap());
        assert_eq!((socket.unacknowledged, socket.unread), (10, 7));
        assert_eq!(socket.timer, (KEEPALIVE, Duration::from_secs(30)));
        assert_eq!(socket.inode, 12345);
    }

    #[test]
    fn a_mapped_address_is_the_plain_one() {
        let mapped = "0000000000000000FFFF00000100007F:0050";
        assert_eq!(address(mapped), "127.0.0.1:80".parse().ok());
        let loopback = "00000000000000000000000001000000:0050";
        assert_eq!(address(loopback), "[::1]:80".parse().ok());
        assert_eq!(address("local_address"), None);
    }
}
