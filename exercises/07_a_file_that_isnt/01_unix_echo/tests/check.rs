//! Does the program listen on a path, and speak chapter 4's protocol there?

use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use std::time::Duration;

use scripted_peer::{
    Address, Exit, Peer, Start, Verdict, check, explain, folder, frame, program, stale_socket,
};

const PATH: &str = "07-a-file-that-isnt.html#bind-makes-a-file";
const SAME: &str = "07-a-file-that-isnt.html#the-same-bytes";
const RELATIVE: &str = "07-a-file-that-isnt.html#a-path-like-any-other";

/// There is a socket at `path`.
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
        "No client reached your program through a socket file at this path. bind() on a path \
         creates that file, and a client that connects to the path reaches your program. Bind a \
         UnixListener to the path.",
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

/// A program told to listen on `path`, where something exists, ends with an error and changes
/// nothing.
fn stays_as_it_was(path: &Path) {
    let identity = || {
        let file = std::fs::symlink_metadata(path)?;
        // A socket can't be read, neither before nor after.
        std::io::Result::Ok((file.ino(), file.ctime_nsec(), std::fs::read(path).ok()))
    };
    let before = identity().expect("something is there");
    let mut second = program!().arg(path.display()).start();
    let found = second.listens_or_ends().or_explain(
        "Something already existed at that path, so bind() failed, but your program is still \
         running and has printed nothing. Don't try again: report the error and end.",
        PATH,
    );
    let expected = format!("{} unchanged", path.display());
    let untouched = identity().is_ok_and(|now| now == before);
    check(untouched, expected, "it was removed").or_explain(
        "Something already existed at that path, and you removed it. bind() fails if the path \
         exists, so let it fail. The next exercise shows what you may remove, and when.",
        PATH,
    );
    check(
        found != Start::Listens,
        "the program to end with an error",
        "it is listening",
    )
    .or_explain(
        "Your program printed that it is listening, but something already exists at that path, so \
         bind() must fail. Print that line only after bind() has succeeded, and don't listen on \
         another path instead.",
        PATH,
    );
    let failed = matches!(found, Start::Ended(end) if end != Exit::Code(0));
    let expected = "the program to end with an error";
    check(failed, expected, format!("{found:?}")).or_explain(
        "Something already exists at that path, so bind() must fail, but your program ended with \
         exit code 0. Report the error and end with a different exit code: main() may return the \
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
        "Your program ended with an error, but it didn't print the error that bind() returned. \
         Print that error, not a message of your own. If main() returns the error, it is printed.",
        PATH,
    );
}

#[test]
fn speaks_the_same_frames() {
    explain(
        "Your program didn't reply to every whole frame and only to whole frames, for one client \
         after another. A Unix stream has no message boundaries, just like a TCP stream, so \
         everything in chapter 4 still applies.",
        SAME,
    );
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    let large = frame([b'x'; 100_000]);
    peer.send(&large).expect(&large).or_explain(
        "This frame has 100,000 bytes of payload, and your reply to it is wrong. Use all four \
         bytes of the length, and let your buffer grow to that length.",
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
        "One and a half frames arrived, and you didn't reply to the complete one. Reply to it \
         right away, without waiting for the rest of the other one.",
        SAME,
    );
    peer.pause(Duration::from_millis(1200));
    let silent = "The client was silent for a second in the middle of a frame, and you gave up on \
                  it. As in 04-01, wait for the rest without a timeout.";
    peer.expect_nothing_yet().or_explain(silent, SAME);
    peer.send(rest)
        .expect(frame("half"))
        .or_explain(silent, SAME);
    let bytes = frame(b"\xff\0\n\xc3");
    peer.send(&bytes).expect(&bytes).or_explain(
        "This payload is not UTF-8, and you didn't echo it unchanged. A payload may contain bytes \
         of any value: handle it as `[u8]`, not as `String` or `str`.",
        SAME,
    );
}

#[test]
fn a_relative_path_works() {
    explain(
        "Your program isn't reachable at the relative path that it was given. bind() resolves a \
         relative path from the program's working directory, just as open() does. Pass the path to \
         bind() as it was given.",
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
            "You printed a different path than the one that was given. Print the path unchanged, \
             even if it is relative: the user knows which folder it starts from.",
            RELATIVE,
        );
    }

    // A relative path fits where the absolute one is too long.
    let deep = folder.join("d".repeat(100));
    std::fs::create_dir(&deep).expect("the folder is ours");
    let short = folder.join("d");
    symlink(&deep, &short).expect("the folder is ours");
    let _server = program!().in_folder(&deep).listen_on("door").or_explain(
        "Your program was started in a folder with a very long path, and it doesn't listen on \
         `door`. As an absolute path, `door` would be too long for a socket, so pass it to bind() \
         as it was given.",
        RELATIVE,
    );
    let mut peer = Peer::connect(&Address::Unix(short.join("door")));
    peer.send(frame("hello")).expect(frame("hello")).now();
}
