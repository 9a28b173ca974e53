//! Caught by: a_slot_comes_back_after_a_reset, a_slot_comes_back_after_a_panic,
//! never_more_than_n_at_once
//! Told: A client's connection was reset,
//!
//! Releases the slot at the end of the function, which an error never reaches.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, most) = args
        .next()
        .zip(args.next())
        .expect("usage: ADDRESS CLIENTS");
    let house = Arc::new(House {
        most: most.parse().expect("a number of clients"),
        inside: Mutex::new(0),
    });
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let served = stream.and_then(|stream| match enter(&house) {
            Some(guest) => start(stream, guest),
            None => turn_away(&stream),
        });
        if let Err(error) = served {
            eprintln!("a client was lost: {error}"); // and no other client
        }
    }
    Ok(())
}

/// Counts the clients that are being served.
struct House {
    most: usize,
    inside: Mutex<usize>,
}

/// One client that is being served. It holds a slot for as long as it exists.
struct Guest(Arc<House>);

/// Takes a slot for one more client. `None` when all slots are taken.
fn enter(house: &Arc<House>) -> Option<Guest> {
    let mut inside = house.inside();
    if *inside == house.most {
        return None;
    }
    *inside += 1;
    Some(Guest(Arc::clone(house)))
}

impl House {
    fn inside(&self) -> MutexGuard<'_, usize> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(stream: TcpStream, guest: Guest) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        if let Err(error) = visit(&stream, &guest) {
            eprintln!("a client: {error}");
        }
    })?;
    Ok(())
}

// ANCHOR: visit
fn visit(stream: &TcpStream, guest: &Guest) -> io::Result<()> {
    handle(stream)?;
    *guest.0.inside() -= 1;
    Ok(())
}
// ANCHOR_END: visit

fn turn_away(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"busy\n")
}

/// Replies to each line.
///
/// # Panics
///
/// When the line is `panic`: it stands for the mistake that every large program has somewhere.
fn handle(mut stream: &TcpStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        assert_ne!(line?, "panic", "a mistake in the code that serves a client");
        stream.write_all(b"accepted\n")?;
    }
    Ok(())
}
