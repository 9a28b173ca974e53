//! Upper-cases lines at a path, and tells its supervisor how it is doing.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

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

fn main() -> io::Result<()> {
    let path = env::args().nth(1).expect("usage: ex-16-02 PATH");
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
    answer_all(&received);
    fs::remove_file(path)
}

/// Answers one line after another, until the program is told to stop.
fn answer_all(events: &Receiver<Event>) {
    while let Ok(Event::Line(line, mut client)) = events.recv() {
        // A client that has gone needs no answer.
        let _ = client.write_all(answer(&line).as_bytes());
    }
}

/// The process that started this program, if it wants to be notified.
struct Supervisor {}

impl Supervisor {
    /// What the environment says about it. All of it is optional.
    fn from_env() -> Self {
        todo!("look for NOTIFY_SOCKET, and for WATCHDOG_USEC with WATCHDOG_PID")
    }

    /// Sends this, if there is a supervisor.
    fn say(&self, message: &str) {
        todo!("send {message:?} as one datagram, without waiting")
    }
}

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
