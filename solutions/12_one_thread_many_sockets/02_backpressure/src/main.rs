//! Echoes frames: a length (four bytes, big-endian) and that many bytes of payload. One thread
//! serves all clients, and keeps little in memory for each.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

/// The longest payload that is accepted.
const LIMIT: usize = 65_536;
/// The token of the listener. The clients' tokens count up from 1.
const LISTENER: Token = Token(0);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: sol-12-02 ADDRESS");
    let mut listener = TcpListener::bind(address.parse().expect("an IP address and a port"))?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on {}", listener.local_addr()?);

    let mut clients: HashMap<Token, Client> = HashMap::new();
    let mut last = LISTENER;
    let mut events = Events::with_capacity(256);
    let mut knocked = false;
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            let token = event.token();
            if token == LISTENER {
                knocked = true;
            } else if let Some(client) = clients.get_mut(&token) {
                match client.ready(poll.registry(), token) {
                    Ok(true) => {}
                    Ok(false) => drop(clients.remove(&token)), // closed, so poll forgets it
                    Err(error) => {
                        let _ = writeln!(io::stderr(), "a client: {error}");
                        clients.remove(&token);
                    }
                }
            }
        }
        if knocked {
            knocked = !accept_all(&listener, poll.registry(), &mut last, &mut clients)?;
        }
    }
}

/// Accepts all waiting clients. An edge is reported once: a loop that stops before `WouldBlock` may
/// miss the others for good. False when no descriptor is left: then the next client waits in the
/// queue, and we try again after the next events, because a client may have left (chapter 11).
fn accept_all(
    listener: &TcpListener,
    registry: &Registry,
    last: &mut Token,
    clients: &mut HashMap<Token, Client>,
) -> io::Result<bool> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                last.0 += 1;
                registry.register(&mut stream, *last, Interest::READABLE)?;
                clients.insert(*last, Client::new(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {} // already gone
            Err(error) => {
                let _ = writeln!(io::stderr(), "accepting: {error}");
                return Ok(false);
            }
        }
    }
}

/// What a read returned.
enum Came {
    Bytes,
    /// Nothing more for now: poll reports when there is.
    Nothing,
    /// The client won't send any more.
    End,
}

/// A client, and the state that its own thread would have on the stack.
struct Client {
    stream: TcpStream,
    /// Received bytes that don't make a whole frame yet.
    incoming: Vec<u8>,
    /// Bytes that are waiting to be sent.
    outgoing: Vec<u8>,
    /// Whether poll reports room to send.
    wants_room: bool,
}

impl Client {
    fn new(stream: TcpStream) -> Client {
        Client {
            stream,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            wants_room: false,
        }
    }

    /// Does everything that can be done without waiting, and keeps no more than a frame and its
    /// reply. False when the client is finished.
    ///
    /// # Errors
    ///
    /// When the stream fails, ends inside a frame, or declares more than [`LIMIT`].
    // ANCHOR: ready
    fn ready(&mut self, registry: &Registry, token: Token) -> io::Result<bool> {
        loop {
            self.write()?;
            if !self.outgoing.is_empty() {
                // Not read while its replies wait: its bytes stay in the kernel, whose buffers fill,
                // and then the client's own writes wait. When there is room we come here again.
                break;
            }
            match self.read()? {
                Came::Bytes => move_frames(&mut self.incoming, &mut self.outgoing)?,
                Came::Nothing => break,
                Came::End if self.incoming.is_empty() => return Ok(false),
                Came::End => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
        self.ask(registry, token)?;
        Ok(true)
    }
    // ANCHOR_END: ready

    /// Reads once.
    fn read(&mut self) -> io::Result<Came> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(Came::End),
                Ok(length) => {
                    self.incoming.extend_from_slice(&buffer[..length]);
                    return Ok(Came::Bytes);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Came::Nothing),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes as much as there is room for. The rest stays in `outgoing`.
    fn write(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.outgoing.len() {
            match self.stream.write(&self.outgoing[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.outgoing.drain(..sent);
        Ok(())
    }

    /// Asks for events about room only while bytes are waiting to be sent, since there is nearly
    /// always room.
    fn ask(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let waits = !self.outgoing.is_empty();
        if waits != self.wants_room {
            let interest = match waits {
                true => Interest::READABLE | Interest::WRITABLE,
                false => Interest::READABLE,
            };
            registry.reregister(&mut self.stream, token, interest)?;
            self.wants_room = waits;
        }
        Ok(())
    }
}

/// Moves every whole frame from the received bytes to the bytes that are waiting to be sent.
///
/// # Errors
///
/// When a frame declares more than [`LIMIT`].
fn move_frames(incoming: &mut Vec<u8>, outgoing: &mut Vec<u8>) -> io::Result<()> {
    let mut taken = 0;
    while let Some(length) = incoming[taken..].first_chunk() {
        let size = u32::from_be_bytes(*length) as usize;
        if size > LIMIT {
            return Err(ErrorKind::InvalidData.into());
        }
        let Some(frame) = incoming[taken..].get(..length.len() + size) else {
            break;
        };
        outgoing.extend_from_slice(frame);
        taken += frame.len();
    }
    incoming.drain(..taken);
    Ok(())
}
