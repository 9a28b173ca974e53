//! Echoes lines, and finds out when a client has gone without saying so.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How long accepting pauses when it fails (chapter 11).
const PAUSE: Duration = Duration::from_millis(100);

/// A client that has been silent for this long is asked by the kernel, …
const IDLE: Duration = Duration::from_secs(30);

/// … this often, …
const INTERVAL: Duration = Duration::from_secs(15);

/// … and this many times.
const PROBES: u32 = 3;

/// Both together; also for bytes that are on their way, when keepalive stands still.
const GONE: Duration = Duration::from_secs(75);

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (address, millis) = args
        .next()
        .zip(args.next())
        .expect("usage: sol-19-03 ADDRESS MILLISECONDS");
    let quiet = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, peer)) => drop(thread::spawn(move || talk(&stream, peer, quiet))),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn talk(stream: &TcpStream, peer: SocketAddr, quiet: Duration) {
    match watch(stream).and_then(|()| serve(stream, quiet)) {
        // WouldBlock is a timeout of our own, see socket(7). TimedOut is the kernel's: it has given up.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            println!("gone {peer}");
        }
        Err(error) => _ = writeln!(io::stderr(), "{peer}: {error}"),
        Ok(()) => {}
    }
}

/// Makes the kernel find out when the client's machine is gone.
fn watch(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(INTERVAL)
        .with_retries(PROBES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(GONE))?;
    Ok(())
}

/// Echoes each line but `pong`, until the client leaves.
///
/// # Errors
///
/// When the stream fails, or the client is silent and does not answer a `ping`.
fn serve(mut stream: &TcpStream, quiet: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(quiet))?;
    stream.set_write_timeout(Some(quiet))?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut asked) = (Vec::new(), false);
    loop {
        let before = line.len();
        match reader.read_until(b'\n', &mut line) {
            Ok(_) if line.last() != Some(&b'\n') => return Ok(()),
            Ok(_) => {
                asked = false;
                if line != b"pong\n" {
                    stream.write_all(&line)?;
                }
                line.clear();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // A part of a line is a sign of life, too.
                if asked && line.len() == before {
                    return Err(error);
                }
                stream.write_all(b"ping\n")?;
                asked = true;
            }
            Err(error) => return Err(error),
        }
    }
}
