//! Does a server do its handshakes alongside its work, in time, and does it send close_notify?

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use scripted_peer::{
    Ending, Peer, Received, Running, Stopwatch, check, explain, needs, program, show, undisturbed,
};

const TWO: &str = "20-who-is-listening-in.html#a-handshake-takes-two";
const PLAIN: &str = "20-who-is-listening-in.html#plain-text-at-the-door";
const BUFFER: &str = "20-who-is-listening-in.html#one-more-buffer";
const CUT: &str = "20-who-is-listening-in.html#a-cut-is-not-an-end";

/// How late a program, or the check, may be on a busy machine and still be judged by the clock.
const LATE: Duration = Duration::from_millis(400);

/// How many clients say nothing, together.
const CROWD: usize = 70;

/// A time for handshakes that no check waits for, in milliseconds.
const LONG: u32 = 60_000;

const SERVED: &str = "Your program didn't serve a client: the handshake wasn't completed, or the \
                      line that the client sent wasn't echoed. Complete the handshake, and echo \
                      the line over TLS.";

/// A file of the test certificates.
fn file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/listings/tls");
    let file = Path::new(folder).join(name).canonicalize();
    let file = file.expect("the certificates are in the repository");
    file.display().to_string()
}

fn server(within: u32) -> Running {
    let server = program!().arg(file("server.pem")).arg(file("server.key"));
    server.arg(within).listen_on("127.0.0.1:0").or_explain(
        "Your program didn't get as far as listening, although its port was free and its \
         certificate and key were good. If it exited, standard error should say which step failed. \
         Its arguments are ADDRESS CERT.pem KEY.pem MILLISECONDS, in this order.",
        TWO,
    )
}

/// rustls on a peer: the client's side of a conversation.
struct Client {
    tls: ClientConnection,
    peer: Peer,
}

impl Client {
    fn new(server: &Running) -> Self {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(file("ca.pem"));
        let added = roots.add(authority.expect("the certificate is in the repository"));
        added.expect("it is one of an authority");
        let config = ClientConfig::builder().with_root_certificates(roots);
        let name = ServerName::try_from("pocket.test").expect("a name");
        let tls = ClientConnection::new(Arc::new(config.with_no_client_auth()), name);
        Self {
            tls: tls.expect("the configuration is whole"),
            peer: server.connect(),
        }
    }

    /// The first bytes that it sends: a complete hello.
    fn hello(&mut self) -> Vec<u8> {
        let mut hello = Vec::new();
        let written = self.tls.write_tls(&mut hello);
        written.expect("memory takes all");
        hello
    }

    fn shake_hands(&mut self, drips: bool) {
        let stream = self.peer.stream();
        let mut stream = if drips { stream.drip() } else { stream };
        let shaken = self.tls.complete_io(&mut stream).map(drop);
        holds("a handshake", &shaken);
    }

    /// Sends this and gets it back.
    fn echoes(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let shown = format!("{:?}", String::from_utf8_lossy(text));
        let mut got = vec![0; text.len()];
        let mut stream = self.peer.stream();
        let mut tls = Stream::new(&mut self.tls, &mut stream);
        let echoed = tls.write_all(text).and_then(|()| tls.flush());
        let echoed = echoed.and_then(|()| tls.read_exact(&mut got));
        holds(&format!("{shown}, in TLS"), &echoed);
        check(got == text, shown, show(&got)).now();
    }

    /// Sends close_notify, and continues to read.
    fn sign(&mut self) {
        self.tls.send_close_notify();
        let _ = self.tls.complete_io(&mut self.peer.stream());
    }

    /// What arrives from now on, up to a close_notify.
    fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        let mut stream = self.peer.stream();
        Stream::new(&mut self.tls, &mut stream).read_to_end(&mut rest)?;
        Ok(rest)
    }
}

fn holds(expected: &str, outcome: &io::Result<()>) {
    let got = outcome.as_ref().err().map(told).unwrap_or_default();
    check(outcome.is_ok(), expected, got).now();
}

fn told(error: &io::Error) -> String {
    let ending = Ending::of(error).map(|ending| ending.to_string());
    ending.unwrap_or_else(|| error.to_string())
}

/// A client that does everything right is served. When it is dropped, it is cut off.
fn is_served(server: &Running, sentence: &str, section: &str) -> Client {
    explain(sentence, section);
    let mut client = Client::new(server);
    client.shake_hands(false);
    client.echoes("hello\n");
    client
}

#[test]
fn a_silent_client_blocks_nobody() {
    let server = server(LONG);
    is_served(&server, SERVED, BUFFER);
    let _silent = server.connect();
    let mut half = Client::new(&server);
    let hello = half.hello();
    half.peer.send(&hello[..hello.len() / 2]);
    let sentence = "One client has connected and is silent, another is in the middle of its \
                    hello, and now no other client is served. A handshake has to wait for the \
                    client, so do it in the client's own thread, never in the loop that accepts.";
    is_served(&server, sentence, TWO);
    // The client that had sent half its hello sends the rest.
    explain(
        "This client sent its hello slowly but in time, and your program did not serve it. Wait \
         for the rest of a hello until the deadline, then complete the handshake.",
        TWO,
    );
    half.peer.send(&hello[hello.len() / 2..]);
    half.shake_hands(false);
    // Two lines in one record, and one in two; and a hello that arrives byte by byte.
    explain(
        "Your program did not echo these lines correctly. Lines may arrive in any pieces, and \
         several may be in one record: echo each line as soon as it is complete.",
        BUFFER,
    );
    half.echoes("one\ntwo\n");
    half.echoes("three\n");
    let mut drips = Client::new(&server);
    drips.shake_hands(true);
    drips.echoes("hello\n");
    explain(
        "Your program did not echo this line unchanged. A line may contain arbitrary bytes up to \
         its newline: it doesn't have to be text, and its spaces are part of it.",
        BUFFER,
    );
    drips.echoes(b" \xff\xfe \t\r\n");
    // More of them than a pool of threads has.
    let address = server.address().to_string();
    let _crowd: Vec<_> = (0..CROWD)
        .map(|_| TcpStream::connect(&address).expect("the server listens"))
        .collect();
    let sentence = "70 clients have connected and sent nothing, and now no other client is \
                    served. With a fixed number of threads, silent clients can occupy every one \
                    of them. Don't let a silent client block another client.";
    is_served(&server, sentence, TWO);
}

#[test]
fn plain_text_is_survived() {
    let sentence = "A client didn't speak TLS, or left during the handshake, and now no client is \
                    served. Strangers connect to every open port all day. When a handshake fails, \
                    end that client's connection and nothing else.";
    let server = server(LONG);
    explain(sentence, PLAIN);
    let mut http = server.connect();
    http.send("GET / HTTP/1.0\r\n\r\n");
    says_nothing_plain(&mut http);
    let mut garbage = server.connect();
    garbage.garbage();
    says_nothing_plain(&mut garbage);
    // And some that leave: at once, in the hello, and with a reset.
    server.connect().close();
    let mut leaves = Client::new(&server);
    let hello = leaves.hello();
    leaves.peer.send(&hello[..hello.len() / 2]).half_close();
    is_ended(
        &mut leaves.peer,
        "This client left in the middle of its hello, and its connection is still open. End the \
         connection: nothing more can arrive.",
        PLAIN,
    );
    let mut resets = Client::new(&server);
    let hello = resets.hello();
    resets.peer.send(hello);
    resets.peer.reset();
    let _served = is_served(&server, sentence, PLAIN);
    // Last, because a thread may print its line only after its connection has ended.
    says_nothing_of_cuts(&server);
}

/// Its connection ends; an alert may come before that.
fn is_ended(peer: &mut Peer, sentence: &str, section: &str) {
    let ending = loop {
        if let Received::Ended(ending) = peer.receive() {
            break ending;
        }
    };
    let got = ending.to_string();
    check(ending != Ending::Silence, "the end of the connection", got)
        .or_explain(sentence, section);
}

/// It gets an alert, or nothing at all, and then the connection ends.
fn says_nothing_plain(peer: &mut Peer) {
    let mut said = Vec::new();
    let ending = loop {
        match peer.receive() {
            Received::Bytes(bytes) => said.extend(bytes),
            Received::Ended(ending) => break ending,
        }
    };
    let got = format!("{}, then {ending}", show(&said));
    let holds = said.is_empty() || said.starts_with(&[21, 3]);
    check(holds, "a TLS alert, or nothing", got.clone()).or_explain(
        "This client doesn't speak TLS, but it got a reply in plain text. Don't reply in plain \
         text: anyone on the path can read the reply, and it could mislead a client that accepts \
         it.",
        PLAIN,
    );
    check(ending != Ending::Silence, "the end of the connection", got).or_explain(
        "This client's first bytes are not TLS, and its connection is still open. There is \
         nothing to wait for: end the connection.",
        PLAIN,
    );
}

#[test]
fn a_dripped_hello_is_cut_off() {
    let sentence = "Your program didn't end this connection on time. A handshake needs a deadline \
                    that is counted from accept(), like a message in chapter 11. Don't give each \
                    read the same timeout: give it only the time that is left.";
    undisturbed(LATE, || {
        let server = server(1000);
        // Started before it connects: the server's time cannot begin earlier.
        let watch = (Stopwatch::start(), Instant::now());
        let mut silent = server.connect();
        is_ended(
            &mut silent,
            "This client has connected and is silent, and your server is waiting for its hello \
             without a limit. Give the handshake a deadline.",
            TWO,
        );
        in_time(&watch, "1 s after it connected", sentence);
        let watch = (Stopwatch::start(), Instant::now());
        let mut drips = Client::new(&server);
        let hello = drips.hello();
        drips
            .peer
            .drip_every(Duration::from_millis(100), &hello[..30]);
        is_ended(&mut drips.peer, sentence, TWO);
        in_time(&watch, "1 s after it connected, dripping or not", sentence);
        // The deadline is for the handshake only.
        explain(
            "Your program did not serve a client that had completed its handshake in time and then \
             was silent for longer than a handshake may take. Keep such a connection open, because \
             the deadline ends with the handshake.",
            TWO,
        );
        let mut quiet = Client::new(&server);
        quiet.shake_hands(false);
        quiet.echoes("hello\n");
        quiet.peer.pause(Duration::from_millis(1300));
        quiet.echoes("hello\n");
        says_nothing_of_cuts(&server);
    });
}

/// A timeout of minutes is found in a second: what the program has set is shortened. A program that
/// reads on after a timeout is none the worse for it.
#[test]
fn no_timeout_stays() {
    if !needs::linux() {
        return;
    }
    let server = server(LONG);
    explain(SERVED, BUFFER);
    let mut quiet = Client::new(&server);
    quiet.shake_hands(false);
    quiet.echoes("hello\n");
    let copy = server.socket_of(&quiet.peer).now();
    let set = copy.read_timeout();
    let Some(set) = set.expect("a copy of a socket has this option") else {
        return;
    };
    let shorter = set.min(Duration::from_millis(200));
    let shortened = copy.set_read_timeout(Some(shorter));
    shortened.expect("a copy of a socket has this option");
    drop(copy);
    // The next read is the first that it is for.
    quiet.echoes("hello\n");
    quiet.peer.pause(Duration::from_secs(1));
    let sentence = format!(
        "After the handshake, this client's socket still had a read timeout (SO_RCVTIMEO): \
         {set:?}. The check made that timeout shorter, so your program ended the connection \
         sooner than it would have. A client may be silent for as long as it likes, so remove the \
         timeout after the handshake."
    );
    explain(&sentence, TWO);
    quiet.echoes("hello\n");
}

fn says_nothing_of_cuts(server: &Running) {
    let told = server.stdout();
    check(!told.contains("cut off"), "no line `cut off`", told).or_explain(
        "Your program printed `cut off` for a client whose handshake was never complete. Such a \
         client wasn't cut off, because it hadn't begun to talk. End its connection, and print \
         nothing.",
        PLAIN,
    );
}

/// Not too late, by a clock that stands still while the machine lets nobody run, and not too early, by
/// one that goes on, as the program's does.
fn in_time((watch, began): &(Stopwatch, Instant), when: &str, sentence: &str) {
    let (took, passed) = (watch.elapsed(), began.elapsed());
    let expected = format!("the end of the connection, {when}");
    let right = took < Duration::from_millis(1700) && passed > Duration::from_millis(950);
    check(right, expected, format!("after {passed:.1?}")).or_explain(sentence, TWO);
}

#[test]
fn the_end_is_signed() {
    let server = server(LONG);
    explain(SERVED, BUFFER);
    let mut client = Client::new(&server);
    client.shake_hands(false);
    client.echoes("hello\n");
    client.sign();
    let rest = client.rest();
    let got = match &rest {
        Ok(rest) => show(rest),
        Err(error) => format!("{}, without close_notify", told(error)),
    };
    let signed = matches!(&rest, Ok(rest) if rest.is_empty());
    check(signed, "close_notify", got).or_explain(
        "The client sent close_notify, but your program didn't send its own. Anyone on the path \
         can forge a FIN, but only you can produce a valid close_notify. Send it, flush it, and \
         then close the connection.",
        CUT,
    );
    client.peer.expect_end().or_explain(
        "Your program and the client have both sent close_notify, but the connection is still \
         open, or it ended with a reset. Close it cleanly.",
        CUT,
    );
    let good = client.peer.local().clone();
    // A cut, in the middle of a line.
    let mut cut = Client::new(&server);
    cut.shake_hands(false);
    cut.echoes("hello\n");
    let gone = format!("cut off {}\n", cut.peer.local());
    cut.peer.half_close();
    server.prints(&gone).or_explain(
        "The client's stream ended without close_notify, and your program did not report that. The \
         client was cut off, and may have sent more. Print `cut off ADDRESS`.",
        CUT,
    );
    is_ended(
        &mut cut.peer,
        "The client was cut off, and its connection is still open. Nothing more can arrive: print \
         `cut off ADDRESS`, and close the connection.",
        CUT,
    );
    let mut cut = Client::new(&server);
    cut.shake_hands(false);
    cut.echoes("hello\n");
    let gone = format!("cut off {}\n", cut.peer.local());
    cut.peer.reset();
    server.prints(&gone).or_explain(
        "The connection was reset before the client had sent close_notify, and your program did \
         not report that. The client was cut off, just as by a FIN without close_notify; only the \
         error kind differs. Print `cut off ADDRESS`.",
        CUT,
    );
    let told = server.stdout();
    check(
        !told.contains(&good.to_string()),
        "no line `cut off` for this client",
        told,
    )
    .or_explain(
        "Your program printed `cut off` for a client that had sent close_notify. Such a client was \
         not cut off.",
        CUT,
    );
}
