//! Chapter 14: tasks that are told to stop, and counted. A token tells all tasks at once; a tracker
//! reports when the last of them is done.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the clients may take to finish.
const DRAIN: Duration = Duration::from_secs(5);
/// The exit code that means: a client was cut off.
const CUT: u8 = 3;

// ANCHOR: main
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<ExitCode> {
    let path = env::args().nth(1).expect("the path to listen on");
    let mut terminate = signal(SignalKind::terminate())?; // caught from here on
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = UnixListener::bind(&path)?;
    println!("listening on {path}");
    let (stop, clients) = (CancellationToken::new(), TaskTracker::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(clients.spawn(serve(stream, stop.clone()))),
                Err(error) => _ = writeln!(io::stderr(), "a client was lost: {error}"),
            },
            () = either(&mut terminate, &mut interrupt) => break,
        }
    }
    fs::remove_file(path)?;
    drop(listener);
    stop.cancel(); // every task that is waiting for it wakes up
    clients.close(); // no more will be spawned
    tokio::select! {
        done = timeout(DRAIN, clients.wait()) => match done {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(_) => Ok(ExitCode::from(CUT)),
        },
        () = either(&mut terminate, &mut interrupt) => Ok(ExitCode::from(CUT)),
    }
}
// ANCHOR_END: main

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

async fn serve(mut stream: UnixStream, stop: CancellationToken) {
    if let Err(error) = talk(&mut stream, &stop).await {
        let _ = writeln!(io::stderr(), "a client: {error}");
    }
}

// ANCHOR: talk
/// Sends back each line in upper case.
async fn talk(stream: &mut UnixStream, stop: &CancellationToken) -> io::Result<()> {
    let mut incoming = Vec::new();
    loop {
        // Stops only where nothing is lost: between two reads, never inside an answer.
        let length = tokio::select! {
            biased; // what has arrived is read first
            length = stream.read_buf(&mut incoming) => length?,
            () = stop.cancelled() => 0,
        };
        if length == 0 {
            break;
        }
        while let Some(end) = incoming.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = incoming.drain(..=end).collect();
            let text = String::from_utf8(line).map_err(|_| ErrorKind::InvalidData)?;
            stream.write_all(text.to_uppercase().as_bytes()).await?;
        }
    }
    match incoming.is_empty() {
        true => Ok(()),
        false => stream.write_all(b"unfinished\n").await,
    }
}
// ANCHOR_END: talk
