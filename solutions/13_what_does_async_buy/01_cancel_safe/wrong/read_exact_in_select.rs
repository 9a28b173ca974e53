//! Caught by: a_heartbeat_mid_frame_loses_nothing, the_heart_beats_while_a_client_drips,
//! a_heartbeat_never_stands_inside_an_answer
//! Told: A heartbeat was due while a frame was
//!
//! Reads a whole frame in one branch. When the heartbeat wins, that future is dropped, and the bytes
//! that it had already read are dropped with it. (If the whole frame has already arrived, it takes a
//! sleep to make that happen every time.)

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
    // ANCHOR: select
    let mut heartbeat = time::interval_at(Instant::now() + period, period);
    loop {
        tokio::select! {
            frame = read_frame(stream) => match frame? {
                Some(frame) => stream.write_all(&frame).await?,
                None => return Ok(()),
            },
            _ = heartbeat.tick() => stream.write_all(&[0; 4]).await?,
        }
    }
    // ANCHOR_END: select
}

async fn read_frame(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let size = u32::from_be_bytes(length) as usize;
    if size > LIMIT {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut frame = [length.to_vec(), vec![0; size]].concat();
    time::sleep(Duration::from_millis(5)).await;
    stream.read_exact(&mut frame[4..]).await?;
    Ok(Some(frame))
}
