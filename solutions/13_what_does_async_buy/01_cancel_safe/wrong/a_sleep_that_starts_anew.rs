//! Caught by: the_heart_beats_while_a_client_drips, each_client_has_a_clock_of_its_own,
//! a_heartbeat_never_stands_inside_an_answer
//! Told: A sleep that you create inside
//!
//! Creates the sleep again on every pass through the loop. A client that sends a byte now and then
//! restarts it each time, and no heartbeat is ever sent.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

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
    loop {
        // ANCHOR: select
        tokio::select! {
            length = stream.read_buf(&mut incoming) => {
                if length? == 0 {
                    break;
                }
                while let Some(frame) = take_frame(&mut incoming)? {
                    stream.write_all(&frame).await?;
                }
            }
            _ = time::sleep(period) => stream.write_all(&[0; 4]).await?,
        }
        // ANCHOR_END: select
    }
    match incoming.is_empty() {
        true => Ok(()),
        false => Err(ErrorKind::UnexpectedEof.into()),
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
