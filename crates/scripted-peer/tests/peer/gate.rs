//! The check decides when work ends, and what reaches the program in one wake-up.

use std::time::Duration;

use crate::common::{each, tcp, unix, verdict};
use crate::machine::{by, is_the_machines, passes};
use scripted_peer::{Exit, Gate, Signal, line};

#[test]
fn work_ends_when_the_gate_opens() {
    for server in each("gated") {
        let mut gate = Gate::new();
        let mut peer = server.connect();
        assert!(!gate.is_entered());
        peer.send(line(format!("wait {}", gate.path().display())));
        gate.expect_entered();
        peer.expect_nothing_yet();
        gate.release();
        peer.expect(line("done"));
    }
}

#[test]
fn a_gate_that_nobody_enters_says_so() {
    let text = verdict(|| {
        let _server = unix("gated");
        let mut gate = Gate::new().patience(Duration::from_millis(100));
        gate.expect_entered().or_explain("Read it first.", "");
    });
    let text = text.unwrap();
    assert!(
        text.contains("expected   the program to open the gate"),
        "{text}"
    );
    assert!(
        text.contains("got        this did not happen within 100ms"),
        "{text}"
    );
    assert!(text.contains("Read it first."), "{text}");
}

#[test]
fn a_program_that_ends_at_the_gate_is_not_waited_for() {
    let text = verdict(|| {
        let server = unix("gated");
        server.signal(Signal::TERM).ends().now();
        Gate::new().expect_entered().now();
    });
    assert!(text.unwrap().contains("the program ended first"));
}

#[test]
fn a_program_that_leaves_the_gate_is_seen() {
    let server = unix("peeps");
    let mut gate = Gate::new();
    let mut peer = server.connect();
    peer.send(line(gate.path().display().to_string()));
    gate.expect_entered();
    gate.expect_abandoned();
    peer.expect(line("left"));
    let text = verdict(|| {
        let server = unix("gated");
        let mut gate = Gate::new().patience(Duration::from_millis(100));
        let mut peer = server.connect();
        peer.send(line(format!("wait {}", gate.path().display())));
        gate.expect_entered();
        gate.expect_abandoned();
    });
    assert!(text.unwrap().contains("it was still inside after 100ms"));
}

#[test]
fn what_happens_in_one_edge_is_there_at_once() {
    for server in each("counts-reads") {
        for _ in 0..10 {
            let mut peer = server.connect();
            peer.send("first").expect(line("5"));
            server.in_one_edge(|| {
                peer.send("one").send("two").send("three").half_close();
            });
            peer.expect("11\n0\n");
            peer.expect_end();
        }
    }
}

#[test]
fn a_signal_belongs_to_the_edge() {
    let server = tcp("counts-reads");
    let mut peer = server.connect();
    peer.send("x").expect(line("1"));
    server.in_one_edge(|| {
        peer.send("y");
        server.signal(Signal::TERM);
        assert!(!server.has_ended(), "a stopped program doesn't end");
    });
    assert_eq!(server.ends().now().exit, Exit::Signal(15));
}

#[test]
fn the_program_goes_on_when_the_act_fails() {
    let server = tcp("counts-reads");
    let act = std::panic::AssertUnwindSafe(|| {
        server.in_one_edge(|| std::panic::resume_unwind(Box::new("the act fails")));
    });
    assert!(std::panic::catch_unwind(act).is_err());
    server.connect().send("x").expect(line("1"));
}

#[test]
fn a_machine_that_cannot_make_a_gate_says_so() {
    let check = |path| {
        let script = format!("PATH={path}; exec \"$0\" \"$@\"");
        by(&["/bin/sh", "-c", &script], "gate").start()
    };
    passes(&check("$PATH"));
    is_the_machines(&check("/nowhere"), "could not create a FIFO").now();
}
