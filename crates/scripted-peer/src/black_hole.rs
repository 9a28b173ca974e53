//! An address that neither accepts a connection nor refuses one. Root isn't needed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use socket2::{Domain, Socket, Type};

use crate::actor::Actor;
use crate::address::Address;
use crate::failure::NEVER_CONNECTED;
use crate::machine;
use crate::net_table::{self, LISTEN, SYN_SENT};
use crate::peer::Peer;
use crate::verdict::Verdict;
use crate::wait;

/// How long it may take to establish the one connection that fills the queue.
const FILLING: Duration = Duration::from_secs(2);

/// An address on which every attempt to connect hangs: its queue is full, so the kernel drops each
/// SYN silently (tcp(7), listen(2)).
///
/// The address is a port of 127.0.0.2, which is a loopback address only on Linux: guard the check
/// with [`needs::linux`](crate::needs::linux).
///
/// ```no_run
/// # fn the_server() -> scripted_peer::Listener { scripted_peer::Listener::tcp() }
/// use scripted_peer::{BlackHole, Program};
///
/// let hole = BlackHole::new();
/// let server = the_server();
/// let client = Program::new("client").args([hole.address(), server.address()]).start();
/// hole.expect_attempt().now(); // The program tries this address first,
/// server.try_accept().or_explain("After 250 ms without a reply, also try the next address.", "");
/// # drop(client);
/// ```
pub struct BlackHole {
    address: Address,
    actor: Actor,
    listener: Socket,
    _filler: Socket,
}

impl BlackHole {
    /// Creates a black hole on a free port of 127.0.0.2.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "it takes a system that has room for one"
    )]
    pub fn new() -> Self {
        let (address, listener, filler) = fill().unwrap_or_else(|error| {
            machine::no_verdict(
                "a full queue at 127.0.0.2",
                &error.to_string(),
                "The check could not set up an address that never answers. It needs Linux, and a \
                 loopback interface that is up (`ip link set lo up`).",
            )
        });
        let actor = Actor::aside();
        actor.note(format!("{address} is a black hole: its queue is full"));
        Self {
            address: Address::Tcp(address),
            actor,
            listener,
            _filler: filler,
        }
    }

    /// Returns the black hole's address, in the form that a program accepts.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns how many attempts to connect to the black hole are waiting for an answer now.
    #[must_use]
    pub fn attempts(&self) -> usize {
        let hangs = |one: &&net_table::TcpSocket| {
            one.state == SYN_SENT && Address::Tcp(one.remote) == self.address
        };
        net_table::sockets(None, self.address.port())
            .iter()
            .filter(hangs)
            .count()
    }

    /// Expects a program to try to connect to the black hole.
    pub fn expect_attempt(&self) -> Verdict {
        let found = self.actor.ask(|| (self.attempts() > 0).then_some(()));
        let expected = || format!("an attempt to connect to {}", self.address);
        let failure = || self.actor.missed(expected()).or_else(NEVER_CONNECTED);
        self.actor.verdict(found.ok_or_else(failure))
    }

    /// Makes room in the queue, so that the black hole accepts connections. A hanging attempt
    /// succeeds when the program's kernel repeats it, which it first does after a second (tcp(7),
    /// `tcp_syn_retries`).
    pub fn wake_up(&self) {
        // The connection that filled the queue is accepted and closed.
        let _ = self.listener.accept();
        self.actor.note(format!("{} now answers", self.address));
    }

    /// Returns a connection that was accepted since [`wake_up`](Self::wake_up), if there is one.
    /// This does not wait.
    #[must_use]
    pub fn visitor(&self) -> Option<Peer> {
        wait::readable(&self.listener, Instant::now())
            .then(|| self.listener.accept().ok())?
            .map(|(socket, _)| Peer::accepted(socket))
    }
}

/// Fills the queue of a new listener. A backlog of 0 has room for one connection (listen(2) on
/// Linux), and the queue is full once the kernel counts that connection.
fn fill() -> std::io::Result<(SocketAddr, Socket, Socket)> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let local: SocketAddr = ([127, 0, 0, 2], 0).into();
    listener.bind(&local.into())?;
    listener.listen(0)?;
    let address = listener.local_addr()?;
    let filler = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    filler.connect_timeout(&address, FILLING)?;
    let address = address.as_socket().expect("it is one of TCP");
    let until = Instant::now() + FILLING;
    let is_full = || {
        let all = net_table::sockets(None, address.port());
        all.iter()
            .any(|one| one.state == LISTEN && one.local == address && one.unread > 0)
    };
    while !is_full() {
        if Instant::now() > until {
            return Err(std::io::Error::other("the queue is not full"));
        }
        wait::wait(
            &listener,
            PollFlags::IN,
            Instant::now() + Duration::from_millis(2),
        );
    }
    Ok((address, listener, filler))
}
