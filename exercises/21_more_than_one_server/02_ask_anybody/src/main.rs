//! Sends each line of standard input as a request to a subject of a NATS server.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, subject, millis] = args.as_slice() else {
        panic!("usage: ex-21-02 ADDRESS SUBJECT MILLISECONDS");
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
    let mut reader = BufReader::new(TcpStream::connect(address)?);
    let mut info = String::new();
    reader.read_line(&mut info)?;
    let longest = max_payload(&info)?;
    for line in io::stdin().lines() {
        let line = line?;
        todo!(
            "send {line:?} to {subject} if it has at most {longest} bytes, and print the answer that arrives within {within:?}"
        );
    }
    Ok(())
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
