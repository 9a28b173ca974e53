//! The pair over TCP: `tcp-client` and `tcp-server`, as a user meets them.

#![cfg(unix)] // signals and limits; the programs themselves run elsewhere too

mod pair;

/// What is true of TCP alone.
mod tcp {
    mod tcp_only;
    pub mod transport;
}

use tcp::transport;
