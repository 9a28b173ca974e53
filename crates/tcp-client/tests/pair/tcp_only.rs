//! What is true of TCP alone.

use crate::shared::fake_server::tells;
use crate::shared::process::{client, server_program};
use assert_cmd::Command;
use predicates::prelude::*;

use crate::transport::CLIENT;

#[test]
fn an_address_without_a_port_is_a_bad_argument() {
    for address in [
        "localhost",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        ":7878",
        "",
    ] {
        let mut command = Command::new(CLIENT);
        let assert = command.args(["--connect", address, "whoami"]).assert();
        let expected = predicate::str::contains("HOST:PORT");
        assert.code(2).stdout("").stderr(expected);
    }
}

#[test]
fn a_server_is_told_what_an_address_looks_like() {
    for address in ["localhost", "127.0.0.1", "127.0.0.1:65536", ""] {
        let mut server = Command::new(server_program());
        let assert = server.args(["--listen", address]).assert().code(2);
        tells(&assert.get_output().stderr, address, &["HOST:PORT"]);
    }
}

#[test]
fn a_name_that_nobody_has_is_told() {
    let address = "no-such-name.invalid:1";
    let assert = client(address).arg("whoami").assert().code(1).stdout("");
    tells(&assert.get_output().stderr, address, &["--connect"]);
}
