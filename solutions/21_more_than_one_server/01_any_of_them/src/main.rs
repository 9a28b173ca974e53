//! One worker of many: answers the requests that a NATS server passes on to it, in upper case. On
//! SIGINT or SIGTERM it finishes what is under way, and ends.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The pause between two tries to reach the broker.
const PAUSE: Duration = Duration::from_millis(250);

/// How long the broker may take to say its first line.
const GREETING: Duration = Duration::from_secs(10);

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, subject, queue] = args.as_slice() else {
        panic!("usage: sol-21-01 ADDRESS SUBJECT QUEUE");
    };
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let worker = Arc::new(Mutex::new(Worker::default()));
    let stopped = Arc::clone(&worker);
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            lock(&stopped).stop();
        }
    });
    loop {
        match serve(address, subject, queue, &worker) {
            Ok(()) => return Ok(()),
            Err(error) => _ = writeln!(io::stderr(), "{address}: {error}"),
        }
        let mut worker = lock(&worker);
        if worker.is_stopping {
            return Ok(());
        }
        worker.broker = None;
        drop(worker);
        thread::sleep(PAUSE);
    }
}

/// Where several threads speak to the broker: one whole operation at a time.
type Broker = Arc<Mutex<TcpStream>>;

#[derive(Default)]
struct Worker {
    /// Nothing while it isn't subscribed.
    broker: Option<Broker>,
    is_stopping: bool,
}

impl Worker {
    // ANCHOR: stop
    /// Asks for nothing more, and where the end is of what is under way.
    fn stop(&mut self) {
        self.is_stopping = true;
        if let Some(broker) = &self.broker {
            // If it is gone, so is all that was under way, and who reads finds out.
            let _ = say(broker, b"UNSUB 1\r\nPING\r\n");
        }
    }
    // ANCHOR_END: stop
}

fn say(broker: &Broker, operation: &[u8]) -> io::Result<()> {
    lock(broker).write_all(operation)
}

/// What a thread that panicked left is whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection: returns when all is done that was under way when the signal came.
///
/// # Errors
///
/// When there is no connection, or it ends before that.
fn serve(address: &str, subject: &str, queue: &str, worker: &Mutex<Worker>) -> io::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(GREETING))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let Operation::Info { max_payload } = read_operation(&mut reader)? else {
        return Err(io::Error::other("no INFO came: is it a NATS server?"));
    };
    stream.set_read_timeout(None)?;
    let broker = Arc::new(Mutex::new(stream));
    {
        let mut worker = lock(worker);
        if worker.is_stopping {
            return Ok(());
        }
        let hello = format!("CONNECT {{\"verbose\":false}}\r\nSUB {subject} {queue} 1\r\n");
        say(&broker, hello.as_bytes())?;
        worker.broker = Some(Arc::clone(&broker));
    }
    let (requests, work) = mpsc::channel();
    let answers = Arc::clone(&broker);
    thread::Builder::new().spawn(move || answer_all(&work, max_payload, &answers))?;
    // ANCHOR: read
    let mut requests = Some(requests);
    loop {
        match read_operation(&mut reader)? {
            Operation::Message(request) => {
                if let Some(requests) = &requests {
                    let _ = requests.send(request);
                }
            }
            Operation::Ping => say(&broker, b"PONG\r\n")?,
            // The first: nothing more will come. What works finishes, and asks once more.
            Operation::Pong if requests.take().is_some() => {}
            // The second: the answers have arrived.
            Operation::Pong => return Ok(()),
            Operation::Error(text) => _ = writeln!(io::stderr(), "{address}: {text}"),
            Operation::Info { .. } | Operation::Other => {}
        }
    }
    // ANCHOR_END: read
}

struct Request {
    /// Where the answer is wanted, if one is.
    reply: Option<String>,
    text: Vec<u8>,
}

/// Works on one request after the other, while another thread reads.
fn answer_all(requests: &Receiver<Request>, max_payload: usize, broker: &Broker) {
    for Request { reply, text } in requests {
        let mut answer = answer(&text);
        if answer.len() > max_payload {
            "too long".clone_into(&mut answer);
        }
        let Some(reply) = reply else { continue };
        let operation = format!("PUB {reply} {}\r\n{answer}\r\n", answer.len());
        if let Err(error) = say(broker, operation.as_bytes()) {
            let _ = writeln!(io::stderr(), "an answer is lost: {error}");
        }
    }
    let _ = say(broker, b"PING\r\n");
}

/// The work: a text in upper case. `wait FILE` takes as long as it takes to read that file to its end.
fn answer(request: &[u8]) -> String {
    let Ok(request) = str::from_utf8(request) else {
        return "not text".to_owned();
    };
    if let Some(file) = request.strip_prefix("wait ") {
        let read = File::open(file).and_then(|mut file| io::copy(&mut file, &mut io::sink()));
        if let Err(error) = read {
            return format!("{file}: {error}");
        }
    }
    request.to_uppercase()
}

/// What the broker says, as far as a worker needs it.
enum Operation {
    Info { max_payload: usize },
    Message(Request),
    Ping,
    Pong,
    Error(String),
    Other,
}

// ANCHOR: operation
/// Reads a line, and where it announces a payload as many bytes as it says, with the line's end behind
/// them.
fn read_operation(reader: &mut impl BufRead) -> io::Result<Operation> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some(line) = line.strip_suffix('\n') else {
        return Err(io::Error::other("the broker hung up"));
    };
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    Ok(match words.as_slice() {
        ["MSG", _subject, _sid, reply @ .., size] => Operation::Message(Request {
            reply: reply.first().map(|reply| (*reply).to_owned()),
            text: read_payload(reader, number(size)?)?,
        }),
        ["PING"] => Operation::Ping,
        ["PONG"] => Operation::Pong,
        ["INFO", ..] => Operation::Info {
            max_payload: max_payload(line)?,
        },
        ["-ERR", ..] => Operation::Error(line.trim_end().to_owned()),
        _ => Operation::Other,
    })
}
// ANCHOR_END: operation

fn read_payload(reader: &mut impl BufRead, size: usize) -> io::Result<Vec<u8>> {
    let mut payload = Vec::new();
    // Memory grows as the bytes arrive (chapter 4).
    reader.take(size as u64 + 2).read_to_end(&mut payload)?;
    if payload.len() < size + 2 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    payload.truncate(size);
    Ok(payload)
}

/// The longest payload that INFO allows. INFO is JSON; only this one number is needed here.
fn max_payload(info: &str) -> io::Result<usize> {
    let (_, value) = info
        .split_once("\"max_payload\":")
        .ok_or_else(|| io::Error::other("INFO without max_payload"))?;
    let end = value.find(|c: char| !c.is_ascii_digit());
    number(&value[..end.unwrap_or(value.len())])
}

fn number(text: &str) -> io::Result<usize> {
    text.parse()
        .map_err(|_| io::Error::other(format!("{text:?} is not a number")))
}
