//! Caught by: a_black_hole_is_walked_around, the_first_that_answers_is_kept_alone, all_refusals_are_named
//! Told: Your program kept waiting for a silent address
//!
//! Tries one address after another, each for as long as the system does: two minutes at a silent
//! address.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

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
fn connect(addresses: &[SocketAddr], _: Duration, reasons: &mut Vec<String>) -> Option<TcpStream> {
    // ANCHOR: connect
    for address in addresses {
        match TcpStream::connect(address) {
            Ok(stream) => return Some(stream),
            Err(error) => reasons.push(format!("{address}: {error}")),
        }
    }
    None
    // ANCHOR_END: connect
}
