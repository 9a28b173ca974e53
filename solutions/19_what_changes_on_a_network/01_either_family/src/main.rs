//! Connects to the first of several addresses that answers, and prints what the server sends.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long an attempt has the network for itself before the next begins (RFC 8305).
const APART: Duration = Duration::from_millis(250);

/// How an attempt ended.
type Outcome = (SocketAddr, io::Result<TcpStream>);

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let (millis, given) = given
        .split_first()
        .expect("usage: sol-19-01 MILLISECONDS ADDRESS…");
    let within = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let mut reasons = Vec::new();
    let addresses = look_up(given, &mut reasons);
    let Some(stream) = connect(&addresses, within, &mut reasons) else {
        for reason in reasons {
            let _ = writeln!(io::stderr(), "{reason}");
        }
        return ExitCode::FAILURE;
    };
    match greet(&stream) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "the connection failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints which server it has reached, and what the server sends, as it arrives.
fn greet(mut stream: &TcpStream) -> io::Result<()> {
    println!("connected to {}", stream.peer_addr()?);
    io::copy(&mut stream, &mut io::stdout())?;
    Ok(())
}

/// The addresses of each `HOST:PORT`, in order. A name that cannot be looked up adds a reason.
fn look_up(given: &[String], reasons: &mut Vec<String>) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for name in given {
        match name.to_socket_addrs() {
            Ok(found) => addresses.extend(found),
            Err(error) => reasons.push(format!("{name}: {error}")),
        }
    }
    addresses
}

/// The first connection that succeeds within this time; or none, and a reason for each address.
fn connect(
    addresses: &[SocketAddr],
    within: Duration,
    reasons: &mut Vec<String>,
) -> Option<TcpStream> {
    let until = Instant::now() + within;
    let (report, reports) = mpsc::channel();
    let mut untried = addresses.iter();
    let mut pending = 0;
    loop {
        if let Some(&address) = untried.next() {
            begin(address, until, report.clone());
            pending += 1;
        } else if pending == 0 {
            return None;
        }
        let outcome = if untried.len() > 0 {
            reports.recv_timeout(APART).ok()
        } else {
            reports.recv().ok()
        };
        match outcome {
            // Who connects later than this finds nobody to report to, and closes.
            Some((_, Ok(stream))) => return Some(stream),
            Some((address, Err(error))) => {
                pending -= 1;
                reasons.push(format!("{address}: {error}"));
            }
            None => {} // Silence: it goes on, and so do we.
        }
    }
}

/// Tries one address in a thread of its own.
fn begin(address: SocketAddr, until: Instant, report: Sender<Outcome>) {
    thread::spawn(move || {
        let left = until.saturating_duration_since(Instant::now());
        // A timeout of zero would be an error.
        let connected = TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1)));
        let _ = report.send((address, connected));
    });
}
