//! Echoes frames: a length (four bytes, big-endian), then that many bytes of payload. It also sends
//! an empty frame, a heartbeat, once per period, whatever the client does.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// The longest payload that is served.
const LIMIT: usize = 65_536;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: ex-13-01 ADDRESS MILLISECONDS");
    let period = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(talk(stream, period))),
            Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
        }
    }
}

async fn talk(mut stream: TcpStream, period: Duration) {
    if let Err(error) = serve(&mut stream, period).await {
        let _ = writeln!(io::stderr(), "a client: {error}");
    }
}

/// Sends back every frame until the stream ends, and meanwhile sends a heartbeat every
/// `period`.
///
/// # Errors
///
/// When the stream fails, ends inside a frame, or declares more than [`LIMIT`].
async fn serve(stream: &mut TcpStream, period: Duration) -> io::Result<()> {
    let mut incoming = Vec::new();
    let frame = take_frame(&mut incoming)?; // whenever bytes have arrived
    todo!("echo frames like {frame:?} to {stream:?}, and an empty one every {period:?}")
}

/// Removes the first frame, length prefix included, from `incoming`; `None` until it is complete.
///
/// # Errors
///
/// When it declares more than [`LIMIT`].
fn take_frame(incoming: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = incoming.first_chunk() else {
        return Ok(None);
    };
    let size = u32::from_be_bytes(*length) as usize;
    if size > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let whole = length.len() + size;
    Ok((incoming.len() >= whole).then(|| incoming.drain(..whole).collect()))
}
