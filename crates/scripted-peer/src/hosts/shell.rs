//! The shell that holds a host's namespaces, and runs commands in them.

use std::io::{self, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::wait;

/// How long one command on a host may take.
pub(super) const COMMAND: Duration = Duration::from_secs(10);

/// A shell in its own namespaces, which exist as long as the shell runs. It exits at the end of its
/// standard input, and therefore with this process.
pub(super) struct Shell {
    pub child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
}

pub(super) enum Failed {
    Command(String),
    Shell(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Shell(error)
    }
}

impl Shell {
    pub fn start() -> io::Result<Self> {
        // If unshare(1) fails, its error message is the answer.
        let mut child = Command::new("sh")
            .args(["-c", "exec unshare -n -m sh 2>&1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = || io::Error::other("it has no pipe");
        Ok(Self {
            input: Some(child.stdin.take().ok_or_else(pipe)?),
            output: child.stdout.take().ok_or_else(pipe)?,
            child,
        })
    }

    /// Runs a command in the shell, and returns what it printed. The shell ends each answer with a
    /// character that occurs in no text, the exit code, and a newline.
    pub fn run(&mut self, command: &str) -> Result<String, Failed> {
        if let Some(input) = &mut self.input {
            // A shell that has ended gives the reason in its answer.
            let _ = writeln!(
                input,
                "{{ {command}; }} </dev/null 2>&1; printf '\\036%d\\n' $?"
            );
        }
        let (until, mut answer) = (Instant::now() + COMMAND, Vec::new());
        loop {
            let text = String::from_utf8_lossy(&answer);
            if let Some((text, code)) = text
                .strip_suffix('\n')
                .and_then(|text| text.rsplit_once('\x1e'))
            {
                return match code {
                    "0" => Ok(text.to_owned()),
                    _ => Err(Failed::Command(text.to_owned())),
                };
            }
            if !wait::readable(&self.output, until) {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            let mut buffer = [0; 4096];
            match self.output.read(&mut buffer)? {
                0 => return Err(io::Error::other(text.trim().to_owned()).into()),
                length => answer.extend_from_slice(&buffer[..length]),
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
