//! Mistakes that show when somebody else is there, or comes after.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Exhibit, Said, Told, Visitor, answers, echo, lock};

const OTHERS: &str = "17-how-do-i-test-this.html#somebody-else-is-there";

const CROWD: Told = (
    "This server works only as long as it has a single client, and your program didn't notice. \
     Connect several clients: some that are silent, one in the middle of a frame, one that isn't \
     reading, and two that ask at the same time. Before the next client asks, wait until the \
     server has noticed each of the others: until its answer has arrived, whether or not you read \
     it.",
    OTHERS,
);

const AFTER: Told = (
    "This server works until a client misbehaves, and your program didn't notice. After each kind \
     of misbehavior (a reset, an end of stream inside a frame, a frame that is too long), connect \
     again, and check that the next client is served.",
    OTHERS,
);

pub fn lonely() -> Vec<Exhibit> {
    let mut all = vec![
        one_at_a_time(false, CROWD),
        dies_of("is gone after a reset", |said| matches!(said, Said::Reset)),
        dies_of("is gone after an end of stream inside a frame", |said| {
            matches!(said, Said::End { inside: true })
        }),
        dies_of("is gone after a frame that is too long", |said| {
            matches!(said, Said::TooLong(_))
        }),
        dies_of("is gone once its first client has left", |said| {
            matches!(said, Said::End { .. })
        }),
    ];
    all.extend(waiting());
    all.extend(mixing());
    all
}

/// One client after the other, which can be what is promised.
pub fn one_at_a_time(is_good: bool, told: Told) -> Exhibit {
    let door = Mutex::new(());
    let script = move |peer| {
        let mut visitor = Visitor::new(peer);
        let inside = lock(&door);
        let last = visitor.serve_frames(echo);
        drop(inside);
        visitor.leave(&last);
    };
    let does = "serves one client at a time";
    if is_good {
        Exhibit::good(does, told, script)
    } else {
        Exhibit::bad(does, told, script)
    }
}

/// After this nobody is served any more.
fn dies_of(does: &'static str, is_fatal: fn(&Said) -> bool) -> Exhibit {
    dies(does, is_fatal, None)
}

/// With a door: it serves one client at a time.
pub(super) fn dies(
    does: &'static str,
    is_fatal: fn(&Said) -> bool,
    door: Option<Mutex<()>>,
) -> Exhibit {
    let gone = AtomicBool::new(false);
    Exhibit::bad(does, AFTER, move |peer| {
        let _inside = door.as_ref().map(lock);
        let mut visitor = Visitor::new(peer);
        loop {
            let said = visitor.next();
            if is_fatal(&said) {
                gone.store(true, Ordering::SeqCst);
            }
            if gone.load(Ordering::SeqCst) {
                return visitor.peer.reset();
            }
            match said {
                Said::Frame(frame) => visitor.peer.send(frame),
                _ => return,
            };
        }
    })
    .evident()
}

/// One client's trouble is everybody's.
fn waiting() -> Vec<Exhibit> {
    let (half, refused, untaken) = (Mutex::new(()), Mutex::new(()), Mutex::new(()));
    let mut all = vec![
        Exhibit::bad(
            "waits for the other half of a frame, and serves nobody meanwhile",
            CROWD,
            move |peer| {
                let mut visitor = Visitor::new(peer);
                while visitor.read().is_none() {
                    let _turn = lock(&half);
                    while !visitor.inbox.is_empty() {
                        let Said::Frame(frame) = visitor.next() else {
                            return;
                        };
                        visitor.peer.send(frame);
                    }
                }
            },
        ),
        Exhibit::bad(
            "waits until a refused client leaves, and serves nobody meanwhile",
            AFTER,
            move |peer| {
                let mut visitor = Visitor::new(peer);
                loop {
                    let said = visitor.next();
                    let _turn = lock(&refused);
                    match said {
                        Said::Frame(frame) => {
                            visitor.peer.send(frame);
                        }
                        Said::TooLong(_) => {
                            visitor.peer.half_close();
                            return visitor.wait_until_gone();
                        }
                        _ => return,
                    }
                }
            },
        ),
    ];
    // Elsewhere nobody says what a client has taken.
    if cfg!(target_os = "linux") {
        let does = "waits until its answer is read, and serves nobody meanwhile";
        all.push(answers(does, CROWD, move |peer, frame| {
            let _turn = lock(&untaken);
            peer.send(frame).wait_until_read();
        }));
    }
    all
}

/// What belongs to one client becomes another's.
fn mixing() -> [Exhibit; 3] {
    let common = Mutex::new(Vec::new());
    let left_behind = Mutex::new(Vec::new());
    let asked = Arc::new((Mutex::new((0, Vec::new())), Condvar::new()));
    [
        Exhibit::bad("has one buffer for all clients", CROWD, move |peer| {
            let mut visitor = Visitor::new(peer);
            while visitor.read().is_none() {
                let mut common = lock(&common);
                common.append(&mut visitor.inbox);
                std::mem::swap(&mut *common, &mut visitor.inbox);
                while let Some(Said::Frame(frame)) = visitor.whole() {
                    visitor.peer.send(frame);
                }
                std::mem::swap(&mut *common, &mut visitor.inbox);
            }
        }),
        Exhibit::bad(
            "begins with the half frame that the previous client left",
            AFTER,
            move |peer| {
                let mut visitor = Visitor::new(peer);
                visitor.inbox = std::mem::take(&mut lock(&left_behind));
                while let Said::Frame(frame) = visitor.next() {
                    visitor.peer.send(frame);
                }
                *lock(&left_behind) = visitor.inbox;
            },
        ),
        // Keeps the request in one place for all, until somebody else has asked or a second is over.
        answers(
            "gives one client another client's answer",
            CROWD,
            move |peer, frame| {
                let (last, changed) = &*asked;
                let mut mine = lock(last);
                *mine = (mine.0 + 1, frame.to_vec());
                let number = mine.0;
                changed.notify_all();
                let wait = changed
                    .wait_timeout_while(mine, Duration::from_secs(1), |last| last.0 == number);
                let (last, _) = wait.unwrap_or_else(PoisonError::into_inner);
                let answer = last.1.clone();
                drop(last);
                peer.send(answer);
            },
        ),
    ]
}
