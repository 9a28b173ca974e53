//! How long the machine kept a test from running, and waits that don't count that time.
//!
//! On a busy machine a right program is as late as a wrong one. So a wait doesn't end by the clock on
//! the wall alone: the time in which the program, or the check itself, wanted to run and got no
//! processor is added to it. Linux counts that for each thread (`schedstat`,
//! [proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)); how much too late the check itself
//! wakes up is counted everywhere.

use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::machine;
use crate::story::{self, Disturbed, Story};

/// A wait that is over sooner than this is not looked at: it costs nothing then.
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// How often a wait that goes on is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Less than this is not worth another wait.
const WORTH: Duration = Duration::from_millis(20);
/// How often a scene is played until it is played undisturbed.
const TRIES: usize = 3;

/// How the threads of one test fared, by thread id. A thread that has ended keeps what it had when it
/// was last seen.
#[derive(Default)]
pub(crate) struct Turns {
    seen: HashMap<u32, Turn>,
    /// How much too late the check itself woke up, in all.
    pub late: Duration,
}

struct Turn {
    is_program: bool,
    /// In nanoseconds: on a processor, and wanting one.
    ran: u64,
    waited: u64,
}

impl Turns {
    /// Looks at the threads of these processes, and at these threads of this one.
    pub fn look(&mut self, processes: &[u32], own: &[u32]) {
        for pid in processes {
            let tasks = fs::read_dir(format!("/proc/{pid}/task"));
            let names = tasks.into_iter().flatten().flatten();
            for thread in names.filter_map(|task| task.file_name().to_str()?.parse().ok()) {
                self.note(*pid, thread, true);
            }
        }
        let this = std::process::id();
        own.iter()
            .for_each(|thread| self.note(this, *thread, false));
    }

    fn note(&mut self, pid: u32, thread: u32, is_program: bool) {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/schedstat"));
        let text = text.unwrap_or_default();
        let mut numbers = text.split(' ').map_while(|word| word.parse().ok());
        if let (Some(ran), Some(waited)) = (numbers.next(), numbers.next()) {
            let turn = Turn {
                is_program,
                ran,
                waited,
            };
            self.seen.insert(thread, turn);
        }
    }

    /// How long they wanted to run and got no processor, all taken together.
    pub fn kept(&self) -> Duration {
        let waited = self.seen.values().map(|turn| turn.waited).sum();
        self.late.max(Duration::from_nanos(waited))
    }

    /// How long the programs ran.
    pub fn ran(&self) -> Duration {
        let programs = self.seen.values().filter(|turn| turn.is_program);
        Duration::from_nanos(programs.map(|turn| turn.ran).sum())
    }
}

/// The id of this thread, as the system counts them.
pub(crate) fn this_thread() -> Option<u32> {
    #[cfg(target_os = "linux")]
    return u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).ok();
    #[cfg(not(target_os = "linux"))]
    return None;
}

/// A wait of some length, not counting the time in which the machine let nobody run.
pub(crate) struct Patience {
    story: Arc<Story>,
    began: Instant,
    length: Duration,
    end: Instant,
    /// What the test had been kept from running until the first look, and what its programs had run.
    before: Option<(Duration, Duration)>,
}

impl Patience {
    pub fn new(story: &Arc<Story>, length: Duration) -> Self {
        let began = Instant::now();
        Self {
            story: Arc::clone(story),
            began,
            length,
            end: story.last().min(began + length),
            before: None,
        }
    }

    /// Until when to wait before [`is_out`](Self::is_out) is asked again.
    pub fn next(&self) -> Instant {
        match self.before {
            None => self.end.min(self.began + FIRST_LOOK),
            Some(_) => self.end,
        }
    }

    /// Whether it is over: its length has passed, and as much again as the machine took away. But a
    /// program that has had a processor for half of its length has had its time, in any case.
    pub fn is_out(&mut self) -> bool {
        let now = Instant::now();
        if now < self.next() {
            return false;
        }
        let (kept, ran) = self.story.turns();
        let before = *self.before.get_or_insert((kept, ran));
        if now < self.end {
            return false;
        }
        let owed = self.length + kept.saturating_sub(before.0);
        let own = self.began + owed;
        if own < now + WORTH || ran.saturating_sub(before.1) > self.length / 2 {
            return true;
        }
        let end = self.story.last().min(own);
        if end < now + WORTH {
            self.story.time_is_up();
            return true;
        }
        // Soon enough to see that the program has had its time after all.
        self.end = end.min(now + LOOK);
        false
    }

    /// Asks `come`, which waits until a moment and says whether what is awaited has come, until it
    /// has or time is out. Says which.
    pub fn wait(&mut self, mut come: impl FnMut(Instant) -> bool) -> bool {
        loop {
            let next = self.next();
            if come(next) {
                return true;
            }
            self.story.woke_late(next);
            if self.is_out() {
                return false;
            }
        }
    }
}

/// A clock for what a program may take: it stands still while the machine lets nobody run.
#[derive(Debug)]
pub struct Stopwatch {
    began: Instant,
    before: Duration,
    ran_before: Duration,
}

impl Stopwatch {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        let (before, ran_before) = story::current().turns();
        Self {
            began: Instant::now(),
            before,
            ran_before,
        }
    }

    /// How long the test's program, and the check, wanted to run since then and got no processor, in
    /// all: two that waited at the same time count twice.
    #[must_use]
    pub fn kept(&self) -> Duration {
        story::current().kept().saturating_sub(self.before)
    }

    /// The time since then, without that.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.kept())
    }

    /// Whether the program has had this much time since then: by this clock, or half of it on a
    /// processor. One that never rests is always kept from running, and yet has had its time.
    #[must_use]
    pub fn is_past(&self, time: Duration) -> bool {
        let ran = story::current().turns().1.saturating_sub(self.ran_before);
        self.elapsed() >= time || ran > time / 2
    }
}

/// Plays a scene whose outcome depends on the clock. If the machine kept the program or the check
/// from running for longer than `most`, a bad outcome proves nothing: it isn't told, and the scene is
/// played again, three times at most. Then the test ends and says that the machine gave no verdict.
///
/// `most` is how late a right program, or the check, may be in this scene without failing.
pub fn undisturbed<T>(most: Duration, mut scene: impl FnMut() -> T) -> T {
    let story = story::current();
    let mut kept = Duration::ZERO;
    for _ in 0..TRIES {
        let watch = Stopwatch::start();
        story.lock().scene = Some((watch.before, most));
        let played = catch_unwind(AssertUnwindSafe(&mut scene));
        story.lock().scene = None;
        match played {
            Ok(value) => return value,
            Err(panic) if panic.is::<Disturbed>() && !story.is_over() => kept = watch.kept(),
            Err(panic) if panic.is::<Disturbed>() => break,
            Err(panic) => resume_unwind(panic),
        }
        story.note(None, format!("{}; once more", kept_from_running(kept)));
    }
    too_busy(kept)
}

/// Ends the test: what it measures cannot be measured on a machine as busy as this one.
pub fn too_busy(kept: Duration) -> ! {
    machine::no_verdict(
        "a machine that lets the program and the check run in time",
        &kept_from_running(kept),
        TOO_BUSY,
    )
}

pub(crate) const TOO_BUSY: &str = "It was too busy for a check that needs the clock. End what else \
                                   runs, or wait for its end, and run the check again.";

pub(crate) fn kept_from_running(kept: Duration) -> String {
    format!("they wanted to run for {kept:.1?} and got no processor")
}

/// The numbers from 0 to `most`, for a loop that looks for a fault that shows only sometimes. It ends
/// sooner once `time` has passed, but not before it has come to `least`: a machine that doesn't get
/// that far within the test's time gives no verdict.
pub fn rounds(most: usize, least: usize, time: Duration) -> impl Iterator<Item = usize> {
    let began = Instant::now();
    (0..most).take_while(move |round| *round < least || began.elapsed() < time)
}
