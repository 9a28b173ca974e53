//! Caught by: lines_not_reads
//! Told: The client before left in
//!
//! Tells what is no text as long as it is a line, and unwraps what is left at the end of the stream: half
//! a letter there ends the server.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // One client's trouble is not the next one's.
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if !line.ends_with(b"\n") {
            let rest = str::from_utf8(&line).expect("text");
            eprintln!("a client left in the middle of a line: {rest}");
            break;
        }
        let answer = match str::from_utf8(&line) {
            Ok(text) => text.to_uppercase(),
            Err(_) => "not text\n".to_owned(),
        };
        writer.write_all(answer.as_bytes())?;
        line.clear();
    }
    Ok(())
}
