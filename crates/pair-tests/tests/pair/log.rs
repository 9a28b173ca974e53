//! The promise about what a server prints: it waits for nobody who reads it, or does not.

use super::limits::served;
use super::peer::{ACCEPTED, say};
use super::process::server_program;
use super::server::{Server, Start};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Action, tcflow};
use scripted_peer::{NotifySocket, Signal};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;

/// More lines than a pipe, a terminal or a socket has room for.
const STRANGERS: usize = 2000;

/// Each is worth a line of the log.
fn strangers(server: &Server, count: usize) {
    for _ in 0..count {
        let mut stranger = server.connect();
        stranger.send(&[1; 64]);
        stranger.expect_error(1);
    }
}

fn serves_and_drains(server: &Server) {
    let mut client = served(server);
    client.send(&say("hello"));
    client.expect(ACCEPTED);
    server.signal(Signal::TERM);
    server.ends_with(0);
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let (unread_pipe, into_pipe) = pipe().unwrap();
    let (unread_socket, into_socket) = UnixStream::pair().unwrap();
    let into: [OwnedFd; 2] = [into_pipe.into(), into_socket.into()];
    for into in into {
        let server = Start::new(&["--workers", "2"]).stderr(into).run();
        strangers(&server, STRANGERS);
        serves_and_drains(&server);
    }
    drop((unread_pipe, unread_socket));
}

#[test]
fn a_terminal_that_stands_still_stops_nothing() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let terminal = OpenOptions::new()
        .write(true)
        .custom_flags(OFlags::NOCTTY.bits().cast_signed())
        .open(OsStr::from_bytes(
            ptsname(&master, Vec::new()).unwrap().as_bytes(),
        ))
        .unwrap();
    let server = Start::new(&[]).stderr(terminal.try_clone().unwrap()).run();
    tcflow(&terminal, Action::OOff).unwrap(); // as Ctrl-S does
    strangers(&server, 3);
    tcflow(&terminal, Action::OOn).unwrap();
    strangers(&server, 1);
    let mut lines = BufReader::new(File::from(master)).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("3 log lines were lost"), "{line}");
    serves_and_drains(&server);
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let mut into: Vec<OwnedFd> = vec![pipe().unwrap().1.into()];
    into.extend(
        OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .ok()
            .map(Into::into),
    );
    for into in into {
        let server = Start::new(&[]).stderr(into).run();
        strangers(&server, 3);
        serves_and_drains(&server);
    }
}

#[test]
fn lines_that_were_lost_are_counted_and_the_count_is_told() {
    let (reads, writes) = pipe().unwrap();
    let server = Start::new(&[]).stderr(writes).run();
    strangers(&server, STRANGERS);
    let mut lines = BufReader::new(reads).lines().map(Result::unwrap);
    let mut written = 0;
    // All of these wait already, and the first of them to be read makes room.
    assert!(lines.next().unwrap().contains("BadPreamble"));
    written += 1;
    server.signal(Signal::TERM);
    let told = lines.find(|line| {
        written += usize::from(line.contains("BadPreamble"));
        line.contains("lost")
    });
    let lost = STRANGERS - written;
    let told = told.expect("the count");
    assert!(
        lost > 0 && told.starts_with(&format!("{lost} log lines were lost")),
        "{told}, not {lost}"
    );
    assert_eq!(lines.next().as_deref(), Some("draining: received a signal"));
    assert_eq!(lines.next(), None);
}

#[test]
fn a_log_is_never_made_non_blocking_for_those_who_share_it() {
    let (_reads, writes) = pipe().unwrap();
    let server = Start::new(&[]).stderr(writes.try_clone().unwrap()).run();
    strangers(&server, 1);
    let flags = rustix::fs::fcntl_getfl(&writes).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
}

#[test]
fn where_it_listens_waits_for_nobody_either() {
    let (_unread, mut full) = pipe().unwrap();
    rustix::io::ioctl_fionbio(&full, true).unwrap();
    while full.write(&[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&full, false).unwrap();
    let closed: OwnedFd = pipe().unwrap().1.into();
    for stdout in [full.into(), closed] {
        let (reads, writes) = pipe().unwrap();
        let mut server = Start::new(&[]).stdout(stdout).stderr(writes).spawn();
        let mut log = BufReader::new(reads);
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("listening on ")
            .expect("where it listens");
        let (address, reason) = address.split_once(", which could not be printed").unwrap();
        assert!(reason.starts_with(" on standard output: "), "{line}");
        address.clone_into(&mut server.address);
        serves_and_drains(&server);
        log.read_to_string(&mut line).unwrap();
    }
}

/// Rust's runtime opens `/dev/null` in the place of what is closed, and a write to it succeeds.
#[test]
fn a_standard_output_that_was_closed_from_the_start_is_noticed() {
    server_program();
    for (redirection, is_lost) in [(">&-", true), (">/dev/null", false)] {
        let mut supervisor = NotifySocket::on_path();
        supervisor.patience(super::DEADLINE);
        let start = Start::new(&[]).after(&format!("exec {redirection}"));
        let mut server = start.notifies(&supervisor).spawn();
        // It is said before this.
        assert_eq!(supervisor.next_line().now(), "READY=1");
        if is_lost {
            let line = server.logs("listening on ");
            let (address, reason) = line.split_once(", which could not be printed").unwrap();
            let (_, address) = address.split_once("listening on ").unwrap();
            address.clone_into(&mut server.address);
            assert!(reason.contains("closed"), "{line}");
            serves_and_drains(&server);
        } else {
            assert_eq!(server.log(), "", "{redirection}: asked for");
        }
    }
}
