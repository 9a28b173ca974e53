//! Calls a server: one request or many, over any stream, within a deadline.
//!
//! ```
//! use shared_client::Client;
//! use shared_proto::Connection;
//! use shared_proto::tutorial::{Request, Response};
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
//! let stream = TcpStream::connect(address)?;
//! let mut client = Client::new(address.to_string(), stream, Duration::from_secs(10))?;
//! let response: Response = client.call(&Request::Say("hello"))?;
//! assert_eq!(response, Response::Accepted);
//!
//! let mut accepted = 0;
//! client.call_many(&[Request::Say("one"), Request::Say("two")], |reply| {
//!     accepted += usize::from(reply.decode::<Response>()? == Response::Accepted);
//!     Ok(())
//! })?;
//! assert_eq!(accepted, 2);
//! # drop(client);
//! # server.join().unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The messages are yours: anything that implements [`Message`] can be a request, anything that
//! implements [`Decode`] a response. The tutorial's messages are in `shared_proto::tutorial`.
//!
//! With the feature `cli` this crate also contains the command line of both clients. It does not
//! connect: `tcp-client` and `unix-client` do.

#![warn(missing_docs)]

#[cfg(feature = "cli")]
pub mod cli;
mod client;
mod error;
mod stream;
mod writer;

pub use client::{Client, ReplyFrame};
pub use error::{CallError, Failure};
pub use shared_proto::{BadMessage, Decode, ErrorCode, Frame, Message, ServiceCode, escaped};
pub use stream::Stream;
