//! The life of one client: pending replies are delivered, bytes are read, the session answers them,
//! the answers are delivered.
//!
//! A connection that is waiting for its client owns no buffer. It keeps bytes only while a frame is
//! incomplete or while work is left over from a turn; in the latter case, nothing is read.
//!
//! A *turn* is one read's worth of work: at most one read, and replies up to a limit. A connection
//! with more to do gets another turn, after the others.
//!
//! After its last reply it *lingers*: it shuts down writing, then reads and discards, so that
//! bytes that no one will read do not turn the close into a reset, which could destroy that
//! reply on its way (`tcp(7)`; a Unix socket does the same, `unix(7)`).

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::time::Instant;

use shared_proto::ErrorCode;

use crate::deadlines::Entry;
use crate::event::Event;
use crate::limits::Limits;
use crate::service::Service;
use crate::session::{Expiry, Progress, Refusal, Session};
use crate::shared::{Shared, Slot};
use crate::transport::{Peer, Received, Transport};
use crate::turn::Turn;

/// How much a read that returned no bytes for the session counts toward a loop's work: as much as a
/// step of a handshake, which costs CPU time.
const WORK_BELOW: usize = 16 * 1024;

// ANCHOR: connection
pub(crate) struct Connection<T: Transport> {
    pub(crate) stream: T::Stream,
    pub(crate) entry: Entry,
    /// Whether the poller reports writability; the worker changes this.
    pub(crate) watched_for_writing: bool,
    /// Whether the connection is waiting for its turn; the worker changes this.
    pub(crate) queued: bool,
    /// More bytes may be waiting after a short read: the poller or the system said so.
    pub(crate) may_hold_more: bool,
    /// The poller reported that both directions are closed.
    pub(crate) gone: bool,
    peer: Peer,
    session: Session,
    left: Option<Box<Left>>,
    /// The client has ended its direction of the stream.
    ended: bool,
    lingering: bool,
    slot: Option<Slot>,
}
// ANCHOR_END: connection

// ANCHOR: left
/// Work left over from a turn.
#[derive(Default)]
struct Left {
    /// Replies that the socket did not accept.
    replies: Vec<u8>,
    /// How many bytes of these replies the socket has accepted since.
    taken: usize,
    /// Bytes that arrived after the requests of these replies, and have not been examined yet.
    unanswered: Vec<u8>,
}
// ANCHOR_END: left

/// What a worker is to do with a connection after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait until the poller reports it.
    Wait,
    /// Come back after the others, without a report from the poller.
    Again,
    Close,
}

/// Whether the replies have been delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Done,
    /// The socket accepts no more at the moment.
    Waiting,
    Failed,
}

impl<T: Transport> Connection<T> {
    /// Creates the connection of a client that has just been accepted.
    pub(crate) fn new(
        stream: T::Stream,
        peer: Peer,
        slot: Option<Slot>,
        accepted: Instant,
        limits: &Limits,
    ) -> Self {
        Self {
            stream,
            entry: Entry::default(),
            watched_for_writing: false,
            queued: false,
            may_hold_more: false,
            gone: false,
            peer,
            session: Session::new(accepted, limits),
            left: None,
            ended: false,
            lingering: false,
            slot,
        }
    }

    /// Returns the client's deadline; `None` if it has none.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.session.due()
    }

    pub(crate) fn is_lingering(&self) -> bool {
        self.lingering
    }

    /// Whether to watch for writability, and for nothing else: while replies are pending.
    pub(crate) fn waits_for_writing(&self) -> bool {
        self.session.is_blocked() || T::holds_output(&self.stream)
    }

    /// Releases the client's slot. Call it before the connection is closed, so that a client that
    /// has seen the end of the stream finds a free slot.
    pub(crate) fn give_back_slot(&mut self) {
        self.slot = None;
    }

    // ANCHOR: turn
    /// Does one turn's work. All decisions of a turn are made here.
    pub(crate) fn turn<S: Service>(&mut self, turn: &mut Turn<'_, S>) -> Next {
        if self.lingering {
            return self.discard(turn);
        }
        match self.deliver_left(turn) {
            Delivery::Done => {}
            Delivery::Waiting => return Next::Wait,
            Delivery::Failed => return Next::Close,
        }
        if self.session.is_over() {
            return self.finish(turn);
        }
        if self.session.is_pending() {
            return self.await_answer();
        }
        let unanswered = self.left.take().map(|left| left.unanswered);
        if let Some(unanswered) = unanswered {
            let delivery = self.answer(&unanswered, turn);
            return self.after(delivery, true, turn);
        }
        match T::receive(&mut self.stream, turn.input) {
            Ok(Received { bytes: 0, .. }) => {
                self.ended = true;
                let refused = self.session.end_of_stream(turn.replies);
                self.tell(refused, turn);
                self.finish(turn)
            }
            Ok(received) => {
                turn.work += received.bytes;
                T::identify(&mut self.stream, &mut self.peer);
                // When draining, reads until nothing is left.
                self.may_hold_more |= received.may_hold_more || turn.draining;
                let was_full = received.bytes == turn.input.len();
                let delivery = self.answer_input(received.bytes, turn);
                self.after(delivery, was_full || self.may_hold_more, turn)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.may_hold_more = false;
                if !turn.draining {
                    return Next::Wait;
                }
                let refused = self.session.drained(turn.replies);
                self.tell(refused, turn);
                self.finish(turn)
            }
            Err(error) => self.brought_nothing(&error, turn),
        }
    }
    // ANCHOR_END: turn

    /// Handles a read that failed, or that returned no bytes for the session although bytes had
    /// arrived.
    fn brought_nothing<S>(&mut self, error: &io::Error, turn: &mut Turn<'_, S>) -> Next {
        match error.kind() {
            ErrorKind::Interrupted => {
                turn.work += WORK_BELOW;
                // However much it sends below the session, that does not extend its deadline.
                let late = self.due().is_some_and(|due| due <= turn.now);
                if late { Next::Wait } else { Next::Again }
            }
            // Only a transport with its own protocol reports this, and it may have a reply to send.
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                let (peer, reason) = (self.peer.clone(), error.to_string());
                turn.shared.tell(&Event::Broken { peer, reason });
                self.session.end();
                self.finish(turn)
            }
            _ => Next::Close,
        }
    }

    /// Decides what to do after answers were delivered. If `more`, there may be something left to
    /// read.
    fn after<S: Service>(
        &mut self,
        delivery: Delivery,
        more: bool,
        turn: &mut Turn<'_, S>,
    ) -> Next {
        match delivery {
            Delivery::Failed => Next::Close,
            Delivery::Waiting => Next::Wait,
            Delivery::Done if self.session.is_over() => self.finish(turn),
            Delivery::Done if self.session.is_pending() => self.await_answer(),
            Delivery::Done if more || self.left.is_some() => Next::Again,
            Delivery::Done => Next::Wait,
        }
    }

    /// Waits for an answer that will come later, unless its client has gone. The poller may have
    /// reported that together with the request, and reports it only once.
    fn await_answer(&self) -> Next {
        if self.gone { Next::Close } else { Next::Wait }
    }

    // ANCHOR: time_is_up
    /// Handles a deadline that has passed: ends the connection, unless something arrived in time
    /// while the server was busy with other clients.
    pub(crate) fn time_is_up<S: Service>(&mut self, turn: &mut Turn<'_, S>) -> Next {
        if self.lingering {
            return Next::Close;
        }
        self.may_hold_more = true;
        let next = self.turn(turn);
        if next != Next::Wait || self.due().is_none_or(|due| turn.now < due) {
            return next;
        }
        match self.session.time_is_up(turn.limits, turn.replies) {
            Expiry::End(refused) => {
                self.tell(refused, turn);
                self.finish(turn)
            }
            Expiry::Cut => {
                let (peer, limit) = (self.peer.clone(), turn.limits.reply_timeout);
                turn.shared.tell(&Event::RepliesNotTaken { peer, limit });
                Next::Close
            }
        }
    }
    // ANCHOR_END: time_is_up

    /// Turns the client away: sends an error that closes the connection, before anything is read.
    pub(crate) fn turn_away<S: Service>(
        &mut self,
        code: ErrorCode,
        text: fmt::Arguments<'_>,
        turn: &mut Turn<'_, S>,
    ) -> Next {
        let refused = self.session.refuse(code, text, turn.replies);
        self.tell(Some(refused), turn);
        self.finish(turn)
    }

    /// Takes the answer that was promised for later; `None` if it will never arrive.
    pub(crate) fn complete<S: Service>(
        &mut self,
        number: u64,
        frame: Option<&[u8]>,
        turn: &mut Turn<'_, S>,
    ) -> Next {
        if !self.session.awaits(number) {
            return Next::Wait;
        }
        let (now, limits) = (turn.now, turn.limits);
        let refused = self.session.complete(frame, turn.replies, now, limits);
        self.tell(refused, turn);
        // While the answer was awaited, a report from the poller may have gone unused.
        self.may_hold_more = true;
        let delivery = self.deliver(turn);
        self.after(delivery, true, turn)
    }

    /// Answers the bytes that this turn's read returned.
    fn answer_input<S: Service>(&mut self, bytes: usize, turn: &mut Turn<'_, S>) -> Delivery {
        let input = std::mem::take(&mut turn.input);
        let delivery = self.answer(&input[..bytes], turn);
        turn.input = input;
        delivery
    }

    // ANCHOR: answer
    /// Has the session answer the bytes that arrived, delivers the answers, and keeps what is left
    /// for the next turn.
    fn answer<S: Service>(&mut self, bytes: &[u8], turn: &mut Turn<'_, S>) -> Delivery {
        let mut step = turn.step(&self.peer);
        let Progress { taken, refused } = self.session.receive(bytes, &mut step);
        drop(step);
        self.tell(refused, turn);
        let delivery = self.deliver(turn);
        let rest = &bytes[taken..];
        if !rest.is_empty() && !self.session.is_over() {
            self.left.get_or_insert_default().unanswered = rest.to_vec();
        }
        delivery
    }
    // ANCHOR_END: answer

    // ANCHOR: deliver
    /// Writes the replies once, and keeps what the socket does not accept. If earlier replies are
    /// pending, the new ones are queued behind them.
    fn deliver<S>(&mut self, turn: &mut Turn<'_, S>) -> Delivery {
        if turn.replies.is_empty() {
            return Delivery::Done;
        }
        let taken = if self.session.is_blocked() {
            0
        } else {
            match self.write(turn.replies, turn.shared) {
                Some(taken) => taken,
                None => return Delivery::Failed,
            }
        };
        turn.work += taken;
        let rest = &turn.replies[taken..];
        if !rest.is_empty() || T::holds_output(&self.stream) {
            let left = self.left.get_or_insert_default();
            left.replies.extend_from_slice(rest);
            self.session.block(turn.now, turn.limits);
        }
        turn.replies.clear();
        if self.session.is_blocked() {
            Delivery::Waiting
        } else {
            Delivery::Done
        }
    }
    // ANCHOR_END: deliver

    /// Writes the replies left over from an earlier turn.
    fn deliver_left<S>(&mut self, turn: &mut Turn<'_, S>) -> Delivery {
        if !self.session.is_blocked() {
            return Delivery::Done;
        }
        let mut left = self.left.take().unwrap_or_default();
        let Some(taken) = self.write(&left.replies[left.taken..], turn.shared) else {
            return Delivery::Failed;
        };
        turn.work += taken;
        left.taken += taken;
        if left.taken < left.replies.len() || T::holds_output(&self.stream) {
            self.left = Some(left);
            return Delivery::Waiting;
        }
        self.session.unblock(turn.now, turn.limits);
        if !left.unanswered.is_empty() {
            (left.replies, left.taken) = (Vec::new(), 0);
            self.left = Some(left);
        }
        Delivery::Done
    }

    /// Writes once, and returns how many bytes the socket accepted; `None` if the connection is
    /// gone.
    fn write(&mut self, bytes: &[u8], shared: &Arc<Shared>) -> Option<usize> {
        // A client that has its last reply may reconnect before this thread continues, and must not
        // find its own slot still taken.
        let is_last = self.session.is_over() && self.slot.take().is_some();
        let taken = loop {
            match self.stream.write(bytes) {
                Ok(taken) => break taken,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break 0,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        };
        if is_last && (taken < bytes.len() || T::holds_output(&self.stream)) {
            self.slot = Some(shared.retake_slot());
        }
        Some(taken)
    }

    // ANCHOR: finish
    /// Delivers the last replies, shuts down writing, and begins to linger. From then on the
    /// connection occupies no slot.
    fn finish<S>(&mut self, turn: &mut Turn<'_, S>) -> Next {
        match self.deliver(turn) {
            Delivery::Done => {}
            Delivery::Waiting => return Next::Wait,
            Delivery::Failed => return Next::Close,
        }
        self.slot = None;
        match T::shutdown_write(&mut self.stream) {
            Ok(()) if !self.ended => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.session.block(turn.now, turn.limits);
                return Next::Wait;
            }
            _ => return Next::Close,
        }
        self.lingering = true;
        self.session.linger(turn.now);
        self.discard(turn)
    }
    // ANCHOR_END: finish

    /// Reads and discards bytes, until the end of the stream or until the time for lingering has
    /// passed.
    fn discard<S>(&mut self, turn: &mut Turn<'_, S>) -> Next {
        match T::receive(&mut self.stream, turn.input) {
            Ok(Received { bytes: 0, .. }) => Next::Close,
            Ok(Received { bytes, .. }) => {
                turn.work += bytes;
                Next::Again
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Next::Wait,
            Err(error) if error.kind() == ErrorKind::Interrupted => Next::Again,
            Err(_) => Next::Close,
        }
    }

    /// Reports an error that ends this connection, if there is one, to the program that runs the
    /// server.
    fn tell<S>(&self, refused: Option<Refusal>, turn: &Turn<'_, S>) {
        if let Some(Refusal { code, text }) = refused {
            let (peer, reason) = (self.peer.clone(), text);
            turn.shared.tell(&Event::Refused { peer, code, reason });
        }
    }
}
