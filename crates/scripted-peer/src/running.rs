//! A program that has been started: what it prints, how it ends, where it listens.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ChildStdin;
use std::sync::Arc;
use std::time::Duration;

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

/// A program that has been started. It is killed, with everything it started, when this is dropped.
pub struct Running {
    child: Child,
    pub(crate) process: Arc<Process>,
    pub(crate) timeline: Arc<Timeline>,
    stdin: Option<ChildStdin>,
    pub(crate) address: Option<Address>,
    pub(crate) patience: Duration,
    own_folder: Option<Folder>,
    /// Lives as long as the copy of the program in it.
    _copy_folder: Option<Folder>,
    folder: Option<PathBuf>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.end(&mut self.child);
    }
}

/// What a program did that was started to listen.
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

    /// The address that it announced.
    pub(crate) fn at(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }

    /// A separate thread writes standard input: a program that doesn't read it can't block the
    /// check.
    pub(crate) fn feed(&mut self, bytes: Vec<u8>) {
        let mut stdin = self.stdin.take().expect("standard input is piped");
        let timeline = Arc::clone(&self.timeline);
        context::spawn("input", move || {
            context::join(&timeline);
            drop(stdin.write_all(&bytes));
        });
    }

    /// What `look` finds in a stream, in time and before the program has ended.
    fn wait_for<T>(&self, channel: Channel, mut look: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        let mut found = None;
        Patience::new(&self.timeline, self.patience).wait(|until| {
            found = self.process.wait_for(channel, until, &mut look);
            found.is_some() || self.process.exit().is_some()
        });
        found
    }

    fn wait_exit(&self) -> Option<Exit> {
        let mut exit = None;
        Patience::new(&self.timeline, self.patience).wait(|until| {
            exit = self.process.wait_exit(until);
            exit.is_some()
        });
        exit
    }

    /// Where the program listens, as it announced.
    ///
    /// # Panics
    ///
    /// When the program was not started to listen.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.address
            .as_ref()
            .expect("the program was started with `listen`")
    }

    /// The path that the program listens on.
    ///
    /// # Panics
    ///
    /// When it listens on a TCP address.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.address().path()
    }

    /// The folder that [`listen_on_path`](crate::Program::listen_on_path) created.
    #[must_use]
    pub fn folder(&self) -> Option<&Folder> {
        self.own_folder.as_ref()
    }

    /// The program's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid
    }

    /// A new connection to the program.
    #[must_use]
    pub fn connect(&self) -> Peer {
        Peer::connect(self.address())
    }

    /// This many connections, one after the other.
    #[must_use]
    pub fn connect_many(&self, count: usize) -> Vec<Peer> {
        crate::needs::room_for(count as u64);
        (0..count).map(|_| self.connect()).collect()
    }

    /// A new connection to the program from a thread that runs as another user; guard the check
    /// with [`needs::root`](crate::needs::root). The folder of the program's path is opened to
    /// everyone first (mode 0711), so that only the socket's own mode is in the way.
    ///
    /// # Panics
    ///
    /// When this process is not permitted to change its user.
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

    /// A connection is refused.
    pub fn expect_refused(&self) -> Verdict {
        Peer::expect_refused(self.address())
    }

    /// A line on standard input, which must be [`typed`](crate::Program::typed).
    ///
    /// # Panics
    ///
    /// When standard input is not open.
    pub fn write_line(&mut self, text: &str) -> &mut Self {
        self.write(format!("{text}\n"))
    }

    /// Bytes on standard input, which must be [`typed`](crate::Program::typed).
    ///
    /// # Panics
    ///
    /// When standard input is not open.
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

    /// The end of standard input.
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

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.process.exit().is_some()
    }

    /// Whether the program listens or ends, whichever happens first.
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

    /// `text` appears on its standard output.
    pub fn prints(&self, text: &str) -> Verdict {
        let look = |bytes: &[u8]| holds(bytes, text.as_bytes()).then_some(());
        self.says(Channel::Out, &format!("{text:?}"), look)
    }

    /// `text` appears on its standard error.
    pub fn logs(&self, text: &str) -> Verdict {
        let look = |bytes: &[u8]| holds(bytes, text.as_bytes()).then_some(());
        self.says(Channel::Err, &format!("{text:?}"), look)
    }

    /// What `look` searches for appears in a stream.
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
                None => format!("nothing of the kind within {:?}", self.patience),
            };
            let failed = exit.is_some_and(|exit| exit != Exit::Code(0));
            Failure::new(format!("{expected} on standard {name}"), got).ended(failed)
        });
        Verdict::new(&self.timeline, found)
    }

    /// Its standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.process.bytes(Channel::Out)).into_owned()
    }

    /// The bytes of its standard output so far, which need not be text.
    #[must_use]
    pub fn stdout_so_far(&self) -> Vec<u8> {
        self.process.bytes(Channel::Out)
    }

    /// Its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.process.bytes(Channel::Err)).into_owned()
    }

    /// It ends, with this exit code (or one that fits a predicate). Its output is judged further by
    /// [`stdout`](Verdict::stdout) and [`stderr`](Verdict::stderr).
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

    /// It ends, whatever its exit code.
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

/// Where a program announced that it listens.
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
