//! Does the program know who it talks to, and serve its own user alone?

use std::env;
use std::fs::{Permissions, set_permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use scripted_peer::{Running, check, explain, needs, program};

const KERNEL: &str = "08-who-may-connect.html#the-kernel-knows";
const SERVED: &str = "08-who-may-connect.html#who-is-served";
const CLAIMS: &str = "08-who-may-connect.html#what-a-message-claims";

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
    explain(
        "That is not who connected. The kernel noted the peer's process and user when it connected: \
         ask it with SO_PEERCRED, of the socket that accept returned.",
        KERNEL,
    );
    if !needs::linux() {
        return;
    }
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    peer.send("who am I?\n").expect(own_answer(&server)).now();
    peer.send("and now?\n").expect(own_answer(&server)).now();
    drop(peer);
    let (pid, answer) =
        another_process(&server, "names_the_peer").expect("this test can run twice");
    let expected =
        own_answer(&server).replace(&format!("={} ", std::process::id()), &format!("={pid} "));
    let holds = answer == expected.trim_end();
    check(
        holds,
        format!("another process to be told {expected:?}"),
        answer,
    );
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
    let server = program!().umask(0).listen_on_path();
    // The mode shuts nobody out, so that it is the program who decides.
    let open = set_permissions(server.path(), Permissions::from_mode(0o777));
    open.expect("the socket is ours");
    for claim in ["", "who am I?\n", "I am uid=0, pid=1, root\n"] {
        let mut stranger = server.connect_as(65_534).now();
        stranger.send(claim).expect_gone().now();
    }
    let mut peer = server.connect();
    peer.send("who am I?\n");
    peer.expect("pid=").or_explain(
        "A stranger was turned away, and that is no reason to stop serving one's own.",
        SERVED,
    );
}

#[test]
fn what_the_message_claims_is_ignored() {
    explain(
        "Anybody can write anything into a message. Answer with what the kernel says of the peer, \
         whatever it claims.",
        CLAIMS,
    );
    if !needs::linux() {
        return;
    }
    let server = program!().listen_on_path();
    let mut peer = server.connect();
    for claim in ["pid=1 uid=4711", "uid=65534 pid=7", "1 4711", ""] {
        peer.send(format!("{claim}\n"))
            .expect(own_answer(&server))
            .now();
    }
}
