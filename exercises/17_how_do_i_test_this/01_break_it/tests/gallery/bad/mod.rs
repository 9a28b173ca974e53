//! Bad servers, each with one mistake.

use std::sync::{Mutex, MutexGuard, PoisonError};

use scripted_peer::Peer;

use super::visitor::{Measure, Said, Visitor};
use super::{Exhibit, LIMIT, Stand, Told};

mod endings;
mod limits;
mod one_frame;
mod others;
mod promises;
mod several;

pub use endings::silent;
pub use limits::careless;
pub use one_frame::{splitter, splitters};
pub use others::{lonely, one_at_a_time};
pub use promises::of_another_promise;
pub use several::forgetful;

const ENDINGS: &str = "17-how-do-i-test-this.html#four-endings";
const UNKIND: &str = "17-how-do-i-test-this.html#be-unkind-on-purpose";

const PAYLOAD: Told = (
    "This server gets some payloads wrong, and your program didn't notice. Send every kind of \
     payload that the promise allows: an empty one, one with every value that a byte can have, \
     one longer than a buffer, and one as long as the limit. Compare every byte of the answer.",
    UNKIND,
);

const OWES: Told = (
    "This server never sends an answer that it owes, and your program didn't report that. An \
     answer that has not arrived by the deadline counts as never sent. Report the server as bad, \
     and stop waiting.",
    ENDINGS,
);

/// Echoes each frame.
fn echo(peer: &mut Peer, frame: &[u8]) {
    peer.send(frame);
}

/// Is right about everything but the answer to a frame.
fn answers(
    does: &'static str,
    told: Told,
    answer: impl Fn(&mut Peer, &[u8]) + Send + Sync + 'static,
) -> Exhibit {
    Exhibit::bad(does, told, move |peer| Visitor::new(peer).serve(&answer))
}

/// Takes lengths for others than they are.
fn measures(does: &'static str, told: Told, measure: Measure) -> Exhibit {
    Exhibit::bad(does, told, move |peer| {
        Visitor::measured(peer, measure).serve(echo);
    })
}

/// Answers what one read returned.
fn reads(
    does: &'static str,
    told: Told,
    answer: impl Fn(&mut Visitor) + Send + Sync + 'static,
) -> Exhibit {
    Exhibit::bad(does, told, move |peer| {
        let mut visitor = Visitor::new(peer);
        while visitor.read().is_none() && !visitor.says_too_much() {
            answer(&mut visitor);
        }
    })
}

fn lock<T>(of_all: &Mutex<T>) -> MutexGuard<'_, T> {
    of_all.lock().unwrap_or_else(PoisonError::into_inner)
}
