//! The promises about the socket's file: its permissions, what it replaces, what it removes.

use crate::pair::eventually;
use crate::pair::limits::served;
use crate::pair::process::client_program;
use crate::pair::server::{Server, Start};
use crate::transport::{Place, connect};
use assert_cmd::Command;
use scripted_peer::{Signal, needs, stale_socket};
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// A path where a server died and left its file.
fn stale_place() -> Place {
    let place = Place::new();
    stale_socket(place.path());
    assert!(place.path().exists());
    place
}

/// Starting there is refused, in one line that names the path and holds this word.
#[track_caller]
fn is_refused_at(place: &Place, word: &str) {
    let told = Start::new(&[]).at(place, &place.address()).refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&place.address()), "{told}");
    assert!(told.contains(word), "{told}");
}

#[test]
fn a_folder_that_does_not_exist_is_told_as_such() {
    let place = Place::new();
    let path = format!("{}.d/server.sock", place.address());
    let told = Start::new(&[]).at(&place, &path).refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&path), "{told}");
    assert!(told.contains("folder does not exist"), "{told}");
}

#[test]
fn a_file_in_a_folders_place_is_told_as_such() {
    let place = Place::new();
    let file = place.folder().join("log");
    fs::write(&file, "").unwrap();
    let told = format!("{} is not a folder; name another path", file.display());
    for below in ["", "server.sock", "below/server.sock"] {
        let path = format!("{}/{below}", file.display());
        let refused = Start::new(&[]).at(&place, &path).refused();
        assert_eq!(refused.lines().count(), 1, "{refused}");
        assert!(refused.contains(&told), "{refused}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_told_as_such() {
    let told = Start::new(&[])
        .at(&Place::new(), "/proc/server.sock")
        .refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    let [path, why] = ["/proc/server.sock", "no file can be created in its folder"];
    assert!(told.contains(path) && told.contains(why), "{told}");
}

#[test]
fn a_lock_that_is_there_is_opened_without_creating_it() {
    if Command::new("strace").arg("--version").ok().is_err() {
        needs::skip("it looks by strace at how the lock is opened");
        return;
    }
    let place = Place::new();
    fs::write(place.folder().join("server.sock.lock"), "").unwrap();
    let calls = place.folder().join("calls");
    let strace = format!("strace -e trace=open,openat -o '{}'", calls.display());
    let start = Start::new(&[]).inside(&strace);
    let server = start.at(&place, &place.address()).run();
    served(&server);
    let calls = fs::read_to_string(calls).unwrap();
    let opened: Vec<&str> = calls
        .lines()
        .filter(|call| call.contains(".lock"))
        .collect();
    assert!(
        matches!(opened[..], [call] if !call.contains("O_CREAT")),
        "{opened:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_sockets_is_told_as_such() {
    let place = Place::new();
    // That of the message queues knows regular files and nothing else.
    let mount = format!("mount -t mqueue none '{}'", place.folder().display());
    let unshare = "unshare --user --map-root-user --mount --ipc sh -c";
    let tried = Command::new("sh")
        .args(["-c", &format!("{unshare} \"$0\""), &mount])
        .ok();
    if let Err(error) = tried {
        needs::skip(&format!(
            "it mounts a file system in a user namespace: {error}"
        ));
        return;
    }
    let start = Start::new(&[]).inside(&format!("{unshare} \"{mount}\"' && exec \"$0\" \"$@\"'"));
    let told = start.at(&place, &place.address()).refused();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&place.address()), "{told}");
    assert!(told.contains("does not seem to support sockets"), "{told}");
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
    let place = Place::new();
    let listener = UnixListener::bind(place.path()).unwrap();
    is_refused_at(&place, "already listening there");
    connect(&place.address()).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_live_server_with_a_full_backlog_is_never_touched() {
    let place = Place::new();
    let listener = UnixListener::bind(place.path()).unwrap();
    let waiting = super::unix_only::fill_backlog(&listener, &place.path());
    is_refused_at(&place, "already listening there");
    drop(waiting);
}

#[test]
fn a_regular_file_is_never_touched() {
    let place = Place::new();
    fs::write(place.path(), "precious").unwrap();
    is_refused_at(&place, "regular file");
    assert_eq!(fs::read(place.path()).unwrap(), b"precious");
}

#[test]
fn a_folder_is_never_touched() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    is_refused_at(&place, "folder");
    assert!(place.path().is_dir());
}

#[test]
fn a_symlink_is_never_followed_nor_touched() {
    for target in ["nothing", "file", "stale.sock"] {
        let place = Place::new();
        fs::write(place.folder().join("file"), "precious").unwrap();
        stale_socket(place.folder().join("stale.sock"));
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
    let place = Place::new();
    let lock = place.folder().join("server.sock.lock");
    fs::write(place.folder().join("file"), "precious").unwrap();
    symlink("file", &lock).unwrap();
    is_refused_at(&place, "lock");
    assert_eq!(fs::read(place.folder().join("file")).unwrap(), b"precious");
}

#[test]
fn a_path_that_cannot_be_is_refused() {
    let place = Place::new();
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
            _ => Place::new(),
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
    let server = Server::start(&[]);
    let place = server.place().clone();
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
    let server = Server::start(&[]);
    let place = server.place().clone();
    fs::remove_file(place.path()).unwrap();
    let another = UnixListener::bind(place.path()).unwrap();
    server.signal(Signal::TERM);
    server.exits_with(0);
    connect(&place.address()).unwrap();
    another.accept().unwrap();
}

#[test]
fn the_path_is_removed_when_draining_begins() {
    let server = Server::start(&["--drain-timeout", "1m"]);
    let mut slow = served(&server);
    crate::pair::deadlines::ask_for_much(&mut slow);
    let path = server.place().path();
    server.signal(Signal::TERM);
    eventually("the path is free", || (!path.exists()).then_some(()));
    slow.drain();
    server.exits_with(0);
}

#[test]
fn a_path_may_be_relative_and_begin_with_anything() {
    let place = Place::new();
    let enter = format!("cd '{}'", place.folder().display());
    for name in ["s.sock", "@name", "./dots.sock", "with blank"] {
        let server = Start::new(&[]).after(&enter).at(&place, name).run();
        assert_eq!(server.address, name);
        let file = fs::symlink_metadata(place.folder().join(name)).unwrap();
        assert!(file.file_type().is_socket());
        let mut client = Command::new(client_program());
        client
            .current_dir(place.folder())
            .args(["--socket", name, "say", "hello"]);
        client.assert().success().stdout("accepted\n");
    }
}
