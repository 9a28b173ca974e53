//! A child process, started by std or, with more descriptors than std can pass on, by
//! `posix_spawn(3)`.

use std::process::{ChildStderr, ChildStdin, ChildStdout};

use rustix::process::{Pid, WaitOptions, waitpid};

/// Like [`std::process::Child`], which only std can create.
pub(crate) struct Child {
    pub pid: u32,
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

impl From<std::process::Child> for Child {
    fn from(mut child: std::process::Child) -> Self {
        Self {
            pid: child.id(),
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        }
    }
}

impl Child {
    pub fn id(&self) -> u32 {
        self.pid
    }

    /// Waits until the child has ended, and reaps it.
    pub fn wait(&mut self) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        while matches!(
            waitpid(pid, WaitOptions::empty()),
            Err(rustix::io::Errno::INTR)
        ) {}
    }
}
