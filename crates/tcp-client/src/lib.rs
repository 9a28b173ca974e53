//! Connecting over TCP, within a time. What is said then is the business of `shared-client`.
//!
//! With the feature `tls`, which is off by default, `tls::TlsConnector` makes a TLS connection of it,
//! and the program has `--tls-ca` and what belongs to it.
//!
//! What the program promises is tested by `cargo test -p pair-tests --test tcp`.

#![warn(missing_docs)]

mod attempts;
mod connect;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "cli")]
mod transport;

pub use connect::{ConnectError, connect, connect_to_any};
#[cfg(feature = "cli")]
pub use transport::Tcp;
