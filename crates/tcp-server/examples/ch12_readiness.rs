//! Chapter 12: all clients on one thread, which answers each line with `accepted`.
//!
//! What it still gets wrong: no limit on clients, no deadline, no way to stop, and it ends when it
//! is out of descriptors.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: Token = Token(0);

// ANCHOR: loop
fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:7878");
    let mut listener = TcpListener::bind(address.parse().expect("an IP address and a port"))?;
    let mut poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on {}", listener.local_addr()?);

    let mut clients = HashMap::new();
    let mut events = Events::with_capacity(256);
    let mut last = LISTENER;
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue, // Ctrl-Z, then `fg`
            slept => slept?, // until something is ready
        }
        for event in &events {
            let token = event.token();
            if token == LISTENER {
                accept_all(&listener, &registry, &mut last, &mut clients)?;
            } else if let Some(client) = clients.get_mut(&token)
                && !client.ready(&registry, token).unwrap_or(false)
            {
                clients.remove(&token);
            }
        }
    }
}
// ANCHOR_END: loop

// ANCHOR: accept
/// Accepts until no client is waiting: the poll reports an edge once.
fn accept_all(
    listener: &TcpListener,
    registry: &Registry,
    last: &mut Token,
    clients: &mut HashMap<Token, Client>,
) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                last.0 += 1;
                registry.register(&mut stream, *last, Interest::READABLE)?;
                let client = Client {
                    stream,
                    outgoing: Vec::new(),
                    asks_for_room: false,
                };
                clients.insert(*last, client);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: accept

// ANCHOR: client
/// What a separate thread would have kept on its stack.
struct Client {
    stream: TcpStream,
    outgoing: Vec<u8>,
    asks_for_room: bool,
}

impl Client {
    /// Does everything that can be done without waiting. False when the client is finished.
    fn ready(&mut self, registry: &Registry, token: Token) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            let replying = !self.outgoing.is_empty();
            let moved = match replying {
                true => self.stream.write(&self.outgoing), // and read nothing meanwhile
                false => self.stream.read(&mut buffer),
            };
            match moved {
                Ok(count) if replying => drop(self.outgoing.drain(..count)),
                Ok(0) => return Ok(false),
                Ok(count) => {
                    let lines = buffer[..count].iter().filter(|byte| **byte == b'\n');
                    lines.for_each(|_| self.outgoing.extend(b"accepted\n"));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.ask(registry, token)
    }
    // ANCHOR_END: client

    // ANCHOR: ask
    /// Asks for writability while something is waiting to be sent, and stops asking afterwards.
    fn ask(&mut self, registry: &Registry, token: Token) -> io::Result<bool> {
        let (waits, interest) = match self.outgoing.is_empty() {
            true => (false, Interest::READABLE),
            false => (true, Interest::WRITABLE),
        };
        if waits != self.asks_for_room {
            registry.reregister(&mut self.stream, token, interest)?;
            self.asks_for_room = waits;
        }
        Ok(true)
    }
    // ANCHOR_END: ask
}
