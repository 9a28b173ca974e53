//! Connecting over TCP, within a time. What is said then is the business of `shared-client`.

#![warn(missing_docs)]

mod connect;
mod transport;

pub use connect::connect;
pub use transport::Tcp;
