//! A caller that sees every message: NATS by hand, so that a second answer is not hidden by a library.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use super::broker::{Broker, PATIENCE, SUBJECT};

/// A connection to the broker.
pub(crate) struct Caller {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

/// What the broker delivered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// The last part of its subject.
    pub(crate) to: String,
    pub(crate) payload: Vec<u8>,
}

impl Caller {
    /// Connects, and subscribes to `replies.*`.
    pub(crate) fn connect(broker: &Broker) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut caller = Self {
            reader: BufReader::new(stream.try_clone().unwrap()),
            writer: stream,
        };
        let info = caller.line();
        assert!(info.starts_with("INFO "), "{info}");
        caller.write(b"CONNECT {\"verbose\":false}\r\nSUB replies.* 1\r\n");
        assert_eq!(caller.until_pong(), []);
        caller
    }

    /// Sends a request whose reply goes to `replies.TO`.
    pub(crate) fn ask(&mut self, to: impl std::fmt::Display, payload: &[u8]) {
        let bytes = payload.len();
        let line = format!("PUB {SUBJECT} replies.{to} {bytes}\r\n");
        self.write(&[line.as_bytes(), payload, b"\r\n"].concat());
    }

    /// Sends a request that wants no reply.
    pub(crate) fn tell(&mut self, payload: &[u8]) {
        let line = format!("PUB {SUBJECT} {}\r\n", payload.len());
        self.write(&[line.as_bytes(), payload, b"\r\n"].concat());
    }

    /// Subscribes to every message that there is.
    pub(crate) fn listen_to_all(&mut self) {
        self.write(b"SUB > 2\r\n");
        assert_eq!(self.until_pong(), []);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Delivered {
        loop {
            match self.operation() {
                Operation::Message(delivered) => return delivered,
                Operation::Pong => {}
            }
        }
    }

    /// Asks and receives, at a time when nothing else can come.
    pub(crate) fn call(&mut self, payload: &[u8]) -> Vec<u8> {
        self.ask("call", payload);
        let Delivered { to, payload } = self.receive();
        assert_eq!(to, "call");
        payload
    }

    /// What the broker had for this caller until now.
    pub(crate) fn until_pong(&mut self) -> Vec<Delivered> {
        self.write(b"PING\r\n");
        let mut delivered = Vec::new();
        while let Operation::Message(message) = self.operation() {
            delivered.push(message);
        }
        delivered
    }

    fn operation(&mut self) -> Operation {
        loop {
            let line = self.line();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["PING"] => self.write(b"PONG\r\n"),
                ["PONG"] => return Operation::Pong,
                ["MSG", subject, _, .., bytes] => {
                    let mut payload = vec![0; bytes.parse::<usize>().unwrap() + 2];
                    self.reader.read_exact(&mut payload).unwrap();
                    payload.truncate(payload.len() - 2);
                    let to = subject.rsplit('.').next().unwrap_or_default().to_owned();
                    return Operation::Message(Delivered { to, payload });
                }
                _ => panic!("the broker says {line:?}"),
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the broker hung up after {line:?}");
        line
    }
}

enum Operation {
    Message(Delivered),
    Pong,
}

/// A caller that keeps this many requests under way.
pub(crate) struct Load {
    shared: Arc<Shared>,
    asks: JoinHandle<Caller>,
    hears: JoinHandle<()>,
}

/// How many requests may be unanswered at once.
pub(crate) const WINDOW: usize = 64;

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How often each request was answered.
    answers: Vec<u32>,
    answered: usize,
    /// Requests that may never be answered.
    forgiven: usize,
    stopped: bool,
    pongs: usize,
}

impl Load {
    pub(crate) fn start(broker: &Broker) -> Self {
        let Caller { mut reader, writer } = Caller::connect(broker);
        let mut asking = Caller {
            reader: BufReader::new(writer.try_clone().unwrap()),
            writer: writer.try_clone().unwrap(),
        };
        let shared = Arc::<Shared>::default();
        let (ours, theirs) = (Arc::clone(&shared), Arc::clone(&shared));
        let asks = std::thread::spawn(move || {
            while let Some(number) = ours.next() {
                asking.ask(number, &echo(number));
            }
            asking
        });
        let hears = std::thread::spawn(move || {
            reader.get_mut().set_read_timeout(None).unwrap();
            let mut caller = Caller { reader, writer };
            // Ends when the test shuts the connection down.
            while let Ok([_, ..]) = caller.reader.fill_buf() {
                match caller.operation() {
                    Operation::Message(Delivered { to, payload }) => {
                        let number: usize = to.parse().unwrap();
                        assert_eq!(payload, [&[0x82], &echo(number)[1..]].concat());
                        theirs.answered(number);
                    }
                    Operation::Pong => theirs.pong(),
                }
            }
        });
        Self {
            shared,
            asks,
            hears,
        }
    }

    /// Waits until this many more were answered.
    pub(crate) fn expect_answers(&self, more: usize) {
        let wanted = self.shared.lock().answered + more;
        let enough = |state: &State| state.answered >= wanted;
        self.shared.wait("more answers", enough);
    }

    /// All that are under way now may be lost; how many were sent before.
    pub(crate) fn forgive(&self) -> usize {
        let mut state = self.shared.lock();
        state.forgiven += WINDOW;
        self.shared.changed.notify_all();
        state.answers.len()
    }

    /// Asks no more, and waits until all from the request `from` on are answered; tells how often each
    /// was, once `last` has seen to it that no other answer can come.
    pub(crate) fn stop(self, from: usize, last: impl FnOnce()) -> Vec<u32> {
        let Self { shared, .. } = self;
        shared.lock().stopped = true;
        shared.changed.notify_all();
        let mut caller = self.asks.join().unwrap();
        let all = |state: &State| state.answers[from..].iter().all(|count| *count > 0);
        shared.wait("the last answers", all);
        last();
        // Behind everything that the broker has for this caller.
        caller.write(b"PING\r\n");
        shared.wait("the broker's PONG", |state| state.pongs > 0);
        caller.writer.shutdown(Shutdown::Both).unwrap();
        self.hears.join().unwrap();
        std::mem::take(&mut shared.lock().answers)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn wait(&self, what: &str, until: impl Fn(&State) -> bool) {
        let waits = self
            .changed
            .wait_timeout_while(self.lock(), PATIENCE, |state| !until(state));
        let (state, timeout) = waits.unwrap();
        let unanswered = state.answers.iter().filter(|count| **count == 0).count();
        assert!(
            !timeout.timed_out(),
            "{what} did not come: {unanswered} of {} requests have none",
            state.answers.len()
        );
    }

    /// The next request's number, once there is room for it.
    fn next(&self) -> Option<usize> {
        let is_full = |state: &mut State| {
            let unanswered = state.answers.len() - state.answered;
            !state.stopped && unanswered >= WINDOW + state.forgiven
        };
        let mut state = self.changed.wait_while(self.lock(), is_full).unwrap();
        if state.stopped {
            return None;
        }
        state.answers.push(0);
        Some(state.answers.len() - 1)
    }

    fn pong(&self) {
        self.lock().pongs += 1;
        self.changed.notify_all();
    }

    fn answered(&self, number: usize) {
        let mut state = self.lock();
        state.answers[number] += 1;
        state.answered += usize::from(state.answers[number] == 1);
        self.changed.notify_all();
    }
}

/// An Echo that holds this number.
fn echo(number: usize) -> Vec<u8> {
    [&[0x02], &number.to_be_bytes()[..]].concat()
}
