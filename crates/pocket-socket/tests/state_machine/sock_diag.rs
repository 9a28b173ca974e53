//! Asks the kernel for one TCP socket by its two addresses, as `ss` does: sock_diag(7). To look for
//! it in `/proc/net/tcp` would walk the table of all sockets, a thousand times slower.

use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// From linux/sock_diag.h and linux/netlink.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;
/// `struct nlmsghdr` comes first; `struct inet_diag_msg` after it, with these fields.
const HEADER: usize = 16;
const STATE: usize = HEADER + 1;
const UNREAD: usize = HEADER + 56;
const INODE: usize = HEADER + 68;

/// What the kernel tells of a socket: its state's number (include/net/tcp_states.h), the bytes that
/// it holds unread, and its inode, 0 if no descriptor refers to it.
pub struct Entry {
    pub state: u8,
    pub unread: u32,
    pub inode: u32,
}

pub struct SockDiag(OwnedFd);

impl SockDiag {
    pub fn open() -> SockDiag {
        let protocol = Some(netlink::SOCK_DIAG);
        let (kind, flags) = (SocketType::RAW, SocketFlags::CLOEXEC);
        SockDiag(socket_with(AddressFamily::NETLINK, kind, flags, protocol).unwrap())
    }

    /// The socket with these addresses; a listening one at `local` if there is none.
    pub fn tcp(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<Entry> {
        send(&self.0, &request(local, remote), SendFlags::empty()).unwrap();
        let mut answer = [0; 8192];
        let (length, _) = recv(&self.0, &mut answer, RecvFlags::empty()).unwrap();
        let answer = &answer[..length];
        let number = |at: usize| u32::from_ne_bytes(answer[at..at + 4].try_into().unwrap());
        match u16::from_ne_bytes([answer[4], answer[5]]) {
            SOCK_DIAG_BY_FAMILY => Some(Entry {
                state: answer[STATE],
                unread: number(UNREAD),
                inode: number(INODE),
            }),
            NLMSG_ERROR => {
                let error = rustix::io::Errno::from_raw_os_error(-number(HEADER).cast_signed());
                assert_eq!(error, rustix::io::Errno::NOENT, "sock_diag");
                None
            }
            other => panic!("an answer of type {other}"),
        }
    }
}

/// `struct inet_diag_req_v2` behind its header.
fn request(local: SocketAddrV4, remote: SocketAddrV4) -> Vec<u8> {
    let mut body = vec![AF_INET, IPPROTO_TCP, 0, 0];
    body.extend(u32::MAX.to_ne_bytes()); // whatever its state
    body.extend(local.port().to_be_bytes());
    body.extend(remote.port().to_be_bytes());
    for address in [local, remote] {
        body.extend(address.ip().octets());
        body.extend([0; 12]);
    }
    body.extend([0; 4]); // on any interface
    body.extend([0xff; 8]); // no cookie

    let length = u32::try_from(HEADER + body.len()).unwrap();
    let mut request = length.to_ne_bytes().to_vec();
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(NLM_F_REQUEST.to_ne_bytes());
    request.extend([0; 8]);
    request.extend(body);
    request
}
