//! What a round trip over [`Connection`] costs, between two processes:
//!
//! ```text
//! cargo run --release -p shared-proto --example round_trips -- tcp 64 10000
//! cargo run --release -p shared-proto --example round_trips -- unix 64 10000 64
//! ```
//!
//! Arguments: the transport, the bytes of a body, how many round trips, and how many requests travel
//! in each (1). It prints the median time of a round trip. Under `strace -fc` it shows the system
//! calls, under `taskset -c 0` both sides share a processor.

use shared_proto::{Connection, ErrorCode, Request, Response};
use std::env;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Instant;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["answer", "tcp", address] => answer(nodelay(TcpStream::connect(address)?)?),
        #[cfg(unix)]
        ["answer", "unix", path] => answer(std::os::unix::net::UnixStream::connect(path)?),
        [transport, bytes, rounds] => ask_over(transport, [bytes, rounds, "1"]),
        [transport, bytes, rounds, window] => ask_over(transport, [bytes, rounds, window]),
        _ => Err("arguments: tcp|unix BYTES ROUNDS [WINDOW]".into()),
    }
}

fn ask_over(transport: &str, figures: [&str; 3]) -> Outcome {
    match transport {
        "tcp" => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let mut other = start(transport, &listener.local_addr()?.to_string())?;
            ask(nodelay(listener.accept()?.0)?, figures)?;
            other.wait()?;
        }
        #[cfg(unix)]
        "unix" => {
            let path = env::temp_dir().join(format!("round-trips-{}.sock", std::process::id()));
            let listener = std::os::unix::net::UnixListener::bind(&path)?;
            let mut other = start(transport, &path.to_string_lossy())?;
            let accepted = listener.accept();
            std::fs::remove_file(&path)?;
            ask(accepted?.0, figures)?;
            other.wait()?;
        }
        other => return Err(format!("{other} is no transport").into()),
    }
    Ok(())
}

/// The other process: this program again. It connects, so that nobody waits in vain if it cannot.
fn start(transport: &str, address: &str) -> std::io::Result<Child> {
    Command::new(env::current_exe()?)
        .args(["answer", transport, address])
        .spawn()
}

fn nodelay(stream: TcpStream) -> std::io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

// ANCHOR: answer
fn answer<S: Read + Write>(stream: S) -> Outcome {
    let mut connection = Connection::server(stream);
    while connection.answer(|frame| match Request::decode(frame) {
        Ok(Request::Echo(bytes)) => Response::Echo(bytes.into()),
        Ok(_) => Response::Accepted,
        Err(bad) => Response::Error {
            code: ErrorCode::Malformed,
            text: bad.to_string().into(),
        },
    })? {}
    Ok(())
}
// ANCHOR_END: answer

fn ask<S: Read + Write>(stream: S, [bytes, rounds, window]: [&str; 3]) -> Outcome {
    let body = vec![0x55; bytes.parse()?];
    let (rounds, window): (usize, usize) = (rounds.parse()?, window.parse()?);
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
    times.sort_unstable();
    let median = times[rounds / 2].as_nanos();
    println!("{median} ns a round trip, the median of {rounds}");
    Ok(())
}
