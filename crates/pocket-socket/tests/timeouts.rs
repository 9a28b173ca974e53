//! What Python's `socket` is not asked in the table: timeouts over several calls, and odd ones.
#![cfg(unix)]

use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pocket_socket::{
    AF_UNIX, CMSG_LEN, CMSG_SPACE, SHUT_WR, SO_LINGER, SO_RCVBUF, SO_SNDBUF, SOCK_STREAM,
    SOL_SOCKET, Socket, recv_fds, socketpair,
};

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

/// Python hangs here: it asks once whether there is room, and then the call sends all.
#[test]
fn a_large_sendall_ends_in_time_though_a_copy_is_set_to_block() {
    let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    a.settimeout(Some(Duration::from_millis(50))).unwrap();
    a.dup().unwrap().setblocking(true).unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(a.sendall(&vec![0; 32 * 1024 * 1024])));
    let outcome = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut);
}

/// Python hangs here too.
#[test]
fn what_never_waits_goes_on_so_though_a_copy_is_set_to_block() {
    let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    a.setblocking(false).unwrap();
    a.dup().unwrap().setblocking(true).unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(a.recv(1)));
    let outcome = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn what_is_received_takes_no_more_memory_than_it_needs() {
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    let send = || a.sendall(b"hello").unwrap();
    send();
    assert_eq!(b.recv(65536).unwrap().capacity(), 5);
    send();
    assert_eq!(b.recvfrom(65536).unwrap().0.capacity(), 5);
    send();
    assert_eq!(b.recvmsg(65536, 0).unwrap().0.capacity(), 5);
    send();
    assert_eq!(recv_fds(&b, 65536, 1).unwrap().data.capacity(), 5);
}

#[test]
fn more_room_than_there_can_be_is_an_error() {
    let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    for maxfds in [usize::MAX, usize::MAX / 4, 1 << 62, 1_000_000_000_000] {
        let error = recv_fds(&a, 10, maxfds).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{maxfds}");
    }
    let error = a.recvmsg(usize::MAX, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    let error = a.recvmsg(1, usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(CMSG_SPACE(usize::MAX), usize::MAX);
    assert_eq!(CMSG_LEN(usize::MAX), usize::MAX);
}

#[test]
fn a_number_that_the_system_cannot_count_is_not_cut() {
    let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    let invalid = |outcome: std::io::Result<()>| {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidInput);
    };
    let seconds = Some(Duration::from_secs(1 << 32)); // cut, it would be 0, which resets
    invalid(a.setsockopt(SOL_SOCKET, SO_LINGER, seconds));
    invalid(a.setsockopt(SOL_SOCKET, SO_RCVBUF, (1 << 32) + 4096));
    invalid(a.setsockopt(SOL_SOCKET, SO_SNDBUF, 1 << 31));
    assert_eq!(a.getsockopt(SOL_SOCKET, SO_LINGER).unwrap(), None);
}

#[test]
fn a_socket_that_is_given_away_reads_and_writes() {
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    let mut writer = BufWriter::new(a);
    writeln!(writer, "hello").unwrap();
    drop(writer);
    let mut lines = BufReader::new(b).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "hello");
    assert!(lines.next().is_none());
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
