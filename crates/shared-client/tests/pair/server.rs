//! The server's program, running.

use super::DEADLINE;
use super::peer::{PREAMBLE, Peer};
use super::process::{client, server_program};
use crate::transport::{LISTEN_OPTION, Place, connect};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How a server is to be started.
#[derive(Debug)]
pub struct Start {
    program: PathBuf,
    arguments: Vec<String>,
    shell: String,
    /// A program that runs it, with the arguments that come before.
    wrapper: String,
    stderr: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    place: Arc<Place>,
    address: String,
}

impl Start {
    pub fn new(arguments: &[&str]) -> Self {
        let place = Arc::new(Place::new());
        Start {
            program: server_program().to_owned(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            shell: String::new(),
            wrapper: String::new(),
            stderr: None,
            stdout: None,
            address: place.address(),
            place,
        }
    }

    /// A copy of the server, for whom its own file is out of reach.
    #[allow(dead_code, reason = "for Unix sockets alone: TCP does not know users")]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    /// A command of the shell that is run first: `ulimit`, `umask`.
    pub fn after(mut self, command: &str) -> Self {
        self.shell = format!("{command} && ");
        self
    }

    /// At this place, which another server may have too.
    pub fn at(mut self, place: &Arc<Place>, address: &str) -> Self {
        self.place = Arc::clone(place);
        address.clone_into(&mut self.address);
        self
    }

    /// Where it listens unless it is told; it leaves its files in this place.
    #[allow(
        dead_code,
        reason = "for Unix sockets alone: a port would be a fixed one"
    )]
    pub fn at_default(mut self, place: &Arc<Place>) -> Self {
        self.place = Arc::clone(place);
        self.address.clear();
        self
    }

    /// As another user, which takes the superuser.
    #[allow(dead_code, reason = "for Unix sockets alone: TCP does not know users")]
    pub fn run_by(self, uid: &str) -> Self {
        self.inside(&format!(
            "setpriv --clear-groups --regid {uid} --reuid {uid}"
        ))
    }

    /// Inside another program, which sets something and runs the server in its own place: `env`,
    /// `unshare`, `setpriv`.
    pub fn inside(mut self, wrapper: &str) -> Self {
        self.wrapper = format!("{wrapper} ");
        self
    }

    /// Its log goes there, and [`Server::log`] stays empty.
    pub fn stderr(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.stderr = Some(descriptor.into());
        self
    }

    /// Its one line goes there.
    pub fn stdout(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.stdout = Some(descriptor.into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("{}exec {}\"$0\" \"$@\"", self.shell, self.wrapper),
        ]);
        command.arg(&self.program);
        if !self.address.is_empty() {
            command.args([LISTEN_OPTION, &self.address]);
        }
        command.args(&self.arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it, whatever becomes of it.
    pub fn spawn(mut self) -> Server {
        let mut command = self.command();
        if let Some(descriptor) = self.stderr.take() {
            command.stderr(descriptor);
        }
        if let Some(descriptor) = self.stdout.take() {
            command.stdout(descriptor);
        }
        let mut child = command.spawn().unwrap();
        let output = match child.stdout.take() {
            Some(pipe) => lines_of(pipe),
            None => lines_of(io::empty()),
        };
        let log = match child.stderr.take() {
            Some(pipe) => Log::of(pipe),
            None => Log::of(io::empty()),
        };
        Server {
            address: String::new(),
            child,
            output,
            log,
            place: self.place,
        }
    }

    /// Starts it and waits until a client can connect.
    #[track_caller]
    pub fn run(self) -> Server {
        let mut server = self.spawn();
        let listens = server.begins_to_listen();
        assert!(listens, "it does not listen: {}", server.log.text());
        server
    }

    /// Starts it, and it must refuse: exit with 2, print nothing, and say why on standard error,
    /// which is returned.
    #[track_caller]
    pub fn refused(self) -> String {
        let mut server = self.spawn();
        server.exits_with(2);
        server.log.text()
    }
}

/// A running server, which is killed when it is no longer needed.
#[derive(Debug)]
pub struct Server {
    /// As it printed it, and as a client takes it.
    pub address: String,
    child: Child,
    output: Receiver<String>,
    log: Log,
    place: Arc<Place>,
}

impl Server {
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Self {
        Start::new(arguments).run()
    }

    /// Waits for the line that says where it listens; `false` if it ends instead.
    #[track_caller]
    pub fn begins_to_listen(&mut self) -> bool {
        let line = match self.output.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("it neither listens nor ends"),
        };
        let address = line.strip_prefix("listening on ");
        address
            .expect("where it listens")
            .clone_into(&mut self.address);
        true
    }

    pub fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub fn client(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut client = client(&self.address);
        client.args(arguments);
        client
    }

    /// A connection on which nothing was sent yet.
    #[track_caller]
    pub fn connect(&self) -> Peer {
        Peer::new(connect(&self.address).unwrap())
    }

    /// A connection on which the preamble was sent.
    #[track_caller]
    pub fn greet(&self) -> Peer {
        let mut peer = self.connect();
        peer.send(PREAMBLE);
        peer
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal; after SIGSTOP the server does stand still (`kill` returns earlier).
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
        if signal == Signal::STOP {
            let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
            waitid(WaitId::Pid(self.pid()), stopped).unwrap();
        }
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Waits for its end: the exit code, and what it printed after `listening on …`.
    #[track_caller]
    pub fn exit(&mut self) -> Output {
        let started = Instant::now();
        let mut stdout = Vec::new();
        loop {
            let left = DEADLINE.saturating_sub(started.elapsed());
            match self.output.recv_timeout(left) {
                Ok(line) => stdout.extend([line.as_bytes(), b"\n"].concat()),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still running: {}", self.log.text()),
            }
        }
        let status = self.child.wait().unwrap();
        self.log.wait_for_end();
        Output {
            status,
            stdout,
            stderr: self.log.text().into(),
        }
    }

    /// Waits for its end, where its output goes elsewhere.
    #[track_caller]
    pub fn ends_with(&mut self, code: i32) {
        let status = super::eventually("its end", || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(code));
    }

    /// Waits for its end, and expects this exit code and no second line on standard output.
    #[track_caller]
    pub fn exits_with(&mut self, code: i32) {
        let output = self.exit();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(output.stdout, b"", "one line on standard output");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.child.try_wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log.text();
            eprintln!("the server had ended: {ended:?}; its log:\n{log}");
        }
    }
}

/// The lines of a pipe, until its end.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// What a server has written to standard error until now.
#[derive(Debug, Clone)]
pub struct Log {
    written: Arc<(Mutex<Written>, Condvar)>,
}

#[derive(Debug, Default)]
struct Written {
    text: String,
    ended: bool,
}

impl Log {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let log = Log {
            written: Arc::default(),
        };
        let written = Arc::clone(&log.written);
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut so_far = written.0.lock().unwrap();
                so_far.text += &line;
                so_far.text.push('\n');
                written.1.notify_all();
            }
            written.0.lock().unwrap().ended = true;
            written.1.notify_all();
        });
        log
    }

    pub fn text(&self) -> String {
        self.written.0.lock().unwrap().text.clone()
    }

    /// Waits for a line that holds this.
    #[track_caller]
    pub fn wait_for(&self, part: &str) -> String {
        self.wait(|written| {
            let line = written.text.lines().find(|line| line.contains(part));
            line.map(ToOwned::to_owned)
        })
        .unwrap_or_else(|| panic!("no {part:?} in the log:\n{}", self.text()))
    }

    #[track_caller]
    fn wait_for_end(&self) {
        let ended = self.wait(|written| written.ended.then_some(()));
        ended.expect("the log ends with the process");
    }

    fn wait<T>(&self, mut look: impl FnMut(&Written) -> Option<T>) -> Option<T> {
        let started = Instant::now();
        let mut written = self.written.0.lock().unwrap();
        loop {
            if let Some(seen) = look(&written) {
                return Some(seen);
            }
            let left = DEADLINE.checked_sub(started.elapsed())?;
            let left = left.max(Duration::from_millis(1));
            written = self.written.1.wait_timeout(written, left).unwrap().0;
        }
    }
}
