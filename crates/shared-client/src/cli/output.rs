//! Answers on standard output, exactly as given.

use anyhow::Context;
use shared_proto::escaped;
use shared_proto::tutorial::Response;
use std::fmt;
use std::io::{self, ErrorKind, Write};

/// Standard output is a pipe that has no reader anymore.
#[derive(Debug)]
pub(super) struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standard output is closed")
    }
}

impl std::error::Error for OutputClosed {}

pub(super) fn print(response: &Response<'_>) -> anyhow::Result<()> {
    match response {
        Response::Accepted => write(b"accepted\n"),
        Response::Echo(bytes) => write(bytes),
        Response::Peer(text) => write(format!("{}\n", escaped(text)).as_bytes()),
        Response::Stats(stats) => write(
            format!(
                "connections_now {}\nconnections_ever {}\nrequests {}\nuptime_ms {}\n",
                stats.connections_now, stats.connections_ever, stats.requests, stats.uptime_ms
            )
            .as_bytes(),
        ),
    }
}

pub(super) fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    let written = output.write_all(bytes).and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        written => written.context("cannot write to standard output"),
    }
}
