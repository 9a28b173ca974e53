//! Chapter 10: four threads for all clients, and a queue in front of them. Each line is answered
//! with `accepted`.
//!
//! What it still gets wrong: a client that leaves without a word kills its thread, and four silent
//! clients occupy all of them.
//!
//! Usage: `cargo run -p tcp-server --example ch10_pool [ADDRESS]`

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

// ANCHOR: pool
fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:7878"))?;
    println!("listening on {}", listener.local_addr()?);
    let (queue, clients) = mpsc::channel();
    let clients = Arc::new(Mutex::new(clients));
    for _ in 0..4 {
        let clients = Arc::clone(&clients);
        thread::spawn(move || {
            loop {
                let next = clients
                    .lock()
                    .expect("no thread panics while holding it")
                    .recv();
                let Ok(stream) = next else { return };
                talk(&stream);
            }
        });
    }
    drop(clients); // the threads hold it now
    for stream in listener.incoming().flatten() {
        queue.send(stream).expect("a thread is left");
    }
    Ok(())
}
// ANCHOR_END: pool

// ANCHOR: talk
fn talk(mut stream: &TcpStream) {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().expect("a client says something");
    for line in std::iter::once(first).chain(lines) {
        if line.is_err() || stream.write_all(b"accepted\n").is_err() {
            return;
        }
    }
}
// ANCHOR_END: talk
