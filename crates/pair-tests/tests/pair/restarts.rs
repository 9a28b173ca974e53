//! The promise about a keeper that holds the listener: nobody is refused, however often the server
//! is killed.
//!
//! A few kills, unless the environment variable `RESTARTS` says how many:
//!
//! ```text
//! RESTARTS=200 cargo test -p pair-tests --test tcp killed -- --nocapture
//! ```

use super::inherited::{address_of, handed_on};
use super::peer::{ACCEPTED, PREAMBLE, say};
use super::server::{Server, Start};
use crate::transport::{Place, connect, inheritable};
use scripted_peer::Signal;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

const CLIENTS: usize = 4;
/// Answers that are waited for between two kills.
const ANSWERS: usize = 20;

/// How the clients fared.
#[derive(Debug, Default)]
struct Counts {
    answered: AtomicUsize,
    /// Nobody listened: ECONNREFUSED, or no file.
    refused: AtomicUsize,
    /// The server died before it answered.
    cut_off: AtomicUsize,
}

impl Counts {
    fn count(&self, asked: &io::Result<()>) {
        let count = match asked.as_ref().map_err(io::Error::kind) {
            Ok(()) => &self.answered,
            Err(ErrorKind::ConnectionRefused | ErrorKind::NotFound) => &self.refused,
            Err(ErrorKind::TimedOut | ErrorKind::WouldBlock) => panic!("a client was forgotten"),
            Err(_) => &self.cut_off,
        };
        count.fetch_add(1, SeqCst);
    }
}

fn kills() -> usize {
    let kills = std::env::var("RESTARTS").ok();
    kills.map_or(10, |kills| kills.parse().expect("RESTARTS is a number"))
}

fn ask(address: &str) -> io::Result<()> {
    let mut stream = connect(address)?;
    stream.set_read_timeout(Some(super::DEADLINE))?;
    stream.write_all(&[PREAMBLE, &say("hello")].concat())?;
    let mut reply = [0; ACCEPTED.len()];
    stream.read_exact(&mut reply)?;
    assert_eq!(reply, ACCEPTED);
    Ok(())
}

/// Kills servers while clients ask.
fn load(address: &str, start: impl Fn() -> Server) -> Counts {
    let (counts, over) = (Counts::default(), AtomicBool::new(false));
    let mut server = start();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    counts.count(&ask(address));
                    thread::park_timeout(Duration::from_millis(1));
                }
            });
        }
        let _over = StopOnDrop(&over);
        for _ in 0..kills() {
            let wanted = counts.answered.load(SeqCst) + ANSWERS;
            super::eventually("answers", || {
                (counts.answered.load(SeqCst) >= wanted).then_some(())
            });
            server.signal(Signal::KILL);
            server.exit();
            server = start();
        }
    });
    println!("{} kills: {counts:?}", kills());
    counts
}

/// Ends the clients also when a wait gives up.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn nobody_is_refused_while_servers_are_killed_if_a_keeper_holds_the_listener() {
    let listener = inheritable();
    let start = || Start::new(&[]).activated(&handed_on(&listener)).run();
    let counts = load(&address_of(&listener), start);
    assert_eq!(counts.refused.into_inner(), 0);
    // Each client has one request in hand at most.
    let cut_off = counts.cut_off.into_inner();
    assert!(cut_off <= kills() * CLIENTS, "{cut_off} were cut off");
}

#[test]
fn clients_are_refused_while_servers_are_killed_that_listen_for_themselves() {
    let place = Place::new();
    let first = Start::new(&[]).at(&place, &place.address()).run();
    let address = first.address.clone();
    first.signal(Signal::KILL);
    first.exit();
    let start = || Start::new(&[]).at(&place, &address).run();
    let counts = load(&address, start);
    assert!(counts.refused.into_inner() > 0, "what the keeper is for");
}
