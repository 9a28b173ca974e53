//! A complete daemon: a key-value store with its own messages, over TCP and a Unix socket at the
//! same time.
//!
//! ```text
//! cargo run -p key-value -- --listen 127.0.0.1:7879 --socket store.sock
//! cargo run -p key-value --bin key-value-client -- 127.0.0.1:7879 set color green
//! ```
//!
//! Chapter 18 builds it. The steps on the way are `cargo run -p key-value --example NAME`:
//!
//! | step | what it still gets wrong |
//! |---|---|
//! | `ch18_own_map` | each worker has its own map |
//! | `ch18_one_map` | a search keeps the other clients of its worker waiting |
//! | `ch18_later` | it listens on TCP only |
//! | `ch18_two_doors` | no supervisor can open its listeners, or gets status reports |

mod messages;

use std::collections::HashMap;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

// ANCHOR: uses
use anyhow::{Context as _, bail};
use clap::{Arg, ArgMatches};
use shared_server::{Answer, Context, Event, InheritError, Inherited, Limits, Outcome, Running};
use shared_server::{Server, Service, ServiceError, Signals, Supervisor, Transport, cli, log};
use tcp_server::TcpTransport;
use unix_server::UnixTransport;
// ANCHOR_END: uses

use messages::{NO_SUCH_KEY, Request, Response};

// ANCHOR: service
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
// ANCHOR_END: service

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
    let inherited = Inherited::from_env(); // before anything is opened
    cli::log_panics();
    let flag = |name: &'static str| Arg::new(name).long(name);
    let command = cli::command("key-value", "Keeps values by their keys");
    let arguments = command.args([flag("listen"), flag("socket")]).get_matches();
    match serve(&arguments, inherited) {
        Ok(outcome) => cli::exit_code("key-value", outcome),
        Err(reason) => cli::refuse_to_start("key-value", format_args!("{reason:#}")),
    }
}

/// What both servers have in common: the signals that end this process, the supervisor that wants
/// to know its state, and the flags' limits.
struct Surroundings {
    signals: Signals,
    supervisor: Supervisor,
    limits: Limits,
}

/// An error is the reason why the program does not start. How serving ended is inside `Ok`.
fn serve(
    arguments: &ArgMatches,
    inherited: Result<Inherited, InheritError>,
) -> anyhow::Result<io::Result<Outcome>> {
    let around = Surroundings {
        signals: Signals::catch().context("cannot catch signals")?,
        supervisor: Supervisor::from_env(),
        limits: cli::limits(arguments),
    };
    let (tcp, unix) = listen(arguments, inherited?)?;
    let address = tcp.local_address()?.to_string();
    let path = unix.paths()[0].display().to_string();

    let store = Store::default();
    let tcp = start(tcp, &address, &store, &around)?;
    let unix = start(unix, &path, &store, &around)?;
    cli::ready(&around.supervisor, format!("{address} and {path}"));
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

/// Each listener is one that a supervisor opened, or one that a flag names.
fn listen(
    arguments: &ArgMatches,
    mut inherited: Inherited,
) -> anyhow::Result<(TcpTransport, UnixTransport)> {
    let given = |flag| arguments.get_one::<String>(flag);
    let cannot_listen = |address| format!("cannot listen on {address}");
    let uids = vec![unix_server::own_uid()?];
    let tcp = match (TcpTransport::inherited(&mut inherited)?, given("listen")) {
        (Some(handed_on), None) => handed_on,
        (None, Some(address)) => {
            TcpTransport::bind(address).with_context(|| cannot_listen(address))?
        }
        (None, None) => bail!("give --listen HOST:PORT"),
        (Some(_), Some(_)) => bail!("--listen conflicts with an inherited TCP listener"),
    };
    let handed_on = UnixTransport::inherited(&mut inherited, uids.clone())?;
    let unix = match (handed_on, given("socket")) {
        (Some(handed_on), None) => handed_on,
        (None, Some(path)) => {
            UnixTransport::bind(path.as_ref(), 0o600, uids).with_context(|| cannot_listen(path))?
        }
        (None, None) => bail!("give --socket PATH"),
        (Some(_), Some(_)) => bail!("--socket conflicts with an inherited Unix listener"),
    };
    inherited.finish()?;
    Ok((tcp, unix))
}

fn start<T: Transport + 'static>(
    transport: T,
    address: &str,
    store: &Store,
    around: &Surroundings,
) -> anyhow::Result<Running<T, Store>> {
    let cannot_start = || format!("cannot start on {address}");
    let mut server = Server::new(transport, around.limits.clone()).with_context(cannot_start)?;
    let name = address.to_owned();
    let log_event = move |event: &Event| log::line(format_args!("{name}: {event}"));
    around.supervisor.follow(&mut server, log_event);
    server.end_on(&around.signals).with_context(cannot_start)?;
    server.start(|| store.clone()).with_context(cannot_start)
}
// ANCHOR_END: main
