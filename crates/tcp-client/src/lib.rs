//! Connects over TCP, within a time limit. `shared-client` implements the requests.
//!
//! With the feature `tls`, which is off by default, `tls::TlsConnector` creates a TLS connection,
//! and the program has `--tls-ca` and its other TLS flags.
//!
//! `cargo test -p pair-tests --test tcp` tests what the program promises.

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
