//! One edge: several events reach the program in one wake-up.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;

use crate::actor::Actor;
use crate::address::Address;
use crate::net_table::{self, TcpSocket};
use crate::running::Running;

/// How long sent data may take to arrive: over loopback it is there immediately.
const LATEST: Duration = Duration::from_secs(1);

/// The program is continued even if the act fails.
struct Stopped<'a>(&'a Running);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.signal(Signal::CONT);
    }
}

impl Running {
    /// Stops the program, acts, and continues it: everything that was sent meanwhile (bytes, ends
    /// of streams, connections, signals) is there when it wakes. This produces the race on demand,
    /// without a sleep.
    ///
    /// ```no_run
    /// # let server = scripted_peer::Program::new("server").listen();
    /// # let mut peer = server.connect();
    /// use scripted_peer::{Signal, line};
    ///
    /// server.in_one_edge(|| {
    ///     peer.send(line("one")).send(line("two"));
    ///     server.signal(Signal::TERM);
    /// });
    /// peer.expect("ONE\nTWO\n").or_explain("Reply to lines that arrived before the signal.", "");
    /// ```
    ///
    /// A stopped program reads nothing: send no more than its socket holds. Signals of one kind are
    /// one signal (`signal(7)`).
    pub fn in_one_edge<T>(&self, act: impl FnOnce() -> T) -> T {
        self.signal(Signal::STOP);
        let stopped = Stopped(self);
        let value = act();
        self.wait_for_delivery();
        drop(stopped);
        value
    }

    /// Over TCP, on a busy machine, what was sent may not have reached the program's kernel yet. If
    /// the kernel can't be asked, this doesn't wait for it; nor does it wait for more than the
    /// program's socket can hold.
    fn wait_for_delivery(&self) {
        let Some(Address::Tcp(server)) = &self.address else {
            return;
        };
        let mut actor = Actor::aside();
        actor.patience = LATEST;
        actor.ask(|| has_come(server).then_some(()));
    }
}

/// A stopped program reads nothing: bytes that have reached its kernel, and need not be
/// acknowledged yet, stay there unread. (The end of a stream counts as one byte on both sides.)
fn has_come(server: &SocketAddr) -> bool {
    let all = net_table::sockets(None, server.port());
    let is_other_side =
        |one: &TcpSocket, other: &TcpSocket| (one.local, one.remote) == (other.remote, other.local);
    let came = |ours: &TcpSocket| {
        let mut theirs = all.iter().filter(|one| is_other_side(one, ours));
        theirs.any(|theirs| theirs.unread >= ours.unacknowledged)
    };
    let mut ours = all
        .iter()
        .filter(|one| one.remote == *server && one.unacknowledged > 0);
    ours.all(came)
}
