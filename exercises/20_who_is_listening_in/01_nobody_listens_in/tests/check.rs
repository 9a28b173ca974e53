//! Does a client find out who is at the other end before it says a word, and where the reply ends?

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ProtocolVersion, ServerConfig, ServerConnection};
use scripted_peer::{
    Ending, Listener, Peer, PeerStream, Received, Running, appears, check, contains, explain,
    program,
};

const WHOM: &str = "20-who-is-listening-in.html#encrypted-to-whom";
const NAME: &str = "20-who-is-listening-in.html#the-name-that-you-asked-for";
const BEFORE: &str = "20-who-is-listening-in.html#not-a-word-before-that";
const BUFFER: &str = "20-who-is-listening-in.html#one-more-buffer";
const CUT: &str = "20-who-is-listening-in.html#a-cut-is-not-an-end";

const SECRET: &str = "a secret\n";

/// Enough for a reply that doesn't fit into any buffer.
const LONG: usize = 300_000;

/// A file of the test certificates.
fn file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/listings/tls");
    let file = Path::new(folder).join(name).canonicalize();
    let file = file.expect("the certificates are in the repository");
    file.display().to_string()
}

/// The program is to ask a server that is called `name`.
fn client(name: &str) -> (Listener, Running) {
    client_of(name, "ca.pem")
}

/// With these authorities, on a system whose own list of them is the stranger's certificate.
fn client_of(name: &str, authorities: &str) -> (Listener, Running) {
    let listener = Listener::tcp();
    let client = program!().stdin(format!("{SECRET}not this\n"));
    let client = client.env("SSL_CERT_FILE", file("stranger.pem"));
    let client = client.arg(name).arg(file(authorities));
    let client = client.connect_to(listener.address());
    (listener, client)
}

/// rustls on a peer: the server's side of a conversation.
struct Server {
    tls: ServerConnection,
    peer: Peer,
    manner: Manner,
}

/// How its bytes leave.
type Manner = fn(PeerStream<'_>) -> PeerStream<'_>;

impl Server {
    /// The next connection, with this key and certificate.
    fn accept(listener: &Listener, identity: &str) -> Self {
        Self::accept_with(listener, identity, identity)
    }

    /// The key may be someone else's.
    fn accept_with(listener: &Listener, certificate: &str, key: &str) -> Self {
        let certificate = CertificateDer::pem_file_iter(file(&format!("{certificate}.pem")))
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .expect("the certificates are in the repository");
        let key = PrivateKeyDer::from_pem_file(file(&format!("{key}.key")))
            .expect("the keys are in the repository");
        let key = any_supported_type(&key).expect("it is one that rustls knows");
        let identity = SingleCertAndKey::from(CertifiedKey::new(certificate, key));
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_cert_resolver(Arc::new(identity));
        Self {
            tls: ServerConnection::new(Arc::new(config)).expect("the configuration is whole"),
            peer: listener.accept(),
            manner: |stream| stream,
        }
    }

    /// What it receives until a line is complete, and what arrived after that.
    fn hear(&mut self) -> (String, String) {
        let mut heard = Vec::new();
        let after = loop {
            match self.hear_more(&mut heard) {
                Ok(()) if heard.ends_with(b"\n") => break "more".to_owned(),
                Ok(()) => {}
                Err(error) => break error.to_string(),
            }
        };
        (String::from_utf8_lossy(&heard).into_owned(), after)
    }

    fn hear_more(&mut self, heard: &mut Vec<u8>) -> io::Result<()> {
        // Messages that are not part of the handshake wait for the reply, and leave with it. In
        // TLS 1.2 the server's last message is part of it, and follows all of the client's.
        let old = self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_2);
        if self.tls.is_handshaking() || old {
            self.send()?;
        }
        if self.tls.read_tls(&mut self.peer.stream())? == 0 {
            return Err(io::Error::other(Ending::End.to_string()));
        }
        let state = self.tls.process_new_packets().map_err(io::Error::other);
        let mut part = vec![0; state?.plaintext_bytes_to_read()];
        self.tls.reader().read_exact(&mut part)?;
        heard.extend(part);
        Ok(())
    }

    /// The line, from a client that accepts this server.
    fn expect_line(&mut self) {
        let (heard, after) = self.hear();
        let (expected, got) = (
            format!("{SECRET:?}, in TLS"),
            format!("{heard:?}, then {after}"),
        );
        if !heard.is_empty() {
            check(heard == SECRET, &expected, &got).or_explain(
                "Your program sent something other than the line. Send the first line of standard \
                 input as it is, with its newline, and nothing after it.",
                BUFFER,
            );
        }
        check(heard == SECRET, expected, got).now();
    }

    /// A record for each part.
    fn say(&mut self, parts: &[impl AsRef<[u8]>]) {
        self.tls.set_buffer_limit(None);
        for part in parts {
            let said = self.tls.writer().write_all(part.as_ref());
            said.expect("there is room in memory");
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let mut stream = (self.manner)(self.peer.stream());
        while self.tls.wants_write() {
            self.tls.write_tls(&mut stream)?;
        }
        stream.flush()
    }

    /// If the client is gone already, the way it exited says what is wrong.
    fn say_and_sign(&mut self, parts: &[impl AsRef<[u8]>]) {
        self.say(parts);
        self.tls.send_close_notify();
        let _ = self.send();
    }
}

#[test]
fn any_split_of_the_handshake() {
    explain(
        "Your program did not complete the handshake, did not send its line, or did not print the \
         whole reply. A handshake or a reply may arrive in any pieces, and several messages in one \
         piece. What you write stays in a buffer of the library until you flush it, and what has \
         arrived may be waiting in another buffer of the library. Flush what you write, and read \
         until nothing is left.",
        BUFFER,
    );
    let manners: [Manner; 4] = [
        |stream| stream,
        |stream| stream.coalesce(),
        |stream| stream.drip(),
        |stream| stream.in_pieces(100),
    ];
    for manner in manners {
        let (listener, client) = client("pocket.test");
        let mut server = Server::accept(&listener, "server");
        server.manner = manner;
        server.expect_line();
        server.say_and_sign(&["one\n", "two\n", "", "three\n"]);
        server.peer.half_close();
        client.exits_with(0).stdout("one\ntwo\nthree\n").now();
    }
    let (listener, client) = client("pocket.test");
    let mut server = Server::accept(&listener, "server");
    server.manner = |stream| stream.coalesce();
    server.expect_line();
    let long = "x".repeat(LONG) + "\n";
    server.say_and_sign(&[&long]);
    server.peer.half_close();
    client.exits_with(0).stdout(long).now();
}

#[test]
fn a_reply_is_bytes() {
    // Not text, and no newline at its end.
    let (listener, client) = client("pocket.test");
    let mut server = Server::accept(&listener, "server");
    server.expect_line();
    let bytes = b"one\r\n\xff\xfe two";
    server.say_and_sign(&[bytes]);
    server.peer.half_close();
    client.exits_with(0).stdout_bytes(bytes).or_explain(
        "Your program didn't print exactly the bytes that the server sent. Print the bytes of the \
         reply unchanged: they may not be text, and they may not end with a newline.",
        BUFFER,
    );
}

/// A server with this identity is refused by a client that asks for `name`, and hears nothing.
fn is_refused(identity: &str, name: &str, sentence: &str, section: &str) {
    let (listener, client) = client(name);
    let server = Server::accept(&listener, identity);
    hears_nothing(server, &client, sentence, section);
}

fn hears_nothing(mut server: Server, client: &Running, sentence: &str, section: &str) {
    let (heard, after) = server.hear();
    let got = format!("{heard:?}, then {after}");
    check(heard.is_empty(), "not a word for this server", got).or_explain(sentence, section);
    drop(server);
    ends_with_1(client, section);
}

fn ends_with_1(client: &Running, section: &str) {
    let sentence = "Your program could not talk to the right server, and it did not report that \
                    correctly. In that case, print nothing on standard output, print the reason on \
                    standard error, and end with exit code 1.";
    let ended = client.exits_with(1).stdout("");
    let told = ended.or_explain(sentence, section).stderr;
    let reason = !told.trim_ascii().is_empty();
    check(reason, "a reason on standard error", "nothing").or_explain(sentence, section);
}

#[test]
fn a_stranger_is_refused() {
    let sentence = "No authority in CA.pem has signed this server's certificate, and your program \
                    sent it the line all the same. The line was encrypted, but you can't know who \
                    is able to decrypt it. Verify the certificate against CA.pem before you send \
                    anything.";
    is_refused("stranger", "pocket.test", sentence, WHOM);
    let sentence = "Your program sent the line to a server that your authority doesn't vouch for. \
                    The authority that signed its certificate has the same name as yours, but a \
                    different key. Anyone can choose a name, so check the signature with your \
                    authority's key.";
    is_refused("impostor", "pocket.test", sentence, WHOM);
    let (listener, client) = client("pocket.test");
    let server = Server::accept_with(&listener, "server", "stranger");
    let sentence = "Your program sent the line to a server that sent a copy of the right \
                    certificate, but doesn't have the private key. A certificate is public, so by \
                    itself it proves nothing. Check the signature of the handshake too.";
    hears_nothing(server, &client, sentence, WHOM);
}

#[test]
fn each_authority_counts() {
    explain(
        "The file has two authorities, the second one has signed this server's certificate, and \
         your program did not send it the line. Trust every authority in the file.",
        WHOM,
    );
    let (listener, client) = client_of("pocket.test", "authorities.pem");
    let mut server = Server::accept(&listener, "server");
    server.expect_line();
    server.say_and_sign(&["yes\n"]);
    server.peer.half_close();
    client.exits_with(0).stdout("yes\n").now();
}

#[test]
fn another_name_is_refused() {
    let sentence = "You asked for pocket.test, and your program sent the line to other.test. This \
                    server's certificate is valid, but the authority vouches only for the name in \
                    it. Compare the names in the certificate (subjectAltName, not the subject) \
                    with the name that you asked for.";
    is_refused("other", "pocket.test", sentence, NAME);
    let sentence = "You asked for other.test, and your program sent the line to a server whose \
                    certificate is for pocket.test, localhost and 127.0.0.1. Check the certificate \
                    against the name that you were given, not against the address that you \
                    connected to.";
    is_refused("server", "other.test", sentence, NAME);
    let sentence = "This certificate is for the name that your program was given, and your program \
                    refused the server or did not send that name in the hello (SNI). Accept the \
                    server, and send the name: a server may have certificates for several names, \
                    and chooses one by the name in the hello.";
    explain(sentence, NAME);
    let (listener, client) = client("other.test");
    let mut server = Server::accept(&listener, "other");
    server.expect_line();
    let named = server.tls.server_name().unwrap_or("no name");
    check(named == "other.test", "other.test in the hello", named).now();
    server.say_and_sign(&["yes\n"]);
    server.peer.half_close();
    client.exits_with(0).stdout("yes\n").now();
}

#[test]
fn an_old_certificate_is_refused() {
    let sentence = "Your program sent the line to a server whose certificate expired in 2021. The \
                    authority vouched for it only until then, and someone else may have obtained \
                    the key since. Refuse a certificate that has expired.";
    is_refused("expired", "pocket.test", sentence, WHOM);
}

#[test]
fn nothing_is_said_before_that() {
    let sentence = "Your program did not begin with a TLS hello, or it sent more than a handshake. \
                    Until the server has proven who it is, your program must not send any of the \
                    line, encrypted or not.";
    // Says nothing at all.
    let (listener, first) = client("pocket.test");
    let mut peer = listener.accept();
    let mut said = hello(&mut peer, sentence);
    peer.half_close();
    said.extend(rest(&mut peer));
    only_a_handshake(&said, sentence);
    comes_to_an_end(&listener, &first);
    // And one that knows no TLS.
    let (listener, second) = client("pocket.test");
    let mut peer = listener.accept();
    let mut said = hello(&mut peer, sentence);
    peer.send("HTTP/1.0 400 Bad Request\r\n\r\n");
    said.extend(rest(&mut peer));
    only_a_handshake(&said, FALLS_BACK);
    comes_to_an_end(&listener, &second);
}

const FALLS_BACK: &str = "The server replied to the hello with something that isn't TLS, and your \
                          program continued in plain text. That way, anyone who can disturb a \
                          handshake gets to read the secret. Without TLS, send nothing.";

/// The first bytes that a client sends, as far as they have arrived.
fn hello(peer: &mut Peer, sentence: &str) -> Vec<u8> {
    let mut said = Vec::new();
    loop {
        match (peer.receive(), records(&said)) {
            (Received::Bytes(bytes), _) => said.extend(bytes),
            (Received::Ended(ending), _) => {
                check(false, "a TLS hello", ending.to_string()).or_explain(sentence, BEFORE);
            }
        }
        if records(&said) != Some(0) {
            return said;
        }
    }
}

fn rest(peer: &mut Peer) -> Vec<u8> {
    let mut said = Vec::new();
    while let Received::Bytes(bytes) = peer.receive() {
        said.extend(bytes);
    }
    said
}

/// How many whole records of a handshake these are; nothing if they are anything else: alerts (21) and
/// handshake messages (22) are not secret, and carry nothing of the program's own.
fn records(mut said: &[u8]) -> Option<usize> {
    let mut count = 0;
    while let [kind, version, _, high, low, rest @ ..] = said {
        if !matches!((kind, version), (21 | 22, 3)) {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(next) = rest.get(length..) else {
            return Some(count);
        };
        (count, said) = (count + 1, next);
    }
    matches!(said, [] | [21 | 22, ..]).then_some(count)
}

fn only_a_handshake(said: &[u8], sentence: &str) {
    let holds = records(said).is_some_and(|count| count > 0);
    let got = scripted_peer::show(said);
    check(holds, "a TLS hello, and perhaps an alert", got).or_explain(sentence, BEFORE);
}

/// The program has no server, and exits. If it connects again before that, it still sends only a
/// handshake.
fn comes_to_an_end(listener: &Listener, client: &Running) {
    for _ in 0..10 {
        let next = || (client.has_ended() || listener.visited()).then_some(());
        appears("the program to end", Duration::from_secs(4), next).now();
        if !listener.visited() {
            break;
        }
        let mut peer = listener.accept();
        if let Received::Bytes(said) = peer.receive() {
            only_a_handshake(&said, FALLS_BACK);
        }
    }
    ends_with_1(client, BEFORE);
}

#[test]
fn a_cut_is_no_end() {
    explain(
        "The server is the right one, but it did not get the line. Complete the handshake, send \
         the line, and flush it.",
        BUFFER,
    );
    let sentence = "The connection ended before the server had sent close_notify, and your program \
                    did not report that. Anyone on the path can forge a FIN, so part of the reply \
                    may be missing. Print `cut off` on standard error, and end with exit code 1.";
    let cut: [fn(&mut Server); 4] = [
        |server| server.say(&["yes, but"]),
        |_| {},
        |server| server.say(&["yes\n"]),
        // Inside the record of the close_notify.
        |server| {
            server.say(&["yes\n"]);
            server.tls.send_close_notify();
            let mut records = Vec::new();
            let whole = server.tls.write_tls(&mut records);
            let most = whole.expect("memory takes all") - 3;
            server.peer.send(&records[..most]);
        },
    ];
    for say in cut {
        let (listener, client) = client("pocket.test");
        let mut server = Server::accept(&listener, "server");
        server.expect_line();
        say(&mut server);
        let _ = server.send();
        server.peer.half_close();
        let ended = client.exits_with(1);
        ended.stderr(contains("cut off")).or_explain(sentence, CUT);
    }
    signed_ends();
}

#[test]
fn a_reset_is_a_cut() {
    let (listener, client) = client("pocket.test");
    let mut server = Server::accept(&listener, "server");
    server.expect_line();
    server.say(&["yes\n"]);
    let _ = server.send();
    server.peer.reset();
    let ended = client.exits_with(1);
    ended.stderr(contains("cut off")).or_explain(
        "The connection was reset before the server had sent close_notify, and your program did \
         not report that. The reply was cut off, just as by a FIN without close_notify; only the \
         error kind differs. Print `cut off` on standard error, and end with exit code 1.",
        CUT,
    );
}

/// What a server says after it has heard the line.
type Say = fn(&mut Server);

#[test]
fn an_error_is_no_end() {
    explain(
        "The server is the right one, but it did not get the line. Complete the handshake, send \
         the line, and flush it.",
        BUFFER,
    );
    let errors: [(Say, &str); 2] = [
        (
            say_something_changed,
            "A record of the reply was changed on the way, and your program did not report that. \
             The library's error is not the end of the reply, and nothing that arrives after it \
             counts, not even a close_notify. Print the reason on standard error, and end with \
             exit code 1.",
        ),
        (
            say_an_error,
            "The server sent an alert other than close_notify, and your program did not report \
             that. Such an alert is an error, so the reply is not complete. Print the reason on \
             standard error, and end with exit code 1.",
        ),
    ];
    for (say, sentence) in errors {
        let (listener, client) = client("pocket.test");
        let mut server = Server::accept(&listener, "server");
        server.expect_line();
        say(&mut server);
        server.peer.half_close();
        let told = client.exits_with(1).or_explain(sentence, CUT).stderr;
        let reason = !told.trim_ascii().is_empty();
        check(reason, "a reason on standard error", "nothing").or_explain(sentence, CUT);
    }
}

/// One more record, with its last byte changed; then a correct close_notify.
fn say_something_changed(server: &mut Server) {
    let _ = server.send();
    server.say(&["yes\n"]);
    let mut record = Vec::new();
    let written = server.tls.write_tls(&mut record);
    written.expect("memory takes all");
    *record.last_mut().expect("a record has bytes") ^= 1;
    server.peer.send(record);
    server.say_and_sign(&[""]);
}

/// The alert that rustls sends when a record that it gets has been changed.
fn say_an_error(server: &mut Server) {
    let mut record = vec![23, 3, 3, 0, 32];
    record.resize(5 + 32, 0);
    let read = server.tls.read_tls(&mut record.as_slice());
    read.expect("there is room in memory");
    let error = server.tls.process_new_packets();
    error.expect_err("this is no record of the client's");
    let _ = server.send();
}

#[test]
fn a_slow_reply_is_waited_for() {
    explain(
        "The server is genuine, but it pauses for a second before each part of its reply. Don't \
         set a read timeout here: a slow reply can still be complete.",
        CUT,
    );
    let (listener, client) = client("pocket.test");
    let mut server = Server::accept(&listener, "server");
    server.expect_line();
    server.peer.pause(Duration::from_secs(1));
    server.say(&["one\n"]);
    let _ = server.send();
    server.peer.pause(Duration::from_secs(1));
    server.say_and_sign(&["two\n"]);
    server.peer.half_close();
    client.exits_with(0).stdout("one\ntwo\n").now();
}

/// On a connection that stays, after a reply and after none.
fn signed_ends() {
    for reply in ["yes\n", ""] {
        let (listener, client) = client("pocket.test");
        let mut server = Server::accept(&listener, "server");
        server.expect_line();
        server.say_and_sign(&[reply]);
        client.exits_with(0).stdout(reply).or_explain(
            "The server has sent close_notify, and your program did not print the reply and end \
             with exit code 0. The reply is complete, so don't wait for the server to close the \
             connection too. A reply may be empty.",
            CUT,
        );
    }
}
