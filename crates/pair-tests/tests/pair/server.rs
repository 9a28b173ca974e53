//! The server's program, running.

use super::DEADLINE;
use super::peer::{PREAMBLE, Peer};
use super::process::{client, server_program};
use crate::transport::{LISTEN_OPTION, Place, connect};
use rustix::process::Pid;
use scripted_peer::{
    Activation, Descriptor, Figures, NotifySocket, Output, Program, Running, Signal,
};
use scripted_peer::{Peer as ScriptedPeer, Start as Started};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// When a whole test is ended that is stuck: its waits give up long before.
const TEST: Duration = Duration::from_secs(300);

/// How a server is to be started.
#[derive(Debug)]
pub struct Start {
    program: Program,
    arguments: Vec<String>,
    place: Place,
    address: String,
}

impl Start {
    pub fn new(arguments: &[&str]) -> Self {
        Self::of(server_program(), arguments)
    }

    /// Another program, or a copy for whom the server's own file is out of reach.
    pub fn of(program: &Path, arguments: &[&str]) -> Self {
        let place = Place::new();
        Self {
            program: Program::exactly(program).patience(DEADLINE),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            address: place.address(),
            place,
        }
    }

    /// A command of the shell that is run first: `ulimit`, `umask`.
    pub fn after(mut self, command: &str) -> Self {
        self.program = self.program.after(command);
        self
    }

    /// At this place, which another server may have too. Without an address it is not told one, and
    /// leaves its files in this place.
    pub fn at(mut self, place: &Place, address: &str) -> Self {
        self.place = place.clone();
        address.clone_into(&mut self.address);
        self
    }

    /// Inside another program, which sets something and runs the server in its own place: `env`,
    /// `unshare`, `setpriv`.
    pub fn inside(mut self, wrapper: &str) -> Self {
        self.program = self.program.inside(wrapper);
        self
    }

    /// Born with these descriptors, and not told where to listen.
    pub fn activated(mut self, activation: &Activation) -> Self {
        self.program = self.program.activated(activation);
        self.address.clear();
        self
    }

    /// Told where to listen all the same.
    pub fn told_to_listen(mut self) -> Self {
        self.address = self.place.address();
        self
    }

    /// This supervisor wants to hear of it.
    pub fn notifies(mut self, supervisor: &NotifySocket) -> Self {
        self.program = self.program.notifies(supervisor);
        self
    }

    /// The supervisor wants to hear at least this often that it is not stuck.
    pub fn watched(mut self, every: Duration) -> Self {
        self.program = self.program.watched(every);
        self
    }

    /// Its log goes there, and [`Server::log`] stays empty.
    pub fn stderr(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.program = self.program.stderr_to(descriptor);
        self
    }

    /// Its one line goes there.
    pub fn stdout(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.program = self.program.stdout_to(descriptor);
        self
    }

    /// Starts it, whatever becomes of it.
    pub fn spawn(self) -> Server {
        scripted_peer::deadline(TEST);
        let listen = [LISTEN_OPTION, &self.address].map(ToOwned::to_owned);
        let listen = listen.into_iter().filter(|_| !self.address.is_empty());
        Server {
            address: String::new(),
            running: self.program.args(listen).args(self.arguments).start(),
            place: self.place,
        }
    }

    /// Starts it and waits until a client can connect.
    #[track_caller]
    pub fn run(self) -> Server {
        let mut server = self.spawn();
        let listens = server.begins_to_listen();
        assert!(listens, "it does not listen: {}", server.log());
        server
    }

    /// Starts it, and it must refuse: exit with 2, print nothing, and say why on standard error,
    /// which is returned.
    pub fn refused(self) -> String {
        let server = self.spawn();
        server.exits_with(2);
        server.log()
    }
}

/// A running server, which is killed when it is no longer needed.
pub struct Server {
    /// As it printed it, and as a client takes it.
    pub address: String,
    running: Running,
    place: Place,
}

impl Server {
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Self {
        Start::new(arguments).run()
    }

    /// Waits for the line that says where it listens; `false` if it ends instead.
    pub fn begins_to_listen(&mut self) -> bool {
        let listens = self.running.listens_or_ends().now() == Started::Listens;
        if listens {
            self.address = self.running.address().to_string();
        }
        listens
    }

    pub fn place(&self) -> &Place {
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
        Pid::from_raw(self.running.pid().cast_signed()).unwrap()
    }

    /// What it has open; guard a test that uses it with `needs::linux`.
    pub fn descriptors(&self) -> Vec<Descriptor> {
        self.running.descriptors()
    }

    /// A copy of its end of this connection; guard a test that uses it with `needs::linux`.
    #[allow(dead_code, reason = "TCP alone has options that are looked at")]
    pub fn socket_of(&self, peer: &ScriptedPeer) -> socket2::Socket {
        self.running.socket_of(peer).now()
    }

    /// What it costs; guard a test that uses it with `needs::linux`.
    pub fn figures(&self) -> Figures {
        self.running.figures()
    }

    /// The number that the next descriptor which it opens will have: the lowest that is free. A
    /// server may have inherited higher ones. Guard a test that uses it with `needs::linux`.
    pub fn next_descriptor(&self) -> u64 {
        let path = |number| format!("/proc/{}/fd/{number}", self.running.pid());
        let is_free = |number: &u64| fs::symlink_metadata(path(*number)).is_err();
        (0..).find(is_free).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// What it has written to standard error until now.
    pub fn log(&self) -> String {
        self.running.stderr()
    }

    /// Waits for a line of its log that holds this.
    pub fn logs(&self, part: &str) -> String {
        self.running.log_line(part).now()
    }

    /// Waits for its end, whatever it is.
    pub fn exit(&self) -> Output {
        self.running.ends().now()
    }

    /// Waits for its end, where its output goes elsewhere.
    pub fn ends_with(&self, code: i32) {
        self.running.exits_with(code).now();
    }

    /// Waits for its end, and expects this exit code and no second line on standard output.
    pub fn exits_with(&self, code: i32) {
        let line = match self.address.as_str() {
            "" => String::new(),
            address => format!("listening on {address}\n"),
        };
        self.running.exits_with(code).stdout_bytes(line).now();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}
