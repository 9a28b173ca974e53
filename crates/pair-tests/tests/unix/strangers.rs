//! The promises about what somebody else has left where the server wants to listen: it is told as
//! theirs, and stays.

use crate::pair::fake_server::tells;
use crate::pair::limits::served;
use crate::pair::server::Start;
use crate::transport::Place;
use crate::unix::users::{Open, STRANGER};
use assert_cmd::Command;
use scripted_peer::{Signal, stale_socket};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

#[test]
fn a_lock_of_another_user_is_told_as_theirs() {
    let Some(open) = Open::new() else { return };
    drop(open.server(&[]));
    fs::remove_file(open.place.path()).unwrap();
    let told = open.strangers_server(&[]).refused();
    let lock = format!("{}.lock", open.place.address());
    tells(told.as_bytes(), &lock, &["belongs to uid 0", "--socket"]);
    // The other way round there is nothing that root may not open.
    chown_to_stranger(Path::new(&lock));
    served(&open.server(&[]));
}

#[test]
fn what_is_no_file_in_the_locks_place_is_told_as_such() {
    let place = Place::new();
    let lock = format!("{}.lock", place.address());
    let refused = || {
        let told = Start::new(&[]).at(&place, &place.address()).refused();
        tells(
            told.as_bytes(),
            &lock,
            &["not a regular file", "belongs to uid", "--socket"],
        );
    };
    fs::create_dir(&lock).unwrap();
    refused();
    fs::remove_dir(&lock).unwrap();
    symlink("nothing", &lock).unwrap();
    refused();
    fs::remove_file(&lock).unwrap();
    // Nobody opens its other end; it is not waited for.
    Command::new("mkfifo").arg(&lock).assert().success();
    refused();
}

#[test]
fn a_folder_of_another_user_is_told_as_theirs() {
    let Some(open) = Open::new() else { return };
    // Files may be made in it, no longer made, not even looked for.
    let start = open.strangers_server(&[]);
    drop(start.run());
    fs::remove_file(open.place.path()).unwrap();
    for mode in [0o755, 0o700] {
        // The program is in there, too.
        let elsewhere = Open::new().expect("this user can become another");
        let start = open.strangers_program(&elsewhere.server_program(), &[]);
        fs::set_permissions(open.place.folder(), Permissions::from_mode(mode)).unwrap();
        let told = start.refused();
        let mode = format!("{mode:04o}");
        let words = ["folder belongs to uid 0", &mode, "--socket"];
        tells(told.as_bytes(), &open.place.address(), &words);
    }
}

#[test]
fn a_stale_socket_of_another_user_is_told_as_theirs() {
    let Some(open) = Open::new() else { return };
    stale_socket(open.place.path());
    let own_mode = |mode| {
        let path = open.place.path();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    own_mode(0o600);
    let told = open.strangers_server(&[]).refused();
    let words = ["socket of uid 0", "unclear", "--socket"];
    tells(told.as_bytes(), &open.place.address(), &words);
    // Nobody listens, but where the folder is sticky only its owner may remove it.
    own_mode(0o666);
    let start = open.strangers_server(&[]);
    fs::set_permissions(open.place.folder(), Permissions::from_mode(0o1777)).unwrap();
    let words = ["socket of uid 0", "cannot be removed", "--socket"];
    tells(start.refused().as_bytes(), &open.place.address(), &words);
    assert!(open.place.path().exists());
}

#[test]
fn a_socket_file_that_cannot_be_removed_is_told() {
    let Some(open) = Open::new() else { return };
    let server = open.strangers_server(&[]).run();
    fs::set_permissions(open.place.folder(), Permissions::from_mode(0o755)).unwrap();
    server.signal(Signal::TERM);
    server.exits_with(0);
    assert!(open.place.path().exists());
    let line = server.logs("could not remove");
    assert!(line.contains(&open.place.address()), "{line}");
    assert!(line.contains("Permission denied"), "{line}");
}

fn chown_to_stranger(path: &Path) {
    let stranger = STRANGER.parse().unwrap();
    chown(path, Some(stranger), Some(stranger)).unwrap();
}
