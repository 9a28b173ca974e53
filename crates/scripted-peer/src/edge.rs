//! Lets several events reach the program in one wake-up, as one edge.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;

use crate::actor::Actor;
use crate::address::Address;
use crate::net_table::{self, TcpSocket};
use crate::running::Running;

/// How long to wait for sent data to arrive. Over loopback it normally arrives immediately.
const LATEST: Duration = Duration::from_secs(1);

/// Continues the stopped program when dropped, even if `act` panics.
struct Stopped<'a>(&'a Running);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.signal(Signal::CONT);
    }
}

impl Running {
    /// Stops the program, calls `act`, and continues the program. Everything that was sent
    /// meanwhile (bytes, ends of streams, connections, signals) is there when the program wakes.
    /// This produces a race on demand, without sleeping.
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
    /// A stopped program reads nothing, so send no more than its socket can hold. Several signals
    /// of the same number reach the program as one (`signal(7)`).
    pub fn in_one_edge<T>(&self, act: impl FnOnce() -> T) -> T {
        self.signal(Signal::STOP);
        let stopped = Stopped(self);
        let value = act();
        self.wait_for_delivery();
        drop(stopped);
        value
    }

    /// Waits until what was sent has reached the program's kernel: over TCP, on a busy machine,
    /// that may take a moment. It doesn't wait if the kernel can't be asked, nor for more bytes
    /// than the program's socket can hold.
    fn wait_for_delivery(&self) {
        let Some(Address::Tcp(server)) = &self.address else {
            return;
        };
        let mut actor = Actor::aside();
        actor.patience = LATEST;
        actor.ask(|| has_come(server).then_some(()));
    }
}

/// Whether the bytes sent over TCP have reached the program's kernel. They stay unread there,
/// because the program is stopped, and need not be acknowledged yet. (The FIN counts as one byte on
/// both sides.)
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
