//! Chapter 11: `read_exact` with a timeout. Three bytes arrive in time, and the program never sees
//! them.
//!
//! Usage: `cargo run -p tcp-server --example ch11_eaten`

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    let (tell, told) = mpsc::channel();

    client.write_all(b"abc")?;
    std::thread::spawn(move || {
        let sent = told.recv().map(|()| client.write_all(b"defgh"));
        drop((sent, client)); // this ends the stream
    });
    // ANCHOR: read
    server.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut stream = &server;
    let mut message = [0; 8];
    if let Err(error) = stream.read_exact(&mut message) {
        println!("first try: {}", error.kind());
    }
    tell.send(()).expect("the client is there"); // it sends the rest
    match stream.read_exact(&mut message) {
        Ok(()) => println!("second try: all eight bytes"),
        Err(error) => println!("second try: {error}"),
    }
    // ANCHOR_END: read
    Ok(())
}
