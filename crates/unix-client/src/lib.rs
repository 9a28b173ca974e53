//! Connects to a Unix socket, within a time limit, if the server can be trusted. `shared-client`
//! implements the requests.
//!
//! `cargo test -p pair-tests --test unix` tests what the program promises.

#![cfg(unix)]
#![warn(missing_docs)]

mod connect;
#[cfg(feature = "cli")]
mod transport;

pub use connect::{connect, server_uid};
#[cfg(feature = "cli")]
pub use transport::Unix;
