//! One end of a connection, played by the check.
//!
//! `connection` makes it and reads what comes in, `send` is what it does to the other side, `expect`
//! what it expects of it.

mod connection;
mod expect;
mod send;

pub use connection::{Ending, Peer};
pub use expect::Received;
