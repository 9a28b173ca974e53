//! Is it one store, whoever asks, at whichever door?

use std::path::Path;
use std::time::Duration;

use scripted_peer::{
    Address, Folder, Gate, Peer, Running, Signal, check, eventually, explain, folder, frame,
    program,
};

const MESSAGES: &str = "18-and-mine.html#messages-of-your-own";
const ERRORS: &str = "18-and-mine.html#an-error-is-an-answer";
const STATE: &str = "18-and-mine.html#whose-state-is-it";
const SLOW: &str = "18-and-mine.html#what-takes-long";
const DOORS: &str = "18-and-mine.html#two-doors";

const PREAMBLE: &[u8] = b"PSK\x01";

const MALFORMED: u16 = 3;
const NOT_TEXT: u16 = 4;
const NO_SUCH_KEY: u16 = 256;
const CANNOT_READ: u16 = 257;

fn message(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    frame([&[kind], body.as_ref()].concat())
}

fn get(key: &str) -> Vec<u8> {
    message(0x10, key)
}

fn set(key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    keyed(0x11, key, value.as_ref())
}

fn del(key: &str) -> Vec<u8> {
    message(0x12, key)
}

fn load(key: &str, path: &Path) -> Vec<u8> {
    keyed(0x13, key, path.display().to_string().as_bytes())
}

fn keyed(kind: u8, key: &str, rest: &[u8]) -> Vec<u8> {
    let length = u8::try_from(key.len()).unwrap();
    message(kind, [&[length], key.as_bytes(), rest].concat())
}

fn value(value: impl AsRef<[u8]>) -> Vec<u8> {
    message(0x90, value)
}

fn done() -> Vec<u8> {
    message(0x91, [])
}

/// The program, and the folder that its socket lies in.
struct Store {
    server: Running,
    path: std::path::PathBuf,
    folder: Folder,
}

impl Store {
    fn start() -> Self {
        let folder = folder();
        let path = folder.join("store.sock");
        let server = program!().arg(path.display()).listen();
        Self {
            server,
            path,
            folder,
        }
    }

    fn over_tcp(&self) -> Peer {
        greeted(self.server.connect())
    }

    fn over_unix(&self) -> Peer {
        greeted(Peer::connect(&Address::Unix(self.path.clone())))
    }

    fn at_both_doors(&self) -> [Peer; 2] {
        [self.over_tcp(), self.over_unix()]
    }

    /// More than one for each worker of each door.
    fn many(&self) -> Vec<Peer> {
        (0..4).flat_map(|_| self.at_both_doors()).collect()
    }

    /// Tells it to end, and waits until both doors are closed.
    fn close_the_doors(&self) {
        self.server.signal(Signal::TERM);
        let closed = "both listeners to be closed after SIGTERM";
        eventually(closed, || !self.path.exists()).or_explain(
            "Your program got a signal to stop, and the socket file is still there seconds later. \
             The signals must end both servers: pass them to each, with end_on. (A worker that is \
             busy in `call` does not notice a signal.)",
            DOORS,
        );
        let tcp = self.server.address();
        eventually(closed, || {
            let Address::Tcp(address) = tcp else {
                return true;
            };
            std::net::TcpStream::connect(address).is_err()
        })
        .or_explain(
            "Your program got a signal to stop, and the TCP server still accepts clients seconds \
             later. The signals must end both servers: pass them to each, with end_on. (A worker \
             that is busy in `call` does not notice a signal.)",
            DOORS,
        );
    }
}

fn greeted(mut peer: Peer) -> Peer {
    peer.patience(Duration::from_millis(2500)).send(PREAMBLE);
    peer
}

/// The reply is an error with this code, and a text for a person.
fn is_error(peer: &mut Peer, code: u16, sentence: &str, section: &str) {
    let reply = peer.next_frame();
    let holds = match reply.as_deref() {
        Some([0xFF, high, low, text @ ..]) => {
            u16::from_be_bytes([*high, *low]) == code && std::str::from_utf8(text).is_ok()
        }
        _ => false,
    };
    let got = reply.map_or("the end of the stream".to_owned(), |reply| {
        described(&reply)
    });
    check(holds, format!("an error with the code {code}"), got).or_explain(sentence, section);
}

fn described(reply: &[u8]) -> String {
    match reply {
        [0xFF, high, low, text @ ..] => format!(
            "an error with the code {}: {:?}",
            u16::from_be_bytes([*high, *low]),
            String::from_utf8_lossy(text)
        ),
        [kind, body @ ..] => format!("a reply of kind {kind:02x} with {} bytes", body.len()),
        [] => "a frame without a kind".to_owned(),
    }
}

fn is_still_served(peer: &mut Peer, sentence: &str, section: &str) {
    peer.send(set("still", "here"))
        .expect(done())
        .or_explain(sentence, section);
}

#[test]
fn two_workers_one_store() {
    explain(
        "Clients must be able to connect to both as soon as you print `listening on`: the TCP \
         address, and the path.",
        DOORS,
    );
    let store = Store::start();
    let tcp: Vec<Peer> = (0..4).map(|_| store.over_tcp()).collect();
    let unix: Vec<Peer> = (0..4).map(|_| store.over_unix()).collect();
    for mut peers in [tcp, unix] {
        for at in 0..peers.len() {
            let key = format!("key {at}");
            peers[at].send(set(&key, &key)).expect(done()).now();
            for peer in &mut peers {
                peer.send(get(&key)).expect(value(&key)).or_explain(
                    "One client set this key, and another client of the same server does not see \
                     it. The two clients have different workers, and each worker has a service of \
                     its own: the services must share one map, in an Arc.",
                    STATE,
                );
            }
        }
    }
}

#[test]
fn both_doors_one_store() {
    explain(
        "Clients must be able to connect to both as soon as you print `listening on`: the TCP \
         address, and the path.",
        DOORS,
    );
    let store = Store::start();
    let [mut tcp, mut unix] = store.at_both_doors();
    tcp.send(set("tcp", "1")).expect(done()).now();
    unix.send(set("unix", "2")).expect(done()).now();
    let sentence = "A key that was set over one transport is not there over the other. Start both \
                    servers with clones of one store.";
    unix.send(get("tcp"))
        .expect(value("1"))
        .or_explain(sentence, DOORS);
    tcp.send(get("unix"))
        .expect(value("2"))
        .or_explain(sentence, DOORS);
}

#[test]
fn a_slow_request_delays_nobody() {
    let store = Store::start();
    let long = "a line of a long file\n".repeat(7_000); // more than a FIFO holds
    for (mut slow, key) in store.at_both_doors().into_iter().zip(["tcp", "unix"]) {
        slow.send(set(key, "before")).expect(done()).now();
        let mut gate = Gate::new();
        slow.coalesce([load(key, gate.path()), get(key)]);
        // It comes to the file, and its `open` waits: nobody writes to it yet.
        for peer in &mut store.many() {
            peer.send(get(key)).expect(value("before")).or_explain(
                "One client's file takes long to open, and another client waits for it. Open the \
                 file, too, in a thread of its own.",
                SLOW,
            );
        }
        gate.expect_entered().or_explain(
            "A client asked to load a file, and your program doesn't open it. Open and read it in \
             a thread of its own.",
            SLOW,
        );
        gate.expect_reads(&long).or_explain(
            "You stopped reading a file before its end: one read may return less than there is. \
             Read until it returns nothing.",
            SLOW,
        );
        let mut others = store.many();
        for peer in &mut others {
            peer.send(get(key)).expect(value("before")).or_explain(
                "One client's file takes long to read, and another client did not get the value that the \
                 key had. If it got no answer, it waits for that file: read it in a thread of its own, \
                 without the lock, and answer later. If it got another answer: until the file is read to \
                 its end, the key keeps its value.",
                SLOW,
            );
            peer.send(set("other", "1")).expect(done()).now();
        }
        let mut gates = Vec::new();
        for peer in &mut others {
            let mut gate = Gate::new();
            peer.send(load("second", gate.path()));
            gate.expect_entered().or_explain(
                "Several clients load a file each, and one of them waits for another. Each needs a thread \
                 of its own, however many they are: some threads that serve all of them are not enough.",
                SLOW,
            );
            gates.push(gate);
        }
        for (peer, gate) in others.iter_mut().zip(gates).rev() {
            gate.release();
            peer.expect(done()).or_explain(
                "This client's file has been read, and other clients' are still being read. This \
                 client must be answered now.",
                SLOW,
            );
        }
        slow.expect_nothing_yet().or_explain(
            "This client's first request is not done yet, and one of its requests is already \
             answered. Answers come in the order of the requests, and `done` means that the \
             request is done.",
            SLOW,
        );
        gate.release();
        slow.expect([done(), value(&long)].concat()).or_explain(
            "The file has been read to its end. Now the request must be answered, and then the \
             next one, for which the value is all of the file's bytes.",
            SLOW,
        );
        others[1].send(get("other")).expect(value("1")).or_explain(
            "Another client set this key while a file was read for a different key, and now it is \
             gone. When the file has been read, change that one key, not the whole map.",
            SLOW,
        );
        others[1].send(del("other")).expect(done()).now();
    }
}

#[test]
fn its_own_messages() {
    explain(
        "The README lists this request, with another reply than yours.",
        MESSAGES,
    );
    let store = Store::start();
    let large = "a large value ".repeat(10_000);
    let long = "k".repeat(255);
    let file = store.folder.join("file");
    for mut peer in store.at_both_doors() {
        for (key, bytes) in [
            ("color", &b"green"[..]),
            ("no value", b""),
            ("", b"no key"),
            ("\u{e9}\u{20ac}", b"\x00\x01\xfe\xff, which is no text"),
            (&long, large.as_bytes()),
            ("color", b"red"),
            (" color ", b"blue"),
            ("Color", b"white"),
        ] {
            peer.send(set(key, bytes)).expect(done()).or_explain(
                "A key is UTF-8 text of 0 to 255 bytes, and the byte before it says how many. \
                 Every such key can be set, with any value.",
                MESSAGES,
            );
            peer.send(get(key)).expect(value(bytes)).or_explain(
                "The value is not the one that was set last. A value may hold any bytes, or none.",
                MESSAGES,
            );
        }
        peer.send(get("color")).expect(value("red")).or_explain(
            "Another key was set, which differs from this one only in spaces or a capital letter. \
             Two keys are the same only if all of their bytes are.",
            MESSAGES,
        );
        peer.send(del("color")).expect(done()).now();

        for contents in [&b"from a file: \x00\xff"[..], large.as_bytes(), b""] {
            std::fs::write(&file, contents).unwrap();
            peer.send(load("file", &file)).expect(done()).now();
            std::fs::remove_file(&file).unwrap();
            peer.send(get("file")).expect(value(contents)).or_explain(
                "The file's bytes were loaded. They are the value from then on, whatever they are \
                 and whatever happens to the file.",
                MESSAGES,
            );
        }

        std::fs::write(&file, "loaded").unwrap();
        peer.coalesce([
            set("a", "1"),
            get("a"),
            load("b", &file),
            get("b"),
            set("b", "2"),
            get("b"),
            del("a"),
        ]);
        peer.expect(
            [
                done(),
                value("1"),
                done(),
                value("loaded"),
                done(),
                value("2"),
                done(),
            ]
            .concat(),
        )
        .or_explain(
            "Seven requests came together. Answer each of them, in order.",
            MESSAGES,
        );
        peer.drip(set("in pieces", "whole")).expect(done()).now();
        peer.half_close().expect_end().now();
    }
}

#[test]
fn an_unknown_kind_is_told_and_survived() {
    explain(
        "Answer an invalid request with an error, and keep the connection.",
        MESSAGES,
    );
    let store = Store::start();
    for mut peer in store.at_both_doors() {
        for kind in [0x00, 0x01, 0x0f, 0x14, 0x7f, 0x90, 0xfe] {
            peer.send(message(kind, "a body"));
            is_error(
                &mut peer,
                MALFORMED,
                "No request has this kind. Return BadMessage::UnknownKind from `decode`: the \
                 engine then answers with the error Malformed.",
                MESSAGES,
            );
        }
        for kind in [0x11, 0x13] {
            for body in [
                &b""[..],
                b"\x01",
                b"\x06color",
                b"\xff and less than 255 bytes",
            ] {
                peer.send(message(kind, body));
                is_error(
                    &mut peer,
                    MALFORMED,
                    "The key's length is more than the bytes that came. Return the frame's \
                     bad_body() from `decode`, before you cut the key out.",
                    MESSAGES,
                );
            }
        }
        for request in [
            message(0x10, b"\xff"),
            message(0x11, b"\x01\xffvalue"),
            message(0x12, b"\xff"),
            message(0x13, b"\x01\xff/path"),
            message(0x13, b"\x03key\xff"),
        ] {
            peer.send(request);
            is_error(
                &mut peer,
                NOT_TEXT,
                "This key, or this path, is not UTF-8. Read it with the frame's text(), and return \
                 its error.",
                MESSAGES,
            );
        }
        is_still_served(
            &mut peer,
            "The frame was whole, so the next one begins where it ended: the connection goes on.",
            MESSAGES,
        );
    }
}

#[test]
fn its_own_errors_leave_the_door_open() {
    explain(
        "Answer a request that fails, like any other. The connection goes on.",
        ERRORS,
    );
    let store = Store::start();
    let missing = store.folder.join("missing");
    for mut peer in store.at_both_doors() {
        for request in [get("nothing"), del("nothing")] {
            peer.send(request);
            is_error(
                &mut peer,
                NO_SUCH_KEY,
                "There is no such key. Answer that with Answer::Error and the code 256.",
                ERRORS,
            );
        }
        peer.send(set("once", "1")).expect(done()).now();
        peer.send(del("once")).expect(done()).now();
        for request in [del("once"), get("once")] {
            peer.send(request);
            is_error(
                &mut peer,
                NO_SUCH_KEY,
                "The key was deleted, so it is not there: Answer::Error, with the code 256.",
                ERRORS,
            );
        }
        peer.send(set("kept", "before")).expect(done()).now();
        for path in [&*missing, store.folder.path(), Path::new("")] {
            peer.send(load("kept", path));
            is_error(
                &mut peer,
                CANNOT_READ,
                "This path cannot be read as a file. Answer with the code 257, from the thread \
                 that tried: the handle has `fail` for it. A handle that is dropped ends the \
                 connection with Internal.",
                ERRORS,
            );
        }
        peer.send(get("kept")).expect(value("before")).or_explain(
            "The file could not be read, so nothing was loaded: the key keeps the value that it had.",
            ERRORS,
        );
        peer.coalesce([
            get("nothing"),
            load("x", &missing),
            get("x"),
            set("x", "y"),
            del("x"),
        ]);
        for code in [NO_SUCH_KEY, CANNOT_READ, NO_SUCH_KEY] {
            is_error(
                &mut peer,
                code,
                "Of these five requests three must fail: Get of a key that doesn't exist, Load of a \
                 file that doesn't exist, and Get of the key that this Load did not set. Answer \
                 each of them.",
                ERRORS,
            );
        }
        peer.expect([done(), done()].concat()).or_explain(
            "The first three of these five requests failed, as they must. Set and Del come after \
             them, and must succeed: answer each.",
            ERRORS,
        );
    }
}

#[test]
fn it_finishes_what_it_started() {
    for tcp_is_first in [true, false] {
        let store = Store::start();
        let mut idle = store.at_both_doors();
        for peer in &mut idle {
            peer.send(set("idle", "1")).expect(done()).now();
        }
        let mut working: Vec<(Peer, Gate)> = Vec::new();
        for mut peer in store.at_both_doors() {
            let mut gate = Gate::new();
            peer.send(load("slow", gate.path()));
            gate.expect_entered().or_explain(
                "Two clients load a file each, and one waits for the other. Each needs a thread of its own.",
                SLOW,
            );
            working.push((peer, gate));
        }
        if !tcp_is_first {
            working.reverse();
        }
        store.close_the_doors();
        for mut peer in idle {
            peer.expect_end().or_explain(
                "When your program gets a signal to stop, a client with no request under way must \
                 see the end of the stream.",
                DOORS,
            );
            peer.close();
        }
        let mut doors = working.into_iter();
        let (mut first, first_gate) = doors.next().unwrap();
        let (mut last, last_gate) = doors.next().unwrap();
        for peer in [&mut first, &mut last] {
            peer.expect_nothing_yet().or_explain(
                "This client was answered before its file was read. `done` means that it is done.",
                SLOW,
            );
        }
        let sentence = "A client of each server had a request under way when the signal to stop \
                        came. Each must still be answered, even when the other server has nothing \
                        left to do: wait for both.";
        first_gate.release();
        first.expect(done()).or_explain(sentence, DOORS);
        first.expect_end().or_explain(sentence, DOORS);
        first.close();
        // One door has nothing left to do. Nothing that the other one's client could see shows it.
        last.expect_nothing_for(Duration::from_millis(500))
            .or_explain(sentence, DOORS);
        last_gate.release();
        last.expect(done()).or_explain(sentence, DOORS);
        last.expect_end().or_explain(sentence, DOORS);
        last.close();
        store.server.exits_with(0).or_explain(
            "Everything that had come was answered, over TCP and at the path: the program must end \
             with exit code 0.",
            DOORS,
        );
    }
}

#[test]
fn what_it_could_not_finish_is_said() {
    for door in 0..2 {
        let store = Store::start();
        let mut peer = store.at_both_doors().into_iter().nth(door).unwrap();
        let mut gate = Gate::new();
        peer.send(load("slow", gate.path()));
        gate.expect_entered().now();
        store.close_the_doors();
        // Two signals within 200 ms are one, sent twice: this one is another.
        peer.pause(Duration::from_millis(400));
        store.server.signal(Signal::TERM);
        store.server.exits_with(3).or_explain(
            "A second signal cut off a request at one server. The exit code must say so: 3, if \
             either server reports that something was cut.",
            DOORS,
        );
    }
}
