//! Does each file belong to its message, and is everything closed that came along?

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

/// How long a descriptor may take to be closed on exec, for who sets it by a call of its own.
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

/// A file of this content, to be opened anew each time: none shares a position with another.
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
        "A file was sent with the message's first byte, and your program did not get it. The \
         descriptor rides on that byte: read() and recv() have no room for descriptors, so taking \
         the byte with one of them throws the file away. Receive it with recvmsg(). (If your answer \
         has a size in it, the file is there: look at how you count.)",
        RANGE,
    );
    sends(&mut peer, "b", &one());
    peer.expect(about("b", "one")).now();
    explain(
        "These messages came at the same time, and each has its own file, or none. A stream still \
         has no message boundaries: one receive may return several of them, and a part of the \
         next. A file belongs to the message on whose first byte it rides.",
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
        "A name is text, and comes back as it came: with its spaces, with letters outside ASCII, \
         or empty.",
        RANGE,
    );
    for name in ["", " Gr\u{fc}\u{df}e "] {
        let plain = format!("{name}\n");
        peer.send(message(PLAIN, name)).expect(plain).now();
        sends(&mut peer, name, &one());
        peer.expect(about(name, "one")).now();
    }

    explain(
        "This message came in pieces, its file with the first byte. Keep the file, and read on \
         until the message is whole.",
        RANGE,
    );
    peer.drip_with(message(WITH_FILE, "slowly"), [&one()]);
    peer.expect(about("slowly", "one")).now();
    let long = "n".repeat(255);
    sends(&mut peer, &long, &one());
    peer.expect(about(&long, "one")).or_explain(
        "A name of 255 bytes makes a length of 256: use all four bytes of the length.",
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

/// While the program reads this file, its sender sees it stand where it stood.
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
        "You moved the position of the sender's file while you read, and moved it back: a sender \
         that reads meanwhile misses a part. Read with read_at(), which moves nothing.",
        POSITION,
    );
}

/// Where an open file stands, and its flags: they belong to all who have it.
fn shared(mut file: &File) -> (u64, OFlags) {
    let position = file.stream_position().unwrap_or(u64::MAX);
    (position, fcntl_getfl(file).unwrap_or(OFlags::empty()))
}

#[test]
fn the_whole_file_wherever_it_stands() {
    explain(
        "The answer is about the whole file. The file's position is where its sender left it, and \
         moves when they read: you share it. And one read() need not return everything. Say where \
         to read, with read_at(), until it returns 0.",
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
            "You changed the sender's file: the position and the flags (O_NONBLOCK, too) belong to \
             the open file, and you share it with its sender. Read with read_at(), and set \
             nothing.",
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
        "This file's name was removed before the client sent it, but the file is still open, and \
         you have it. Read from the descriptor that came; don't look for a path to open.",
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
        "Files came with messages that need none, or several with one message. They don't change \
         the answers: of several, the first is the message's, and the others don't belong to any \
         message.",
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
         whether you asked for it or not, and stays open until you close it: a hostile client \
         could fill your table.",
        YOURS,
    );
    server.expect_descriptors(&before).now();

    explain(
        "A client left in the middle of a message whose file had already come. Close the file with \
         the connection.",
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
        "Your program read the first byte of a message, and lost the file that rode on it. Take \
         that byte with recvmsg(), with room for a descriptor.",
        RANGE,
    );
    appears("it to be closed on exec", AT_ONCE, || {
        received(|closed| closed)
    })
    .or_explain(
        "Every program that you start from now on inherits that file. Ask for close-on-exec in the \
         call that receives it: MSG_CMSG_CLOEXEC.",
        EXEC,
    );
    peer.send(&whole[7..]).expect(about("private", "one")).now();
}

/// Until this is dropped, the program can open so many more and no others.
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
        // One that has ended has no limit; what is expected next tells that.
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
        "The client sent no file with this message. That is the client's mistake: answer `-no \
         file`, and go on with the next message.",
        ROOM,
    );
    peer.send(message(WITH_FILE, "none"))
        .expect("-no file\n")
        .now();
    let none = message(WITH_FILE, "none");
    explain(
        "No file came with this message's first byte, but one came with a later byte: that one \
         doesn't belong to any message. Receive the first byte by itself, since one receive may \
         return both.",
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
        "The file was sent, but your program had no descriptor left for it, so the kernel threw it \
         away. No call fails then: the bytes arrive as usual, and only a flag, MSG_CTRUNC, says \
         so. Answer `-no room`, and go on.",
        ROOM,
    );
    let no_room = NoRoom::but_for(0, &server);
    for _ in 0..2 {
        sends(&mut peer, "one", &file());
        peer.expect("-no room\n").now();
    }
    peer.send(message(PLAIN, "plain")).expect("plain\n").now();
    explain(
        "The kernel threw away a file that nobody asked for. That changes no answer: the flag \
         matters only where the message's own file should have come.",
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
        "Three files were sent with this message, and there was no room for the last. The first one is \
         there, and it is the message's own: sum that. The flag says only that something was thrown \
         away, so look at the files first.",
        ROOM,
    );
    // For one or for two: a thread that waits in accept() has taken a number that nobody sees.
    let no_room = NoRoom::but_for(2, &server);
    peer.send_with(message(WITH_FILE, "first"), [&file(), &file(), &file()]);
    peer.expect(about("first", "one")).now();
    drop(no_room);
    explain(
        "There is room again: the next file must be taken as before.",
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
        "That is not a regular file, or it can't be read: the answer is `-not a file`. Another \
         process may send you any descriptor. Ask fstat() before you read: a read from a pipe may \
         wait forever, and a device may have no end.",
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
            "You changed the flags of the file that you were sent, and you share the open file \
             with its sender: the sender's reads no longer wait.",
            POSITION,
        );
    }
    explain(
        "Two descriptors came with this message, first a pipe and then a file. The first is the \
         message's, whatever it is, and the other doesn't belong to any message.",
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
            "You refused these, but still have them open. Close the descriptors that you don't \
             want, too.",
            YOURS,
        );
    }
}
