//! The protocol with one client, without a socket: it is given bytes and the current time, and
//! returns replies and the time until which to wait for more bytes.
//!
//! Nothing is read or written here, counted or logged: `connection.rs` does that.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use shared_proto::{
    ErrorCode, ErrorReply, Frame, FrameError, LENGTH_BYTES, Message, PREAMBLE, check_preamble,
    frame_size, split_frame,
};

use crate::limits::Limits;

/// Once this many bytes of replies are pending, they are written before the next frame is answered:
/// this plus one reply is the most that one client can occupy in the worker's memory.
const REPLIES_FULL: usize = 256 * 1024;

/// How many bytes of an invalid preamble go into the log.
const LOGGED: usize = 64;

/// How many bytes may still be unread in a socket when a frame's deadline passes: bytes that
/// arrived in time, while the server was busy elsewhere. A client that has sent more than this
/// since is too slow.
const LATE: usize = 32 * 1024 * 1024;

/// The minimum that a read counts toward [`LATE`], however few bytes it returns.
const LATE_READ: usize = 4 * 1024;

/// The text sent to a peer when the service failed on its request.
pub(crate) const FAILED: &str = "the service failed on this request";

/// How long a finished session is still read from, so that no reset destroys its last reply.
const LINGER: Duration = Duration::from_secs(1);

/// Answers whole frames.
pub(crate) trait Answers {
    /// Appends the answer to `replies`, or promises one for later.
    fn answer(&mut self, frame: Frame<'_>, replies: &mut Vec<u8>) -> Answered;
}

/// An answer that will arrive later, under this number. Dropping this shows the answering side that
/// no one awaits the answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) number: u64,
    _alive: Arc<()>,
}

impl Awaited {
    /// Returns the answer to await, and a reference that is dead once no one awaits it.
    pub(crate) fn new(number: u64) -> (Self, Weak<()>) {
        let alive = Arc::new(());
        let awaited = Arc::downgrade(&alive);
        let _alive = alive;
        (Self { number, _alive }, awaited)
    }
}

/// What happened to a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The answer was appended.
    Now,
    /// The answer was appended, and no later frame will be answered.
    Closed,
    /// The answer will arrive later.
    Later(Awaited),
    /// The frame cannot be answered, for this reason; the session ends with Internal.
    Failed(&'static str),
}

/// What a session is lent for one step.
pub(crate) struct Step<'a, A> {
    pub(crate) answers: A,
    /// Replies are appended here.
    pub(crate) replies: &'a mut Vec<u8>,
    pub(crate) limits: &'a Limits,
    pub(crate) now: Instant,
}

/// An Error that ends a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    /// The text for the log, which may say more than the client is told.
    pub(crate) text: String,
}

/// What happened to the bytes that arrived.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// How many were consumed: fewer than all when enough replies are pending, when an answer will
    /// come later, or when the session is over.
    pub(crate) taken: usize,
    pub(crate) refused: Option<Refusal>,
}

/// How a session whose deadline has passed ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// The pending replies are delivered, then the stream ends.
    End(Option<Refusal>),
    /// Nothing more is sent: earlier replies were not read, and nothing can be inserted into them.
    Cut,
}

// ANCHOR: session
#[derive(Debug)]
pub(crate) struct Session {
    stage: Stage,
    /// The start of a frame that is still incomplete.
    partial: Option<Box<Partial>>,
    /// The answer to the last request, if it will arrive later.
    pending: Option<Awaited>,
    /// Replies are waiting for the client to read them.
    blocked: bool,
    due: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// This many bytes of the preamble have arrived.
    Greeting(u8),
    Serving,
    /// Nothing that arrives from now on is interpreted.
    Over,
}
// ANCHOR_END: session

#[derive(Debug)]
struct Partial {
    bytes: Vec<u8>,
    clock: Clock,
    /// How many bytes have arrived since the deadline passed: see [`LATE`].
    late: usize,
}

/// The deadline of a frame. Its clock is paused while the server itself is not reading.
#[derive(Debug, Clone, Copy)]
enum Clock {
    Due(Instant),
    Stopped(Duration),
}

impl Session {
    /// Creates the session of a client that has connected. Its preamble is due within the frame
    /// timeout.
    pub(crate) fn new(accepted: Instant, limits: &Limits) -> Self {
        Self {
            stage: Stage::Greeting(0),
            partial: None,
            pending: None,
            blocked: false,
            due: Some(accepted + limits.frame_timeout),
        }
    }

    /// Returns until when to wait for the client; `None` means forever.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether there is nothing left but to deliver the replies and to close.
    pub(crate) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Whether replies are waiting for the client to read them.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether the answer to the last request is still to come.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether the answer still to come is the one with this number.
    pub(crate) fn awaits(&self, number: u64) -> bool {
        let pending = self.pending.as_ref();
        pending.is_some_and(|awaited| awaited.number == number)
    }

    // ANCHOR: receive
    /// Takes bytes that arrived: answers the complete frames in them, and keeps the start of a
    /// frame at their end.
    pub(crate) fn receive<A: Answers>(&mut self, bytes: &[u8], step: &mut Step<'_, A>) -> Progress {
        let mut progress = Progress::default();
        if let Stage::Greeting(come) = self.stage {
            self.greet(come, bytes, &mut progress, step);
        }
        let mut answered = step.replies.len();
        // Panics are caught here, once for all frames that arrived: catching them for each frame
        // would cost a fifth more per request.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            while progress.taken < bytes.len() && self.takes_more() && answered < REPLIES_FULL {
                let rest = &bytes[progress.taken..];
                progress.taken += match self.partial {
                    None => self.next_frame(rest, &mut progress.refused, step),
                    Some(_) => self.complete_partial(rest, &mut progress.refused, step),
                };
                answered = step.replies.len();
            }
        }));
        if let Err(panic) = outcome {
            step.replies.truncate(answered);
            progress.refused = Some(self.panicked(panic.as_ref(), step.replies));
        }
        if self.is_too_late(progress.taken, step.now) {
            progress.refused = Some(self.too_slow("a frame", step.limits, step.replies));
        }
        self.set_due(step.now, step.limits);
        progress
    }
    // ANCHOR_END: receive

    fn takes_more(&self) -> bool {
        self.pending.is_none() && !self.is_over()
    }

    /// Whether the frame's deadline has passed, and more bytes have arrived since than can have
    /// been waiting.
    fn is_too_late(&mut self, bytes: usize, now: Instant) -> bool {
        let Some(partial) = self.partial.as_deref_mut() else {
            return false;
        };
        match partial.clock {
            Clock::Due(due) if due <= now => {
                partial.late += bytes.max(LATE_READ);
                partial.late > LATE
            }
            _ => false,
        }
    }

    /// Handles the end of the stream. Returns an error if the stream ended inside a frame or the
    /// preamble.
    pub(crate) fn end_of_stream(&mut self, replies: &mut Vec<u8>) -> Option<Refusal> {
        let inside = match self.stage {
            Stage::Greeting(1..) => "the preamble",
            _ if self.partial.is_some() => "a frame",
            _ => {
                self.end();
                return None;
            }
        };
        let text = format_args!("the stream ended inside {inside}");
        Some(self.refuse(ErrorCode::Malformed, text, replies))
    }

    /// Ends the session because the server is shutting down, after everything that had arrived was
    /// answered.
    pub(crate) fn drained(&mut self, replies: &mut Vec<u8>) -> Option<Refusal> {
        if self.partial.is_none() {
            self.end();
            return None;
        }
        let text =
            format_args!("the server is shutting down, and only part of a frame had arrived");
        Some(self.refuse(ErrorCode::Draining, text, replies))
    }

    // ANCHOR: time_is_up
    /// Ends the session because its deadline has passed and nothing more has arrived.
    pub(crate) fn time_is_up(&mut self, limits: &Limits, replies: &mut Vec<u8>) -> Expiry {
        if self.blocked {
            return Expiry::Cut;
        }
        let what = match self.stage {
            Stage::Greeting(_) => "the preamble",
            _ if self.partial.is_some() => "a frame",
            _ => {
                self.end();
                return Expiry::End(None);
            }
        };
        Expiry::End(Some(self.too_slow(what, limits, replies)))
    }
    // ANCHOR_END: time_is_up

    fn too_slow(&mut self, what: &str, limits: &Limits, replies: &mut Vec<u8>) -> Refusal {
        let limit = limits.frame_timeout;
        let text = format_args!("{what} did not arrive within {limit:?}");
        self.refuse(ErrorCode::TooSlow, text, replies)
    }

    /// Appends the frame of the answer that was promised for later. `None` means that the answer
    /// will never arrive.
    pub(crate) fn complete(
        &mut self,
        frame: Option<&[u8]>,
        replies: &mut Vec<u8>,
        now: Instant,
        limits: &Limits,
    ) -> Option<Refusal> {
        self.pending = None;
        let Some(frame) = frame else {
            return Some(self.fail("its answer was dropped", replies));
        };
        replies.extend_from_slice(frame);
        self.set_due(now, limits);
        None
    }

    /// Notes that the socket did not accept all replies. From now on, only the deadline for reading
    /// the replies runs.
    pub(crate) fn block(&mut self, now: Instant, limits: &Limits) {
        if self.blocked {
            return;
        }
        self.blocked = true;
        self.due = Some(now + limits.reply_timeout);
        if let Some(Partial { clock, .. }) = self.partial.as_deref_mut()
            && let Clock::Due(due) = *clock
        {
            *clock = Clock::Stopped(due.saturating_duration_since(now));
        }
    }

    /// Notes that all replies have been delivered.
    pub(crate) fn unblock(&mut self, now: Instant, limits: &Limits) {
        self.blocked = false;
        if let Some(Partial { clock, .. }) = self.partial.as_deref_mut()
            && let Clock::Stopped(left) = *clock
        {
            *clock = Clock::Due(now + left);
        }
        self.set_due(now, limits);
    }

    /// Begins to linger, after the last reply has been delivered: from now on, whatever arrives is
    /// discarded.
    pub(crate) fn linger(&mut self, now: Instant) {
        self.stage = Stage::Over;
        self.due = Some(now + LINGER);
    }

    /// Appends an Error that closes the connection, and ends the session.
    pub(crate) fn refuse(
        &mut self,
        code: ErrorCode,
        text: fmt::Arguments<'_>,
        replies: &mut Vec<u8>,
    ) -> Refusal {
        let text = text.to_string();
        ErrorReply {
            code,
            text: text.as_str().into(),
        }
        .encode(replies);
        self.end();
        Refusal { code, text }
    }

    /// Sets a new deadline, after the client did something.
    fn set_due(&mut self, now: Instant, limits: &Limits) {
        if self.blocked || self.stage != Stage::Serving {
            return;
        }
        self.due = match self.partial.as_deref() {
            _ if self.pending.is_some() => None,
            Some(Partial { clock, .. }) => match clock {
                Clock::Due(due) => Some(*due),
                Clock::Stopped(_) => None,
            },
            None => limits.idle_timeout.map(|limit| now + limit),
        };
    }

    /// Ends the session: from now on, nothing that arrives is interpreted.
    pub(crate) fn end(&mut self) {
        self.partial = None;
        self.pending = None;
        self.stage = Stage::Over;
    }

    /// Checks the bytes of the preamble that have arrived.
    fn greet<A>(
        &mut self,
        come: u8,
        bytes: &[u8],
        progress: &mut Progress,
        step: &mut Step<'_, A>,
    ) {
        let had = usize::from(come);
        let part = &bytes[..bytes.len().min(PREAMBLE.len() - had)];
        progress.taken = part.len();
        match check_preamble(&[&PREAMBLE[..had], part].concat()) {
            Ok(true) => self.stage = Stage::Serving,
            Ok(false) => {
                let part = u8::try_from(part.len()).expect("at most 4");
                self.stage = Stage::Greeting(come + part);
            }
            Err(wrong) => {
                let text = format_args!("{wrong}");
                let mut refusal = self.refuse(ErrorCode::BadPreamble, text, step.replies);
                let sent = String::from_utf8_lossy(&bytes[..bytes.len().min(LOGGED)]);
                refusal.text = format!("{wrong}; it sent \"{sent}\"");
                progress.refused = Some(refusal);
            }
        }
    }

    // ANCHOR: next
    /// Answers the frame that `bytes` start with, where they lie, or keeps the start of it.
    #[inline(always)] // one loop for all frames that arrived: 8 % fewer instructions per request
    fn next_frame<A: Answers>(
        &mut self,
        bytes: &[u8],
        refused: &mut Option<Refusal>,
        step: &mut Step<'_, A>,
    ) -> usize {
        match split_frame(bytes, step.limits.max_frame.get()) {
            Ok(Some((frame, size))) => {
                self.answer(frame, refused, step);
                size
            }
            Ok(None) => {
                let clock = Clock::Due(step.now + step.limits.frame_timeout);
                let bytes = bytes.to_vec();
                let taken = bytes.len();
                self.partial = Some(Box::new(Partial {
                    bytes,
                    clock,
                    late: 0,
                }));
                taken
            }
            Err(wrong) => {
                *refused = Some(self.refuse_length(wrong, step.replies));
                bytes.len()
            }
        }
    }
    // ANCHOR_END: next

    // ANCHOR: partial
    /// Completes the start of a frame with the bytes it lacks, and takes no more.
    fn complete_partial<A: Answers>(
        &mut self,
        bytes: &[u8],
        refused: &mut Option<Refusal>,
        step: &mut Step<'_, A>,
    ) -> usize {
        let max_frame = step.limits.max_frame.get();
        let Some(mut partial) = self.partial.take() else {
            return 0;
        };
        let size = frame_size(&partial.bytes, max_frame);
        let wanted = size.ok().flatten().unwrap_or(LENGTH_BYTES) - partial.bytes.len();
        let taken = wanted.min(bytes.len());
        partial.bytes.extend_from_slice(&bytes[..taken]);
        match split_frame(&partial.bytes, max_frame) {
            Ok(Some((frame, _))) => self.answer(frame, refused, step),
            Ok(None) => self.partial = Some(partial),
            Err(wrong) => *refused = Some(self.refuse_length(wrong, step.replies)),
        }
        taken
    }
    // ANCHOR_END: partial

    // ANCHOR: frame
    #[inline(always)]
    fn answer<A: Answers>(
        &mut self,
        frame: Frame<'_>,
        refused: &mut Option<Refusal>,
        step: &mut Step<'_, A>,
    ) {
        match step.answers.answer(frame, step.replies) {
            Answered::Now => {}
            Answered::Closed => self.end(),
            Answered::Later(awaited) => self.pending = Some(awaited),
            Answered::Failed(why) => *refused = Some(self.fail(why, step.replies)),
        }
    }
    // ANCHOR_END: frame

    fn refuse_length(&mut self, wrong: FrameError, replies: &mut Vec<u8>) -> Refusal {
        let code = match wrong {
            FrameError::TooLarge { .. } => ErrorCode::TooLarge,
            FrameError::Empty => ErrorCode::Malformed,
        };
        self.refuse(code, format_args!("{wrong}"), replies)
    }

    fn panicked(&mut self, panic: &(dyn Any + Send), replies: &mut Vec<u8>) -> Refusal {
        self.fail(&panicked(panic), replies)
    }

    /// The client learns only that it failed; the log says why.
    fn fail(&mut self, why: &str, replies: &mut Vec<u8>) -> Refusal {
        let text = format_args!("{FAILED}");
        let mut refusal = self.refuse(ErrorCode::Internal, text, replies);
        why.clone_into(&mut refusal.text);
        refusal
    }
}

/// Returns the reason for the log why a request failed that made the service panic.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the service panicked: {}", message.unwrap_or("no message"))
}
