//! The program from outside. Each run here is of one block: a look at the behavior, not at speed.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use predicates::prelude::*;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

/// Every run here takes two or three seconds; one that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(60);

fn ipc_bench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-bench"));
    command.timeout(LIMIT);
    command
}

/// One block into that folder.
fn block_into(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = ipc_bench();
    command
        .args(["--blocks", "1", "--out"])
        .arg(folder)
        .args(arguments);
    command
}

fn report(folder: &Path, arguments: &[&str]) -> Value {
    // What is missing makes it fail, and is in the report.
    let output = block_into(folder, arguments).output().expect("it starts");
    let report = read_report(folder);
    let missing = report["failures"].as_array().map_or(0, Vec::len);
    assert_eq!(output.status.code(), Some(i32::from(missing > 0)));
    report
}

fn read_report(folder: &Path) -> Value {
    let json = fs::read_to_string(folder.join("report.json")).expect("it was just written");
    serde_json::from_str(&json).expect("it is JSON")
}

fn pinning(report: &Value, regime: &str) -> String {
    let lines = report["environment"]["pinning"].as_array().expect("a list");
    let line = lines
        .iter()
        .find(|line| line["regime"] == regime)
        .expect("the regime was measured");
    line["asking"]
        .as_str()
        .expect("a list of processors")
        .to_owned()
}

fn congestion(report: &Value) -> String {
    let connections = report["environment"]["connections"]
        .as_array()
        .expect("a list");
    let tcp = connections
        .iter()
        .find(|c| c["transport"] == "tcp")
        .expect("TCP was measured");
    tcp["congestion"].as_str().expect("TCP has one").to_owned()
}

fn allowed_cpus() -> Vec<String> {
    let set = rustix::thread::sched_getaffinity(None).expect("our own can be asked for");
    let all = 0..rustix::thread::CpuSet::MAX_CPU;
    all.filter(|&cpu| set.is_set(cpu))
        .map(|cpu| cpu.to_string())
        .collect()
}

fn allowed_congestion() -> Vec<String> {
    let path = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
    let names = fs::read_to_string(path).expect("Linux has it");
    names.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_run_writes_three_files_and_its_environment_is_what_the_children_saw() {
    let folder = tempfile::tempdir().unwrap();
    let names = allowed_congestion();
    let (first, last) = (names.first().unwrap(), names.last().unwrap());
    let cpus = allowed_cpus();
    let one = report(folder.path(), &["--cpus", &cpus[0], "--congestion", first]);
    assert_eq!(pinning(&one, "one-core"), cpus[0]);
    assert_eq!(congestion(&one), *first);
    assert!(
        one["failures"][0]["reason"].is_string(),
        "two cores need two processors"
    );

    let html = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(
        html.contains("var(--s1)")
            && html.contains(&format!("asking on {0}, answering on {0}", cpus[0]))
    );
    let offsite = ["src=", "href=", "@import", "url("]
        .iter()
        .any(|word| html.contains(word));
    assert!(!offsite, "the page needs nothing but itself");
    let svg = fs::read_to_string(folder.path().join("report.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("TCP / Unix stream"));

    let [first, second, ..] = &cpus[..] else {
        eprintln!("skipped: another pinning needs a second processor");
        return;
    };
    let pair = format!("{second},{first}");
    let other = report(folder.path(), &["--cpus", &pair, "--congestion", last]);
    assert_eq!(pinning(&other, "one-core"), *second);
    assert_eq!(congestion(&other), *last);
    assert_eq!(other["failures"].as_array().map(Vec::len), Some(0));
    for figure in other["figures"].as_array().unwrap() {
        let [p50, p99] = ["p50_ns", "p99_ns"].map(|name| figure[name].as_f64().unwrap());
        assert!(
            p50 > 0.0 && p99 > 0.0 && figure["samples"].as_u64() > Some(0),
            "{figure}"
        );
    }
}

#[test]
fn what_could_not_be_measured_makes_it_fail_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = block_into(folder.path(), &["--congestion", "nosuch"]).assert();
    run.code(1)
        .stdout(predicate::str::contains("not measured: TCP"))
        .stderr(predicate::str::contains("could not be measured"));
    let failures = &read_report(folder.path())["failures"];
    let failures = failures.as_array().expect("a list");
    let is_tcp = |failure: &Value| {
        failure["case"]
            .as_str()
            .is_some_and(|case| case.starts_with("TCP"))
    };
    assert!(!failures.is_empty() && failures.iter().all(is_tcp));
}

#[test]
fn a_processor_that_is_not_there_is_refused() {
    ipc_bench()
        .args(["--cpus", "1000"])
        .assert()
        .failure()
        .stderr(predicate::str::contains("may not use CPU 1000"));
}

#[test]
fn ctrl_c_leaves_no_process_and_no_file() {
    let run = Process::new(env!("CARGO_BIN_EXE_ipc-bench"));
    is_interrupted(run, |pid| kill_process(pid, Signal::INT).unwrap());
}

#[test]
fn one_signal_that_is_sent_twice_leaves_nothing_either() {
    // As timeout(1) does: its child, and then the group.
    let run = Process::new(env!("CARGO_BIN_EXE_ipc-bench"));
    is_interrupted(run, |pid| {
        kill_process(pid, Signal::TERM).unwrap();
        kill_process_group(pid, Signal::TERM).unwrap();
    });
}

#[test]
fn a_signal_that_the_starter_blocked_interrupts_all_the_same() {
    let mut run = Process::new("env");
    run.args(["--block-signal=INT,TERM", env!("CARGO_BIN_EXE_ipc-bench")]);
    is_interrupted(run, |pid| kill_process(pid, Signal::TERM).unwrap());
}

fn is_interrupted(mut run: Process, interrupt: impl Fn(Pid)) {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run
        .process_group(0)
        .args(["--out", "report"])
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&run);
    let children = wait_for(|| Some(children(run.id())).filter(|children| children.len() == 2));
    interrupt(pid);
    let status = wait_for(|| run.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    let mut said = String::new();
    run.stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "ipc-bench: interrupted; nothing was written\n");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a file is left"
    );
    for child in children {
        assert!(
            !Path::new(&format!("/proc/{child}")).exists(),
            "process {child} is left"
        );
    }
}

#[test]
fn surprises_shows_the_stall_and_the_deadlock_and_ends() {
    let assert = ipc_bench()
        .arg("surprises")
        .assert()
        .success()
        .stdout(predicate::str::contains("TCP          deadlock: "))
        .stdout(predicate::str::contains("Unix stream  deadlock: "));
    let said = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let stalled = |name: &str| -> u32 {
        let line = said
            .lines()
            .find(|line| line.contains(name))
            .expect("a line of the table");
        let words: Vec<&str> = line.split_whitespace().collect();
        words[words.len() - 3].parse().expect("N of 50")
    };
    assert!(stalled("TCP, header and body in two writes") > 40, "{said}");
    assert!(stalled("TCP, one write") < 10, "{said}");
    assert!(stalled("Unix stream, two writes") < 10, "{said}");
}

#[test]
fn serve_vs_names_the_server_that_is_not_there() {
    ipc_bench()
        .args(["serve-vs", "/nonexistent/socket"])
        .assert()
        .failure()
        .stderr(predicate::str::contains(
            "/nonexistent/socket: no server to measure",
        ));
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let start = Instant::now();
    for place in [Path::new("/proc/nope"), &file, &file.join("below")] {
        let refused = block_into(place, &[]).assert().code(1).stdout("");
        refused.stderr(
            predicate::str::contains(place.to_str().unwrap())
                .and(predicate::str::contains("nothing was measured")),
        );
        let json = place.join("out.json");
        let refused = ipc_bench()
            .args(["serve-vs", "/nonexistent/socket", "--json"])
            .arg(json)
            .assert();
        refused
            .code(1)
            .stderr(predicate::str::contains("nothing was measured"));
    }
    assert!(start.elapsed() < LIMIT);
}

#[test]
fn the_table_comes_before_the_files_and_is_there_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let mut run = Process::new(env!("CARGO_BIN_EXE_ipc-bench"))
        .args(["--blocks", "1", "--out"])
        .arg(&out)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It was possible to write, and then it is not any more.
    wait_for(|| Some(()).filter(|()| children(run.id()).len() == 2));
    fs::write(&out, "in the way").unwrap();
    let mut said = String::new();
    run.stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(1));
    assert!(said.contains("There and back"), "{said}");
}

#[test]
fn a_closed_pipe_is_quiet_and_a_full_device_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], stdout: Stdio| {
        let output = Process::new(env!("CARGO_BIN_EXE_ipc-bench"))
            .args(arguments)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let out = folder.path().to_str().unwrap();
    for arguments in [&["surprises"][..], &["--blocks", "1", "--out", out]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(run(arguments, writer.into()), (Some(0), String::new()));
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = run(arguments, full.into());
        assert_eq!(code, Some(1));
        let whole = "ipc-bench: cannot write to standard output: No space left on device";
        assert!(
            said.starts_with(whole) && said.lines().count() == 1,
            "{said}"
        );
    }
    assert!(folder.path().join("report.html").exists());
}

#[test]
fn nobody_at_standard_error_is_no_panic() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let status = Process::new(env!("CARGO_BIN_EXE_ipc-bench"))
        .args(["--cpus", "1000"])
        .stderr(full())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_temporary_folder_without_room_for_a_socket_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(95));
    fs::create_dir(&long).unwrap();
    thread::scope(|scope| {
        for place in [long.to_str().unwrap(), "relative", "/proc"] {
            scope.spawn(move || {
                let out = tempfile::tempdir().unwrap();
                let mut run = block_into(out.path(), &[]);
                let output = run.env("TMPDIR", place).output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(!said.contains("not measured: Unix"), "{place}: {said}");
                assert!(said.contains("Unix seqpacket"), "{place}: {said}");
            });
        }
    });
}

#[test]
fn a_processor_quota_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(group) = half_a_processor() else {
        eprintln!("skipped: a processor quota needs root and a writable control group");
        return;
    };
    let script = "echo $$ >\"$0/cgroup.procs\"; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(&group)
        .arg(env!("CARGO_BIN_EXE_ipc-bench"))
        .args(["--blocks", "1", "--out"])
        .arg(folder.path())
        .timeout(LIMIT)
        .output();
    fs::remove_dir(&group).unwrap();
    let said = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
    let line = said.lines().find(|line| line.contains("processor quota"));
    assert!(
        line.is_some_and(|line| line.contains("0.50 processors, throttled in ")),
        "{said}"
    );
}

/// A control group of version 1 or 2 with a quota, where one can be made.
fn half_a_processor() -> Option<std::path::PathBuf> {
    let name = format!("ipc-bench-test-{}", std::process::id());
    for (root, file, quota) in [
        ("/sys/fs/cgroup", "cpu.max", "50000 100000"),
        ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "50000"),
    ] {
        let group = Path::new(root).join(&name);
        let is_group = Path::new(root).join("cgroup.procs").exists();
        if !is_group || fs::create_dir(&group).is_err() {
            continue;
        }
        if fs::write(group.join(file), quota).is_ok() {
            return Some(group);
        }
        fs::remove_dir(&group).ok();
    }
    None
}

#[test]
fn serve_vs_finds_a_server_at_any_of_a_names_addresses() {
    let made = Process::new("unshare").args(["-mn", "true"]).output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: needs namespaces of its own");
        return;
    }
    // Nobody listens at either address: each is tried, and named with its reason.
    let script = "ip link set lo up
        hosts=$(mktemp); printf '127.0.0.2 both\\n127.0.0.1 both\\n' >\"$hosts\"
        mount --bind \"$hosts\" /etc/hosts; exec \"$0\" serve-vs both:7878";
    let run = Command::new("unshare")
        .args(["-mn", "sh", "-e", "-c", script])
        .arg(env!("CARGO_BIN_EXE_ipc-bench"))
        .timeout(LIMIT)
        .assert();
    run.code(1).stderr(
        predicate::str::contains("both:7878: no server to measure")
            .and(predicate::str::contains(
                "127.0.0.2:7878: Connection refused",
            ))
            .and(predicate::str::contains(
                "127.0.0.1:7878: Connection refused",
            )),
    );
}

fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

fn wait_for<T>(mut event: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(value) = event() {
            return value;
        }
        assert!(Instant::now() < deadline, "it did not happen");
        thread::sleep(Duration::from_millis(1));
    }
}
