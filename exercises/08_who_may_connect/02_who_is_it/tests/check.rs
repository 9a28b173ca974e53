//! Does the program know who it talks to, and serve only its own user?

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

/// The uid of the user `nobody`, on most systems.
const STRANGER: u32 = 65_534;

/// The variable that turns this test into a client in another process.
const CLIENT_OF: &str = "CHECK_CLIENT_OF";

/// Connects, sends a line, and prints the answer.
fn be_a_client(path: &str) -> io::Result<()> {
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(b"who am I?\n")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    println!("answer: {answer}");
    Ok(())
}

/// Another process connects. Returns its pid, and the answer that it got.
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
    // The folder's owner is the user who runs this check.
    let folder = server.folder().expect("it listens in a folder of its own");
    let uid = folder.path().metadata().map_or(0, |folder| folder.uid());
    format!("pid={} uid={uid}\n", std::process::id())
}

#[test]
fn names_the_peer() {
    if let Ok(path) = env::var(CLIENT_OF) {
        return be_a_client(&path).expect("the check has started the server");
    }
    const WHO: &str = "Your reply doesn't name the process that connected. The kernel recorded the \
                       peer's process and user when it connected. Ask for them with SO_PEERCRED, \
                       on the socket that accept returned.";
    explain(WHO, KERNEL);
    if !needs::linux() {
        return;
    }
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    peer.expect_nothing_for(Duration::from_millis(1100)).or_explain(
        "The client hasn't sent a line yet, but it got a reply or its connection ended. Reply only \
         to lines, and keep a silent client connected: don't set a read timeout here.",
        KERNEL,
    );
    peer.send("who am I?\n").expect("pid=").or_explain(
        "The client sent a line and is waiting, but no reply that begins with `pid=` arrived. \
         Reply to each line when it arrives, not when the client has finished. If you write into a \
         buffer, flush it after each reply.",
        KERNEL,
    );
    peer.expect(own_answer(&server).trim_start_matches("pid="))
        .now();
    peer.send("and now?\n").expect(own_answer(&server)).or_explain(
        "The second line got no reply. A client gets one line for each line that it sends, so keep \
         serving it until it leaves.",
        KERNEL,
    );
    peer.send(b"\xff\xc3(\n").expect(own_answer(&server)).or_explain(
        "This line is not UTF-8, and you didn't reply to it. It is still a line, and it ends at \
         its newline, whatever bytes it contains: read bytes (split or read_until), and don't \
         convert them to text.",
        KERNEL,
    );
    explain(
        "Your program didn't send exactly one reply per line. A line ends at its newline, however \
         it arrives: two lines in one read get two replies, and half a line gets none until the \
         rest arrives.",
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
        format!("another process to get the reply {expected:?}"),
        answer,
    );
    const LONG: &str = "The client sent one line of 10,000 bytes, and it didn't get exactly one \
                        reply. A line ends at its newline, not where a buffer is full, so keep \
                        reading until the newline before you reply.";
    let mut talkative = server.connect();
    talkative.send("x".repeat(10_000) + "\n").half_close();
    talkative
        .expect(own_answer(&server))
        .or_explain(LONG, KERNEL);
    talkative.expect_end().or_explain(LONG, KERNEL);
}

/// A server whose socket's mode lets everyone connect: the program has to decide.
fn open_to_all(program: Program) -> Running {
    let server = program.listen_on_path();
    let open = set_permissions(server.path(), Permissions::from_mode(0o777));
    open.expect("root runs this check");
    server
}

#[test]
fn another_user_is_refused() {
    explain(
        "A client of another user was let in. Compare the peer's uid with your own before you read \
         or write anything, and close the connection if they differ.",
        SERVED,
    );
    if !needs::root() {
        return;
    }
    let server = open_to_all(program!().umask(0));
    const GO_ON: &str = "Your program rejected a client of another user, and then it stopped \
                         serving. Close only that connection, and keep accepting: clients of your \
                         own user may still connect.";
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
        "Your program runs with the effective uid 65534 (root started it), and a client of the \
         same user got no reply. Your own user has no fixed uid, and need not be the user that \
         started the program: call geteuid().",
        SERVED,
    );
    let rest = own.next_line().unwrap_or_default();
    let names_the_user = rest.ends_with(&format!(" uid={STRANGER}"));
    let expected = format!("uid={STRANGER} at the end of the line");
    check(names_the_user, expected, format!("pid={rest}")).or_explain(
        "The number after `uid=` is not this client's user ID. Its user ID is 65534, and its group \
         ID is 0. The kernel's answer contains both: print the user ID.",
        KERNEL,
    );
    drop(own);
    let mut root = server.connect();
    root.send("who am I?\n").expect_gone().or_explain(
        "Your program runs with the effective uid 65534, and it let root in. Here root is just \
         another user: don't make an exception for uid 0.",
        SERVED,
    );
}

#[test]
fn what_the_message_claims_is_ignored() {
    explain(
        "Your reply isn't what the kernel says about this client. A client can claim anything in a \
         message: ignore it, and reply with what the kernel says about the peer.",
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
        "The client sent an empty line and didn't get the right reply. An empty line is still a \
         line: reply to it in the same way.",
        CLAIMS,
    );
}
