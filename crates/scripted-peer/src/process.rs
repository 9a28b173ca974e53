//! A running program: its output as it arrives, how it ended, and how it is killed.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use crate::child::Child;
use crate::exit::{Exit, Unsolved};
use crate::failure::NO_VERDICT;
use crate::reaper;
use crate::stream::{Printed, Stream};
use crate::threads::this_thread;
use crate::wait::readable;

/// How long to wait, after a program has ended, for the output of children that it left behind.
const DRAIN: Duration = Duration::from_millis(500);
/// How long a thread waits for output before it starts to wait again.
const AGES: Duration = Duration::from_secs(3600);

pub(crate) struct Process {
    pub pid: u32,
    /// Programs of one test are numbered from 1.
    pub number: usize,
    /// Whether a shell sets limits and then becomes the program. If it ends early, the shell may
    /// have failed.
    pub by_shell: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    streams: [Stream; 2],
    exit: Option<Exit>,
    /// When the end of the program was noticed.
    exited: Option<Instant>,
    /// Whether the process was reaped: from then on its ID may belong to another process.
    reaped: bool,
    /// Whether the check killed it.
    killed: bool,
    /// The threads that read its output or wait for its end, and have started.
    helpers: Vec<u32>,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Out = 0,
    Err = 1,
}

impl Process {
    /// Takes over a child that leads its own process group. Its standard output is a pipe, or the
    /// other end of `screen`. A stream that was sent elsewhere has no pipe, and counts as empty.
    ///
    /// # Errors
    ///
    /// Fails if the system has no thread left to read the child's output; the child is then killed.
    pub fn adopt(
        child: &mut Child,
        number: usize,
        screen: Option<UnixStream>,
        by_shell: bool,
    ) -> io::Result<Arc<Self>> {
        let process = Arc::new(Self {
            pid: child.id(),
            number,
            by_shell,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        reaper::add(process.pid);
        let helped = process.start_helpers(child, screen);
        if helped.is_err() {
            process.end(child);
        }
        helped.map(|()| process)
    }

    fn start_helpers(
        self: &Arc<Self>,
        child: &mut Child,
        screen: Option<UnixStream>,
    ) -> io::Result<()> {
        let watcher = Arc::clone(self);
        helper("wait", move || {
            watcher.lock().helpers.extend(this_thread());
            watcher.watch();
        })?;
        match (screen, child.stdout.take()) {
            (Some(screen), _) => self.drain(Channel::Out, screen.into())?,
            (None, Some(pipe)) => self.drain(Channel::Out, pipe.into())?,
            (None, None) => {}
        }
        match child.stderr.take() {
            Some(pipe) => self.drain(Channel::Err, pipe.into()),
            None => Ok(()),
        }
    }

    fn drain(self: &Arc<Self>, channel: Channel, pipe: OwnedFd) -> io::Result<()> {
        let (process, pipe) = (Arc::clone(self), Arc::new(pipe));
        self.lock().streams[channel as usize].begin(Arc::clone(&pipe));
        helper("output", move || {
            process.lock().helpers.extend(this_thread());
            loop {
                readable(&pipe, Instant::now() + AGES);
                if !process.read().streams[channel as usize].is_open() {
                    return;
                }
            }
        })
    }

    /// Waits for the program's end without reaping it: until it is reaped, no other process can get
    /// its process ID.
    fn watch(&self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let exit = loop {
            match waitid(WaitId::Pid(self.raw()), options) {
                Ok(Some(status)) => {
                    break Exit::of(status.exit_status(), status.terminating_signal());
                }
                Err(rustix::io::Errno::INTR) | Ok(None) => {}
                Err(_) => return,
            }
        };
        let mut state = self.lock();
        state.exit.get_or_insert(exit);
        state.exited.get_or_insert(Instant::now());
        drop(state);
        self.changed.notify_all();
    }

    fn raw(&self) -> Pid {
        let pid = i32::try_from(self.pid).expect("a process id is an i32");
        Pid::from_raw(pid).expect("a child's process id is not 0")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the program has printed by now, so that nothing depends on when the threads that
    /// read its output get the CPU.
    fn read(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.streams.iter_mut().for_each(Stream::read);
        self.changed.notify_all();
        state
    }

    /// Waits until `ready` finds something, the program has ended and its output is read, or the
    /// time is up. `ready` is given the bytes of a stream so far.
    pub fn wait_for<T>(
        &self,
        channel: Channel,
        until: Instant,
        mut ready: impl FnMut(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let mut state = self.read();
        loop {
            if let Some(found) = ready(state.streams[channel as usize].bytes()) {
                return Some(found);
            }
            if state.exit.is_some() {
                let state = self.drained(state);
                return ready(state.streams[channel as usize].bytes());
            }
            if Instant::now() >= until {
                return None;
            }
            state = self.pass(state, until);
        }
    }

    /// Waits until the program has ended, with all its output read, and returns how; `None` if that
    /// hasn't happened by `until`.
    pub fn wait_exit(&self, until: Instant) -> Option<Exit> {
        let mut state = self.lock();
        while state.exit.is_none() && Instant::now() < until {
            state = self.pass(state, until);
        }
        if state.exit.is_some() {
            state = self.drained(state);
        }
        state.exit
    }

    /// Reads all that the program has printed, and waits a moment for the end of its streams:
    /// children that it left behind may print more, or hold the pipes open forever.
    fn drained<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let until = Instant::now() + DRAIN;
        state.streams.iter_mut().for_each(Stream::read);
        while state.streams.iter().any(Stream::is_open) && Instant::now() < until {
            state = self.pass(state, until);
        }
        state
    }

    fn pass<'a>(&self, state: MutexGuard<'a, State>, until: Instant) -> MutexGuard<'a, State> {
        let left = until.saturating_duration_since(Instant::now());
        self.changed
            .wait_timeout(state, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    pub fn exit(&self) -> Option<Exit> {
        self.lock().exit
    }

    /// Returns how the program ended and when, unless the check ended it.
    pub fn own_end(&self) -> Option<(Exit, Instant)> {
        let state = self.lock();
        state.exit.zip(state.exited).filter(|_| !state.killed)
    }

    /// Returns the threads that read its output and wait for its end.
    pub fn helpers(&self) -> Vec<u32> {
        self.lock().helpers.clone()
    }

    /// Returns the last line on standard error.
    pub fn last_error(&self) -> String {
        let bytes = self.bytes(Channel::Err);
        let text = String::from_utf8_lossy(&bytes);
        text.lines().next_back().unwrap_or_default().to_owned()
    }

    /// Whether the check killed the program.
    pub fn was_killed(&self) -> bool {
        self.lock().killed
    }

    /// Returns a sentence about this machine if the program ended before its first line could run,
    /// or was killed by something other than the check.
    pub fn excuse(&self) -> Option<String> {
        let said = self.last_error();
        match self.exit()? {
            Exit::Code(126 | 127) if self.by_shell || said.contains("shared librar") => {
                Some(format!(
                    "{NO_VERDICT} The program was not started: {}. Fix that (limits: `ulimit \
                     -Ha`), and run the check again.",
                    if said.is_empty() {
                        "the shell does not say why"
                    } else {
                        said.trim()
                    }
                ))
            }
            Exit::Signal(9) if !self.was_killed() => Some(format!(
                "{NO_VERDICT} Something else killed the program (SIGKILL): the system, if it \
                 was short of memory (`dmesg` says so). Free some memory, and run the check again."
            )),
            _ => None,
        }
    }

    pub fn bytes(&self, channel: Channel) -> Vec<u8> {
        self.read().streams[channel as usize].bytes().to_vec()
    }

    /// Returns what the program printed, line by line, standard output first.
    pub fn lines(&self) -> Vec<Printed> {
        let state = self.read();
        state.streams.iter().flat_map(Stream::lines).collect()
    }

    /// Returns the `todo!` that the program ran into, if it did.
    pub fn unsolved(&self) -> Option<Unsolved> {
        Unsolved::read(&String::from_utf8_lossy(&self.bytes(Channel::Err)))
    }

    /// Sends a signal to the program itself, and returns false if the program is gone. After
    /// SIGSTOP this waits until the program has stopped, because `kill` returns before all of its
    /// threads have.
    pub fn signal(&self, signal: Signal) -> bool {
        let mut state = self.lock();
        let sent = !state.reaped && kill_process(self.raw(), signal).is_ok();
        state.killed |= sent && signal == Signal::KILL;
        drop(state);
        if sent && signal == Signal::STOP {
            let stopped = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let wait = || waitid(WaitId::Pid(self.raw()), stopped);
            while matches!(wait(), Err(rustix::io::Errno::INTR)) {}
        }
        sent
    }

    /// Kills the program and whatever it started in its process group.
    pub fn kill(&self) {
        let mut state = self.lock();
        if !state.reaped {
            state.killed |= state.exit.is_none();
            let _ = kill_process_group(self.raw(), Signal::KILL);
        }
    }

    /// Kills the process group and reaps its leader. Nothing else may be done to the program after
    /// this.
    pub fn end(&self, child: &mut Child) {
        self.kill();
        let ended = self.wait_exit(Instant::now() + Duration::from_secs(2));
        let mut state = self.lock();
        state.reaped = true;
        reaper::remove(self.pid);
        if ended.is_some() {
            child.wait();
        }
    }
}

/// Starts a thread that ends with the program, or soon after.
fn helper(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// On a busy machine a program may end before any thread has begun to read its output.
    #[test]
    fn output_is_read_even_if_no_thread_has_begun_to() {
        let process = Process {
            pid: std::process::id(),
            number: 1,
            by_shell: false,
            state: Mutex::new(State {
                exit: Some(Exit::Code(2)),
                ..State::default()
            }),
            changed: Condvar::new(),
        };
        let (mut printed, pipe) = UnixStream::pair().unwrap();
        let pipe = Arc::new(OwnedFd::from(pipe));
        process.lock().streams[Channel::Err as usize].begin(pipe);
        printed.write_all(b"refu").unwrap();
        assert_eq!(process.bytes(Channel::Err), b"refu");
        printed.write_all(b"sed\n").unwrap();
        drop(printed);
        process.wait_exit(Instant::now());
        assert_eq!(
            process.lock().streams[Channel::Err as usize].bytes(),
            b"refused\n"
        );
    }
}
