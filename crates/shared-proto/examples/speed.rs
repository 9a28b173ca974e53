//! What [`Connection`] costs between two processes, per round trip or in one direction:
//!
//! ```text
//! cargo run --release -p shared-proto --example speed -- round-trips tcp 64 10000
//! cargo run --release -p shared-proto --example speed -- round-trips unix 64 10000 64
//! cargo run --release -p shared-proto --example speed -- bulk unix 65536 16384
//! ```
//!
//! Arguments: the transport, the size of a body in bytes, and how many round trips, with how many
//! requests in each (default 1), or how many frames. It prints a median: the time of a round trip,
//! or the rate over segments of 2 MiB. Run it under `strace -fc` to see the system calls; under
//! `taskset -c 0` both sides share a CPU.

use shared_proto::tutorial::{Request, Response};
use shared_proto::{Connection, Decode, ErrorReply};
use std::env;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Instant;

type Outcome = Result<(), Box<dyn Error>>;

/// Either kind of stream.
trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// The rate is noted after each this many bytes of bulk data.
const SEGMENT: usize = 2 << 20;

fn main() -> Outcome {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["round-trips", transport, bytes, rounds] => ask(transport, bytes, rounds, "1"),
        ["round-trips", transport, bytes, rounds, window] => ask(transport, bytes, rounds, window),
        ["bulk", transport, bytes, frames] => take(transport, bytes, frames),
        ["answer", transport, address] => answer(connect(transport, address)?),
        ["send", transport, address, bytes, frames] => send(
            connect(transport, address)?,
            bytes.parse()?,
            frames.parse()?,
        ),
        _ => Err(
            "arguments: round-trips tcp|unix BYTES ROUNDS [WINDOW], or bulk tcp|unix BYTES FRAMES"
                .into(),
        ),
    }
}

/// Starts the other process, which is this program again, and waits for it to connect.
fn start(
    role: &str,
    transport: &str,
    figures: &[&str],
) -> Result<(Box<dyn Stream>, Child), Box<dyn Error>> {
    let start = |address: &str| {
        let mut other = Command::new(env::current_exe()?);
        other.args([role, transport, address]).args(figures).spawn()
    };
    match transport {
        "tcp" => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let other = start(&listener.local_addr()?.to_string())?;
            Ok((nodelay(listener.accept()?.0)?, other))
        }
        #[cfg(unix)]
        "unix" => {
            let path = env::temp_dir().join(format!("speed-{}.sock", std::process::id()));
            let listener = std::os::unix::net::UnixListener::bind(&path)?;
            let other = start(&path.to_string_lossy());
            let both = other.and_then(|other| Ok((listener.accept()?.0, other)));
            std::fs::remove_file(&path)?;
            let (stream, other) = both?;
            Ok((Box::new(stream), other))
        }
        other => Err(format!("{other} isn't a transport").into()),
    }
}

fn connect(transport: &str, address: &str) -> std::io::Result<Box<dyn Stream>> {
    match transport {
        #[cfg(unix)]
        "unix" => Ok(Box::new(std::os::unix::net::UnixStream::connect(address)?)),
        _ => nodelay(TcpStream::connect(address)?),
    }
}

fn nodelay(stream: TcpStream) -> std::io::Result<Box<dyn Stream>> {
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

fn answer(stream: Box<dyn Stream>) -> Outcome {
    let mut connection = Connection::server(stream);
    while connection.answer(|frame, answer| match Request::decode(frame) {
        Ok(Request::Echo(bytes)) => answer.send(&Response::Echo(bytes.into())),
        Ok(_) => answer.send(&Response::Accepted),
        Err(bad) => answer.send(&ErrorReply::from(bad)),
    })? {}
    Ok(())
}

fn ask(transport: &str, bytes: &str, rounds: &str, window: &str) -> Outcome {
    let body = vec![0x55; bytes.parse()?];
    let (rounds, window): (usize, usize) = (rounds.parse()?, window.parse()?);
    let (stream, mut other) = start("answer", transport, &[])?;
    let mut connection = Connection::client(stream);
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 1..window {
            connection.queue(&Request::Echo(&body));
        }
        connection.send(&Request::Echo(&body))?;
        for _ in 0..window {
            let reply = connection.receive()?.ok_or("the other side hung up")?;
            if reply.body.len() != body.len() {
                return Err("a wrong reply".into());
            }
        }
        times.push(start.elapsed());
    }
    drop(connection);
    other.wait()?;
    times.sort_unstable();
    let median = times[rounds / 2].as_nanos();
    println!("{median} ns a round trip, the median of {rounds}");
    Ok(())
}

fn send(stream: Box<dyn Stream>, bytes: usize, frames: usize) -> Outcome {
    let body = vec![0x55; bytes];
    let mut connection = Connection::client(stream);
    for _ in 0..frames {
        connection.send(&Request::Echo(&body))?;
    }
    Ok(())
}

fn take(transport: &str, bytes: &str, frames: &str) -> Outcome {
    let (stream, mut other) = start("send", transport, &[bytes, frames])?;
    let mut connection = Connection::server(stream);
    let mut rates = Vec::new();
    let (mut came, mut start) = (0, Instant::now());
    while let Some(frame) = connection.receive()? {
        came += frame.body.len();
        if came >= SEGMENT {
            rates.push(came as f64 / start.elapsed().as_nanos() as f64);
            (came, start) = (0, Instant::now());
        }
    }
    other.wait()?;
    rates.sort_unstable_by(f64::total_cmp);
    let median = rates
        .get(rates.len() / 2)
        .ok_or("less than a segment of 2 MiB")?;
    println!("{median:.3} GB/s, the median of {} segments", rates.len());
    Ok(())
}
