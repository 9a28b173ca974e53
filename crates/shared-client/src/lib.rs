//! Calls a server: one request or many, over any stream, within a deadline.
//!
//! ```
//! use shared_client::{Client, Request, Response};
//! use shared_proto::Connection;
//! use std::net::{TcpListener, TcpStream};
//! use std::time::Duration;
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! # let server = std::thread::spawn(move || {
//! #     let mut server = Connection::server(listener.accept().unwrap().0);
//! #     while server.receive().unwrap().is_some() {
//! #         server.send(&Response::Accepted).unwrap();
//! #     }
//! # });
//! // … in which a server now accepts whatever is said …
//!
//! let mut client = Client::new(TcpStream::connect(address)?, Duration::from_secs(10))?;
//! assert_eq!(client.call(Request::Say("hello"))?, Response::Accepted);
//!
//! let mut accepted = 0;
//! client.call_many(&[Request::Say("one"), Request::Say("two")], |response| {
//!     accepted += usize::from(response == Response::Accepted);
//! })?;
//! assert_eq!(accepted, 2);
//! # drop(client);
//! # server.join().unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `cli` it also holds the command line that both clients present. How to connect
//! is not decided here: that is what `tcp-client` and `unix-client` are for.

#![warn(missing_docs)]

#[cfg(feature = "cli")]
pub mod cli;
mod client;
mod error;
mod stream;

pub use client::Client;
pub use error::CallError;
pub use shared_proto::{ErrorCode, Request, Response, ServiceCode, Stats};
pub use stream::Stream;
