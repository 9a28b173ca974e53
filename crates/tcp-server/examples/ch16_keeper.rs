//! Chapter 16: a server is killed again and again while clients ask. What they see depends on who
//! holds the listener: the server itself, or a keeper that outlives it. Unix only.
//!
//! Usage: `cargo run -p tcp-server --example ch16_keeper KILLS [SERVER]`
//!
//! Without SERVER it uses `tcp-server`, which `cargo build -p tcp-server` builds.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 4;
/// A server is killed when it has answered this many times.
const ANSWERS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let kills = arguments.next().and_then(|kills| kills.parse().ok());
    let kills = kills.ok_or_else(|| io::Error::other("give the number of kills"))?;
    let server = arguments
        .next()
        .map_or_else(beside_us, |path| Ok(path.into()))?;
    let title = format!("{kills} kills");
    println!("{title:<19}answered  refused  cut off");

    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // free again immediately
    let counts = load(address, kills, || start_alone(&server, address))?;
    println!("the server binds   {counts}");

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let counts = load(address, kills, || start_on(&server, &listener))?;
    println!("a keeper listens   {counts}");
    Ok(())
}

/// Cargo builds examples in a folder next to the programs.
fn beside_us() -> io::Result<PathBuf> {
    let example = std::env::current_exe()?;
    let programs = example.ancestors().nth(2);
    let server = programs.map(|folder| folder.join("tcp-server"));
    let server = server.filter(|server| server.exists());
    server.ok_or_else(|| io::Error::other("no tcp-server here: cargo build -p tcp-server"))
}

fn start_alone(server: &Path, address: SocketAddr) -> io::Result<Child> {
    let mut command = Command::new(server);
    command.arg("--listen").arg(address.to_string());
    command.stdout(Stdio::piped()).spawn()
}

// ANCHOR: start_on
/// The listener travels as standard input, which is the only way that std offers. The shell moves
/// it to descriptor 3 and becomes the server, so `$$` is also the server's PID.
fn start_on(server: &Path, listener: &TcpListener) -> io::Result<Child> {
    let script = r#"exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0""#;
    let copy = OwnedFd::from(listener.try_clone()?);
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(server).stdin(copy);
    command.stdout(Stdio::piped()).spawn()
}
// ANCHOR_END: start_on

// ANCHOR: load
/// Kills servers while clients send requests, and counts what the clients see.
fn load(
    address: SocketAddr,
    kills: usize,
    start: impl Fn() -> io::Result<Child>,
) -> io::Result<Counts> {
    let (counts, over) = (Counts::default(), AtomicBool::new(false));
    let ask_on = || {
        while !over.load(Relaxed) {
            counts.count(ask(address));
            thread::sleep(Duration::from_millis(1));
        }
    };
    let mut server = start()?;
    is_listening(&mut server)?;
    let ended = thread::scope(|scope| {
        (0..CLIENTS).for_each(|_| drop(scope.spawn(ask_on)));
        let killed = (0..kills).try_for_each(|_| {
            counts.wait_for_answers()?;
            server.kill()?; // SIGKILL: it can't say goodbye
            server.wait()?;
            server = start()?;
            is_listening(&mut server)
        });
        over.store(true, Relaxed);
        killed
    });
    server.kill()?;
    server.wait()?;
    ended.map(|()| counts)
}
// ANCHOR_END: load

fn is_listening(server: &mut Child) -> io::Result<()> {
    let mut line = String::new();
    let output = server.stdout.as_mut().expect("it is piped");
    BufReader::new(output).read_line(&mut line)?;
    match line.starts_with("listening on ") {
        true => Ok(()),
        false => Err(io::Error::other("the server is not listening")),
    }
}

/// Asks once, on its own connection.
fn ask(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"PSK\x01\0\0\0\x03\x01hi")?;
    stream.read_exact(&mut [0; 5]) // accepted
}

#[derive(Default)]
struct Counts {
    answered: AtomicUsize,
    refused: AtomicUsize,
    cut_off: AtomicUsize,
}

impl Counts {
    fn count(&self, asked: io::Result<()>) {
        let count = match asked.map_err(|error| error.kind()) {
            Ok(()) => &self.answered,
            Err(ErrorKind::ConnectionRefused) => &self.refused,
            Err(_) => &self.cut_off,
        };
        count.fetch_add(1, Relaxed);
    }

    fn wait_for_answers(&self) -> io::Result<()> {
        let (before, until) = (self.answered.load(Relaxed), Instant::now() + PATIENCE);
        while self.answered.load(Relaxed) < before + ANSWERS {
            if Instant::now() > until {
                return Err(io::Error::other("no client is answered anymore"));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [answered, refused, cut_off] =
            [&self.answered, &self.refused, &self.cut_off].map(|count| count.load(Relaxed));
        write!(f, "{answered:>8}  {refused:>7}  {cut_off:>7}")
    }
}
