//! No check hangs, and no program outlives its check, whatever either of them does.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::{FIXTURE, tcp, verdict};
use scripted_peer::{
    Ending, PredicateBooleanExt as _, Received, Signal, check, contains, deadline, eventually,
    program,
};

const SOON: Duration = Duration::from_millis(300);

/// Whether a process is there and not a zombie that nobody has reaped.
fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
}

fn expect_gone(pid: &str) {
    eventually(&format!("process {pid} to be gone"), || !is_alive(pid)).now();
}

#[test]
fn a_program_that_hangs_is_given_up_and_killed() {
    let text = verdict(|| drop(program!().arg("hangs").patience(SOON).listen())).unwrap();
    assert!(text.contains("no such line within 300ms"), "{text}");
}

#[test]
fn the_watchdog_ends_a_test_that_takes_too_long() {
    let start = Instant::now();
    let text = verdict(|| {
        let server = tcp("waits");
        deadline(SOON);
        let mut peer = server.connect();
        let end = peer.patience(Duration::from_secs(60)).receive();
        // The watchdog ended the program: that cannot pass for the program's own doing.
        check(
            end != Received::Ended(Ending::Reset),
            "an end, or silence",
            "a reset",
        );
    })
    .unwrap();
    assert!(start.elapsed() < Duration::from_secs(3), "{text}");
    assert!(text.contains("its deadline passed"), "{text}");
}

#[test]
fn a_child_that_is_left_behind_dies_with_the_program() {
    let start = Instant::now();
    let running = program!().args(["nowhere", "forks"]).start();
    let output = running.exits_with(0).now();
    // The child holds standard output open: nobody waits for that for long.
    assert!(start.elapsed() < Duration::from_secs(3));
    let text = String::from_utf8(output.stdout).unwrap();
    let child = text.trim().strip_prefix("child ").unwrap().to_owned();
    assert!(is_alive(&child));
    drop(running);
    expect_gone(&child);
}

#[test]
fn a_flood_of_output_is_cut_and_counted() {
    let text = verdict(|| {
        let running = program!()
            .args(["nowhere", "floods"])
            .patience(SOON)
            .start();
        running.ends();
    })
    .unwrap();
    assert!(text.contains("it was still running after 300ms"), "{text}");
    assert!(text.len() < 10_000, "{} bytes", text.len());
}

#[test]
fn a_program_dies_when_its_handle_is_dropped() {
    let server = tcp("waits");
    let pid = server.pid().to_string();
    assert!(is_alive(&pid));
    drop(server);
    expect_gone(&pid);
}

#[test]
fn a_program_and_a_folder_go_with_a_test_process_that_is_killed() {
    let holder = program!().args(["", "holds-a-program"]);
    let holder = holder.env(FIXTURE.0, FIXTURE.1).start();
    holder.prints("pid ");
    let text = holder.stdout();
    let after = |word| text.lines().find_map(|line| line.strip_prefix(word));
    let (folder, pid) = (after("folder ").unwrap(), after("pid ").unwrap());
    assert!(is_alive(pid));
    assert!(Path::new(folder).join("a file").exists());
    holder.signal(Signal::KILL).ends();
    expect_gone(pid);
    eventually("the folder to be removed", || !Path::new(folder).exists()).now();
}

#[test]
fn a_check_that_is_stuck_itself_is_ended_with_its_timeline() {
    let stuck = program!()
        .args(["", "is-stuck"])
        .env(FIXTURE.0, FIXTURE.1)
        .patience(Duration::from_secs(8))
        .start();
    stuck
        .exits_with(101)
        .stderr(contains("main:").and(contains("it kept running after its deadline")));
}
