//! One server, one client, the sockets they hold, and the calls they may make on them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pocket_socket::{AF_INET, AF_UNIX, Address, SOCK_STREAM, Socket, socket};

use crate::Family;
use crate::sock_diag::SockDiag;

/// What each call of `send` sends.
const MESSAGE: &[u8] = b"hello";
/// No connection gets more than this to keep for its reader: the table shall end somewhere.
const UNREAD_LIMIT: usize = MESSAGE.len();

/// The three places for a socket: the server's own, the one that `accept` returned, the client's.
pub const PLACES: [&str; 3] = ["s", "conn", "c"];
const SERVER: usize = 0;
const CONN: usize = 1;
const CLIENT: usize = 2;
pub const NAMES: [&str; 8] = [
    "socket", "bind", "listen", "accept", "connect", "send", "recv", "close",
];

/// One of the eight calls, on the socket in one of the three places.
pub type Call = (usize, usize);

pub fn calls() -> impl Iterator<Item = Call> {
    (0..PLACES.len()).flat_map(|place| (0..NAMES.len()).map(move |name| (place, name)))
}

/// Which connection a socket is an end of.
#[derive(Clone, Copy)]
struct End {
    connection: usize,
    side: usize,
}

struct Connection {
    /// Over TCP.
    client: Option<SocketAddrV4>,
    unread: [usize; 2],
    closed: [bool; 2],
}

pub struct Place {
    pub socket: Socket,
    /// Whether the other side's end of stream has been seen to come, which tells what error a reset
    /// leaves here: `EPIPE` after it, else `ECONNRESET`. To ask the kernel would take the error away.
    pub ended: Cell<bool>,
    end: Option<End>,
    queue: VecDeque<usize>,
}

/// How long a `connect` is given before it counts as one that waits.
#[derive(Clone, Copy)]
pub struct Patience(pub Duration);

pub struct World {
    pub family: Family,
    /// The server's address; no other world has it.
    pub address: Address,
    pub places: [Option<Place>; 3],
    /// The client has one socket in its life.
    pub client_gone: bool,
    connections: Vec<Connection>,
    pub sock_diag: SockDiag,
}

impl World {
    pub fn new(family: Family, folder: &Path) -> World {
        // All of 127.0.0.0/8 is this machine. For a minute the kernel keeps what TCP connections
        // leave behind: no other process shall meet it, so its id makes an IP address and a port.
        static WORLDS: AtomicU32 = AtomicU32::new(0);
        let number = WORLDS.fetch_add(1, Ordering::SeqCst);
        let address = match family {
            Family::Tcp => {
                let process = std::process::id();
                let second = 1 + u8::try_from(process % 250).unwrap();
                let port = 10_000 + u16::try_from(process / 250 % 20_000).unwrap();
                let [.., third, last] = number.to_be_bytes();
                Address::from((Ipv4Addr::new(127, second, third, last), port))
            }
            Family::Unix => Address::from(folder.join(number.to_string())),
        };
        World {
            family,
            address,
            places: [const { None }; 3],
            client_gone: false,
            connections: Vec::new(),
            sock_diag: SockDiag::open(),
        }
    }

    pub fn ip(&self) -> SocketAddrV4 {
        ipv4(&self.address).expect("only TCP has one")
    }

    /// The address that each connection's client has or had.
    pub fn clients(&self) -> impl Iterator<Item = SocketAddrV4> {
        self.connections.iter().filter_map(|one| one.client)
    }

    pub fn path(&self) -> PathBuf {
        self.address.path().unwrap().to_owned()
    }

    /// The bytes sent to connections that wait in this place's queue.
    pub fn unread_in_queue(&self, place: &Place) -> usize {
        let waiting = place.queue.iter();
        waiting.map(|id| self.connections[*id].unread[1]).sum()
    }

    /// Whether the table has this call in this state; it leaves out what would never end.
    pub fn offers(&self, (place, name): Call) -> bool {
        let here = self.places[place].as_ref();
        match NAMES[name] {
            "socket" if place == CLIENT => here.is_none() && !self.client_gone,
            "socket" => here.is_none() && place != CONN && self.places[CONN].is_none(),
            "listen" => here.is_some() && place != CLIENT,
            "connect" => here.is_some_and(|here| !self.meets_itself(here)),
            "accept" => here.is_some() && (place == CONN || self.places[CONN].is_none()),
            "send" => here.is_some_and(|here| here.end.is_none_or(|end| self.takes_more(end))),
            _ => here.is_some(),
        }
    }

    /// TCP lets a bound socket connect to its own address; that is a story of its own.
    fn meets_itself(&self, place: &Place) -> bool {
        let bound = place.socket.getsockname().unwrap() == self.address;
        self.family == Family::Tcp && bound && place.end.is_none() && !listens(place)
    }

    fn takes_more(&self, end: End) -> bool {
        let connection = &self.connections[end.connection];
        let to = 1 - end.side;
        connection.closed[to] || connection.unread[to] < UNREAD_LIMIT
    }

    /// Makes the call, and says what it returned: `ok`, a number of bytes, `waits`, an errno.
    pub fn call(&mut self, (place, name): Call, patience: Patience) -> String {
        let result = match NAMES[name] {
            "socket" => self.socket(place),
            "bind" => self.at(place).bind(&self.address).map(|()| None),
            "listen" => self.at(place).listen(0).map(|()| None),
            "accept" => self.accept(place),
            "connect" => self.connect(place, patience),
            "send" => self.send(place),
            "recv" => self.recv(place),
            _ => self.close(place),
        };
        match result {
            Ok(None) => "ok".to_owned(),
            Ok(Some(bytes)) => bytes.to_string(),
            Err(error) => errno(&error),
        }
    }

    fn at(&self, place: usize) -> &Socket {
        &self.places[place].as_ref().unwrap().socket
    }

    fn socket(&mut self, place: usize) -> io::Result<Option<usize>> {
        let family = match self.family {
            Family::Tcp => AF_INET,
            Family::Unix => AF_UNIX,
        };
        self.places[place] = Some(Place::new(socket(family, SOCK_STREAM)?));
        Ok(None)
    }

    fn accept(&mut self, place: usize) -> io::Result<Option<usize>> {
        let listening = self.places[place].as_mut().unwrap();
        let (socket, _) = without_waiting(&listening.socket, Socket::accept)?;
        let connection = listening.queue.pop_front();
        let connection = connection.expect("only what connected can be accepted");
        let mut accepted = Place::new(socket);
        accepted.end = Some(End {
            connection,
            side: 1,
        });
        self.places[CONN] = Some(accepted);
        Ok(None)
    }

    /// A `connect` that waits as programs' do, but not for ever.
    fn connect(&mut self, place: usize, patience: Patience) -> io::Result<Option<usize>> {
        let socket = self.at(place);
        let limit = socket2::SockRef::from(socket);
        limit.set_write_timeout(Some(patience.0))?;
        socket.connect(&self.address)?;
        limit.set_write_timeout(None)?;

        let client = ipv4(&socket.getsockname()?);
        let connection = self.connections.len();
        let end = End {
            connection,
            side: 0,
        };
        self.places[place].as_mut().unwrap().end = Some(end);
        self.connections.push(Connection {
            client,
            unread: [0; 2],
            closed: [false; 2],
        });
        let listening = self.places[SERVER].as_mut();
        let listening = listening.expect("nobody else listens");
        listening.queue.push_back(connection);
        Ok(None)
    }

    fn send(&mut self, place: usize) -> io::Result<Option<usize>> {
        let sent = without_waiting(self.at(place), |socket| socket.send(MESSAGE))?;
        if let Some(end) = self.places[place].as_ref().unwrap().end {
            let to = 1 - end.side;
            self.connections[end.connection].unread[to] += sent;
        }
        Ok(Some(sent))
    }

    fn recv(&mut self, place: usize) -> io::Result<Option<usize>> {
        let data = without_waiting(self.at(place), |socket| socket.recv(1024))?;
        if let Some(end) = self.places[place].as_ref().unwrap().end {
            self.connections[end.connection].unread[end.side] -= data.len();
        }
        Ok(Some(data.len()))
    }

    fn close(&mut self, place: usize) -> io::Result<Option<usize>> {
        let closing = self.places[place].take().unwrap();
        if let Some(end) = closing.end {
            self.connections[end.connection].closed[end.side] = true;
        }
        for id in closing.queue {
            self.connections[id].closed[1] = true;
        }
        self.client_gone |= place == CLIENT;
        closing.socket.close()?;
        Ok(None)
    }
}

impl Place {
    fn new(socket: Socket) -> Place {
        Place {
            socket,
            ended: Cell::new(false),
            end: None,
            queue: VecDeque::new(),
        }
    }
}

fn ipv4(address: &Address) -> Option<SocketAddrV4> {
    match address {
        Address::Ip(SocketAddr::V4(address)) => Some(*address),
        _ => None,
    }
}

pub fn listens(place: &Place) -> bool {
    rustix::net::sockopt::socket_acceptconn(&place.socket).unwrap()
}

/// What would wait fails with `EAGAIN`, at once; all else is as it would be.
fn without_waiting<T>(
    socket: &Socket,
    call: impl FnOnce(&Socket) -> io::Result<T>,
) -> io::Result<T> {
    socket.setblocking(false)?;
    let result = call(socket);
    socket.setblocking(true)?;
    result
}

fn errno(error: &io::Error) -> String {
    use nix::errno::Errno;
    let number = error.raw_os_error();
    match Errno::from_raw(number.unwrap_or_else(|| panic!("no errno: {error}"))) {
        // The second is what a connect() says whose SO_SNDTIMEO has passed, socket(7).
        Errno::EAGAIN | Errno::EINPROGRESS => "waits".to_owned(),
        errno => format!("{errno:?}"),
    }
}
