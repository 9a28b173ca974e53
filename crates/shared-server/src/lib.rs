//! What both servers run: the readiness loop, its limits and deadlines, and draining.
//!
//! A [`Service`] answers requests, a [`Transport`] accepts clients, and a [`Server`] holds the
//! two together and keeps the promises: limits on clients and frames, deadlines for frames,
//! replies and idle clients, and an end that answers what had come. Adding a service takes one
//! method:
//!
//! ```
//! use shared_server::{Peer, Request, Response, Service};
//!
//! struct Shout;
//!
//! impl Service for Shout {
//!     fn call<'a>(&mut self, request: Request<'a>, peer: &Peer) -> Response<'a> {
//!         match request {
//!             Request::Say(text) => Response::Echo(text.to_uppercase().into_bytes().into()),
//!             Request::WhoAmI => Response::Peer(peer.to_string().into()),
//!             _ => Response::Accepted,
//!         }
//!     }
//! }
//! # let peer = Peer::Tcp("127.0.0.1:1".parse()?);
//! # assert_eq!(Shout.call(Request::Say("hi"), &peer), Response::Echo(b"HI".into()));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
//!
//! `examples/counter.rs` serves one over both transports.
//!
//! Nothing here prints: a server tells its [`Event`]s to the function that [`Server::on_event`] gives
//! it. The programs' is `cli::log_event`, with the feature `cli`.
//!
//! # Where to find what
//!
//! | file | one story |
//! |---|---|
//! | `server.rs` | from a listener to running workers, and how to end them |
//! | `worker.rs` | one thread's loop: wait, serve who is ready, look at the clock |
//! | `accepting.rs` | the listening socket: who comes in, who is turned away, no descriptors |
//! | `descriptors.rs` | how many clients the limit on open files allows |
//! | `connection.rs` | the life of one client: read, answer, deliver, close |
//! | `answering.rs` | bytes that came, cut into frames and answered |
//! | `deadlines.rs` | which connection's time is up next |
//! | `alarm.rs` | ends the wait when it is |
//! | `signals.rs` | ends the server when asked |
//! | `event.rs` | what the server tells whoever runs it |
//! | `log.rs`, `output.rs` | a program's log, which waits for nobody |
//! | `shared.rs` | what all workers know: slots, counters, whether to drain |
//!
//! Nothing here opens a socket or reads a command line by itself: `tcp-server` and `unix-server`
//! do. Work that blocks does not belong in a `Service`: chapter 10's thread for each client is
//! the server for that.

#![warn(missing_docs)]

mod accepting;
mod alarm;
mod answering;
#[cfg(feature = "cli")]
pub mod cli;
mod connection;
mod deadlines;
mod descriptors;
mod event;
mod limits;
#[cfg(feature = "cli")]
pub mod log;
#[cfg(feature = "cli")]
mod output;
mod server;
mod service;
mod shared;
mod signals;
mod transport;
mod worker;

pub use event::Event;
pub use limits::Limits;
pub use server::{Outcome, Server};
pub use service::{Service, TutorialService};
pub use shared::Handle;
pub use shared_proto::{ErrorCode, Request, Response, ServiceCode, Stats};
pub use signals::Signals;
pub use transport::{Peer, Transport};
