//! Does the program know who it talks to, and serve its own user alone?

use std::env;
use std::fs::{Permissions, set_permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use scripted_peer::{Peer, Program, Running, check, explain, needs, program};

const KERNEL: &str = "08-who-may-connect.html#the-kernel-knows";
const SERVED: &str = "08-who-may-connect.html#who-is-served";
const CLAIMS: &str = "08-who-may-connect.html#what-a-message-claims";

/// Nobody's uid, on most systems.
const STRANGER: u32 = 65_534;

/// The variable that makes of this test a client in another process.
const CLIENT_OF: &str = "CHECK_CLIENT_OF";

/// Says who it is, as somebody else would, and prints the answer.
fn be_a_client(path: &str) -> io::Result<()> {
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(b"who am I?\n")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    println!("answer: {answer}");
    Ok(())
}

/// Another process connects; its pid, and what it was told.
fn another_process(server: &Running, test: &str) -> io::Result<(u32, String)> {
    let client = Command::new(env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(CLIENT_OF, server.path())
        .stdout(Stdio::piped())
        .spawn()?;
    let pid = client.id();
    let output = client.wait_with_output()?.stdout;
    let output = String::from_utf8_lossy(&output).into_owned();
    let answer = output.split_once("answer: ").map_or("", |(_, rest)| rest);
    Ok((pid, answer.lines().next().unwrap_or_default().to_owned()))
}

/// The answer that this process should get.
fn own_answer(server: &Running) -> String {
    // Who has made the folder is who runs this check.
    let folder = server.folder().expect("it listens in a folder of its own");
    let uid = folder.path().metadata().map_or(0, |folder| folder.uid());
    format!("pid={} uid={uid}\n", std::process::id())
}

#[test]
fn names_the_peer() {
    if let Ok(path) = env::var(CLIENT_OF) {
        return be_a_client(&path).expect("the check has started the server");
    }
    const WHO: &str = "That is not the process that connected. The kernel noted the peer's process \
                       and user when it connected: ask with SO_PEERCRED, on the socket that accept \
                       returned.";
    explain(WHO, KERNEL);
    if !needs::linux() {
        return;
    }
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    peer.expect_nothing_for(Duration::from_millis(1100)).or_explain(
        "The client has not asked yet. It gets one line for each line that it sends, and nothing \
         before the first; and it stays connected, however long it is silent: reading has no \
         timeout here.",
        KERNEL,
    );
    peer.send("who am I?\n").expect("pid=").or_explain(
        "The client has sent a line, and waits for its answer, which begins with `pid=`. Answer each line \
         when it comes, not when the client has finished; and what you write into a buffer, flush.",
        KERNEL,
    );
    peer.expect(own_answer(&server).trim_start_matches("pid="))
        .now();
    peer.send("and now?\n").expect(own_answer(&server)).or_explain(
        "The second line is not answered. A client gets one line for each line that it sends: serve it \
         until it leaves.",
        KERNEL,
    );
    peer.send(b"\xff\xc3(\n").expect(own_answer(&server)).or_explain(
        "This line is not UTF-8, but it is still a line. It ends at its newline, whatever bytes it \
         contains: read bytes (split or read_until), and don't convert them to text.",
        KERNEL,
    );
    explain(
        "A line ends at its newline, however it arrives: two lines in one read get two answers, \
         and half a line gets none until it is whole.",
        KERNEL,
    );
    peer.coalesce(["two\n", "lines\n"]);
    peer.expect(own_answer(&server).repeat(2)).now();
    peer.drip("half a line").expect_nothing_yet().now();
    peer.send("\n").expect(own_answer(&server)).now();
    drop(peer);
    explain(WHO, KERNEL);
    let (pid, answer) =
        another_process(&server, "names_the_peer").expect("this test can run twice");
    let expected =
        own_answer(&server).replace(&format!("={} ", std::process::id()), &format!("={pid} "));
    let holds = answer == expected.trim_end();
    check(
        holds,
        format!("another process to get the answer {expected:?}"),
        answer,
    );
    const LONG: &str = "A line of 10,000 bytes is one line, and gets one answer. It ends at its \
                        newline, and not where a buffer is full.";
    let mut talkative = server.connect();
    talkative.send("x".repeat(10_000) + "\n").half_close();
    talkative
        .expect(own_answer(&server))
        .or_explain(LONG, KERNEL);
    talkative.expect_end().or_explain(LONG, KERNEL);
}

/// The server, and its socket's mode shuts nobody out: it is the program who decides.
fn open_to_all(program: Program) -> Running {
    let server = program.listen_on_path();
    let open = set_permissions(server.path(), Permissions::from_mode(0o777));
    open.expect("root runs this check");
    server
}

#[test]
fn another_user_is_refused() {
    explain(
        "Another user was let in. Compare the peer's uid with your own before you read or write \
         anything, and close the connection.",
        SERVED,
    );
    if !needs::root() {
        return;
    }
    let server = open_to_all(program!().umask(0));
    const GO_ON: &str = "A stranger was turned away, and your program has stopped serving. Go on \
                         with the next client: your own user's clients are still to come.";
    server.connect_as(STRANGER).now().expect_gone().now();
    for claim in ["who am I?\n", "I am uid=0, pid=1, root\n"] {
        let mut stranger = server.connect_as(STRANGER).or_explain(GO_ON, SERVED);
        stranger.send(claim).expect_gone().now();
    }
    let mut peer = Peer::try_connect(server.address()).or_explain(GO_ON, SERVED);
    peer.send("who am I?\n");
    peer.expect("pid=").or_explain(GO_ON, SERVED);

    // And now the stranger is root.
    let server = open_to_all(program!().as_user(STRANGER));
    let mut own = server.connect_as(STRANGER).now();
    own.send("who am I?\n").expect("pid=").or_explain(
        "This program acts for uid 65534 (its effective user; root has started it), and a client \
         of this same user was not answered. Your own user is neither a fixed number nor the user \
         that started you: ask geteuid().",
        SERVED,
    );
    let rest = own.next_line().unwrap_or_default();
    let names_the_user = rest.ends_with(&format!(" uid={STRANGER}"));
    let expected = format!("uid={STRANGER} at the end of the line");
    check(names_the_user, expected, format!("pid={rest}")).or_explain(
        "This client's user is 65534, and its group is 0. The number after `uid=` is the user's: the \
         kernel's answer holds both.",
        KERNEL,
    );
    drop(own);
    let mut root = server.connect();
    root.send("who am I?\n").expect_gone().or_explain(
        "This program acts for uid 65534, and root was let in. Here root is another user like any \
         other: uid 0 is no exception.",
        SERVED,
    );
}

#[test]
fn what_the_message_claims_is_ignored() {
    explain(
        "A client can write anything into a message. Answer with what the kernel says about the \
         peer, whatever the peer claims.",
        CLAIMS,
    );
    if !needs::linux() {
        return;
    }
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    for claim in ["pid=1 uid=4711", "uid=65534 pid=7", "1 4711"] {
        peer.send(format!("{claim}\n"))
            .expect(own_answer(&server))
            .now();
    }
    peer.send("\n").expect(own_answer(&server)).or_explain(
        "An empty line is a line like any other, and gets the same answer.",
        CLAIMS,
    );
}
