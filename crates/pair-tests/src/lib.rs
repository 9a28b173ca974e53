//! What the two clients and the two servers promise, tested on the programs themselves, over both
//! transports.
//!
//! ```text
//! cargo test -p pair-tests                                  everything
//! cargo test -p pair-tests --test tcp                       tcp-client and tcp-server
//! cargo test -p pair-tests --test unix a_full_house         one promise of unix-server
//! cargo test -p pair-tests --features tls --test tls        the TCP pair over TLS
//! ```
//!
//! Run it after a change to any of `shared-proto`, `shared-server`, `shared-client` and the four
//! crates with the programs. Each test builds what it runs, so that it never meets a stale one.
//!
//! | tests | what they hold |
//! |---|---|
//! | `tests/pair/` | what holds for both pairs, written once; `tcp.rs` and `unix.rs` each take it in |
//! | `tests/tcp.rs`, `tests/tcp/` | what is true of TCP alone, and what the shared tests need to know of it |
//! | `tests/unix.rs`, `tests/unix/` | the same for Unix sockets |
//! | `tests/tls.rs`, `tests/tls/` | the TCP pair with its feature `tls`; it takes this crate's feature `tls` |
//! | `tests/steps.rs` | the chapters' servers speak the same frames |
//! | `tests/examples.rs` | the examples of `shared-server` and the daemon of chapter 18, as programs |
//! | `tests/two_hosts.rs` | the TCP pair on two hosts, and the cable between them pulled: chapter 19's transcripts |
//!
//! `docs/src/appendix-promises.md` says which promise each test proves. Programs are started and
//! watched by `scripted-peer`; here is how they are built, and what messages are as bytes.

#![warn(missing_docs)]

pub mod bytes;

use std::path::{Path, PathBuf};

use escargot::CargoBuild;

/// The program of this package, which has its name; Cargo builds it if anything has changed.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn program(package: &str) -> PathBuf {
    program_of(package, package)
}

/// One of several programs of this package.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn program_of(package: &str, name: &str) -> PathBuf {
    built(CargoBuild::new().package(package).bin(name))
}

/// The program of this package, which has its name, built with one more of its features.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn program_with(package: &str, feature: &str) -> PathBuf {
    let build = CargoBuild::new().package(package).bin(package);
    built(build.features(feature))
}

/// An example of this package, with all of the package's features.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn example(package: &str, name: &str) -> PathBuf {
    let build = CargoBuild::new().package(package).example(name);
    built(build.all_features())
}

/// The same profile and the same target folder as this test's, so that little is built twice. No
/// lock is waited for, because Cargo holds none while it runs tests.
fn built(build: CargoBuild) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a file");
    // target/PROFILE/deps/TEST
    let profile = test.ancestors().nth(2).expect("its folders");
    let build = build.target_dir(profile.parent().unwrap_or(Path::new("target")));
    let build = match profile.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => build,
        Some(name) => build.profile(name),
    };
    let built = build.run().unwrap_or_else(|error| panic!("{error}"));
    built.path().to_owned()
}
