//! A program that is started with sockets, as a supervisor passes them on
//! ([sd_listen_fds(3)](https://man7.org/linux/man-pages/man3/sd_listen_fds.3.html)).
//!
//! std can pass a child only descriptors 0 to 2. `posix_spawn(3)`, which nix wraps in a safe API,
//! can pass any. (Clearing close-on-exec for a moment would also let programs started by other
//! threads inherit the descriptors.)

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::signal::SigSet;
use nix::unistd::Pid;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::fcntl_dupfd_cloexec;

use crate::child::Child;
use crate::listener::Listener;
use crate::machine;

/// The number of the first descriptor passed on.
const FIRST: i32 = 3;
/// Where the check keeps its copies before the program starts: above every descriptor that a
/// program is given.
const ASIDE: i32 = 64;

/// The descriptors that a program is started with, from 3 on: listeners, or other descriptors that
/// the program should reject. [`Program::activated`](crate::Program::activated) passes them on.
///
/// ```no_run
/// use scripted_peer::{Activation, Listener, Peer, Program, line};
///
/// let (web, local) = (Listener::tcp(), Listener::on_path());
/// let both = Activation::new().listener("web", &web).listener("local", &local);
/// let server = Program::new("server").activated(&both).arg("127.0.0.1:0").start();
/// for listener in [&web, &local] {
///     let mut peer = Peer::connect(listener.address());
///     peer.send(line("hello")).expect(line("hello")).or_explain(
///         "You served only one listener. Serve as many as LISTEN_FDS says.",
///         "",
///     );
/// }
/// # drop(server);
/// ```
#[derive(Debug, Default)]
pub struct Activation {
    descriptors: Vec<OwnedFd>,
    names: Vec<String>,
    for_pid: Option<u32>,
    count: Option<usize>,
}

impl Activation {
    /// An activation without descriptors: `LISTEN_FDS=0`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a listener, with its name in `LISTEN_FDNAMES`.
    #[must_use]
    pub fn listener(self, name: &str, listener: &Listener) -> Self {
        self.stranger(name, listener)
    }

    /// Adds a descriptor that isn't a listener: of a file, of a datagram socket
    /// ([`DatagramPeer`](crate::DatagramPeer)), or of a connection.
    ///
    /// # Panics
    ///
    /// Panics if the name contains a colon or a space, which `LISTEN_FDNAMES` doesn't allow.
    #[must_use]
    pub fn stranger(mut self, name: &str, descriptor: &impl AsFd) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(
            name.chars().all(plain),
            "no name for LISTEN_FDNAMES: {name:?}"
        );
        let copy = fcntl_dupfd_cloexec(descriptor, ASIDE).unwrap_or_else(|error| {
            machine::no_verdict(
                "a copy of a descriptor for the program",
                &error.to_string(),
                machine::RESOURCES,
            )
        });
        self.descriptors.push(copy);
        self.names.push(name.to_owned());
        self
    }

    /// Sets all descriptors to non-blocking mode (`O_NONBLOCK`), as some supervisors do. The mode
    /// belongs to the open file, so the check's own copies are non-blocking, too. Without this call
    /// the mode is not changed, and a new socket blocks.
    ///
    /// # Panics
    ///
    /// Panics if the mode of a descriptor can't be set.
    #[must_use]
    pub fn non_blocking(self) -> Self {
        for descriptor in &self.descriptors {
            fcntl_getfl(descriptor)
                .and_then(|flags| fcntl_setfl(descriptor, flags | OFlags::NONBLOCK))
                .expect("an open file has a mode");
        }
        self
    }

    /// Sets `LISTEN_PID` to `pid` and not to the program's own process ID, which means that the
    /// descriptors are meant for another process.
    #[must_use]
    pub fn for_pid(mut self, pid: u32) -> Self {
        self.for_pid = Some(pid);
        self
    }

    /// Sets `LISTEN_FDS` to `count` and not to the number of descriptors passed on. If `count` is
    /// larger, the program is told about descriptors that aren't open.
    #[must_use]
    pub fn counted_as(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// Returns the shell commands to run before the shell becomes the program.
    pub(crate) fn prelude(&self) -> String {
        let pid = self
            .for_pid
            .map_or_else(|| "$$".to_owned(), |pid| pid.to_string());
        let mut script = String::new();
        let _ = write!(
            script,
            "export LISTEN_PID={pid} LISTEN_FDS={} LISTEN_FDNAMES={}",
            self.count.unwrap_or(self.names.len()),
            self.names.join(":"),
        );
        script
    }

    pub(crate) fn try_clone(&self) -> Self {
        let mut copy = Self {
            for_pid: self.for_pid,
            count: self.count,
            ..Self::new()
        };
        for (name, descriptor) in self.names.iter().zip(&self.descriptors) {
            copy = copy.stranger(name, descriptor);
        }
        copy
    }

    /// Starts the command as std would, but in its own process group and with these descriptors.
    pub(crate) fn spawn(&self, command: &Command, has_input: bool) -> io::Result<Child> {
        let mut actions = PosixSpawnFileActions::init()?;
        let ((out, out_theirs), (err, err_theirs)) = (io::pipe()?, io::pipe()?);
        let nothing = File::open("/dev/null")?;
        let input = if has_input { Some(io::pipe()?) } else { None };
        match &input {
            Some((theirs, _)) => actions.add_dup2(theirs.as_raw_fd(), 0)?,
            None => actions.add_dup2(nothing.as_raw_fd(), 0)?,
        }
        actions.add_dup2(out_theirs.as_raw_fd(), 1)?;
        actions.add_dup2(err_theirs.as_raw_fd(), 2)?;
        for (number, descriptor) in (FIRST..).zip(&self.descriptors) {
            actions.add_dup2(descriptor.as_raw_fd(), number)?;
        }
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_pgroup(Pid::from_raw(0))?;
        attributes.set_sigmask(&SigSet::empty())?;
        attributes.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETPGROUP | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
        )?;
        let (name, args) = (c_string(command.get_program())?, arguments(command)?);
        let pid = posix_spawnp(&name, &actions, &attributes, &args, &environment(command)?)?;
        Ok(Child {
            pid: pid.as_raw().cast_unsigned(),
            stdin: input.map(|(_, ours)| OwnedFd::from(ours).into()),
            stdout: Some(OwnedFd::from(out).into()),
            stderr: Some(OwnedFd::from(err).into()),
        })
    }
}

fn arguments(command: &Command) -> io::Result<Vec<CString>> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(c_string).collect()
}

/// Returns this process's environment, changed by what the command sets and removes.
fn environment(command: &Command) -> io::Result<Vec<CString>> {
    let mut all: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => drop(all.insert(name.to_owned(), value.to_owned())),
            None => drop(all.remove(name)),
        }
    }
    let pairs = all.into_iter().map(|(name, value)| {
        let pair: OsString = [name.as_os_str(), OsStr::new("="), &value]
            .into_iter()
            .collect();
        c_string(&pair)
    });
    pairs.collect()
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(io::Error::other)
}
