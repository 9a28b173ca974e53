//! The program under test, and how it is started. `surroundings` sets up its environment.
#![expect(
    clippy::needless_pass_by_value,
    reason = "an argument may be any text, given or lent"
)]

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::activation::Activation;
use crate::child::Child;
use crate::context;
use crate::failure::Failure;
use crate::folder::{Folder, folder, folder_of_programs};
use crate::listener::Listener;
use crate::machine;
use crate::needs;
use crate::patience::PATIENCE;
use crate::process::Process;
use crate::running::Running;
use crate::signals;
use crate::verdict::Verdict;
use crate::watchdog::fail;

mod surroundings;

/// How many descriptors a program may have open by default, if the system allows that many.
const DESCRIPTORS: u64 = 1024;

/// Returns the program of the package under test, or the one that `CHECK_PROGRAM` names.
///
/// The program is the package's binary of the same name, which Cargo builds before the tests in
/// `tests/`. If there is no such binary, this doesn't compile, and the error says why:
///
/// ```compile_fail
/// scripted_peer::program!();
/// ```
#[macro_export]
macro_rules! program {
    () => {
        $crate::Program::new(env!(
            concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")),
            "program!() runs the binary that has the name of its package, from a file in tests/. \
                          This package has no such binary, or this file is not an integration test. Give the \
             binary the package's name ([[bin]] name = in Cargo.toml), or say which binary you mean: \
             Program::new(env!(\"CARGO_BIN_EXE_name\"))."
        ))
    };
}

/// A program that is about to be started. [`program!`](crate::program!) creates one.
#[derive(Debug)]
#[must_use = "the first step of a program must be `listen`, `connect_to` or `start`"]
pub struct Program {
    path: OsString,
    args: Vec<OsString>,
    stdin: Input,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    /// Shell commands that run before the program's `exec`.
    prelude: String,
    /// Another program, with its arguments, that is started first and becomes this one.
    wrapper: String,
    /// Where standard output and standard error go, if the check doesn't read them.
    elsewhere: [Option<OwnedFd>; 2],
    /// Whether the program runs on another host, with different addresses.
    is_elsewhere: bool,
    inherited: Option<OwnedFd>,
    activation: Option<Activation>,
    /// A folder that is removed when the program has ended.
    own_folder: Option<Folder>,
    /// A folder with a copy of the program, which is also removed then.
    copy_folder: Option<Folder>,
    /// The effective user, if it differs from the check's.
    user: Option<u32>,
    patience: Duration,
}

#[derive(Debug)]
enum Input {
    Nothing,
    Bytes(Vec<u8>),
    Typed,
}

impl Program {
    /// The program at `path`. If the environment variable `CHECK_PROGRAM` names another program,
    /// that one is used instead, so that a check can be tried on any program.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let named = std::env::var_os("CHECK_PROGRAM").filter(|name| !name.is_empty());
        Self::exactly(named.unwrap_or_else(|| path.as_ref().to_owned()))
    }

    /// The program at `path`, even if `CHECK_PROGRAM` names another.
    pub fn exactly(path: impl AsRef<OsStr>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            args: Vec::new(),
            stdin: Input::Nothing,
            env: Vec::new(),
            folder: None,
            prelude: String::new(),
            wrapper: String::new(),
            elsewhere: [None, None],
            is_elsewhere: false,
            inherited: None,
            activation: None,
            own_folder: None,
            copy_folder: None,
            user: None,
            patience: PATIENCE,
        }
    }

    /// Adds an argument. The address that [`listen`](Self::listen) and
    /// [`connect_to`](Self::connect_to) add comes before all others.
    pub fn arg(mut self, arg: impl ToString) -> Self {
        self.args.push(arg.to_string().into());
        self
    }

    /// Adds several arguments.
    pub fn args<T: ToString>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.to_string().into()));
        self
    }

    /// Sets the content of standard input, which ends after it. By default standard input is empty.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Input::Bytes(bytes.as_ref().to_vec());
        self
    }

    /// Keeps standard input open, for [`write_line`](Running::write_line) and
    /// [`close_stdin`](Running::close_stdin).
    ///
    /// Standard output is then a socket and not a pipe. On Linux, `std::io::copy` from a socket to
    /// a locked standard output uses splice(2). If that is a pipe, splice(2) keeps the pipe locked
    /// while it waits for more data, and the check couldn't read it. A program that copies like
    /// this works at a terminal, which this setting simulates.
    pub fn typed(mut self) -> Self {
        self.stdin = Input::Typed;
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working folder of the program.
    pub fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Sets a resource limit, with a flag and in the unit of `ulimit`: `("-v", 400_000)` is 400,000
    /// KiB of address space, `("-n", 24)` is 24 descriptors.
    pub fn limit(mut self, flag: &str, value: u64) -> Self {
        let _ = write!(self.prelude, "ulimit {flag} {value} && ");
        self
    }

    /// Sets the file mode creation mask (umask), such as `0o077`.
    pub fn umask(mut self, mask: u32) -> Self {
        let _ = write!(self.prelude, "umask {mask:03o} && ");
        self
    }

    /// Starts the program with this listener as descriptor 3, and with `LISTEN_PID` and
    /// `LISTEN_FDS` set as sd_listen_fds(3) describes.
    ///
    /// # Panics
    ///
    /// Panics if the listener's descriptor can't be duplicated, or if standard input is in use.
    pub fn inherits(mut self, listener: &Listener) -> Self {
        assert!(
            matches!(self.stdin, Input::Nothing),
            "the descriptor travels as standard input"
        );
        self.inherited = Some(listener.descriptor());
        self.prelude
            .push_str("exec 3<&0 </dev/null && export LISTEN_PID=$$ LISTEN_FDS=1 && ");
        self
    }

    /// Notes that the program runs in another network.
    pub(crate) fn elsewhere(mut self) -> Self {
        self.is_elsewhere = true;
        self
    }

    /// Starts the program with these descriptors, from 3 on, and with `LISTEN_PID`, `LISTEN_FDS`
    /// and `LISTEN_FDNAMES` set.
    ///
    /// # Panics
    ///
    /// Panics if standard input is [`typed`](Self::typed), if the program runs in another folder,
    /// or if its output goes elsewhere.
    pub fn activated(mut self, activation: &Activation) -> Self {
        assert!(
            !matches!(self.stdin, Input::Typed)
                && self.folder.is_none()
                && self.elsewhere.iter().all(Option::is_none),
            "a program that is born with descriptors is not typed to, runs in this folder, and its \
             output comes to the check"
        );
        self.activation = Some(activation.try_clone());
        self.after(&activation.prelude())
    }

    /// Runs the program with the effective user `uid`; its real user is the check's, as in a
    /// set-user-ID program. Guard the check with [`needs::root`], and start the program with
    /// [`listen_on_path`](Self::listen_on_path): the folder of the path then belongs to that user.
    /// What runs is a copy of the program in another folder, because that user may not be able to
    /// enter the program's own folder.
    ///
    /// # Panics
    ///
    /// Panics if this process isn't permitted to change its user.
    pub fn as_user(mut self, uid: u32) -> Self {
        let folder = self.own_folder.get_or_insert_with(folder);
        let programs = folder_of_programs(self.path.as_ref(), uid);
        let copy = programs.join("program");
        // Another process makes the copy, so that no child of this one holds it open for writing
        // when it is executed, which would fail (ETXTBSY, execve(2)).
        let copied = Command::new("cp").arg(&self.path).arg(&copy).status();
        needs::working(
            copied.is_ok_and(|end| end.success()),
            "cp(1), and room for a copy",
        );
        fs::set_permissions(&copy, Permissions::from_mode(0o755)).expect("the copy is ours");
        chown(folder.path(), Some(uid), None).expect("root may do this");
        self.path = copy.into();
        self.copy_folder = Some(programs);
        self.user = Some(uid);
        self
    }

    /// Sets how long verbs wait for this program; the default is 4 seconds.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the program with `127.0.0.1:0` as its first argument, and waits until it prints
    /// `listening on ADDRESS`.
    #[must_use]
    pub fn listen(self) -> Running {
        self.listen_on("127.0.0.1:0").now()
    }

    /// Starts the program with a fresh path as its first argument, and waits until it prints
    /// `listening on ADDRESS`.
    #[must_use]
    pub fn listen_on_path(mut self) -> Running {
        let folder = self.own_folder.get_or_insert_with(folder).clone();
        self.listen_on(folder.join("socket").display()).now()
    }

    /// Starts the program with `address` as its first argument, and waits until it prints
    /// `listening on ADDRESS`.
    pub fn listen_on(self, address: impl ToString) -> Verdict<Running> {
        if !self.is_elsewhere {
            machine::can_listen_at(&address.to_string());
        }
        let running = self.first(address).start();
        let timeline = context::current();
        let found = running.wait_listening();
        Verdict::new(&timeline, found.map(|address| running.at(address)))
    }

    /// Starts the program with `address` as its first argument. This doesn't wait for anything.
    #[must_use]
    pub fn connect_to(self, address: impl ToString) -> Running {
        self.first(address).start()
    }

    fn first(mut self, arg: impl ToString) -> Self {
        self.args.insert(0, arg.to_string().into());
        self
    }

    /// Starts the program. This doesn't wait for anything.
    #[must_use]
    pub fn start(mut self) -> Running {
        let timeline = context::current();
        // A program must not run out of descriptors because the learner's shell gives it few.
        needs::descriptors(DESCRIPTORS);
        let mut command = self.command();
        let screen = matches!(self.stdin, Input::Typed).then(|| {
            let pair = UnixStream::pair();
            let (ours, theirs) = pair.unwrap_or_else(|error| {
                machine::no_verdict("a pair of sockets", &error.to_string(), machine::RESOURCES)
            });
            command.stdout(OwnedFd::from(theirs));
            ours
        });
        self.send_elsewhere(&mut command);
        let mut child = match self.spawn(&mut command) {
            Ok(child) => child,
            Err(error) => {
                let path = self.path.to_string_lossy();
                fail(&timeline, &machine::cannot_start(&path, &error))
            }
        };
        // The command holds its own copies of what the program inherits.
        drop(command);
        let number = timeline.new_program();
        let by_shell = self.takes_a_shell();
        let process = Process::adopt(&mut child, number, screen, by_shell)
            .unwrap_or_else(|error| fail(&timeline, &Failure::no_thread(&error)));
        timeline.lock().processes.push(Arc::clone(&process));
        let folders = [self.own_folder, self.copy_folder];
        let mut running = Running::new(
            child,
            process,
            &timeline,
            self.patience,
            folders,
            self.folder,
        );
        if let Input::Bytes(bytes) = self.stdin {
            running.feed(bytes);
        }
        running
    }

    /// Starts the program; if it is to run as another user, from a separate thread. Linux keeps
    /// credentials for each thread, and a child gets those of the thread that starts it.
    fn spawn(&self, command: &mut Command) -> std::io::Result<Child> {
        let has_input = matches!(self.stdin, Input::Bytes(_));
        let spawn = |command: &mut Command| match &self.activation {
            Some(activation) => signals::with_signals(|| activation.spawn(command, has_input)),
            None => signals::with_signals(|| command.spawn().map(Child::from)),
        };
        let Some(uid) = self.user else {
            return spawn(command);
        };
        let spawn = || {
            act_for_user(uid);
            spawn(command)
        };
        thread::scope(
            |scope| match thread::Builder::new().spawn_scoped(scope, spawn) {
                Ok(thread) => thread.join(),
                Err(error) => Ok(Err(error)),
            },
        )
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn command(&self) -> Command {
        let mut command = if !self.takes_a_shell() {
            Command::new(&self.path)
        } else {
            // Exit code 126 means that the program was not started, as in the shell itself.
            let script = format!(
                "{{ {}:; }} || exit 126; exec {}\"$0\" \"$@\"",
                self.prelude, self.wrapper
            );
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(script).arg(&self.path);
            shell
        };
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LIB_BACKTRACE");
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
            .stdin(self.input())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    fn input(&self) -> Stdio {
        match (&self.inherited, &self.stdin) {
            (Some(descriptor), _) => descriptor
                .try_clone()
                .expect("a descriptor can be duplicated")
                .into(),
            (None, Input::Nothing) => Stdio::null(),
            (None, _) => Stdio::piped(),
        }
    }
}

#[cfg(target_os = "linux")]
fn act_for_user(uid: u32) {
    let user = rustix::process::Uid::from_raw(uid);
    let real = rustix::process::getuid();
    rustix::thread::set_thread_res_uid(real, user, user).expect("root may do this");
}

#[cfg(not(target_os = "linux"))]
fn act_for_user(_: u32) {
    panic!("guard the check with `needs::root`");
}
