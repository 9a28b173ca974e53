//! The promises about the place where both ends meet unless they are told: whatever the
//! environment says, it is nobody else's.

use crate::pair::fake_server::tells;
use crate::pair::limits::served;
use crate::pair::process::client_program;
use crate::pair::server::{Server, Start};
use crate::transport::Place;
use crate::unix::modes::mode;
use crate::unix::users::{Open, STRANGER};
use assert_cmd::Command;
use predicates::prelude::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

/// The private folder in this place, when it is the temporary folder.
fn private_folder(place: &Place) -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    place.folder().join(format!("pocket-sockets-{uid}"))
}

impl Start {
    /// Where it listens unless it is told; it leaves its files in this place.
    pub fn at_default(self, place: &Place) -> Self {
        self.at(place, "")
    }
}

/// A server that is told no path; the variable is set or, with `None`, unset.
fn at_runtime_folder(place: &Place, folder: Option<&str>) -> Start {
    with_runtime_folder(Start::new(&[]), place, folder)
}

fn with_runtime_folder(start: Start, place: &Place, folder: Option<&str>) -> Start {
    let variable = match folder {
        Some(folder) => format!("export XDG_RUNTIME_DIR='{folder}'"),
        None => format!(
            "unset XDG_RUNTIME_DIR; export TMPDIR='{}'",
            place.folder().display()
        ),
    };
    start.after(&variable).at_default(place)
}

/// Server and client both refuse, in one line that names the folder and holds this word.
#[track_caller]
fn both_refuse(place: &Place, runtime: Option<&str>, folder: &str, word: &str) {
    let told = at_runtime_folder(place, runtime).refused();
    tells(told.as_bytes(), folder, &[word, "--socket"]);
    let mut client = Command::new(client_program());
    client
        .env("TMPDIR", place.folder())
        .env_remove("XDG_RUNTIME_DIR");
    if let Some(folder) = runtime {
        client.env("XDG_RUNTIME_DIR", folder);
    }
    let client = client.arg("whoami").assert().code(1).stdout("");
    tells(&client.get_output().stderr, folder, &[word, "--socket"]);
}

#[track_caller]
fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn both_meet_in_the_runtime_folder_unless_told_otherwise() {
    let place = Place::new();
    let folder = place.folder().to_str().unwrap();
    let start = Start::new(&[]).after(&format!("export XDG_RUNTIME_DIR='{folder}'"));
    let server = start.at_default(&place).run();
    assert_eq!(server.address, format!("{folder}/pocket-sockets.sock"));
    let mut client = Command::new(client_program());
    client.env("XDG_RUNTIME_DIR", folder).args(["say", "hello"]);
    client.assert().success().stdout("accepted\n");
}

#[test]
fn both_meet_in_a_private_folder_where_there_is_no_runtime_folder() {
    let place = Place::new();
    let folder = place.folder().to_str().unwrap();
    let start = Start::new(&[]).after(&format!(
        "unset XDG_RUNTIME_DIR; export TMPDIR='{folder}'; umask 0"
    ));
    let server = start.at_default(&place).run();
    let uid = rustix::process::geteuid().as_raw();
    let private = place.folder().join(format!("pocket-sockets-{uid}"));
    assert_eq!(Path::new(&server.address), private.join("server.sock"));
    assert_eq!(mode(&private), 0o700);
    let mut client = Command::new(client_program());
    client.env("TMPDIR", folder).env_remove("XDG_RUNTIME_DIR");
    client
        .args(["say", "hello"])
        .assert()
        .success()
        .stdout("accepted\n");
}

#[test]
fn an_empty_runtime_folder_counts_as_unset_and_a_relative_temporary_folder_as_tmp() {
    let expected = private_folder(&Place::new());
    let expected = Path::new("/tmp").join(expected.file_name().unwrap());
    for temporary in ["", "relative", "."] {
        let mut client = Command::new(client_program());
        client.env("XDG_RUNTIME_DIR", "").env("TMPDIR", temporary);
        let help = client.arg("--help").assert().success();
        help.stdout(predicate::str::contains(format!(
            "[default: {}/server.sock]",
            expected.display()
        )));
    }
}

#[test]
fn a_runtime_folder_that_is_none_is_named_and_refused_on_both_sides() {
    let place = Place::new();
    let path = |name: &str| place.folder().join(name).to_str().unwrap().to_owned();
    let missing = path("missing");
    both_refuse(&place, Some(&missing), &missing, "no such folder");
    fs::write(path("file"), "").unwrap();
    both_refuse(&place, Some(&path("file")), &path("file"), "not a folder");
    for relative in ["relative", ".", "run/user"] {
        both_refuse(&place, Some(relative), relative, "not absolute");
    }
    assert!(!Path::new("relative").exists());
}

#[test]
fn a_runtime_folder_that_others_may_write_to_is_refused_on_both_sides() {
    let place = Place::new();
    let folder = place.folder().to_str().unwrap();
    for (mode, word) in [
        (0o770, "others may write"),
        (0o777, "0777"),
        (0o500, "0500"),
    ] {
        chmod(place.folder(), mode);
        both_refuse(&place, Some(folder), folder, word);
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    // Others may enter it: the socket has a mode of its own.
    chmod(place.folder(), 0o755);
    served(&at_runtime_folder(&place, Some(folder)).run());
}

#[test]
fn a_runtime_folder_may_be_a_symlink_to_ones_own() {
    let place = Place::new();
    fs::create_dir(place.folder().join("real")).unwrap();
    symlink("real", place.folder().join("link")).unwrap();
    let link = place.folder().join("link");
    let server = at_runtime_folder(&place, link.to_str()).run();
    served(&server);
    assert!(place.folder().join("real/pocket-sockets.sock").exists());
}

#[test]
fn a_runtime_folder_of_another_user_is_refused_and_stays_theirs() {
    let Some(open) = Open::new() else { return };
    let theirs = open.place.folder().join("theirs");
    fs::create_dir(&theirs).unwrap();
    let stranger = STRANGER.parse().unwrap();
    chown(&theirs, Some(stranger), Some(stranger)).unwrap();
    let folder = theirs.to_str().unwrap();
    both_refuse(
        &open.place,
        Some(folder),
        folder,
        &format!("belongs to uid {STRANGER}"),
    );
    assert_eq!(
        fs::read_dir(&theirs).unwrap().count(),
        0,
        "nothing was made"
    );
    // No lock of root's is in its owner's way.
    let start = Start::of(&open.server_program(), &[]).run_by(STRANGER);
    let server = with_runtime_folder(start, &open.place, Some(folder)).run();
    assert_eq!(server.address, format!("{folder}/pocket-sockets.sock"));
}

#[test]
fn the_private_folder_has_mode_0700_whatever_the_umask() {
    for umask in ["0", "0177", "0277", "0777"] {
        let place = Place::new();
        let start = |umask: &str| {
            let folder = place.folder().display();
            let setting = format!("unset XDG_RUNTIME_DIR; export TMPDIR='{folder}'; umask {umask}");
            Start::new(&[]).after(&setting).at_default(&place)
        };
        let starts_here = |server: Server| {
            assert_eq!(mode(&private_folder(&place)), 0o700, "umask {umask}");
            let lock = private_folder(&place).join("server.sock.lock");
            assert_eq!(mode(&lock), 0o600, "umask {umask}");
            drop(server);
        };
        starts_here(start(umask).run());
        starts_here(start("022").run());
    }
}

#[test]
fn a_private_folder_that_others_may_enter_or_that_is_a_symlink_is_refused() {
    let place = Place::new();
    let private = private_folder(&place);
    let refused = |word| both_refuse(&place, None, private.to_str().unwrap(), word);
    fs::create_dir(&private).unwrap();
    for (mode, word) in [
        (0o770, "0770"),
        (0o701, "0701"),
        (0o500, "0500"),
        (0, "0000"),
    ] {
        chmod(&private, mode);
        refused(word);
        refused("must be 0700");
    }
    chmod(&private, 0o700);
    fs::rename(&private, place.folder().join("elsewhere")).unwrap();
    symlink("elsewhere", &private).unwrap();
    refused("symlink");
    fs::remove_file(&private).unwrap();
    fs::write(&private, "").unwrap();
    refused("not a folder");
}

#[test]
fn a_private_folder_of_another_user_is_refused_on_both_sides() {
    let Some(open) = Open::new() else { return };
    let private = private_folder(&open.place);
    fs::create_dir(&private).unwrap();
    chmod(&private, 0o700);
    let stranger = STRANGER.parse().unwrap();
    chown(&private, Some(stranger), Some(stranger)).unwrap();
    let word = format!("belongs to uid {STRANGER}");
    both_refuse(&open.place, None, private.to_str().unwrap(), &word);
}

#[test]
fn a_temporary_folder_that_does_not_exist_is_told() {
    let place = Place::new();
    let folder = place.folder().join("missing");
    let setting = format!(
        "unset XDG_RUNTIME_DIR; export TMPDIR='{}'",
        folder.display()
    );
    let start = Start::new(&[]).after(&setting).at_default(&place);
    tells(
        start.refused().as_bytes(),
        folder.to_str().unwrap(),
        &["TMPDIR", "--socket"],
    );
}
