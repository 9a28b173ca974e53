//! The client's program, and the server's, built as this test was.

use super::DEADLINE;
use crate::transport::{ADDRESS_OPTION, CLIENT, SERVER};
use assert_cmd::Command;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The client, told where to connect.
pub fn client(address: &str) -> Command {
    let mut client = Command::new(client_program());
    client.args([ADDRESS_OPTION, address]).timeout(DEADLINE);
    client
}

/// The client of this pair.
pub fn client_program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| pair_tests::program(CLIENT));
    &PROGRAM
}

/// The server of this pair.
pub fn server_program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| pair_tests::program(SERVER));
    &PROGRAM
}
