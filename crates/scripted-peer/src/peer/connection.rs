//! How a connection is established, what arrives, and how it ends.

use std::fmt;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use socket2::{Socket, Type};

use crate::address::Address;
use crate::context;
use crate::failure::Failure;
use crate::machine;
use crate::patience::{PATIENCE, Patience};
use crate::queue::Queue;
use crate::timeline::Timeline;
use crate::verdict::Verdict;
use crate::wait;

/// One end of a connection over TCP or a Unix socket, played by the check.
///
/// [`Running::connect`](crate::Running::connect) and [`Listener::accept`](crate::Listener::accept)
/// create one. The test's timeline notes what the peer does. Nothing here waits forever: each verb
/// has 4 seconds, or the time that [`patience`](Self::patience) sets.
pub struct Peer {
    pub(super) socket: Socket,
    pub(super) number: usize,
    pub(super) timeline: Arc<Timeline>,
    pub(super) patience: Duration,
    pub(super) local: Address,
    pub(super) remote: Address,
    /// Bytes that have arrived and that no verb has returned yet.
    pub(super) inbox: Vec<u8>,
    /// Descriptors that arrived with those bytes.
    pub(super) files: Vec<OwnedFd>,
    /// How the connection ended, if it has.
    pub(super) ending: Option<Ending>,
    /// Whether a write reported a reset. The kernel reports a reset only once: later reads find a
    /// plain end of stream.
    pub(super) reset_seen: bool,
    /// Whether the peer reads only what a verb asks for.
    pub(super) stalled: bool,
    /// How many bytes have been sent in total.
    pub(super) sent: u64,
    pub(super) queue: Option<Queue>,
}

// ANCHOR: ending
/// How a connection, or an attempt to connect, can end. None of these is ever reported as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// End of stream: the other side has closed the connection, or shut down writing, and
    /// everything that it sent has arrived.
    End,
    /// A reset (`ECONNRESET`): the other side is gone, and bytes that were still on their way are
    /// lost.
    Reset,
    /// A refusal (`ECONNREFUSED`): nothing is listening there.
    Refusal,
    /// Nothing happened for as long as the check waited.
    Silence,
}
// ANCHOR_END: ending

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "end of stream",
            Self::Reset => "a reset",
            Self::Refusal => "a refusal",
            Self::Silence => "silence",
        })
    }
}

impl Peer {
    /// Connects to `address`; if that fails, the test ends.
    #[must_use]
    pub fn connect(address: &Address) -> Self {
        Self::try_connect(address).now()
    }

    /// Connects to `address`.
    pub fn try_connect(address: &Address) -> Verdict<Self> {
        let timeline = context::current();
        let found = Self::attempt(&timeline, address).map_err(|error| {
            let (expected, got) = (format!("a connection to {address}"), outcome(&error));
            failure(expected, got, &error)
        });
        Verdict::new(&timeline, found)
    }

    /// Connects to `address`, and expects the connection to be refused.
    pub fn expect_refused(address: &Address) -> Verdict {
        let timeline = context::current();
        let expected = format!("a refusal at {address}");
        let found = match Self::attempt(&timeline, address) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(failure(expected, outcome(&error), &error)),
            Ok(_) => Err(Failure::new(expected, "a connection")),
        };
        Verdict::new(&timeline, found)
    }

    fn attempt(timeline: &Arc<Timeline>, address: &Address) -> io::Result<Self> {
        let mut patience = Patience::new(timeline, PATIENCE);
        let socket = Socket::new(address.domain(), Type::STREAM, None)?;
        match connect(&socket, address, &mut patience) {
            Ok(()) => {
                let peer = Self::new(socket, timeline);
                timeline.note(Some(peer.number), format!("connected to {address}"));
                Ok(peer)
            }
            Err(error) => {
                timeline.note(
                    None,
                    format!("a peer that connects to {address} gets {}", outcome(&error)),
                );
                Err(error)
            }
        }
    }

    /// The peer for a connection that a listener of the check has accepted.
    pub(crate) fn accepted(socket: Socket) -> Self {
        let timeline = context::current();
        let peer = Self::new(socket, &timeline);
        let from = match &peer.remote {
            Address::Tcp(address) => format!(" from {address}"),
            Address::Unix(_) => String::new(),
        };
        timeline.note(Some(peer.number), format!("accepted a connection{from}"));
        peer
    }

    fn new(socket: Socket, timeline: &Arc<Timeline>) -> Self {
        let name = |address: io::Result<socket2::SockAddr>| {
            address.map_or_else(
                |_| Address::Unix("".into()),
                |address| Address::of(&address),
            )
        };
        let (local, remote) = (name(socket.local_addr()), name(socket.peer_addr()));
        socket
            .set_nonblocking(true)
            .expect("a socket can be made non-blocking");
        if matches!(local, Address::Tcp(_)) {
            // Whatever a script sends in two pieces is also sent in two.
            let _ = socket.set_tcp_nodelay(true);
        }
        let queue = Queue::of(&socket, &local, &remote);
        Self {
            socket,
            number: timeline.new_peer(),
            timeline: Arc::clone(timeline),
            patience: PATIENCE,
            local,
            remote,
            inbox: Vec::new(),
            files: Vec::new(),
            ending: None,
            reset_seen: false,
            stalled: false,
            sent: 0,
            queue,
        }
    }

    /// Returns the address of this end.
    #[must_use]
    pub fn local(&self) -> &Address {
        &self.local
    }

    /// Returns the address of the other end.
    #[must_use]
    pub fn remote(&self) -> &Address {
        &self.remote
    }

    /// Returns the inode of the Unix socket at the other end.
    #[cfg(target_os = "linux")]
    pub(crate) fn other_inode(&self) -> Option<u64> {
        self.queue.as_ref()?.other_inode()
    }

    /// Sets how long this peer's verbs wait; the default is 4 seconds.
    pub fn patience(&mut self, patience: Duration) -> &mut Self {
        self.patience = patience;
        self
    }

    pub(super) fn new_patience(&self) -> Patience {
        Patience::new(&self.timeline, self.patience)
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.timeline.note(Some(self.number), text);
    }

    /// Reads once what has arrived, without waiting. Returns whether that brought anything new:
    /// bytes, or the end of the connection.
    pub(super) fn read(&mut self) -> bool {
        let mut buffer = vec![0; 64 << 10];
        let length = loop {
            match self.read_once(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match length {
            Ok(0) => self.end(if self.reset_seen {
                Ending::Reset
            } else {
                Ending::End
            }),
            Ok(length) => {
                self.inbox.extend_from_slice(&buffer[..length]);
                self.timeline.received(self.number, &buffer[..length]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => self.end(Ending::Reset),
        }
        true
    }

    pub(super) fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending);
            self.timeline.lock().ended = true;
            self.note(format!("<- {ending}"));
        }
    }

    /// Reads until `enough` is satisfied or the connection ends. If neither happens in time, the
    /// ending is silence.
    pub(super) fn fill(
        &mut self,
        mut time: Patience,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Option<Ending> {
        while !enough(&self.inbox) {
            if let Some(ending) = self.ending {
                return Some(ending);
            }
            if !self.read() && !time.wait(|until| wait::readable(&self.socket, until)) {
                return Some(Ending::Silence);
            }
            if time.is_out() {
                self.read_what_came();
                if !enough(&self.inbox) && self.ending.is_none() {
                    return Some(Ending::Silence);
                }
            }
        }
        None
    }

    /// Reads what has arrived by now, without waiting: it arrived in time, even if the check looks
    /// late.
    fn read_what_came(&mut self) {
        let mut left = 1 + self.waiting();
        while left > 0 && self.ending.is_none() {
            let before = self.inbox.len();
            if !self.read() {
                break;
            }
            left = left.saturating_sub(self.inbox.len() - before);
        }
    }
}

/// Describes the outcome of an attempt to connect.
fn outcome(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => format!("{}: nothing is listening there", Ending::Refusal),
        ErrorKind::ConnectionReset => Ending::Reset.to_string(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            format!(
                "{}: the connection was not established in time",
                Ending::Silence
            )
        }
        _ => error.to_string(),
    }
}

/// The failure to report for this error. An error that no program on the other side can cause is
/// reported as this machine's.
fn failure(expected: String, got: String, error: &io::Error) -> Failure {
    if machine::is_to_blame(error) {
        return Failure::of_machine(&expected, &got, machine::RESOURCES);
    }
    let refused = matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::NotFound
    );
    Failure {
        refused,
        ..Failure::new(expected, got)
    }
}

/// Connects, or gives up when the time is up. On Linux, connecting to a Unix socket whose queue is
/// full blocks; the socket's timeout for writes bounds that wait, too (`unix(7)`).
fn connect(socket: &Socket, address: &Address, patience: &mut Patience) -> io::Result<()> {
    let to = address.sockaddr()?;
    if let Address::Tcp(_) = address {
        socket.set_nonblocking(true)?;
        return match socket.connect(&to) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => {
                let made = |until| !wait::wait(socket, PollFlags::OUT, until).is_empty();
                if !patience.wait(made) {
                    return Err(ErrorKind::TimedOut.into());
                }
                socket.take_error()?.map_or(Ok(()), Err)
            }
            other => other,
        };
    }
    let mut made = Err(ErrorKind::TimedOut.into());
    patience.wait(|until| {
        let left = until
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        made = socket
            .set_write_timeout(Some(left))
            .and_then(|()| socket.connect(&to));
        !made
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    });
    made?;
    socket.set_write_timeout(None)
}
