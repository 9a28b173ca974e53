//! Caught by: five_hundred_idle_clients_cost_nothing, any_split_is_the_same_message,
//! a_heartbeat_mid_frame_loses_nothing, the_heart_beats_while_a_client_drips,
//! each_client_has_a_clock_of_its_own, a_heartbeat_never_stands_inside_an_answer
//! Told: Five hundred clients are connected and idle
//!
//! Reads with std, which blocks the thread, and the runtime has only one thread. No other client is
//! served until this one sends something.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

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
    let mut blocking = copy(stream)?;
    blocking.set_nonblocking(false)?;
    let mut incoming = Vec::new();
    let mut heartbeat = time::interval_at(Instant::now() + period, period);
    let mut buffer = [0; 4096];
    loop {
        // ANCHOR: blocking
        tokio::select! {
            length = async { blocking.read(&mut buffer) } => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                incoming.extend_from_slice(&buffer[..length]);
                while let Some(frame) = take_frame(&mut incoming)? {
                    blocking.write_all(&frame)?;
                }
            }
            _ = heartbeat.tick() => blocking.write_all(&[0; 4])?,
        }
        // ANCHOR_END: blocking
    }
}

fn copy(stream: &TcpStream) -> io::Result<std::net::TcpStream> {
    Ok(stream.as_fd().try_clone_to_owned()?.into())
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
