//! The pair over Unix sockets: `unix-client` and `unix-server`, as a user meets them.
//!
//! What holds for both pairs is in `shared-client/tests/pair/`.

#![cfg(unix)]

#[path = "pair/default_place.rs"]
mod default_place;
#[path = "pair/descriptors.rs"]
mod descriptors;
#[path = "pair/modes.rs"]
mod modes;
#[cfg(target_os = "linux")]
#[path = "pair/namespaces.rs"]
mod namespaces;
#[path = "../../shared-client/tests/pair/mod.rs"]
mod shared;
#[path = "pair/socket_file.rs"]
mod socket_file;
#[path = "pair/strangers.rs"]
mod strangers;
#[path = "pair/transport.rs"]
mod transport;
#[path = "pair/unix_only.rs"]
mod unix_only;
#[path = "pair/users.rs"]
mod users;
