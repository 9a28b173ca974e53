//! One client of a server under load. It sends a window of requests in one write, and is done when
//! it has received as many replies, with exactly the right bytes.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use shared_proto::tutorial::{Request, Response};
use shared_proto::{Decode, ErrorCode, ErrorReply, Message, PREAMBLE, Reply, escaped, split_frame};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::interrupt;

/// How long a server may stay silent; after that, the client fails.
pub const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A server as the command line names it, and every address that the name may mean.
pub struct Named {
    pub name: String,
    pub addresses: Vec<Address>,
}

/// The bytes of a window of requests, and of the replies to them.
pub struct Window {
    pub requests: Vec<u8>,
    pub replies: Vec<u8>,
}

impl Window {
    pub fn new(count: usize, size: usize) -> Window {
        let body = vec![b'm'; size];
        let (mut requests, mut replies) = (Vec::new(), Vec::new());
        for _ in 0..count {
            Request::Echo(&body).encode(&mut requests);
            Response::Echo(body.as_slice().into()).encode(&mut replies);
        }
        Window { requests, replies }
    }
}

pub struct Client {
    socket: Socket,
    /// How many bytes of the replies have arrived.
    came: usize,
    sent_at: Instant,
}

impl Client {
    /// Connects and exchanges one request and reply, so that the server has certainly accepted this
    /// client.
    pub fn connect(address: &Address) -> io::Result<Client> {
        let (domain, to) = match address {
            Address::Tcp(to) => (Domain::for_address(*to), SockAddr::from(*to)),
            Address::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
        };
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.connect(&to)?;
        if let Address::Tcp(_) = address {
            socket.set_tcp_nodelay(true)?;
            // Tens of thousands of ports in TIME_WAIT would leave none for the next run: when all
            // is answered a reset loses nothing.
            socket.set_linger(Some(Duration::ZERO))?;
        }
        let mut client = Client {
            socket,
            came: 0,
            sent_at: Instant::now(),
        };
        let window = Window::new(1, 1);
        client.send(&[&PREAMBLE[..], &window.requests].concat())?;
        while !client.receive(&window, &mut [0; 512])? {}
        Ok(client)
    }

    /// Connects several clients. If the server is still closing earlier clients, it may reply Busy
    /// for a moment.
    pub fn connect_many(address: &Address, count: usize) -> io::Result<Vec<Client>> {
        let deadline = Instant::now() + PATIENCE;
        let mut clients = Vec::with_capacity(count);
        while clients.len() < count {
            interrupt::check().map_err(io::Error::other)?;
            match Client::connect(address) {
                Ok(client) => clients.push(client),
                Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                    if Instant::now() > deadline {
                        let have = clients.len();
                        return Err(io::Error::other(format!(
                            "with {have} connections: {error}"
                        )));
                    }
                    thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(clients)
    }

    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Writes the requests. A window is far smaller than any socket's buffers, so this waits only
    /// if the server doesn't read.
    pub fn send(&mut self, requests: &[u8]) -> io::Result<()> {
        self.came = 0;
        self.sent_at = Instant::now();
        (&self.socket).write_all(requests)
    }

    /// Reads once, and returns true when all replies of the window have arrived.
    pub fn receive(&mut self, window: &Window, buffer: &mut [u8]) -> io::Result<bool> {
        let got = match (&self.socket).read(buffer) {
            Ok(0) => return Err(io::Error::other("the server closed the connection")),
            Ok(got) => got,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let limit = PATIENCE.as_secs();
                return Err(io::Error::other(format!("no reply within {limit} s")));
            }
            Err(error) => return Err(error),
        };
        if window.replies.get(self.came..self.came + got) != Some(&buffer[..got]) {
            return Err(explain(&buffer[..got]));
        }
        self.came += got;
        Ok(self.came == window.replies.len())
    }

    /// Returns the time since the window was sent.
    pub fn waited(&self) -> Duration {
        self.sent_at.elapsed()
    }
}

/// Returns an error that says what the server sent instead of a reply.
fn explain(bytes: &[u8]) -> io::Error {
    let first = split_frame(bytes, shared_proto::DEFAULT_MAX_FRAME);
    let response = match first {
        Ok(Some((frame, _))) => Reply::<Response<'_>>::decode(frame).ok(),
        _ => None,
    };
    match response {
        Some(Reply::Error(ErrorReply { code, text })) => {
            let kind = match code {
                ErrorCode::Busy => ErrorKind::ResourceBusy,
                _ => ErrorKind::Other,
            };
            io::Error::new(
                kind,
                format!("the server said {code:?}: {}", escaped(&text)),
            )
        }
        _ => io::Error::other("the server sent something other than the reply"),
    }
}
