//! Caught by: a_heartbeat_never_stands_inside_an_answer
//! Told: A client took its answers
//!
//! No `select!`, no trouble: a task for the echo, and one for the heartbeat. Both write to the
//! stream, and when one of them waits for room in the middle of an answer, the other one goes on.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{self, Instant};

/// The longest payload that is served.
const LIMIT: usize = 65_536;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: ADDRESS MILLISECONDS");
    let period = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(talk(stream, period))),
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
}

async fn talk(mut stream: TcpStream, period: Duration) {
    if let Err(error) = serve(&mut stream, period).await {
        eprintln!("a client: {error}");
    }
}

/// Sends back every frame that comes, until the stream ends, and meanwhile a heartbeat every
/// `period`.
///
/// # Errors
///
/// When the stream fails, ends inside a frame, or declares more than [`LIMIT`].
async fn serve(stream: &mut TcpStream, period: Duration) -> io::Result<()> {
    let stream = &*stream;
    let beat = async {
        let mut heartbeat = time::interval_at(Instant::now() + period, period);
        loop {
            heartbeat.tick().await;
            write_all(stream, &[0; 4]).await?;
        }
    };
    tokio::select! {
        biased; // so that the heartbeat is the first to see that there is room
        failed = beat => failed,
        echoed = echo(stream) => echoed,
    }
}

async fn echo(stream: &TcpStream) -> io::Result<()> {
    let mut incoming = Vec::new();
    loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut incoming) {
            Ok(0) if incoming.is_empty() => return Ok(()),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        while let Some(frame) = take_frame(&mut incoming)? {
            write_all(stream, &frame).await?;
        }
    }
}

/// As `AsyncWriteExt::write_all`, which wants the stream for itself.
async fn write_all(stream: &TcpStream, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes the first frame, its length in front, out of what has come; nothing until it is whole.
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
