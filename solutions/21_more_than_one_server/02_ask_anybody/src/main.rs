//! Sends each line of standard input as a request to a subject of a NATS server.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the broker may take for what it does at once: to greet, and to say PONG.
const BROKER: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, subject, millis] = args.as_slice() else {
        panic!("usage: sol-21-02 ADDRESS SUBJECT MILLISECONDS");
    };
    let within = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    match ask_all(address, subject, within) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends each line of standard input as a request, and prints its answer.
fn ask_all(address: &str, subject: &str, within: Duration) -> io::Result<()> {
    let mut asker = Asker::connect(address)?;
    for line in io::stdin().lines() {
        let line = line?;
        let (text, is_told) = match line.strip_prefix('!') {
            Some(text) => (text, true),
            None => (line.as_str(), false),
        };
        if text.len() > asker.max_payload {
            println!("too long");
        } else if is_told {
            asker.say(&format!("PUB {subject} {}\r\n{text}\r\n", text.len()))?;
        } else {
            match asker.ask(subject, text, Instant::now() + within)? {
                Answer::Bytes(mut bytes) => {
                    bytes.push(b'\n');
                    io::stdout().write_all(&bytes)?;
                }
                Answer::Nobody => println!("nobody"),
                Answer::None => println!("no answer"),
            }
        }
    }
    asker.leave()
}

/// What came of a request.
enum Answer {
    /// Which need not be text.
    Bytes(Vec<u8>),
    Nobody,
    None,
}

struct Asker {
    broker: Broker,
    heard: Receiver<io::Result<Operation>>,
    max_payload: usize,
    /// The beginning of all reply subjects of this program, and of no other's.
    inbox: String,
    asked: u64,
}

impl Asker {
    fn connect(address: &str) -> io::Result<Asker> {
        let stream = TcpStream::connect(address)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let broker = Broker(Arc::new(Mutex::new(stream)));
        let (operations, heard) = mpsc::channel();
        let pongs = broker.clone();
        thread::spawn(move || listen(&mut reader, &pongs, &operations));
        let mut asker = Asker {
            broker,
            heard,
            max_payload: 0,
            inbox: inbox(),
            asked: 0,
        };
        asker.max_payload = match asker.hear(Instant::now() + BROKER)? {
            Some(Operation::Info { max_payload }) => max_payload,
            _ => return Err(io::Error::other("no INFO came: is it a NATS server?")),
        };
        // ANCHOR: hello
        asker.say(&format!(
            "CONNECT {{\"verbose\":false,\"headers\":true,\"no_responders\":true}}\r\nSUB {}.* 1\r\n",
            asker.inbox
        ))?;
        // ANCHOR_END: hello
        Ok(asker)
    }

    // ANCHOR: ask
    /// Asks, and waits for the answer to this request.
    fn ask(&mut self, subject: &str, text: &str, deadline: Instant) -> io::Result<Answer> {
        self.asked += 1;
        let inbox = format!("{}.{}", self.inbox, self.asked);
        self.say(&format!(
            "PUB {subject} {inbox} {}\r\n{text}\r\n",
            text.len()
        ))?;
        loop {
            match self.hear(deadline)? {
                None => return Ok(Answer::None),
                // One to another inbox is late: an answer to an earlier request.
                Some(Operation::Message(message)) if message.subject == inbox => {
                    return Ok(match message.status.as_deref() {
                        Some("503") => Answer::Nobody,
                        _ => Answer::Bytes(message.payload),
                    });
                }
                Some(_) => {}
            }
        }
    }
    // ANCHOR_END: ask

    // ANCHOR: leave
    /// Sees to it that the broker has all that was said.
    fn leave(self) -> io::Result<()> {
        self.say("PING\r\n")?;
        let until = Instant::now() + BROKER;
        loop {
            match self.hear(until)? {
                Some(Operation::Pong) => return Ok(()),
                Some(_) => {}
                None => return Err(io::Error::other("no PONG: what was sent may be lost")),
            }
        }
    }
    // ANCHOR_END: leave

    fn say(&self, operation: &str) -> io::Result<()> {
        self.broker.say(operation)
    }

    /// The next that the broker says; nothing, if there is none until then.
    fn hear(&self, until: Instant) -> io::Result<Option<Operation>> {
        let left = until.saturating_duration_since(Instant::now());
        match self.heard.recv_timeout(left) {
            Ok(Ok(Operation::Error(text))) => Err(io::Error::other(text)),
            Ok(operation) => operation.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(hung_up()),
        }
    }
}

/// Reply subjects that nobody else has: by the process and the time, in nanoseconds.
fn inbox() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.unwrap_or_default().as_nanos();
    format!("_INBOX.{:x}-{nanos:x}", std::process::id())
}

/// Where two threads speak to the broker: one whole operation at a time.
#[derive(Clone)]
struct Broker(Arc<Mutex<TcpStream>>);

impl Broker {
    fn say(&self, operation: &str) -> io::Result<()> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(operation.as_bytes())
    }
}

/// Passes on what the broker says, and answers its pings, whatever the asker waits for.
fn listen(reader: &mut impl BufRead, broker: &Broker, operations: &Sender<io::Result<Operation>>) {
    loop {
        let operation = read_operation(reader);
        if matches!(operation, Ok(Operation::Ping)) && broker.say("PONG\r\n").is_ok() {
            continue;
        }
        let is_over = operation.is_err();
        if operations.send(operation).is_err() || is_over {
            return;
        }
    }
}

/// What the broker says, as far as an asker needs it.
enum Operation {
    Info { max_payload: usize },
    Message(Message),
    Ping,
    Pong,
    Error(String),
    Other,
}

struct Message {
    subject: String,
    /// The number in the first line of its headers.
    status: Option<String>,
    payload: Vec<u8>,
}

fn read_operation(reader: &mut impl BufRead) -> io::Result<Operation> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.strip_suffix('\n').ok_or_else(hung_up)?;
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    Ok(match words.as_slice() {
        ["MSG", subject, _sid, .., size] => Operation::Message(Message {
            subject: (*subject).to_owned(),
            status: None,
            payload: read_payload(reader, number(size)?)?,
        }),
        // ANCHOR: headers
        ["HMSG", subject, _sid, .., head, size] => {
            let mut headers = read_payload(reader, number(size)?)?;
            let payload = headers.split_off(number(head)?.min(headers.len()));
            // `NATS/1.0`, or `NATS/1.0 503`, and then lines of names and values.
            let headers = String::from_utf8_lossy(&headers);
            let first = headers.lines().next().unwrap_or_default();
            Operation::Message(Message {
                subject: (*subject).to_owned(),
                status: first.split_whitespace().nth(1).map(str::to_owned),
                payload,
            })
        }
        // ANCHOR_END: headers
        ["PING"] => Operation::Ping,
        ["PONG"] => Operation::Pong,
        ["INFO", ..] => Operation::Info {
            max_payload: max_payload(line)?,
        },
        ["-ERR", ..] => Operation::Error(line.trim_end().to_owned()),
        _ => Operation::Other,
    })
}

fn read_payload(reader: &mut impl BufRead, size: usize) -> io::Result<Vec<u8>> {
    let mut payload = Vec::new();
    // Memory grows as the bytes arrive (chapter 4).
    reader.take(size as u64 + 2).read_to_end(&mut payload)?;
    if payload.len() < size + 2 {
        return Err(hung_up());
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

fn hung_up() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the broker hung up")
}
