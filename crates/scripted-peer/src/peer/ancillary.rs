//! Descriptors that a peer sends and receives with its bytes, over a Unix socket.

use std::io;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::{Ending, Peer};
use crate::address::Address;
use crate::bytes::show;
use crate::event::Bytes;
use crate::failure::Failure;
use crate::machine;
use crate::rights::{self, MOST};
use crate::verdict::Verdict;
use crate::wait::{self, wait};
use crate::watchdog::fail;

/// The result of one receive: bytes, and the descriptors that arrived with them.
#[derive(Debug)]
pub struct Passed {
    /// The bytes; empty at the end of the stream.
    pub bytes: Vec<u8>,
    /// The descriptors. They are close-on-exec.
    pub files: Vec<OwnedFd>,
    /// Whether there was not enough room for all descriptors, so that the system discarded the
    /// others (`MSG_CTRUNC`).
    pub cut: bool,
}

impl Peer {
    /// Sends these bytes, and these descriptors with the first byte (`SCM_RIGHTS`, unix(7)). The
    /// peer must be on a Unix socket.
    ///
    /// ```no_run
    /// # let server = scripted_peer::Program::new("server").listen_on_path();
    /// use scripted_peer::line;
    ///
    /// let mut peer = server.connect();
    /// let file = std::fs::File::open("Cargo.toml").unwrap();
    /// peer.send_with(line("Cargo.toml"), [&file]);
    /// peer.expect(line("Cargo.toml 1024 bytes")).or_explain(
    ///     "You read the first byte without room for its descriptor, so the kernel closed the \
    ///      descriptor. Leave room for one in every receive.",
    ///     "",
    /// );
    /// ```
    ///
    /// If `bytes` is empty nothing is sent, and the timeline notes that.
    ///
    /// # Panics
    ///
    /// Panics if there are more than 253 descriptors, the most that a message can carry.
    pub fn send_with<F: AsFd>(
        &mut self,
        bytes: impl AsRef<[u8]>,
        files: impl IntoIterator<Item = F>,
    ) -> &mut Self {
        let bytes = bytes.as_ref();
        let files: Vec<F> = files.into_iter().collect();
        assert!(
            files.len() <= MOST,
            "one message carries {MOST} descriptors at most"
        );
        let lent: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
        match self.send_rights(bytes, &lent) {
            Ok(taken) => {
                self.sent += taken as u64;
                let remark = format!("{}, and {}", crate::bytes::count(taken), count(lent.len()));
                self.timeline
                    .sent(self.number, Bytes::new(&bytes[..taken], remark));
                if taken == 0 {
                    self.note("without a byte no descriptor is sent over a stream");
                } else if taken < bytes.len() {
                    self.send(&bytes[taken..]);
                }
            }
            Err(Errno::AGAIN) => fail(
                &self.timeline,
                &Failure::new(
                    format!("the program to read {} with descriptors", show(bytes)),
                    format!("it read nothing for {:?}", self.patience),
                ),
            ),
            Err(error) => {
                self.reset_seen |= error == Errno::CONNRESET;
                self.note(format!("-> failed: {error}"));
            }
        }
        self
    }

    /// Like [`send_with`](Self::send_with), but sends one byte at a time, each only after the
    /// program has read the previous one. The descriptors travel with the first byte.
    pub fn drip_with<F: AsFd>(
        &mut self,
        bytes: impl AsRef<[u8]>,
        files: impl IntoIterator<Item = F>,
    ) -> &mut Self {
        let bytes = bytes.as_ref();
        let (first, rest) = bytes.split_at(bytes.len().min(1));
        self.send_with(first, files).wait_until_read();
        self.drip(rest)
    }

    fn send_rights(&mut self, bytes: &[u8], files: &[BorrowedFd<'_>]) -> Result<usize, Errno> {
        let mut patience = self.new_patience();
        loop {
            match rights::send(&self.socket, bytes, files) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if !patience.is_out() => {
                    patience.wait(|until| !wait(&self.socket, PollFlags::OUT, until).is_empty());
                }
                other => return other,
            }
        }
    }

    /// Expects exactly these bytes next, and exactly `files` descriptors with them. A further
    /// descriptor that arrives before any later bytes is one too many.
    ///
    /// ```no_run
    /// # let server = scripted_peer::Program::new("server").listen_on_path();
    /// use std::{fs::File, io::Read as _};
    /// use scripted_peer::line;
    ///
    /// let mut peer = server.connect();
    /// let files = peer.send(line("Cargo.toml")).expect_with("+", 1).or_explain(
    ///     "The client may not open the file itself. Open it and send its descriptor with `+`.",
    ///     "",
    /// );
    /// let mut text = String::new();
    /// File::from(files.into_iter().next().unwrap()).read_to_string(&mut text).unwrap();
    /// ```
    pub fn expect_with(&mut self, bytes: impl AsRef<[u8]>, files: usize) -> Verdict<Vec<OwnedFd>> {
        let bytes = bytes.as_ref();
        let wanted = format!("{} with {}", show(bytes), count(files));
        let came = self.expect(bytes);
        let too_many = self.inbox.is_empty() && self.files.len() > files;
        let there = self.files.len();
        let taken: Vec<OwnedFd> = self.files.drain(..there.min(files)).collect();
        came.and(|()| {
            if taken.len() < files || too_many {
                return Err(Failure::new(
                    wanted,
                    format!("the bytes with {}", count(there)),
                ));
            }
            Ok(taken)
        })
    }

    /// Receives once, with room for only `room` descriptors, and returns the result. The system
    /// cuts off descriptors that don't fit, as in a program that leaves room for too few.
    ///
    /// Call this before any other verb receives these bytes: other verbs leave enough room.
    pub fn receive_with(&mut self, room: usize) -> Passed {
        self.receive_up_to(64 << 10, room)
    }

    /// Like [`receive_with`](Self::receive_with), but receives at most `length` bytes. With a
    /// length of 1, any descriptors that arrive belong to that byte.
    pub fn receive_up_to(&mut self, length: usize, room: usize) -> Passed {
        let mut buffer = vec![0; length];
        let mut patience = self.new_patience();
        if self.ending.is_none() && patience.wait(|until| wait::readable(&self.socket, until)) {
            match rights::receive(&self.socket, &mut buffer, room) {
                Ok(arrival) => {
                    self.tell_descriptors(arrival.files.len(), arrival.cut);
                    buffer.truncate(arrival.length);
                    if buffer.is_empty() {
                        self.end(Ending::End);
                    } else {
                        self.timeline.received(self.number, &buffer);
                    }
                    return Passed {
                        bytes: buffer,
                        files: arrival.files,
                        cut: arrival.cut,
                    };
                }
                Err(Errno::AGAIN) => {}
                Err(_) => self.end(Ending::Reset),
            }
        }
        Passed {
            bytes: Vec::new(),
            files: Vec::new(),
            cut: false,
        }
    }

    /// Returns descriptors that arrived with bytes and that no verb has returned yet, in order.
    pub fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        self.files.drain(..).collect()
    }

    /// Reads once, and keeps the descriptors that arrive with the bytes.
    pub(super) fn read_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Address::Tcp(_) = self.local {
            return self.socket.read(buffer);
        }
        let arrival = rights::receive(&self.socket, buffer, MOST)?;
        if arrival.cut {
            machine::no_verdict(
                "room for the descriptors that arrived",
                "Too many open files",
                machine::RESOURCES,
            );
        }
        self.tell_descriptors(arrival.files.len(), false);
        self.files.extend(arrival.files);
        Ok(arrival.length)
    }

    fn tell_descriptors(&self, number: usize, cut: bool) {
        if number > 0 || cut {
            let cut = if cut {
                ", and others that were cut off (MSG_CTRUNC)"
            } else {
                ""
            };
            self.note(format!("<- {}{cut}, with these bytes:", count(number)));
        }
    }
}

/// Formats a number: `no descriptor`, `1 descriptor`, `3 descriptors`.
fn count(files: usize) -> String {
    match files {
        0 => "no descriptor".to_owned(),
        1 => "1 descriptor".to_owned(),
        many => format!("{many} descriptors"),
    }
}
