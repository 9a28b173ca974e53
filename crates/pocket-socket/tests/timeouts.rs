//! What Python's `socket` is not asked in the table: timeouts over several calls, and odd ones.
#![cfg(unix)]

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pocket_socket::{AF_UNIX, SHUT_WR, SOCK_STREAM, Socket, socketpair};

#[test]
fn a_peer_that_reads_now_and_then_cannot_stretch_sendall() {
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    a.settimeout(Some(Duration::from_millis(200))).unwrap();
    let (stop, stopped) = mpsc::channel::<()>();
    let reader = std::thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(50))
            == Err(mpsc::RecvTimeoutError::Timeout)
        {
            b.recv(65536).unwrap();
        }
    });
    // At this pace it would take 25 seconds.
    let start = Instant::now();
    let error = a.sendall(&vec![0; 32 * 1024 * 1024]).unwrap_err();
    assert_eq!(
        (error.kind(), error.raw_os_error()),
        (ErrorKind::TimedOut, None)
    );
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert!(
        start.elapsed() < Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
    drop(stop);
    reader.join().unwrap();
}

#[test]
fn the_longest_timeout_is_still_a_timeout() {
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    a.settimeout(Some(Duration::MAX)).unwrap();
    assert!(a.gettimeout().unwrap() > Duration::from_secs(500 * 365 * 24 * 3600));
    let writer = std::thread::spawn(move || b.sendall(b"hello"));
    assert_eq!(a.recv(1024).unwrap(), b"hello");
    writer.join().unwrap().unwrap();
}

#[test]
fn the_shortest_timeout_is_not_the_mode_that_never_waits() {
    let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    a.settimeout(Some(Duration::from_nanos(1))).unwrap();
    assert_eq!(a.recv(1).unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_buffer_that_cannot_be_had_is_an_error() {
    let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    assert_eq!(
        a.recv(usize::MAX).unwrap_err().kind(),
        ErrorKind::OutOfMemory
    );
}

#[test]
fn two_threads_share_a_socket_as_reader_and_writer() {
    fn shared<T: Send + Sync>(_: &T) {}
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    shared(&a);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            writeln!(&a, "hello").unwrap();
            a.shutdown(SHUT_WR).unwrap();
        });
        scope.spawn(|| assert_eq!(a.recv(1024).unwrap(), b"hello\n"));
        let mut line = String::new();
        BufReader::new(&b).read_line(&mut line).unwrap();
        b.sendall(line.as_bytes()).unwrap();
    });
}

#[test]
fn a_socket_is_a_descriptor_and_a_timeout() {
    assert!(size_of::<Socket>() <= 16);
}
