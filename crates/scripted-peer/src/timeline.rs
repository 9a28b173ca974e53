//! One test's timeline: what happened and when, who took part, and how much time is left.
//!
//! The programs and peers that are created on one thread share one timeline (`current`), so a check
//! never passes it around. `report` prints it, and `watchdog` ends the test.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::event::{Bytes, Event, Piece, What};
use crate::process::Process;
use crate::threads::{Turns, is_runnable, runs};

/// How long a whole test may take, unless [`deadline`](crate::deadline) says otherwise.
const DEADLINE: Duration = Duration::from_secs(25);
/// By how much that time is extended at most, if the machine keeps the test from running.
const MOST_LATE: Duration = Duration::from_secs(35);
/// A thread that wakes up at most this late counts as punctual.
const PUNCTUAL: Duration = Duration::from_millis(5);

pub(crate) struct Timeline {
    /// The name of the test, which is that of its thread.
    pub test: String,
    start: Instant,
    state: Mutex<State>,
    pub changed: Condvar,
}

pub(crate) struct State {
    pub events: Vec<Event>,
    pub processes: Vec<Arc<Process>>,
    pub peers: usize,
    programs: usize,
    pub explanation: Option<Box<(String, String)>>,
    /// The check's own threads that add to the timeline.
    pub threads: Vec<u32>,
    turns: Turns,
    /// Set while a scene is played that depends on the clock: for how long the test had been kept
    /// from running before the scene, and how much more of that would spoil it.
    pub scene: Option<(Duration, Duration)>,
    deadline: Duration,
    /// When the test's deadline passed. This is final, even if it turns out later that the machine
    /// had kept the test from running.
    pub over: Option<Instant>,
    pub finished: bool,
    /// Whether a connection has ended; perhaps the program has, too.
    pub ended: bool,
    /// When a peer last sent or received something.
    exchanged: Option<Instant>,
}

impl Timeline {
    pub fn new() -> Self {
        let state = State {
            events: Vec::new(),
            processes: Vec::new(),
            peers: 0,
            programs: 0,
            explanation: None,
            threads: Vec::new(),
            turns: Turns::default(),
            scene: None,
            deadline: DEADLINE,
            over: None,
            finished: false,
            ended: false,
            exchanged: None,
        };
        Self {
            test: thread::current().name().unwrap_or("the test").to_owned(),
            start: Instant::now(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn new_peer(&self) -> usize {
        let mut state = self.lock();
        state.peers += 1;
        state.peers
    }

    /// Returns the number for the next program that is started.
    pub fn new_program(&self) -> usize {
        let mut state = self.lock();
        state.programs += 1;
        state.programs
    }

    pub fn note(&self, peer: Option<usize>, what: impl Into<String>) {
        self.push(peer, self.elapsed(), What::Note(what.into()));
    }

    /// Notes an event that began at `began` and ends now.
    pub fn note_since(&self, began: Duration, peer: usize, what: impl Into<String>) {
        self.push(Some(peer), began, What::Note(what.into()));
    }

    pub fn sent(&self, peer: usize, bytes: Bytes) {
        self.exchange();
        let began = bytes
            .pieces
            .first()
            .map_or(self.elapsed(), |first| first.at);
        self.push(Some(peer), began, What::Sent(bytes));
    }

    /// Notes bytes that arrived. Successive reads by one peer become one event.
    pub fn received(&self, peer: usize, bytes: &[u8]) {
        self.exchange();
        let at = self.elapsed();
        if let Some(Event {
            peer: Some(last),
            what: What::Received(run),
            ..
        }) = self.lock().events.last_mut()
            && *last == peer
        {
            return run.append(at, bytes);
        }
        let length = bytes.len();
        let run = Bytes::new(bytes, "").in_pieces(&[Piece { at, length }]);
        self.push(Some(peer), at, What::Received(run));
    }

    /// Notes that bytes were exchanged. A long transfer notes it before the event is complete.
    pub fn exchange(&self) {
        self.lock().exchanged = Some(Instant::now());
    }

    /// Returns when a peer last sent or received something.
    pub fn last_exchange(&self) -> Option<Instant> {
        self.lock().exchanged
    }

    /// Notes a message that arrived completely. It is never merged with another.
    pub fn message(&self, peer: usize, bytes: Bytes) {
        self.exchange();
        self.push(Some(peer), self.elapsed(), What::Received(bytes));
    }

    fn push(&self, peer: Option<usize>, began: Duration, what: What) {
        let at = match what {
            // What arrives is noted when it arrives.
            What::Received(_) => began,
            _ => self.elapsed(),
        };
        let event = Event {
            at,
            began,
            peer,
            what,
        };
        self.lock().events.push(event);
    }

    /// Returns the time from the beginning of the test to `at`.
    pub fn moment(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    /// Returns the time since the beginning of the test.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Notes that the test's own thread has ended.
    pub fn finish(&self) {
        self.lock().finished = true;
        self.changed.notify_all();
    }

    /// Sets how much longer the test may take.
    pub fn set_deadline(&self, after: Duration) {
        self.lock().deadline = self.start.elapsed() + after;
        self.changed.notify_all();
    }

    /// Whether the watchdog has ended the test, or is about to.
    pub fn is_over(&self) -> bool {
        let is_over = Instant::now() >= self.last();
        if is_over {
            self.time_is_up();
        }
        is_over
    }

    /// Notes that the test's deadline has passed and has cut a wait short.
    pub fn time_is_up(&self) {
        self.lock().over.get_or_insert(Instant::now());
    }

    /// Returns when the watchdog will end the test, as far as is known now.
    pub fn last(&self) -> Instant {
        let state = self.lock();
        let (over, deadline) = (state.over, state.deadline);
        drop(state);
        let last = self.start + deadline;
        if over.is_some() || Instant::now() < last {
            return over.unwrap_or(last);
        }
        let (kept, ran) = self.turns();
        // A program that never rests is always kept from running, and has had its time all the
        // same.
        if ran > deadline / 2 {
            return last;
        }
        last + kept.min(MOST_LATE)
    }

    /// Returns how long the test's programs and its own threads together have been ready to run but
    /// got no CPU.
    pub fn kept(&self) -> Duration {
        self.turns().0
    }

    /// Returns [`kept`](Self::kept), and how long the test's programs have run.
    pub fn turns(&self) -> (Duration, Duration) {
        let mut state = self.lock();
        let mut own = state.threads.clone();
        let mut programs = Vec::new();
        for process in &state.processes {
            own.extend(process.helpers());
            if process.exit().is_none() {
                programs.push(process.pid);
            }
        }
        state.turns.look(&programs, &own);
        (state.turns.kept(), state.turns.ran())
    }

    /// Notes and returns how late a thread of the check woke up, if it meant to do so at `meant`.
    pub fn woke_late(&self, meant: Instant) -> Duration {
        let late = Instant::now().saturating_duration_since(meant);
        if late <= PUNCTUAL {
            return Duration::ZERO;
        }
        self.lock().turns.late += late;
        late
    }

    /// Whether programs were started and all of them have ended, so that nothing more will happen.
    pub fn all_exited(&self) -> bool {
        let state = self.lock();
        !state.processes.is_empty()
            && state
                .processes
                .iter()
                .all(|process| process.exit().is_some())
    }

    /// Whether a program, or a thread that reads its output, is running or would be if it had a
    /// CPU.
    pub fn is_busy(&self) -> bool {
        let processes = self.lock().processes.clone();
        processes.iter().any(|process| {
            process.exit().is_none() && is_runnable(process.pid)
                || process.helpers().into_iter().any(runs)
        })
    }

    /// Returns when a wait of this length ends by the clock, or the test's deadline if that is
    /// earlier.
    pub fn until(&self, time: Duration) -> Instant {
        self.last().min(Instant::now() + time)
    }

    /// Sleeps until this moment.
    pub fn sleep(&self, until: Instant) {
        thread::sleep(until.saturating_duration_since(Instant::now()));
        self.woke_late(until);
    }
}
