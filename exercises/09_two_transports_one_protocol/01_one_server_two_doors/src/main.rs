//! Echoes frames on `tcp:HOST:PORT` and, once the exercise is solved, on `unix:PATH`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

fn main() -> ExitCode {
    let address = std::env::args().nth(1).expect("usage: ex-09-01 ADDRESS");
    match run(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{address}: {error}");
            ExitCode::from(2)
        }
    }
}

/// Listens on `address`, prints that, and serves one client after another.
fn run(address: &str) -> io::Result<()> {
    let Some(host_and_port) = address.strip_prefix("tcp:") else {
        todo!("serve on {address:?} in the same way, if it begins with unix:")
    };
    let listener = TcpListener::bind(host_and_port)?;
    println!("listening on tcp:{}", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            let _ = writeln!(io::stderr(), "a client: {error}");
        }
    }
    Ok(())
}

/// Sends back every frame that arrives, until the stream ends.
fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut writer = stream;
    let mut reader = BufReader::new(stream);
    while let Some(frame) = read_frame(&mut reader)? {
        writer.write_all(&frame)?;
    }
    Ok(())
}

/// The next whole frame, with its length prefix; `None` at the end of the stream.
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
