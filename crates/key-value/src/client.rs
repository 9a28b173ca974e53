//! The client of the key-value store: see `main.rs` next to this file.

mod messages;

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};
use shared_client::{Client, ErrorCode, Failure, Stream};

use messages::{NO_SUCH_KEY, Request, Response};

const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [address, command @ ..] = &arguments[..] else {
        bail!("expected HOST:PORT or a path, then a command");
    };
    let request = match command {
        ["get", key] => Request::Get(key),
        ["set", key, value] => Request::Set(key, value.as_bytes()),
        ["del", key] => Request::Del(key),
        ["search", text] => Request::Search(text),
        _ => bail!("expected get KEY, set KEY VALUE, del KEY or search TEXT"),
    };
    if address.contains('/') {
        #[cfg(unix)]
        return call(
            address,
            std::os::unix::net::UnixStream::connect(address),
            &request,
        );
    }
    call(address, TcpStream::connect(address), &request)
}

fn call<S: Stream>(
    address: &str,
    stream: io::Result<S>,
    request: &Request<'_>,
) -> anyhow::Result<()> {
    let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
    let mut client = Client::new(address, stream, TIMEOUT)?;
    match client.call(request) {
        Ok(Response::Value(value)) => io::stdout().write_all(&value)?,
        Ok(Response::Done) => {}
        Ok(Response::Found(number)) => println!("{number}"),
        Err(error) => match error.failure() {
            // The connection stays open: another request could follow.
            Failure::Error { code, .. } if *code == ErrorCode::Service(NO_SUCH_KEY) => {
                bail!("{address} has no such key")
            }
            _ => return Err(error.into()),
        },
    }
    client.finish()?;
    Ok(())
}
