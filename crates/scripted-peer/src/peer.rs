//! One end of a connection, played by the check.
//!
//! `connection` creates it and reads what arrives, `send` is what it does to the other side,
//! `expect` is what it expects from it.

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
