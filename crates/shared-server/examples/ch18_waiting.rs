//! Chapter 18: requests that wait for another client, and are ended when the server drains. WhoAmI
//! is answered when a client says something, with that text.
//!
//! ```text
//! cargo run -p shared-server --example ch18_waiting -- 127.0.0.1:7878
//! cargo run -p tcp-client whoami
//! cargo run -p tcp-client say hello
//! ```

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::Arg;
use shared_proto::tutorial::{Request, Response};
use shared_server::{Answer, Context, Event, Later, Server, Service, ServiceCode};
use shared_server::{ServiceError, Signals, cli};
use tcp_server::TcpTransport;

// ANCHOR: news
/// Each worker has one of these; all of them share the clients that wait.
#[derive(Clone, Default)]
struct News(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    stopping: bool,
    clients: Vec<Later<News>>,
}

fn stopping() -> ServiceError {
    ServiceError::new(ServiceCode::new(256), "the server is stopping")
}

impl Service for News {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response<'a>;

    fn call<'a>(
        &mut self,
        request: Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Response<'a>> {
        let mut waiting = self.waiting();
        match request {
            // It had arrived before the signal, and is read after it.
            Request::WhoAmI if waiting.stopping => Answer::Error(stopping()),
            Request::WhoAmI => {
                let (later, ticket) = context.later();
                waiting.clients.push(later);
                Answer::Later(ticket)
            }
            Request::Say(text) => {
                for later in mem::take(&mut waiting.clients) {
                    later.answer(&Response::Peer(text.into()));
                }
                Answer::Now(Response::Accepted)
            }
            Request::Echo(bytes) => Answer::Now(Response::Echo(bytes.into())),
            Request::Stats => Answer::Now(Response::Stats(context.stats())),
        }
    }
}

impl News {
    /// Ends the requests that wait, and lets no other request wait from now on.
    fn stop(&self) {
        let mut waiting = self.waiting();
        waiting.stopping = true;
        for later in mem::take(&mut waiting.clients) {
            later.fail(&stopping());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// ANCHOR_END: news

fn main() -> anyhow::Result<()> {
    let address = Arg::new("address").value_name("HOST:PORT").required(true);
    let command = cli::command("news", "Tells those who wait what a client says");
    let arguments = command.arg(address).get_matches();
    let address: &String = arguments.get_one("address").expect("it is required");
    let signals = Signals::catch()?;
    let transport = TcpTransport::bind(address)?;
    let address = transport.local_address()?.to_string();
    let mut server = Server::new(transport, cli::limits(&arguments))?;
    server.on_event(cli::log_event);
    // ANCHOR: stop
    let news = News::default();
    let stopped = news.clone();
    server.on_event(move |event| {
        if let Event::Draining { .. } = event {
            stopped.stop();
        }
    });
    // ANCHOR_END: stop
    server.end_on(&signals)?;
    let server = server.start(|| news.clone())?;
    cli::announce(&address);
    server.serve()?;
    Ok(())
}
