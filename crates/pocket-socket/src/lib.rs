//! The eight calls, with the names that Python's `socket` module gives them.
//!
//! | Python | here | system call |
//! |---|---|---|
//! | `s = socket.socket(AF_INET, SOCK_STREAM)` | [`socket(AF_INET, SOCK_STREAM)?`](socket()) | `socket(2)` |
//! | `s.bind(("127.0.0.1", 8000))` | [`s.bind(("127.0.0.1", 8000))?`](Socket::bind) | `bind(2)` |
//! | `s.listen(5)` | [`s.listen(5)?`](Socket::listen) | `listen(2)` |
//! | `conn, address = s.accept()` | [`let (conn, address) = s.accept()?`](Socket::accept) | `accept(2)` |
//! | `s.connect(("127.0.0.1", 8000))` | [`s.connect(("127.0.0.1", 8000))?`](Socket::connect) | `connect(2)` |
//! | `n = s.send(b"hello")` | [`let n = s.send(b"hello")?`](Socket::send) | `send(2)` |
//! | `data = s.recv(1024)` | [`let data = s.recv(1024)?`](Socket::recv) | `recv(2)` |
//! | `s.close()` | [`s.close()?`](Socket::close) | `close(2)` |
//!
//! ```
//! use pocket_socket::{AF_INET, SOCK_STREAM, socket};
//!
//! # fn main() -> std::io::Result<()> {
//! let server = socket(AF_INET, SOCK_STREAM)?;
//! server.bind(("127.0.0.1", 0))?; // port 0: the system chooses
//! server.listen(1)?;
//!
//! let client = socket(AF_INET, SOCK_STREAM)?;
//! client.connect(server.getsockname()?)?;
//! let (conn, _address) = server.accept()?;
//!
//! client.sendall(b"hello")?;
//! assert_eq!(conn.recv(1024)?, b"hello");
//!
//! client.close()?;
//! assert_eq!(conn.recv(1024)?, b""); // end of stream
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs
//!
//! On Linux each call here makes exactly one system call, the one in the table; a test counts them
//! under `strace`. The exceptions are documented with their calls. On a socket with a
//! [timeout](Socket::settimeout), a call that would have to wait does so in `poll(2)` and then
//! tries again; [`accept`](Socket::accept) calls `poll(2)` first. [`sendall`](Socket::sendall)
//! calls `send(2)` until everything has been sent. Looking up a host name takes more system calls,
//! and [`create_server`] and [`create_connection`] combine several calls by design. macOS needs
//! `fcntl(2)` after `socket(2)` and `accept(2)`, where Linux passes a flag.
//!
//! # What the types rule out
//!
//! Python finds these mistakes at run time; here they don't compile: a socket used after
//! [`close`](Socket::close), `SOCK_STREAM` in place of `AF_INET`, a TCP option at level
//! `SOL_SOCKET`, a number for an option that is a switch, setting a read-only option, `MSG_PEEK` in
//! a send.
//!
//! # A timeout holds
//!
//! A timeout belongs to one [`Socket`]. The system's non-blocking mode (`O_NONBLOCK`), however, is
//! shared by all copies of the descriptor: those from [`dup`](Socket::dup), those in a child
//! process, and those sent to another process ([`recv_fds`]). If one of them turns the mode off, a
//! call that relies on it can hang forever. Neither Python nor this crate relies on it:
//!
//! ```python
//! a, b = socket.socketpair()
//! a.settimeout(0.05)
//! a.dup().setblocking(True)
//! a.recv(1)  # TimeoutError: timed out
//! ```
//!
//! ```
//! # #[cfg(unix)] {
//! # use std::{io::ErrorKind, time::Duration};
//! # use pocket_socket::{AF_UNIX, SOCK_STREAM, socketpair};
//! # fn main() -> std::io::Result<()> {
//! let (a, b) = socketpair(AF_UNIX, SOCK_STREAM)?;
//! a.settimeout(Some(Duration::from_millis(50)))?;
//! a.dup()?.setblocking(true)?;
//! assert_eq!(a.recv(1).unwrap_err().kind(), ErrorKind::TimedOut);
//! # drop(b);
//! # Ok(())
//! # }
//! # main().unwrap(); }
//! ```
//!
//! Python calls `poll(2)` before each call. That makes two system calls, and on a Unix socket that
//! is ready it takes 1.7 to 2 times as long. Here each send and receive passes `MSG_DONTWAIT`: on
//! Linux that is still one system call, and takes at most 7 % more time. `accept(2)` has no such
//! flag, so [`accept`](Socket::accept) calls `poll(2)` first, and takes 1.3 times as long as
//! without a timeout. If one of the copies is set to block, a large [`sendall`](Socket::sendall)
//! still times out here, but hangs in Python, which polls once and then sends everything. The
//! exception, here and in Python, is [`connect`](Socket::connect), which does rely on the mode.
//!
//! # What differs from Python
//!
//! - `SIGPIPE` is never raised: Python ignores the signal; here each send passes `MSG_NOSIGNAL`.
//! - No signal ends a call. In Python a handler may raise, which is how Ctrl-C ends `accept()`;
//!   here, if the program has installed a handler, the handler runs and the call continues, as in
//!   Python when the handler returns. (`read` and `write` of `std` return
//!   [`Interrupted`](std::io::ErrorKind::Interrupted).) To end a call, give the socket a
//!   [timeout](Socket::settimeout), or [`shutdown`](Socket::shutdown) it from another thread.
//! - Descriptors that arrive by [`recv_fds`] or [`recvmsg`](Socket::recvmsg) are closed on `exec`,
//!   like all others, and when they are dropped.
//! - The only ancillary data are descriptors and credentials; other kinds are left out.
//! - Optional arguments have a function of their own: `recv` and [`recv_with`](Socket::recv_with).
//! - A port is a number: names of services (`"http"`) are not looked up. A host name with non-ASCII
//!   letters is looked up as it is, in UTF-8, where Python translates it (IDNA): write
//!   `xn--bcher-kva.test` for `bücher.test`.
//! - An interface in an address (`fe80::1%eth0`) is kept, even in a pair of host and port, where
//!   Python drops it.
//! - An IPv4 address on an `AF_INET6` socket, or the reverse, is refused by the system (`EINVAL`,
//!   `EAFNOSUPPORT`), not by the name lookup.
//! - [`Socket::from`] accepts any descriptor: if it isn't a socket, the first call fails with
//!   `ENOTSOCK`.
//!
//! # Errors
//!
//! Each call returns [`std::io::Error`], and its documentation names the errno, as the manual pages
//! do. `error.raw_os_error()` is Python's `e.errno`. When a [timeout](Socket::settimeout) runs out,
//! the error has the kind [`TimedOut`](std::io::ErrorKind::TimedOut) and no errno, as in Python.
//!
//! This crate doesn't do framing, retries, deadlines over several calls, or name lookups beyond
//! [`getaddrinfo`]. It is tested on Linux; for macOS and Windows it is type-checked. What a system
//! lacks (`AF_UNIX` and descriptor passing on Windows) is missing at compile time.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address;
#[cfg(unix)]
mod ancillary;
mod closing;
mod connecting;
mod constants;
mod create;
mod datagrams;
#[cfg(unix)]
mod descriptors;
mod flags;
mod getaddrinfo;
mod listening;
#[cfg(unix)]
mod messages;
mod names;
mod options;
mod options_ip;
mod options_socket;
mod options_tcp;
#[cfg(unix)]
mod pair;
mod protocol;
mod receiving;
mod sending;
mod socket;
mod streams;
mod timeout;
mod to_address;

pub use address::Address;
#[cfg(unix)]
pub use ancillary::{CMSG_LEN, CMSG_SPACE, RecvAncillary, SendAncillary};
pub use constants::*;
pub use create::{
    ServerSettings, create_connection, create_connection_with, create_server, create_server_with,
    has_dualstack_ipv6,
};
#[cfg(unix)]
pub use descriptors::{ReceivedFds, recv_fds, send_fds};
pub use flags::*;
pub use getaddrinfo::{AddressInfo, getaddrinfo};
#[cfg(unix)]
pub use messages::Message;
pub use options::{
    IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IpLevel, Ipv6Level, Level, ReadOnly, ReadWrite,
    SOL_SOCKET, SocketLevel, SocketOption, TcpLevel,
};
pub use options_ip::*;
pub use options_socket::*;
pub use options_tcp::*;
#[cfg(unix)]
pub use pair::socketpair;
pub use protocol::{IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP, Protocol};
pub use socket::{Fileno, Socket, socket, socket_with};
pub use to_address::ToAddress;
