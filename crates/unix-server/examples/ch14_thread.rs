//! Chapter 14: a second thread. The accept loop stays as it was, and `main` waits for the signal:
//! when `main` returns, all other threads end.
//!
//! What it still gets wrong: requests that are under way are cut off.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::{env, fs, thread};

// ANCHOR: main
fn main() -> io::Result<()> {
    let path = env::args().nth(1).expect("the path to listen on");
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    thread::spawn(move || accept(&listener));
    signals.forever().next(); // a read, from the pipe that the handler writes to
    fs::remove_file(path)
}
// ANCHOR_END: main

fn accept(listener: &UnixListener) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => drop(thread::spawn(move || serve(&stream))),
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
}

/// Sends back each line in upper case.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        stream.write_all(format!("{}\n", line?.to_uppercase()).as_bytes())?;
    }
    Ok(())
}
