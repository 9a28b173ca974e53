//! One call is one system call, and it is the one that the documentation names: `strace` shows.
#![cfg(target_os = "linux")]

use std::io;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use pocket_socket::*;

mod skipped;

/// Runs this program's `makes_every_call` under `strace`, and reads what it did.
#[test]
fn each_call_is_the_system_call_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("strace");
    let calls = "trace=%network,openat,close,fcntl,ioctl,poll,ppoll,dup,dup3";
    let strace = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-s",
            "200",
            "-e",
            calls,
            "-e",
            "signal=none",
            "-o",
        ])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "makes_every_call",
            "--test-threads=1",
            "--nocapture",
        ])
        .output();
    match strace {
        Err(_) => return skipped::skipped("strace is not installed: system calls not counted"),
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("PTRACE") => {
            return skipped::skipped("strace may not trace here: system calls not counted");
        }
        Ok(output) => assert!(output.status.success(), "{output:?}"),
    }
    let compared = compare_all(&std::fs::read_to_string(log).unwrap());
    assert!(compared >= 90, "only {compared} calls");
}

fn compare_all(log: &str) -> usize {
    let mut expected: Option<String> = None;
    let mut made = Vec::new();
    let mut compared = 0;
    let mut differences = String::new();
    for line in log.lines() {
        // The process's number comes first; the results stand in a column.
        let call = line
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ");
        let Some(mark) = marked(&call) else {
            made.push(call);
            continue;
        };
        match expected.take() {
            Some(expected) if mark == "done" => {
                compared += 1;
                if !alike(&expected, &made) {
                    differences += &format!("expected {expected}\nstrace   {made:#?}\n");
                }
            }
            _ => expected = Some(mark.to_owned()),
        }
        made.clear();
    }
    assert!(differences.is_empty(), "{differences}");
    compared
}

/// Of each system call the parts that are named, in their order; `..` is anything.
fn alike(expected: &str, made: &[String]) -> bool {
    let expected: Vec<&str> = expected
        .split(" + ")
        .filter(|call| *call != "nothing")
        .collect();
    let named = |(call, made): (&&str, &String)| {
        let mut rest = made.as_str();
        call.split("..").all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    };
    expected.len() == made.len() && expected.iter().zip(made).all(named)
}

/// A system call that only carries a text into the log.
fn mark(text: &str) {
    assert!(std::fs::File::open(format!("/no/such/file/{text}")).is_err());
}

fn marked(call: &str) -> Option<&str> {
    call.strip_prefix("openat(AT_FDCWD, \"/no/such/file/")?
        .split('"')
        .next()
}

/// Makes one call, between two marks: the first says what it must be.
fn is<T>(expected: &str, call: impl FnOnce() -> io::Result<T>) -> T {
    mark(expected);
    let outcome = call();
    mark("done");
    outcome.expect(expected)
}

fn fails<T>(expected: &str, kind: io::ErrorKind, call: impl FnOnce() -> io::Result<T>) {
    mark(expected);
    let outcome = call();
    mark("done");
    let error = outcome.err().expect(expected);
    assert_eq!(error.kind(), kind, "{expected}");
}

#[test]
fn makes_every_call() {
    let (client, conn) = makes_the_calls_of_a_server();
    sends_and_receives(&client, &conn);
    waits(&client, &conn);
    sets_options(&client);
    uses_datagrams();
    sends_descriptors();
    is("shutdown(..SHUT_RD) = 0", || client.shutdown(SHUT_RD));
    is("shutdown(..SHUT_WR) = 0", || client.shutdown(SHUT_WR));
    is("shutdown(..SHUT_RDWR) = 0", || conn.shutdown(SHUT_RDWR));
    is("close(..) = 0", || client.close());
    // std looks first whether the descriptor is open, in debug builds.
    let dropped = if cfg!(debug_assertions) {
        "fcntl(..F_GETFD) + close("
    } else {
        "close("
    };
    is(dropped, || {
        drop(conn);
        Ok(())
    });
}

fn makes_the_calls_of_a_server() -> (Socket, Socket) {
    let server = is("socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, ..) = ", || {
        socket(AF_INET, SOCK_STREAM)
    });
    is("bind(..AF_INET..127.0.0.1..) = 0", || {
        server.bind(("127.0.0.1", 0))
    });
    is("listen(..7) = 0", || server.listen(7));
    is(
        "socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP) = ",
        || socket_with(AF_INET, SOCK_DGRAM, IPPROTO_UDP).map(std::mem::forget),
    );
    is("socket(..SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, ", || {
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK).map(std::mem::forget)
    });
    let address = is("getsockname(..) = 0", || server.getsockname());
    let client = socket(AF_INET, SOCK_STREAM).unwrap();
    is("connect(..) = 0", || client.connect(&address));
    let (conn, _) = is("accept4(..SOCK_CLOEXEC) = ", || server.accept());
    is("getpeername(..) = 0", || conn.getpeername());
    is("nothing", || conn.family());
    let foreign = Socket::from(std::os::fd::OwnedFd::from(conn.dup().unwrap()));
    is("getsockname(..) = 0", || foreign.family());
    let copy = is("fcntl(..F_DUPFD_CLOEXEC..) = ", || conn.dup());
    is("nothing", || {
        Ok((copy.fileno(), copy.gettimeout(), copy.getblocking()))
    });
    is(
        "socketpair(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC..) = 0",
        || socketpair(AF_UNIX, SOCK_SEQPACKET).map(std::mem::forget),
    );
    is(
        "socket( + setsockopt(..SO_REUSEADDR, [1] + bind( + listen(..128)",
        || create_server(("127.0.0.1", 0)).map(std::mem::forget),
    );
    is("socket( + connect(", || {
        create_connection(&address, None).map(std::mem::forget)
    });
    is("socket( + bind(..127.0.0.1.. + connect(", || {
        create_connection_with(&address, None, ("127.0.0.1", 0)).map(std::mem::forget)
    });
    (client, conn)
}

fn sends_and_receives(client: &Socket, conn: &Socket) {
    is("sendto(..hello..MSG_NOSIGNAL, NULL, 0) = 5", || {
        client.send(b"hello")
    });
    is("sendto(..!..MSG_OOB|MSG_NOSIGNAL, NULL, 0) = 1", || {
        client.send_with(b"!", MSG_OOB)
    });
    is("sendto(..MSG_NOSIGNAL, NULL, 0) = 9", || {
        client.sendall(b"all of it")
    });
    is("recvfrom(..he..2, 0, NULL, NULL) = 2", || conn.recv(2));
    is("recvfrom(..l..1, MSG_PEEK, NULL, NULL) = 1", || {
        conn.recv_with(1, MSG_PEEK)
    });
    is("recvfrom(..llo..3, 0, NULL, NULL) = 3", || {
        conn.recv_into(&mut [0; 3])
    });
    is("nothing", || conn.recv(0));
    is("recvfrom(..= 9", || conn.recv(1024));
    is("sendto(..MSG_DONTWAIT|MSG_NOSIGNAL, NULL, 0) = 1", || {
        client.sendall_with(b"!", MSG_DONTWAIT)
    });
    is("recvfrom(..MSG_PEEK, NULL, NULL) = 1", || {
        conn.recv_into_with(&mut [0; 1], MSG_PEEK)
    });
    is("recvfrom(..= 1", || conn.recv(1024));
    is("recvfrom(..MSG_DONTWAIT..= -1 EAGAIN", || {
        conn.recv_with(1, MSG_DONTWAIT).or_else(|_| Ok(Vec::new()))
    });
}

/// A timeout costs a send or receive nothing where there is something to do, and `poll` where there
/// isn't; `accept` always `poll`.
fn waits(client: &Socket, conn: &Socket) {
    let time = Some(Duration::from_millis(10));
    is("ioctl(..FIONBIO, [1]) = 0", || conn.settimeout(time));
    is("sendto(..MSG_DONTWAIT|MSG_NOSIGNAL..= 5", || {
        conn.send(b"hello")
    });
    is("recvfrom(..0, NULL, NULL) = 5", || client.recv(1024));
    let timed_out = io::ErrorKind::TimedOut;
    fails(
        "recvfrom(..MSG_DONTWAIT..EAGAIN + poll(..POLLIN..Timeout",
        timed_out,
        || conn.recv(1024),
    );
    is("sendto(", || client.send(b"hello"));
    is("recvfrom(..MSG_DONTWAIT..= 5", || conn.recv(1024));
    is("ioctl(..FIONBIO, [1]) = 0", || conn.setblocking(false));
    fails("recvfrom(..EAGAIN", io::ErrorKind::WouldBlock, || {
        conn.recv(1024)
    });
    is("ioctl(..FIONBIO, [0]) = 0", || conn.settimeout(None));
    accepts_in_time();
    let server = create_server(("127.0.0.1", 0)).unwrap();
    let waiting = socket(AF_INET, SOCK_STREAM).unwrap();
    waiting.settimeout(Some(Duration::from_secs(60))).unwrap();
    let address = server.getsockname().unwrap();
    is(
        "connect(..EINPROGRESS + poll(..POLLOUT + getsockopt(..SO_ERROR, [0]",
        || waiting.connect(address),
    );
}

fn accepts_in_time() {
    let server = create_server(("127.0.0.1", 0)).unwrap();
    server.settimeout(Some(Duration::from_millis(10))).unwrap();
    let timed_out = io::ErrorKind::TimedOut;
    fails("poll(..POLLIN..Timeout", timed_out, || server.accept());
    server.settimeout(Some(Duration::from_secs(60))).unwrap();
    let _client = create_connection(server.getsockname().unwrap(), None).unwrap();
    is("poll(..POLLIN + accept4(..SOCK_CLOEXEC) = ", || {
        server.accept()
    });
    server.setblocking(false).unwrap();
    let would_block = io::ErrorKind::WouldBlock;
    fails("accept4(..EAGAIN", would_block, || server.accept());
}

fn sets_options(s: &Socket) {
    /// The constant's own name must be the one that `strace` gives the number.
    macro_rules! options {
        ($($level:ident $name:ident $value:expr,)*) => {$(
            // The level's number, 6, is SOL_TCP there.
            let level = if stringify!($level) == "IPPROTO_TCP" { "SOL_TCP" } else { "SOL_SOCKET" };
            let name = stringify!($name);
            is(&format!("setsockopt(..{level}, {name}, "), || s.setsockopt($level, $name, $value));
            is(&format!("getsockopt(..{level}, {name}, "), || s.getsockopt($level, $name));
        )*};
    }
    let second = Some(Duration::from_secs(1));
    options! {
        SOL_SOCKET SO_REUSEADDR true,
        SOL_SOCKET SO_REUSEPORT true,
        SOL_SOCKET SO_KEEPALIVE true,
        SOL_SOCKET SO_BROADCAST true,
        SOL_SOCKET SO_OOBINLINE true,
        SOL_SOCKET SO_LINGER None,
        SOL_SOCKET SO_RCVBUF 8192,
        SOL_SOCKET SO_SNDBUF 8192,
        IPPROTO_TCP TCP_NODELAY true,
        IPPROTO_TCP TCP_KEEPIDLE Duration::from_secs(1),
        IPPROTO_TCP TCP_KEEPINTVL Duration::from_secs(1),
        IPPROTO_TCP TCP_KEEPCNT 3,
        IPPROTO_TCP TCP_USER_TIMEOUT 1000,
        IPPROTO_TCP TCP_CORK false,
        IPPROTO_TCP TCP_QUICKACK true,
    }
    // `strace` has names of its own for some of these: SO_RCVTIMEO_OLD.
    is("setsockopt(..SOL_SOCKET, SO_RCVTIMEO", || {
        s.setsockopt(SOL_SOCKET, SO_RCVTIMEO, second)
    });
    is("getsockopt(..SOL_SOCKET, SO_RCVTIMEO", || {
        s.getsockopt(SOL_SOCKET, SO_RCVTIMEO)
    });
    is("setsockopt(..SOL_SOCKET, SO_SNDTIMEO", || {
        s.setsockopt(SOL_SOCKET, SO_SNDTIMEO, second)
    });
    is("getsockopt(..SOL_SOCKET, SO_SNDTIMEO", || {
        s.getsockopt(SOL_SOCKET, SO_SNDTIMEO)
    });
    is("getsockopt(..TCP_MAXSEG", || {
        s.getsockopt(IPPROTO_TCP, TCP_MAXSEG)
    });
    is("setsockopt(..IP_TTL, [9]", || {
        s.setsockopt(IPPROTO_IP, IP_TTL, 9)
    });
    is("getsockopt(..IP_TTL, [9]", || {
        s.getsockopt(IPPROTO_IP, IP_TTL)
    });
    is("getsockopt(..SOL_SOCKET, SO_ERROR, [0]", || {
        s.getsockopt(SOL_SOCKET, SO_ERROR)
    });
    is("getsockopt(..SOL_SOCKET, SO_TYPE, [1]", || {
        s.getsockopt(SOL_SOCKET, SO_TYPE)
    });
    is("getsockopt(..SO_ACCEPTCONN, [0]", || {
        s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN)
    });
    is("getsockopt(..SO_DOMAIN, [2]", || {
        s.getsockopt(SOL_SOCKET, SO_DOMAIN)
    });
    is("getsockopt(..SO_PROTOCOL, [6]", || {
        s.getsockopt(SOL_SOCKET, SO_PROTOCOL)
    });
    let (unix, _other) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    is("setsockopt(..SO_PASSCRED, [1]", || {
        unix.setsockopt(SOL_SOCKET, SO_PASSCRED, true)
    });
    is("getsockopt(..SO_PASSCRED, [1]", || {
        unix.getsockopt(SOL_SOCKET, SO_PASSCRED)
    });
    is("getsockopt(..SO_PEERCRED, ", || {
        unix.getsockopt(SOL_SOCKET, SO_PEERCRED)
    });
}

fn uses_datagrams() {
    let (a, b) = (
        socket(AF_INET, SOCK_DGRAM).unwrap(),
        socket(AF_INET, SOCK_DGRAM).unwrap(),
    );
    b.bind(("127.0.0.1", 0)).unwrap();
    let address = b.getsockname().unwrap();
    is("sendto(..hello..MSG_NOSIGNAL..127.0.0.1..= 5", || {
        a.sendto(b"hello", &address)
    });
    is("recvfrom(..hello..127.0.0.1..= 5", || b.recvfrom(1024));
    is("sendmsg(..127.0.0.1..he..llo..MSG_NOSIGNAL) = 5", || {
        a.sendmsg_to(&[b"he", b"llo"], &[], MsgFlag::none(), &address)
    });
    is("recvmsg(..127.0.0.1..hello..MSG_CMSG_CLOEXEC) = 5", || {
        b.recvmsg(1024, 0)
    });
    is(
        "sendto(..hello..MSG_DONTWAIT|MSG_NOSIGNAL..127.0.0.1..= 5",
        || a.sendto_with(b"hello", MSG_DONTWAIT, &address),
    );
    is("recvfrom(..hello..MSG_PEEK..127.0.0.1..= 5", || {
        b.recvfrom_with(1024, MSG_PEEK)
    });
    is("recvfrom(..hello..127.0.0.1..= 5", || {
        b.recvfrom_into(&mut [0; 1024])
    });
    is("connect(..127.0.0.1..= 0", || a.connect_ex(&address));
}

fn sends_descriptors() {
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    is("sendmsg(..SCM_RIGHTS..MSG_NOSIGNAL) = 1", || {
        send_fds(&a, &[b"x"], &[a.as_fd()])
    });
    is("recvmsg(..SCM_RIGHTS..MSG_CMSG_CLOEXEC) = 1", || {
        recv_fds(&b, 10, 1).map(std::mem::forget)
    });
    is("sendmsg(..he..llo..SCM_RIGHTS..MSG_NOSIGNAL) = 5", || {
        a.sendmsg(&[b"he", b"llo"], &[SendAncillary::ScmRights(&[a.as_fd()])])
    });
    is("recvmsg(..hello..SCM_RIGHTS..MSG_CMSG_CLOEXEC) = 5", || {
        b.recvmsg_into(&mut [&mut [0; 10]], CMSG_SPACE(4))
            .map(std::mem::forget)
    });
}
