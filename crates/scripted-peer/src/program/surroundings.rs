//! The environment that a program is started in: a shell that prepares the start, a wrapper
//! program, and outputs that go elsewhere.

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::process::Command;

use super::Program;

impl Program {
    /// Adds a shell command to run before the program: `trap '' INT`, `unset HOME`, `ulimit -Sn
    /// 50`. If the command fails, the program is not started, and the exit code is 126.
    pub fn after(mut self, command: &str) -> Self {
        let _ = write!(self.prelude, "{command} && ");
        self
    }

    /// Starts the program through a wrapper, in shell syntax, that changes something and then
    /// becomes the program: `env`, `setpriv`, `unshare`. Of several wrappers, the one given last is
    /// started first.
    pub fn inside(mut self, wrapper: &str) -> Self {
        self.wrapper.insert_str(0, &format!("{wrapper} "));
        self
    }

    /// Sends standard output to `descriptor`. [`stdout`](crate::Running::stdout) then stays empty.
    pub fn stdout_to(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.elsewhere[0] = Some(descriptor.into());
        self
    }

    /// Sends standard error to `descriptor`. [`stderr`](crate::Running::stderr) then stays empty.
    pub fn stderr_to(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.elsewhere[1] = Some(descriptor.into());
        self
    }

    pub(super) fn takes_a_shell(&self) -> bool {
        !self.prelude.is_empty() || !self.wrapper.is_empty()
    }

    /// Moves the descriptors of the outputs into the command. This process keeps no copy, so that
    /// an output ends when the program does.
    pub(super) fn send_elsewhere(&mut self, command: &mut Command) {
        let [out, err] = std::mem::take(&mut self.elsewhere);
        if let Some(descriptor) = out {
            command.stdout(descriptor);
        }
        if let Some(descriptor) = err {
            command.stderr(descriptor);
        }
    }
}
