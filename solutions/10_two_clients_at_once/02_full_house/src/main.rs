//! Replies `accepted` to each line, for at most a given number of clients at once; the next client
//! gets `busy`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, most) = args
        .next()
        .zip(args.next())
        .expect("usage: sol-10-02 ADDRESS CLIENTS");
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
            let _ = writeln!(io::stderr(), "a client was lost: {error}"); // and no other client
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

// ANCHOR: guest
/// Takes a slot for one more client. `None` when all slots are taken.
///
/// Only the accept loop calls this, but the lock makes it right for any caller: checking for a slot
/// and taking it are one step.
fn enter(house: &Arc<House>) -> Option<Guest> {
    let mut inside = house.inside();
    if *inside == house.most {
        return None;
    }
    *inside += 1;
    Some(Guest(Arc::clone(house)))
}

impl House {
    /// Nothing panics while holding this lock; even if it did, the number is never half changed.
    fn inside(&self) -> MutexGuard<'_, usize> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot is free again, however serving the client ended: by a return, an error or a panic.
impl Drop for Guest {
    fn drop(&mut self) {
        *self.0.inside() -= 1;
    }
}
// ANCHOR_END: guest

fn start(stream: TcpStream, guest: Guest) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        let _guest = guest; // dropped when this closure ends, even by a panic
        if let Err(error) = handle(&stream) {
            let _ = writeln!(io::stderr(), "a client: {error}");
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
