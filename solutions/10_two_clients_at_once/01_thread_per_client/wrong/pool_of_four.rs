//! Caught by: a_silent_client_blocks_nobody, a_panic_ends_one_connection
//! Told: A hundred clients are connected
//!
//! Four workers share a channel of jobs. Four clients that say nothing keep all of them; a job that
//! panics takes its worker along, and nobody replaces it. When the last one is gone the channel has no
//! receiver, `send` fails, and the program ends.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: ADDRESS");
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let pool = Pool::new(4);
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => pool.run(move || talk(&stream)),
            Err(error) => eprintln!("a client was lost: {error}"),
        }
    }
    Ok(())
}

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    jobs: Sender<Job>,
}

impl Pool {
    fn new(size: usize) -> Pool {
        let (jobs, next) = mpsc::channel::<Job>();
        let next = Arc::new(Mutex::new(next));
        for _ in 0..size {
            let next = Arc::clone(&next);
            thread::spawn(move || {
                loop {
                    let job = next.lock().expect("no job runs under the lock").recv();
                    let Ok(job) = job else { return };
                    job();
                }
            });
        }
        Pool { jobs }
    }

    fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("a worker is left");
    }
}

/// Talks to one client until it leaves.
fn talk(stream: &TcpStream) {
    if let Err(error) = handle(stream) {
        eprintln!("a client: {error}");
    }
}

/// Answers each line.
///
/// # Panics
///
/// When the line is `panic`: it stands for the mistake that every large program has somewhere.
fn handle(mut stream: &TcpStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        assert_ne!(line?, "panic", "a mistake in the code that serves a client");
        stream.write_all(b"accepted\n")?;
    }
    Ok(())
}
