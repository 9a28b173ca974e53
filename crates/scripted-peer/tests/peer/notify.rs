//! A supervisor to which a program says how it is.

use std::time::Duration;

use crate::common::verdict;
use scripted_peer::{NotifySocket, Running, line, needs, program};

fn told_by(supervisor: &NotifySocket) -> Running {
    let program = program!().notifies(supervisor).arg("notifies");
    program.listen()
}

#[test]
fn lines_come_in_order_at_a_path_and_at_an_abstract_name() {
    let mut supervisors = vec![NotifySocket::on_path()];
    if needs::linux() {
        supervisors.push(NotifySocket::with_abstract_name());
    }
    for mut supervisor in supervisors {
        let server = told_by(&supervisor);
        assert_eq!(supervisor.next_line().now(), "READY=1");
        let mut peer = server.connect();
        for said in ["WATCHDOG=1", "WATCHDOG=1", "STOPPING=1", "X=1"] {
            peer.send(line(said)).expect(line("told"));
        }
        supervisor.expect("STOPPING=1");
        assert_eq!(supervisor.take_lines(), ["X=1"]);
        supervisor.expect_nothing_for(Duration::from_millis(20));
    }
}

#[test]
fn what_is_not_said_is_missed() {
    let text = verdict(|| {
        let mut supervisor = NotifySocket::on_path();
        let _server = told_by(&supervisor);
        supervisor.patience(Duration::from_millis(200));
        supervisor.expect("STOPPING=1").or_explain("Tell it.", "");
    });
    let text = text.unwrap();
    assert!(
        text.contains(r#"expected   "STOPPING=1" at NOTIFY_SOCKET"#),
        "{text}"
    );
    assert!(
        text.contains(r#"within 200ms; the last line was "STATUS=about to listen""#),
        "{text}"
    );
    assert!(
        text.contains(r"<- "),
        "the timeline tells what came: {text}"
    );
}

#[test]
fn what_is_said_is_no_silence() {
    let text = verdict(|| {
        let mut supervisor = NotifySocket::on_path();
        let server = told_by(&supervisor);
        supervisor.expect("READY=1");
        let mut peer = server.connect();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let asker = std::thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(20)).is_err() {
                peer.send(line("WATCHDOG=1")).expect(line("told"));
            }
        });
        let silent = supervisor.expect_nothing_for(Duration::from_secs(2));
        stop.send(()).unwrap();
        asker.join().ok().unwrap();
        silent.or_explain("It is stuck.", "");
    });
    let text = text.unwrap();
    assert!(
        text.contains("expected   nothing at NOTIFY_SOCKET for 2s"),
        "{text}"
    );
    assert!(text.contains(r#"got        "WATCHDOG=1""#), "{text}");
}

#[test]
fn a_full_one_takes_nothing_until_it_is_drained() {
    let mut supervisor = NotifySocket::on_path();
    let server = told_by(&supervisor);
    supervisor.expect("READY=1");
    assert!(supervisor.fill() > 0);
    let mut peer = server.connect();
    if needs::linux() {
        peer.send(line("WATCHDOG=1")).expect(line("full"));
    }
    supervisor.drain();
    peer.send(line("STOPPING=1")).expect(line("told"));
    supervisor.expect("STOPPING=1");
    supervisor.close();
    peer.send(line("X=1")).expect(line("gone"));
}

#[test]
fn a_watchdog_is_asked_for_by_name_and_time() {
    let watched = program!().watched(Duration::from_millis(1500));
    let watched = watched.args(["", "is-watched"]).start();
    watched.exits_with(0).stdout("1500000 for me: true\n");
}
