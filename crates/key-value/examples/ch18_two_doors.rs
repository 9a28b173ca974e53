//! Chapter 18, the fourth step: one store, over TCP and a Unix socket at the same time.
//!
//! ```text
//! cargo run -p key-value --example ch18_two_doors -- --listen 127.0.0.1:7879 --socket store.sock
//! ```

#[path = "../src/messages.rs"]
// ANCHOR: program
mod messages;

use std::collections::HashMap;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context as _;
use clap::{Arg, ArgMatches};
use shared_server::{Answer, Context, Outcome, Running, Server, Service, ServiceError};
use shared_server::{Signals, Transport, cli};
use tcp_server::TcpTransport;
use unix_server::UnixTransport;

use messages::{NO_SUCH_KEY, Request, Response};

type Values = HashMap<String, Arc<[u8]>>;

/// Each worker has one of these; all of them share the values.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Values>>);

impl Service for Store {
    type Request<'a> = Request<'a>;
    type Response<'a> = Response<'a>;

    fn call<'a>(
        &mut self,
        request: Request<'a>,
        context: &'a Context<'_, Self>,
    ) -> Answer<Response<'a>> {
        let found = match request {
            Request::Get(key) => {
                let value = self.values().get(key).cloned();
                value.map(|value| Response::Value(value.to_vec().into()))
            }
            Request::Set(key, value) => {
                self.values().insert(key.to_owned(), value.into());
                Some(Response::Done)
            }
            Request::Del(key) => self.values().remove(key).map(|_| Response::Done),
            Request::Search(text) => {
                let (later, ticket) = context.later();
                let (store, text) = (self.clone(), text.to_owned());
                thread::spawn(move || later.answer(&Response::Found(store.search(&text))));
                return Answer::Later(ticket);
            }
        };
        match found {
            Some(response) => Answer::Now(response),
            None => Answer::Error(ServiceError::new(NO_SUCH_KEY, "there is no such key")),
        }
    }
}

impl Store {
    /// Locks the values. A panic leaves them intact, so the other workers can keep using them.
    fn values(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Searches a copy of the list, so that no one waits for the lock meanwhile.
    fn search(&self, text: &str) -> u64 {
        let values: Vec<_> = self.values().values().cloned().collect();
        let holds = |value: &&Arc<[u8]>| String::from_utf8_lossy(value).contains(text);
        values.iter().filter(holds).count() as u64
    }
}

// ANCHOR: main
fn main() -> ExitCode {
    cli::log_panics();
    let flag = |name: &'static str| Arg::new(name).long(name).required(true);
    let command = cli::command("key-value", "Keeps values by their keys");
    let arguments = command.args([flag("listen"), flag("socket")]).get_matches();
    match serve(&arguments) {
        Ok(outcome) => cli::exit_code("key-value", outcome),
        Err(reason) => cli::refuse_to_start("key-value", format_args!("{reason:#}")),
    }
}

/// An error is the reason why the program does not start. How serving ended is inside `Ok`.
fn serve(arguments: &ArgMatches) -> anyhow::Result<io::Result<Outcome>> {
    let signals = Signals::catch()?;
    let store = Store::default();
    let address = |name| arguments.get_one::<String>(name).expect("it is required");
    let (listen, socket) = (address("listen"), address("socket"));
    let cannot_listen = |address| format!("cannot listen on {address}");
    let tcp = TcpTransport::bind(listen).with_context(|| cannot_listen(listen))?;
    let unix = UnixTransport::bind(socket.as_ref(), 0o600, vec![unix_server::own_uid()?])
        .with_context(|| cannot_listen(socket))?;
    let listen = tcp.local_address()?; // with its port, if 0 was given

    let tcp = start(tcp, &store, &signals, arguments)?;
    let unix = start(unix, &store, &signals, arguments)?;
    cli::announce(format!("{listen} and {socket}"));
    // The signals end both servers; if one fails, it ends the other too.
    let (tcp_handle, unix_handle) = (tcp.handle(), unix.handle());
    let unix = thread::spawn(move || unix.serve().inspect_err(|_| tcp_handle.drain()));
    let tcp = tcp.serve().inspect_err(|_| unix_handle.drain());
    let unix = unix.join().expect("the engine does not panic");
    Ok(worse(tcp, unix))
}

/// A failure comes before a cut, and a cut before a complete drain.
fn worse(tcp: io::Result<Outcome>, unix: io::Result<Outcome>) -> io::Result<Outcome> {
    let (tcp, unix) = (tcp?, unix?);
    Ok(if unix == Outcome::Cut { unix } else { tcp })
}

fn start<T: Transport + 'static>(
    transport: T,
    store: &Store,
    signals: &Signals,
    arguments: &ArgMatches,
) -> anyhow::Result<Running<T, Store>> {
    let mut server = Server::new(transport, cli::limits(arguments))?;
    server.on_event(cli::log_event);
    server.end_on(signals)?;
    Ok(server.start(|| store.clone())?)
}
// ANCHOR_END: program
