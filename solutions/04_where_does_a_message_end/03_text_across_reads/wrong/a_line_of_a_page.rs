//! Caught by: lines_not_reads
//! Told: This line is longer than
//!
//! Bounds a line without being asked to, at 65,536 bytes, and takes what is longer for two lines.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        if reader.by_ref().take(65_536).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = match std::str::from_utf8(line.strip_suffix(b"\n").unwrap_or(&line)) {
            Ok(text) => text.to_uppercase() + "\n",
            Err(_) => "not text\n".to_owned(),
        };
        writer.write_all(answer.as_bytes())?;
    }
}
