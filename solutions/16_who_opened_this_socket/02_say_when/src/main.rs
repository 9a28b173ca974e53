//! Upper-cases lines at a path, and tells its supervisor how it is doing.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long to wait when accepting fails (chapter 11).
const PAUSE: Duration = Duration::from_millis(100);

/// What wakes the loop.
enum Event {
    /// A client's line, and where its answer goes.
    Line(String, UnixStream),
    /// SIGINT or SIGTERM.
    Stop,
}

// ANCHOR: main
fn main() -> io::Result<()> {
    let path = env::args().nth(1).expect("usage: sol-16-02 PATH");
    let supervisor = Supervisor::from_env();
    supervisor.say("STATUS=starting"); // for people to read; the other messages have an effect
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_unblock()?;
    let listener = UnixListener::bind(&path)?;

    // One event at a time: while the loop is busy, the clients' threads wait.
    let (events, received) = mpsc::sync_channel(0);
    let stop = events.clone();
    thread::spawn(move || signals.forever().next().map(|_| stop.send(Event::Stop)));
    thread::spawn(move || accept(&listener, &events));
    println!("listening on {path}");
    supervisor.say("READY=1");
    answer_all(&received, &supervisor);
    supervisor.say("STOPPING=1");
    fs::remove_file(path)
}
// ANCHOR_END: main

// ANCHOR: loop
/// Answers one line after another, until the program is told to stop.
fn answer_all(events: &Receiver<Event>, supervisor: &Supervisor) {
    let mut next = Instant::now();
    loop {
        let event = match supervisor.period {
            None => events.recv().map_err(RecvTimeoutError::from),
            Some(period) => {
                // Asked on every turn: under load the wait below may never time out.
                if Instant::now() >= next {
                    supervisor.say("WATCHDOG=1");
                    next = Instant::now() + period;
                }
                events.recv_timeout(next.saturating_duration_since(Instant::now()))
            }
        };
        match event {
            Ok(Event::Line(line, mut client)) => {
                // A client that has gone needs no answer.
                let _ = client.write_all(answer(&line).as_bytes());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
// ANCHOR_END: loop

// ANCHOR: supervisor
/// The process that started this program, if it wants to be notified.
struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that the loop turns: twice in the time that it allows.
    period: Option<Duration>,
}

impl Supervisor {
    /// What the environment says about it. All of it is optional.
    fn from_env() -> Self {
        Self {
            socket: env::var("NOTIFY_SOCKET").ok().and_then(|name| {
                let socket = UnixDatagram::unbound().ok()?;
                // A full queue makes the sender wait, and telling must never stop the service.
                socket.set_nonblocking(true).ok()?;
                Some((socket, address(&name).ok()?))
            }),
            period: watchdog().map(|time| time / 2),
        }
    }

    /// Says this, if there is anybody to hear it and room in the queue. If not, the next message
    /// may get through: nobody here can do anything about it.
    fn say(&self, message: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

/// The time that a watchdog allows, if it is this process that it watches.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse().ok();
    let watched = number("WATCHDOG_PID");
    if watched.is_some_and(|pid: u64| pid != u64::from(std::process::id())) {
        return None;
    }
    number("WATCHDOG_USEC")
        .filter(|time| *time > 0)
        .map(Duration::from_micros)
}

/// A path, or an abstract name with `@` for its zero byte.
fn address(name: &str) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt as _;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(name)
}
// ANCHOR_END: supervisor

/// The answer to a line. For `wait PATH`, it is ready when that file has been read to its end.
fn answer(line: &str) -> String {
    match line.strip_prefix("wait ") {
        Some(path) => match fs::read(path) {
            Ok(_) => "done\n".to_owned(),
            Err(error) => format!("{path}: {error}\n"),
        },
        None => format!("{}\n", line.to_uppercase()),
    }
}

/// Accepts clients, and reads the lines of each in a thread of its own.
fn accept(listener: &UnixListener, events: &SyncSender<Event>) {
    for client in listener.incoming() {
        match client {
            Ok(client) => {
                let events = events.clone();
                thread::spawn(move || read_lines(&client, &events));
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "accepting: {error}");
                thread::sleep(PAUSE);
            }
        }
    }
}

/// Hands each line to the loop, with a copy of the connection for its answer.
fn read_lines(client: &UnixStream, events: &SyncSender<Event>) {
    let mut lines = BufReader::new(client).lines();
    while let (Some(Ok(line)), Ok(copy)) = (lines.next(), client.try_clone()) {
        if events.send(Event::Line(line, copy)).is_err() {
            return;
        }
    }
}
