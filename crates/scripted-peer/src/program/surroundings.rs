//! What a program is started in: a shell that prepares the start, another program that becomes it,
//! and outputs that go elsewhere.

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::process::Command;

use super::Program;

impl Program {
    /// A command of the shell that comes before the program: `trap '' INT`, `unset HOME`, `ulimit
    /// -Sn 50`. If it fails, the program is not started, and the exit code is 126.
    pub fn after(mut self, command: &str) -> Self {
        let _ = write!(self.prelude, "{command} && ");
        self
    }

    /// Starts it inside another program, in shell syntax, that sets something and becomes this one:
    /// `env`, `setpriv`, `unshare`. What was given earlier goes inside it.
    pub fn inside(mut self, wrapper: &str) -> Self {
        self.wrapper.insert_str(0, &format!("{wrapper} "));
        self
    }

    /// Standard output goes there, and [`stdout`](crate::Running::stdout) stays empty.
    pub fn stdout_to(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.elsewhere[0] = Some(descriptor.into());
        self
    }

    /// Standard error goes there, and [`stderr`](crate::Running::stderr) stays empty.
    pub fn stderr_to(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.elsewhere[1] = Some(descriptor.into());
        self
    }

    pub(super) fn takes_a_shell(&self) -> bool {
        !self.prelude.is_empty() || !self.wrapper.is_empty()
    }

    /// The command gets this process's only copy: when the program ends, so does the output.
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
