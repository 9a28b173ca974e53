//! A gate lets the check decide when the program's work ends. No sleep is needed.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use crate::actor::Actor;
use crate::failure::Failure;
use crate::folder::{Folder, folder};
use crate::machine;
use crate::verdict::Verdict;
use crate::wait;

/// A FIFO ([fifo(7)](https://man7.org/linux/man-pages/man7/fifo.7.html)) that a program reads to
/// its end before it replies. So the program's work lasts until the check opens the gate.
///
/// ```no_run
/// # let server = scripted_peer::Program::new("server").listen_on_path();
/// use scripted_peer::{Gate, Signal, line};
///
/// let mut gate = Gate::new();
/// let mut peer = server.connect();
/// peer.send(line(format!("wait {}", gate.path().display())));
/// gate.expect_entered(); // the program is inside its work,
/// server.signal(Signal::TERM); // is told to stop meanwhile,
/// gate.release(); // and finishes it.
/// peer.expect(line("done")).or_explain("You ended in the middle of a request. Finish it.", "");
/// ```
///
/// One gate holds up one request, until [`release`](Self::release) is called or the gate is
/// dropped.
pub struct Gate {
    path: PathBuf,
    actor: Actor,
    /// The check's end of the FIFO. As long as it is open, the program's read doesn't reach the end
    /// of the file.
    ours: Option<File>,
    _folder: Folder,
}

impl Gate {
    /// Creates a closed gate at a fresh path.
    #[must_use]
    pub fn new() -> Self {
        let folder = folder();
        let path = folder.join("gate");
        // With mkfifo(1): safe code can't make the call on every system.
        let made = Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(&path)
            .output();
        let error = match made {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = error {
            machine::no_verdict(
                "a FIFO in a temporary folder (mkfifo)",
                &error,
                "The check could not create a FIFO. Set TMPDIR to a folder on a disk that can hold \
                 one.",
            );
        }
        Self {
            path,
            actor: Actor::aside(),
            ours: None,
            _folder: folder,
        }
    }

    /// Returns the path of the FIFO that the program is to read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets how long [`expect_entered`](Self::expect_entered) waits; the default is 4 seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.actor.patience = patience;
        self
    }

    /// Waits until the program has opened the path for reading: from then on it is inside the gate.
    pub fn expect_entered(&mut self) -> Verdict {
        let actor = self.actor.clone();
        let entered = actor.ask(|| self.try_enter().then_some(()));
        if entered.is_some() {
            actor.note("the program is at the gate");
        }
        let failure = || actor.missed("the program to open the gate");
        actor.verdict(entered.ok_or_else(failure))
    }

    /// Whether the program has opened the path by now.
    pub fn is_entered(&mut self) -> bool {
        self.try_enter()
    }

    /// Opens the FIFO for writing, without waiting: this fails with `ENXIO` until there is a reader
    /// (`open(2)`).
    fn try_enter(&mut self) -> bool {
        if self.ours.is_none() {
            match open(
                &self.path,
                OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
                Mode::empty(),
            ) {
                Ok(descriptor) => self.ours = Some(File::from(descriptor)),
                Err(Errno::NXIO | Errno::INTR) => {}
                Err(error) => machine::no_verdict(
                    "the check to open its gate",
                    &error.to_string(),
                    machine::RESOURCES,
                ),
            }
        }
        self.ours.is_some()
    }

    /// Writes these bytes to the FIFO, and expects the program to read them, except for the last
    /// ones, which fit into the FIFO itself (64 KiB on Linux, see `pipe(7)`). The program doesn't
    /// reach the end of the file: the gate stays closed.
    pub fn expect_reads(&mut self, bytes: impl AsRef<[u8]>) -> Verdict {
        let mut rest = bytes.as_ref();
        let expected = format!("the program to read {} bytes", rest.len());
        let Some(ours) = &mut self.ours else {
            return self
                .actor
                .verdict(Err(Failure::new(expected, "it never reached the gate")));
        };
        let until = Instant::now() + self.actor.patience;
        while !rest.is_empty() {
            match ours.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                    wait::wait(&*ours, PollFlags::OUT, until);
                }
                Err(error) => {
                    let failure = match error.kind() {
                        ErrorKind::WouldBlock => self.actor.missed(expected),
                        ErrorKind::BrokenPipe => {
                            Failure::new(expected, "it stopped reading before the end")
                        }
                        _ => Failure::new(expected, error.to_string()),
                    };
                    return self.actor.verdict(Err(failure));
                }
            }
        }
        self.actor
            .note("the program is reading; the gate stays closed");
        self.actor.verdict(Ok(()))
    }

    /// Opens the gate: the program's read reaches the end of the file. If the program was no longer
    /// inside, the timeline notes it.
    pub fn release(mut self) {
        let left = self.ours.as_ref().is_some_and(has_no_reader);
        self.actor.note(match (&self.ours, left) {
            (None, _) => "the gate opens; the program had not reached it",
            (Some(_), true) => "the gate opens; the program is no longer inside",
            (Some(_), false) => "the gate opens",
        });
        self.ours = None;
    }

    /// Expects the program to close its end of the FIFO although the gate is closed: it has given
    /// up the work, or has ended.
    pub fn expect_abandoned(&mut self) -> Verdict {
        let found = match &self.ours {
            None => Err(Failure::new(
                "the program to leave the gate",
                "the program never reached the gate",
            )),
            Some(ours) => {
                let gone = self.actor.ask(|| has_no_reader(ours).then_some(()));
                let still = || format!("it was still inside after {:?}", self.actor.patience);
                gone.ok_or_else(|| Failure::new("the program to leave the gate", still()))
            }
        };
        self.actor.verdict(found)
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

fn has_no_reader(ours: &File) -> bool {
    wait::wait(ours, PollFlags::empty(), Instant::now()).intersects(PollFlags::ERR | PollFlags::HUP)
}
