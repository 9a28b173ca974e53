//! Does the client get the open file that it asked for, and nothing that it may not have?

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{
    CWD, Mode, OFlags, RenameFlags, fcntl_getfl, mkdirat, open, openat, renameat_with,
};
use scripted_peer::{
    Folder, Passed, Peer, Program, Running, check, explain, folder, needs, program, rounds, show,
};

const NUMBER: &str = "15-can-i-send-an-open-file.html#the-number-means-nothing";
const POSITION: &str = "15-can-i-send-an-open-file.html#two-numbers-one-position";
const BYTE: &str = "15-can-i-send-an-open-file.html#it-rides-on-a-byte";
const PERMISSION: &str = "15-can-i-send-an-open-file.html#it-is-the-permission";
const DEPUTY: &str = "15-can-i-send-an-open-file.html#you-can-open-it";
const COPIES: &str = "15-can-i-send-an-open-file.html#the-last-copy";

const POEM: &str = "The owl and the pussycat went to sea\n";
const MONDAY: &str = "Buy a pea-green boat.\n";
const OUTSIDE: &str = "nobody may see this";

/// How often the way to a file changes while it is asked for; how often at least, and how long.
const SWINGS: usize = 2_000;
const LEAST_SWINGS: usize = 40;
const SWINGING: Duration = Duration::from_millis(1500);

/// A folder with `public` in it, which is served, and with things that are not.
fn a_house() -> Folder {
    let house = folder();
    let make = |name: &str, text: &str| {
        fs::write(house.join(name), text).expect("the folder is fresh");
    };
    for part in ["public", "public/notes", "public-not"] {
        fs::create_dir(house.join(part)).expect("the folder is fresh");
    }
    make("public/poem", POEM);
    make("public/empty", "");
    make("public/notes/monday", MONDAY);
    make("secret", OUTSIDE);
    make("public-not/secret", "nor this");
    house
}

fn broker(house: &Folder) -> Running {
    broker_program(house).listen_on_path()
}

fn broker_program(house: &Folder) -> Program {
    program!().arg(house.join("public").display())
}

fn asks(peer: &mut Peer, name: impl AsRef<[u8]>) {
    peer.send([name.as_ref(), b"\n"].concat());
}

/// What comes is `+` and the file of this name, open.
fn gets(peer: &mut Peer, name: impl AsRef<[u8]>) -> File {
    asks(peer, name);
    let files = peer.expect_with("+", 1).now();
    let file = files.into_iter().next();
    File::from(file.expect("one was expected"))
}

fn read(mut file: &File) -> String {
    let mut text = Vec::new();
    match file.read_to_end(&mut text) {
        Ok(_) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => format!("reading it fails: {error}"),
    }
}

/// What can be read from `file`, from where it stands, is this.
fn holds(file: &File, text: &str) {
    let got = read(file);
    check(
        got == text,
        format!("a file that holds {text:?}"),
        format!("{got:?}"),
    )
    .now();
}

/// An open file is the one that has this name.
fn is_the_same(file: &File, path: &Path) -> bool {
    let identity = |of: &fs::Metadata| (of.dev(), of.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => identity(&open) == identity(&named),
        _ => false,
    }
}

/// The answer is `-` and a reason, without a file.
fn is_refused(peer: &mut Peer, name: impl AsRef<[u8]>) {
    let name = name.as_ref();
    asks(peer, name);
    peer.expect("-").now();
    let reason = peer.next_line().unwrap_or_default();
    let files = peer.take_descriptors().len();
    let expected = format!("-REASON for {}, with no file", show(name));
    let got = format!("-{reason}, and {files} files");
    check(!reason.trim().is_empty() && files == 0, expected, got).or_explain(
        "A refusal is `-`, a reason that is not empty, and a newline, and no file comes with it.",
        BYTE,
    );
}

#[test]
fn the_file_arrives_open() {
    explain(
        "The client must get an open file with the byte `+`. A descriptor is a number in your own \
         table and means nothing in the client's: only SCM_RIGHTS, in sendmsg(), makes the kernel \
         put the open file into the client's table.",
        NUMBER,
    );
    let house = a_house();
    let server = broker(&house);
    let [mut peer, mut other] = [server.connect(), server.connect()];
    let poem = gets(&mut peer, "poem");
    holds(&poem, POEM);
    let same = is_the_same(&poem, &house.join("public/poem"));
    check(
        same,
        "the file of that name",
        "another file with the same contents",
    )
    .or_explain(
        "The client got a copy. It asked for the file itself, and must see what others write to it \
         later.",
        POSITION,
    );
    holds(&gets(&mut peer, "empty"), "");
    holds(&gets(&mut peer, "notes/monday"), MONDAY);

    explain(
        "This is a file in the folder, or in one below it, at any depth, and a client may have it. \
         A dot at the beginning of a name, or two in the middle, are letters like any others: only \
         a part that is `..` and nothing else leads up. Let the kernel find out where a name leads \
         instead of judging it by its letters.",
        DEPUTY,
    );
    fs::create_dir_all(house.join("public/notes/old/very old")).expect("the folder is fresh");
    for name in [".hidden", "a..b", "..c", "notes/old/very old/d"] {
        fs::write(house.join("public").join(name), name).expect("the folder is fresh");
        holds(&gets(&mut peer, name), name);
    }

    explain(
        "Two clients asked for the same file, and each misses the bytes that the other one reads: \
         both have the same open file, with one position. Open the file again for each request, \
         and read nothing from it yourself.",
        POSITION,
    );
    let (mine, theirs) = (gets(&mut peer, "poem"), gets(&mut other, "poem"));
    holds(&mine, POEM);
    let position = (&theirs).stream_position().unwrap_or(u64::MAX);
    let got = format!("it stands at byte {position}");
    check(position == 0, "a file that stands at its beginning", got).now();
    holds(&theirs, POEM);
}

#[test]
fn it_is_read_only() {
    explain("The client must get an open file with the byte `+`.", BYTE);
    let house = a_house();
    let server = broker(&house);
    let mut peer = server.connect();
    let files = ["poem", "notes/monday"].map(|name| gets(&mut peer, name));
    explain(
        "The client can write to the file that it got. A descriptor carries the access it was \
         opened with: the kernel checks permissions once, at your open(), and never again. Open it \
         for reading only.",
        PERMISSION,
    );
    for mut file in files {
        let flags = fcntl_getfl(&file).unwrap_or(OFlags::empty());
        let access = flags & OFlags::RWMODE;
        let got = format!("it was opened with {access:?}");
        check(access == OFlags::RDONLY, "a file opened read-only", got).now();
        check(
            file.write_all(b"!").is_err(),
            "a write to fail",
            "it succeeds",
        )
        .now();
    }
    let kept = fs::read_to_string(house.join("public/poem")).unwrap_or_default();
    check(kept == POEM, "the poem as it was", format!("{kept:?}")).now();
}

#[test]
fn nothing_outside_the_folder() {
    explain(
        "This name leads out of the folder. The client could not open that file, but you can, and \
         the kernel checks only the permissions of the process that opens it. Make the kernel stay \
         in the folder while it follows the path: openat2() with RESOLVE_BENEATH. It is not enough \
         to look at the name, or at where it leads, before you open it.",
        DEPUTY,
    );
    let house = a_house();
    let public = house.join("public");
    let make = |target: &str, link: &str| {
        symlink(target, public.join(link)).expect("the folder is fresh");
    };
    make("../secret", "relative");
    make(&house.join("secret").display().to_string(), "absolute");
    make("..", "up");
    make("relative", "two steps");
    let server = broker(&house);
    let mut peer = server.connect();
    for name in [
        "../secret",
        "notes/../../secret",
        "../public-not/secret",
        "./../secret",
        "....//secret",
        ".../...//secret",
        "relative",
        "absolute",
        "up/secret",
        "two steps",
    ] {
        is_refused(&mut peer, name);
    }
    is_refused(&mut peer, house.join("secret").as_os_str().as_bytes());
    is_refused(&mut peer, "/etc/passwd");
    explain(
        "A refused name does not end the connection: the next name must be answered as before.",
        DEPUTY,
    );
    holds(&gets(&mut peer, "poem"), POEM);
}

#[test]
fn nothing_outside_meanwhile() {
    if !needs::linux() {
        return;
    }
    explain(
        "The name led to a file in the folder when you looked, and out of the folder when you opened \
         it: somebody had put a symlink there in between. Look and open in one call: openat2() with \
         RESOLVE_BENEATH.",
        DEPUTY,
    );
    let house = a_house();
    fs::write(house.join("monday"), OUTSIDE).expect("the folder is fresh");
    let (notes, up) = (house.join("public/notes"), house.join("public/up"));
    symlink("..", &up).expect("the folder is fresh");
    let server = broker(&house);
    let mut peer = server.connect();
    while_exchanged(&notes, &up, || {
        for file in gets_or_is_refused(&mut peer, "notes/monday") {
            let text = read(&File::from(file));
            let got = format!("{text:?}, from outside");
            check(text != OUTSIDE, "a file in the folder, or a refusal", got).now();
        }
    });
}

/// What comes with a `+`; nothing if the name is refused.
fn gets_or_is_refused(peer: &mut Peer, name: &str) -> Vec<OwnedFd> {
    asks(peer, name);
    if peer.next_bytes(1).as_deref() != Some(b"+") {
        peer.next_line();
        return Vec::new();
    }
    let files = peer.take_descriptors();
    check(!files.is_empty(), "a file with the `+`", "none")
        .or_explain("The byte `+` came without an open file.", BYTE);
    files
}

/// Acts, again and again, while two names change places all the time.
fn while_exchanged(one: &Path, other: &Path, mut act: impl FnMut()) {
    let exchange = || renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
    if exchange().and_then(|()| exchange()).is_err() {
        needs::skip("the file system of temporary files cannot exchange two names");
        return;
    }
    let is_over = AtomicBool::new(false);
    let swing = || {
        while !is_over.load(Ordering::Relaxed) {
            let _ = exchange();
            thread::sleep(Duration::from_micros(300));
        }
    };
    thread::scope(|scope| {
        let swinging = scope.spawn(swing);
        // It ends, whatever this test finds.
        let stop = StopOnDrop(&is_over);
        for _ in rounds(SWINGS, LEAST_SWINGS, SWINGING) {
            act();
        }
        drop(stop);
        swinging.join().expect("it only swings");
    });
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    needs::working(made.is_ok_and(|end| end.success()), "mkfifo(1)");
}

#[test]
fn only_files_are_handed_out() {
    explain(
        "That is not a regular file, and it was not refused. From an open folder a client can go \
         on to \"..\" and to the rest of the disk; at a FIFO, open() waits for a writer that may \
         never come. Open without waiting (O_NONBLOCK), then ask fstat() what it is.",
        DEPUTY,
    );
    let house = a_house();
    make_pipe(&house.join("public/pipe"));
    let server = broker(&house);
    let mut peer = server.connect();
    is_refused(&mut peer, "nothing");
    let before = cfg!(target_os = "linux").then(|| server.descriptors());
    for name in ["notes", "notes/", ".", "pipe"] {
        is_refused(&mut peer, name);
    }
    if let Some(before) = before {
        server.expect_descriptors(&before).or_explain(
            "You refused these, but still have them open. Close what you open only to look at it, \
             too.",
            COPIES,
        );
    }
    holds(&gets(&mut peer, "poem"), POEM);
}

#[test]
fn only_files_meanwhile() {
    if !needs::linux() {
        return;
    }
    const FOLDER: &str = "The name was a file when you looked, and a folder when you opened it. Open first, and ask \
                          the descriptor what it is: fstat().";
    const PIPE: &str = "The name was a file when you looked, and a FIFO when you opened it. If no answer came, your \
                        open() waits for a writer: open without waiting (O_NONBLOCK), whatever you saw before, and \
                        ask the descriptor what it is.";
    for (other, sentence) in [("notes", FOLDER), ("pipe", PIPE)] {
        explain(sentence, DEPUTY);
        let house = a_house();
        let public = house.join("public");
        make_pipe(&public.join("pipe"));
        let server = broker(&house);
        let mut peer = server.connect();
        while_exchanged(&public.join("poem"), &public.join(other), || {
            for file in gets_or_is_refused(&mut peer, "poem") {
                let file = File::from(file);
                let is_file = file.metadata().is_ok_and(|what| what.is_file());
                check(is_file, "a regular file, or a refusal", "something else").now();
            }
        });
    }
}

#[test]
fn a_hundred_files_leak_none() {
    if !needs::linux() {
        return;
    }
    explain(
        "Ten names came at once. Each must get an answer of its own, `+` with its file: one read \
         may return many names.",
        BYTE,
    );
    let house = a_house();
    let server = broker(&house);
    let mut peer = server.connect();
    is_refused(&mut peer, "nothing");
    let before = server.descriptors();
    for _ in 0..10 {
        peer.send("poem\nnotes/monday\n".repeat(5));
        peer.expect_with("+".repeat(10), 10).now();
        is_refused(&mut peer, "nothing");
    }
    explain(
        "A client asked for a hundred files, and your program still has them open. The client gets \
         a copy of the descriptor: your own descriptor stays open until you close it, and at the \
         limit (ulimit -n) you can open nothing more.",
        COPIES,
    );
    server.expect_descriptors(&before).now();
    gets(&mut peer, "poem");
    server.expect_descriptors(&before).or_explain(
        "The client has its file, and your program has it open, too, until the next name comes or \
         the client leaves. Close it as soon as you have sent it: many clients can wait.",
        COPIES,
    );
}

#[test]
fn what_is_not_there_is_told() {
    explain(
        "This file can't be opened. Answer that with `-REASON` and a newline. It is not a reason \
         to end the connection: answer the next name as before.",
        BYTE,
    );
    let house = a_house();
    let server = broker(&house);
    let mut peer = server.connect();
    let long = "x".repeat(5_000);
    for name in ["nothing", "notes/nothing", "poem/", "poem/x", "", &long] {
        is_refused(&mut peer, name);
    }
    is_refused(&mut peer, b"poem\0");
    holds(&gets(&mut peer, "poem"), POEM);
    explain(
        "A client left before it read its answer. That ends this one connection and nothing else: \
         the next client is served as before.",
        BYTE,
    );
    asks(&mut peer, "poem");
    peer.reset();
    holds(&gets(&mut server.connect(), "poem"), POEM);
}

/// One byte and what rides on it.
fn next(peer: &mut Peer) -> Passed {
    peer.receive_up_to(1, 4)
}

/// The next answer, read byte by byte, is `+` and one file that holds this, or else a reason.
fn next_answer(peer: &mut Peer, text: Option<&str>) {
    let first = next(peer);
    let got = format!("{}, and {} files", show(&first.bytes), first.files.len());
    let expected = match text {
        Some(_) => ("\"+\", and 1 files", &b"+"[..], 1),
        None => ("\"-\", and 0 files", &b"-"[..], 0),
    };
    let fits = first.bytes == expected.1 && first.files.len() == expected.2;
    check(fits, expected.0, got).now();
    let mut last = first.bytes;
    while text.is_none() && last != b"\n" {
        let one = next(peer);
        let got = format!("{}, and {} files", show(&one.bytes), one.files.len());
        let fits = !one.bytes.is_empty() && one.files.is_empty();
        check(fits, "more of the reason, and no file", got).now();
        last = one.bytes;
    }
    for file in first.files {
        holds(&File::from(file), text.unwrap_or_default());
    }
}

/// A file whose name has 3990 bytes, of the 4095 that Linux allows a path to have: a part is left for
/// who puts the folder's own path before it. Made part by part, for the same reason.
fn make_long(house: &Folder) -> String {
    let part = "l".repeat(255);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = open(house.join("public"), flags, Mode::empty()).expect("it is there");
    for _ in 1..16 {
        mkdirat(&at, &part, Mode::RWXU).expect("the folder is fresh");
        at = openat(&at, &part, flags, Mode::empty()).expect("it was just made");
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    let last = &part[..150];
    let file = openat(&at, last, flags, Mode::RUSR | Mode::WUSR).expect("the folder is fresh");
    File::from(file)
        .write_all(b"far down")
        .expect("the disk is not full");
    [&format!("{part}/").repeat(15), last].concat()
}

#[test]
fn the_bytes_say_which() {
    explain(
        "Each file must ride on the `+` of its own answer, in the order of the names. The kernel \
         ties a descriptor to the first byte of the sendmsg() that sends it, and a client that \
         reads byte by byte sees which byte that is. Use one sendmsg() for each `+` and its file.",
        BYTE,
    );
    let house = a_house();
    let server = broker(&house);
    let mut peer = server.connect();
    server.in_one_edge(|| peer.send("poem\nnothing\nnotes/monday\nnowhere/x\nempty\n"));
    for text in [Some(POEM), None, Some(MONDAY), None, Some("")] {
        next_answer(&mut peer, text);
    }

    explain(
        "A name ends at its newline, not where a read ends: keep what has come until the line is \
         whole.",
        BYTE,
    );
    peer.drip("notes/monda").expect_nothing_yet().now();
    peer.send("y\npo");
    next_answer(&mut peer, Some(MONDAY));
    peer.send("em\n");
    next_answer(&mut peer, Some(POEM));

    explain(
        "A name may be long: keep reading until its newline, however much that is.",
        BYTE,
    );
    let deep = ["d".repeat(200), "f".repeat(200)].join("/");
    let path = house.join("public").join(&deep);
    fs::create_dir(path.parent().expect("it has two parts")).expect("the folder is fresh");
    fs::write(path, "deep").expect("the folder is fresh");
    holds(&gets(&mut peer, deep), "deep");

    if cfg!(target_os = "linux") {
        let long = make_long(&house);
        holds(&gets(&mut peer, long), "far down");
        explain(
            "A file's name is bytes, and they need not be text. Open the name exactly as it came, \
             with its spaces, its capitals, and a carriage return at its end.",
            BYTE,
        );
        let name = std::ffi::OsStr::from_bytes(b" Caf\xe9 \r");
        fs::write(house.join("public").join(name), "au lait").expect("the folder is fresh");
        holds(&gets(&mut peer, name.as_bytes()), "au lait");
    }
}
