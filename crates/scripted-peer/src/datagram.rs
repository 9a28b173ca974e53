//! Peers that send and receive datagrams over Unix sockets or UDP. Each datagram is one message;
//! there is no end of stream, and a Unix sender may have no address.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, SocketAddrUnix, recvfrom, sendto};
use socket2::{Socket, Type};

use crate::actor::Actor;
use crate::address::Address;
use crate::bytes::count;
use crate::bytes::show;
use crate::failure::Failure;
use crate::folder::{Folder, folder};
use crate::machine;
use crate::peer::Ending;
use crate::running::Running;
use crate::verdict::Verdict;
use crate::wait;
use crate::watchdog::fail;

/// The longest datagram that a peer receives completely, in bytes. No UDP datagram is as long.
const LONGEST: usize = 256 << 10;
/// How long to wait before sending to a full queue again: the system doesn't signal that there is
/// room.
const AGAIN: Duration = Duration::from_millis(1);

/// A peer that sends and receives datagrams.
///
/// ```no_run
/// # let server = scripted_peer::Program::new("server").listen_on_path();
/// let mut peer = server.datagram_peer();
/// peer.send("one").send("").send("three");
/// for _ in 0..3 {
///     peer.expect("ok").or_explain(
///         "You took the empty message for the end. A datagram socket has no end of stream: reply to it.",
///         "",
///     );
/// }
/// server.unnamed_datagram_peer().send("nobody's"); // There is no address to reply to,
/// peer.send("again").expect("ok"); // and the program keeps running.
/// ```
///
/// Replies that the check doesn't read stay in the peer's queue. When that is full, a program that
/// sends to a Unix socket has to wait (on Linux after `net.unix.max_dgram_qlen` messages, usually
/// 10, plus one). Over UDP the system drops the datagram instead.
pub struct DatagramPeer {
    socket: Socket,
    actor: Actor,
    address: Option<Address>,
    /// The program's address, if this peer was created to send to a program.
    program: Option<SocketAddrAny>,
    /// The address of the last message's sender, if it has one.
    last: Option<SocketAddrAny>,
    inbox: VecDeque<Vec<u8>>,
    /// A send failed with `ECONNREFUSED` or `ENOENT`: the program's socket is gone, or never
    /// existed.
    refused: bool,
    _folder: Option<Folder>,
}

impl Running {
    /// A datagram peer bound to its own address, so that the program can reply to it: a fresh path
    /// or a free UDP port, in the same address family as the program's socket.
    #[must_use]
    pub fn datagram_peer(&self) -> DatagramPeer {
        match self.address() {
            Address::Unix(_) => DatagramPeer::on_path(),
            Address::Tcp(_) => DatagramPeer::udp(),
        }
        .to(self.address())
    }

    /// A datagram peer without an address: a Unix socket that was never bound, to which no one can
    /// reply.
    ///
    /// # Panics
    ///
    /// Panics if the program listens on UDP, where every sender has an address.
    #[must_use]
    pub fn unnamed_datagram_peer(&self) -> DatagramPeer {
        let address = self.address();
        assert!(
            matches!(address, Address::Unix(_)),
            "over UDP everyone has a name"
        );
        DatagramPeer::new(address, None, None).to(address)
    }
}

impl DatagramPeer {
    /// A datagram peer at a fresh path, for a program to send to. It replies to the sender of the
    /// last message.
    #[must_use]
    pub fn on_path() -> Self {
        let folder = folder();
        let address = Address::Unix(folder.join("datagrams"));
        Self::new(&address, Some(&address), Some(folder))
    }

    /// Like [`on_path`](Self::on_path), but at this path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let address = Address::Unix(path.into());
        Self::new(&address, Some(&address), None)
    }

    /// Like [`on_path`](Self::on_path), but at a free UDP port of 127.0.0.1.
    #[must_use]
    pub fn udp() -> Self {
        let address = Address::Tcp(([127, 0, 0, 1], 0).into());
        Self::new(&address, Some(&address), None)
    }

    fn new(kind: &Address, bound: Option<&Address>, folder: Option<Folder>) -> Self {
        let open = || -> io::Result<Socket> {
            let socket = Socket::new(kind.domain(), Type::DGRAM, None)?;
            socket.set_nonblocking(true)?;
            if let Some(address) = bound {
                socket.bind(&address.sockaddr()?)?;
            }
            Ok(socket)
        };
        let socket = open().unwrap_or_else(|error| {
            machine::no_verdict(
                "a datagram socket for the check",
                &error.to_string(),
                machine::RESOURCES,
            )
        });
        let name = socket.local_addr().ok().filter(|_| bound.is_some());
        let address = name.map(|name| Address::of(&name));
        let actor = Actor::on_stage();
        actor.note(match &address {
            Some(address) => format!("has datagrams sent to {address}"),
            None => "has a datagram socket without a name".to_owned(),
        });
        Self {
            socket,
            actor,
            address,
            program: None,
            last: None,
            inbox: VecDeque::new(),
            refused: false,
            _folder: folder,
        }
    }

    fn to(mut self, address: &Address) -> Self {
        // Over UDP only a connected socket learns that nothing is there (udp(7)).
        if let (Address::Tcp(_), Ok(to)) = (address, address.sockaddr()) {
            self.refused = self.socket.connect(&to).is_err();
        }
        self.program = Some(match address {
            Address::Tcp(address) => (*address).into(),
            Address::Unix(path) => SocketAddrUnix::new(path)
                .expect("the program is bound to it")
                .into(),
        });
        self
    }

    /// Returns the peer's address, in the form that a program accepts.
    ///
    /// # Panics
    ///
    /// Panics if the peer has no address.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.address.as_ref().expect("this peer has no name")
    }

    /// Sets how long this peer's verbs wait; the default is 4 seconds.
    pub fn patience(&mut self, patience: Duration) -> &mut Self {
        self.actor.patience = patience;
        self
    }

    /// Sends one message to the program, or, for a peer that wasn't created for a program, to the
    /// sender of the last message received. If the receiver's queue is full, waits for room; if the
    /// program doesn't make room in time, the test ends. If the program's socket is gone, the next
    /// expectation reports it.
    ///
    /// # Panics
    ///
    /// Panics if there is no address to send to yet.
    pub fn send(&mut self, message: impl AsRef<[u8]>) -> &mut Self {
        let message = message.as_ref();
        let actor = self.actor.clone();
        let sent = actor.wait(|until| match self.try_send(message) {
            Err(error) if is_full(&error) => {
                std::thread::sleep(AGAIN.min(until.saturating_duration_since(Instant::now())));
                None
            }
            other => Some(other),
        });
        match sent {
            None => fail(
                actor.timeline(),
                &Failure::new(
                    format!("the program to read {}", show(message)),
                    format!("its queue was full for {:?}", actor.patience),
                ),
            ),
            Some(sent) => self.tell(message, sent),
        }
        self
    }

    /// Like [`send`](Self::send), but sends to the socket at this path.
    ///
    /// # Panics
    ///
    /// Panics if the path can't be that of a socket (because it is too long, for example).
    pub fn send_to(&mut self, path: impl AsRef<Path>, message: impl AsRef<[u8]>) -> &mut Self {
        let to = SocketAddrUnix::new(path.as_ref()).expect("the path of a socket");
        let program = self.program.replace(to.into());
        self.send(message);
        self.program = program;
        self
    }

    /// Sends the same message until the receiver's queue is full, at most `most` times. Returns how
    /// often it was sent. A UDP sender never finds the queue full.
    pub fn fill(&mut self, message: impl AsRef<[u8]>, most: usize) -> usize {
        let message = message.as_ref();
        let sent = (0..most)
            .take_while(|_| self.try_send(message).is_ok())
            .count();
        self.actor
            .note(format!("-> {} {sent} times", show(message)));
        sent
    }

    fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        let to = self.program.as_ref().or(self.last.as_ref());
        let to = to.expect("no named socket has sent anything here yet");
        if self.socket.peer_addr().is_ok() {
            return self.socket.send(message).map(drop);
        }
        sendto(&self.socket, message, SendFlags::empty(), to)?;
        Ok(())
    }

    fn tell(&mut self, message: &[u8], sent: io::Result<()>) {
        match sent {
            Ok(()) => self.actor.sent(message, ""),
            Err(error) if is_refusal(&error) => {
                self.refused = true;
                self.actor.note(format!(
                    "-> {}: {}: no socket has that name",
                    show(message),
                    Ending::Refusal
                ));
            }
            Err(error) if machine::is_to_blame(&error) => machine::no_verdict(
                "the check to send a datagram",
                &error.to_string(),
                machine::RESOURCES,
            ),
            Err(error) => self.actor.note(format!("-> failed: {error}")),
        }
    }

    /// Waits for the next message, and expects it to be exactly this one.
    pub fn expect(&mut self, message: impl AsRef<[u8]>) -> Verdict {
        let wanted = message.as_ref();
        let found = match self.next(self.actor.patience) {
            Ok(came) if came == wanted => Ok(()),
            Ok(came) if came.is_empty() => Err(Failure::new(show(wanted), "an empty message")),
            Ok(came) => Err(Failure::bytes(wanted, &came, "the end of the message")),
            Err(ending) => Err(Failure::new(show(wanted), self.say(ending))),
        };
        self.actor.verdict(found)
    }

    /// Waits for the next message, and returns it, whatever its content.
    ///
    /// # Errors
    ///
    /// Why there is no message: [`Ending::Refusal`] or [`Ending::Silence`].
    pub fn receive(&mut self) -> Result<Vec<u8>, Ending> {
        self.next(self.actor.patience)
    }

    /// Expects that no message arrives for this long. This always takes all of `time`: if another
    /// message can follow, expect that one instead.
    pub fn expect_nothing_for(&mut self, time: Duration) -> Verdict {
        let expected = format!("no message for {time:?}");
        let found = match self.next(time) {
            Err(Ending::Silence) => Ok(()),
            Err(ending) => Err(Failure::new(expected, ending.to_string())),
            Ok(message) => Err(Failure::new(expected, show(&message))),
        };
        self.actor.verdict(found)
    }

    /// Expects that no message has arrived so far. This does not wait.
    pub fn expect_nothing_yet(&mut self) -> Verdict {
        self.take_all();
        let found = match self.inbox.front() {
            None => Ok(()),
            Some(message) => Err(Failure::new("no message yet", show(message))),
        };
        self.actor.verdict(found)
    }

    fn say(&self, ending: Ending) -> String {
        match ending {
            Ending::Silence if self.actor.timeline().all_exited() => {
                format!("{ending}: the program has ended")
            }
            Ending::Silence => format!("{ending} for {:?}", self.actor.patience),
            ending => format!("{ending}: no socket has that name"),
        }
    }

    fn next(&mut self, time: Duration) -> Result<Vec<u8>, Ending> {
        let actor = self.actor.clone();
        let come = actor.wait_for(time, |until| {
            if self.inbox.is_empty() && wait::readable(&self.socket, until) {
                self.take_all();
            }
            match self.inbox.pop_front() {
                Some(message) => Some(Ok(message)),
                None => self.refused.then_some(Err(Ending::Refusal)),
            }
        });
        come.unwrap_or(Err(Ending::Silence))
    }

    /// Receives all messages that are in the socket's queue.
    fn take_all(&mut self) {
        let mut buffer = vec![0; LONGEST];
        loop {
            match recvfrom(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((length, _, from)) => {
                    let from = from.filter(has_name);
                    self.actor
                        .received(&buffer[..length], &remark(length, from.as_ref()));
                    self.last = from.or(self.last.take());
                    self.inbox.push_back(buffer[..length].to_vec());
                }
                Err(Errno::INTR) => {}
                Err(Errno::CONNREFUSED) => {
                    self.refused = true;
                    self.actor.note(format!("<- {}", Ending::Refusal));
                }
                Err(_) => return,
            }
        }
    }
}

impl AsFd for DatagramPeer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn has_name(address: &SocketAddrAny) -> bool {
    SocketAddrUnix::try_from(address.clone()).map_or(true, |unix| unix.path().is_some())
}

/// What the timeline adds to a message: that it is empty, or that its sender has no address.
fn remark(length: usize, from: Option<&SocketAddrAny>) -> String {
    match (length, from) {
        (0, _) => "an empty message".to_owned(),
        (length, None) => format!("{}, from an unnamed socket", count(length)),
        (_, Some(_)) => String::new(),
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::NotFound
    ) || Errno::from_io_error(error) == Some(Errno::NOTCONN)
}

fn is_full(error: &io::Error) -> bool {
    // macOS and the BSDs report a full queue as ENOBUFS.
    error.kind() == ErrorKind::WouldBlock
        || cfg!(not(target_os = "linux")) && Errno::from_io_error(error) == Some(Errno::NOBUFS)
}
