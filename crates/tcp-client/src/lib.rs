//! Connects over TCP, within a time limit. `shared-client` does the talking.
//!
//! `cargo test -p pair-tests --test tcp` tests what the program promises.

#![warn(missing_docs)]

mod attempts;
mod connect;
#[cfg(feature = "cli")]
mod transport;

pub use connect::{ConnectError, connect, connect_to_any};
#[cfg(feature = "cli")]
pub use transport::Tcp;
