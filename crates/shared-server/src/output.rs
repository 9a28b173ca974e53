//! Writes to a descriptor that another program reads, without ever waiting for that program.
//!
//! Non-blocking mode would be the usual means, but it belongs to the open file description, and
//! that of standard output and standard error is shared: with the shell, with other programs
//! (`fcntl(2)`, `O_NONBLOCK`). So this module never sets it there.

use std::io;

#[cfg(unix)]
pub(crate) use std::os::fd::AsFd as Descriptor;

#[cfg(not(unix))]
pub(crate) use elsewhere::{Descriptor, LONGEST_LINE, Output};
#[cfg(unix)]
pub(crate) use on_unix::{LONGEST_LINE, Output};

/// Writes a line to standard output.
///
/// # Errors
///
/// Those of the write; `WouldBlock` if there is no room for the line. Also if standard output was
/// closed when this process started, or may have been.
pub(crate) fn line_on_stdout(line: &[u8]) -> io::Result<()> {
    let output = Output::new(io::stdout());
    if output.may_have_been_closed() {
        return Err(io::Error::other(
            "it is closed, or is /dev/null opened for reading and writing",
        ));
    }
    match output.write(line)? {
        written if written == line.len() => Ok(()),
        _ => Err(io::ErrorKind::WouldBlock.into()),
    }
}

#[cfg(unix)]
mod on_unix {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, stat};
    use rustix::net::SendFlags;
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    /// A line of this length is written completely or not at all to a pipe that has room
    /// (`pipe(7)`, `PIPE_BUF`).
    pub(crate) const LONGEST_LINE: usize = rustix::pipe::PIPE_BUF;

    /// A descriptor to write lines to.
    pub(crate) struct Output<F> {
        descriptor: F,
        kind: Kind,
    }

    enum Kind {
        /// A file or a device: a write does not wait for a reader.
        File,
        Socket,
        /// A pipe or a terminal, and, where the system allows it, an open file description of it
        /// that is our own and non-blocking.
        Stream(Option<OwnedFd>),
    }

    impl<F: AsFd> Output<F> {
        pub(crate) fn new(descriptor: F) -> Self {
            let fd = descriptor.as_fd();
            let kind = fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
            let kind = match kind {
                Ok(FileType::Socket) => Kind::Socket,
                Ok(FileType::Fifo) => Kind::Stream(reopen(fd)),
                Ok(FileType::CharacterDevice) if rustix::termios::isatty(fd) => {
                    Kind::Stream(reopen(fd))
                }
                _ => Kind::File,
            };
            Output { descriptor, kind }
        }

        /// Whether the descriptor may have been closed when this process started. Rust's runtime
        /// then opens `/dev/null` in its place, for reading and writing, and a write succeeds. A
        /// shell's `>/dev/null` opens it for writing alone; `daemon(3)` and Python's `DEVNULL` open
        /// it as the runtime does, so they cannot be told from a closed descriptor.
        pub(crate) fn may_have_been_closed(&self) -> bool {
            let fd = self.descriptor.as_fd();
            let is_null = fstat(fd).is_ok_and(|found| {
                FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice
                    && stat("/dev/null").is_ok_and(|null| null.st_rdev == found.st_rdev)
            });
            is_null && fcntl_getfl(fd).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
        }

        #[cfg(test)]
        pub(crate) fn descriptor(&self) -> &F {
            &self.descriptor
        }

        /// Behaves as if the pipe could not be opened again.
        #[cfg(test)]
        pub(crate) fn forget_own(&mut self) {
            self.kind = Kind::Stream(None);
        }

        // ANCHOR: write
        /// Writes at most [`LONGEST_LINE`] bytes; returns how many were written.
        ///
        /// # Errors
        ///
        /// Those of `write(2)` and `send(2)`; `WouldBlock` if there is no room.
        pub(crate) fn write(&self, line: &[u8]) -> io::Result<usize> {
            let fd = self.descriptor.as_fd();
            let written = match &self.kind {
                Kind::File => rustix::io::write(fd, line),
                Kind::Socket => rustix::net::send(fd, line, SendFlags::DONTWAIT),
                Kind::Stream(_) if !has_room(fd) => Err(rustix::io::Errno::WOULDBLOCK),
                Kind::Stream(own) => rustix::io::write(own.as_ref().map_or(fd, AsFd::as_fd), line),
            };
            Ok(written?)
        }
        // ANCHOR_END: write
    }

    // ANCHOR: room
    /// Whether the descriptor has room for a line. One that cannot be polled, or is broken, counts
    /// as having room: the write will then fail with the reason.
    fn has_room(fd: BorrowedFd<'_>) -> bool {
        let mut polled = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
        !matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
    }
    // ANCHOR_END: room

    /// Opens the pipe or terminal again, to get an open file description of our own in non-blocking
    /// mode. Polling alone is less safe: a pipe that polls writable accepts a whole line only if no
    /// one else writes to it meanwhile, and a terminal may have room for less than a line, or be
    /// stopped meanwhile. Returns `None` without `/proc`, or without permission to open the file,
    /// which another user may have created.
    #[cfg(target_os = "linux")]
    fn reopen(fd: BorrowedFd<'_>) -> Option<OwnedFd> {
        use rustix::fs::{Mode, open};
        use std::os::fd::AsRawFd;
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        open(path, flags, Mode::empty()).ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn reopen(_: BorrowedFd<'_>) -> Option<OwnedFd> {
        None
    }
}

/// On systems other than Unix a write waits for the reader: there is no better way here.
#[cfg(not(unix))]
mod elsewhere {
    use std::io::{self, Stderr, Stdout, Write};

    pub(crate) const LONGEST_LINE: usize = 4096;

    pub(crate) trait Descriptor {
        fn write_line(&self, line: &[u8]) -> io::Result<()>;
    }

    impl Descriptor for Stdout {
        fn write_line(&self, line: &[u8]) -> io::Result<()> {
            let mut output = self.lock();
            output.write_all(line).and_then(|()| output.flush())
        }
    }

    impl Descriptor for Stderr {
        fn write_line(&self, line: &[u8]) -> io::Result<()> {
            self.lock().write_all(line)
        }
    }

    pub(crate) struct Output<F>(F);

    impl<F: Descriptor> Output<F> {
        pub(crate) fn new(descriptor: F) -> Self {
            Output(descriptor)
        }

        pub(crate) fn may_have_been_closed(&self) -> bool {
            false
        }

        pub(crate) fn write(&self, line: &[u8]) -> io::Result<usize> {
            self.0.write_line(line).map(|()| line.len())
        }
    }
}
