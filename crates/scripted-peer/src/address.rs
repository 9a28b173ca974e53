//! Where a program listens: a TCP address or a path.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr};

/// A TCP address or the path of a Unix socket. Formats it as programs accept it on the command
/// line: `127.0.0.1:41973`, `/tmp/x/s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Parses the address that a program prints after `listening on`, with or without the prefix
    /// `tcp:` or `unix:`. A relative path is relative to `folder`, the program's working folder.
    pub(crate) fn parse(text: &str, folder: Option<&Path>) -> Self {
        let text = text.trim();
        let plain = text
            .strip_prefix("tcp:")
            .or(text.strip_prefix("unix:"))
            .unwrap_or(text);
        match plain.parse() {
            Ok(address) if !text.starts_with("unix:") => Self::Tcp(address),
            _ => Self::Unix(folder.unwrap_or(Path::new("")).join(plain)),
        }
    }

    pub(crate) fn domain(&self) -> Domain {
        match self {
            Self::Tcp(address) => Domain::for_address(*address),
            Self::Unix(_) => Domain::UNIX,
        }
    }

    pub(crate) fn sockaddr(&self) -> io::Result<SockAddr> {
        match self {
            Self::Tcp(address) => Ok((*address).into()),
            Self::Unix(path) => SockAddr::unix(path),
        }
    }

    pub(crate) fn of(address: &SockAddr) -> Self {
        let unnamed = || {
            address
                .as_pathname()
                .map(Path::to_path_buf)
                .unwrap_or_default()
        };
        address
            .as_socket()
            .map_or_else(|| Self::Unix(unnamed()), Self::Tcp)
    }

    /// Returns the path of the Unix socket.
    ///
    /// # Panics
    ///
    /// Panics if this is a TCP address.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unix(path) => path,
            Self::Tcp(address) => panic!("{address} is not a path"),
        }
    }

    /// Returns the TCP port.
    ///
    /// # Panics
    ///
    /// Panics if this is a path.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp(address) => address.port(),
            Self::Unix(path) => panic!("{} has no port", path.display()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}
