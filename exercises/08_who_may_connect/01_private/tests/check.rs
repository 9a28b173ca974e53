//! Is the socket private, and was it ever anything else?

use std::fs;
use std::os::unix::fs::PermissionsExt;

use scripted_peer::{Peer, Running, check, explain, folder, needs, program};

const FIRST: &str = "08-who-may-connect.html#a-mode-from-the-first-moment";
const UMASK: &str = "08-who-may-connect.html#what-the-umask-leaves";

/// Each client that connects is greeted, not only the first.
fn greets(server: &Running) {
    for sentence in [EARLY, GREETED] {
        let connected = Peer::try_connect(server.address());
        let mut client = connected.or_explain(sentence, FIRST);
        client.expect("hello\n").or_explain(GREETED, FIRST);
    }
}

const GREETED: &str = "A client couldn't connect, or didn't get `hello`. Keep accepting clients, \
                       one after another, and send `hello` to each of them as soon as it connects.";

const EARLY: &str = "Your program printed `listening on PATH`, but nothing is listening there. \
                     Clients connect as soon as they see this line, so print it only after `bind` \
                     has succeeded.";

/// Umasks to start the program with.
const UMASKS: [u32; 3] = [0o000, 0o022, 0o077];

#[test]
fn never_seen_open() {
    explain(
        "The socket had a different mode at first. Between bind and chmod, the file already \
         exists, and a client that connects during that time stays connected. Set the umask before \
         bind, so that bind creates the file with mode 0600.",
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
        // Once a client is greeted, everything that precedes the first client has happened.
        greets(&server);
        let events = watch.events();
        // A folder that the program creates for itself is not the socket: its mode may change.
        let changed = |event: &String| event.starts_with("attributes ") && !event.ends_with('/');
        let expected = format!("umask {umask:03o}: no mode changes after the socket is created");
        let seen = format!("{events:?}");
        check(!events.iter().any(changed), expected, &seen).now();
        let of_the_socket = events.iter().filter(|event| event.ends_with(" socket"));
        let expected = format!("umask {umask:03o}: the socket file is created once, and stays");
        check(of_the_socket.count() == 1, expected, seen).or_explain(
            "Your program first created another socket at this path, and that socket may have had \
             a different mode. Create only one socket, and give it the right mode from the start: \
             set the umask before bind.",
            FIRST,
        );
        let mode = fs::symlink_metadata(&path).map_or(0, |file| file.permissions().mode() & 0o777);
        let expected = format!("umask {umask:03o}: a mode that keeps other users out");
        check(mode & 0o077 == 0, expected, format!("{mode:04o}")).or_explain(
            "This mode lets other users connect. bind creates the file with mode 0777, minus the \
             bits in the umask. Before bind, set a umask that leaves only the owner's read and \
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
        "Your program's umask is no longer the one that it was started with. The umask applies to \
         the whole process, so every file that the program creates from now on gets the wrong \
         mode. umask() returns the previous umask: restore it after bind.",
        FIRST,
    );
    if !needs::linux() {
        return;
    }
    for umask in [&UMASKS[..], &[0o277]].concat() {
        let server = program!().umask(umask).listen_on_path();
        // Before the first client connects: the program must not wait for one to restore the umask.
        let early = umask_of(&server);
        greets(&server);
        let expected = format!("umask {umask:04o}, which the program was started with");
        for got in [umask_of(&server), early] {
            check(got == format!("{umask:04o}"), &expected, got).now();
        }
    }
}

/// The mode of the socket file, which exists once the program has printed its line.
fn mode_of(server: &Running) -> u32 {
    let file = fs::symlink_metadata(server.path());
    check(file.is_ok(), "a socket at PATH", "no file").or_explain(EARLY, FIRST);
    file.map_or(0, |file| file.permissions().mode() & 0o7777)
}

#[test]
fn mode_is_0600_whatever_the_umask() {
    explain(
        "The socket's mode isn't 0600. bind creates the file with mode 0777, minus the bits in the \
         umask. Whatever umask your program was started with, set one before bind that leaves \
         0600.",
        UMASK,
    );
    for umask in UMASKS {
        let server = program!().umask(umask).listen_on_path();
        let mode = mode_of(&server);
        let expected = format!("umask {umask:03o}: mode 0600");
        check(mode == 0o600, expected, format!("{mode:04o}")).now();
        greets(&server);
    }
    // A umask that also removes a permission from the owner.
    let server = program!().umask(0o277).listen_on_path();
    let mode = mode_of(&server);
    check(mode == 0o600, "umask 277: mode 0600", format!("{mode:04o}")).or_explain(
        "The umask that your program was started with also removes permissions from the owner, and \
         it was still in effect during bind. While bind runs, the umask must be exactly 0177, with \
         no other bits added.",
        UMASK,
    );
}
