//! Plays complete lives of a connection against an oracle, on a simulated clock: random bytes,
//! splits, pauses, slow readers, late answers, ends of the stream and drains.
//!
//! The oracle knows the protocol and the promises, but not how the engine keeps them: from the
//! bytes that the stream let through, it says which replies are due, and when the client's
//! deadlines expire. A seed determines a whole life: `SIMULATION_SEED=N cargo test -p shared-server
//! simulation` plays only that life.

mod echo;
mod oracle;
mod wire;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use fastrand::Rng;
use shared_proto::{ErrorCode, PREAMBLE};

use self::echo::{Echo, Echoed};
use self::oracle::{Due, Expected, replies};
use self::wire::{Wire, Wires};
use crate::connection::{Connection, Next};
use crate::limits::Limits;
use crate::service::{Completion, Later};
use crate::shared::Shared;
use crate::transport::Peer;
use crate::turn::Turn;

const FRAME: Duration = Duration::from_secs(10);
const REPLY: Duration = Duration::from_secs(7);
const IDLE: Duration = Duration::from_secs(30);
const LINGER: Duration = Duration::from_secs(1);
const MAX_FRAME: u32 = 40;

/// A script for one client: frames, most of them valid.
fn script(rng: &mut Rng) -> Vec<u8> {
    let mut script = PREAMBLE.to_vec();
    if rng.u8(..) < 8 {
        script[rng.usize(..4)] ^= 1;
    }
    for _ in 0..rng.usize(1..12) {
        let body: Vec<u8> = (0..rng.usize(..30)).map(|_| rng.u8(..)).collect();
        let (kind, body) = match rng.u8(..40) {
            0 => (0x05, &body[..0]),
            1 => (0x05, &body[..]),
            2 => (0x77, &body[..]),
            3..5 => (0x12, &body[..]),
            5..12 => (0x11, &body[..]),
            _ => (0x10, &body[..]),
        };
        let length = match rng.u8(..) {
            0 => 0,
            1 => MAX_FRAME + 1 + rng.u32(..9),
            _ => u32::try_from(1 + body.len()).expect("a small body"),
        };
        script.extend_from_slice(&length.to_be_bytes());
        script.push(kind);
        script.extend_from_slice(body);
    }
    script.truncate(script.len() - rng.usize(..script.len()).saturating_sub(script.len() / 2));
    script
}

/// One client, its connection, and the clock of both.
struct Life {
    rng: Rng,
    seed: u64,
    limits: Limits,
    shared: Arc<Shared>,
    service: Echo,
    completions: (Sender<Completion>, Receiver<Completion>),
    promised: Receiver<(Later<Echo>, Vec<u8>)>,
    connection: Connection<Wires>,
    input: Vec<u8>,

    accepted: Instant,
    now: Instant,
    script: VecDeque<u8>,
    /// The answer that the player still owes.
    pending: Option<(Later<Echo>, Vec<u8>)>,
    laters: usize,
    /// The reply that the player never sends.
    dropped: Option<usize>,
    /// The connection is waiting for a turn.
    queued: bool,
    draining: bool,
    closed: bool,
    /// An end caused by the client, the clock or a drain: how many bytes were read before it (later
    /// ones are discarded), and the Error that reports it.
    ending: Option<(usize, Option<Due>)>,

    active: Instant,
    /// The answer has arrived, and the bytes behind its request are waiting for a turn.
    resumes: bool,
    /// Where the incomplete frame begins, and its deadline.
    partial: Option<(usize, Instant)>,
    blocked: Option<Instant>,
    lingering: Option<Instant>,
}

impl Life {
    fn new(seed: u64, script: impl FnOnce(&mut Rng) -> Vec<u8>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let now = Instant::now();
        let limits = Limits {
            max_frame: MAX_FRAME.try_into().expect("not 0"),
            frame_timeout: FRAME,
            reply_timeout: REPLY,
            idle_timeout: Some(IDLE),
            ..Limits::default()
        };
        let (later, promised) = channel();
        let peer = Peer::Other("simulated".into());
        Self {
            shared: Arc::new(Shared::new(1, Vec::new())),
            service: Echo(later),
            completions: channel(),
            promised,
            connection: Connection::new(Wire::default(), peer, None, now, &limits),
            input: vec![0; rng.usize(1..64)],
            accepted: now,
            now,
            script: script(&mut rng).into(),
            pending: None,
            laters: 0,
            dropped: None,
            queued: false,
            draining: false,
            closed: false,
            ending: None,
            active: now,
            resumes: false,
            partial: None,
            blocked: None,
            lingering: None,
            limits,
            seed,
            rng,
        }
    }

    /// Something happens; `false` when the life is over.
    fn step(&mut self) -> bool {
        match self.rng.u8(..16) {
            0..4 => self.client_sends(),
            4..7 => self.client_takes(),
            7..10 => self.time_passes(),
            10..12 => self.answer_comes(),
            12 if self.rng.u8(..) < 20 => self.client_half_closes(),
            13 if self.rng.u8(..) < 8 => self.drain(),
            _ => {}
        }
        if self.queued && self.rng.u8(..5) > 0 {
            self.queued = false;
            self.act(Connection::turn);
        }
        self.look_at_the_clock();
        !self.closed
    }

    fn client_sends(&mut self) {
        let most = self.rng.usize(1..40).min(self.script.len());
        let wire = &mut self.connection.stream;
        if most > 0 && !wire.ended {
            wire.incoming.extend(self.script.drain(..most));
            self.queued = true;
        }
    }

    fn client_takes(&mut self) {
        self.connection.stream.room += self.rng.usize(1..60);
        self.queued |= self.connection.waits_for_writing();
    }

    fn client_half_closes(&mut self) {
        self.connection.stream.ended = true;
        self.connection.may_hold_more = true;
        self.queued = true;
    }

    fn drain(&mut self) {
        self.draining = true;
        self.connection.may_hold_more = true;
        self.queued = true;
    }

    fn answer_comes(&mut self) {
        let Some((later, body)) = self.pending.take() else {
            return;
        };
        if self.rng.u8(..) < 20 {
            self.dropped = Some(self.expected().laters[self.laters - 1]);
            drop(later);
        } else {
            later.answer(&Echoed(body.into()));
        }
        // The completion took the engine's normal path; the simulated `Shared` has no worker to
        // wake.
        let completion = self.completions.1.try_recv().expect("it was just sent");
        self.act(|connection, turn| {
            connection.complete(completion.number, completion.frame.as_deref(), turn)
        });
        self.active = self.now;
        self.resumes = true;
    }

    /// By a little, by a lot, or exactly to the next deadline.
    fn time_passes(&mut self) {
        let due = self
            .connection
            .due()
            .map(|due| due.saturating_duration_since(self.now));
        let step = match (self.rng.u8(..6), due) {
            (0, Some(due)) => due,
            (1, Some(due)) => due.saturating_sub(Duration::from_nanos(1)),
            (2, _) => Duration::from_secs(self.rng.u64(..6)),
            _ => Duration::from_millis(self.rng.u64(1..500)),
        };
        self.now += step;
        if (self.blocked.is_some() || self.pending.is_some() || self.resumes)
            && let Some((_, due)) = &mut self.partial
        {
            *due += step;
        }
    }

    fn look_at_the_clock(&mut self) {
        let due = self.connection.due();
        if self.closed || self.queued && !self.connection.is_lingering() {
            return; // its turn is near
        }
        if due.is_some_and(|due| due <= self.now) {
            let expected = self.expected();
            let wire = &self.connection.stream;
            let nothing_came = wire.incoming.is_empty() && !wire.ended;
            if nothing_came && self.blocked.is_none() && !expected.over {
                let begun = expected.partial.is_some() || wire.read.len() < PREAMBLE.len();
                self.end(begun, ErrorCode::TooSlow);
            }
            self.act(Connection::time_is_up);
        }
    }

    /// Lets the connection act, and compares what it did with the oracle.
    fn act(&mut self, act: impl FnOnce(&mut Connection<Wires>, &mut Turn<'_, Echo>) -> Next) {
        let (read, written) = self.counts();
        let wire = &mut self.connection.stream;
        (wire.whole, wire.dry, wire.end) = (false, false, false);
        let mut replies = Vec::new();
        let mut turn = Turn {
            service: &mut self.service,
            input: &mut self.input,
            replies: &mut replies,
            limits: &self.limits,
            shared: &self.shared,
            completions: &self.completions.0,
            worker: 0,
            key: 0,
            now: self.now,
            draining: self.draining,
            work: 0,
        };
        let next = act(&mut self.connection, &mut turn);
        assert!(
            next == Next::Close || replies.is_empty(),
            "replies were forgotten"
        );
        self.closed = next == Next::Close;
        self.resumes = false;
        self.queued |= next == Next::Again;
        if let Ok(promised) = self.promised.try_recv() {
            assert!(self.pending.is_none(), "two requests wait at once");
            self.pending = Some(promised);
            self.laters += 1;
        }
        self.note(self.counts() != (read, written));
        self.judge();
    }

    fn counts(&self) -> (usize, usize) {
        let wire = &self.connection.stream;
        (wire.read.len(), wire.written.len())
    }

    /// What is visible from outside, for the oracle's clocks.
    fn note(&mut self, moved: bool) {
        let wire = &self.connection.stream;
        if moved {
            self.active = self.now;
        }
        // For everything that was pending before, or from the beginning.
        let since = self.blocked.filter(|_| !wire.whole);
        self.blocked = wire.short.then(|| since.unwrap_or(self.now));
        if wire.shut.load(Relaxed) {
            self.lingering = Some(self.lingering.unwrap_or(self.now));
        }
        let partial = self.expected().partial;
        let frame = partial.is_some_and(|at| at >= PREAMBLE.len());
        if self.connection.stream.end {
            self.end(partial.is_some(), ErrorCode::Malformed);
        } else if self.draining && self.connection.stream.dry {
            self.end(frame, ErrorCode::Draining);
        }
        self.partial = match (partial, self.partial) {
            (Some(at), Some((known, due))) if at == known => Some((at, due)),
            (Some(at), _) => Some((at, self.now + FRAME)),
            (None, _) => None,
        };
    }

    /// Nothing more is interpreted.
    fn end(&mut self, begun: bool, code: ErrorCode) {
        if self.ending.is_none() && !self.expected().over {
            let read = self.connection.stream.read.len();
            self.ending = Some((read, begun.then(|| Due::Error(code.into()))));
        }
    }

    fn expected(&self) -> Expected {
        let read = &self.connection.stream.read;
        let interpreted = self.ending.as_ref().map_or(read.len(), |(bytes, _)| *bytes);
        let mut expected = Expected::of(&read[..interpreted]);
        if let Some(dropped) = self.dropped {
            expected.replies.truncate(dropped);
            expected = expected.close(ErrorCode::Internal);
        }
        expected
    }

    fn judge(&self) {
        let wire = &self.connection.stream;
        let (came, torn) = replies(&wire.written);
        let expected = self.expected();
        let (mut due, over) = (expected.replies, expected.over || self.ending.is_some());
        let settled = !self.queued && self.blocked.is_none() && self.pending.is_none();
        let ended = self.closed || self.lingering.is_some();
        if let Some((_, told)) = &self.ending {
            due.extend(told.clone());
        }
        let so_far = &due[..came.len().min(due.len())];
        assert_eq!(came, so_far, "replies out of order, or not asked for");
        if settled && !torn && !(self.closed && self.lingering.is_none()) {
            assert_eq!(came, due, "a request was forgotten");
        }
        assert!(
            self.blocked.is_some() || !torn,
            "a piece of a reply, and room for the rest"
        );
        assert!(
            !settled || ended || over || (wire.incoming.is_empty() && !wire.ended),
            "bytes or the end were left unread, and nothing will name them"
        );
        if let Some(since) = self.lingering.filter(|_| !self.closed) {
            assert_eq!(
                self.connection.due(),
                Some(since + LINGER),
                "how long it lingers"
            );
        }
        if ended || over || self.queued {
            return; // a turn that comes soon sets the clock again
        }
        let time_is_up = if let Some(since) = self.blocked {
            Some(since + REPLY)
        } else if self.pending.is_some() {
            None
        } else if wire.read.len() < PREAMBLE.len() {
            Some(self.accepted + FRAME)
        } else if let Some((_, due)) = self.partial {
            Some(due)
        } else {
            Some(self.active + IDLE)
        };
        assert_eq!(self.connection.due(), time_is_up, "when its time is up");
    }
}

/// Reports which life failed.
impl Drop for Life {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.seed;
            eprintln!(
                "to reproduce: SIMULATION_SEED={seed} cargo test -p shared-server simulation"
            );
        }
    }
}

// ANCHOR: play
/// Plays one life, and returns its number of steps.
fn play(seed: u64, script: impl FnOnce(&mut Rng) -> Vec<u8>) -> u64 {
    let mut life = Life::new(seed, script);
    let mut steps = 1;
    while life.step() && steps < 2000 {
        steps += 1;
    }
    steps
}
// ANCHOR_END: play

/// For `fuzz/fuzz_targets/session.rs`: any bytes, on any schedule.
#[cfg(fuzzing)]
pub fn fuzz(seed: u64, bytes: Vec<u8>) {
    play(seed, |_| bytes);
}

#[test]
fn whatever_clients_do_they_get_their_replies_and_their_time() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        play(seed.parse().expect("a number"), script);
        return;
    }
    let (mut seed, mut steps) = (0, 0);
    while steps < 1_000_000 {
        steps += play(seed, script);
        seed += 1;
    }
    assert!(seed > 1000, "long lives only: {seed} in {steps} steps");
}
