//! One end of a connection, played by the check.
//!
//! `connection` makes it and reads what comes in, `send` is what it does to the other side, `expect`
//! what it expects of it.

mod ancillary;
mod connection;
mod expect;
mod send;
#[cfg(feature = "network")]
mod stream;

pub use ancillary::Passed;
pub use connection::{Ending, Peer};
pub use expect::Received;
#[cfg(feature = "network")]
pub use stream::PeerStream;
