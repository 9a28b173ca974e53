//! Does the program take its socket's file along, and nobody else's?

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::time::SystemTime;

use scripted_peer::{
    Listener, Peer, Running, Signal, check, explain, folder, program, stale_socket,
};

const SIGNALS: &str = "07-a-file-that-isnt.html#no-destructor-runs";
const OWN: &str = "07-a-file-that-isnt.html#is-it-still-mine";

/// It serves, gets `signal` while a client is connected, and leaves with 0 and with its file.
fn leaves_on(signal: Signal) {
    let server = program!().listen_on_path();
    let path = server.path().to_owned();
    let is_socket = fs::symlink_metadata(&path).is_ok_and(|file| file.file_type().is_socket());
    let got = "nothing, or something else";
    check(is_socket, "the socket's file while it listens", got).or_explain(
        "Your program listens, but its path leads to no socket, so nobody can connect. Remove the \
         file when the program ends, and no sooner.",
        SIGNALS,
    );
    let mut client = server.connect();
    client.expect("hello\n").now();
    let mut beside = server.connect();
    beside.expect("hello\n").or_explain(
        "Somebody connected while the first client was still there, and got no hello. Say hello \
         and close the connection: if you wait until the client leaves, you greet nobody else.",
        SIGNALS,
    );
    server.signal(signal).ends().or_explain(
        "The signal has come, and your program still waits: for its next client, perhaps. Start a \
         thread that waits for the signal itself, cleans up, and ends the program.",
        SIGNALS,
    );
    server.exits_with(0).now();
    let folder = server.folder().expect("it listens in a folder of its own");
    let files = fs::read_dir(folder.path()).into_iter().flatten().flatten();
    let is_left = |file: &fs::DirEntry| {
        file.path() == path || file.file_type().is_ok_and(|kind| kind.is_socket())
    };
    let left: Vec<_> = files.filter(is_left).map(|file| file.path()).collect();
    let expected = format!("nothing at {}, and no socket beside it", path.display());
    check(
        left.is_empty(),
        expected,
        format!("{left:?}, without its server"),
    )
    .or_explain(
        "The program has ended, and its file is still there. If you compare device and inode, take \
         both from symlink_metadata() of the path, once after bind and once now: fstat() on the \
         socket gives other values.",
        OWN,
    );
}

/// The program listens at `path`, and somebody removes what it has made there, and when.
fn listens_and_loses(path: &Path) -> (Running, SystemTime) {
    let server = program!().listen_on(path.display()).now();
    let made = fs::symlink_metadata(path).and_then(|file| file.modified());
    let removed = fs::remove_file(path).is_ok();
    check(removed, "the socket's file while it listens", "nothing");
    (server, made.expect("it was there"))
}

/// SIGTERM comes, and no client.
fn ends_on_sigterm(server: &Running) {
    server.signal(Signal::TERM).ends().or_explain(
        "SIGTERM came while no client was there, and your program still waits: for its next client, \
         perhaps. Start a thread that waits for the signal itself, and ends the program, whatever \
         is at the path.",
        SIGNALS,
    );
    server.exits_with(0).or_explain(
        "SIGTERM asked the program to end, and it did. Leave what is at the path alone, and end \
         with exit code 0: nothing has failed.",
        OWN,
    );
}

#[test]
fn gone_after_sigterm() {
    explain(
        "SIGTERM is how kill, a service manager and a shutdown end a program: no destructor runs, \
         unless you catch it. Catch it, remove the socket's file, and end with exit code 0.",
        SIGNALS,
    );
    leaves_on(Signal::TERM);
}

#[test]
fn gone_after_sigint() {
    explain(
        "SIGINT is Ctrl-C: no destructor runs, unless you catch it. Catch it, remove the socket's \
         file, and end with exit code 0.",
        SIGNALS,
    );
    leaves_on(Signal::INT);
}

#[test]
fn a_successors_path_survives() {
    explain(
        "Somebody has removed your file and made another one at the same path. That one is not \
         yours: leave it. After bind, note the device and inode; before you remove the file, \
         compare them.",
        OWN,
    );
    let folder = folder();
    let path = folder.join("socket");
    let (server, _) = listens_and_loses(&path);
    let successor = Listener::at(&path).serve(|mut client| {
        client.send("the next generation\n");
        client.close();
    });
    ends_on_sigterm(&server);
    let still = fs::symlink_metadata(&path).is_ok();
    check(still, "the successor's socket", "nothing: it was removed");
    let mut client = Peer::connect(successor.address());
    client.expect("the next generation\n").now();

    let path = folder.join("socket, and later a diary");
    let (server, made) = listens_and_loses(&path);
    let as_old = fs::write(&path, "Dear diary").and_then(|()| {
        fs::File::options()
            .append(true)
            .open(&path)?
            .set_modified(made)
    });
    as_old.expect("the folder is ours");
    ends_on_sigterm(&server);
    check(path.is_file(), "the diary", "nothing: it was removed").or_explain(
        "This file is not yours, though its time is the same as your file's and connect() fails \
         there. Compare device and inode: nothing else says that a file is yours.",
        OWN,
    );

    let path = folder.join("socket that refuses");
    let (server, _) = listens_and_loses(&path);
    stale_socket(&path);
    ends_on_sigterm(&server);
    let still = fs::symlink_metadata(&path).is_ok();
    check(still, "another one's socket", "nothing: it was removed").or_explain(
        "The socket at this path refuses connections, but it belongs to another program, which \
         perhaps does not listen yet. Compare device and inode to see whether a file is yours; a \
         connect() to the path proves nothing.",
        OWN,
    );

    let path = folder.join("socket that was moved");
    let moved = folder.join("moved");
    let server = program!().listen_on(path.display()).now();
    let link = fs::rename(&path, &moved).and_then(|()| symlink(&moved, &path));
    check(
        link.is_ok(),
        "the socket's file while it listens",
        "nothing",
    )
    .now();
    ends_on_sigterm(&server);
    let still = fs::symlink_metadata(&path).is_ok();
    check(still, "the symlink", "nothing: it was removed").or_explain(
        "Somebody has moved your file and left a symlink to it: the symlink is not yours. \
         metadata() follows it, symlink_metadata() looks at the symlink itself.",
        OWN,
    );

    let path = folder.join("nothing later");
    let (server, _) = listens_and_loses(&path);
    let ended = server.signal(Signal::TERM).exits_with(0);
    ended.or_explain(
        "Somebody has removed the file already, so there is nothing left to do. End with exit code \
         0.",
        OWN,
    );
}
