//! Any [`Service`](shared_server::Service) behind a broker: requests come from a NATS subject, and
//! each is answered by one of the workers in a queue group.
//!
//! One message is one frame: its kind and its body. The preamble and the length are left out,
//! because the broker delivers whole messages. The reply goes to the message's reply subject; a
//! message without one gets no reply.
//!
//! | file | what it contains |
//! |---|---|
//! | `worker.rs` | from a message to its reply, and the drain |
//! | `program.rs` | a program: flags, signals, the log, exit codes |
//!
//! What the broker changes:
//!
//! - It hides the peer's identity. WhoAmI says so, and a service sees
//!   [`Peer::Other`](shared_server::Peer::Other). - It delivers at most once. Requests that a
//!   worker was handling when it was killed are lost, and so are those that the broker held when it
//!   was restarted; their callers get no reply. - Requests of one caller may be answered by several
//!   workers, in any order. State kept in one worker is not visible to the others. - There is no
//!   connection to close: Close is answered with Closed, and nothing else happens.
//!
//! A worker for your own service is three lines:
//!
//! ```no_run
//! # use shared_server::TutorialService as YourService;
//! fn main() -> std::process::ExitCode {
//!     nats_worker::main("your-worker", "Answers your requests", YourService)
//! }
//! ```
//!
//! This crate builds some hundred others, so plain `cargo build` and `cargo test` leave it out:
//! `cargo test -p nats-worker` tests it against the real broker, `nats-server` of Debian.

#![warn(missing_docs)]

mod program;
mod worker;

pub use program::main;
pub use worker::{Place, Worker, WorkerError};
