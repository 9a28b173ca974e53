//! One worker of many: answers the requests that a NATS server passes on to it, in upper case. On
//! SIGINT or SIGTERM it finishes what is under way, and ends.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, subject, queue] = args.as_slice() else {
        panic!("usage: ex-21-01 ADDRESS SUBJECT QUEUE");
    };
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            stop();
        }
    });
    serve(address, subject, queue)
}

/// Called when a signal has arrived. You may give it parameters.
fn stop() {
    todo!("unsubscribe, and find out when nothing more is under way")
}

/// One connection. What happens after its end is also up to you.
fn serve(address: &str, subject: &str, queue: &str) -> io::Result<()> {
    let mut reader = BufReader::new(TcpStream::connect(address)?);
    let mut info = String::new();
    reader.read_line(&mut info)?;
    let (longest, hello) = (max_payload(&info)?, answer(b"hello"));
    todo!(
        "subscribe to {subject} in the queue group {queue}, and answer each request: hello with {hello}, and with no more than {longest} bytes"
    )
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
