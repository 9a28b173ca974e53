//! Echoes what it receives, on the listeners that it was born with, or else on its own address.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use listenfd::ListenFd;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{getsockopt, sockopt};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long to wait when accepting fails (chapter 11).
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let address = std::env::args().nth(1).expect("usage: sol-16-01 ADDRESS");
    match run(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

// ANCHOR: run
/// Serves until SIGINT or SIGTERM, and removes what it has created.
fn run(address: &str) -> io::Result<()> {
    // Do this first: anything opened earlier could get a missing listener's descriptor number.
    let mut listeners = inherited()?;
    // From here on, the two signals are caught, even if the parent process had blocked them.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_unblock()?;

    let mut made = None;
    if listeners.is_empty() {
        let listener = bind(address)?;
        made = listener.path();
        listeners.push(listener);
    }
    for listener in listeners {
        println!("listening on {}", listener.address()?);
        thread::spawn(move || listener.serve());
    }
    signals.forever().next();
    made.map_or(Ok(()), fs::remove_file)
}
// ANCHOR_END: run

// ANCHOR: inherited
/// The listeners that this program was born with, all of them.
///
/// # Errors
///
/// If a descriptor that should be a listener is something else.
fn inherited() -> io::Result<Vec<Listener>> {
    // None, if LISTEN_PID names another process: then they are not meant for this one.
    let mut given = ListenFd::from_env();
    (0..given.len()).map(|nth| take(&mut given, nth)).collect()
}

fn take(given: &mut ListenFd, nth: usize) -> io::Result<Listener> {
    let stranger = |why: String| io::Error::other(format!("descriptor {}: {why}", 3 + nth));
    // Each of the two refuses what is not of its family, and leaves it to be taken by the other.
    let listener = match given.take_tcp_listener(nth) {
        Ok(Some(listener)) => Listener::Tcp(listener),
        _ => match given.take_unix_listener(nth) {
            Ok(Some(listener)) => Listener::Unix(listener),
            Ok(None) => return Err(stranger("nothing is there".to_owned())),
            Err(error) => return Err(stranger(format!("neither TCP nor a Unix stream: {error}"))),
        },
    };
    // A connection is a stream as well.
    if !listener.accepts()? {
        return Err(stranger("a stream, but it does not listen".to_owned()));
    }
    // Whoever made it may have made it non-blocking, and accept() is to wait.
    listener.wait_in_accept()?;
    Ok(listener)
}
// ANCHOR_END: inherited

/// Listens on an IP address and a port, or at a path.
fn bind(address: &str) -> io::Result<Listener> {
    let listener = match address.parse::<SocketAddr>() {
        Ok(address) => TcpListener::bind(address).map(Listener::Tcp),
        Err(_) => UnixListener::bind(address).map(Listener::Unix),
    };
    listener.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// A listener of either family.
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn address(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(|address| address.to_string()),
            Self::Unix(_) => Ok(self.path().unwrap_or_default().display().to_string()),
        }
    }

    /// The path that it is bound to, if it has one.
    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(listener) => Some(listener.local_addr().ok()?.as_pathname()?.to_owned()),
        }
    }

    fn accepts(&self) -> io::Result<bool> {
        let socket = match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        };
        Ok(getsockopt(&socket, sockopt::AcceptConn)?)
    }

    fn wait_in_accept(&self) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.set_nonblocking(false),
            Self::Unix(listener) => listener.set_nonblocking(false),
        }
    }

    /// Echoes what each client sends, with a thread per client.
    fn serve(&self) {
        match self {
            Self::Tcp(listener) => each(listener.incoming(), |client| echo(&client, &client)),
            Self::Unix(listener) => each(listener.incoming(), |client| echo(&client, &client)),
        }
    }
}

fn each<S: Send + 'static>(
    clients: impl Iterator<Item = io::Result<S>>,
    echo: fn(S) -> io::Result<u64>,
) {
    for client in clients {
        match client {
            Ok(client) => drop(thread::spawn(move || {
                if let Err(error) = echo(client) {
                    let _ = writeln!(io::stderr(), "a client: {error}");
                }
            })),
            Err(error) => {
                let _ = writeln!(io::stderr(), "accepting: {error}");
                thread::sleep(PAUSE);
            }
        }
    }
}

fn echo(mut from: impl Read, mut to: impl Write) -> io::Result<u64> {
    io::copy(&mut from, &mut to)
}
