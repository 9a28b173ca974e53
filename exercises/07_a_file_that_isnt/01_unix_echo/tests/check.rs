//! Does the program listen at a path, and speak the frames of chapter 4 there?

use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use scripted_peer::{Verdict, check, explain, folder, frame, program};

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
        "bind() on a path makes the file, of type socket, and whoever connects to that path reaches \
         this program. Bind a UnixListener to the path.",
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
    let mut second = program!().arg(diary.display()).start();
    second.listens_or_ends().now();
    let text = std::fs::read_to_string(&diary).unwrap_or_default();
    let expected = format!("{} as it was", diary.display());
    check(text == "Dear diary", expected, "it was removed").or_explain(
        "A file was there already, and you removed it. bind() fails where anything is: let it fail. \
         What may be removed, and when, is the next exercise.",
        PATH,
    );
}

#[test]
fn speaks_the_same_frames() {
    explain(
        "A Unix stream has no more messages than a TCP one has. Everything of chapter 4 still \
         holds: only whole frames are answered, and all of them, for one client after another.",
        SAME,
    );
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    let large = frame([b'x'; 100_000]);
    peer.send(&large).expect(&large).or_explain(
        "A frame of 100,000 bytes is a frame like any other. All four bytes of its length count, and \
         what it needs is as large as the length says.",
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
        rude.send(&frame[..3]).half_close();
        rude.expect_end();
    }
}

#[test]
fn a_relative_path_works() {
    explain(
        "A relative path begins in the folder that the program runs in, for bind() as for open(). \
         Hand the path on as it was given.",
        RELATIVE,
    );
    let folder = folder();
    std::fs::create_dir(folder.join("run")).expect("the folder is fresh");
    for relative in ["door", "run/door", "run/../other door"] {
        let server = program!().in_folder(&folder).listen_on(relative).now();
        holds_a_socket(&folder.join(relative));
        let mut peer = server.connect();
        peer.send(frame("hello")).expect(frame("hello"));
    }
}
