//! Is the socket private, and was it ever anything else?

use std::fs;
use std::os::unix::fs::PermissionsExt;

use scripted_peer::{Peer, Running, check, explain, folder, needs, program};

const FIRST: &str = "08-who-may-connect.html#a-mode-from-the-first-moment";
const UMASK: &str = "08-who-may-connect.html#what-the-umask-leaves";

/// Whoever connects is greeted, and not the first one alone.
fn greets(server: &Running) {
    for sentence in [EARLY, GREETED] {
        let connected = Peer::try_connect(server.address());
        let mut client = connected.or_explain(sentence, FIRST);
        client.expect("hello\n").or_explain(GREETED, FIRST);
    }
}

const GREETED: &str = "Send `hello` to each client that connects, one after the other: go on \
                       accepting, and send it without being asked.";

const EARLY: &str = "Your program printed `listening on PATH`, and nobody listens there. Print that \
                     line when `bind` has succeeded, not before: whoever reads it may connect.";

/// What a umask takes from the 0777 that `bind` asks for.
const UMASKS: [u32; 3] = [0o000, 0o022, 0o077];

#[test]
fn never_seen_open() {
    explain(
        "Between bind and chmod the socket had another mode, and a client that connected then \
         stays connected. Set the umask before bind, so that the file is made with mode 0600.",
        FIRST,
    );
    if !needs::linux() {
        return;
    }
    for umask in UMASKS {
        let folder = folder();
        let watch = folder.watch();
        let path = folder.join("socket");
        let server = program!().umask(umask).listen_on(path.display()).now();
        // Whoever is greeted knows that all that comes before the first client has happened.
        greets(&server);
        let events = watch.events();
        // A folder of the program's own, which is not the socket, may be changed as it likes.
        let changed = |event: &String| event.starts_with("attributes ") && !event.ends_with('/');
        let expected = format!("umask {umask:03o}: no mode is changed after the socket is made");
        let seen = format!("{events:?}");
        check(!events.iter().any(changed), expected, &seen).now();
        let of_the_socket = events.iter().filter(|event| event.ends_with(" socket"));
        let expected = format!("umask {umask:03o}: the socket appears once, and stays");
        check(of_the_socket.count() == 1, expected, seen).or_explain(
            "Your program made another socket at this path before this one, with a mode of its \
             own. Make only one, with the right mode from the start: set the umask before bind.",
            FIRST,
        );
        let mode = fs::symlink_metadata(&path).map_or(0, |file| file.permissions().mode() & 0o777);
        let expected = format!("umask {umask:03o}: a mode that lets nobody else in");
        check(mode & 0o077 == 0, expected, format!("{mode:04o}")).or_explain(
            "Other users may connect to it. bind makes the file with mode 0777, less what the \
             umask removes: set one, for bind, that removes everything but the owner's read and \
             write permission.",
            UMASK,
        );
    }
}

/// The umask of a running program: proc_pid_status(5).
fn umask_of(server: &Running) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    umask.unwrap_or_default().trim().to_owned()
}

#[test]
fn the_umask_is_put_back() {
    explain(
        "The umask belongs to the whole process, and every file that it makes from now on gets a \
         mode that was meant for the socket. umask() returns the previous one: restore that after \
         bind.",
        FIRST,
    );
    if !needs::linux() {
        return;
    }
    for umask in [&UMASKS[..], &[0o277]].concat() {
        let server = program!().umask(umask).listen_on_path();
        // It has said that it listens; and no client's coming may be what puts it back.
        let early = umask_of(&server);
        greets(&server);
        let expected = format!("umask {umask:04o}, with which the program was started");
        for got in [umask_of(&server), early] {
            check(got == format!("{umask:04o}"), &expected, got).now();
        }
    }
}

/// The mode of the socket, which is there: the program has said so.
fn mode_of(server: &Running) -> u32 {
    let file = fs::symlink_metadata(server.path());
    check(file.is_ok(), "a socket at PATH", "no file").or_explain(EARLY, FIRST);
    file.map_or(0, |file| file.permissions().mode() & 0o7777)
}

#[test]
fn mode_is_0600_whatever_the_umask() {
    explain(
        "bind makes the file with mode 0777, less what the umask removes. Whatever umask your \
         program was started with, set one for bind that leaves 0600.",
        UMASK,
    );
    for umask in UMASKS {
        let server = program!().umask(umask).listen_on_path();
        let mode = mode_of(&server);
        let expected = format!("umask {umask:03o}: mode 0600");
        check(mode == 0o600, expected, format!("{mode:04o}")).now();
        greets(&server);
    }
    // One that takes from the owner, too.
    let server = program!().umask(0o277).listen_on_path();
    let mode = mode_of(&server);
    check(mode == 0o600, "umask 277: mode 0600", format!("{mode:04o}")).or_explain(
        "The umask that your program was started with removes permissions from the owner, too, and \
         you kept that for bind. While bind runs, the umask must be exactly 0177, with nothing \
         added to it.",
        UMASK,
    );
}
