//! Caught by: five_hundred_idle_clients_cost_nothing, a_slow_reader_gets_it_all
//! Told: Five hundred clients are connected
//!
//! Registers for everything, every time, in case it is needed later. A socket is nearly always
//! ready for writing, so the next event follows immediately.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

const LIMIT: usize = 65_536;
const LISTENER: Token = Token(0);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let mut listener = TcpListener::bind(address.parse().expect("an IP address and a port"))?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on {}", listener.local_addr()?);

    let mut clients = HashMap::new();
    let mut last = LISTENER;
    let mut events = Events::with_capacity(256);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            let token = event.token();
            if token == LISTENER {
                accept_all(&listener, poll.registry(), &mut last, &mut clients)?;
            } else if let Some(client) = clients.get_mut(&token) {
                match client.ready(poll.registry(), token) {
                    Ok(true) => {}
                    Ok(false) => drop(clients.remove(&token)), // closed, so poll forgets it
                    Err(error) => {
                        eprintln!("a client: {error}");
                        clients.remove(&token);
                    }
                }
            }
        }
    }
}

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
                clients.insert(*last, Client::new(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
}

struct Client {
    stream: TcpStream,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    ended: bool,
}

impl Client {
    fn new(stream: TcpStream) -> Client {
        Client {
            stream,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            ended: false,
        }
    }

    fn ready(&mut self, registry: &Registry, token: Token) -> io::Result<bool> {
        self.read()?;
        move_frames(&mut self.incoming, &mut self.outgoing)?;
        self.write()?;
        if self.ended && self.outgoing.is_empty() {
            if self.incoming.is_empty() {
                return Ok(false);
            }
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.ask(registry, token)?;
        Ok(true)
    }

    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        while !self.ended {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => self.incoming.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

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

    // ANCHOR: ask
    fn ask(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.reregister(&mut self.stream, token, interest)
    }
    // ANCHOR_END: ask
}

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
