//! Does each file belong to its message, and is every other received file closed?

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom};
use std::iter;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::process::{Resource, Rlimit, getrlimit};
use scripted_peer::{
    Folder, Peer, Running, appears, check, explain, folder, frame, needs, program,
};

const RANGE: &str = "15-can-i-send-an-open-file.html#a-receive-stops-at-a-file";
const POSITION: &str = "15-can-i-send-an-open-file.html#two-numbers-one-position";
const YOURS: &str = "15-can-i-send-an-open-file.html#whatever-came-is-yours";
const EXEC: &str = "15-can-i-send-an-open-file.html#and-your-childrens";
const ROOM: &str = "15-can-i-send-an-open-file.html#no-room";
const FILE: &str = "15-can-i-send-an-open-file.html#is-it-a-file-at-all";

/// How long a descriptor may take to be marked close-on-exec, for a program that uses a separate call.
const AT_ONCE: Duration = Duration::from_secs(1);

const PLAIN: u8 = 0;
const WITH_FILE: u8 = 1;

fn message(kind: u8, name: &str) -> Vec<u8> {
    frame([&[kind], name.as_bytes()].concat())
}

/// A file of this content, open for reading.
fn a_file(folder: &Folder, name: &str, content: impl AsRef<[u8]>) -> File {
    let path = folder.join(name);
    fs::write(&path, content).expect("the folder is fresh");
    File::open(path).expect("it was just written")
}

/// Opens a file of this content anew each time, so that no two of them share a position.
fn again(folder: &Folder, name: &str, content: &str) -> impl Fn() -> File {
    a_file(folder, name, content);
    let path = folder.join(name);
    move || File::open(&path).expect("it was just written")
}

/// The answer to a message with a file of this content.
fn about(name: &str, content: impl AsRef<[u8]>) -> String {
    let content = content.as_ref();
    let sum: u64 = content.iter().copied().map(u64::from).sum();
    format!("{name} {} {sum}\n", content.len())
}

fn sends(peer: &mut Peer, name: &str, file: &impl AsFd) {
    peer.send_with(message(WITH_FILE, name), [file]);
}

#[test]
fn each_file_belongs_to_its_message() {
    let folder = folder();
    let [one, two] = [
        again(&folder, "one", "one"),
        again(&folder, "two", "twotwo"),
    ];
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    explain(
        "A file was sent with the first byte of a message, and your program lost it. The \
         descriptor arrives with that byte, and read() and recv() can't receive descriptors: if \
         you read the byte with one of them, the kernel discards the file. Read that byte with \
         recvmsg(). (If your answer has a size in it, your program did receive the file: check how \
         you compute the size and the sum.)",
        RANGE,
    );
    sends(&mut peer, "b", &one());
    peer.expect(about("b", "one")).now();
    explain(
        "Several messages arrived together, some of them with a file, and your program did not \
         answer them correctly. A stream has no message boundaries: one receive may return several \
         messages, and part of the message after them. A file belongs to the message whose first \
         byte it arrived with.",
        RANGE,
    );
    server.in_one_edge(|| {
        peer.send(message(PLAIN, "a"));
        sends(&mut peer, "b", &one());
        sends(&mut peer, "c", &two());
        peer.send(message(PLAIN, "d"));
        peer.send(message(PLAIN, "e"));
        sends(&mut peer, "f", &one());
    });
    let answers = ["a\n", &about("b", "one"), &about("c", "twotwo"), "d\ne\n"].concat();
    peer.expect(answers + &about("f", "one")).now();
    // One call of sendmsg, two messages: the file rides on the first byte of the first one.
    let both = [message(WITH_FILE, "g"), message(PLAIN, "h")].concat();
    peer.send_with(both, [&two()]);
    peer.expect(about("g", "twotwo") + "h\n").now();

    explain(
        "Your program did not send a name back unchanged. A name is text: it may be empty, and it \
         may contain spaces and letters outside ASCII.",
        RANGE,
    );
    for name in ["", " Gr\u{fc}\u{df}e "] {
        let plain = format!("{name}\n");
        peer.send(message(PLAIN, name)).expect(plain).now();
        sends(&mut peer, name, &one());
        peer.expect(about(name, "one")).now();
    }

    explain(
        "A message arrived in pieces, with its file on the first byte, and your program did not \
         answer it correctly. Keep the file, and keep reading until the message is complete.",
        RANGE,
    );
    peer.drip_with(message(WITH_FILE, "slowly"), [&one()]);
    peer.expect(about("slowly", "one")).now();
    let long = "n".repeat(255);
    sends(&mut peer, &long, &one());
    peer.expect(about(&long, "one")).or_explain(
        "Your program did not answer a message whose name is 255 bytes long. Its length is 256, \
         which doesn't fit into one byte: use all four bytes of the length.",
        RANGE,
    );
    let mut other = server.connect();
    let halves = message(WITH_FILE, "halves");
    let (start, rest) = halves.split_at(7);
    peer.send_with(start, [&one()]).wait_until_read();
    other.send_with(start, [&two()]).wait_until_read();
    other.send(rest).expect(about("halves", "twotwo")).now();
    server.in_one_edge(|| {
        peer.coalesce([rest, &message(PLAIN, "a"), &message(PLAIN, "b")]);
        sends(&mut peer, "c", &two());
    });
    peer.expect(about("halves", "one") + "a\nb\n" + &about("c", "twotwo"))
        .now();
}

/// While the program reads this file, its sender sees its position unchanged.
fn never_moves(peer: &mut Peer, folder: &Folder) {
    let content = vec![1; 2_000_000];
    let mut file = a_file(folder, "watched", &content);
    file.seek(SeekFrom::Start(5)).expect("a file can seek");
    let is_over = AtomicBool::new(false);
    let watch = || {
        let positions = iter::repeat_with(|| shared(&file).0);
        let mut positions = positions.take_while(|_| !is_over.load(Ordering::Relaxed));
        positions.find(|position| *position != 5)
    };
    let moved = thread::scope(|scope| {
        let watching = scope.spawn(watch);
        for _ in 0..3 {
            sends(peer, "watched", &file);
            // It is judged when the watch is over.
            let _ = peer.next_line();
        }
        is_over.store(true, Ordering::Relaxed);
        watching.join().expect("it only looks")
    });
    let got = moved.map_or_else(String::new, |at| {
        format!("for a while its position was {at}")
    });
    check(
        moved.is_none(),
        "a file whose position stays at byte 5",
        got,
    )
    .or_explain(
        "Your program moved the position of the sender's file to read it, then moved it back. A \
         sender that reads meanwhile misses part of its file. Read with read_at(), which doesn't \
         move the position.",
        POSITION,
    );
}

/// The position and flags of an open file, which every process that has it shares.
fn shared(mut file: &File) -> (u64, OFlags) {
    let position = file.stream_position().unwrap_or(u64::MAX);
    (position, fcntl_getfl(file).unwrap_or(OFlags::empty()))
}

#[test]
fn the_whole_file_wherever_it_stands() {
    explain(
        "Your program did not report the size and sum of the whole file. You share the file's \
         position with its sender, who may have left it anywhere and may still move it. And one \
         read() may return only part of the file. Use read_at(), which reads at the position that \
         you give it, until it returns 0.",
        POSITION,
    );
    let folder = folder();
    let content: Vec<u8> = (0..200_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let mut file = a_file(&folder, "long", &content);
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    let before = (5, shared(&file).1);
    sends(&mut peer, "new", &file);
    peer.expect(about("new", &content)).now();
    file.seek(SeekFrom::Start(5)).expect("a file can seek");
    sends(&mut peer, "at-5", &file);
    peer.expect(about("at-5", &content)).now();
    let left_alone = |file: &File| {
        let (expected, got) = (format!("{before:?}"), format!("{:?}", shared(file)));
        check(shared(file) == before, expected, got).or_explain(
            "Your program changed the sender's open file. The position and the flags (including \
             O_NONBLOCK) belong to the open file, and you share it with its sender. Read with \
             read_at(), and don't set any flags.",
            POSITION,
        );
    };
    left_alone(&file);

    let (start, rest) = (
        &message(WITH_FILE, "moves")[..1],
        &message(WITH_FILE, "moves")[1..],
    );
    peer.send_with(start, [&file]).wait_until_read();
    file.seek(SeekFrom::End(0)).expect("a file can seek");
    peer.send(rest).expect(about("moves", &content)).now();
    file.seek(SeekFrom::Start(5)).expect("a file can seek");
    never_moves(&mut peer, &folder);

    let empty = a_file(&folder, "empty", "");
    sends(&mut peer, "empty", &empty);
    peer.expect(about("empty", "")).now();
    explain(
        "This file's name was removed before the client sent it, and your program did not read the \
         file. The file is still open: read from the descriptor that you received, and don't look \
         for a path to open.",
        POSITION,
    );
    fs::remove_file(folder.join("long")).expect("it is there");
    sends(&mut peer, "removed", &file);
    peer.expect(about("removed", &content)).now();
    left_alone(&file);
}

#[test]
fn what_nobody_asked_for_is_closed() {
    if !needs::linux() {
        return;
    }
    let folder = folder();
    let [one, two] = [
        again(&folder, "one", "one"),
        again(&folder, "two", "twotwo"),
    ];
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    peer.send(message(PLAIN, "a")).expect("a\n").now();
    let before = server.descriptors();
    explain(
        "Files arrived with messages that need none, or several files arrived with one message, \
         and an answer was wrong. Extra files must not change the answers. If several files arrive \
         with a message, only the first one belongs to it.",
        YOURS,
    );
    let (plain, own) = (message(PLAIN, "a"), message(WITH_FILE, "b"));
    for _ in 0..5 {
        for _ in 0..20 {
            peer.send_with(&plain, [&two(), &two()]);
        }
        peer.expect("a\n".repeat(20)).now();
        for _ in 0..4 {
            peer.send_with(&own, [&one(), &two(), &two(), &two(), &two(), &two()]);
        }
        peer.expect(about("b", "one").repeat(4)).now();
    }
    let late = message(PLAIN, "late");
    peer.send(&late[..6]).wait_until_read();
    peer.send_with(&late[6..], [&two()]).expect("late\n").now();
    sends(&mut peer, "c", &one());
    peer.expect(about("c", "one")).now();
    let (pipe, _writer) = std::io::pipe().expect("a pipe");
    peer.send_with(&plain, [pipe]).expect("a\n").now();
    explain(
        "Your program has more files open than before. Every descriptor that you receive is yours, \
         whether you asked for it or not, and it stays open until you close it. Close the ones \
         that you don't need: otherwise a hostile client can use up all your descriptors.",
        YOURS,
    );
    server.expect_descriptors(&before).now();

    explain(
        "A client left in the middle of a message whose file had already arrived, and your program \
         still has that file open. Close the file along with the connection.",
        YOURS,
    );
    for _ in 0..3 {
        let mut other = server.connect();
        other.send_with(&message(WITH_FILE, "half")[..7], [&one()]);
        other.wait_until_read();
        other.close();
    }
    server.expect_descriptors(&before).now();
}

#[test]
fn closed_on_exec() {
    if !needs::linux() {
        return;
    }
    let folder = folder();
    let file = a_file(&folder, "private", "one");
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    let whole = message(WITH_FILE, "private");
    peer.send_with(&whole[..7], [&file]).wait_until_read();
    let path = folder.join("private").display().to_string();
    let received = |wanted: fn(bool) -> bool| {
        let all = server.descriptors();
        let mut fit = all
            .iter()
            .filter(|one| one.name == path && wanted(one.close_on_exec));
        fit.next().map(|_| ())
    };
    appears("the file among the program's descriptors", AT_ONCE, || {
        received(|_| true)
    })
    .or_explain(
        "Your program read the first byte of a message, and lost the file that arrived with it. \
         Read that byte with recvmsg(), with room for a descriptor.",
        RANGE,
    );
    appears("the file to be marked close-on-exec", AT_ONCE, || {
        received(|closed| closed)
    })
    .or_explain(
        "The file that your program received is not marked close-on-exec, so every program that it \
         starts from now on inherits the file. Ask for close-on-exec in the call that receives the \
         file: MSG_CMSG_CLOEXEC.",
        EXEC,
    );
    peer.send(&whole[7..]).expect(about("private", "one")).now();
}

/// Until this is dropped, the program can open only this many more descriptors.
struct NoRoom<'a>(&'a Running, Option<Rlimit>);

impl<'a> NoRoom<'a> {
    fn but_for(more: usize, server: &'a Running) -> Self {
        let used = server.descriptors();
        let is_free = |number: &u64| used.iter().all(|one| u64::from(one.number) != *number);
        let current = (0..).filter(is_free).nth(more);
        let new = Rlimit {
            current,
            ..getrlimit(Resource::Nofile)
        };
        let before = set_limit(server.pid(), new);
        // A program that has ended has no limit; the next expectation reports that.
        needs::working(before.is_some() || server.has_ended(), "prlimit(2)");
        Self(server, before)
    }
}

impl Drop for NoRoom<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.1.take() {
            set_limit(self.0.pid(), before);
        }
    }
}

#[cfg(target_os = "linux")]
fn set_limit(pid: u32, new: Rlimit) -> Option<Rlimit> {
    use rustix::process::{Pid, prlimit};
    let pid = Pid::from_raw(i32::try_from(pid).ok()?);
    prlimit(pid, Resource::Nofile, new).ok()
}

#[cfg(not(target_os = "linux"))]
fn set_limit(_: u32, _: Rlimit) -> Option<Rlimit> {
    None
}

#[test]
fn no_room_is_told() {
    if !needs::linux() {
        return;
    }
    let folder = folder();
    let file = again(&folder, "one", "one");
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    explain(
        "The client sent no file with this message of kind 1, and your program did not answer it \
         correctly. That is the client's mistake: answer `-no file`, and continue with the next \
         message.",
        ROOM,
    );
    peer.send(message(WITH_FILE, "none"))
        .expect("-no file\n")
        .now();
    let none = message(WITH_FILE, "none");
    explain(
        "No file arrived with this message's first byte, but one arrived with a later byte, and \
         your program's answer was wrong. The later file doesn't belong to any message. Receive \
         the first byte with a call of its own: a longer receive may also return files that were \
         sent with later bytes.",
        RANGE,
    );
    for at in [1, 4, 5] {
        server.in_one_edge(|| {
            peer.send(&none[..at]).send_with(&none[at..], [&file()]);
        });
        peer.expect("-no file\n").now();
    }
    sends(&mut peer, "one", &file());
    peer.expect(about("one", "one")).now();
    explain(
        "The file was sent, but your program had no descriptor left for it, so the kernel \
         discarded it. No call fails in this case: the bytes arrive as usual, and only a flag, \
         MSG_CTRUNC, tells you. Answer `-no room`, and continue with the next message.",
        ROOM,
    );
    let no_room = NoRoom::but_for(0, &server);
    for _ in 0..2 {
        sends(&mut peer, "one", &file());
        peer.expect("-no room\n").now();
    }
    peer.send(message(PLAIN, "plain")).expect("plain\n").now();
    explain(
        "The kernel discarded a file that doesn't belong to any message, and your program's answer \
         was wrong. Such a file must not change the answer: the flag matters only when you receive \
         the byte that the message's own file should arrive with.",
        ROOM,
    );
    peer.send_with(message(PLAIN, "plain"), [&file()]);
    peer.expect("plain\n").now();
    server.in_one_edge(|| {
        peer.send(&none[..1]).send_with(&none[1..], [&file()]);
    });
    peer.expect("-no file\n").now();
    drop(no_room);
    explain(
        "Three files were sent with this message, and there was no room for the last one. The \
         first file did arrive, and it belongs to the message, so reply with its size and sum. \
         MSG_CTRUNC says only that something was discarded: look at the files that arrived first.",
        ROOM,
    );
    // Room for one or for two: a thread that waits in accept() may have reserved a number unseen.
    let no_room = NoRoom::but_for(2, &server);
    peer.send_with(message(WITH_FILE, "first"), [&file(), &file(), &file()]);
    peer.expect(about("first", "one")).now();
    drop(no_room);
    explain(
        "Your program has room for a descriptor again, but it did not receive the next file. \
         Receive files as before.",
        ROOM,
    );
    sends(&mut peer, "one", &file());
    peer.expect(about("one", "one")).now();
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = folder();
    let file = a_file(&folder, "one", "one");
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    peer.send(message(PLAIN, "a")).expect("a\n").now();
    let before = server.descriptors();
    explain(
        "This descriptor is not a regular file, or it can't be read, and your program did not \
         answer `-not a file`. Another process may send you any descriptor. Check it with fstat() \
         before you read, because a read from a pipe may wait forever, and a device may have no \
         end.",
        FILE,
    );
    let (pipe, _writer) = std::io::pipe().expect("a pipe");
    let (socket, _other) = UnixStream::pair().expect("a pair of sockets");
    let write_only = File::create(folder.join("write-only")).expect("the folder is fresh");
    let opened = |path: &str| OwnedFd::from(File::open(path).expect("it is there"));
    let here = folder.path().display().to_string();
    let others: [(&str, OwnedFd); 6] = [
        ("pipe", pipe.into()),
        ("folder", opened(&here)),
        ("socket", socket.into()),
        ("write-only", write_only.into()),
        ("null", opened("/dev/null")),
        ("zero", opened("/dev/zero")),
    ];
    for (name, other) in &others {
        let flags = fcntl_getfl(other).ok();
        sends(&mut peer, name, other);
        peer.expect("-not a file\n").now();
        let (was, is) = (
            format!("{flags:?}"),
            format!("{:?}", fcntl_getfl(other).ok()),
        );
        check(was == is, was, is).or_explain(
            "Your program changed the flags of a file that it received. You share the open file \
             with its sender, and now the sender's reads no longer wait. Leave the flags alone.",
            POSITION,
        );
    }
    explain(
        "Two descriptors arrived with this message, first a pipe and then a file, and your \
         program's answer was wrong. The first descriptor belongs to the message, whatever it is; \
         the second one doesn't belong to any message.",
        FILE,
    );
    let both = [others[0].1.as_fd(), file.as_fd()];
    peer.send_with(message(WITH_FILE, "both"), both)
        .expect("-not a file\n")
        .now();
    sends(&mut peer, "one", &file);
    peer.expect(about("one", "one")).now();
    if cfg!(target_os = "linux") {
        server.expect_descriptors(&before).or_explain(
            "Your program refused these descriptors, but it still has them open. Also close the \
             descriptors that you refuse.",
            YOURS,
        );
    }
}
