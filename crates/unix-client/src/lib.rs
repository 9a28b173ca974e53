//! Connecting to a Unix socket, within a time, and to a server that can be trusted. What is said
//! then is the business of `shared-client`.
//!
//! What the program promises is tested by `cargo test -p pair-tests --test unix`.

#![cfg(unix)]
#![warn(missing_docs)]

mod connect;
#[cfg(feature = "cli")]
mod transport;

pub use connect::{connect, server_uid};
#[cfg(feature = "cli")]
pub use transport::Unix;
