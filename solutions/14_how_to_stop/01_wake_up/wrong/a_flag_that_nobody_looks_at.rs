//! Caught by: ends_though_nobody_comes, ends_though_somebody_is_silent, both_signals, caught_from_the_first_moment
//! Told: The signal was sent while no client was
//!
//! Sets a flag in the handler, and checks it only between two clients.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let told = Arc::new(AtomicBool::new(false));
    flag::register(SIGINT, Arc::clone(&told))?;
    flag::register(SIGTERM, Arc::clone(&told))?;
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    accept_until(&told, &listener);
    fs::remove_file(path)
}

// ANCHOR: loop
fn accept_until(told: &AtomicBool, listener: &UnixListener) {
    while !told.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((stream, _)) => start(stream),
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
}
// ANCHOR_END: loop

/// Serves one client, on a thread of its own.
fn start(stream: UnixStream) {
    thread::spawn(move || {
        if let Err(error) = serve(&stream) {
            eprintln!("a client: {error}");
        }
    });
}

/// Sends back each line in upper case.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        stream.write_all(format!("{}\n", line?.to_uppercase()).as_bytes())?;
    }
    Ok(())
}
