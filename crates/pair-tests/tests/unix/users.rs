//! The promises about who is served, and whom the client trusts. To be another user takes the
//! superuser; whoever is not, is told that these tests were skipped.

use crate::pair::fake_server::tells;
use crate::pair::limits::served;
use crate::pair::peer::Peer;
use crate::pair::process::{client_program, server_program};
use crate::pair::server::{Server, Start};
use crate::transport::{Place, connect};
use assert_cmd::Command;
use predicates::prelude::*;
use scripted_peer::needs;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A user that exists nowhere and owns nothing.
pub const STRANGER: &str = "54321";

#[test]
fn a_user_is_given_by_number() {
    let told = Start::new(&["--allow-uid", "root"]).refused();
    assert!(told.contains("--allow-uid"), "{told}");
    assert!(told.contains("id -u"), "{told}");
    let mut client = Command::new(client_program());
    let assert = client.args(["--server-uid", "root", "whoami"]).assert();
    assert.code(2).stderr(predicate::str::contains("id -u"));
}

impl Start {
    /// As another user, which takes the superuser.
    pub fn run_by(self, uid: &str) -> Self {
        self.inside(&format!(
            "setpriv --clear-groups --regid {uid} --reuid {uid}"
        ))
    }
}

/// A folder that a stranger may enter, with programs that they may run.
pub struct Open {
    pub place: Place,
}

impl Open {
    /// `None` if this user cannot become another.
    pub fn new() -> Option<Self> {
        if !needs::root() {
            return None;
        }
        if Command::new("setpriv").arg("--version").ok().is_err() {
            needs::skip("it becomes another user by setpriv, of util-linux");
            return None;
        }
        let place = Place::new();
        fs::set_permissions(place.folder(), Permissions::from_mode(0o755)).unwrap();
        Some(Open { place })
    }

    /// A program, where the stranger can reach it. Another process makes the copy: where this one
    /// had the file open for writing, so would a child that another test starts at that moment,
    /// and the file could not be run (`ETXTBSY`).
    fn program(&self, program: &Path) -> PathBuf {
        let copy = self.place.folder().join(program.file_name().unwrap());
        let copied = Command::new("cp").args([program, &copy]).assert();
        copied.success();
        copy
    }

    /// The server's program, where the stranger can reach it.
    pub fn server_program(&self) -> PathBuf {
        self.program(server_program())
    }

    /// A server of the stranger, who may make files in this folder.
    pub fn strangers_server(&self, arguments: &[&str]) -> Start {
        self.strangers_program(&self.server_program(), arguments)
    }

    /// The same, with the program elsewhere.
    pub fn strangers_program(&self, program: &Path, arguments: &[&str]) -> Start {
        fs::set_permissions(self.place.folder(), Permissions::from_mode(0o777)).unwrap();
        Start::of(program, arguments)
            .at(&self.place, &self.place.address())
            .run_by(STRANGER)
    }

    pub fn server(&self, arguments: &[&str]) -> Server {
        Start::new(arguments)
            .at(&self.place, &self.place.address())
            .run()
    }

    /// The client, as a stranger.
    pub fn strangers_client(&self, arguments: &[&str]) -> Command {
        let mut client = Command::new("setpriv");
        client.args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"]);
        client
            .arg(self.program(client_program()))
            .args(["--socket", &self.place.address()]);
        client.args(arguments).timeout(crate::pair::DEADLINE);
        client
    }
}

#[test]
fn another_user_is_shut_out_by_the_mode() {
    let Some(open) = Open::new() else {
        return;
    };
    let _server = open.server(&[]);
    let client = open
        .strangers_client(&["say", "hello"])
        .assert()
        .code(1)
        .stdout("");
    let words = ["Permission denied", "--mode"];
    tells(&client.get_output().stderr, &open.place.address(), &words);
}

#[test]
fn a_file_that_is_no_socket_is_told_as_such_also_to_whom_its_mode_shuts_out() {
    let Some(open) = Open::new() else { return };
    fs::write(open.place.path(), "no socket").unwrap();
    fs::set_permissions(open.place.path(), Permissions::from_mode(0o600)).unwrap();
    let client = open.strangers_client(&["whoami"]).assert();
    let client = client.code(1).stdout("");
    let told = &client.get_output().stderr;
    tells(
        told,
        &open.place.address(),
        &["Permission denied", "isn't a socket"],
    );
    assert!(!String::from_utf8_lossy(told).contains("--mode"));
}

#[test]
fn another_user_is_refused_by_their_credentials() {
    let Some(open) = Open::new() else {
        return;
    };
    let server = open.server(&["--mode", "0666"]);
    let client = open
        .strangers_client(&["say", "I am root, uid=0"])
        .assert()
        .code(1)
        .stdout("");
    let words = ["NotAllowed", "--allow-uid"];
    tells(&client.get_output().stderr, &open.place.address(), &words);
    served(&server);
}

#[test]
fn who_is_allowed_is_served() {
    let Some(open) = Open::new() else {
        return;
    };
    let _server = open.server(&[
        "--mode",
        "0666",
        "--allow-uid",
        STRANGER,
        "--allow-uid",
        "7",
    ]);
    let client = open.strangers_client(&["whoami"]).assert().success();
    client.stdout(predicate::str::contains(format!(
        "uid={STRANGER} gid={STRANGER}"
    )));
}

#[test]
fn allow_uid_replaces_the_default_and_makes_no_exception_for_root() {
    let own = rustix::process::geteuid().as_raw();
    let server = Server::start(&["--allow-uid", STRANGER]);
    let mut peer = server.connect();
    peer.expect_error(8);
    peer.expect_end();
    let own = own.to_string();
    served(&Server::start(&[
        "--allow-uid",
        STRANGER,
        "--allow-uid",
        &own,
    ]));
}

#[test]
fn whom_the_mode_shuts_out_is_warned_of() {
    let server = Server::start(&["--allow-uid", STRANGER]);
    let line = server.logs(STRANGER);
    assert!(line.contains("0600") && line.contains("--mode"), "{line}");
    let server = Server::start(&["--allow-uid", STRANGER, "--mode", "0666"]);
    let own = server.connect().expect_error(8);
    assert!(own.contains("uid"), "{own}");
    assert!(!server.log().contains("--mode"));
}

#[test]
fn not_allowed_comes_before_busy() {
    // The only client that it takes is never this one.
    let Some(open) = Open::new() else {
        return;
    };
    let server = open.server(&["--mode", "0666", "--max-clients", "1"]);
    let inside: Peer = served(&server);
    let client = open.strangers_client(&["say", "hello"]).assert().code(1);
    client.stderr(predicate::str::contains("NotAllowed"));
    let mut own = Peer::new(connect(&server.address).unwrap());
    own.expect_error(5);
    drop(inside);
}

#[test]
fn the_client_refuses_a_server_that_runs_as_a_stranger() {
    let Some(open) = Open::new() else { return };
    let start = open.strangers_server(&["--mode", "0666", "--allow-uid", "0"]);
    let server = start.run();

    let client = server.client(&["say", "hello"]).assert().code(1).stdout("");
    let words = [STRANGER, "nothing was sent", "--server-uid"];
    tells(&client.get_output().stderr, &server.address, &words);
    server
        .client(&["say", "hello", "--server-uid", "7"])
        .assert()
        .code(1);
    let trusting = [
        "say",
        "hello",
        "--server-uid",
        "7",
        "--server-uid",
        STRANGER,
    ];
    server
        .client(&trusting)
        .assert()
        .success()
        .stdout("accepted\n");
    // Its own user trusts it, and is not served.
    open.strangers_client(&["whoami"])
        .assert()
        .code(1)
        .stderr(predicate::str::contains("NotAllowed"));
}

#[test]
fn the_client_trusts_a_server_of_root() {
    let Some(open) = Open::new() else {
        return;
    };
    let _server = open.server(&["--mode", "0666", "--allow-uid", STRANGER]);
    open.strangers_client(&["say", "hello"])
        .assert()
        .success()
        .stdout("accepted\n");
}
