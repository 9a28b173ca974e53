//! The two ends of a transport. All six transports are handled alike: as descriptors for `read(2)`
//! and `write(2)`.
//!
//! Nothing is timed here. Each connection is new and has a new address, so that a slice isn't
//! affected by where the previous slice's buffers happened to be in memory.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::pipe::PipeFlags;
use serde::{Deserialize, Serialize};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use crate::case::Transport;

/// One end of a connection. A socket is one descriptor for both directions, a pair of pipes is two.
pub struct Channel {
    input: OwnedFd,
    output: Option<OwnedFd>,
}

impl Channel {
    pub fn input(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }

    pub fn output(&self) -> BorrowedFd<'_> {
        self.output.as_ref().unwrap_or(&self.input).as_fd()
    }

    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        while sent < bytes.len() {
            sent += rustix::io::write(self.output(), &bytes[sent..])?;
        }
        Ok(())
    }

    /// Reads until the buffer is full. Returns false at the end of the stream, or at the empty
    /// message with which [`Channel::say_end`] ends an exchange of datagrams.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<bool> {
        let mut have = 0;
        while have < buffer.len() {
            match rustix::io::read(self.input(), &mut buffer[have..])? {
                0 if have == 0 => return Ok(false),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                got => have += got,
            }
        }
        Ok(true)
    }

    /// Tells the other side that no more messages follow. A stream or a pipe is closed for that; a
    /// datagram socket sends an empty message.
    pub fn say_end(self, transport: Transport) -> io::Result<()> {
        if matches!(transport, Transport::Udp | Transport::UnixDatagram) {
            rustix::net::send(self.output(), &[], rustix::net::SendFlags::empty())?;
        }
        Ok(())
    }

    pub fn set_nonblocking(&self) -> io::Result<()> {
        for end in [self.input(), self.output()] {
            let flags = rustix::fs::fcntl_getfl(end)?;
            rustix::fs::fcntl_setfl(end, flags | OFlags::NONBLOCK)?;
        }
        Ok(())
    }

    /// Returns the kernel's settings for this end, to be shown in the report.
    pub fn facts(&self, transport: Transport) -> io::Result<Facts> {
        if transport == Transport::Pipe {
            let bytes = rustix::pipe::fcntl_getpipe_size(self.input())?;
            return Ok(Facts {
                send_buffer: bytes,
                receive_buffer: bytes,
                congestion: None,
            });
        }
        let socket = SockRef::from(&self.input);
        let congestion = match transport {
            Transport::Tcp => Some(text(&socket.tcp_congestion()?)),
            _ => None,
        };
        Ok(Facts {
            send_buffer: socket.send_buffer_size()?,
            receive_buffer: socket.recv_buffer_size()?,
            congestion,
        })
    }

    fn of_socket(socket: Socket) -> Channel {
        Channel {
            input: socket.into(),
            output: None,
        }
    }
}

/// The settings of a new connection, as `getsockopt(2)` and `fcntl(2)` report them; sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub send_buffer: usize,
    pub receive_buffer: usize,
    /// TCP's congestion control algorithm.
    pub congestion: Option<String>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim_end_matches('\0')
        .to_owned()
}

/// Where one side waits for the other to connect.
pub struct Listener {
    transport: Transport,
    socket: Option<Socket>,
    /// The address, for [`connect`]: `127.0.0.1:PORT` or a path in the run's folder.
    pub address: String,
}

impl Listener {
    pub fn new(
        transport: Transport,
        folder: &Path,
        congestion: Option<&str>,
    ) -> io::Result<Listener> {
        if transport == Transport::Pipe {
            let address = fresh_path(folder);
            for path in fifos(&address) {
                rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
            }
            return Ok(Listener {
                transport,
                socket: None,
                address,
            });
        }
        let socket = new_socket(transport, congestion)?;
        let path = fresh_path(folder);
        socket.bind(&match transport {
            Transport::Tcp | Transport::Udp => loopback(0),
            _ => SockAddr::unix(&path)?,
        })?;
        let address = match socket.local_addr()?.as_socket() {
            Some(address) => address.to_string(),
            None => path,
        };
        if !is_datagram(transport) {
            socket.listen(16)?;
        }
        Ok(Listener {
            transport,
            socket: Some(socket),
            address,
        })
    }

    /// Waits for the other side's [`connect`]. A datagram socket is connected to the first sender.
    pub fn accept(&self) -> io::Result<Channel> {
        let Some(socket) = &self.socket else {
            let [there, back] = fifos(&self.address);
            let input = fs::File::open(there)?.into();
            let output = fs::File::options().write(true).open(back)?.into();
            return Ok(Channel {
                input,
                output: Some(output),
            });
        };
        if is_datagram(self.transport) {
            let (_, peer) = socket.recv_from(&mut [std::mem::MaybeUninit::uninit()])?;
            socket.connect(&peer)?;
            return Ok(Channel::of_socket(socket.try_clone()?));
        }
        let (connection, _) = socket.accept()?;
        if self.transport == Transport::Tcp {
            connection.set_tcp_nodelay(true)?;
        }
        Ok(Channel::of_socket(connection))
    }
}

impl Drop for Listener {
    /// Removes the socket file or the pipes. The folder is removed at the end of the run anyway;
    /// this keeps it small until then.
    fn drop(&mut self) {
        let [there, back] = fifos(&self.address);
        for path in [PathBuf::from(&self.address), there, back] {
            fs::remove_file(path).ok();
        }
    }
}

pub fn connect(
    transport: Transport,
    address: &str,
    congestion: Option<&str>,
) -> io::Result<Channel> {
    if transport == Transport::Pipe {
        let [there, back] = fifos(address);
        let output = fs::File::options().write(true).open(there)?.into();
        let input = fs::File::open(back)?.into();
        return Ok(Channel {
            input,
            output: Some(output),
        });
    }
    let socket = new_socket(transport, congestion)?;
    if transport == Transport::UnixDatagram {
        let own = format!("{address}.back"); // without a name it can't receive replies
        socket.bind(&SockAddr::unix(own)?)?;
    }
    socket.connect(&parse(transport, address)?)?;
    if is_datagram(transport) {
        socket.send(b"h")?; // so that the other side learns the sender's address
    }
    Ok(Channel::of_socket(socket))
}

/// Creates both ends in one process: the first to write to, the second to read from.
pub fn pair(transport: Transport, congestion: Option<&str>) -> io::Result<(Channel, Channel)> {
    match transport {
        Transport::Pipe => {
            let (input, output) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
            let spare = input.try_clone()?;
            Ok((
                Channel {
                    input: spare,
                    output: Some(output),
                },
                Channel {
                    input,
                    output: None,
                },
            ))
        }
        Transport::Tcp => {
            let listener = Listener::new(transport, Path::new(""), congestion)?;
            let here = connect(transport, &listener.address, congestion)?;
            Ok((here, listener.accept()?))
        }
        Transport::Udp => {
            let listener = Listener::new(transport, Path::new(""), congestion)?;
            let here = connect(transport, &listener.address, congestion)?;
            Ok((here, listener.accept()?))
        }
        Transport::UnixStream | Transport::UnixSeqpacket | Transport::UnixDatagram => {
            let (here, there) = Socket::pair(Domain::UNIX, kind(transport), None)?;
            Ok((Channel::of_socket(here), Channel::of_socket(there)))
        }
    }
}

fn new_socket(transport: Transport, congestion: Option<&str>) -> io::Result<Socket> {
    let domain = match transport {
        Transport::Tcp | Transport::Udp => Domain::IPV4,
        _ => Domain::UNIX,
    };
    let socket = Socket::new(domain, kind(transport), None)?;
    if transport == Transport::Tcp {
        socket.set_tcp_nodelay(true)?;
        if let Some(name) = congestion {
            socket.set_tcp_congestion(name.as_bytes())?;
        }
    }
    Ok(socket)
}

fn kind(transport: Transport) -> Type {
    match transport {
        Transport::UnixSeqpacket => Type::SEQPACKET,
        Transport::UnixDatagram | Transport::Udp => Type::DGRAM,
        Transport::UnixStream | Transport::Tcp | Transport::Pipe => Type::STREAM,
    }
}

fn is_datagram(transport: Transport) -> bool {
    matches!(transport, Transport::UnixDatagram | Transport::Udp)
}

fn parse(transport: Transport, address: &str) -> io::Result<SockAddr> {
    match transport {
        Transport::Tcp | Transport::Udp => {
            let address: std::net::SocketAddr = address
                .parse()
                .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
            Ok(address.into())
        }
        _ => SockAddr::unix(address),
    }
}

fn loopback(port: u16) -> SockAddr {
    std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()
}

fn fresh_path(folder: &Path) -> String {
    static USED: AtomicU32 = AtomicU32::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed);
    folder
        .join(format!("{}.{number}", std::process::id()))
        .display()
        .to_string()
}

/// Returns the two named pipes of an address. (A datagram client's own address also ends in
/// `.back`.)
fn fifos(address: &str) -> [PathBuf; 2] {
    [
        format!("{address}.there").into(),
        format!("{address}.back").into(),
    ]
}
