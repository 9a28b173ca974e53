//! The units in `docs/listings/systemd`, as systemd's own tools judge them, and the servers as its
//! tool starts them. No running systemd is needed. Where a tool is missing the test says so, and with
//! `CI` set that is a failure.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use scripted_peer::{Folder, NotifySocket, Program, Running, Signal, folder, needs};

/// When a test gives up waiting.
const DEADLINE: Duration = Duration::from_secs(30);

/// What `systemd-analyze security` may find at most, in tenths of a point out of ten.
const EXPOSURE: &str = "10";

/// The name of each pair's units, and its server.
const PAIRS: [(&str, &str); 2] = [("pocket-tcp", "tcp-server"), ("pocket-unix", "unix-server")];

fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    assert!(
        found || std::env::var_os("CI").is_none(),
        "CI must have {tool}"
    );
    found || needs::skip(&format!("{tool} is not installed"))
}

fn unit(name: &str) -> String {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/listings/systemd");
    fs::read_to_string(units.join(name)).unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn the_units_are_found_right_by_systemd_analyze() {
    if !has("systemd-analyze") {
        return;
    }
    let folder = folder();
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    for (name, server) in PAIRS {
        let program = pair_tests::program(server).display().to_string();
        for kind in ["socket", "service"] {
            // It looks whether the program is there: here it is somewhere else.
            let installed = format!("/usr/local/bin/{server}");
            let text = unit(&format!("{name}.{kind}")).replace(&installed, &program);
            let path = folder.join(format!("{name}.{kind}"));
            fs::write(&path, text).unwrap();
            verify.arg(path);
        }
    }
    let output = verify.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output), "", "nothing to be warned of");
}

#[test]
fn the_services_are_hardened() {
    if !has("systemd-analyze") {
        return;
    }
    for (name, _) in PAIRS {
        let folder = folder();
        let path = folder.join(format!("{name}.service"));
        fs::write(&path, unit(&format!("{name}.service"))).unwrap();
        let mut judge = Command::new("systemd-analyze");
        judge.args(["security", "--offline=true", "--no-pager"]);
        judge.arg(format!("--threshold={EXPOSURE}")).arg(path);
        let output = judge.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// A server that is to be started by the first client, and where that one finds it.
struct Activated {
    supervisor: NotifySocket,
    server: Running,
    address: String,
    client: Command,
    _folder: Folder,
}

impl Activated {
    fn new(server: &str, arguments: &[&str], inside: &str) -> Self {
        let folder = folder();
        let program = pair_tests::program(server);
        let (address, client) = match server {
            "tcp-server" => (free_address(), "tcp-client --connect"),
            _ => (
                folder.join("socket").display().to_string(),
                "unix-client --socket",
            ),
        };
        let (client, option) = client.split_once(' ').unwrap();
        let mut client = Command::new(pair_tests::program(client));
        client.args([option, &address]);
        // All is built: from here on the test's time runs.
        scripted_peer::deadline(4 * DEADLINE);
        let mut supervisor = NotifySocket::on_path();
        supervisor.patience(DEADLINE);
        let tool = Program::exactly("systemd-socket-activate").patience(DEADLINE);
        let tool = tool.notifies(&supervisor).args(["-E", "NOTIFY_SOCKET"]);
        let tool = tool.args(["-l", &address]).args(inside.split_whitespace());
        let server = tool.arg(program.display()).args(arguments).start();
        server.logs("Listening on").now();
        Self {
            supervisor,
            server,
            address,
            client,
            _folder: folder,
        }
    }

    /// The program that runs under the number of the one that was started.
    fn runs(&self) -> String {
        let program = fs::read_link(format!("/proc/{}/exe", self.server.pid())).unwrap();
        program.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The first client starts the server, and is answered by it.
    fn is_served(&mut self) {
        let output = self.client.args(["say", "hello"]).output().unwrap();
        assert_eq!(said(&output), "accepted\n");
        self.supervisor.expect("READY=1").now();
        self.server
            .prints(&format!("listening on {}\n", self.address))
            .now();
    }

    fn stops(&mut self) {
        self.server.signal(Signal::TERM);
        self.supervisor.expect("STOPPING=1").now();
        self.server.exits_with(0).now();
    }
}

/// Of the many loopback addresses one that is this process's alone, and a port that is free there.
fn free_address() -> String {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let address = format!("127.{}.{middle}.{low}:0", 64 + high);
    let listener = std::net::TcpListener::bind(address).unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn systemd_socket_activate_starts_the_servers_for_the_first_client() {
    if !has("systemd-socket-activate") {
        return;
    }
    for (_, name) in PAIRS {
        let mut activated = Activated::new(name, &[], "");
        assert_eq!(activated.runs(), "systemd-socket-activate", "no server yet");
        activated.is_served();
        assert_eq!(activated.runs(), name, "under the same number");
        activated.stops();
        if name == "unix-server" {
            let stays = fs::symlink_metadata(&activated.address);
            assert!(stays.is_ok(), "the path was not the server's to remove");
        }
    }
}

#[test]
fn an_inherited_listener_is_all_the_network_that_a_server_needs() {
    if !has("systemd-socket-activate") || !needs::root() {
        return;
    }
    if !Command::new("unshare")
        .args(["--net", "true"])
        .status()
        .is_ok_and(|end| end.success())
    {
        needs::skip("no network namespaces");
        return;
    }
    // What PrivateNetwork=yes does: the listener is outside, and the server inside.
    let mut activated = Activated::new("tcp-server", &[], "unshare --net");
    activated.is_served();
    activated.stops();
}

#[test]
fn the_servers_make_no_system_call_that_their_units_forbid() {
    if !has("strace") || !has("systemd-analyze") || !has("systemd-socket-activate") {
        return;
    }
    let may_trace = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status();
    if !may_trace.is_ok_and(|end| end.success()) {
        needs::skip("strace may not trace here");
        return;
    }
    for (name, server) in PAIRS {
        let allowed = allowed(&unit(&format!("{name}.service")));
        let folder = folder();
        let trace = folder.join("trace");
        // -D: the program keeps its number, for which LISTEN_PID is.
        let strace = format!("strace -D -f -q -o {}", trace.display());
        let mut activated = Activated::new(server, &["--workers", "2"], &strace);
        activated.is_served();
        activated.stops();
        let whole = || {
            let trace = fs::read_to_string(&trace).ok()?;
            has_ended(&trace, activated.server.pid()).then_some(trace)
        };
        let trace = scripted_peer::appears("the end of the trace", DEADLINE, whole).now();
        // RestrictAddressFamilies=AF_UNIX
        assert!(
            !trace.contains("socket(AF_INET"),
            "it makes no socket of another family"
        );
        let called = called(&trace);
        assert!(
            called.contains("accept4") && called.len() > 20,
            "{called:?}"
        );
        let forbidden: Vec<&String> = called.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{name}.service forbids {forbidden:?}");
    }
}

/// Whether the trace tells the end of this process, and not only of one of its threads.
fn has_ended(trace: &str, pid: u32) -> bool {
    trace.lines().any(|line| {
        let (number, rest) = line.split_once(' ').unwrap_or_default();
        number == pid.to_string() && rest.trim_start().starts_with("+++ exited")
    })
}

/// The system calls of a trace, after the one that began the program.
fn called(trace: &str) -> BTreeSet<String> {
    let calls = trace.lines().skip(1).filter_map(|line| {
        let (_, call) = line.split_once(' ')?;
        let (name, _) = call.trim_start().split_once('(')?;
        let is_name = |name: &&str| {
            name.chars()
                .all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c))
        };
        Some(name).filter(is_name).map(ToOwned::to_owned)
    });
    calls.collect()
}

/// The system calls that a service may make: the sets of its first line without those of the next.
fn allowed(service: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    let filters = service
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="));
    for filter in filters {
        let (forbids, sets) = match filter.strip_prefix('~') {
            Some(sets) => (true, sets),
            None => (false, filter),
        };
        for call in sets.split_whitespace().flat_map(in_set) {
            let _ = match forbids {
                true => allowed.remove(&call),
                false => allowed.insert(call),
            };
        }
    }
    assert!(!allowed.is_empty());
    allowed
}

/// A set's calls, those of the sets in it as well.
fn in_set(name: &str) -> Vec<String> {
    if !name.starts_with('@') {
        return vec![name.to_owned()];
    }
    let mut list = Command::new("systemd-analyze");
    let output = list
        .args(["syscall-filter", "--no-pager", name])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let members = text.lines().skip(1).map(str::trim);
    let members = members.filter(|line| !line.is_empty() && !line.starts_with('#'));
    members.flat_map(in_set).collect()
}
