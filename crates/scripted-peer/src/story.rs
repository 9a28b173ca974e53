//! One test's story: what everyone did and when, and the watchdog that ends it.
//!
//! Programs and peers made on one thread share one story, so a check never passes it around. How
//! a story is printed is `report`'s business.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::bytes::is_text;
use crate::figures::is_runnable;
use crate::process::Process;
use crate::report;
use crate::verdict::Failure;

/// How long a whole test may take, unless [`deadline`] says otherwise.
const DEADLINE: Duration = Duration::from_secs(25);
/// How long the test may go on once its programs have been killed.
const GRACE: Duration = Duration::from_secs(3);

pub(crate) struct Story {
    start: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

pub(crate) struct State {
    pub events: Vec<Event>,
    pub processes: Vec<Arc<Process>>,
    pub peers: usize,
    pub explanation: Option<Box<(String, String)>>,
    deadline: Duration,
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

/// Keeps a thread's story; when the test's own thread ends, the watchdog goes home.
struct Narrator {
    story: Arc<Story>,
    began_it: bool,
}

impl Drop for Narrator {
    fn drop(&mut self) {
        if self.began_it {
            self.story.lock().finished = true;
            self.story.changed.notify_all();
        }
    }
}

/// The story that this thread's programs and peers share.
pub(crate) fn current() -> Arc<Story> {
    CURRENT.with_borrow_mut(|slot| {
        let narrator = slot.get_or_insert_with(|| {
            let story = Arc::new(Story::new());
            watch(&story);
            Narrator {
                story,
                began_it: true,
            }
        });
        Arc::clone(&narrator.story)
    })
}

/// Makes `story`, begun by another thread, the one that this thread adds to.
pub(crate) fn join(story: &Arc<Story>) {
    let narrator = Narrator {
        story: Arc::clone(story),
        began_it: false,
    };
    CURRENT.with_borrow_mut(|slot| *slot = Some(narrator));
}

/// Gives this test more, or less, time than the usual 25 seconds. After it, every program that the
/// test started is killed; soon after that, a test that still goes on is ended with its timeline.
pub fn deadline(after: Duration) {
    let story = current();
    story.lock().deadline = story.start.elapsed() + after;
    story.changed.notify_all();
}

/// What to tell the reader when this test fails at a verb that has no
/// [`or_explain`](crate::Verdict::or_explain) of its own: one sentence, and the chapter's section
/// as the book links to it (`04-where-does-a-message-end.html#reading-a-whole-frame`).
pub fn explain(sentence: &str, section: &str) {
    current().lock().explanation = Some(Box::new((sentence.to_owned(), section.to_owned())));
}

impl Story {
    fn new() -> Self {
        let state = State {
            events: Vec::new(),
            processes: Vec::new(),
            peers: 0,
            explanation: None,
            deadline: DEADLINE,
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
        self.start.elapsed() >= self.lock().deadline
    }

    /// Whether programs were started, and all of them have ended: nothing more will come of them.
    pub fn is_deserted(&self) -> bool {
        let state = self.lock();
        !state.processes.is_empty()
            && state
                .processes
                .iter()
                .all(|process| process.exit().is_some())
    }

    /// Whether a program runs, or would if it had its turn.
    pub fn is_busy(&self) -> bool {
        let processes = self.lock().processes.clone();
        processes
            .iter()
            .any(|process| process.exit().is_none() && is_runnable(process.pid))
    }

    /// The end of a wait that may take `patience`, or until the test's own deadline.
    pub fn until(&self, patience: Duration) -> Instant {
        let last = self.start + self.lock().deadline;
        last.min(Instant::now() + patience)
    }

    /// Prints the verdict and ends the test, without a backtrace.
    pub fn fail(&self, failure: &Failure) -> ! {
        let text = report::verdict(self, failure);
        eprint!("{text}");
        resume_unwind(Box::new(Failed(text)));
    }
}

/// What a failed check unwinds with. The verdict has been printed by then; the text is for this
/// crate's own tests.
#[doc(hidden)]
pub struct Failed(pub String);

fn watch(story: &Arc<Story>) {
    let story = Arc::clone(story);
    let test = thread::current().name().unwrap_or("the test").to_owned();
    thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            if story.finishes_within(Duration::ZERO) {
                return;
            }
            story.note(
                None,
                "watchdog: the test's time is over, its programs are killed",
            );
            let processes = story.lock().processes.clone();
            processes.iter().for_each(|process| process.kill());
            if !story.finishes_within(GRACE) {
                give_up(&story, &test);
            }
        })
        .expect("a thread for the watchdog");
}

impl Story {
    fn finishes_within(&self, grace: Duration) -> bool {
        let mut state = self.lock();
        loop {
            let left = (state.deadline + grace).saturating_sub(self.start.elapsed());
            if state.finished || left.is_zero() {
                return state.finished;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// The check itself is stuck, outside of any verb. Nothing but the end of the process helps then.
fn give_up(story: &Story, test: &str) -> ! {
    use std::io::Write;
    let failure = Failure::new("the test to end", "it went on after its deadline");
    let text = format!("\n{test}:{}", report::verdict(story, &failure));
    // Past the capture of `eprint!`, which nobody would print any more.
    let _ = std::io::stderr().write_all(text.as_bytes());
    std::process::exit(101);
}
