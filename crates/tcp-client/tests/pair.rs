//! The pair over TCP: `tcp-client` and `tcp-server`, as a user meets them.
//!
//! What holds for both pairs is in `shared-client/tests/pair/`.

#![cfg(unix)] // signals and limits; the programs themselves run elsewhere too

#[path = "../../shared-client/tests/pair/mod.rs"]
mod shared;
#[path = "pair/tcp_only.rs"]
mod tcp_only;
#[path = "pair/transport.rs"]
mod transport;
