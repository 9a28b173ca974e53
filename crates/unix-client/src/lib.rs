//! Connects to a Unix socket, within a time limit, and finds out who runs the server.
//! `shared-client` implements the requests.
//!
//! [`connect`] connects to whoever listens; [`check_server`] says whether that server can be
//! trusted. The program `unix-client` calls both; a program of your own should, too:
//!
//! ```no_run
//! use shared_client::Client;
//! use std::path::Path;
//! use std::time::Duration;
//!
//! const TIMEOUT: Duration = Duration::from_secs(10);
//!
//! let path = Path::new("/run/jobs/jobs.sock");
//! let stream = unix_client::connect(path, TIMEOUT)?;
//! unix_client::check_server(&stream, &[])?; // nothing has been sent yet
//! let mut client = Client::new(path.display().to_string(), stream, TIMEOUT)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `cargo test -p pair-tests --test unix` tests what the program promises.

#![cfg(unix)]
#![warn(missing_docs)]

mod connect;
#[cfg(feature = "cli")]
mod transport;
mod trust;

pub use connect::{connect, server_uid};
#[cfg(feature = "cli")]
pub use transport::Unix;
pub use trust::{Untrusted, check_server};
