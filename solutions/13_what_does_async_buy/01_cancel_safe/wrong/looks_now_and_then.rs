//! Caught by: five_hundred_idle_clients_cost_nothing
//! Told: Five hundred clients say nothing, and your
//!
//! Asks every millisecond whether something has come, and counts to the heartbeat by itself.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{self, Instant};

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

async fn serve(stream: &mut TcpStream, period: Duration) -> io::Result<()> {
    let mut incoming = Vec::new();
    let mut next = Instant::now() + period;
    loop {
        if Instant::now() >= next {
            next += period;
            stream.write_all(&[0; 4]).await?;
        }
        match stream.try_read_buf(&mut incoming) {
            Ok(0) if incoming.is_empty() => return Ok(()),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                time::sleep(Duration::from_millis(1)).await;
            }
            Err(error) => return Err(error),
        }
        while let Some(frame) = take_frame(&mut incoming)? {
            stream.write_all(&frame).await?;
        }
    }
}

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
