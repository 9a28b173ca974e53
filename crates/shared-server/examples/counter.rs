//! The tutorial's messages, answered differently: counts what all clients say, echoes the count,
//! and gives each client that asks a number.
//!
//! ```text
//! cargo run -p shared-server --example counter -- 127.0.0.1:7878 --workers 2
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use clap::Arg;
use shared_proto::tutorial::{Request, Response};
use shared_server::{Answer, Context, Inherited, Server, Service, Signals, Supervisor, cli};
use tcp_server::TcpTransport;

// ANCHOR: service
/// Each worker has one of these; all of them share one number.
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
            Request::WhoAmI => {
                let number = self.said.fetch_add(1, Ordering::Relaxed) + 1;
                Response::Peer(format!("number {number}").into())
            }
            Request::Stats => Response::Stats(context.stats()),
        })
    }
}
// ANCHOR_END: service

fn main() -> anyhow::Result<()> {
    let mut inherited = Inherited::from_env()?; // first of all
    let address = Arg::new("address").value_name("HOST:PORT");
    let command = cli::command("counter", "Counts what all clients say");
    let arguments = command.arg(address).get_matches();
    let (signals, supervisor) = (Signals::catch()?, Supervisor::from_env());
    let transport = match TcpTransport::inherited(&mut inherited)? {
        Some(handed_on) => handed_on,
        None => {
            let address: Option<&String> = arguments.get_one("address");
            TcpTransport::bind(address.context("give HOST:PORT")?)?
        }
    };
    inherited.finish()?;
    let address = transport.local_address()?.to_string();
    let mut server = Server::new(transport, cli::limits(&arguments))?;
    supervisor.follow(&mut server, cli::log_event);
    server.end_on(&signals)?;
    let counter = Counter::default();
    let server = server.start(|| counter.clone())?;
    cli::ready(&supervisor, &address);
    server.serve()?;
    Ok(())
}
