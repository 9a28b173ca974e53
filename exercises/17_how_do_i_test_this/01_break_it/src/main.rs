//! Talks to a server that echoes frames, and reports whether it keeps its promise.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let server = Server::from_args().expect("usage: ex-17-01 ADDRESS LIMIT one|many DEADLINE_MS");
    match judge(server) {
        Ok(()) => {
            println!("good");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("bad: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Where the server is, and what it has promised.
#[derive(Debug, Clone, Copy)]
struct Server {
    address: SocketAddr,
    /// The longest payload.
    limit: u32,
    /// Whether it serves many clients at the same time, or one after another.
    many: bool,
    /// From this moment on, an answer that is missing counts as never sent.
    until: Instant,
}

impl Server {
    fn from_args() -> Option<Self> {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let [address, limit, clients, millis] = args.as_slice() else {
            return None;
        };
        let deadline = Duration::from_millis(millis.parse().ok()?);
        Some(Self {
            address: address.parse().ok()?,
            limit: limit.parse().ok()?,
            many: clients == "many",
            until: Instant::now() + deadline,
        })
    }
}

/// Nothing, or what is wrong.
type Finding = Result<(), String>;

fn judge(server: Server) -> Finding {
    let Server {
        address,
        limit,
        many,
        until,
    } = server;
    let left = until.saturating_duration_since(Instant::now());
    let hello = frame(b"hello");
    todo!("talk to {address}, limit {limit}, many {many}, for {left:?}; {hello:?} is a frame")
}

/// A payload with its length prefix.
fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("no payload here is that long");
    [&length.to_be_bytes()[..], payload].concat()
}
