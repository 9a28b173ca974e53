//! A supervisor's socket, to which a program reports that it is ready, alive or stopping
//! ([sd_notify(3)](https://man7.org/linux/man-pages/man3/sd_notify.3.html)).

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::actor::Actor;
use crate::failure::Failure;
use crate::folder::{Folder, folder};
use crate::machine;
use crate::program::Program;
use crate::verdict::Verdict;
use crate::wait;

/// The longest message that is read completely, in bytes.
const LONGEST: usize = 4096;
/// A queue that has accepted this many messages is assumed never to be full.
const MOST: usize = 100_000;

/// A supervisor's socket. [`Program::notifies`] passes its address to the program.
///
/// ```no_run
/// use scripted_peer::{NotifySocket, Program, Signal, line};
///
/// let mut supervisor = NotifySocket::on_path();
/// let mut server = Program::new("server").notifies(&supervisor).arg("127.0.0.1:0").start();
/// supervisor.expect("READY=1").or_explain("Send READY=1 once you are listening.", "");
/// server.listens_or_ends();
/// server.connect().send(line("hello")).expect(line("hello")).or_explain(
///     "You sent READY=1 before clients could connect. Send it after listen().",
///     "",
/// );
/// server.signal(Signal::TERM);
/// supervisor.expect("STOPPING=1").or_explain("Send STOPPING=1 before you stop.", "");
/// ```
pub struct NotifySocket {
    socket: UnixDatagram,
    name: String,
    actor: Actor,
    /// Lines that have arrived and that no verb has returned yet.
    lines: VecDeque<String>,
    folder: Option<Folder>,
}

impl Program {
    /// Sets `NOTIFY_SOCKET` for the program to the address of this socket.
    pub fn notifies(self, supervisor: &NotifySocket) -> Self {
        self.env("NOTIFY_SOCKET", supervisor.name())
    }

    /// Sets `WATCHDOG_USEC` and `WATCHDOG_PID`, which ask the program to send `WATCHDOG=1` at least
    /// once every `every` (sd_watchdog_enabled(3)). Programs usually send it after half this time.
    pub fn watched(self, every: Duration) -> Self {
        let time = every.as_micros();
        self.after(&format!("export WATCHDOG_PID=$$ WATCHDOG_USEC={time}"))
    }
}

impl NotifySocket {
    /// Creates a supervisor's socket at a fresh path.
    #[must_use]
    pub fn on_path() -> Self {
        let folder = folder();
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path);
        Self::new(socket, path.display().to_string(), Some(folder))
    }

    /// Creates a supervisor's socket with an abstract name. In `NOTIFY_SOCKET`, a `@` stands for
    /// the name's zero byte. Only Linux has abstract names: guard the check with
    /// [`needs::linux`](crate::needs::linux).
    #[must_use]
    pub fn with_abstract_name() -> Self {
        // Its last part is the name of a fresh folder, so no other socket has it.
        let folder = folder();
        let name = format!("{}/notify", folder.path().display());
        Self::new(bind_abstract(&name), format!("@{name}"), Some(folder))
    }

    fn new(socket: io::Result<UnixDatagram>, name: String, folder: Option<Folder>) -> Self {
        let socket = socket.and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        let socket = socket.unwrap_or_else(|error| {
            machine::no_verdict(
                "a notify socket for the check",
                &error.to_string(),
                machine::RESOURCES,
            )
        });
        let actor = Actor::on_stage();
        actor.note(format!("is a supervisor: NOTIFY_SOCKET={name}"));
        Self {
            socket,
            name,
            actor,
            lines: VecDeque::new(),
            folder,
        }
    }

    /// Returns the value for `NOTIFY_SOCKET`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets how long this socket's verbs wait; the default is 4 seconds.
    pub fn patience(&mut self, patience: Duration) -> &mut Self {
        self.actor.patience = patience;
        self
    }

    /// Waits until the program has sent this line, and skips lines before it (`STATUS=`,
    /// `WATCHDOG=1`). Later lines are kept for the next verb.
    pub fn expect(&mut self, line: &str) -> Verdict {
        let mut passed = Vec::new();
        let actor = self.actor.clone();
        let found = actor.wait(|until| {
            if self.lines.is_empty() && wait::readable(&self.socket, until) {
                self.take_all();
            }
            while let Some(came) = self.lines.pop_front() {
                if came == line {
                    return Some(());
                }
                passed.push(came);
            }
            None
        });
        let failure = || {
            let mut failure = actor.missed(format!("{line:?} at NOTIFY_SOCKET"));
            if let Some(last) = passed.last() {
                failure.got += &format!("; the last line was {last:?}");
            }
            failure
        };
        actor.verdict(found.ok_or_else(failure))
    }

    /// Waits for the next line that the program sends, and returns it.
    pub fn next_line(&mut self) -> Verdict<String> {
        let actor = self.actor.clone();
        let found = actor.wait(|until| {
            if self.lines.is_empty() && wait::readable(&self.socket, until) {
                self.take_all();
            }
            self.lines.pop_front()
        });
        let failure = || actor.missed("a line at NOTIFY_SOCKET");
        actor.verdict(found.ok_or_else(failure))
    }

    /// Returns the lines that have arrived so far and that no verb has returned yet, in order. This
    /// does not wait.
    pub fn take_lines(&mut self) -> Vec<String> {
        self.take_all();
        self.lines.drain(..).collect()
    }

    /// Skips what has arrived so far, and then expects the program to send nothing for this long.
    /// This always takes all of `time`, so use it rarely.
    pub fn expect_nothing_for(&mut self, time: Duration) -> Verdict {
        self.take_lines();
        let actor = self.actor.clone();
        let came = actor.wait_for(time, |until| {
            if wait::readable(&self.socket, until) {
                self.take_all();
            }
            self.lines.front().cloned()
        });
        let expected = format!("nothing at NOTIFY_SOCKET for {time:?}");
        actor.verdict(match came {
            None => Ok(()),
            Some(line) => Err(Failure::new(expected, format!("{line:?}"))),
        })
    }

    /// Fills the socket's queue until it accepts no more messages, as if the supervisor were hung.
    /// Returns the number of messages sent. [`drain`](Self::drain) makes room again.
    ///
    /// # Panics
    ///
    /// Panics if the queue never fills up.
    pub fn fill(&mut self) -> usize {
        let sent = self.filler().map(|filler| {
            let send = |_: &usize| filler.send(b"X_FILLED=1").is_ok();
            (0..MOST).take_while(send).count()
        });
        match sent {
            Ok(sent) if sent < MOST => {
                self.actor.note(format!(
                    "its queue is full: {sent} messages, and it is not reading them"
                ));
                sent
            }
            Ok(_) => panic!("the queue of a notify socket has no end"),
            Err(error) => machine::no_verdict(
                "a socket that fills the supervisor's queue",
                &error.to_string(),
                machine::RESOURCES,
            ),
        }
    }

    fn filler(&self) -> io::Result<UnixDatagram> {
        let filler = UnixDatagram::unbound()?;
        filler.set_nonblocking(true)?;
        filler.connect_addr(&self.socket.local_addr()?)?;
        Ok(filler)
    }

    /// Makes room in the queue by reading the messages that [`fill`](Self::fill) sent. Lines from
    /// the program are kept for the next verb.
    pub fn drain(&mut self) -> &mut Self {
        self.take_all();
        self.actor.note("its queue has room again");
        self
    }

    /// Reads all messages in the socket's queue. Descriptors that arrive with them are closed,
    /// which is how a supervisor replies to a barrier (sd_notify_barrier(3)).
    fn take_all(&mut self) {
        let mut buffer = vec![0; LONGEST];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) if &buffer[..length] == b"X_FILLED=1" => {}
                Ok(length) => {
                    self.actor.received(&buffer[..length], "");
                    let text = String::from_utf8_lossy(&buffer[..length]);
                    self.lines.extend(text.lines().map(str::to_owned));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Closes the socket and removes its path, if it has one. From now on, sending to it fails.
    pub fn close(self) {
        self.actor.note("the supervisor's socket is closed");
        drop(self.socket);
        drop(self.folder);
    }
}

#[cfg(target_os = "linux")]
fn bind_abstract(name: &str) -> io::Result<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;
    UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)
}

#[cfg(not(target_os = "linux"))]
fn bind_abstract(_: &str) -> io::Result<UnixDatagram> {
    panic!("guard the check with `needs::linux`");
}
