//! Caught by: never_more_than_n_at_once
//! Told: checks for a free slot in one step
//!
//! The accept loop checks whether there is a free slot, and the new thread counts itself in. In
//! between, the accept loop checks again. (The pause makes this window wide enough to be hit every
//! time.)

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
// ANCHOR: enter
fn enter(house: &Arc<House>) -> Option<Guest> {
    if *house.inside() >= house.most {
        return None;
    }
    Some(Guest(Arc::clone(house)))
}
// ANCHOR_END: enter

impl House {
    fn inside(&self) -> MutexGuard<'_, usize> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        *self.0.inside() -= 1;
    }
}

fn start(stream: TcpStream, guest: Guest) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        thread::sleep(std::time::Duration::from_millis(50));
        *guest.0.inside() += 1;
        let _guest = guest;
        if let Err(error) = handle(&stream) {
            eprintln!("a client: {error}");
        }
    })?;
    Ok(())
}

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
