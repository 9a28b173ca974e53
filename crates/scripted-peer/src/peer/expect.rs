//! What a peer expects from the other side.

use std::time::{Duration, Instant};

use super::connection::{Ending, Peer};
use crate::bytes::{count, show};
use crate::failure::Failure;
use crate::patience::Patience;
use crate::verdict::Verdict;
use crate::watchdog::fail;

/// How long to wait for the rest of a reply that is already known to be wrong, so that the report
/// shows all of it.
const MORE: Duration = Duration::from_millis(30);

/// What arrived next, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// These bytes: as many as had arrived.
    Bytes(Vec<u8>),
    /// No bytes: the connection ended like this, or nothing arrived ([`Ending::Silence`]).
    Ended(Ending),
}

impl Peer {
    /// Expects exactly these bytes next. Bytes that arrive after them are kept for the next verb.
    pub fn expect(&mut self, bytes: impl AsRef<[u8]>) -> Verdict {
        let expected = bytes.as_ref();
        let decided = |inbox: &[u8]| inbox.len() >= expected.len() || !expected.starts_with(inbox);
        let ending = self.fill(self.new_patience(), decided);
        let found = if self.inbox.starts_with(expected) {
            self.inbox.drain(..expected.len());
            Ok(())
        } else {
            let after = ending.unwrap_or_else(|| self.rest());
            let got = self.inbox.clone();
            Err(Failure::bytes(
                expected,
                &got[..got.len().min(expected.len() + 64)],
                &self.say(after),
            ))
        };
        self.verdict(found)
    }

    /// Expects exactly these bytes next, all of them in one read, which shows that the program sent
    /// them in one write.
    pub fn expect_in_one_read(&mut self, bytes: impl AsRef<[u8]>) -> Verdict {
        let expected = bytes.as_ref();
        let ending = self.fill(self.new_patience(), |inbox| !inbox.is_empty());
        let found = if self.inbox.starts_with(expected) {
            self.inbox.drain(..expected.len());
            Ok(())
        } else {
            let after = match ending {
                Some(ending) => self.say(ending),
                None => "the first read returned".to_owned(),
            };
            Err(Failure::bytes(expected, &self.inbox.clone(), &after))
        };
        self.verdict(found)
    }

    /// Expects the end of the stream next: the program closes the connection cleanly, or shuts down
    /// writing.
    pub fn expect_end(&mut self) -> Verdict {
        self.expect_ending(&[Ending::End], "end of stream")
    }

    /// Expects a reset next.
    pub fn expect_reset(&mut self) -> Verdict {
        self.expect_ending(&[Ending::Reset], "a reset")
    }

    /// Expects the program to close the connection: with the end of the stream, or with a reset if
    /// it left bytes unread.
    pub fn expect_gone(&mut self) -> Verdict {
        self.expect_ending(
            &[Ending::End, Ending::Reset],
            "the program to end the connection",
        )
    }

    fn expect_ending(&mut self, endings: &[Ending], expected: &str) -> Verdict {
        let ending = self.fill(self.new_patience(), |inbox| !inbox.is_empty());
        let found = match ending {
            Some(ending) if endings.contains(&ending) => Ok(()),
            Some(ending) => Err(Failure::new(expected, self.say(ending))),
            None => {
                self.rest();
                let got = format!("{} ({})", show(&self.inbox), count(self.inbox.len()));
                Err(Failure::new(expected, got))
            }
        };
        self.verdict(found)
    }

    /// Expects that nothing has arrived so far. This does not wait, so call it after
    /// [`drip`](Self::drip), when a program that replies too early has already done so. It doesn't
    /// show that the program has read what was sent. If another peer is about to do something that
    /// depends on that, first wait for something that does show it: a [`Gate`](crate::Gate) that
    /// the program has entered, or a count that it reports.
    pub fn expect_nothing_yet(&mut self) -> Verdict {
        while self.ending.is_none() && self.read() {}
        let found = match (self.inbox.as_slice(), self.ending) {
            ([], None) => Ok(()),
            ([], Some(ending)) => Err(Failure::new("nothing yet", ending.to_string())),
            (early, _) => Err(Failure::new("nothing yet", show(early))),
        };
        self.verdict(found)
    }

    /// Expects that nothing arrives for this long, and that the connection stays open. This always
    /// takes all of `time`, so use it rarely. If another message can follow, expect that one
    /// instead.
    pub fn expect_nothing_for(&mut self, time: Duration) -> Verdict {
        let ending = self.fill(Patience::new(&self.timeline, time), |inbox| {
            !inbox.is_empty()
        });
        let expected = format!("nothing for {time:?}");
        let found = match ending {
            Some(Ending::Silence) => Ok(()),
            Some(ending) => Err(Failure::new(expected, ending.to_string())),
            None => Err(Failure::new(expected, show(&self.inbox))),
        };
        self.verdict(found)
    }

    /// Waits for whatever arrives next, and returns it: bytes as soon as there are any, or how the
    /// connection ended.
    pub fn receive(&mut self) -> Received {
        match self.fill(self.new_patience(), |inbox| !inbox.is_empty()) {
            None => Received::Bytes(std::mem::take(&mut self.inbox)),
            Some(ending) => Received::Ended(ending),
        }
    }

    /// Returns the next `length` bytes, or `None` if the stream ends before the first of them.
    pub fn next_bytes(&mut self, length: usize) -> Option<Vec<u8>> {
        self.next_run(&count(length), |inbox| {
            (inbox.len() >= length).then_some(length)
        })
    }

    /// Returns the next line, without its newline, or `None` if the stream ends before the line
    /// begins.
    pub fn next_line(&mut self) -> Option<String> {
        let end = |inbox: &[u8]| {
            inbox
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|at| at + 1)
        };
        let line = self.next_run("a line", end)?;
        Some(String::from_utf8_lossy(&line[..line.len() - 1]).into_owned())
    }

    /// Returns the payload of the next frame ([`frame`](crate::frame)), or `None` if the stream
    /// ends before the frame begins.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        let end = |inbox: &[u8]| {
            let length = u32::from_be_bytes(*inbox.first_chunk::<4>()?) as usize;
            (inbox.len() - 4 >= length).then_some(length + 4)
        };
        self.next_run("a frame", end)
            .map(|frame| frame[4..].to_vec())
    }

    /// Waits until `end` finds where a run of bytes ends at the start of the inbox, and returns
    /// that run. Ends the test if the stream ends within the run, is reset, or falls silent.
    fn next_run(&mut self, what: &str, end: impl Fn(&[u8]) -> Option<usize>) -> Option<Vec<u8>> {
        let ending = self.fill(self.new_patience(), |inbox| end(inbox).is_some());
        match (end(&self.inbox), ending) {
            (Some(length), _) => Some(self.inbox.drain(..length).collect()),
            (None, Some(Ending::End)) if self.inbox.is_empty() => None,
            (None, ending) => {
                let after = self.say(ending.unwrap_or(Ending::Silence));
                let got = match self.inbox.as_slice() {
                    [] => after,
                    part => format!("{}, then {after}", show(part)),
                };
                fail(&self.timeline, &Failure::new(what, got))
            }
        }
    }

    /// Reads `size` bytes every `gap` for `time`, like a client that reads its replies far too
    /// slowly. Stops early if the connection ends. Returns the number of bytes read and the longest
    /// time between two reads, which on a busy machine may be far longer than `gap`.
    pub fn trickle(&mut self, size: usize, gap: Duration, time: Duration) -> (usize, Duration) {
        use std::io::Read as _;
        let began = self.timeline.elapsed();
        let (end, mut total) = (self.timeline.until(time), 0);
        let mut buffer = vec![0; size];
        let mut next = Instant::now();
        let (mut last, mut longest) = (next, Duration::ZERO);
        while Instant::now() < end && self.ending.is_none() {
            longest = longest.max(last.elapsed());
            last = Instant::now();
            match self.socket.read(&mut buffer) {
                Ok(0) => self.end(Ending::End),
                Ok(length) => total += length,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => self.end(Ending::Reset),
            }
            // By the clock, so that a busy machine doesn't slow it down.
            next += gap;
            self.timeline.sleep(next);
        }
        let text = format!("<- {} in all, {size} every {gap:?}", count(total));
        self.timeline.note_since(began, self.number, text);
        (total, longest)
    }

    /// Replies to each line until the stream ends, and reads the next line only after it has
    /// written the complete reply, like a server without a buffer. Returns the number of lines.
    pub fn answer_lines(&mut self, answer: impl Fn(&str) -> Vec<u8>) -> Verdict<usize> {
        let mut lines = 0;
        while let Some(line) = self.next_line() {
            lines += 1;
            let stalled = std::mem::replace(&mut self.stalled, true);
            self.send(answer(&line));
            self.stalled = stalled;
        }
        Verdict::new(&self.timeline, Ok(lines))
    }

    /// Reads for the report what is still on its way. Silence means that nothing more arrived
    /// shortly after.
    fn rest(&mut self) -> Ending {
        let before = self.inbox.len();
        self.fill(Patience::new(&self.timeline, MORE), |inbox| {
            inbox.len() > before + 4096
        })
        .unwrap_or(Ending::Silence)
    }

    fn say(&self, ending: Ending) -> String {
        match ending {
            Ending::Silence => format!("silence for {:?}", self.patience),
            ending => ending.to_string(),
        }
    }

    fn verdict<T>(&self, found: Result<T, Failure>) -> Verdict<T> {
        Verdict::new(&self.timeline, found)
    }
}
