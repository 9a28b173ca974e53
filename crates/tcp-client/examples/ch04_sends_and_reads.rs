//! Sends each TEXT with its own send, then reads with the given sizes, and shows both in
//! hexadecimal.
//!
//! Usage: `cargo run -p tcp-client --example ch04_sends_and_reads -- TEXT… : SIZE…`

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let colon = args
        .iter()
        .position(|arg| arg == ":")
        .expect("usage: TEXT… : SIZE…");
    let (sends, reads) = (&args[..colon], &args[colon + 1..]);

    let (mut here, mut there) = pair()?;
    // ANCHOR: send
    for text in sends {
        let count = here.write(text.as_bytes())?;
        show("send", &text.as_bytes()[..count]);
    }
    // ANCHOR_END: send
    wait_for(&there, sends.iter().map(String::len).sum())?;
    // ANCHOR: read
    for size in reads {
        let mut buffer = vec![0; size.parse().expect("SIZE is a number of bytes")];
        let count = there.read(&mut buffer)?;
        show("read", &buffer[..count]);
    }
    // ANCHOR_END: read
    Ok(())
}

/// Two ends of a connection over 127.0.0.1.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = TcpStream::connect(listener.local_addr()?)?;
    // Each send leaves immediately (chapter 5): if they are joined, the sender didn't do it.
    here.set_nodelay(true)?;
    Ok((here, listener.accept()?.0))
}

/// Waits until everything has arrived, so that the reads don't depend on luck.
fn wait_for(stream: &TcpStream, size: usize) -> io::Result<()> {
    let mut waiting = vec![0; size];
    while stream.peek(&mut waiting)? < size {}
    Ok(())
}

fn show(what: &str, bytes: &[u8]) {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = String::from_utf8_lossy(bytes);
    println!("{what} {:>2}  {:<36} {text}", bytes.len(), hex.join(" "));
}
