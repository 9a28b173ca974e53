//! Chapter 14: a flag in a signal's handler. The handler runs, the flag is set, and `accept` keeps
//! waiting: no code checks the flag until the next client connects.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, thread};

// ANCHOR: main
fn main() -> io::Result<()> {
    let path = env::args().nth(1).expect("the path to listen on");
    let told_to_end = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&told_to_end))?; // the handler sets it
    }
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    while !told_to_end.load(Ordering::SeqCst) {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || serve(&stream));
    }
    fs::remove_file(path)
}
// ANCHOR_END: main

/// Sends back each line in upper case.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        stream.write_all(format!("{}\n", line?.to_uppercase()).as_bytes())?;
    }
    Ok(())
}
