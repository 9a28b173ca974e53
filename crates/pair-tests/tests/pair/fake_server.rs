//! A server for one client, that does what no good server does.

use super::DEADLINE;
use super::peer::Peer;
use super::process::client;
use crate::transport::Listener;
use assert_cmd::Command;
use predicates::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver};
use std::thread;

#[derive(Debug)]
pub struct FakeServer {
    pub address: String,
    outcome: Receiver<Result<(), Box<dyn Any + Send>>>,
}

impl FakeServer {
    /// Follows the script with the first client that comes.
    pub fn new(script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        let listener = Listener::new();
        let address = listener.address();
        let (done, outcome) = mpsc::channel();
        thread::spawn(move || {
            let script = AssertUnwindSafe(|| script(&mut listener.accept()));
            let _ = done.send(catch_unwind(script));
        });
        FakeServer { address, outcome }
    }

    pub fn client(&self, arguments: &[&str]) -> Command {
        let mut client = client(&self.address);
        client.args(arguments);
        client
    }

    /// Waits for the end of the script, and fails if it did.
    pub fn join(self) {
        let outcome = self.outcome.recv_timeout(DEADLINE);
        if let Err(panic) = outcome.expect("the script ends") {
            resume_unwind(panic);
        }
    }

    /// Runs the client, which must print nothing, tell in one line, with the address and these
    /// words, why not, and exit with 1.
    #[track_caller]
    pub fn fails(self, arguments: &[&str], words: &[&str]) {
        let client = self.client(arguments).assert().code(1).stdout("");
        let told = client.get_output().stderr.clone();
        tells(&told, &self.address, words);
        self.join();
    }
}

/// Whether this is one line that names the address and holds these words.
#[track_caller]
pub fn tells(stderr: &[u8], address: &str, words: &[&str]) {
    let told = std::str::from_utf8(stderr).unwrap();
    assert_eq!(told.matches('\n').count(), 1, "one line: {told}");
    assert!(told.ends_with('\n'), "a whole line: {told}");
    assert!(!told.trim_end().contains(char::is_control), "{told:?}");
    for word in words.iter().chain([&address]) {
        let expected = predicate::str::contains(*word);
        assert!(expected.eval(told), "{told:?} should contain {word:?}");
    }
}
