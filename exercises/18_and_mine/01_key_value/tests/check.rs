//! Is there one store for all clients, over TCP and over the Unix socket?

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

/// The program, and the folder of its socket.
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

    /// More than one client for each worker of each server.
    fn many(&self) -> Vec<Peer> {
        (0..4).flat_map(|_| self.at_both_doors()).collect()
    }

    /// Sends SIGTERM, and waits until both listeners are closed.
    fn close_the_doors(&self) {
        self.server.signal(Signal::TERM);
        let closed = "both listeners to be closed after SIGTERM";
        eventually(closed, || !self.path.exists()).or_explain(
            "Seconds after SIGTERM, the socket file was still there. A signal has to shut down \
             both servers: register the signals on each server with end_on. (A worker that is busy \
             in `call` won't notice a signal until `call` returns.)",
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
            "Seconds after SIGTERM, the TCP server was still accepting clients. A signal has to \
             shut down both servers: register the signals on each server with end_on. (A worker \
             that is busy in `call` won't notice a signal until `call` returns.)",
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
    check(holds, format!("an error with code {code}"), got).or_explain(sentence, section);
}

fn described(reply: &[u8]) -> String {
    match reply {
        [0xFF, high, low, text @ ..] => format!(
            "an error with code {}: {:?}",
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
        "Your program printed `listening on`, but a client was not served at the TCP address or at \
         the path. From that line on, clients must be served at both. Open both listeners before \
         you print the line, and serve both at the same time.",
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
                     it. The two clients have different workers, and each worker has its own \
                     service. Make all the services share one map, in an Arc.",
                    STATE,
                );
            }
        }
    }
}

#[test]
fn both_doors_one_store() {
    explain(
        "Your program printed `listening on`, but a client was not served at the TCP address or at \
         the path. From that line on, clients must be served at both. Open both listeners before \
         you print the line, and serve both at the same time.",
        DOORS,
    );
    let store = Store::start();
    let [mut tcp, mut unix] = store.at_both_doors();
    tcp.send(set("tcp", "1")).expect(done()).now();
    unix.send(set("unix", "2")).expect(done()).now();
    let sentence = "A key that was set over one transport can't be read over the other. Start \
                    both servers with clones of one store.";
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
        // The program opens the FIFO, and `open` waits, because nothing is writing to it yet.
        for peer in &mut store.many() {
            peer.send(get(key)).expect(value("before")).or_explain(
                "One client's file is taking a long time to open, and meanwhile another client \
                 wasn't served, or the key lost its old value. Open the file in a separate thread \
                 too; reading it there is not enough. Hold no lock while you do either.",
                SLOW,
            );
        }
        gate.expect_entered().or_explain(
            "A client asked to load a file, and your program hasn't opened it. Open the file and \
             read it, both in a separate thread.",
            SLOW,
        );
        gate.expect_reads(&long).or_explain(
            "Your program stopped reading a file before its end. One read may return only a part \
             of the file, so keep reading until a read returns nothing.",
            SLOW,
        );
        let mut others = store.many();
        for peer in &mut others {
            peer.send(get(key)).expect(value("before")).or_explain(
                "One client's file is taking a long time to read, and meanwhile another client did \
                 not get the key's old value. If it got no reply, it is waiting for that file: \
                 read the file in a separate thread without holding the lock, and reply later. If \
                 it got a different reply, your program changed the value too early: change it \
                 only after the whole file has been read.",
                SLOW,
            );
            peer.send(set("other", "1")).expect(done()).now();
        }
        let mut gates = Vec::new();
        for peer in &mut others {
            let mut gate = Gate::new();
            peer.send(load("second", gate.path()));
            gate.expect_entered().or_explain(
                "Several clients are loading a file each, and one of them is waiting for another. \
                 Start a thread for each Load. A fixed number of threads is not enough, because \
                 that many slow files keep all of them busy.",
                SLOW,
            );
            gates.push(gate);
        }
        for (peer, gate) in others.iter_mut().zip(gates).rev() {
            gate.release();
            peer.expect(done()).or_explain(
                "This client's file has been read, but the client has no reply while other \
                 clients' files are still being read. Reply as soon as the client's own file has \
                 been read.",
                SLOW,
            );
        }
        slow.expect_nothing_yet().or_explain(
            "This client got a reply before its first request, a Load, was done. Reply to a Load \
             only after the whole file has been read, and reply to requests in their order.",
            SLOW,
        );
        gate.release();
        slow.expect([done(), value(&long)].concat()).or_explain(
            "The whole file has been read, and your program did not reply correctly to the Load \
             and the Get after it. Reply to both, in that order, with all the file's bytes as the \
             value of the Get.",
            SLOW,
        );
        others[1].send(get("other")).expect(value("1")).or_explain(
            "Another client set this key while a file was being read for a different key, and now \
             this key is gone. When a file has been read, change only the key that it was loaded \
             for, not the whole map.",
            SLOW,
        );
        others[1].send(del("other")).expect(done()).now();
    }
}

#[test]
fn its_own_messages() {
    explain(
        "Your program's reply to this request isn't the one in the README's table. Send exactly \
         the kind and the body that the table lists.",
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
                "A Set of this key didn't get the reply that the README lists. A key is UTF-8 \
                 text of 0 to 255 bytes, and the byte before it is its length. Every such key can \
                 be set, with any bytes as the value.",
                MESSAGES,
            );
            peer.send(get(key)).expect(value(bytes)).or_explain(
                "This Get did not return the value that was set last. A value may contain \
                 arbitrary bytes, or none.",
                MESSAGES,
            );
        }
        peer.send(get("color")).expect(value("red")).or_explain(
            "Setting one key changed the value of another. The two differ only in spaces or in a \
             capital letter, but they are different keys: two keys are the same only if all their \
             bytes are the same.",
            MESSAGES,
        );
        peer.send(del("color")).expect(done()).now();

        for contents in [&b"from a file: \x00\xff"[..], large.as_bytes(), b""] {
            std::fs::write(&file, contents).unwrap();
            peer.send(load("file", &file)).expect(done()).now();
            std::fs::remove_file(&file).unwrap();
            peer.send(get("file")).expect(value(contents)).or_explain(
                "The file's bytes were loaded, but they aren't the value of this key now. From \
                 the Load on, the value is what the file contained, whatever bytes those are and \
                 even if the file is removed.",
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
            "Seven requests arrived together, and your program did not reply to all of them \
             correctly. Reply to each one, in order.",
            MESSAGES,
        );
        peer.drip(set("in pieces", "whole")).expect(done()).now();
        peer.half_close().expect_end().now();
    }
}

#[test]
fn an_unknown_kind_is_told_and_survived() {
    explain(
        "Your program did not reply to an invalid request with an error, or it closed the \
         connection. Send the error, and keep the connection open.",
        MESSAGES,
    );
    let store = Store::start();
    for mut peer in store.at_both_doors() {
        for kind in [0x00, 0x01, 0x0f, 0x14, 0x7f, 0x90, 0xfe] {
            peer.send(message(kind, "a body"));
            is_error(
                &mut peer,
                MALFORMED,
                "No request has this kind, and your program did not reply with the error \
                 Malformed. Return BadMessage::UnknownKind from `decode`, and the engine sends \
                 that error.",
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
                    "The key's length is missing, or is more than the number of bytes that follow \
                     it, and your program did not reply with the error Malformed. Check the length \
                     in `decode` before you take the key from the body, and return the frame's \
                     bad_body().",
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
                "The key or the path of this request is not UTF-8, and your program did not reply \
                 with the error NotText. Read it with the frame's text(), and return the error \
                 that text() gives you.",
                MESSAGES,
            );
        }
        is_still_served(
            &mut peer,
            "After an invalid request, your program stopped serving this client. The frame was \
             complete, so the next one begins right after it: keep the connection open.",
            MESSAGES,
        );
    }
}

#[test]
fn its_own_errors_leave_the_door_open() {
    explain(
        "Your program did not reply to a request correctly, or it closed the connection. Even a \
         request that fails gets a reply, and the connection stays open.",
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
                "There is no such key, and your program did not reply with error 256. Return \
                 Answer::Error with that code.",
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
                "This key was deleted, and your program did not reply with error 256 afterwards. \
                 Remove the key from the store, and return Answer::Error with that code.",
                ERRORS,
            );
        }
        peer.send(set("kept", "before")).expect(done()).now();
        for path in [&*missing, store.folder.path(), Path::new("")] {
            peer.send(load("kept", path));
            is_error(
                &mut peer,
                CANNOT_READ,
                "This path cannot be read as a file, and your program did not reply with error \
                 257. Send that error from the thread that tried to read the file, with the \
                 handle's `fail`. If you drop the handle instead, the connection ends with the \
                 error Internal.",
                ERRORS,
            );
        }
        peer.send(get("kept")).expect(value("before")).or_explain(
            "The file could not be read, and now the key has a different value. A Load that fails \
             must leave the old value as it was.",
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
                "Your program's replies to these five requests are wrong. The first three must \
                 fail: Get of a key that doesn't exist, Load of a file that doesn't exist, and Get \
                 of the key that this Load did not set. Reply to each of these with its error.",
                ERRORS,
            );
        }
        peer.expect([done(), done()].concat()).or_explain(
            "The first three of these five requests failed, as they should, but your program did \
             not reply correctly to the Set and the Del after them. Both must succeed, and each \
             must get its reply.",
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
                "Two clients are loading a file each, and one is waiting for the other. Start a \
                 thread for each Load.",
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
                "Your program received SIGTERM, but this client, which has no request under way, \
                 didn't see the end of the stream. Close such connections right away.",
                DOORS,
            );
            peer.close();
        }
        let mut doors = working.into_iter();
        let (mut first, first_gate) = doors.next().unwrap();
        let (mut last, last_gate) = doors.next().unwrap();
        for peer in [&mut first, &mut last] {
            peer.expect_nothing_yet().or_explain(
                "This client got its reply before its file was read. Reply to a Load only after \
                 the whole file has been read.",
                SLOW,
            );
        }
        let sentence = "A client of each server had a request under way when SIGTERM arrived, and \
                        one of the two did not get its reply and then the end of the stream. Each \
                        must get both, even when the other server has nothing left to do. Wait for \
                        both servers.";
        first_gate.release();
        first.expect(done()).or_explain(sentence, DOORS);
        first.expect_end().or_explain(sentence, DOORS);
        first.close();
        // One server has nothing left to do. The other server's client can't see that.
        last.expect_nothing_for(Duration::from_millis(500))
            .or_explain(sentence, DOORS);
        last_gate.release();
        last.expect(done()).or_explain(sentence, DOORS);
        last.expect_end().or_explain(sentence, DOORS);
        last.close();
        store.server.exits_with(0).or_explain(
            "Every request was answered, over TCP and over the Unix socket, but your program did \
             not exit with code 0. Exit code 3 is only for a request that was cut off.",
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
            "A second signal cut off a request at one server, and your program's exit code doesn't \
             show it. If either server reports that something was cut off, end with exit code 3.",
            DOORS,
        );
    }
}
