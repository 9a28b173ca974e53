//! What else is promised of an inherited listener that has a path: its file is somebody else's.

use super::users::{Open, STRANGER};
use crate::pair::inherited::{address_of, handed_on};
use crate::pair::process::server_program;
use crate::pair::server::{Server, Start};
use crate::transport::{inheritable, is_gone};
use predicates::prelude::*;
#[cfg(target_os = "linux")]
use scripted_peer::Activation;
use scripted_peer::{Listener, Signal};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// All that a server could have changed, but for when the file was read.
fn state(path: &Path) -> (u64, u64, u32, u32, i64, i64) {
    let file = fs::symlink_metadata(path).unwrap();
    (
        file.dev(),
        file.ino(),
        file.mode(),
        file.uid(),
        file.ctime(),
        file.ctime_nsec(),
    )
}

#[test]
fn the_file_of_an_inherited_listener_is_left_as_it_is() {
    let listener = inheritable();
    let path = listener.address().path();
    // Neither the default mode, nor one that is its own to keep.
    fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
    let before = state(path);
    for signal in [Signal::TERM, Signal::KILL, Signal::TERM] {
        let server = Start::new(&[]).activated(&handed_on(&listener)).run();
        server.client(&["say", "hello"]).assert().success();
        server.signal(signal);
        server.exit();
        assert_eq!(state(path), before, "after {signal:?}");
        let beside = fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(beside.count(), 1, "nor is a lock beside it");
        assert!(!is_gone(&server), "and it still listens");
    }
}

#[test]
fn an_inherited_listener_leaves_its_users_to_the_server() {
    let Some(open) = Open::new() else { return };
    server_program(); // built before the test's time begins to run
    let listener = Listener::at(open.place.path());
    fs::set_permissions(open.place.path(), Permissions::from_mode(0o666)).unwrap();
    let own = Start::new(&[]).activated(&handed_on(&listener)).run();
    own.client(&["say", "hello"]).assert().success();
    let stranger = open.strangers_client(&["say", "hello"]).assert().code(1);
    stranger.stderr(predicate::str::contains("NotAllowed"));
    drop(own);
    let other = Start::new(&["--allow-uid", STRANGER]).activated(&handed_on(&listener));
    let other = other.run();
    let stranger = open.strangers_client(&["say", "hello"]).assert();
    stranger.success();
    other.client(&["say", "hello"]).assert().code(1);
}

#[test]
fn whom_the_mode_of_an_inherited_listener_shuts_out_is_warned_of() {
    let listener = inheritable();
    let path = listener.address().path();
    let start = |mode| -> Server {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let start = Start::new(&["--allow-uid", STRANGER]);
        start.activated(&handed_on(&listener)).run()
    };
    let line = start(0o640).logs(STRANGER);
    let named = line.contains("0640") && line.contains(&address_of(&listener));
    assert!(named && !line.contains("--mode"), "{line}");
    let server = start(0o666);
    server.connect().expect_error(8);
    assert!(!server.log().contains("shuts"), "{}", server.log());
}

#[test]
fn a_mode_beside_an_inherited_listener_is_refused() {
    let listener = inheritable();
    let start = Start::new(&["--mode", "0600"]).activated(&handed_on(&listener));
    let told = start.refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("--mode 0600"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_listener_without_a_path_is_refused() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let name = format!("pocket-sockets-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).unwrap());
    let listener = listener.unwrap();
    let good = Listener::on_path();
    let activation = Activation::new()
        .listener("", &good)
        .stranger("web", &listener);
    let told = Start::new(&[]).activated(&activation).refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("descriptor 4 (web) is"), "{told}");
    assert!(told.contains("abstract"), "{told}");
}
