//! A program that has been started: what it prints, how it ends, where it listens.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ChildStdin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assert_cmd::assert::IntoCodePredicate;
use predicates::Predicate;
use rustix::process::Signal;

use crate::address::Address;
use crate::bytes::show;
use crate::child::Child;
use crate::context;
use crate::exit::Exit;
use crate::failure::{Failure, NEVER_LISTENED};
use crate::folder::Folder;
use crate::output::Output;
use crate::patience::Patience;
use crate::peer::Peer;
use crate::process::{Channel, Process};
use crate::timeline::Timeline;
use crate::verdict::Verdict;

/// A program that has been started. Dropping this kills the program and everything that it started.
pub struct Running {
    child: Child,
    pub(crate) process: Arc<Process>,
    pub(crate) timeline: Arc<Timeline>,
    stdin: Option<ChildStdin>,
    pub(crate) address: Option<Address>,
    pub(crate) patience: Duration,
    own_folder: Option<Folder>,
    /// The folder with the copy of the program, which must exist as long as the program runs.
    _copy_folder: Option<Folder>,
    folder: Option<PathBuf>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.end(&mut self.child);
    }
}

/// What a program did that was started as a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It printed `listening on ADDRESS`.
    Listens,
    /// It ended instead.
    Ended(Exit),
}

impl Running {
    pub(crate) fn new(
        mut child: Child,
        process: Arc<Process>,
        timeline: &Arc<Timeline>,
        patience: Duration,
        [own_folder, copy_folder]: [Option<Folder>; 2],
        folder: Option<PathBuf>,
    ) -> Self {
        let stdin = child.stdin.take();
        let timeline = Arc::clone(timeline);
        Self {
            child,
            process,
            timeline,
            stdin,
            address: None,
            patience,
            own_folder,
            _copy_folder: copy_folder,
            folder,
        }
    }

    /// Sets the address that the program announced.
    pub(crate) fn at(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }

    /// Writes to standard input from a separate thread, so that a program that doesn't read it
    /// can't block the check.
    pub(crate) fn feed(&mut self, bytes: Vec<u8>) {
        let mut stdin = self.stdin.take().expect("standard input is piped");
        let timeline = Arc::clone(&self.timeline);
        context::spawn("input", move || {
            context::join(&timeline);
            drop(stdin.write_all(&bytes));
        });
    }

    /// Waits until `look` finds something in a stream, and returns it; `None` if the deadline
    /// passes or the program ends before that.
    fn wait_for<T>(&self, channel: Channel, mut look: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        let mut found = None;
        Patience::new(&self.timeline, self.patience).wait(|until| {
            found = self.process.wait_for(channel, until, &mut look);
            found.is_some() || self.process.exit().is_some()
        });
        found
    }

    /// Waits for the end. The time limit counts from the last exchange, because a server in the
    /// background of the check may still be talking to the program.
    fn wait_exit(&self) -> Option<Exit> {
        let mut since = Instant::now();
        let mut patience = Patience::new(&self.timeline, self.patience);
        loop {
            let mut exit = None;
            patience.wait(|until| {
                exit = self.process.wait_exit(until);
                exit.is_some()
            });
            match self.timeline.last_exchange() {
                Some(at) if exit.is_none() && at > since && !self.timeline.is_over() => since = at,
                _ => return exit,
            }
            patience.restart(since);
        }
    }

    /// Returns the address that the program has announced.
    ///
    /// # Panics
    ///
    /// Panics if the program was not started to listen.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.address
            .as_ref()
            .expect("the program was started with `listen`")
    }

    /// Returns the path that the program listens on.
    ///
    /// # Panics
    ///
    /// Panics if the program listens on a TCP address.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.address().path()
    }

    /// Returns the folder that [`listen_on_path`](crate::Program::listen_on_path) created.
    #[must_use]
    pub fn folder(&self) -> Option<&Folder> {
        self.own_folder.as_ref()
    }

    /// Returns the program's process ID.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid
    }

    /// Connects to the program; if that fails, the test ends.
    #[must_use]
    pub fn connect(&self) -> Peer {
        Peer::connect(self.address())
    }

    /// Makes `count` connections to the program, one after another.
    #[must_use]
    pub fn connect_many(&self, count: usize) -> Vec<Peer> {
        crate::needs::room_for(count as u64);
        (0..count).map(|_| self.connect()).collect()
    }

    /// Connects to the program from a thread that runs as user `uid`; guard the check with
    /// [`needs::root`](crate::needs::root). The folder of the program's path is first opened to
    /// everyone (mode 0711), so that only the mode of the socket file itself can keep the user out.
    ///
    /// # Panics
    ///
    /// Panics if this process isn't permitted to change its user.
    pub fn connect_as(&self, uid: u32) -> Verdict<Peer> {
        use std::os::unix::fs::PermissionsExt as _;
        if let Some(folder) = &self.own_folder {
            let open = std::fs::Permissions::from_mode(0o711);
            std::fs::set_permissions(folder.path(), open).expect("the folder is ours");
        }
        let (address, timeline) = (self.address().clone(), Arc::clone(&self.timeline));
        // Set for a thread, not for the process: the kernel keeps credentials per thread, and the
        // connection gets those of the thread that connects (unix(7), SO_PEERCRED).
        let connect = move || {
            context::join(&timeline);
            timeline.note(None, format!("uid {uid} connects:"));
            become_user(uid);
            Peer::try_connect(&address)
        };
        context::spawn("another user", connect)
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Connects to the program, and expects the connection to be refused.
    pub fn expect_refused(&self) -> Verdict {
        Peer::expect_refused(self.address())
    }

    /// Writes a line to standard input, which must be [`typed`](crate::Program::typed).
    ///
    /// # Panics
    ///
    /// Panics if standard input isn't open.
    pub fn write_line(&mut self, text: &str) -> &mut Self {
        self.write(format!("{text}\n"))
    }

    /// Writes bytes to standard input, which must be [`typed`](crate::Program::typed).
    ///
    /// # Panics
    ///
    /// Panics if standard input isn't open.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.timeline.note(
            None,
            format!("program's standard input: {}", show(bytes.as_ref())),
        );
        let stdin = self
            .stdin
            .as_mut()
            .expect("start it with `.typed()` to write to it");
        // If the program has ended or closed it, the check's next expectation reports that.
        let _ = stdin.write_all(bytes.as_ref());
        self
    }

    /// Closes standard input, so that the program reads its end.
    pub fn close_stdin(&mut self) -> &mut Self {
        self.timeline.note(None, "program's standard input ends");
        self.stdin = None;
        self
    }

    /// Sends a signal to the program, not to its children.
    pub fn signal(&self, signal: Signal) -> &Self {
        let name = format!("{signal:?}")
            .replace("Signal::", "SIG")
            .replace('"', "");
        let gone = if self.process.signal(signal) {
            ""
        } else {
            ", but it has ended"
        };
        self.timeline
            .note(None, format!("{name} to the program{gone}"));
        self
    }

    /// Returns whether the program has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.process.exit().is_some()
    }

    /// Waits until the program listens or ends, and returns which of the two happened.
    pub fn listens_or_ends(&mut self) -> Verdict<Start> {
        let found = match self.wait_listening() {
            Ok(address) => {
                self.address = Some(address);
                Ok(Start::Listens)
            }
            Err(failure) => self.process.exit().map(Start::Ended).ok_or(failure),
        };
        Verdict::new(&self.timeline, found)
    }

    pub(crate) fn wait_listening(&self) -> Result<Address, Failure> {
        let folder = self.folder.as_deref();
        let read = |output: &[u8]| announced(output).map(|text| Address::parse(text, folder));
        self.wait_for(Channel::Out, read).ok_or_else(|| {
            let exit = self.process.exit();
            let got = exit.map_or_else(
                || format!("no such line within {:?}", self.patience),
                |exit| format!("the program {exit}"),
            );
            Failure::new("a line \"listening on ADDRESS\" on standard output", got)
                .or_else(NEVER_LISTENED)
                .ended(exit.is_some())
        })
    }

    /// Waits until `text` appears on the program's standard output.
    pub fn prints(&self, text: &str) -> Verdict {
        let look = |bytes: &[u8]| holds(bytes, text.as_bytes()).then_some(());
        self.says(Channel::Out, &format!("{text:?}"), look)
    }

    /// Waits until `text` appears on the program's standard error.
    pub fn logs(&self, text: &str) -> Verdict {
        let look = |bytes: &[u8]| holds(bytes, text.as_bytes()).then_some(());
        self.says(Channel::Err, &format!("{text:?}"), look)
    }

    /// Waits until `look` finds something in a stream, and returns it.
    pub(crate) fn says<T>(
        &self,
        channel: Channel,
        expected: &str,
        look: impl FnMut(&[u8]) -> Option<T>,
    ) -> Verdict<T> {
        let found = self.wait_for(channel, look).ok_or_else(|| {
            let name = if channel == Channel::Out {
                "output"
            } else {
                "error"
            };
            let exit = self.process.exit();
            let got = match exit {
                Some(exit) => format!("the program {exit} without it"),
                None => format!("this did not happen within {:?}", self.patience),
            };
            let failed = exit.is_some_and(|exit| exit != Exit::Code(0));
            Failure::new(format!("{expected} on standard {name}"), got).ended(failed)
        });
        Verdict::new(&self.timeline, found)
    }

    /// Returns what the program has printed on standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.process.bytes(Channel::Out)).into_owned()
    }

    /// Like [`stdout`](Self::stdout), but returns the bytes, which need not be text.
    #[must_use]
    pub fn stdout_so_far(&self) -> Vec<u8> {
        self.process.bytes(Channel::Out)
    }

    /// Returns what the program has printed on standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.process.bytes(Channel::Err)).into_owned()
    }

    /// Waits until the program ends, and expects this exit code (or one that satisfies a
    /// predicate). [`stdout`](Verdict::stdout) and [`stderr`](Verdict::stderr) of the result check
    /// its output.
    pub fn exits_with<I, P>(&self, code: I) -> Verdict<Output>
    where
        I: IntoCodePredicate<P>,
        P: Predicate<i32>,
    {
        let wanted = code.into_code();
        let expected = format!("the program to end, exit code: {wanted}").replace("var == ", "");
        self.ends().and(|output| match output.exit {
            Exit::Code(code) if wanted.eval(&code) => Ok(output),
            // It failed where success was expected: it gave up.
            exit => Err(Failure::new(expected, format!("it {exit}")).ended(wanted.eval(&0))),
        })
    }

    /// Waits until the program ends, with any exit code. If a [`Serving`](crate::Serving) talks to
    /// the program meanwhile, the time limit counts from the last bytes that were exchanged.
    pub fn ends(&self) -> Verdict<Output> {
        let found = self.wait_exit().map(|exit| Output {
            exit,
            stdout: self.process.bytes(Channel::Out),
            stderr: self.process.bytes(Channel::Err),
        });
        let silent = || format!("it was still running after {:?}", self.patience);
        let found = found.ok_or_else(|| Failure::new("the program to end", silent()));
        Verdict::new(&self.timeline, found)
    }
}

/// Returns the address that a program has announced after `listening on`.
fn announced(output: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(output).ok()?;
    let (whole, _) = text.rsplit_once('\n')?;
    whole
        .lines()
        .find_map(|line| line.strip_prefix("listening on "))
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(target_os = "linux")]
fn become_user(uid: u32) {
    let user = rustix::process::Uid::from_raw(uid);
    rustix::thread::set_thread_res_uid(user, user, user).expect("root may do this");
}

#[cfg(not(target_os = "linux"))]
fn become_user(_: u32) {
    panic!("guard the check with `needs::root`");
}
