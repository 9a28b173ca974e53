//! Does the program serve the listeners that it was born with, and leave them to their owner?

use std::fs::{self, File};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scripted_peer::{
    Activation, Address, DatagramPeer, Exit, Folder, Listener, Peer, Running, Signal, Start, check,
    contains, explain, folder, line, needs, program,
};

const GIVEN: &str = "16-who-opened-this-socket.html#born-with-a-socket";
const MEANT: &str = "16-who-opened-this-socket.html#is-it-meant-for-you";
const STRANGER: &str = "16-who-opened-this-socket.html#is-it-a-listener-at-all";
const MODE: &str = "16-who-opened-this-socket.html#blocking-or-not";
const LEAVE: &str = "16-who-opened-this-socket.html#you-didnt-make-it";

/// How long no client connects.
const WATCHED: Duration = Duration::from_millis(700);
/// How long a program has to come to rest before that.
const SETTLES: Duration = Duration::from_millis(100);

/// Where the program would listen if it created its own listener.
fn own(folder: &Folder) -> PathBuf {
    folder.join("its own")
}

fn start(born_with: &Activation, folder: &Folder) -> Running {
    let program = program!().activated(born_with);
    program.arg(own(folder).display()).start()
}

/// The program, born with these listeners. It prints their addresses in order, and binds no others.
fn born(born_with: &Activation, listeners: &[&Listener]) -> Running {
    let folder = folder();
    let mut server = start(born_with, &folder);
    let lines: String = listeners
        .iter()
        .map(|listener| format!("listening on {}\n", listener.address()))
        .collect();
    let got = match server.listens_or_ends().now() {
        Start::Listens if server.address() == listeners[0].address() => String::new(),
        Start::Listens => format!("listening on {}", server.address()),
        Start::Ended(exit) => format!("it {exit}"),
    };
    let expected = format!("listening on {}", listeners[0].address());
    check(got.is_empty(), expected, got).now();
    server.prints(&lines).now();
    check(
        !own(&folder).exists(),
        "no other listeners",
        "one more, at the path in the argument",
    )
    .now();
    server
}

/// A client that connects to this listener is served.
fn is_served(listener: &Listener) -> Peer {
    let mut client = Peer::connect(listener.address());
    client.send(line("hello")).expect(line("hello")).now();
    client
}

/// A fresh listener of each kind, each alone.
fn each_kind(scene: impl Fn(Listener)) {
    scene(Listener::tcp());
    scene(Listener::on_path());
}

#[test]
fn serves_what_it_was_given() {
    if !needs::linux() {
        return;
    }
    explain(
        "Your program was started with a listener as descriptor 3 (LISTEN_FDS and LISTEN_PID say \
         so), and it did not print that listener's address or did not serve a client there. \
         Another process has opened and bound this listener, so don't bind anything yourself. \
         Print the listener's address, and serve the clients that connect there, over TCP or at a \
         path.",
        GIVEN,
    );
    each_kind(|listener| {
        // This client connects before the program starts.
        let mut early = Peer::connect(listener.address());
        early.send(line("I was early"));
        let _server = born(&Activation::new().listener("web", &listener), &[&listener]);
        early.expect(line("I was early")).now();
        let mut silent = Peer::connect(listener.address());
        is_served(&listener);
        silent.send(line("at last")).expect(line("at last")).now();
    });
}

#[test]
fn over_ipv6_too() {
    if !needs::linux() || !needs::ipv6() {
        return;
    }
    explain(
        "Your program was given an IPv6 listener, and it did not print that listener's address or \
         did not serve a client there. A listener over IPv6 is a TCP listener too. Print the \
         address with brackets, as in [::1]:7878.",
        GIVEN,
    );
    let listener = Listener::tcp_v6();
    let _server = born(&Activation::new().listener("web", &listener), &[&listener]);
    is_served(&listener);
}

#[test]
fn all_of_them() {
    if !needs::linux() {
        return;
    }
    explain(
        "Your program was given several listeners, and it did not serve all of them. LISTEN_FDS \
         says how many there are, starting at descriptor 3. Serve all of them at the same time, \
         and print a line for each, in that order.",
        GIVEN,
    );
    let listeners = [Listener::on_path(), Listener::tcp(), Listener::on_path()];
    let [local, web, admin] = &listeners;
    let born_with = Activation::new()
        .listener("local", local)
        .listener("web", web)
        .listener("admin", admin);
    let server = born(&born_with, &[local, web, admin]);
    let _silent: Vec<Peer> = listeners
        .iter()
        .map(|listener| Peer::connect(listener.address()))
        .collect();
    for listener in &listeners {
        is_served(listener);
    }
    let lines = server.stdout().lines().count();
    check(
        lines == 3,
        "three lines on standard output",
        server.stdout(),
    )
    .now();
}

/// The program listens by itself because it was given nothing, and removes what it created.
fn listens_by_itself(mut server: Running, signal: Signal) {
    let listens = server.listens_or_ends().now() == Start::Listens;
    check(listens, "it to listen on its argument", "it ended").now();
    let mut client = server.connect();
    client.send(line("hello")).expect(line("hello")).now();
    let lines = server.stdout().lines().count();
    check(lines == 1, "one line on standard output", server.stdout()).now();
    ends_on(&server, signal);
    if let Address::Unix(path) = server.address() {
        check(
            !path.exists(),
            "nothing at its path",
            "a socket file that nothing is listening on",
        )
        .or_explain(
            "Your program has exited, and the socket file that it created itself is still there. \
             Remove that file at the end. (The file of a listener that you were given is \
             different: it belongs to someone else.)",
            LEAVE,
        );
    }
}

#[test]
fn listens_by_itself_otherwise() {
    explain(
        "Your program was started without a listener, and it did not listen on the address in its \
         argument, serve a client there, and exit with code 0. In this case, create your own \
         listener on that address, and run as you would without a supervisor.",
        GIVEN,
    );
    let folder = folder();
    let by_hand = |address: &str| program!().arg(address).start();
    listens_by_itself(by_hand("127.0.0.1:0"), Signal::TERM);
    let path = own(&folder).display().to_string();
    listens_by_itself(by_hand(&path), Signal::INT);
    let nothing = Activation::new();
    listens_by_itself(start(&nothing, &folder), Signal::TERM);
}

#[test]
fn not_meant_for_you() {
    if !needs::linux() {
        return;
    }
    explain(
        "LISTEN_PID names another process, but your program did not fall back to the address in \
         its argument. Environment variables are inherited, and these were probably meant for the \
         process that started yours. Compare the PID: if it isn't yours, your program was not \
         given any listener, and that is not an error.",
        MEANT,
    );
    let (listener, folder) = (Listener::on_path(), folder());
    // Process 1 exists and isn't the program. The other one is the check, which started it.
    for pid in [1, std::process::id()] {
        let another = Activation::new().listener("web", &listener).for_pid(pid);
        let mut server = start(&another, &folder);
        let listens = server.listens_or_ends().now() == Start::Listens;
        let got = if listens {
            format!("listening on {}", server.address())
        } else {
            "it ended".to_owned()
        };
        let expected = format!("listening on {}", own(&folder).display());
        check(got == expected, expected, got).now();
        listens_by_itself(server, Signal::TERM);
    }
}

/// The program ends on a signal, with exit code 0.
fn ends_on(server: &Running, signal: Signal) {
    server.signal(signal).exits_with(0).or_explain(
        "Your program got SIGTERM or SIGINT, but it did not exit with code 0. It has to do so from \
         the moment it prints `listening on`, no matter where its listener came from. Start \
         catching both signals before you print that line.",
        LEAVE,
    );
}

/// Which file is at a path, and with which mode.
fn identity(path: &Path) -> Option<(u64, u64, u32)> {
    let file = fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino(), file.mode()))
}

#[test]
fn leaves_the_path_and_the_socket() {
    if !needs::linux() {
        return;
    }
    each_kind(|listener| {
        explain(
            "Your program was given its listener, but it did not serve a client on it. Serve \
             clients on the listener that you were given.",
            LEAVE,
        );
        let before = match listener.address() {
            Address::Unix(path) => identity(path),
            Address::Tcp(_) => None,
        };
        let born_with = Activation::new().listener("web", &listener);
        for signal in [Signal::TERM, Signal::INT] {
            let server = born(&born_with, &[&listener]);
            drop(is_served(&listener));
            ends_on(&server, signal);
            if let Address::Unix(path) = listener.address() {
                let now = identity(path);
                let got = if now.is_none() {
                    "nothing"
                } else {
                    "a different file, or a different mode"
                };
                check(now == before, "the socket file, unchanged", got).or_explain(
                    "Your program removed, replaced, or changed a socket file that it did not \
                     create. Leave that file as it is. Your supervisor is still listening there \
                     for the next run of your program, and without the file no client can connect.",
                    LEAVE,
                );
            }
            let client = Peer::try_connect(listener.address());
            client.or_explain(
                "The check also holds this listener, as a supervisor does, and now its clients are \
                 refused, because your program has shut the listener down. close() closes only \
                 your copy, but shutdown() affects every process that has the listener. Don't call \
                 shutdown() on it.",
                LEAVE,
            );
            listener.try_accept().or_explain(
                "The check also holds this listener, as a supervisor does, and now accept() fails, \
                 because your program has shut the listener down. close() closes only your copy, \
                 but shutdown() affects every process that has the listener. Don't call shutdown() \
                 on it.",
                LEAVE,
            );
        }
        leaves_what_is_at_its_argument(&born_with, &listener);
        explain(
            "A client connected after your program had exited, and waited in the accept queue of \
             the listener, which the check still holds. The next run of your program did not serve \
             that client. Accept the clients that are already waiting in the queue.",
            LEAVE,
        );
        let mut between = Peer::connect(listener.address());
        between.send(line("between two runs"));
        let _again = born(&born_with, &[&listener]);
        between.expect(line("between two runs")).now();
    });
}

/// There is already a file at the path in the argument. It does not belong to the program.
fn leaves_what_is_at_its_argument(born_with: &Activation, listener: &Listener) {
    explain(
        "Your program was given a listener, but it used the path in its argument. Don't bind that \
         path, and don't remove the file there: remove only files that your program has created.",
        LEAVE,
    );
    let folder = folder();
    let path = own(&folder);
    fs::write(&path, "Dear diary").expect("the folder is fresh");
    let mut server = start(born_with, &folder);
    let listens = server.listens_or_ends().now() == Start::Listens;
    check(listens, "it to serve its listener", "it ended").now();
    drop(is_served(listener));
    ends_on(&server, Signal::TERM);
    let left = fs::read(&path).is_ok_and(|bytes| bytes == b"Dear diary");
    check(
        left,
        "the file at its argument, unchanged",
        "it is gone, or different",
    )
    .now();
}

fn complains_of_nothing(server: &Running) {
    let told = server.stderr();
    let first = told.lines().next().unwrap_or_default();
    check(told.is_empty(), "nothing on standard error", first).now();
}

/// While no client connects, the program does not check for one.
fn sleeps(server: &Running, client: &mut Peer) {
    // A runtime with several threads may need a moment before all of them sleep.
    client.pause(SETTLES);
    let before = server.figures().switches;
    client.pause(WATCHED);
    let wakes = server.figures().switches.saturating_sub(before);
    let got = format!("{wakes} wakes while no client connected for {WATCHED:?}");
    check(
        wakes <= 3,
        "a program that sleeps until a client connects",
        got,
    )
    .or_explain(
        "No client is connecting, but your program keeps waking up to check for one, because \
         accept() doesn't wait on a non-blocking listener. Sleep in a call that returns when a \
         client connects: accept() in blocking mode, or poll().",
        MODE,
    );
}

#[test]
fn blocking_or_not() {
    if !needs::linux() {
        return;
    }
    for non_blocking in [false, true] {
        let sentence = if non_blocking {
            "Your program was given a non-blocking listener, and it did not serve its clients, or \
             it burned CPU time or printed an error. The mode belongs to the open socket, and the \
             process that opened it has chosen the mode. Set the mode that you need before you \
             accept."
        } else {
            "Your program was given a blocking listener, and it did not serve its clients, or it \
             burned CPU time or printed an error. The mode belongs to the open socket, and the \
             process that opened it has chosen the mode. Set the mode that you need before you \
             accept."
        };
        explain(sentence, MODE);
        each_kind(|listener| {
            let mut born_with = Activation::new().listener("web", &listener);
            if non_blocking {
                born_with = born_with.non_blocking();
            }
            let server = born(&born_with, &[&listener]);
            // In an event loop, a blocking accept() would keep this client waiting.
            let mut first = is_served(&listener);
            server.expect_idle().now();
            complains_of_nothing(&server);
            if non_blocking {
                sleeps(&server, &mut first);
            }
            first
                .send(line("still here"))
                .expect(line("still here"))
                .now();
            is_served(&listener);
            complains_of_nothing(&server);
            ends_on(&server, Signal::TERM);
        });
    }
}

/// The program ends with exit code 2, and names descriptor `number` in one line.
fn is_refused(what: &str, born_with: &Activation, number: u32) {
    let folder = folder();
    let mut program = start(born_with, &folder);
    let got = match program.listens_or_ends().now() {
        Start::Ended(Exit::Code(2)) => String::new(),
        Start::Ended(exit) => format!("it {exit}"),
        Start::Listens => format!("{:?}", program.stdout().trim_end()),
    };
    let expected = format!("exit code 2: descriptor {number} is {what}");
    check(got.is_empty(), expected, got).now();
    let told = contains(number.to_string());
    let sentence = "Your program was given a descriptor that it can't use, and it didn't report \
                    that correctly. Print exactly one line on standard error that includes the \
                    descriptor number, so that whoever started the program can fix it.";
    let output = program.ends().stderr(told);
    output.or_explain(sentence, STRANGER);
    let lines = program.stderr().lines().count();
    let got = format!("{lines} lines");
    check(lines == 1, "one line on standard error", got).or_explain(sentence, STRANGER);
}

#[test]
fn a_stranger_at_3_is_refused() {
    if !needs::linux() {
        return;
    }
    explain(
        "Your program was given a descriptor that is not a listener, and it did not exit with code \
         2. Before you serve any of the descriptors, check that each one is a listening stream \
         socket, TCP or Unix. If one is not, name it in one line on standard error and end with \
         exit code 2. Don't listen on another address instead: the clients are waiting at the \
         intended address.",
        STRANGER,
    );
    let folder = folder();
    let path = folder.join("diary");
    fs::write(&path, "Dear diary").expect("the folder is fresh");
    let file = File::open(&path).expect("it is there");
    let (unix, _other) = UnixStream::pair().expect("two sockets");
    let listener = Listener::tcp();
    let tcp = TcpStream::connect(listener.address().to_string()).expect("it listens");
    let at_3 = |what: &str, descriptor: BorrowedFd<'_>| {
        let given = Activation::new().stranger("web", &descriptor);
        is_refused(what, &given, 3);
    };
    at_3("a regular file", file.as_fd());
    at_3("a datagram socket", DatagramPeer::on_path().as_fd());
    at_3("a connection at a path", unix.as_fd());
    at_3("a TCP connection", tcp.as_fd());
    at_3(
        "a socket that is not listening",
        Listener::refusing().as_fd(),
    );
    let one_of_two = Activation::new()
        .listener("web", &listener)
        .stranger("local", &unix);
    is_refused("a connection at a path", &one_of_two, 4);
    let one_is_missing = Activation::new().listener("web", &listener).counted_as(2);
    is_refused("not open", &one_is_missing, 4);
}
