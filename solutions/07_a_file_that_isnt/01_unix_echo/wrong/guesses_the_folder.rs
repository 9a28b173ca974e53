//! Caught by: a_relative_path_works
//! Told: bind() resolves a relative path
//!
//! Thinks that a path must be absolute, so it makes it absolute, starting from the folder of the
//! executable.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

// ANCHOR: main
fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).expect("usage: PATH");
    let program = std::env::current_exe()?;
    let path = program.with_file_name(path);
    let listener = UnixListener::bind(&path)?;
    println!("listening on {}", path.display());
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("a client: {error}");
        }
    }
    Ok(())
}
// ANCHOR_END: main

/// Sends back every frame that arrives, until the stream ends.
fn serve(stream: &UnixStream) -> io::Result<()> {
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    while let Some(frame) = read_frame(&mut reader)? {
        writer.write_all(&frame)?;
    }
    Ok(())
}

/// The next whole frame, including its length prefix; `None` at the end of the stream.
fn read_frame(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let size = u32::from_be_bytes(length);
    let mut frame = length.to_vec();
    reader.take(size.into()).read_to_end(&mut frame)?;
    if frame.len() < 4 + size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}
