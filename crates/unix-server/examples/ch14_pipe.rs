//! Chapter 14: a pipe next to the listener. The handler writes a byte, and the call that waits for
//! clients also waits for that byte.
//!
//! What it still gets wrong: requests that are under way are cut off.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::{env, fs, thread};

// ANCHOR: main
fn main() -> io::Result<()> {
    let path = env::args().nth(1).expect("the path to listen on");
    let (signals, handler) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        pipe::register(signal, handler.try_clone()?)?; // the handler writes a byte
    }
    let listener = UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    println!("listening on {path}");
    while !signal_came(&signals, &listener)? {
        match listener.accept() {
            Ok((stream, _)) => drop(thread::spawn(move || serve(&stream))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {} // the client is gone again
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
    fs::remove_file(path)
}

/// Waits for a client or a signal; returns whether it was a signal.
fn signal_came(signals: &UnixStream, listener: &UnixListener) -> io::Result<bool> {
    let mut ready = [
        PollFd::new(signals, PollFlags::IN),
        PollFd::new(listener, PollFlags::IN),
    ];
    match poll(&mut ready, None) {
        Ok(_) | Err(Errno::INTR) => Ok(!ready[0].revents().is_empty()),
        Err(error) => Err(error.into()),
    }
}
// ANCHOR_END: main

/// Sends back each line in upper case.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?; // on macOS it inherits the listener's mode
    for line in BufReader::new(stream).lines() {
        stream.write_all(format!("{}\n", line?.to_uppercase()).as_bytes())?;
    }
    Ok(())
}
