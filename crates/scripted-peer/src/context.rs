//! Which timeline a thread adds to: the one of the test that it belongs to.

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

/// Keeps a thread's timeline; when the test's own thread ends, the watchdog stops.
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

/// The timeline that this thread's programs and peers share.
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

/// From now on this thread adds to `timeline`, which another thread began.
pub(crate) fn join(timeline: &Arc<Timeline>) {
    timeline.lock().threads.extend(this_thread());
    let context = Context {
        timeline: Arc::clone(timeline),
        began_it: false,
    };
    CONTEXT.with_borrow_mut(|slot| *slot = Some(context));
}

/// A thread of the check's own; if the system has none left, the test ends.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.unwrap_or_else(|error| fail(&current(), &Failure::no_thread(&error)))
}

/// Gives this test more, or less, time than the usual 25 seconds, not counting the time in which
/// the machine kept it from running (but no more than 35 seconds of that). After it, every program
/// that the test started is killed; soon after that, a test that is still running is ended, and its
/// timeline is printed.
pub fn deadline(after: Duration) {
    current().set_deadline(after);
}

/// What to tell the reader if this test fails at a verb that has no
/// [`or_explain`](crate::Verdict::or_explain) of its own: one sentence, and the chapter's section
/// as the book links to it (`04-where-does-a-message-end.html#reading-a-whole-frame`).
pub fn explain(sentence: &str, section: &str) {
    current().lock().explanation = Some(Box::new((sentence.to_owned(), section.to_owned())));
}
