//! Echoes what the clients on its list send, whichever address family they use.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// How long to wait when accepting fails (chapter 11).
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let address = args.next().expect("usage: ex-19-02 ADDRESS [IP…]");
    let list: Vec<String> = args.collect();
    match run(&address, &list) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

fn run(address: &str, list: &[String]) -> io::Result<()> {
    let admitted = read(list)?;
    let address = address.parse().map_err(io::Error::other)?;
    let listener = listen(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let Ok((stream, peer)) = listener.accept() else {
            thread::sleep(PAUSE);
            continue;
        };
        let peer = canonical(peer);
        if admitted.contains(&peer.ip()) {
            println!("admitted {peer}");
            thread::spawn(move || echo(&stream));
        } else {
            println!("turned away {peer}");
        }
    }
}

/// The addresses of the clients that are admitted.
///
/// # Errors
///
/// When an entry is not an IP address.
fn read(list: &[String]) -> io::Result<Vec<IpAddr>> {
    todo!("read {list:?}, whichever way an address is written")
}

/// Listens on an address; on `[::]`, for both families.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    todo!("listen on {address}")
}

/// The client's address, as a person would write it.
fn canonical(peer: SocketAddr) -> SocketAddr {
    todo!("convert {peer} to its plain form")
}

/// Sends back what arrives, to the end of the stream.
fn echo(stream: &TcpStream) {
    let (mut from, mut to) = (stream, stream);
    let _ = io::copy(&mut from, &mut to);
}
