//! A copy of the program's own socket, for reading the options that the program has set on it.
//! [pidfd_getfd(2)](https://man7.org/linux/man-pages/man2/pidfd_getfd.2.html) makes the copy. Only
//! Linux has it, and only root and users who may trace the program can use it.

use std::time::Duration;

use socket2::Socket;

use crate::actor::Actor;
use crate::address::Address;
use crate::failure::Failure;
use crate::net_table::{self, KEEPALIVE, TcpSocket};
use crate::peer::Peer;
use crate::running::Running;
use crate::verdict::Verdict;

impl Running {
    /// Returns a copy of the program's end of this connection, once the program has accepted it.
    /// Use it only to read options: anything set, read or shut down on the copy also affects the
    /// program. Guard the check with [`needs::linux`](crate::needs::linux).
    ///
    /// ```no_run
    /// # let server = scripted_peer::Program::new("server").listen();
    /// # let peer = server.connect();
    /// use scripted_peer::check;
    ///
    /// let copy = server.socket_of(&peer).now();
    /// let timeout = copy.tcp_user_timeout().unwrap();
    /// check(timeout.is_some(), "a limit to retries", "none").or_explain(
    ///     "While bytes are unacknowledged, keepalive does nothing, and TCP retries for a quarter of \
    ///      an hour. Limit that with TCP_USER_TIMEOUT.",
    ///     "",
    /// );
    /// drop(copy); // The connection lives as long as this copy.
    /// ```
    pub fn socket_of(&self, peer: &Peer) -> Verdict<Socket> {
        let actor = Actor::of(self);
        let copy = actor.ask(|| self.find(peer));
        if copy.is_some() {
            peer.note("the check duplicates the program's end of the connection");
        }
        let failure = || actor.missed("the program to accept this connection");
        actor.verdict(copy.ok_or_else(failure))
    }

    /// Expects the program to turn on keepalive for this connection, with the first probe due after
    /// at most `soonest` of silence, and returns when it is due. This reads the kernel's table
    /// (`/proc/net/tcp`) and doesn't wait for a probe. Guard the check with
    /// [`needs::linux`](crate::needs::linux).
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let server = scripted_peer::Program::new("server").listen();
    /// # let peer = server.connect();
    /// server.expect_keepalive(&peer, Duration::from_secs(60)).or_explain(
    ///     "Keepalive starts only after two hours here. Set the idle time, interval and count.",
    ///     "",
    /// );
    /// ```
    pub fn expect_keepalive(&self, peer: &Peer, soonest: Duration) -> Verdict<Duration> {
        let actor = Actor::of(self);
        let mut last = None;
        let found = actor.ask(|| {
            last = self.entry(peer);
            match last.as_ref()?.timer {
                (KEEPALIVE, left) if left <= soonest => Some(left),
                _ => None,
            }
        });
        let failure = || {
            let got = match last {
                Some(TcpSocket {
                    timer: (KEEPALIVE, left),
                    ..
                }) => {
                    format!("the first probe is due in {left:?}")
                }
                Some(_) => "no keepalive on this connection".to_owned(),
                None => "the program has no such connection".to_owned(),
            };
            Failure::new(
                format!("keepalive, with a first probe within {soonest:?}"),
                got,
            )
        };
        actor.verdict(found.ok_or_else(failure))
    }

    /// Returns the program's end of a TCP connection, from the socket table of the program's
    /// network.
    fn entry(&self, peer: &Peer) -> Option<TcpSocket> {
        let (Address::Tcp(local), Address::Tcp(remote)) = (peer.local(), peer.remote()) else {
            return None;
        };
        let is = |one: &TcpSocket| one.local == *remote && one.remote == *local;
        net_table::sockets(Some(self.pid()), remote.port())
            .into_iter()
            .find(is)
    }

    #[cfg(target_os = "linux")]
    fn find(&self, peer: &Peer) -> Option<Socket> {
        let inode = match peer.local() {
            Address::Tcp(_) => self.entry(peer)?.inode,
            Address::Unix(_) => peer.other_inode()?,
        };
        let name = format!("socket:[{inode}]");
        let all = self.descriptors();
        let number = all.iter().find(|one| one.name == name)?.number;
        self.copy(i32::try_from(number).ok()?)
    }

    #[cfg(target_os = "linux")]
    fn copy(&self, number: i32) -> Option<Socket> {
        use crate::machine;
        use rustix::io::Errno;
        use rustix::process::{
            ForeignRawFd, Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open,
        };
        let pid = Pid::from_raw(i32::try_from(self.pid()).ok()?)?;
        let copied = pidfd_open(pid, PidfdFlags::empty())
            .and_then(|pid| pidfd_getfd(&pid, number as ForeignRawFd, PidfdGetfdFlags::empty()));
        match copied {
            Ok(descriptor) => Some(descriptor.into()),
            // The connection has just been closed, or the program has ended.
            Err(Errno::BADF | Errno::SRCH) => None,
            Err(error) => machine::no_verdict(
                "to copy a descriptor of the program (pidfd_getfd)",
                &error.to_string(),
                "The system does not let the check inspect your program. That needs Linux 5.6 and \
                 permission to trace its own child: see kernel.yama.ptrace_scope (2 or 3 forbid \
                 it), and a container's profile (`--cap-add SYS_PTRACE`).",
            ),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn find(&self, _: &Peer) -> Option<Socket> {
        panic!("guard the check with `needs::linux`");
    }
}
