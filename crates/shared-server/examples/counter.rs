//! A service of one's own, over either transport: counts what is said to it, and tells how much it
//! was to whoever asks for an echo.
//!
//! ```text
//! cargo run -p shared-server --example counter -- tcp:127.0.0.1:7878
//! cargo run -p shared-server --example counter -- unix:/tmp/counter.sock
//! ```

use anyhow::{Context, bail};
use shared_server::{Limits, Peer, Request, Response, Server, Service, Signals, Transport, cli};

// ANCHOR: service
#[derive(Default)]
struct Counter {
    said: u64,
}

impl Service for Counter {
    fn call<'a>(&mut self, request: Request<'a>, _peer: &Peer) -> Response<'a> {
        if let Request::Say(_) = request {
            self.said += 1;
            return Response::Accepted;
        }
        Response::Echo(self.said.to_string().into_bytes().into())
    }
}
// ANCHOR_END: service

fn main() -> anyhow::Result<()> {
    let address = std::env::args()
        .nth(1)
        .context("give tcp:HOST:PORT or unix:PATH")?;
    let signals = Signals::hold()?;
    if let Some(address) = address.strip_prefix("tcp:") {
        let transport = tcp_server::TcpTransport::bind(address)?;
        let address = transport.local_address()?.to_string();
        return serve(transport, &address, signals);
    }
    #[cfg(unix)]
    if let Some(path) = address.strip_prefix("unix:") {
        let users = vec![unix_server::own_uid()?];
        let transport = unix_server::UnixTransport::bind(path.as_ref(), 0o600, users)?;
        return serve(transport, path, signals);
    }
    bail!("{address} is neither tcp:HOST:PORT nor unix:PATH")
}

fn serve<T: Transport>(transport: T, address: &str, signals: Signals) -> anyhow::Result<()> {
    let mut server = Server::new(transport, Limits::default())?;
    server.end_on(signals)?;
    cli::announce(address);
    server.run(Counter::default)?;
    Ok(())
}
