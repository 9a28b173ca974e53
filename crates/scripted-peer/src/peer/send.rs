//! What a peer does to the other side.

use std::io::ErrorKind;
use std::io::Write as _;
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::connection::{Ending, Peer};
use crate::bytes::{count, grouped, show};
use crate::event::{Bytes, Piece};
use crate::failure::Failure;
use crate::patience::Patience;
use crate::queue::Unread;
use crate::wait::{self, wait};
use crate::watchdog::fail;

/// How long a queue must stay unchanged to count as stuck. The second constant applies while the
/// program is waiting for a CPU.
const SETTLED: Duration = Duration::from_millis(150);
const SETTLED_BUSY: Duration = Duration::from_secs(1);
/// How long a program may leave a message unread that it should read. The second constant applies
/// while the program is waiting for a CPU on a busy machine.
const STUCK: Duration = Duration::from_millis(300);
const STUCK_BUSY: Duration = Duration::from_secs(2);
/// How long to wait between two bytes of a drip if the kernel doesn't report what has been read.
const PAUSE: Duration = Duration::from_millis(5);

/// In the timeline, how often bytes that arrive during a drip may split it into separate events.
const INTERRUPTIONS: usize = 3;

impl Peer {
    /// Sends all these bytes, in one write if there is room for them. Bytes that arrive meanwhile
    /// are kept for the next verb, so that this can't deadlock with a program that sends a lot.
    ///
    /// If the program has already closed the connection, the next expectation reports it, not this
    /// verb.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        let mut patience = self.new_patience();
        let began = self.timeline.elapsed();
        let taken = self.write_in_time(bytes, &mut patience);
        self.log_sent(bytes, taken, began);
        if taken < bytes.len() && self.ending.is_none() && !self.reset_seen && patience.is_out() {
            let expected = format!("the program to read {}", count(bytes.len()));
            let got = format!(
                "it read {}, then nothing for {:?}",
                count(taken),
                self.patience
            );
            fail(&self.timeline, &Failure::new(expected, got));
        }
        self
    }

    /// Sends these messages as one run of bytes, in one write.
    pub fn coalesce<T: AsRef<[u8]>>(&mut self, parts: impl IntoIterator<Item = T>) -> &mut Self {
        let whole: Vec<u8> = parts
            .into_iter()
            .flat_map(|part| part.as_ref().to_vec())
            .collect();
        self.send(whole)
    }

    /// Sends one byte at a time, each only after the program has *read* the previous one, so that
    /// no read of the program can return more than one byte.
    ///
    /// On Linux the kernel reports whether a byte has been read; elsewhere there is a pause after
    /// each byte. If the program stops reading for as long as this peer waits, the rest is sent all
    /// at once.
    pub fn drip(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.drip_pieces(bytes.as_ref(), 1)
    }

    /// Like [`drip`](Self::drip), but sends pieces of `size` bytes.
    pub fn drip_pieces(&mut self, bytes: &[u8], size: usize) -> &mut Self {
        let mut patience = self.new_patience();
        let (mut done, mut told, mut interruptions) = (0, 0, 0);
        let mut pieces = Vec::new();
        while done < bytes.len() && !patience.is_out() {
            let piece = &bytes[done..bytes.len().min(done + size)];
            // Noted before the write: what the program does in response comes later.
            let at = self.timeline.elapsed();
            let taken = self.write_in_time(piece, &mut patience);
            done += taken;
            pieces.push(Piece { at, length: taken });
            if taken < piece.len() || !self.wait_for_reader(&mut patience) {
                break;
            }
            // What the program sends in the middle belongs there in the timeline.
            if done < bytes.len() && interruptions < INTERRUPTIONS && self.has_news() {
                interruptions += 1;
                let remark = format!("{done} of {} bytes, dripping", bytes.len());
                self.log_dripped(&bytes[told..done], &remark, &pieces);
                told = done;
                pieces.clear();
                while self.ending.is_none() && self.read() {}
            }
        }
        let remark = match (done == bytes.len(), size) {
            (true, 1) => format!("{}, one at a time", count(done)),
            (true, _) => format!("{}, {size} at a time", count(done)),
            (false, _) => format!("{done} of {} bytes, dripping", bytes.len()),
        };
        self.log_dripped(&bytes[told..done], &remark, &pieces);
        if done < bytes.len() && self.ending.is_none() && patience.is_out() {
            self.note(format!(
                "the program did not read for {:?}, so the rest is sent at once",
                self.patience
            ));
            self.send(&bytes[done..]);
        }
        self
    }

    /// Waits until the program has read everything that was sent, so that what is sent next arrives
    /// in another read. If the program doesn't read it in time, that is not reported here.
    pub fn wait_until_read(&mut self) -> &mut Self {
        self.wait_for_reader(&mut self.new_patience());
        self
    }

    /// Sends one byte every `gap`, whether the program reads or not, like a slow client or a
    /// hostile one. Stops when all bytes are sent, or when the program closes the connection.
    pub fn drip_every(&mut self, gap: Duration, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        let remark = |sent| format!("{sent} of {} bytes, one every {gap:?}", bytes.len());
        let mut sent = 0;
        let mut pieces = Vec::new();
        for byte in bytes {
            let at = self.timeline.elapsed();
            if self.write_in_time(&[*byte], &mut self.new_patience()) == 0 {
                break;
            }
            sent += 1;
            pieces.push(Piece { at, length: 1 });
            // The answer to the complete message arrives in the last gap, and belongs after it in
            // the timeline.
            if sent == bytes.len() {
                self.log_dripped(bytes, &remark(sent), &pieces);
            }
            let next = self.timeline.until(gap);
            while Instant::now() < next && self.ending.is_none() && !self.reset_seen {
                if self.stalled {
                    self.timeline.sleep(next);
                } else if wait::readable(&self.socket, next) {
                    self.read();
                }
            }
            if self.ending.is_some() {
                break;
            }
        }
        if sent < bytes.len() {
            self.log_dripped(&bytes[..sent], &remark(sent), &pieces);
        }
        self
    }

    /// Sends the same bytes repeatedly until the program accepts no more, or `most` bytes have been
    /// sent. Returns the number of bytes sent. Reads nothing meanwhile.
    pub fn flood(&mut self, bytes: impl AsRef<[u8]>, most: usize) -> usize {
        let bytes = bytes.as_ref();
        let stalled = std::mem::replace(&mut self.stalled, true);
        let mut sent = 0;
        let began = self.timeline.elapsed();
        let mut moved = Instant::now();
        while sent < most && self.ending.is_none() && !self.reset_seen {
            let rest = &bytes[sent % bytes.len()..];
            let taken = self.write_in_time(rest, &mut Patience::new(&self.timeline, STUCK));
            sent += taken;
            if taken == rest.len() {
                moved = Instant::now();
            } else if moved.elapsed() > STUCK_BUSY || !self.timeline.is_busy() {
                break;
            }
        }
        self.stalled = stalled;
        let text = format!("-> {} repeatedly, {} in all", show(bytes), count(sent));
        self.timeline.note_since(began, self.number, text);
        sent
    }

    /// Returns how many more bytes the program has read from this peer than it has written to it.
    /// For a program that echoes, that is how much it has buffered for this client. The kernel
    /// counts both on Linux, over TCP on loopback (`tcp_info`); in all other cases the result is
    /// `None`.
    ///
    /// ```no_run
    /// # let server = scripted_peer::Program::new("server").listen();
    /// let mut peer = server.connect();
    /// peer.flood("never reads", 64 << 20);
    /// assert!(peer.held().is_none_or(|bytes| bytes < 256 << 10));
    /// ```
    #[must_use]
    pub fn held(&self) -> Option<usize> {
        let held = usize::try_from(self.queue.as_ref()?.held()?).ok()?;
        self.note(format!("the program has buffered {} of it", count(held)));
        Some(held)
    }

    /// Sends bytes that aren't a valid message in any of the book's protocols: they aren't text,
    /// and read as a length they are enormous.
    pub fn garbage(&mut self) -> &mut Self {
        let mut state = 0x9e37_79b9_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_be_bytes()[0]
        };
        let noise: Vec<u8> = (0..60).map(|_| next()).collect();
        self.send([&[0xff, 0xfe, 0x80, 0xc3], &noise[..]].concat())
    }

    /// Waits for this long, and does nothing.
    pub fn pause(&mut self, time: Duration) -> &mut Self {
        self.note(format!("pauses for {time:?}"));
        self.timeline.sleep(self.timeline.until(time));
        self
    }

    /// Stops reading until something is expected. Waits until the program's bytes have filled the
    /// buffers on their way to this peer, or until no more of them arrive.
    pub fn stall_reading(&mut self) -> &mut Self {
        self.stalled = true;
        let began = self.timeline.elapsed();
        let mut patience = self.new_patience();
        let mut last = (self.waiting(), Instant::now());
        let settled = |since: Instant| {
            let time = since.elapsed();
            time > SETTLED_BUSY || time > SETTLED && !self.timeline.is_busy()
        };
        while !patience.is_out() && (last.0 == 0 || !settled(last.1)) {
            thread::sleep(Duration::from_millis(5));
            let now = self.waiting();
            if now != last.0 {
                last = (now, Instant::now());
            }
        }
        let text = format!("reads nothing; {} are waiting for it", count(last.0));
        self.timeline.note_since(began, self.number, text);
        self
    }

    /// Returns how many bytes have reached this end's kernel and have not been read yet.
    pub(super) fn waiting(&self) -> usize {
        let waiting = rustix::io::ioctl_fionread(&self.socket).unwrap_or_default();
        usize::try_from(waiting).expect("a socket's queue fits in memory")
    }

    /// Shuts down writing (`shutdown(2)`), so that the program reads the end of the stream. This
    /// peer can still read.
    pub fn half_close(&mut self) -> &mut Self {
        // If the connection is already gone, the next expectation reports it.
        let _ = self.socket.shutdown(Shutdown::Write);
        self.note("-> end of stream (half-close)");
        self
    }

    /// Closes the connection cleanly. Closing with unread bytes would cause a reset, on TCP and on
    /// Unix sockets, so everything that has arrived is read first.
    pub fn close(mut self) {
        while self.ending.is_none() && self.read() {}
        self.note("closes");
    }

    /// Resets the connection: the program's next read fails with `ECONNRESET`.
    ///
    /// On TCP this closes the socket with a linger time of 0. On a Unix socket that would be a
    /// plain end of stream: there, only closing with unread bytes causes a reset (`unix(7)`). So
    /// this first waits for the program to send something. If nothing arrives, the timeline notes
    /// that.
    pub fn reset(self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
        let unix = self
            .socket
            .local_addr()
            .is_ok_and(|address| address.is_unix());
        if unix && self.waiting() == 0 {
            self.new_patience()
                .wait(|until| wait::readable(&self.socket, until));
        }
        if unix && self.waiting() == 0 {
            self.note("-> end of stream: nothing was unread, so this close cannot reset");
        } else {
            self.note("-> a reset");
        }
    }

    /// Writes until all bytes are accepted, the connection fails, or the time is up. Returns the
    /// number of bytes accepted.
    fn write_in_time(&mut self, bytes: &[u8], patience: &mut Patience) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.reset_seen && self.ending != Some(Ending::Reset) {
            match self.socket.write(&bytes[taken..]) {
                Ok(length) => {
                    taken += length;
                    self.timeline.exchange();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.wait_for_room(patience) {
                        break;
                    }
                }
                Err(error) => {
                    self.reset_seen |= error.kind() == ErrorKind::ConnectionReset;
                    self.note(format!("-> failed: {error}"));
                    break;
                }
            }
        }
        self.sent += taken as u64;
        taken
    }

    /// Waits for room to write, and reads meanwhile unless the peer is stalling. Returns false when
    /// the time is up.
    fn wait_for_room(&mut self, patience: &mut Patience) -> bool {
        let reading = !self.stalled && self.ending.is_none();
        let events = if reading {
            PollFlags::OUT | PollFlags::IN
        } else {
            PollFlags::OUT
        };
        let mut came = PollFlags::empty();
        patience.wait(|until| {
            came = wait(&self.socket, events, until);
            !came.is_empty()
        });
        if came.intersects(PollFlags::IN) && reading {
            self.read();
        }
        !came.is_empty()
    }

    /// Waits until the program has read everything that was sent. Returns false if the connection
    /// is gone or the time is up.
    fn wait_for_reader(&mut self, patience: &mut Patience) -> bool {
        let Some(queue) = &mut self.queue else {
            thread::sleep(PAUSE);
            return true;
        };
        let start = Instant::now();
        loop {
            match queue.unread(self.sent) {
                Unread::None => return true,
                Unread::Gone => return false,
                Unread::Unknown => {
                    self.queue = None;
                    thread::sleep(PAUSE);
                    return true;
                }
                Unread::Some if patience.is_out() => return false,
                Unread::Some if start.elapsed() < Duration::from_micros(300) => thread::yield_now(),
                Unread::Some => thread::sleep(Duration::from_micros(100)),
            }
        }
    }

    fn has_news(&self) -> bool {
        !self.stalled && wait::readable(&self.socket, Instant::now())
    }

    fn log_sent(&self, bytes: &[u8], taken: usize, began: Duration) {
        let remark = if taken < bytes.len() {
            format!("{} of {}", grouped(taken), count(bytes.len()))
        } else {
            String::new()
        };
        let piece = Piece {
            at: began,
            length: taken,
        };
        self.log_dripped(&bytes[..taken], &remark, &[piece]);
    }

    fn log_dripped(&self, bytes: &[u8], remark: &str, pieces: &[Piece]) {
        let run = Bytes::new(bytes, remark).in_pieces(pieces);
        self.timeline.sent(self.number, run);
    }
}
