//! The life of one client: read, answer, deliver, close.
//!
//! A connection that waits for its client owns no buffer. It keeps bytes only while a frame is
//! incomplete or replies are undelivered, and is not read from while they are.
//!
//! After its last reply it *lingers*: it shuts down writing, then reads and discards, so that
//! bytes which nobody will read do not turn the close into a reset, which could destroy that
//! reply on its way (`tcp(7)`; a Unix socket does the same, `unix(7)`).

use crate::answering::{Conversation, Desk};
use crate::deadlines::Deadline;
use crate::event::Event;
use crate::service::Service;
use crate::shared::Slot;
use crate::transport::{Peer, Transport};
use shared_proto::ErrorCode;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// How long, and how many bytes, a lingering connection is read from.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024;

/// After so many reads it is another connection's turn.
const READS_A_TURN: usize = 8;

// ANCHOR: connection
pub(crate) struct Connection<T: Transport> {
    pub(crate) stream: T::Stream,
    pub(crate) deadline: Deadline,
    /// Whether the poller tells of writability; the worker changes it.
    pub(crate) watched_for_writing: bool,
    conversation: Conversation,
    undelivered: Option<Box<Undelivered>>,
    /// The client has ended its side.
    ended: bool,
    lingering: Option<Lingering>,
    slot: Option<Slot>,
}
// ANCHOR_END: connection

// ANCHOR: undelivered
/// Replies that the socket did not take.
struct Undelivered {
    replies: Vec<u8>,
    /// How many bytes of them it has taken since.
    taken: usize,
    due: Instant,
    /// What came behind the requests of these replies, not looked at yet.
    waiting: Vec<u8>,
}
// ANCHOR_END: undelivered

#[derive(Debug, Clone, Copy)]
struct Lingering {
    discarded: usize,
}

/// What a worker is to do with a connection after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait until the poller names it.
    Wait,
    /// Come back after the others, without being named.
    Again,
    Close,
}

/// What became of the replies.
enum Delivery {
    Done,
    Waiting,
    Failed,
}

impl<T: Transport> Connection<T> {
    pub(crate) fn new(stream: T::Stream, peer: Peer, slot: Option<Slot>, due: Instant) -> Self {
        Connection {
            stream,
            deadline: Deadline::new(due),
            watched_for_writing: false,
            conversation: Conversation::new(peer),
            undelivered: None,
            ended: false,
            lingering: None,
            slot,
        }
    }

    pub(crate) fn is_lingering(&self) -> bool {
        self.lingering.is_some()
    }

    /// While replies wait, writability is watched, and nothing else.
    pub(crate) fn waits_for_writing(&self) -> bool {
        self.undelivered.is_some()
    }

    /// Does what can be done now. `to_the_end` reads until nothing more waits; otherwise a read
    /// that does not fill `input` is taken for the last, which spares the one that would say so.
    pub(crate) fn turn<S: Service>(
        &mut self,
        to_the_end: bool,
        input: &mut [u8],
        desk: &mut Desk<'_, S>,
    ) -> Next {
        desk.moved = false;
        let next = self.make_progress(to_the_end, input, desk);
        self.settle_deadline(desk);
        next
    }

    // ANCHOR: time_is_up
    /// Its time is up, unless what came while the server was busy elsewhere says otherwise.
    pub(crate) fn time_is_up<S: Service>(
        &mut self,
        input: &mut [u8],
        desk: &mut Desk<'_, S>,
    ) -> Next {
        if self.is_lingering() {
            return Next::Close;
        }
        let next = self.turn(true, input, desk);
        if next != Next::Wait || !self.deadline.is_due(desk.now) {
            return next;
        }
        if self.undelivered.is_some() {
            let limit = desk.limits.reply_timeout;
            let peer = self.conversation.peer;
            desk.shared.tell(&Event::RepliesNotTaken { peer, limit });
            return Next::Close;
        }
        self.conversation.time_is_up(desk);
        self.finish(input, desk)
    }
    // ANCHOR_END: time_is_up

    /// Answers with an error that closes, before anything is read.
    pub(crate) fn turn_away<S: Service>(
        &mut self,
        code: ErrorCode,
        text: fmt::Arguments<'_>,
        input: &mut [u8],
        desk: &mut Desk<'_, S>,
    ) -> Next {
        self.conversation.refuse(code, text, desk);
        self.finish(input, desk)
    }

    // ANCHOR: progress
    fn make_progress<S: Service>(
        &mut self,
        to_the_end: bool,
        input: &mut [u8],
        desk: &mut Desk<'_, S>,
    ) -> Next {
        if self.is_lingering() {
            return self.discard(input);
        }
        match self.deliver_waiting(desk) {
            Delivery::Done => {}
            Delivery::Waiting => return Next::Wait,
            Delivery::Failed => return Next::Close,
        }
        for _ in 0..READS_A_TURN {
            if self.conversation.over {
                return self.finish(input, desk);
            }
            match self.stream.read(input) {
                Ok(0) => {
                    self.ended = true;
                    self.conversation.end_of_stream(desk);
                }
                Ok(bytes) => {
                    desk.moved = true;
                    match self.answer(&input[..bytes], desk) {
                        Delivery::Done => {}
                        Delivery::Waiting => return Next::Wait,
                        Delivery::Failed => return Next::Close,
                    }
                    if bytes < input.len() && !to_the_end && !self.conversation.over {
                        return Next::Wait;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !desk.draining {
                        return Next::Wait;
                    }
                    self.conversation.drained(desk);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Next::Close,
            }
        }
        Next::Again
    }
    // ANCHOR_END: progress

    // ANCHOR: answer
    /// Answers what came. What is left when the socket takes no more replies is kept.
    fn answer<S: Service>(&mut self, mut bytes: &[u8], desk: &mut Desk<'_, S>) -> Delivery {
        loop {
            bytes = &bytes[self.conversation.answer(bytes, desk)..];
            match self.deliver(desk) {
                Delivery::Done if bytes.is_empty() || self.conversation.over => {
                    return Delivery::Done;
                }
                Delivery::Done => {}
                Delivery::Waiting => {
                    if let Some(undelivered) = &mut self.undelivered
                        && !self.conversation.over
                    {
                        undelivered.waiting = bytes.to_vec();
                    }
                    return Delivery::Waiting;
                }
                Delivery::Failed => return Delivery::Failed,
            }
        }
    }
    // ANCHOR_END: answer

    // ANCHOR: deliver
    /// Writes the replies once, and keeps what the socket does not take.
    fn deliver<S>(&mut self, desk: &mut Desk<'_, S>) -> Delivery {
        let taken = match desk.replies.len() {
            0 => return Delivery::Done,
            _ => self.write(desk.replies),
        };
        let Some(taken) = taken else {
            return Delivery::Failed;
        };
        desk.moved = true;
        if taken < desk.replies.len() {
            self.conversation.stop_clock(desk.now);
            self.undelivered = Some(Box::new(Undelivered {
                replies: desk.replies[taken..].to_vec(),
                taken: 0,
                due: desk.now + desk.limits.reply_timeout,
                waiting: Vec::new(),
            }));
        }
        desk.replies.clear();
        match self.undelivered {
            None => Delivery::Done,
            Some(_) => Delivery::Waiting,
        }
    }
    // ANCHOR_END: deliver

    /// Writes the replies that wait, then answers what came behind them.
    fn deliver_waiting<S: Service>(&mut self, desk: &mut Desk<'_, S>) -> Delivery {
        let Some(mut undelivered) = self.undelivered.take() else {
            return Delivery::Done;
        };
        let Some(taken) = self.write(&undelivered.replies[undelivered.taken..]) else {
            return Delivery::Failed;
        };
        undelivered.taken += taken;
        desk.moved |= taken > 0;
        if undelivered.taken < undelivered.replies.len() {
            self.undelivered = Some(undelivered);
            return Delivery::Waiting;
        }
        self.conversation.resume_clock(desk.now);
        self.answer(&undelivered.waiting, desk)
    }

    /// How many bytes the socket takes now; `None` when the connection is gone.
    fn write(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            match self.stream.write(bytes) {
                Ok(taken) => return Some(taken),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    // ANCHOR: finish
    /// Delivers the last replies, shuts down writing, and begins to linger. From then on it holds
    /// no client's slot.
    fn finish<S: Service>(&mut self, input: &mut [u8], desk: &mut Desk<'_, S>) -> Next {
        match self.deliver(desk) {
            Delivery::Done => {}
            Delivery::Waiting => {
                self.settle_deadline(desk);
                return Next::Wait;
            }
            Delivery::Failed => return Next::Close,
        }
        self.slot = None;
        if T::shutdown_write(&self.stream).is_err() || self.ended {
            return Next::Close;
        }
        self.lingering = Some(Lingering { discarded: 0 });
        self.deadline.due = Some(desk.now + LINGER_TIME);
        self.discard(input)
    }
    // ANCHOR_END: finish

    /// Reads, and interprets nothing.
    fn discard(&mut self, input: &mut [u8]) -> Next {
        let Some(lingering) = &mut self.lingering else {
            return Next::Close;
        };
        while lingering.discarded < LINGER_BYTES {
            let most = input.len().min(LINGER_BYTES - lingering.discarded);
            match self.stream.read(&mut input[..most]) {
                Ok(0) => return Next::Close,
                Ok(bytes) => lingering.discarded += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Wait,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Next::Close,
            }
        }
        Next::Close
    }

    // ANCHOR: settle
    /// Only a client that did something gets a new deadline.
    fn settle_deadline<S>(&mut self, desk: &Desk<'_, S>) {
        if !desk.moved || self.is_lingering() {
            return;
        }
        self.deadline.due = if let Some(undelivered) = &self.undelivered {
            Some(undelivered.due)
        } else if self.conversation.is_greeting() {
            self.deadline.due
        } else {
            let idle = desk.limits.idle_timeout.map(|limit| desk.now + limit);
            self.conversation.frame_due().or(idle)
        };
    }
    // ANCHOR_END: settle
}
