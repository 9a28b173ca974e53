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

/// How often the path to a file changes while a client asks for it: at most, at least, and how long.
const SWINGS: usize = 2_000;
const LEAST_SWINGS: usize = 40;
const SWINGING: Duration = Duration::from_millis(1500);

/// A folder that contains `public`, which is served, and other files, which are not.
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

/// The answer is `+` and the open file of this name.
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

/// Reading `file` from its current position returns this text.
fn holds(file: &File, text: &str) {
    let got = read(file);
    check(
        got == text,
        format!("a file that holds {text:?}"),
        format!("{got:?}"),
    )
    .now();
}

/// Is this open file the one that has this name?
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
    let got = format!("-{reason}, with {files} file(s)");
    check(!reason.trim().is_empty() && files == 0, expected, got).or_explain(
        "Your program did not send a correct refusal for this name. A refusal is `-`, a reason \
         that is not empty, and a newline. Don't send a file with it.",
        BYTE,
    );
}

#[test]
fn the_file_arrives_open() {
    explain(
        "The client did not get the file that it asked for, open and at its beginning, with the \
         byte `+`. A descriptor is a number in your own process's table, and the same number means \
         nothing in another process. Send the descriptor as SCM_RIGHTS, in sendmsg(): only then \
         does the kernel put the open file into the client's table.",
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
        "a different file with the same contents",
    )
    .or_explain(
        "The client got a copy of the file. The client asked for the file itself, because it must \
         see what others write to that file later. Send the file that has this name.",
        POSITION,
    );
    holds(&gets(&mut peer, "empty"), "");
    holds(&gets(&mut peer, "notes/monday"), MONDAY);

    explain(
        "This name belongs to a file in the folder, or in a folder below it, but your program did \
         not send the file. Only a path component that is exactly `..` leads up: a dot at the \
         beginning of a name, or two dots inside it, are ordinary characters. Let the kernel \
         resolve the path instead of judging it by its characters.",
        DEPUTY,
    );
    fs::create_dir_all(house.join("public/notes/old/very old")).expect("the folder is fresh");
    for name in [".hidden", "a..b", "..c", "notes/old/very old/d"] {
        fs::write(house.join("public").join(name), name).expect("the folder is fresh");
        holds(&gets(&mut peer, name), name);
    }

    explain(
        "Two clients asked for the same file, and they did not both get all of it. If they have \
         the same open file, they share its position, and each client misses the bytes that the \
         other client reads. Open the file again for each request, and don't read from it \
         yourself.",
        POSITION,
    );
    let (mine, theirs) = (gets(&mut peer, "poem"), gets(&mut other, "poem"));
    holds(&mine, POEM);
    let position = (&theirs).stream_position().unwrap_or(u64::MAX);
    let got = format!("its position is byte {position}");
    check(position == 0, "a file positioned at its beginning", got).now();
    holds(&theirs, POEM);
}

#[test]
fn it_is_read_only() {
    explain(
        "Your program did not answer this name with the byte `+` and the open file. Send both with \
         a single sendmsg().",
        BYTE,
    );
    let house = a_house();
    let server = broker(&house);
    let mut peer = server.connect();
    let files = ["poem", "notes/monday"].map(|name| gets(&mut peer, name));
    explain(
        "The client can write to the file that it got. A descriptor keeps the access that it was \
         opened with: the kernel checks permissions only once, when you call open(). Open the file \
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
            "it succeeded",
        )
        .now();
    }
    let kept = fs::read_to_string(house.join("public/poem")).unwrap_or_default();
    check(kept == POEM, "the poem as it was", format!("{kept:?}")).now();
}

#[test]
fn nothing_outside_the_folder() {
    explain(
        "This name leads out of the folder, and your program did not refuse it. The client could \
         not open that file, but your program can, and the kernel checks only the permissions of \
         the process that opens it. Make the kernel stay in the folder while it follows the path: \
         openat2() with RESOLVE_BENEATH. It is not enough to check the name, or where it leads, \
         before you open it.",
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
        "Your program did not answer the next name after a refusal. A refused name must not end \
         the connection: answer the next name as before.",
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
        "The name led to a file in the folder when your program checked it, but out of the folder \
         when your program opened it: a symlink was put there in between. Check and open in one \
         call: openat2() with RESOLVE_BENEATH.",
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

/// The files that arrive with a `+`; none if the name is refused.
fn gets_or_is_refused(peer: &mut Peer, name: &str) -> Vec<OwnedFd> {
    asks(peer, name);
    if peer.next_bytes(1).as_deref() != Some(b"+") {
        peer.next_line();
        return Vec::new();
    }
    let files = peer.take_descriptors();
    check(!files.is_empty(), "a file with the `+`", "none").or_explain(
        "Your program sent `+` without a file. Send the open file with that byte, in one \
         sendmsg().",
        BYTE,
    );
    files
}

/// Calls `act` again and again while two names keep changing places.
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
        // The other thread ends, whatever this test finds.
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
        "This name does not lead to a regular file, and your program did not refuse it. From an \
         open folder, a client can go to \"..\" and reach the rest of the disk. On a FIFO, open() \
         waits for a writer, and there may never be one. Open without waiting (O_NONBLOCK), then \
         check with fstat() what you opened.",
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
            "Your program refused these names, but it still has the files open. Also close what \
             you opened only to check it.",
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
    const FOLDER: &str = "The name was a file when your program checked it, but a folder when your \
                          program opened it. Open first, then check the open descriptor with \
                          fstat().";
    const PIPE: &str = "The name was a file when your program checked it, but a FIFO when your \
                        program opened it. If no answer arrived, your open() is still waiting for \
                        a writer. Always open with O_NONBLOCK, whatever an earlier check said, \
                        then check the open descriptor with fstat().";
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
        "A client sent ten names at once, and your program did not answer each of them with `+` \
         and its file. One read may return many names: answer all of them.",
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
        "A client asked for a hundred files, and your program still has some of them open. The \
         client gets a copy of the descriptor; your own descriptor stays open until you close it. \
         When you reach the limit (ulimit -n), you can't open anything else. Close each file after \
         you have sent it.",
        COPIES,
    );
    server.expect_descriptors(&before).now();
    gets(&mut peer, "poem");
    server.expect_descriptors(&before).or_explain(
        "The client has its file, but your program still has it open. If it stays open until the \
         next name arrives or the client leaves, many idle clients will use up your descriptors. \
         Close each file as soon as you have sent it.",
        COPIES,
    );
}

#[test]
fn what_is_not_there_is_told() {
    explain(
        "This name can't be opened, and your program did not send `-REASON` and a newline, or it \
         ended the connection. Send that answer. Don't end the connection: answer the next name as \
         before.",
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
        "A client left before it read its answer, and then your program did not serve the next \
         client. An error on one connection must end only that connection.",
        BYTE,
    );
    asks(&mut peer, "poem");
    peer.reset();
    holds(&gets(&mut server.connect(), "poem"), POEM);
}

/// One byte and the files that arrive with it.
fn next(peer: &mut Peer) -> Passed {
    peer.receive_up_to(1, 4)
}

/// The next answer, read byte by byte, is `+` and one file that holds this, or else a reason.
fn next_answer(peer: &mut Peer, text: Option<&str>) {
    let first = next(peer);
    let got = format!("{}, with {} file(s)", show(&first.bytes), first.files.len());
    let expected = match text {
        Some(_) => ("\"+\", with 1 file(s)", &b"+"[..], 1),
        None => ("\"-\", with 0 file(s)", &b"-"[..], 0),
    };
    let fits = first.bytes == expected.1 && first.files.len() == expected.2;
    check(fits, expected.0, got).now();
    let mut last = first.bytes;
    while text.is_none() && last != b"\n" {
        let one = next(peer);
        let got = format!("{}, with {} file(s)", show(&one.bytes), one.files.len());
        let fits = !one.bytes.is_empty() && one.files.is_empty();
        check(fits, "more of the reason, with 0 file(s)", got).now();
        last = one.bytes;
    }
    for file in first.files {
        holds(&File::from(file), text.unwrap_or_default());
    }
}

/// A file whose name has 3990 of the 4095 bytes that Linux allows in a path. The rest is left for
/// programs that put the folder's own path in front. Created part by part, for the same reason.
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
        "An answer was wrong, or a file did not arrive with the `+` of its own answer. The kernel \
         attaches a descriptor to the first byte of the sendmsg() that sends it, and a client that \
         reads byte by byte sees which byte that is. Call sendmsg() once for each `+` and its \
         file, in the order of the names.",
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
        "A name arrived in pieces, and your program did not answer it correctly. A name ends at \
         its newline, not where a read ends: keep the bytes until the newline arrives.",
        BYTE,
    );
    peer.drip("notes/monda").expect_nothing_yet().now();
    peer.send("y\npo");
    next_answer(&mut peer, Some(MONDAY));
    peer.send("em\n");
    next_answer(&mut peer, Some(POEM));

    explain(
        "Your program did not send a file with a long name. Keep reading until the newline, \
         however long the name is, and set no limit of your own: the kernel refuses a path that is \
         too long.",
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
            "Your program did not send a file whose name is not text. A file name is a sequence of \
             bytes. Open it exactly as it arrived, with its spaces, its capital letters, and a \
             carriage return at its end.",
            BYTE,
        );
        let name = std::ffi::OsStr::from_bytes(b" Caf\xe9 \r");
        fs::write(house.join("public").join(name), "au lait").expect("the folder is fresh");
        holds(&gets(&mut peer, name.as_bytes()), "au lait");
    }
}
