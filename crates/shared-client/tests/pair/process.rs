//! The client's program, and the server's, built as this test was.

use super::DEADLINE;
use crate::transport::{ADDRESS_OPTION, CLIENT, SERVER};
use assert_cmd::Command;
use escargot::CargoBuild;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The client, told where to connect.
pub fn client(address: &str) -> Command {
    let mut client = Command::new(CLIENT);
    client.args([ADDRESS_OPTION, address]).timeout(DEADLINE);
    client
}

/// The server of this pair, never a stale one: Cargo builds it if anything has changed. No lock is
/// waited for, because Cargo holds none while it runs tests.
pub fn server_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let build = like_this_build(CargoBuild::new().package(SERVER).bin(SERVER));
        build.run().unwrap().path().to_owned()
    })
}

/// The same profile and the same target folder as the client's, so that nothing is built twice.
fn like_this_build(build: CargoBuild) -> CargoBuild {
    let profile = Path::new(CLIENT).parent().unwrap();
    let build = build.target_dir(profile.parent().unwrap());
    match profile.file_name().unwrap().to_str().unwrap() {
        "debug" => build,
        name => build.profile(name),
    }
}
