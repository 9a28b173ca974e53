//! Does the program remove its own socket file, and no other file?

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::time::SystemTime;

use scripted_peer::{
    Listener, Peer, Running, Signal, check, explain, folder, program, stale_socket,
};

const SIGNALS: &str = "07-a-file-that-isnt.html#no-destructor-runs";
const OWN: &str = "07-a-file-that-isnt.html#is-it-still-mine";

/// The program serves, gets `signal` while a client is connected, removes its file and exits with
/// 0.
fn leaves_on(signal: Signal) {
    let server = program!().listen_on_path();
    let path = server.path().to_owned();
    let is_socket = fs::symlink_metadata(&path).is_ok_and(|file| file.file_type().is_socket());
    let got = "nothing, or something else";
    check(
        is_socket,
        "the socket file while the program is listening",
        got,
    )
    .or_explain(
        "Your program is listening, but there is no socket at its path, so no client can connect. \
         Remove the file when the program ends, and no sooner.",
        SIGNALS,
    );
    let mut client = server.connect();
    client.expect("hello\n").now();
    let mut beside = server.connect();
    beside.expect("hello\n").or_explain(
        "A second client connected while the first one was still connected, and got no hello. Say \
         hello and close the connection. If you wait until a client leaves, you can't greet anyone \
         else.",
        SIGNALS,
    );
    server.signal(signal).ends().or_explain(
        "The signal arrived, and your program is still running; perhaps it is waiting for its next \
         client. Use separate threads: one waits for clients, and the other waits for the signal, \
         cleans up, and ends the program.",
        SIGNALS,
    );
    server.exits_with(0).now();
    let folder = server.folder().expect("it listens in a folder of its own");
    let files = fs::read_dir(folder.path()).into_iter().flatten().flatten();
    let is_left = |file: &fs::DirEntry| {
        file.path() == path || file.file_type().is_ok_and(|kind| kind.is_socket())
    };
    let left: Vec<_> = files.filter(is_left).map(|file| file.path()).collect();
    let expected = format!("nothing at {}, and no socket next to it", path.display());
    check(
        left.is_empty(),
        expected,
        format!("{left:?}, left behind by the program"),
    )
    .or_explain(
        "The program has ended, but its socket file is still there. If you compare device and \
         inode, get both from symlink_metadata() of the path, once after bind and once at the end. \
         fstat() on the socket returns different values.",
        OWN,
    );
}

/// The program listens on `path`, and then its socket file is removed. Returns the program, and the
/// file's modification time.
fn listens_and_loses(path: &Path) -> (Running, SystemTime) {
    let server = program!().listen_on(path.display()).now();
    let made = fs::symlink_metadata(path).and_then(|file| file.modified());
    let removed = fs::remove_file(path).is_ok();
    check(
        removed,
        "the socket file while the program is listening",
        "nothing",
    );
    (server, made.expect("it was there"))
}

/// SIGTERM arrives while no client is connected.
fn ends_on_sigterm(server: &Running) {
    server.signal(Signal::TERM).ends().or_explain(
        "SIGTERM arrived while no client was connected, and your program is still running; perhaps \
         it is waiting for its next client. Start a thread that waits for the signal and ends the \
         program, whatever is at the path.",
        SIGNALS,
    );
    server.exits_with(0).or_explain(
        "SIGTERM asked the program to end, and it ended, but not with exit code 0. Another file at \
         the path is not a failure: leave that file alone, and end with exit code 0.",
        OWN,
    );
}

#[test]
fn gone_after_sigterm() {
    explain(
        "Your program got a SIGTERM, and it didn't end with exit code 0. SIGTERM is how kill, a \
         service manager and a system shutdown end a program, and unless you catch it, no \
         destructor runs. Catch SIGTERM, remove the socket file, and end with exit code 0.",
        SIGNALS,
    );
    leaves_on(Signal::TERM);
}

#[test]
fn gone_after_sigint() {
    explain(
        "Your program got a SIGINT, as from Ctrl-C, and it didn't end with exit code 0. Unless you \
         catch SIGINT, no destructor runs. Catch it, remove the socket file, and end with exit \
         code 0.",
        SIGNALS,
    );
    leaves_on(Signal::INT);
}

#[test]
fn a_successors_path_survives() {
    explain(
        "Another program removed your socket file and created its own file at the same path, and \
         you removed that file. It is not yours: leave it. Note the device and inode after bind, \
         and compare them before you remove the file.",
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
        "You removed a regular file that isn't yours. It has the same modification time as your \
         socket file had, and connect() fails on it too, but neither proves that a file is yours. \
         Compare device and inode.",
        OWN,
    );

    let path = folder.join("socket that refuses");
    let (server, _) = listens_and_loses(&path);
    stale_socket(&path);
    ends_on_sigterm(&server);
    let still = fs::symlink_metadata(&path).is_ok();
    check(still, "another program's socket", "nothing: it was removed").or_explain(
        "You removed a socket that refuses connections. It belongs to another program, which \
         perhaps is not listening yet. Compare device and inode to see whether a file is yours; a \
         failed connect() doesn't prove that.",
        OWN,
    );

    let path = folder.join("socket that was moved");
    let moved = folder.join("moved");
    let server = program!().listen_on(path.display()).now();
    let link = fs::rename(&path, &moved).and_then(|()| symlink(&moved, &path));
    check(
        link.is_ok(),
        "the socket file while the program is listening",
        "nothing",
    )
    .now();
    ends_on_sigterm(&server);
    let still = fs::symlink_metadata(&path).is_ok();
    check(still, "the symlink", "nothing: it was removed").or_explain(
        "Your socket file was moved, and a symlink to it was left in its place, which you removed. \
         The symlink is not yours. metadata() follows a symlink; symlink_metadata() looks at the \
         symlink itself.",
        OWN,
    );

    let path = folder.join("nothing later");
    let (server, _) = listens_and_loses(&path);
    let ended = server.signal(Signal::TERM).exits_with(0);
    ended.or_explain(
        "The socket file had already been removed, and your program didn't end with exit code 0. \
         There is nothing left to remove, and that is not a failure.",
        OWN,
    );
}
