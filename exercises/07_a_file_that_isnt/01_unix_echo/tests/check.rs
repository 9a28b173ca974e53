//! Does the program listen at a path, and speak the frames of chapter 4 there?

use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use std::time::Duration;

use scripted_peer::{
    Address, Exit, Peer, Start, Verdict, check, explain, folder, frame, program, stale_socket,
};

const PATH: &str = "07-a-file-that-isnt.html#bind-makes-a-file";
const SAME: &str = "07-a-file-that-isnt.html#the-same-bytes";
const RELATIVE: &str = "07-a-file-that-isnt.html#a-path-like-any-other";

/// What is there is a socket.
fn holds_a_socket(path: &Path) -> Verdict {
    let got = match std::fs::symlink_metadata(path) {
        Ok(file) if file.file_type().is_socket() => None,
        Ok(file) => Some(format!("{:?}", file.file_type())),
        Err(error) => Some(error.to_string()),
    };
    let expected = format!("a socket at {}", path.display());
    check(got.is_none(), expected, got.unwrap_or_default())
}

#[test]
fn the_path_is_a_socket() {
    explain(
        "bind() on a path makes the file, of type socket, and a client that connects to that path \
         reaches this program. Bind a UnixListener to the path.",
        PATH,
    );
    let folder = folder();
    let path = folder.join("door");
    let server = program!().listen_on(path.display()).now();
    holds_a_socket(&path);
    let mut peer = server.connect();
    peer.send(frame("hello")).expect(frame("hello")).now();

    let diary = folder.join("diary");
    std::fs::write(&diary, "Dear diary").expect("the folder is fresh");
    let empty = folder.join("empty diary");
    std::fs::write(&empty, "").expect("the folder is fresh");
    let stale = folder.join("stale");
    stale_socket(&stale);
    let dangling = folder.join("to nothing");
    symlink(folder.join("nothing"), &dangling).expect("the folder is fresh");
    for taken in [&diary, &empty, &stale, &dangling, &path] {
        stays_as_it_was(taken);
    }
    peer.send(frame("hello")).expect(frame("hello")).now();
}

/// A program that is to listen at `path`, where something is, ends with an error and touches nothing.
fn stays_as_it_was(path: &Path) {
    let identity = || {
        let file = std::fs::symlink_metadata(path)?;
        // A socket cannot be read, before and after.
        std::io::Result::Ok((file.ino(), file.ctime_nsec(), std::fs::read(path).ok()))
    };
    let before = identity().expect("something is there");
    let mut second = program!().arg(path.display()).start();
    let found = second.listens_or_ends().or_explain(
        "Something was already at that path, so bind() failed, and your program goes on without a \
         word. Don't try again: say what is wrong, and end.",
        PATH,
    );
    let expected = format!("{} as it was", path.display());
    let untouched = identity().is_ok_and(|now| now == before);
    check(untouched, expected, "it was removed").or_explain(
        "Something was already at that path, and you removed it. bind() fails if the path exists: \
         let it fail. The next exercise shows what may be removed, and when.",
        PATH,
    );
    check(
        found != Start::Listens,
        "the program to end with an error",
        "it listens",
    )
    .or_explain(
        "Something is at that path, so bind() fails, and your program says that it listens. Print \
         that line once bind() has succeeded, and listen at no other path.",
        PATH,
    );
    let failed = matches!(found, Start::Ended(end) if end != Exit::Code(0));
    let expected = "the program to end with an error";
    check(failed, expected, format!("{found:?}")).or_explain(
        "bind() failed, because something is at that path, but your exit code says that all went \
         well. Say what is wrong, and end with an exit code other than 0: main() may return the \
         error.",
        PATH,
    );
    // The error's text, its Debug form, or the name of its kind.
    let told = second.ends().now().stderr;
    let told = String::from_utf8_lossy(&told).to_lowercase();
    let words = ["address already in use", "addrinuse", "address in use"];
    let says_so = words.iter().any(|word| told.contains(word));
    let got = format!("{told:?}");
    check(says_so, "\"Address already in use\" on standard error", got).or_explain(
        "Your program ended, and did not say why. Print the error that bind() returned, not one of \
         your own: main() does so if it returns it.",
        PATH,
    );
}

#[test]
fn speaks_the_same_frames() {
    explain(
        "A Unix stream has no message boundaries, just like a TCP stream. Everything in chapter 4 \
         still holds: only whole frames are answered, and all of them, for one client after \
         another.",
        SAME,
    );
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    let large = frame([b'x'; 100_000]);
    peer.send(&large).expect(&large).or_explain(
        "A frame of 100,000 bytes is a frame like any other. All four bytes of its length count, \
         and your buffer must be as large as the length says.",
        SAME,
    );
    drop(peer);
    for message in ["hello", "", "more than 256 bytes ".repeat(15).as_str()] {
        let mut peer = server.connect();
        let frame = frame(message);
        let (most, last) = frame.split_at(frame.len() - 1);
        peer.drip(most).expect_nothing_yet();
        peer.send(last).expect(&frame);
        peer.coalesce([&frame, &frame]);
        peer.expect([&*frame, &*frame].concat());
        peer.half_close().expect_end();
        let mut rude = server.connect();
        rude.send(most).half_close();
        rude.expect_end();
    }
    let mut peer = server.connect();
    let two = [frame("whole"), frame("half")].concat();
    let (one_and_a_half, rest) = two.split_at(frame("whole").len() + 6);
    peer.send(one_and_a_half).expect(frame("whole")).or_explain(
        "One and a half frames came. The whole one is answered at once, and does not wait for the other \
         half.",
        SAME,
    );
    peer.pause(Duration::from_millis(1200));
    let silent = "The client was silent for a second in the middle of a frame, and you gave up on \
                  it. Wait for as long as it takes, as in 04-01.";
    peer.expect_nothing_yet().or_explain(silent, SAME);
    peer.send(rest)
        .expect(frame("half"))
        .or_explain(silent, SAME);
    let bytes = frame(b"\xff\0\n\xc3");
    peer.send(&bytes).expect(&bytes).or_explain(
        "These bytes are not UTF-8, and they needn't be: a payload may hold bytes of any \
         value. Handle it as `[u8]`, not as `String` or `str`.",
        SAME,
    );
}

#[test]
fn a_relative_path_works() {
    explain(
        "A relative path starts at the program's working directory, for bind() as for open(). Pass \
         the path on as it was given.",
        RELATIVE,
    );
    let folder = folder();
    std::fs::create_dir(folder.join("run")).expect("the folder is fresh");
    for relative in ["door", "run/door", "run/../other door"] {
        let server = program!().in_folder(&folder).listen_on(relative).now();
        holds_a_socket(&folder.join(relative));
        let mut peer = server.connect();
        peer.send(frame("hello")).expect(frame("hello"));
        let told = server.stdout();
        let right = told.lines().next() == Some(&*format!("listening on {relative}"));
        check(right, format!("listening on {relative}"), told).or_explain(
            "Print the path as it was given, relative if it was relative: the user who gave it \
             knows the folder that it starts from.",
            RELATIVE,
        );
    }

    // A relative path fits where the absolute one is too long.
    let deep = folder.join("d".repeat(100));
    std::fs::create_dir(&deep).expect("the folder is ours");
    let short = folder.join("d");
    symlink(&deep, &short).expect("the folder is ours");
    let _server = program!().in_folder(&deep).listen_on("door").or_explain(
        "The program was started in a folder whose path is more than 100 bytes long. `door` has four: \
         give that to bind(). As an absolute path it would be too long.",
        RELATIVE,
    );
    let mut peer = Peer::connect(&Address::Unix(short.join("door")));
    peer.send(frame("hello")).expect(frame("hello")).now();
}
