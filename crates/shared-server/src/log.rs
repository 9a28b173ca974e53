//! The log of a program: one line per event, on standard error. Writing a line never waits for a
//! reader.
//!
//! A pipe that no one reads is full after a few hundred lines, a terminal stops after
//! <kbd>Ctrl</kbd>+<kbd>S</kbd>, and a plain write would then block. Here a line that finds no room
//! is dropped. Dropped lines are counted, and the count is written once there is room again: before
//! the next line, or at the program's end.

use crate::output::{LONGEST_LINE, Output};
use std::fmt;
use std::io::{self, Stderr};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

static LOG: LazyLock<Mutex<Lines<Stderr>>> = LazyLock::new(|| Mutex::new(Lines::to(io::stderr())));

/// Writes one line, [escaped](shared_proto::escaped) so that text from a peer cannot split it. A
/// line that cannot be written now is dropped and counted: a broken log is not a reason to stop
/// serving.
pub fn line(event: fmt::Arguments<'_>) {
    let text = shared_proto::escaped(&event.to_string());
    log().line(&text);
}

/// Opens what the log needs, if no line has done so yet: running out of descriptors later does not
/// affect it.
pub(crate) fn open() {
    drop(log());
}

/// Reports how many lines were lost, if there is room for that line.
pub(crate) fn finish() {
    log().tell_lost();
}

fn log() -> MutexGuard<'static, Lines<Stderr>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes lines to the descriptor `F`, and counts those that are lost.
struct Lines<F> {
    output: Output<F>,
    lost: u64,
    /// The last line was written only in part.
    torn: bool,
}

impl<F: crate::output::Descriptor> Lines<F> {
    fn to(descriptor: F) -> Self {
        Lines {
            output: Output::new(descriptor),
            lost: 0,
            torn: false,
        }
    }

    fn line(&mut self, text: &str) {
        self.tell_lost();
        if self.lost > 0 || !self.write(text) {
            self.lost += 1;
        }
    }

    fn tell_lost(&mut self) {
        let told = match self.lost {
            0 => return,
            1 => self.write("1 log line was lost: nothing was reading standard error"),
            lost => self.write(&format!(
                "{lost} log lines were lost: nothing was reading standard error"
            )),
        };
        if told {
            self.lost = 0;
        }
    }

    /// Whether the line was written completely.
    fn write(&mut self, text: &str) -> bool {
        let before = if self.torn { "\n" } else { "" };
        let line = format!("{before}{}\n", cut(text, LONGEST_LINE - 2));
        let written = self.output.write(line.as_bytes()).unwrap_or(0);
        let whole = written == line.len();
        if written > 0 {
            self.torn = !whole;
        }
        whole
    }
}

/// Returns `text`, cut to at most `longest` bytes.
fn cut(text: &str, longest: usize) -> std::borrow::Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= longest {
        return text.into();
    }
    let end = text.floor_char_boundary(longest - MARK.len());
    format!("{}{MARK}", &text[..end]).into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Action, OptionalActions, tcflow, tcgetattr, tcsetattr};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    type Ends = (OwnedFd, OwnedFd);

    fn pipe() -> Ends {
        let (reads, writes) = std::io::pipe().unwrap();
        (reads.into(), writes.into())
    }

    fn socket() -> Ends {
        let (reads, writes) = UnixStream::pair().unwrap();
        (reads.into(), writes.into())
    }

    /// A terminal that leaves its lines as they are, and the program behind it.
    fn terminal() -> Ends {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = open(name, flags, Mode::empty()).unwrap();
        let mut attributes = tcgetattr(&terminal).unwrap();
        attributes.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &attributes).unwrap();
        (master, terminal)
    }

    /// What waits to be read.
    fn read(from: &OwnedFd) -> String {
        fcntl_setfl(from, OFlags::NONBLOCK).unwrap();
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        // A terminal's lines pass through the kernel's worker: none may arrive for a moment.
        for _ in 0..100 {
            while let Ok(length @ 1..) = rustix::io::read(from, &mut buffer) {
                text.extend_from_slice(&buffer[..length]);
            }
            if text.ends_with(b"again\n") {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        String::from_utf8(text).unwrap()
    }

    /// Fails, rather than hangs, if a write waits for a reader.
    fn in_time(test: impl FnOnce() + Send + 'static) {
        let (ended, end) = channel();
        let running = std::thread::spawn(move || {
            test();
            let _ = ended.send(());
        });
        if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) =
            end.recv_timeout(Duration::from_secs(30))
        {
            panic!("a line waits for its reader");
        }
        running.join().unwrap();
    }

    fn loses_and_counts((reads, writes): Ends) {
        loses_and_counts_from(&reads, Lines::to(writes));
    }

    fn loses_and_counts_from(reads: &OwnedFd, mut lines: Lines<OwnedFd>) {
        let mut said = 0;
        while lines.lost < 50 {
            lines.line(&format!("line {said}"));
            said += 1;
            assert!(said < 1_000_000, "no end of the room");
        }
        let before = read(reads);
        lines.line("again");
        let text = before + &read(reads);
        // Each line is either there or counted. A terminal may find more room meanwhile, so some
        // lines are counted earlier; each time at most one line is torn, where the room ended.
        let (mut next, mut torn, mut counts) = (0, false, 0);
        let mut came = text.lines().peekable();
        while let Some(line) = came.next_if(|line| *line != "again") {
            let lost = line
                .split_once(" log line")
                .and_then(|(lost, _)| lost.parse::<u64>().ok());
            if let Some(lost) = lost {
                next += lost;
                (torn, counts) = (false, counts + 1);
            } else if line == format!("line {next}") {
                next += 1;
            } else {
                assert!(
                    !torn && format!("line {next}").starts_with(line),
                    "{line:?}, not {next}"
                );
                torn = true;
            }
        }
        assert_eq!(next, said, "lines that were said");
        assert!(counts > 0, "lines that were lost");
        assert_eq!((came.next(), came.next()), (Some("again"), None));
        let flags = fcntl_getfl(lines.output.descriptor()).unwrap();
        assert!(!flags.contains(OFlags::NONBLOCK), "it is shared");
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_not_waited_for() {
        in_time(|| loses_and_counts(pipe()));
    }

    #[test]
    fn a_pipe_that_cannot_be_opened_once_more_is_not_waited_for_either() {
        in_time(|| {
            let (reads, writes) = pipe();
            let mut lines = Lines::to(writes);
            lines.output.forget_own();
            loses_and_counts_from(&reads, lines);
        });
    }

    #[test]
    fn a_socket_that_nobody_reads_is_not_waited_for() {
        in_time(|| loses_and_counts(socket()));
    }

    #[test]
    fn a_terminal_that_nobody_reads_is_not_waited_for() {
        in_time(|| loses_and_counts(terminal()));
    }

    #[test]
    fn a_terminal_that_stands_still_is_not_waited_for() {
        in_time(|| {
            let (reads, writes) = terminal();
            tcflow(&writes, Action::OOff).unwrap();
            let keyboard = rustix::io::dup(&writes).unwrap();
            let mut lines = Lines::to(writes);
            (0..3).for_each(|_| lines.line("while it stands still"));
            tcflow(&keyboard, Action::OOn).unwrap();
            lines.line("again");
            let told = "3 log lines were lost: nothing was reading standard error\nagain\n";
            assert_eq!(read(&reads), told);
        });
    }

    #[test]
    fn a_log_that_cannot_be_written_is_counted_too() {
        let full = open("/dev/full", OFlags::WRONLY, Mode::empty());
        let gone = pipe().1;
        for descriptor in full.into_iter().chain([gone]) {
            let mut lines = Lines::to(descriptor);
            (0..3).for_each(|_| lines.line("lost"));
            lines.tell_lost();
            assert_eq!(lines.lost, 3);
        }
    }

    #[test]
    fn a_line_is_cut_to_what_a_pipe_takes_whole() {
        let (reads, writes) = pipe();
        let mut lines = Lines::to(writes.as_fd());
        lines.line(&"ä".repeat(LONGEST_LINE));
        lines.line("again");
        let text = read(&reads);
        let (first, second) = text.split_once('\n').unwrap();
        assert!(first.len() < LONGEST_LINE && first.len() > LONGEST_LINE - 8);
        assert!(first.ends_with("ä…"));
        assert_eq!(second, "again\n");
    }
}
