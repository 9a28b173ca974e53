//! Connects to the first of several addresses that answers, and prints what the server sends.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let (millis, given) = given
        .split_first()
        .expect("usage: ex-19-01 MILLISECONDS ADDRESS…");
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
    let _ = reasons;
    todo!("look up {given:?}: a name may have several addresses")
}

/// The first connection that succeeds within this time; or none, and a reason for each address.
fn connect(
    addresses: &[SocketAddr],
    within: Duration,
    reasons: &mut Vec<String>,
) -> Option<TcpStream> {
    let _ = reasons;
    todo!("try {addresses:?} within {within:?}, the next one after a refusal or 250 ms of silence")
}
