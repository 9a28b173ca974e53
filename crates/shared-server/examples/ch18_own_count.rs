//! Chapter 18: the counter, done wrong. Each worker counts for itself, so clients see several
//! counts.
//!
//! ```text
//! cargo run -p shared-server --example ch18_own_count -- 127.0.0.1:7878 --workers 2
//! ```

use clap::Arg;
use shared_proto::tutorial::{Request, Response};
use shared_server::{Answer, Context, Server, Service, Signals, cli};
use tcp_server::TcpTransport;

// ANCHOR: service
/// Each worker has one of these, with a number of its own.
#[derive(Default)]
struct Counter {
    said: u64,
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
                self.said += 1;
                Response::Accepted
            }
            Request::Echo(_) => {
                let said = self.said.to_string();
                Response::Echo(said.into_bytes().into())
            }
            Request::WhoAmI => {
                self.said += 1;
                Response::Peer(format!("number {}", self.said).into())
            }
            Request::Stats => Response::Stats(context.stats()),
        })
    }
}
// ANCHOR_END: service

fn main() -> anyhow::Result<()> {
    let address = Arg::new("address").value_name("HOST:PORT").required(true);
    let command = cli::command("counter", "Counts what all clients say");
    let arguments = command.arg(address).get_matches();
    let address: &String = arguments.get_one("address").expect("it is required");
    let signals = Signals::catch()?;
    let transport = TcpTransport::bind(address)?;
    let address = transport.local_address()?.to_string();
    let mut server = Server::new(transport, cli::limits(&arguments))?;
    server.on_event(cli::log_event);
    server.end_on(&signals)?;
    let server = server.start(Counter::default)?;
    cli::announce(&address);
    server.serve()?;
    Ok(())
}
