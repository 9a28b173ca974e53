//! `tcp-client` and `tcp-server` on two hosts with a cable between them, which is pulled: what chapter 19
//! prints of it, for those who may not make network namespaces.
//!
//! `UPDATE_TRANSCRIPTS=1` writes what was seen into `docs/listings/two_hosts/` instead of comparing.
//! The second test waits for keepalive: `cargo test -p pair-tests --test two_hosts -- --include-ignored`.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use scripted_peer::{Host, Hosts, Program, Running, Signal, Start, deadline};

/// What a user would see of both hosts, in its order.
#[derive(Default)]
struct Transcript(String);

impl Transcript {
    /// A command of the shell on this host, and what it prints.
    fn run(&mut self, host: &Host, command: &str) -> String {
        let output = host.run(command).unwrap();
        let output = squeezed(&output);
        self.say(host, command, &output);
        output
    }

    fn say(&mut self, host: &Host, command: &str, output: &str) {
        let output = output.trim_end();
        let newline = if output.is_empty() { "" } else { "\n" };
        self.0 += &format!("{:<5} # {command}\n{output}{newline}", host.name());
    }

    fn remark(&mut self, text: &str) {
        self.0 += &format!("{text}\n");
    }

    /// A server on this host.
    fn server(&mut self, host: &Host, address: &str) -> Running {
        let program = Program::exactly(pair_tests::program("tcp-server"));
        let mut server = program.args(["--listen", address]).on(host).start();
        assert!(server.listens_or_ends().now() == Start::Listens);
        let command = format!("tcp-server --listen '{address}' &");
        self.say(host, &command, &server.stdout());
        server
    }

    /// A client on this host, to its end.
    fn client(&mut self, host: &Host, arguments: &[&str]) -> String {
        let client = client(host, arguments).start();
        client.ends().now();
        let output = client.stdout() + &client.stderr();
        self.say(
            host,
            &format!("tcp-client {}", arguments.join(" ")),
            &output,
        );
        output
    }

    /// It is what the book prints, but for ports and seconds.
    fn is_as_printed(&self, name: &str) {
        let file = listings().join(name);
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            fs::write(&file, &self.0).unwrap();
        }
        let printed = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(by_kind(&printed), by_kind(&self.0), "\n{}", self.0);
    }
}

/// Where the book has its listings of this.
fn listings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/listings/two_hosts")
}

fn client(host: &Host, arguments: &[&str]) -> Program {
    let program = Program::exactly(pair_tests::program("tcp-client"));
    program
        .args(arguments)
        .on(host)
        .patience(Duration::from_secs(40))
}

/// ss(8) fills the width of a terminal.
fn squeezed(text: &str) -> String {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    text.lines().map(line).collect()
}

/// Ports that the system chose, and times, are 0.
fn by_kind(text: &str) -> String {
    let mut kinds = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = piece.trim_end_matches(|c: char| !c.is_ascii_digit());
        let rest = &piece[digits.len()..];
        let is_ours = digits.len() < 5 && !matches!(rest, "s" | " ");
        kinds += if digits.is_empty() || is_ours {
            digits
        } else {
            "0"
        };
        kinds += rest;
    }
    kinds
}

#[test]
fn the_pair_talks_across_the_cable_by_name_over_both_families() {
    let Some(hosts) = Hosts::new() else { return };
    let (left, right) = (&hosts.left, &hosts.right);
    let mut seen = Transcript::default();
    let names = seen.run(right, "getent ahosts left | grep STREAM");
    assert!(
        names.contains("fd77::1") && names.contains("10.77.0.1"),
        "{names}"
    );
    let server = seen.server(left, "[::]:7878");
    let whoami = seen.client(right, &["--connect", "left:7878", "whoami"]);
    assert!(whoami.starts_with("tcp [fd77::2]:"), "{whoami}");
    let whoami = seen.client(right, &["--connect", "10.77.0.1:7878", "whoami"]);
    assert!(whoami.starts_with("tcp 10.77.0.2:"), "{whoami}");
    server.signal(Signal::TERM).exits_with(0).now();
    seen.say(left, "kill %1", "");
    let _server = seen.server(left, "0.0.0.0:7878");
    let whoami = seen.client(right, &["--connect", "left:7878", "whoami"]);
    assert!(whoami.starts_with("tcp 10.77.0.2:"), "{whoami}");
    seen.is_as_printed("talk.txt");
}

/// The script that chapter 19 prints, in namespaces of its own: nothing of it is seen outside.
#[test]
fn the_script_of_the_book_makes_two_hosts() {
    if Hosts::new().is_none() {
        return;
    }
    let script = r#"
        mount -t tmpfs none /run && mkdir /run/etc && cp /etc/hosts /etc/passwd /run/etc
        for file in nsswitch.conf host.conf gai.conf; do
            [ ! -e /etc/$file ] || cp /etc/$file /run/etc
        done
        mount --bind /run/etc /etc && sh "$0/plug.sh" || exit 3
        ip netns exec left "$1" --listen '[::]:7878' >/run/said &
        tries=0
        until grep -qs listening /run/said || [ $((tries += 1)) -gt 400 ]; do sleep 0.05; done
        ip netns exec right "$2" --connect left:7878 whoami
        code=$?
        kill $!
        exit $code
    "#;
    let output = Command::new("unshare")
        .args(["-n", "-m", "sh", "-c", script])
        .arg(listings())
        .args(["tcp-server", "tcp-client"].map(pair_tests::program))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let said = said.lines().last().unwrap_or_default();
    assert!(output.status.success(), "{output:?}");
    assert!(said.starts_with("tcp [fd77::2]:"), "{output:?}");
}

#[test]
#[ignore = "waits 80 seconds for keepalive"]
fn a_pulled_cable_is_found_in_the_promised_time_with_the_default_flags() {
    deadline(Duration::from_secs(200));
    let Some(hosts) = Hosts::new() else { return };
    let (left, right) = (&hosts.left, &hosts.right);
    let mut seen = Transcript::default();
    let _server = seen.server(left, "[::]:7878");
    let mut typed = client(right, &["--connect", "10.77.0.1:7878"])
        .typed()
        .start();
    typed.write_line("hello").prints("accepted\n").now();
    let said = Instant::now();
    seen.say(
        right,
        "tcp-client --connect 10.77.0.1:7878",
        "hello\naccepted",
    );
    hosts.pull_cable();
    seen.say(right, "ip link set cable down", "");
    for host in [left, right] {
        let state = seen.run(host, "ss -tnoH");
        assert!(state.starts_with("ESTAB"), "{state}");
    }
    typed.write_line("are you there?").ends().now();
    seen.remark("      (In the client, are you there? is typed; ten seconds later:)");
    let told = typed.stderr();
    assert!(told.contains("10.77.0.1:7878"), "{told}");
    seen.remark(told.trim_end());
    let state = seen.run(left, "ss -tnoH");
    assert!(
        state.starts_with("ESTAB") && state.contains("keepalive"),
        "{state}"
    );
    let gone = loop {
        if left.run("ss -tnH").unwrap().is_empty() {
            break said.elapsed();
        }
        assert!(
            said.elapsed() < Duration::from_secs(90),
            "the server holds its client"
        );
        std::thread::sleep(Duration::from_millis(200));
    };
    assert!(gone > Duration::from_secs(70), "{gone:?}");
    seen.remark(&format!(
        "      ({} s after the client's hello:)",
        gone.as_secs()
    ));
    seen.run(left, "ss -tnoH");
    seen.is_as_printed("pulled.txt");
}
