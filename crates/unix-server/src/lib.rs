//! What only Unix sockets need: a file that must be created and removed with care, and a peer whose
//! user the kernel vouches for.
//!
//! | file | what it contains |
//! |---|---|
//! | `socket_file.rs` | the path: who may take it, what is replaced, what is removed |
//! | `lock.rs` | of two servers that start at the same time, only one serves |
//! | `private_folder.rs` | the default folder belongs only to this user |
//! | `modes.rs` | the permissions of lock, folder and socket, whatever the umask |
//! | `credentials.rs` | who the peer is |
//! | `transport.rs` | the listening socket, and who is served |
//!
//! The rest of the server is in `shared-server`. `cargo test -p pair-tests --test unix` tests what
//! the program promises.
//!
//! # The steps on the way
//!
//! The chapters build servers that are smaller, with `std` (and rustix, for what `std` lacks), each
//! slightly different from the previous one. `cargo run -p unix-server --example NAME [PATH]` runs
//! one:
//!
//! | chapter | step | what it still gets wrong |
//! |---|---|---|
//! | 7 | `ch07_path` | does not start again after being killed: its file is in the way |
//! | 7 | `ch07_stale_or_live` | leaves its file behind; lets in every user that the umask lets in |
//! | 8 | `ch08_private` | does not know who it serves; root passes every mode |
//! | 8 | `ch08_who_is_it` | one silent client keeps all others waiting; leaves its file behind |
//! | 9 | `ch09_two_doors` | can use neither a stale path nor a private one |
//! | 10 | `unix_ch10_thread_per_client` | no limit on threads, no deadline, no way to stop |
//! | 13 | `unix_ch13_tokio` | no deadline, no way to stop |
//! | 15 | `ch15_hand_over` | cuts off its clients; treats any error at PATH as "no server there" |
//! | 15 | `ch15_private_line` | waits for its child, however long that takes |

#![cfg(unix)]
#![warn(missing_docs)]

mod credentials;
mod lock;
mod modes;
mod private_folder;
mod socket_file;
mod transport;

pub use credentials::{Credentials, NoName, own_uid, peer_credentials};
pub use private_folder::prepare_folder;
pub use shared_proto::{SocketFolder, UnusableFolder, is_nobody};
pub use socket_file::{BindError, SocketFile};
pub use transport::UnixTransport;
