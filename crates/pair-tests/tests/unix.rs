//! The pair over Unix sockets: `unix-client` and `unix-server`, as a user meets them.

#![cfg(unix)]

mod pair;

/// What is true of Unix sockets alone.
mod unix {
    mod default_place;
    mod descriptors;
    mod inherited;
    mod modes;
    #[cfg(target_os = "linux")]
    mod namespaces;
    mod socket_file;
    mod strangers;
    pub mod transport;
    mod unix_only;
    mod users;
}

use unix::transport;
