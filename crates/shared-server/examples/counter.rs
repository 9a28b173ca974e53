//! The tutorial's messages, answered otherwise: counts what all clients say, and echoes the number.
//!
//! ```text
//! cargo run -p shared-server --example counter -- 127.0.0.1:7878
//! ```

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Context as _;
use shared_proto::tutorial::{Request, Response};
use shared_server::{Answer, Context, Inherited, Limits, Server, Service, Signals};
use shared_server::{Supervisor, cli};
use tcp_server::TcpTransport;

// ANCHOR: service
/// Each worker has one; what they count is one number.
#[derive(Clone, Default)]
struct Counter {
    said: Arc<AtomicU64>,
}

impl Service for Counter {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response<'a>;

    fn call<'a>(
        &mut self,
        request: Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Response<'a>> {
        Answer::Now(match request {
            Request::Say(_) => {
                self.said.fetch_add(1, Ordering::Relaxed);
                Response::Accepted
            }
            Request::Echo(_) => {
                let said = self.said.load(Ordering::Relaxed).to_string();
                Response::Echo(said.into_bytes().into())
            }
            Request::WhoAmI => Response::Peer(context.peer().to_string().into()),
            Request::Stats => Response::Stats(context.stats()),
        })
    }
}
// ANCHOR_END: service

fn main() -> anyhow::Result<()> {
    let mut inherited = Inherited::from_env()?; // first of all
    let (signals, supervisor) = (Signals::catch()?, Supervisor::from_env());
    let transport = match TcpTransport::inherited(&mut inherited)? {
        Some(handed_on) => handed_on,
        None => {
            let address = std::env::args().nth(1).context("give HOST:PORT")?;
            TcpTransport::bind(&address)?
        }
    };
    inherited.finish()?;
    let address = transport.local_address()?.to_string();
    let limits = Limits {
        workers: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        ..Limits::default()
    };
    let mut server = Server::new(transport, limits)?;
    supervisor.follow(&mut server, cli::log_event);
    server.end_on(&signals)?;
    let counter = Counter::default();
    let server = server.start(|| counter.clone())?;
    cli::ready(&supervisor, &address);
    server.serve()?;
    Ok(())
}
