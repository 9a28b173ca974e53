//! What is true of Unix sockets alone: a file that must be placed and removed with care, and a
//! peer whose user the kernel vouches for.
//!
//! | file | one story |
//! |---|---|
//! | `socket_file.rs` | the path: who may take it, what is replaced, what is removed |
//! | `lock.rs` | of two servers that start at once, one serves |
//! | `private_folder.rs` | the default place is nobody else's |
//! | `credentials.rs` | who the peer is |
//! | `transport.rs` | the listening socket, and who is served |
//!
//! The rest of the server is `shared-server`'s.

#![cfg(unix)]
#![warn(missing_docs)]

mod credentials;
mod lock;
mod private_folder;
mod socket_file;
mod transport;

pub use credentials::{Credentials, peer_credentials};
pub use private_folder::make_private_folder;
pub use socket_file::{Refusal, SocketFile};
pub use transport::UnixTransport;
