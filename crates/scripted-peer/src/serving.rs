//! A server that runs in the background of a check.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::address::Address;
use crate::context;
use crate::listener::Listener;
use crate::peer::Peer;

/// How often the server checks whether it should stop.
const GLANCE: Duration = Duration::from_millis(20);

/// A listener that serves in the background. [`Listener::serve`] creates one.
#[derive(Debug)]
pub struct Serving {
    address: Address,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves every connection on its own thread, each with `script`, until the result is dropped
    /// or [finished](Serving::finish).
    pub fn serve(self, script: impl Fn(Peer) + Send + Sync + 'static) -> Serving {
        Serving::start(self, script)
    }
}

impl Serving {
    fn start(listener: Listener, script: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        let address = listener.address().clone();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let serve = move || serve(&listener, &stopped, &Arc::new(script));
        Self {
            address,
            stop,
            thread: Some(context::spawn("a server", serve)),
        }
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Stops accepting, and waits for the open connections to end. If one of them had a bad
    /// verdict, the test ends here.
    pub fn finish(mut self) {
        self.join();
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.join();
    }
}

fn serve(
    listener: &Listener,
    stopped: &AtomicBool,
    script: &Arc<impl Fn(Peer) + Send + Sync + 'static>,
) {
    context::join(listener.timeline());
    let mut scripts = Vec::new();
    loop {
        // Read before the queue is checked: a client that connected before the stop is still
        // served.
        let last = stopped.load(Ordering::SeqCst) || listener.timeline().is_over();
        if let Some(peer) = listener.accept_within(GLANCE) {
            let (script, timeline) = (Arc::clone(script), Arc::clone(listener.timeline()));
            scripts.push(context::spawn("a connection", move || {
                context::join(&timeline);
                script(peer);
            }));
        } else if last {
            break;
        }
    }
    for script in scripts {
        script.join().unwrap_or_else(|panic| resume_unwind(panic));
    }
}
