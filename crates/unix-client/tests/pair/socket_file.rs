//! The promises about the socket's file: its permissions, what it replaces, what it removes.

use crate::shared::eventually;
use crate::shared::limits::served;
use crate::shared::server::{Server, Start};
use crate::transport::{CLIENT, Place, connect, leave_socket_file};
use assert_cmd::Command;
use predicates::prelude::*;
use rustix::process::Signal;
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// A path where a server died and left its file.
fn stale_place() -> Arc<Place> {
    let place = Arc::new(Place::new());
    leave_socket_file(&place.path());
    assert!(place.path().exists());
    place
}

/// Starting there is refused, in one line that names the path and holds this word.
#[track_caller]
fn is_refused_at(place: &Arc<Place>, word: &str) {
    let told = Start::new(&[]).at(place, &place.address()).refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&place.address()), "{told}");
    assert!(told.contains(word), "{told}");
}

#[test]
fn a_folder_that_does_not_exist_is_told_as_such() {
    let place = Arc::new(Place::new());
    let path = format!("{}.d/server.sock", place.address());
    let told = Start::new(&[]).at(&place, &path).refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&path), "{told}");
    assert!(told.contains("folder does not exist"), "{told}");
}

#[test]
fn the_socket_has_mode_0600_whatever_the_umask() {
    for umask in ["umask 0", "umask 077", "umask 0777"] {
        let server = Start::new(&[]).after(umask).run();
        assert_eq!(mode(&server.place().path()), 0o600, "{umask}");
    }
}

#[test]
fn the_mode_may_be_chosen() {
    for (chosen, expected) in [("0666", 0o666), ("660", 0o660), ("0600", 0o600)] {
        let server = Start::new(&["--mode", chosen]).after("umask 022").run();
        assert_eq!(mode(&server.place().path()), expected);
    }
    let told = Start::new(&["--mode", "0999"]).refused();
    assert!(told.contains("--mode"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_socket_has_its_mode_from_the_first_moment_that_it_can_be_seen() {
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    use std::mem::MaybeUninit;

    let place = Arc::new(Place::new());
    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    let interest = WatchFlags::CREATE | WatchFlags::ATTRIB;
    add_watch(&watch, place.folder(), interest).unwrap();

    let start = Start::new(&[]).after("umask 0");
    let server = start.at(&place, &place.address()).run();
    assert_eq!(mode(&place.path()), 0o600);

    // As it is 0600 now, and nobody has changed it since it was made, it was made so.
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(&watch, &mut buffer);
    let mut seen = Vec::new();
    while let Ok(event) = events.next() {
        if event.file_name() == Some(c"server.sock") {
            seen.push(event.events());
        }
    }
    assert_eq!(seen, [ReadFlags::CREATE], "made, and never changed");
    drop(server);
}

#[test]
fn a_stale_socket_file_is_replaced() {
    let place = stale_place();
    let server = Start::new(&[]).at(&place, &place.address()).run();
    served(&server);
}

#[test]
fn a_live_server_is_never_touched() {
    // Not one of ours: it holds no lock.
    let place = Arc::new(Place::new());
    let listener = UnixListener::bind(place.path()).unwrap();
    is_refused_at(&place, "listens there already");
    connect(&place.address()).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_live_server_with_a_full_backlog_is_never_touched() {
    let place = Arc::new(Place::new());
    let listener = UnixListener::bind(place.path()).unwrap();
    let waiting = super::unix_only::fill_backlog(&listener, &place.path());
    is_refused_at(&place, "listens there already");
    drop(waiting);
}

#[test]
fn a_regular_file_is_never_touched() {
    let place = Arc::new(Place::new());
    fs::write(place.path(), "precious").unwrap();
    is_refused_at(&place, "regular file");
    assert_eq!(fs::read(place.path()).unwrap(), b"precious");
}

#[test]
fn a_folder_is_never_touched() {
    let place = Arc::new(Place::new());
    fs::create_dir(place.path()).unwrap();
    is_refused_at(&place, "folder");
    assert!(place.path().is_dir());
}

#[test]
fn a_symlink_is_never_followed_nor_touched() {
    for target in ["nothing", "file", "stale.sock"] {
        let place = Arc::new(Place::new());
        fs::write(place.folder().join("file"), "precious").unwrap();
        leave_socket_file(&place.folder().join("stale.sock"));
        symlink(target, place.path()).unwrap();
        is_refused_at(&place, "symlink");
        assert_eq!(fs::read_link(place.path()).unwrap(), Path::new(target));
        assert_eq!(fs::read(place.folder().join("file")).unwrap(), b"precious");
        assert!(place.folder().join("stale.sock").exists());
        assert!(!place.folder().join("nothing").exists());
    }
}

#[test]
fn a_symlink_in_the_locks_place_is_never_followed() {
    let place = Arc::new(Place::new());
    let lock = place.folder().join("server.sock.lock");
    fs::write(place.folder().join("file"), "precious").unwrap();
    symlink("file", &lock).unwrap();
    is_refused_at(&place, "lock");
    assert_eq!(fs::read(place.folder().join("file")).unwrap(), b"precious");
}

#[test]
fn a_path_that_cannot_be_is_refused() {
    let place = Arc::new(Place::new());
    for name in ["x".repeat(120), "no/such/folder.sock".to_owned()] {
        let address = place.folder().join(name);
        let address = address.to_str().unwrap();
        let told = Start::new(&[]).at(&place, address).refused();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains(address), "{told}");
    }
}

#[test]
fn of_two_servers_starting_at_once_one_serves_and_the_other_exits_2() {
    for round in 0..10 {
        let place = match round % 2 {
            0 => stale_place(),
            _ => Arc::new(Place::new()),
        };
        let mut starters: Vec<Server> = (0..2)
            .map(|_| Start::new(&[]).at(&place, &place.address()).spawn())
            .collect();
        let (mut serving, mut refused) = (Vec::new(), 0);
        for mut starter in starters.drain(..) {
            if starter.begins_to_listen() {
                serving.push(starter);
            } else {
                starter.exits_with(2);
                refused += 1;
            }
        }
        assert_eq!((serving.len(), refused), (1, 1));
        served(&serving[0]);
    }
}

#[test]
fn who_holds_the_lock_decides_also_over_a_stale_socket_file() {
    let place = stale_place();
    let lock = fs::File::create(place.folder().join("server.sock.lock")).unwrap();
    // Another starter is between looking and binding.
    lock.lock().unwrap();
    is_refused_at(&place, "lock");
    assert!(place.path().exists());
    // Not dropped: a child that another test is about to start would hold the lock on for a moment.
    lock.unlock().unwrap();
    let server = Start::new(&[]).at(&place, &place.address()).run();
    served(&server);
}

#[test]
fn it_removes_the_socket_file_that_it_made() {
    let mut server = Server::start(&[]);
    let place = Arc::clone(server.place());
    let path = place.path();
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    server.signal(Signal::TERM);
    server.exits_with(0);
    assert!(!path.exists());
    assert!(
        place.folder().join("server.sock.lock").exists(),
        "the lock stays"
    );
}

#[test]
fn it_never_removes_anothers_socket_file() {
    let mut server = Server::start(&[]);
    let place = Arc::clone(server.place());
    fs::remove_file(place.path()).unwrap();
    let another = UnixListener::bind(place.path()).unwrap();
    server.signal(Signal::TERM);
    server.exits_with(0);
    connect(&place.address()).unwrap();
    another.accept().unwrap();
}

#[test]
fn the_path_is_removed_when_draining_begins() {
    let mut server = Server::start(&["--drain-timeout", "1m"]);
    let mut slow = served(&server);
    crate::shared::deadlines::ask_for_much(&mut slow);
    let path = server.place().path();
    server.signal(Signal::TERM);
    eventually("the path is free", || (!path.exists()).then_some(()));
    slow.drain();
    server.exits_with(0);
}

#[test]
fn a_path_may_be_relative_and_begin_with_anything() {
    let place = Arc::new(Place::new());
    let enter = format!("cd '{}'", place.folder().display());
    for name in ["s.sock", "@name", "./dots.sock", "with blank"] {
        let server = Start::new(&[]).after(&enter).at(&place, name).run();
        assert_eq!(server.address, name);
        let file = fs::symlink_metadata(place.folder().join(name)).unwrap();
        assert!(file.file_type().is_socket());
        let mut client = Command::new(CLIENT);
        client
            .current_dir(place.folder())
            .args(["--socket", name, "say", "hello"]);
        client.assert().success().stdout("accepted\n");
    }
}

#[test]
fn both_meet_in_the_runtime_folder_unless_told_otherwise() {
    let place = Arc::new(Place::new());
    let folder = place.folder().to_str().unwrap();
    let start = Start::new(&[]).after(&format!("export XDG_RUNTIME_DIR='{folder}'"));
    let server = start.at_default(&place).run();
    assert_eq!(server.address, format!("{folder}/pocket-sockets.sock"));
    let mut client = Command::new(CLIENT);
    client.env("XDG_RUNTIME_DIR", folder).args(["say", "hello"]);
    client.assert().success().stdout("accepted\n");
}

#[test]
fn both_meet_in_a_private_folder_where_there_is_no_runtime_folder() {
    let place = Arc::new(Place::new());
    let folder = place.folder().to_str().unwrap();
    let start = Start::new(&[]).after(&format!(
        "unset XDG_RUNTIME_DIR; export TMPDIR='{folder}'; umask 0"
    ));
    let server = start.at_default(&place).run();
    let uid = rustix::process::geteuid().as_raw();
    let private = place.folder().join(format!("pocket-sockets-{uid}"));
    assert_eq!(Path::new(&server.address), private.join("server.sock"));
    assert_eq!(mode(&private), 0o700);
    let mut client = Command::new(CLIENT);
    client.env("TMPDIR", folder).env_remove("XDG_RUNTIME_DIR");
    client
        .args(["say", "hello"])
        .assert()
        .success()
        .stdout("accepted\n");
}

#[test]
fn a_private_folder_that_others_may_enter_or_that_is_a_symlink_is_refused() {
    let place = Arc::new(Place::new());
    let folder = place.folder().to_str().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let private = place.folder().join(format!("pocket-sockets-{uid}"));
    let refused = |word: &str| {
        let start =
            Start::new(&[]).after(&format!("unset XDG_RUNTIME_DIR; export TMPDIR='{folder}'"));
        let told = start.at_default(&place).refused();
        let expected =
            predicate::str::contains(private.to_str().unwrap()).and(predicate::str::contains(word));
        assert!(expected.eval(&told), "{told}");
    };
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, Permissions::from_mode(0o770)).unwrap();
    refused("0700");
    fs::rename(&private, place.folder().join("elsewhere")).unwrap();
    fs::set_permissions(
        place.folder().join("elsewhere"),
        Permissions::from_mode(0o700),
    )
    .unwrap();
    symlink("elsewhere", &private).unwrap();
    refused("symlink");
}
