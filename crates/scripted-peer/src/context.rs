//! Which timeline a thread adds to: that of the test that the thread belongs to.

use std::cell::RefCell;
use std::sync::{Arc, Once};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::failure::Failure;
use crate::picture;
use crate::threads::this_thread;
use crate::timeline::Timeline;
use crate::watchdog::{fail, watch};

thread_local! {
    static CONTEXT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Holds a thread's timeline. When the test's own thread ends, this stops the watchdog.
struct Context {
    timeline: Arc<Timeline>,
    began_it: bool,
}

impl Drop for Context {
    fn drop(&mut self) {
        if self.began_it {
            self.timeline.finish();
        }
    }
}

/// Returns the timeline that the programs and peers of this thread share.
pub(crate) fn current() -> Arc<Timeline> {
    CONTEXT.with_borrow_mut(|slot| {
        let context = slot.get_or_insert_with(|| {
            static FIRST: Once = Once::new();
            FIRST.call_once(picture::begin);
            let timeline = Arc::new(Timeline::new());
            timeline.lock().threads.extend(this_thread());
            watch(&timeline);
            Context {
                timeline,
                began_it: true,
            }
        });
        Arc::clone(&context.timeline)
    })
}

/// Makes this thread add to `timeline`, which another thread started.
pub(crate) fn join(timeline: &Arc<Timeline>) {
    timeline.lock().threads.extend(this_thread());
    let context = Context {
        timeline: Arc::clone(timeline),
        began_it: false,
    };
    CONTEXT.with_borrow_mut(|slot| *slot = Some(context));
}

/// Starts a thread for the check. If the system has no thread left, this ends the test.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.unwrap_or_else(|error| fail(&current(), &Failure::no_thread(&error)))
}

/// Sets how long this test may take from now on, instead of the usual 25 seconds. Time in which the
/// machine kept the test from running is not counted, up to 35 seconds. When the deadline passes,
/// every program that the test started is killed. If the test is still running shortly after that,
/// it is ended, and its timeline is printed.
pub fn deadline(after: Duration) {
    current().set_deadline(after);
}

/// Sets what to tell the learner if this test fails at a verb without an
/// [`or_explain`](crate::Verdict::or_explain) of its own. `sentence` is the explanation, and
/// `section` the chapter's section, written as the book links to it
/// (`04-where-does-a-message-end.html#reading-a-whole-frame`).
pub fn explain(sentence: &str, section: &str) {
    current().lock().explanation = Some(Box::new((sentence.to_owned(), section.to_owned())));
}
