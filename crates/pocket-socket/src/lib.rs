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
//! On Linux a call here is one system call, the one in the table, and nothing else: a test counts
//! them under `strace`. The exceptions say so where they are documented: a call that finds nothing
//! to do on a socket with a [timeout](Socket::settimeout) waits in `poll(2)` and tries again,
//! [`sendall`](Socket::sendall) sends until all is sent, a host that is a name is looked up, and
//! [`create_server`] and [`create_connection`] are several calls in one by design. macOS needs
//! `fcntl(2)` after `socket(2)` and `accept(2)`, where Linux passes a flag.
//!
//! # What the types rule out
//!
//! Python finds these while the program runs; here they don't compile: a socket used after
//! [`close`](Socket::close), `SOCK_STREAM` in the place of `AF_INET`, a TCP option at the level of
//! `SOL_SOCKET`, a number where an option is a switch, setting an option that can only be read,
//! `MSG_PEEK` in a send.
//!
//! # What differs from Python
//!
//! - `SIGPIPE` never comes: Python ignores the signal, here each send says `MSG_NOSIGNAL`.
//! - Descriptors that arrive by [`recv_fds`] are closed on `exec`, like all others.
//! - Names of services (`"http"` as a port) and interfaces (`%eth0` in an address) are not looked
//!   up.
//! - An IPv4 address on an `AF_INET6` socket is refused by the system (`EINVAL`, `EAFNOSUPPORT`),
//!   not by the name lookup, and the other way around.
//!
//! # Errors
//!
//! Each call returns [`std::io::Error`]; the documentation names the errno, as the manual pages do.
//! `error.raw_os_error()` is Python's `e.errno`. A [timeout](Socket::settimeout) that has run out
//! is of the kind [`TimedOut`](std::io::ErrorKind::TimedOut) and has no errno, as in Python.
//!
//! What is not done here: messages, retries, deadlines over several calls, name services beyond
//! [`getaddrinfo`]. Linux is tested; macOS and Windows are type-checked. What a system lacks
//! (`AF_UNIX` and descriptor passing on Windows) is missing at compile time.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address;
mod closing;
mod connecting;
mod constants;
mod create;
#[cfg(unix)]
mod descriptors;
mod flags;
mod getaddrinfo;
mod listening;
mod names;
mod options;
mod options_ip;
mod options_socket;
mod options_tcp;
#[cfg(unix)]
mod pair;
mod receiving;
mod sending;
mod socket;
mod streams;
mod timeout;
mod to_address;

pub use address::Address;
pub use constants::*;
pub use create::{create_connection, create_server};
#[cfg(unix)]
pub use descriptors::{ReceivedFds, recv_fds, send_fds};
pub use flags::*;
pub use getaddrinfo::{AddressInfo, getaddrinfo};
pub use options::{
    IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IpLevel, Ipv6Level, Level, ReadOnly, ReadWrite,
    SOL_SOCKET, SocketLevel, SocketOption, TcpLevel,
};
pub use options_ip::*;
pub use options_socket::*;
pub use options_tcp::*;
#[cfg(unix)]
pub use pair::socketpair;
pub use socket::{Fileno, Socket, socket};
pub use to_address::ToAddress;
