//! What a program is started in, and what it writes elsewhere.

use std::io::{Read as _, pipe};
use std::time::Duration;

use crate::common::{tcp, verdict};
use scripted_peer::{Exit, Program, appears, contains, needs, program, starts_with};

const THIS: &str = env!("CARGO_BIN_EXE_scripted-peer");

#[test]
fn the_shell_comes_first_and_then_the_wrapper_becomes_the_program() {
    let told = Program::exactly(THIS)
        .args(["address", "tells", "argument"])
        .after("export GREETING=shell")
        .after("cd /")
        .inside("env LISTEN_FDS=inner")
        .inside("env LISTEN_FDS=outer GREETING=wrapper");
    let told = told.start().exits_with(0);
    told.stdout(starts_with("cwd /\nGREETING wrapper\nLISTEN_FDS inner\n"))
        .stdout(contains("args [\"argument\"]"));
}

#[test]
fn where_the_shell_fails_the_program_is_not_started() {
    let ended = program!().arg("skips").after("false").start().ends().now();
    assert_eq!(ended.exit, Exit::Code(126));
}

#[test]
fn outputs_go_elsewhere_each_by_itself() {
    let (mut out, into) = pipe().unwrap();
    let program = program!().args(["address", "tells"]).stdout_to(into);
    program.start().exits_with(0).stdout("").stderr("");
    // Nobody else holds the pipe open: this ends.
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("cwd /"), "{text}");

    let (mut err, into) = pipe().unwrap();
    let program = program!().args(["address", "panics"]).stderr_to(into);
    program.start().exits_with(101).stderr("");
    text.clear();
    err.read_to_string(&mut text).unwrap();
    assert!(text.contains("no address to listen on"), "{text}");

    let server = program!().arg("waits").stderr_to(pipe().unwrap().1);
    drop(server.listen().connect());
}

#[test]
fn a_line_of_the_log_is_awaited_whole() {
    let ends = program!().args(["address", "panics"]).start();
    let line = ends.log_line("panicked at").now();
    assert!(line.ends_with(':') && line.contains("main.rs:"), "{line}");

    let text = verdict(|| {
        let ends = program!().args(["address", "exits"]).start();
        ends.log_line("nothing").now();
    });
    let text = text.unwrap();
    assert!(
        text.contains("a line with \"nothing\" on standard error"),
        "{text}"
    );
    assert!(text.contains("ended with exit code 3 without it"), "{text}");
}

#[test]
fn what_appears_is_handed_out_and_what_does_not_is_told() {
    let mut looks = 0;
    let found = appears("a third look", Duration::from_secs(30), || {
        looks += 1;
        (looks == 3).then_some("found")
    });
    assert_eq!(found.now(), "found");
    let text = verdict(|| {
        let short = Duration::from_millis(20);
        appears("rain", short, || None::<()>).now();
    });
    let text = text.unwrap();
    assert!(text.contains("rain"), "{text}");
    assert!(text.contains("had not happened after 20ms"), "{text}");
}

#[test]
fn the_memory_that_a_program_holds_is_at_most_what_it_ever_held() {
    if !needs::linux() {
        return;
    }
    let figures = tcp("waits").figures();
    assert!((1..=figures.peak_memory_kib).contains(&figures.memory_kib));
}
