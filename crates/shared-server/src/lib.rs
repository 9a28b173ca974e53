//! An engine for servers: a readiness loop with limits, deadlines and draining, for any
//! [`Service`] over any [`Transport`].
//!
//! A service answers requests in messages of its own, a transport accepts clients, and a [`Server`]
//! joins the two and adds limits on clients and frames, deadlines for frames, replies and idle
//! clients, and a shutdown that answers every request that has arrived. A service needs two
//! messages and one method:
//!
//! ```
//! use shared_server::{Answer, BadMessage, Context, Decode, Frame, Message, Service};
//! use std::borrow::Cow;
//!
//! /// Kind 10: some text to be shouted.
//! struct Request<'a>(&'a str);
//! /// Kind 90: the shout.
//! struct Response(String);
//!
//! impl<'a> Decode<'a> for Request<'a> {
//!     fn decode(frame: Frame<'a>) -> Result<Self, BadMessage> {
//!         match frame.kind {
//!             0x10 => Ok(Request(frame.text()?)),
//!             kind => Err(BadMessage::UnknownKind(kind)),
//!         }
//!     }
//! }
//!
//! impl Message for Response {
//!     fn kind(&self) -> u8 {
//!         0x90
//!     }
//!
//!     fn body(&self) -> Cow<'_, [u8]> {
//!         self.0.as_bytes().into()
//!     }
//! }
//!
//! struct Shout;
//!
//! impl Service for Shout {
//!     type Request<'a> = Request<'a>;
//!     type Response<'a> = Response;
//!
//!     fn call<'a>(&mut self, request: Request<'a>, _: &'a Context<'_, Self>) -> Answer<Response> {
//!         Answer::Now(Response(request.0.to_uppercase()))
//!     }
//! }
//! ```
//!
//! `crates/key-value`, which chapter 18 builds, is a complete daemon: it has a store that all
//! workers share, both transports in one process, errors of its own, and an answer that takes time.
//! It includes a client.
//!
//! # In your own `Cargo.toml`
//!
//! ```toml
//! shared-server = { path = "…/crates/shared-server" }   # this
//! tcp-server = { path = "…/crates/tcp-server" }         # TcpTransport
//! unix-server = { path = "…/crates/unix-server" }       # UnixTransport
//! ```
//!
//! The feature `cli` adds the flags that both servers share, the log on standard error and the exit
//! codes (`cli`, `log`), with `clap` and `humantime`. Without it the engine depends on `mio`,
//! `slab` and a few crates for signals and system calls, and prints nothing: it reports what
//! happens through [`Server::on_event`]. The `shared-` in the name means shared by `tcp-server` and
//! `unix-server`.
//!
//! # Under a supervisor
//!
//! A supervisor such as systemd may open the listener before the server starts, and may want status
//! reports. Your program can do what `tcp-server` and `unix-server` do:
//!
//! ```no_run
//! use shared_server::{Event, Inherited, Limits, Server, Signals, Supervisor, TutorialService};
//! use tcp_server::TcpTransport;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut inherited = Inherited::from_env()?; // before anything is opened
//! let signals = Signals::catch()?;
//! let supervisor = Supervisor::from_env();
//! let transport = match TcpTransport::inherited(&mut inherited)? {
//!     Some(handed_on) => handed_on,
//!     None => TcpTransport::bind("127.0.0.1:7878")?,
//! };
//! inherited.finish()?; // every inherited socket is served
//! let address = transport.local_address()?;
//!
//! let mut server = Server::new(transport, Limits::default())?;
//! supervisor.follow(&mut server, |event: &Event| eprintln!("{event}"));
//! server.end_on(&signals)?;
//! let server = server.start(TutorialService::default)?;
//! println!("listening on {address}");
//! if let Err(error) = supervisor.ready() {
//!     eprintln!("cannot notify the supervisor: {error}"); // clients are served anyway
//! }
//! server.serve()?;
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `cli`, `cli::ready` prints that line and tells the supervisor.
//!
//! # Where to find what
//!
//! From the poll to the write, a request passes through these files, in this order:
//!
//! | file | what it contains |
//! |---|---|
//! | `worker.rs` | one thread's loop: wait, give turns to the connections that are ready, look at the clock |
//! | `connection.rs` | the life of one client: deliver pending replies, read, have the requests answered, deliver |
//! | `session.rs` | the protocol with one client, without a socket |
//! | `requests.rs` | from a whole frame to its answer |
//! | `service.rs` | what a service is, and how it answers: now, with an error, or later |
//!
//! Around them stand:
//!
//! | file | what it contains |
//! |---|---|
//! | `server.rs` | from a listener to running workers, and how they end |
//! | `transport.rs` | what the server needs from a kind of socket |
//! | `inherited.rs`, `listeners.rs` | listening sockets that a supervisor passed on, and several that act as one |
//! | `acceptor.rs` | the listening socket: accepting clients, and what happens when no descriptor is left |
//! | `handover.rs` | clients on their way from the worker that accepts to the worker that serves |
//! | `connections.rs` | which connections are waiting for a turn, whose deadline is next, which are lingering |
//! | `deadlines.rs` | the order of deadlines |
//! | `poller.rs`, `alarm.rs` | what a worker waits on, and what ends the wait in time |
//! | `turn.rs` | what a worker lends to the connection whose turn it is |
//! | `shared.rs` | what all workers know: slots, counters, whether to drain |
//! | `signals.rs` | ends the server when asked |
//! | `descriptors.rs`, `ledger.rs` | how many clients the limit on open files allows, and how servers of one process share it |
//! | `supervisor.rs`, `watchdog.rs` | what is reported to a supervisor: ready, stopping, and that no worker is stuck |
//! | `event.rs` | what the server reports to the program that runs it |
//! | `cli.rs`, `log.rs`, `output.rs` | a program's flags, its exit codes, and a log that never waits for its reader |
//! | `dispatcher.rs` | calls a service for requests that arrive without a connection |
//! | `tutorial.rs` | the tutorial's service, the first one on this engine |
//!
//! This crate opens no socket and reads no command line: `tcp-server` and `unix-server` do. `cargo
//! test -p pair-tests` tests what these two programs promise; run it after a change here.

#![warn(missing_docs)]

mod acceptor;
mod alarm;
#[cfg(feature = "cli")]
pub mod cli;
mod connection;
mod connections;
mod deadlines;
mod descriptors;
mod dispatcher;
mod event;
mod handover;
mod inherited;
mod ledger;
mod limits;
mod listeners;
#[cfg(feature = "cli")]
pub mod log;
#[cfg(feature = "cli")]
mod output;
mod poller;
mod requests;
mod server;
mod service;
mod session;
mod shared;
mod signals;
#[cfg(any(test, fuzzing))]
mod simulation;
mod supervisor;
mod transport;
mod turn;
mod tutorial;
mod watchdog;
mod worker;

pub use dispatcher::{Dispatcher, LateAnswer, LateAnswers};
pub use event::Event;
pub use inherited::{InheritError, Inherited, Origin};
pub use limits::Limits;
pub use listeners::Listeners;
pub use server::{Running, Server};
pub use service::{Answer, Context, Later, Service, ServiceError, Ticket};
pub use shared::{Handle, Outcome};
pub use shared_proto::{BadMessage, Decode, ErrorCode, Frame, Message, ServiceCode};
pub use signals::Signals;
#[cfg(fuzzing)]
pub use simulation::fuzz;
pub use supervisor::Supervisor;
pub use transport::{Peer, Received, Transport};
pub use tutorial::TutorialService;
pub use watchdog::Watchdog;
