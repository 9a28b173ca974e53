//! One end of a connection, played by the check.
//!
//! `connection` creates it and reads what arrives. `send` has the verbs that do something to the
//! other side, and `expect` those that expect something of it.

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
