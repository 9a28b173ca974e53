//! Tells each client its process and user, as the kernel knows them; serves only its own user.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: ex-08-02 PATH");
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// Replies to each line with the peer's process and user; closes any other user's connection.
fn serve(mut stream: &UnixStream) -> io::Result<()> {
    let (pid, uid) = who_is(stream)?;
    for line in BufReader::new(stream).split(b'\n') {
        let _ = writeln!(io::stderr(), "it says: {}", line?.escape_ascii());
        writeln!(stream, "pid={pid} uid={uid}")?;
    }
    Ok(())
}

/// The peer's process and user, as the kernel recorded them when the peer connected.
fn who_is(stream: &UnixStream) -> io::Result<(u32, u32)> {
    todo!("ask the kernel who is at the other end of {stream:?}; and serve only your own user")
}
