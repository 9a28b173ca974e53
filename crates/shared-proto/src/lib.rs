//! The protocol that both ends of a pair must agree on: from bytes to messages and back.
//!
//! A connection carries a [preamble](PREAMBLE) once, from the client, then [frames](Frame) both
//! ways. All integers are big-endian.
//!
//! ```text
//! preamble (client -> server)   50 53 4B 01              "PSK", then the protocol version, 1
//! frame                         length:u32  kind:u8  body:[u8; length - 1]
//! ```
//!
//! Three kinds of frame belong to the protocol itself, its [envelope]: Close, Closed, and Error
//! with the codes below 256. All others are a service's own messages: types that implement
//! [`Message`], to be put into a frame, and [`Decode`], to be read from one. The [tutorial]'s
//! messages are an example.
//!
//! A program that reads and writes without blocking takes frames from its own buffer with
//! [`split_frame`]; one that may block uses a [`Connection`] over any stream:
//!
//! ```
//! use shared_proto::tutorial::{Request, Response};
//! use shared_proto::{Connection, Decode};
//! use std::os::unix::net::UnixStream;
//!
//! let (client, server) = UnixStream::pair()?;
//! let mut server = Connection::server(server);
//! let mut client = Connection::client(client);
//!
//! client.send(&Request::Say("hello"))?;
//! let frame = server.receive()?.expect("the client sent one");
//! assert_eq!(Request::decode(frame)?, Request::Say("hello"));
//!
//! server.send(&Response::Accepted)?;
//! let frame = client.receive()?.expect("the server sent one");
//! assert_eq!(Response::decode(frame)?, Response::Accepted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate opens no socket and starts no thread; `shared-server` and `shared-client` do.

#![warn(missing_docs)]

mod connection;
mod default_address;
pub mod envelope;
mod error_code;
mod escape;
mod frame;
mod message;
mod read_buffer;
pub mod tutorial;
mod users;
mod write_buffer;

pub use connection::{Answer, Connection, ConnectionError};
#[cfg(unix)]
pub use default_address::UnusableFolder;
pub use default_address::{
    DEFAULT_TCP_ADDRESS, DefaultSocketPath, SocketFolder, default_socket_path,
};
pub use envelope::{Call, ErrorReply, Reply};
pub use error_code::{ErrorCode, ServiceCode, UnknownCode};
pub use escape::escaped;
pub use frame::{
    BadPreamble, DEFAULT_MAX_FRAME, Frame, FrameError, HEADER_BYTES, LENGTH_BYTES, PREAMBLE,
    check_preamble, frame_size, split_frame,
};
pub use message::{BadMessage, Decode, Message};
pub use users::{User, is_nobody};
