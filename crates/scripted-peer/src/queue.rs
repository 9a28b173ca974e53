//! What the kernel knows about bytes that the other side has not read yet.
//!
//! An empty send queue is not enough: over TCP it only says that the other side's *kernel* has the
//! bytes. So this asks the kernel's socket diagnostics
//! ([sock_diag(7)](https://man7.org/linux/man-pages/man7/sock_diag.7.html)), as `ss` does. On a
//! system without them, [`Queue::of`] finds nothing, and the caller has to guess.

use socket2::Socket;

use crate::address::Address;

/// Whether the other side still has bytes to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "there is nothing to ask there")
)]
pub(crate) enum Unread {
    None,
    Some,
    /// The other side's socket no longer exists.
    Gone,
    /// The kernel gives no answer.
    Unknown,
}

#[cfg(not(target_os = "linux"))]
pub(crate) enum Queue {}

#[cfg(not(target_os = "linux"))]
impl Queue {
    pub fn of(_: &Socket, _: &Address, _: &Address) -> Option<Self> {
        None
    }

    pub fn unread(&mut self, _sent: u64) -> Unread {
        match *self {}
    }

    pub fn held(&self) -> Option<u64> {
        match *self {}
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::Queue;

#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};
    use std::os::fd::{AsFd, OwnedFd};
    use std::time::{Duration, Instant};

    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    };

    use super::{Address, Socket, Unread};
    use crate::wait;

    /// Constants from linux/sock_diag.h, linux/inet_diag.h, linux/unix_diag.h and linux/netlink.h.
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const NLMSG_ERROR: u16 = 2;
    const ENOENT: i32 = 2;
    const INET_DIAG_INFO: u16 = 2;
    const UNIX_DIAG_RQLEN: u16 = 4;
    const UNIX_DIAG_PEER: u16 = 2;
    const UDIAG_SHOW_PEER: u32 = 0x04;
    const UDIAG_SHOW_RQLEN: u32 = 0x10;
    const ANY_COOKIE: [u8; 8] = [0xff; 8];
    const TCP_TIME_WAIT: u8 = 6;
    const TCP_CLOSE: u8 = 7;
    const TCP_LISTEN: u8 = 10;
    /// The offsets of `tcpi_bytes_acked` and `tcpi_bytes_received` in `struct tcp_info`
    /// (linux/tcp.h).
    const BYTES_ACKED: usize = 120;
    const BYTES_RECEIVED: usize = 128;
    /// The offsets of the two queues in `inet_diag_msg`: bytes received but not read, and bytes
    /// sent but not acknowledged.
    const READ_QUEUE: usize = 56;
    const WRITE_QUEUE: usize = 60;
    /// The lengths of `inet_diag_msg` and `unix_diag_msg`, which precede the attributes.
    const INET_HEADER: usize = 72;
    const UNIX_HEADER: usize = 16;

    /// Asks the kernel about one connection.
    pub(crate) struct Queue {
        netlink: OwnedFd,
        request: Vec<u8>,
        unix: bool,
    }

    impl Queue {
        pub fn of(socket: &Socket, local: &Address, remote: &Address) -> Option<Self> {
            let flags = SocketFlags::CLOEXEC;
            let protocol = Some(netlink::SOCK_DIAG);
            let netlink =
                socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol).ok()?;
            let request = match (local, remote) {
                // Beyond loopback the other side may be in another network, where this finds nothing.
                (Address::Tcp(local), _) if !local.ip().to_canonical().is_loopback() => {
                    return None;
                }
                // The other side's socket: its local address is our remote one.
                (Address::Tcp(local), Address::Tcp(remote)) => tcp_request(remote, local),
                _ => unix_request(rustix::fs::fstat(socket.as_fd()).ok()?.st_ino)?,
            };
            Some(Self {
                netlink,
                request,
                unix: matches!(local, Address::Unix(_)),
            })
        }

        /// Returns whether the other side has read all of the `sent` bytes.
        pub fn unread(&mut self, sent: u64) -> Unread {
            let unread = |queue: &Self| {
                let answer = queue.ask()?;
                if queue.unix {
                    unix_unread(&answer)
                } else {
                    tcp_unread(&answer, sent)
                }
            };
            // Over TCP a byte may be neither in the receive queue nor read, while the reader holds
            // its socket. The first answer that counts it as received has seen it enter the queue;
            // only a later one can say that it has left.
            let first = unread(self);
            match first {
                Ok(Unread::None) if !self.unix => unread(self),
                first => first,
            }
            .unwrap_or_else(|unread| unread)
        }

        /// Returns how many more bytes the other side has read than it has written. This works only
        /// over TCP: for a Unix socket the kernel doesn't count bytes.
        pub fn held(&self) -> Option<u64> {
            let answer = self.ask().ok().filter(|_| !self.unix)?;
            let info = attribute(&answer, INET_HEADER, INET_DIAG_INFO)?;
            let unread = u64::from(u32_at(&answer, READ_QUEUE)?);
            let read = u64_at(info, BYTES_RECEIVED)?.saturating_sub(unread);
            let written = u64_at(info, BYTES_ACKED)? + u64::from(u32_at(&answer, WRITE_QUEUE)?);
            (!is_gone(&answer)?).then(|| read.saturating_sub(written))
        }

        /// Returns the inode of the socket at the other end of a Unix connection, once a process
        /// has that socket.
        pub fn other_inode(&self) -> Option<u64> {
            let answer = self.ask().ok().filter(|_| self.unix)?;
            let inode = u32_at(attribute(&answer, UNIX_HEADER, UNIX_DIAG_PEER)?, 0)?;
            (inode != 0).then_some(inode.into())
        }

        fn ask(&self) -> Result<Vec<u8>, Unread> {
            send(&self.netlink, &self.request, SendFlags::empty()).map_err(|_| Unread::Unknown)?;
            if !wait::readable(&self.netlink, Instant::now() + Duration::from_secs(1)) {
                return Err(Unread::Unknown);
            }
            let mut answer = vec![0; 8192];
            let (length, _) = recv(&self.netlink, &mut answer, RecvFlags::empty())
                .map_err(|_| Unread::Unknown)?;
            answer.truncate(length);
            match u16_at(&answer, 4) {
                Some(SOCK_DIAG_BY_FAMILY) => Ok(answer.split_off(16)),
                Some(NLMSG_ERROR) if u32_at(&answer, 16) == Some((-ENOENT).cast_unsigned()) => {
                    Err(Unread::Gone)
                }
                _ => Err(Unread::Unknown),
            }
        }
    }

    /// Whether no socket has these two addresses, except perhaps the listener that was connected
    /// to.
    fn is_gone(answer: &[u8]) -> Option<bool> {
        let state = *answer.get(1)?;
        Some(matches!(state, TCP_LISTEN | TCP_TIME_WAIT | TCP_CLOSE))
    }

    fn tcp_unread(answer: &[u8], sent: u64) -> Result<Unread, Unread> {
        if is_gone(answer).ok_or(Unread::Unknown)? {
            return Err(Unread::Gone);
        }
        let queued = u32_at(answer, READ_QUEUE).ok_or(Unread::Unknown)?;
        let info = attribute(answer, INET_HEADER, INET_DIAG_INFO).ok_or(Unread::Unknown)?;
        let received = u64_at(info, BYTES_RECEIVED).ok_or(Unread::Unknown)?;
        Ok(if queued == 0 && received >= sent {
            Unread::None
        } else {
            Unread::Some
        })
    }

    /// Whether the other side of a Unix socket has read everything: what it has not read is in this
    /// end's send queue.
    fn unix_unread(answer: &[u8]) -> Result<Unread, Unread> {
        let lengths = attribute(answer, UNIX_HEADER, UNIX_DIAG_RQLEN).ok_or(Unread::Unknown)?;
        match u32_at(lengths, 4) {
            Some(0) => Ok(Unread::None),
            Some(_) => Ok(Unread::Some),
            None => Err(Unread::Unknown),
        }
    }

    /// Returns a `struct inet_diag_req_v2` that also asks for `tcp_info`.
    fn tcp_request(theirs: &SocketAddr, ours: &SocketAddr) -> Vec<u8> {
        let family: u8 = if theirs.is_ipv4() { 2 } else { 10 };
        let mut body = vec![family, 6, 1 << (INET_DIAG_INFO - 1), 0];
        body.extend([0xff; 4]);
        body.extend(theirs.port().to_be_bytes());
        body.extend(ours.port().to_be_bytes());
        body.extend(ip(theirs.ip()));
        body.extend(ip(ours.ip()));
        body.extend([0; 4]);
        body.extend(ANY_COOKIE);
        message(&body)
    }

    fn ip(address: IpAddr) -> [u8; 16] {
        match address {
            IpAddr::V6(address) => address.octets(),
            IpAddr::V4(address) => {
                let mut octets = [0; 16];
                octets[..4].copy_from_slice(&address.octets());
                octets
            }
        }
    }

    /// Returns a `struct unix_diag_req` about the socket with this inode.
    fn unix_request(inode: u64) -> Option<Vec<u8>> {
        let mut body = vec![1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        body.extend(u32::try_from(inode).ok()?.to_ne_bytes());
        body.extend((UDIAG_SHOW_RQLEN | UDIAG_SHOW_PEER).to_ne_bytes());
        body.extend(ANY_COOKIE);
        Some(message(&body))
    }

    fn message(body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).expect("a request is short");
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        message.extend(NLM_F_REQUEST.to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        message
    }

    fn attribute(answer: &[u8], header: usize, wanted: u16) -> Option<&[u8]> {
        let mut rest = answer.get(header..)?;
        loop {
            let length = usize::from(u16_at(rest, 0)?);
            if u16_at(rest, 2)? == wanted {
                return rest.get(4..length);
            }
            rest = rest.get(length.max(4).next_multiple_of(4)..)?;
        }
    }

    fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
        Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
    }

    fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = bytes.get(at..at + 8)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }

    fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    }
}
