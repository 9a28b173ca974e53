//! Does the program serve what it was born with, and leave it to whoever made it?

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

/// How long no client comes.
const WATCHED: Duration = Duration::from_millis(700);

/// Where a program would listen that makes a listener of its own.
fn own(folder: &Folder) -> PathBuf {
    folder.join("its own")
}

fn start(born_with: &Activation, folder: &Folder) -> Running {
    let program = program!().activated(born_with);
    program.arg(own(folder).display()).start()
}

/// The program, born with these listeners: it says so, in their order, and makes none of its own.
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
        "no listener but those",
        "one more, at the argument",
    )
    .now();
    server
}

/// Somebody who comes to this listener is served.
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
        "Your program was started with a listener as descriptor 3; LISTEN_FDS and LISTEN_PID say \
         so. Somebody else has opened it, so there is nothing to bind. Print the address that it \
         has, and serve the clients that connect there, over TCP or at a path.",
        GIVEN,
    );
    each_kind(|listener| {
        // It came before the program was there.
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
        "Your program was given a listener over IPv6: that is TCP too. Its address is written with \
         brackets, [::1]:7878.",
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
        "LISTEN_FDS says how many listeners there are, and from descriptor 3 on all of them are \
         yours. Serve them side by side, and print a line for each, in this order.",
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

/// It listens because nobody gave it anything, and takes along what it made.
fn listens_by_itself(mut server: Running, signal: Signal) {
    let listens = server.listens_or_ends().now() == Start::Listens;
    check(listens, "it to listen at its argument", "it ended").now();
    let mut client = server.connect();
    client.send(line("hello")).expect(line("hello")).now();
    let lines = server.stdout().lines().count();
    check(lines == 1, "one line on standard output", server.stdout()).now();
    ends_on(&server, signal);
    if let Address::Unix(path) = server.address() {
        check(
            !path.exists(),
            "nothing at its path",
            "a socket that nobody listens on",
        )
        .or_explain(
            "Your program has made this path itself, so it is yours to remove. Only a listener \
             that you were given belongs to somebody else.",
            LEAVE,
        );
    }
}

#[test]
fn listens_by_itself_otherwise() {
    explain(
        "Nobody gave your program a listener. Started by hand, it must listen at the address in \
         its argument, serve, and end with exit code 0 on SIGTERM and SIGINT.",
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
        "LISTEN_PID names another process. Environment variables are inherited, and these were \
         probably meant for the program that started yours. Compare the pid: if it isn't yours, \
         your program was not given any listener. That is not an error: listen at the address in \
         the argument.",
        MEANT,
    );
    let (listener, folder) = (Listener::on_path(), folder());
    // Process 1 lives, and is not the program; the other one is the check, which started it.
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

/// Told to, it ends, and nothing went wrong.
fn ends_on(server: &Running, signal: Signal) {
    server.signal(signal).exits_with(0).or_explain(
        "Your program was told to end, by SIGTERM or SIGINT, and has to end with exit code 0: from \
         the moment on at which it prints `listening on`, wherever its listener comes from. So \
         catch both before you print.",
        LEAVE,
    );
}

/// What is at a path, and what may be done there.
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
        explain("Your program was given its listener, and serves it.", LEAVE);
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
                    "another one, or another mode"
                };
                check(now == before, "the socket's file, as it was given", got).or_explain(
                    "You did not make that file, so don't remove, replace or change it. Your \
                     supervisor still listens there for your next run, and without the file no \
                     client finds it.",
                    LEAVE,
                );
            }
            let client = Peer::try_connect(listener.address());
            client.or_explain(
                "The check holds this listener too, as a supervisor does, and now its clients are \
                 refused: your program has shut it down. close() ends only your copy, shutdown() \
                 ends everybody's.",
                LEAVE,
            );
            listener.try_accept().or_explain(
                "The check holds this listener too, as a supervisor does, and now accept() fails: \
                 your program has shut it down. close() ends only your copy, shutdown() ends \
                 everybody's.",
                LEAVE,
            );
        }
        leaves_what_is_at_its_argument(&born_with, &listener);
        explain(
            "A client came after your program had ended, and waited in the queue of the listener, \
             which the check still holds. The next run of your program must serve it.",
            LEAVE,
        );
        let mut between = Peer::connect(listener.address());
        between.send(line("between two runs"));
        let _again = born(&born_with, &[&listener]);
        between.expect(line("between two runs")).now();
    });
}

/// The argument is a path where something is already: it is not the program's.
fn leaves_what_is_at_its_argument(born_with: &Activation, listener: &Listener) {
    explain(
        "Your program was given a listener, so it does not use the path in its argument. Remove \
         only files that you have made.",
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
        "the file at its argument, as it was",
        "it is gone, or another",
    )
    .now();
}

fn complains_of_nothing(server: &Running) {
    let told = server.stderr();
    let first = told.lines().next().unwrap_or_default();
    check(told.is_empty(), "nothing on standard error", first).now();
}

/// While no client comes, it does not look for one.
fn sleeps(server: &Running, client: &mut Peer) {
    let before = server.figures().switches;
    client.pause(WATCHED);
    let wakes = server.figures().switches.saturating_sub(before);
    let got = format!("{wakes} wakes while no client came for {WATCHED:?}");
    check(wakes <= 1, "a program that sleeps until one comes", got).or_explain(
        "No client comes, and your program wakes up again and again to look for one: accept() does \
         not wait at a non-blocking listener. Sleep in a call that the next client ends: accept() \
         in blocking mode, or poll().",
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
            "Your program was given a non-blocking listener. The mode belongs to the open socket, \
             and its maker chose it: set the mode that you need before you accept."
        } else {
            "Your program was given a blocking listener. The mode belongs to the open socket, and \
             its maker chose it: set the mode that you need before you accept."
        };
        explain(sentence, MODE);
        each_kind(|listener| {
            let mut born_with = Activation::new().listener("web", &listener);
            if non_blocking {
                born_with = born_with.non_blocking();
            }
            let server = born(&born_with, &[&listener]);
            // In a loop of readiness, an accept() that blocks would keep this one waiting.
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

/// It ends with exit code 2, and tells of descriptor `number` in one line.
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
    let sentence = "Print one line on standard error that says which descriptor is wrong, by its \
                    number, so that the person who started the program can correct it.";
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
        "A descriptor can be anything that somebody put there. Before you serve any of them, check \
         that each is a stream socket, TCP or Unix, that listens. If one is not, name it in one \
         line on standard error and end with exit code 2. Don't listen elsewhere instead: clients \
         wait at the address that was meant.",
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
    at_3("a socket of datagrams", DatagramPeer::on_path().as_fd());
    at_3("a connection at a path", unix.as_fd());
    at_3("a TCP connection", tcp.as_fd());
    at_3(
        "a socket that does not listen",
        Listener::refusing().as_fd(),
    );
    let one_of_two = Activation::new()
        .listener("web", &listener)
        .stranger("local", &unix);
    is_refused("a connection at a path", &one_of_two, 4);
    let one_is_missing = Activation::new().listener("web", &listener).counted_as(2);
    is_refused("not open", &one_is_missing, 4);
}
