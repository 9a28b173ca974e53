//! A service of one's own, over either transport: counts what is said to it, and tells how much it
//! was to whoever asks for an echo. All workers count together.
//!
//! ```text
//! cargo run -p shared-server --example counter -- tcp:127.0.0.1:7878
//! cargo run -p shared-server --example counter -- unix:/tmp/counter.sock
//! ```

use anyhow::{Context, bail};
use shared_server::{Limits, Peer, Request, Response, Server, Service, Signals, Transport, cli};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

// ANCHOR: service
/// Each worker has one; what they count is one number.
#[derive(Clone, Default)]
struct Counter {
    said: Arc<AtomicU64>,
}

impl Service for Counter {
    fn call<'a>(&mut self, request: Request<'a>, peer: &Peer) -> Response<'a> {
        match request {
            Request::WhoAmI => Response::Peer(peer.to_string().into()),
            Request::Say(_) => {
                self.said.fetch_add(1, Ordering::Relaxed);
                Response::Accepted
            }
            _ => {
                let said = self.said.load(Ordering::Relaxed);
                Response::Echo(said.to_string().into_bytes().into())
            }
        }
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
    let limits = Limits {
        workers: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        ..Limits::default()
    };
    let mut server = Server::new(transport, limits)?;
    server.on_event(cli::log_event);
    server.end_on(signals)?;
    cli::announce(address);
    let counter = Counter::default();
    server.run(|| counter.clone())?;
    Ok(())
}
