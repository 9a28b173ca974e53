//! One test's timeline: what everyone did and when, and the watchdog that ends it.
//!
//! Programs and peers made on one thread share one timeline, so a check never passes it around. How
//! it is printed is `report`'s business.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::bytes::is_text;
use crate::failure::{Failure, NO_VERDICT, TOO_BUSY, kept_from_running};
use crate::process::Process;
use crate::report;
use crate::threads::{Turns, is_runnable, runs, this_thread};

/// How long a whole test may take, unless [`deadline`] says otherwise.
const DEADLINE: Duration = Duration::from_secs(25);
/// How much longer at most, where the machine keeps it from running.
const MOST_LATE: Duration = Duration::from_secs(35);
/// Less late than this, a waking thread is as punctual as any.
const PUNCTUAL: Duration = Duration::from_millis(5);
/// How long the test may go on once its programs have been killed.
const GRACE: Duration = Duration::from_secs(3);

pub(crate) struct Timeline {
    start: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

pub(crate) struct State {
    pub events: Vec<Event>,
    pub processes: Vec<Arc<Process>>,
    pub peers: usize,
    programs: usize,
    pub explanation: Option<Box<(String, String)>>,
    /// The threads of the check itself that act in it.
    threads: Vec<u32>,
    turns: Turns,
    /// A scene that depends on the clock: what the test had been kept from running before it, and
    /// how much more spoils it.
    pub scene: Option<(Duration, Duration)>,
    deadline: Duration,
    /// When its time was over: it stays so, whatever is owed to it since.
    over: Option<Instant>,
    finished: bool,
    /// A connection has ended; perhaps the program has too.
    pub ended: bool,
}

pub(crate) struct Event {
    pub at: Duration,
    pub peer: Option<usize>,
    pub what: What,
}

pub(crate) enum What {
    /// Something in words.
    Note(String),
    Sent(Bytes),
    Received(Bytes),
}

/// The first bytes of a run, how many there were, and a remark.
pub(crate) struct Bytes {
    pub head: Vec<u8>,
    pub total: usize,
    pub remark: String,
}

impl Bytes {
    const KEPT: usize = 128;

    pub fn new(bytes: &[u8], remark: impl Into<String>) -> Self {
        let head = bytes[..bytes.len().min(Self::KEPT)].to_vec();
        Self {
            head,
            total: bytes.len(),
            remark: remark.into(),
        }
    }

    pub fn is_text(&self) -> bool {
        // A character may have been cut where the head ends.
        let whole = match std::str::from_utf8(&self.head) {
            Err(error) if error.error_len().is_none() && self.total > self.head.len() => {
                &self.head[..error.valid_up_to()]
            }
            _ => &self.head,
        };
        is_text(whole)
    }

    fn append(&mut self, more: &[u8]) {
        let room = Self::KEPT.saturating_sub(self.head.len()).min(more.len());
        self.head.extend_from_slice(&more[..room]);
        self.total += more.len();
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Narrator>> = const { RefCell::new(None) };
}

/// Keeps a thread's timeline; when the test's own thread ends, the watchdog goes home.
struct Narrator {
    timeline: Arc<Timeline>,
    began_it: bool,
}

impl Drop for Narrator {
    fn drop(&mut self) {
        if self.began_it {
            self.timeline.lock().finished = true;
            self.timeline.changed.notify_all();
        }
    }
}

/// The timeline that this thread's programs and peers share.
pub(crate) fn current() -> Arc<Timeline> {
    CURRENT.with_borrow_mut(|slot| {
        let narrator = slot.get_or_insert_with(|| {
            let timeline = Arc::new(Timeline::new());
            timeline.lock().threads.extend(this_thread());
            watch(&timeline);
            Narrator {
                timeline,
                began_it: true,
            }
        });
        Arc::clone(&narrator.timeline)
    })
}

/// Makes `timeline`, begun by another thread, the one that this thread adds to.
pub(crate) fn join(timeline: &Arc<Timeline>) {
    timeline.lock().threads.extend(this_thread());
    let narrator = Narrator {
        timeline: Arc::clone(timeline),
        began_it: false,
    };
    CURRENT.with_borrow_mut(|slot| *slot = Some(narrator));
}

/// A thread of the check's own; where the system has none left, the test ends.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.unwrap_or_else(|error| current().fail(&Failure::no_thread(&error)))
}

/// Gives this test more, or less, time than the usual 25 seconds, not counting the time in which the
/// machine kept it from running (but no more than 35 seconds of that). After it, every program that
/// the test started is killed; soon after that, a test that still goes on is ended with its timeline.
pub fn deadline(after: Duration) {
    let timeline = current();
    timeline.lock().deadline = timeline.start.elapsed() + after;
    timeline.changed.notify_all();
}

/// What to tell the reader when this test fails at a verb that has no
/// [`or_explain`](crate::Verdict::or_explain) of its own: one sentence, and the chapter's section
/// as the book links to it (`04-where-does-a-message-end.html#reading-a-whole-frame`).
pub fn explain(sentence: &str, section: &str) {
    current().lock().explanation = Some(Box::new((sentence.to_owned(), section.to_owned())));
}

impl Timeline {
    fn new() -> Self {
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
        };
        Self {
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

    /// The number of the program that is started next.
    pub fn new_program(&self) -> usize {
        let mut state = self.lock();
        state.programs += 1;
        state.programs
    }

    pub fn note(&self, peer: Option<usize>, what: impl Into<String>) {
        self.push(peer, What::Note(what.into()));
    }

    pub fn sent(&self, peer: usize, bytes: Bytes) {
        self.push(Some(peer), What::Sent(bytes));
    }

    /// Notes what came; runs of reads by one peer become one event.
    pub fn received(&self, peer: usize, bytes: &[u8]) {
        if let Some(Event {
            peer: Some(last),
            what: What::Received(run),
            ..
        }) = self.lock().events.last_mut()
            && *last == peer
        {
            return run.append(bytes);
        }
        self.push(Some(peer), What::Received(Bytes::new(bytes, "")));
    }

    fn push(&self, peer: Option<usize>, what: What) {
        let at = self.start.elapsed();
        self.lock().events.push(Event { at, peer, what });
    }

    /// Whether the watchdog has ended this, or is about to.
    pub fn is_over(&self) -> bool {
        let is_over = Instant::now() >= self.last();
        if is_over {
            self.time_is_up();
        }
        is_over
    }

    /// A wait was cut short by the end of this test.
    pub fn time_is_up(&self) {
        self.lock().over.get_or_insert(Instant::now());
    }

    /// When the watchdog ends this, as far as is known now.
    pub fn last(&self) -> Instant {
        let state = self.lock();
        let (over, deadline) = (state.over, state.deadline);
        drop(state);
        let last = self.start + deadline;
        if over.is_some() || Instant::now() < last {
            return over.unwrap_or(last);
        }
        let (kept, ran) = self.turns();
        // A program that never rests is always kept from running, and had its time all the same.
        if ran > deadline / 2 {
            return last;
        }
        last + kept.min(MOST_LATE)
    }

    /// How long this test's programs and its own threads, taken together, wanted to run and got no
    /// processor.
    pub fn kept(&self) -> Duration {
        self.turns().0
    }

    /// That, and how long its programs ran.
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

    /// A thread of the check meant to wake up at this moment. Says how much too late it did.
    pub fn woke_late(&self, meant: Instant) -> Duration {
        let late = Instant::now().saturating_duration_since(meant);
        if late <= PUNCTUAL {
            return Duration::ZERO;
        }
        self.lock().turns.late += late;
        late
    }

    /// Whether programs were started, and all of them have ended: nothing more will come of them.
    pub fn all_exited(&self) -> bool {
        let state = self.lock();
        !state.processes.is_empty()
            && state
                .processes
                .iter()
                .all(|process| process.exit().is_some())
    }

    /// Whether a program runs, or would if it had its turn, or what reads its output does.
    pub fn is_busy(&self) -> bool {
        let processes = self.lock().processes.clone();
        processes.iter().any(|process| {
            process.exit().is_none() && is_runnable(process.pid)
                || process.helpers().into_iter().any(runs)
        })
    }

    /// The end of a wait by the clock, for this long, or until the test's own deadline.
    pub fn until(&self, time: Duration) -> Instant {
        self.last().min(Instant::now() + time)
    }

    /// Sleeps until this moment.
    pub fn sleep(&self, until: Instant) {
        thread::sleep(until.saturating_duration_since(Instant::now()));
        self.woke_late(until);
    }

    /// Prints the verdict and ends the test, without a backtrace.
    pub fn fail(&self, failure: &Failure) -> ! {
        let mut failure = failure.clone();
        failure.machine = failure.machine.or_else(|| self.excuse());
        let scene = self.lock().scene;
        if let Some((before, most)) = scene
            && failure.machine.is_none()
            && self.kept().saturating_sub(before) > most
        {
            resume_unwind(Box::new(Disturbed));
        }
        let text = report::verdict(self, &failure);
        eprint!("{text}");
        resume_unwind(Box::new(Failed(text)));
    }

    /// Why a failure now is no judgment of the learner's program, if there is a reason.
    fn excuse(&self) -> Option<Box<str>> {
        let processes = self.lock().processes.clone();
        let ended = processes.iter().rev().find_map(|one| one.excuse());
        ended
            .or_else(|| self.is_over().then(|| self.time_is_over()))
            .map(Into::into)
    }

    /// The watchdog's own sentence.
    fn time_is_over(&self) -> String {
        let ((kept, ran), took) = (self.turns(), self.start.elapsed());
        let after = format!("the watchdog ended this test after {took:.0?}");
        if kept > took / 4 && ran < took / 2 {
            let kept = kept_from_running(kept.min(took));
            return format!(
                "{NO_VERDICT} {TOO_BUSY} ({after}: the program and the check, {kept}.)"
            );
        }
        format!(
            "It took too long: {after}, and killed the program. That is all it knows: run the test \
             once more. If it happens again, the end of the timeline says what it waited for."
        )
    }
}

/// What a failure unwinds with that proves nothing, as the machine was too busy for its scene.
pub(crate) struct Disturbed;

/// What a failed check unwinds with. The verdict has been printed by then; the text is for this
/// crate's own tests.
#[doc(hidden)]
pub struct Failed(pub String);

fn watch(timeline: &Arc<Timeline>) {
    let watched = Arc::clone(timeline);
    let test = thread::current().name().unwrap_or("the test").to_owned();
    let watchdog = thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            let timeline = watched;
            if timeline.finishes_within(Duration::ZERO) {
                return;
            }
            timeline.note(
                None,
                "watchdog: the test's time is over, its programs are killed",
            );
            let processes = timeline.lock().processes.clone();
            processes.iter().for_each(|process| process.kill());
            if !timeline.finishes_within(GRACE) {
                give_up(&timeline, &test);
            }
        });
    if let Err(error) = watchdog {
        timeline.fail(&Failure::no_thread(&error));
    }
}

impl Timeline {
    fn finishes_within(&self, grace: Duration) -> bool {
        loop {
            let left = (self.last() + grace).saturating_duration_since(Instant::now());
            let mut state = self.lock();
            if state.finished || left.is_zero() {
                if !state.finished {
                    state.over.get_or_insert(Instant::now());
                }
                return state.finished;
            }
            let wait = self.changed.wait_timeout(state, left);
            drop(wait.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// The check itself is stuck, outside of any verb. Nothing but the end of the process helps then.
fn give_up(timeline: &Timeline, test: &str) -> ! {
    use std::io::Write;
    let mut failure = Failure::new("the test to end", "it went on after its deadline");
    failure.machine = Some(timeline.time_is_over().into());
    let text = format!("\n{test}:{}", report::verdict(timeline, &failure));
    // Past the capture of `eprint!`, which nobody would print any more.
    let _ = std::io::stderr().write_all(text.as_bytes());
    std::process::exit(101);
}
