//! Bad servers, each with one mistake.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use scripted_peer::{Peer, frame};

use super::visitor::{Measure, Said, Visitor};
use super::{Exhibit, LIMIT, Stand, Told};

const UNKIND: &str = "17-how-do-i-test-this.html#be-unkind-on-purpose";
const ENDINGS: &str = "17-how-do-i-test-this.html#four-endings";
const OTHERS: &str = "17-how-do-i-test-this.html#somebody-else-is-there";

const SPLIT: Told = (
    "This server is right about a frame that comes whole, and on this machine nearly all do. Be unkind on \
     purpose: cut a frame, inside its length too, and send the rest when the first part has been read.",
    UNKIND,
);
const EARLY: Told = (
    "This server answers before the frame is whole. Send half a frame, and nothing may come: neither while \
     you are silent for a moment nor when you half-close there.",
    UNKIND,
);
const SILENCE: Told = (
    "This server gives up on a client that is silent for a second in the middle of a frame. Be that client.",
    UNKIND,
);
const PAYLOAD: Told = (
    "This server changes a payload. Send each kind that is promised: empty, every value that a byte can \
     have, longer than a buffer, as long as the limit; and look at each byte of the answer.",
    UNKIND,
);
const SEVERAL: Told = (
    "This server loses, doubles or swaps frames when several come at once. Send them in one write, long ones \
     before short ones and one that is cut, and expect each answer once, in order, before you send more.",
    UNKIND,
);
const ONCE: Told = (
    "This server says more than it was asked. After the last answer half-close, and read to the end: nothing \
     may be left there.",
    UNKIND,
);
const LIMITS: Told = (
    "This server is wrong about the limit. Send a payload of just that length, and one byte more; and claim \
     the largest lengths that four bytes can say, without sending them: each ends the connection at once, \
     and without an answer.",
    UNKIND,
);
const CROWD: Told = (
    "This server is right as long as one client is there. Be several: some silent, one in the middle of a \
     frame, one that reads nothing, two that ask at the same time.",
    OTHERS,
);
const AFTER: Told = (
    "This server is right until somebody misbehaves. After each of your tricks (a reset, an end inside a \
     frame, a frame that is too long) connect once more, and see whether the next client is served.",
    OTHERS,
);
const ENDS: Told = (
    "This server ends a connection in another way than it promised. The end of the stream, a reset, a refusal \
     and silence are four different things: tell them apart, and wait for the one that is promised.",
    ENDINGS,
);
const OWES: Told = (
    "This server owes an answer, and nothing comes. What has not come by the deadline counts as never: say \
     so, and don't wait longer.",
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

/// Sends back the frame that has begun, and then whatever comes.
fn pass_on(mut visitor: Visitor) {
    loop {
        let bytes = std::mem::take(&mut visitor.inbox);
        visitor.peer.send(bytes);
        if visitor.read().is_some() {
            return;
        }
    }
}

/// Measures a silence inside a frame, from the read before it, when it is over: what it does after a
/// second of it, it does then.
fn silences(
    does: &'static str,
    after: impl Fn(&mut Visitor) -> bool + Send + Sync + 'static,
) -> Exhibit {
    Exhibit::bad(does, SILENCE, move |peer| {
        let mut visitor = Visitor::new(peer);
        let mut last = Instant::now();
        loop {
            let before = visitor.inbox.len();
            if visitor.read().is_some() {
                return;
            }
            let silence = std::mem::replace(&mut last, Instant::now());
            if before > 0 && silence.elapsed() > Duration::from_secs(1) {
                let more = visitor.inbox.split_off(before);
                if !after(&mut visitor) {
                    return;
                }
                visitor.inbox.extend(more);
            }
            while let Some(said) = visitor.whole() {
                let Said::Frame(frame) = said else { return };
                visitor.peer.send(frame);
            }
        }
    })
}

pub fn splitters() -> Vec<Exhibit> {
    vec![
        splitter(),
        reads(
            "drops the beginning of a frame that is not whole",
            SPLIT,
            |visitor| {
                while let Some(Said::Frame(frame)) = visitor.whole() {
                    visitor.peer.send(frame);
                }
                visitor.inbox.clear();
            },
        ),
        reads("wants a length in one read", SPLIT, |visitor| {
            while let Some(Said::Frame(frame)) = visitor.whole() {
                visitor.peer.send(frame);
            }
            if visitor.inbox.len() < 4 {
                visitor.inbox.clear();
            }
        }),
        reads("sends back what comes, as it comes", EARLY, |visitor| {
            let bytes = std::mem::take(&mut visitor.inbox);
            visitor.peer.send(bytes);
        }),
        Exhibit::bad("sends back half a frame at its end", EARLY, |peer| {
            let mut visitor = Visitor::new(peer);
            loop {
                match visitor.next() {
                    Said::Frame(frame) => visitor.peer.send(frame),
                    Said::End { inside: true } => {
                        visitor.peer.send(&visitor.inbox);
                        return;
                    }
                    _ => return,
                };
            }
        }),
        Exhibit::bad("passes a long payload on as it comes", EARLY, |peer| {
            let mut visitor = Visitor::new(peer);
            while visitor.read().is_none() {
                while let Some(Said::Frame(frame)) = visitor.whole() {
                    visitor.peer.send(frame);
                }
                if visitor.says_too_much() {
                    return;
                }
                if visitor.inbox.len() > 4096 {
                    return pass_on(visitor);
                }
            }
        }),
        Exhibit::bad(
            "answers a frame that begins like the one before",
            EARLY,
            |peer| {
                let mut visitor = Visitor::new(peer);
                let mut last = Vec::new();
                while visitor.read().is_none() {
                    while let Some(Said::Frame(frame)) = visitor.whole() {
                        visitor.peer.send(&frame);
                        last = frame;
                    }
                    if visitor.says_too_much() {
                        return;
                    }
                    let came = visitor.inbox.len();
                    if came > 4 && last.starts_with(&visitor.inbox) {
                        visitor.peer.send(&last);
                        while visitor.inbox.len() < last.len() && visitor.read().is_none() {}
                        visitor.inbox.drain(..last.len().min(visitor.inbox.len()));
                    }
                }
            },
        ),
        silences("gives up after a second of silence inside a frame", |_| {
            false
        }),
        silences("forgets half a frame after a second", |visitor| {
            visitor.inbox.clear();
            true
        }),
        measures(
            "takes the length in little-endian order",
            PAYLOAD,
            |length| super::visitor::measure(length.swap_bytes()),
        ),
        measures("keeps a length in 16 bits", PAYLOAD, |length| {
            super::visitor::measure(length).map(|size| size & 0xffff)
        }),
        answers(
            "sends back 4,096 bytes of a payload at most",
            PAYLOAD,
            |peer, whole| {
                peer.send(frame(&whole[4..whole.len().min(4100)]));
            },
        ),
        answers("takes a payload for text", PAYLOAD, |peer, whole| {
            peer.send(frame(String::from_utf8_lossy(&whole[4..]).as_bytes()));
        }),
        answers(
            "ends a payload at its first zero",
            PAYLOAD,
            |peer, whole| {
                let payload = whole[4..].split(|byte| *byte == 0).next();
                peer.send(frame(payload.unwrap_or_default()));
            },
        ),
        answers(
            "closes when a payload is empty",
            PAYLOAD,
            |peer, whole| match whole {
                [0, 0, 0, 0] => {
                    peer.half_close();
                }
                whole => echo(peer, whole),
            },
        ),
    ]
}

pub fn forgetful() -> Vec<Exhibit> {
    let mut all = vec![
        reads(
            "drops what follows the first frame of a read",
            SEVERAL,
            |visitor| {
                if let Some(Said::Frame(frame)) = visitor.whole() {
                    visitor.peer.send(frame);
                    visitor.inbox.clear();
                }
            },
        ),
        reads("answers one frame a read", SEVERAL, |visitor| {
            if let Some(Said::Frame(frame)) = visitor.whole() {
                visitor.peer.send(frame);
            }
        }),
        Exhibit::bad("answers short frames first", SEVERAL, |peer| {
            let mut visitor = Visitor::new(peer);
            let mut last = None;
            while last.is_none() {
                let (mut frames, ending) = visitor.batch();
                frames.sort_by_key(Vec::len);
                visitor.peer.coalesce(frames);
                last = ending;
            }
        }),
        Exhibit::bad(
            "keeps answers back while half a frame is there",
            SEVERAL,
            |peer| {
                let mut visitor = Visitor::new(peer);
                let (mut answers, mut last) = (Vec::new(), None);
                while last.is_none() {
                    let (frames, ending) = visitor.batch();
                    answers.extend(frames);
                    if visitor.inbox.is_empty() {
                        visitor.peer.coalesce(answers.drain(..));
                    }
                    last = ending;
                }
            },
        ),
        answers("answers twice", ONCE, |peer, frame| {
            peer.send([frame, frame].concat());
        }),
        Exhibit::bad("says good-bye at the end", ONCE, |peer| {
            let mut visitor = Visitor::new(peer);
            loop {
                match visitor.next() {
                    Said::Frame(frame) => visitor.peer.send(frame),
                    Said::End { inside: false } => {
                        visitor.peer.send(frame("good-bye"));
                        return;
                    }
                    _ => return,
                };
            }
        }),
        Exhibit::bad("greets a client that has said nothing", ONCE, |mut peer| {
            peer.send(frame("hello"));
            Visitor::new(peer).serve(echo);
        }),
    ];
    all.extend(memories());
    all
}

/// What they remember, or forget, is in the connection.
fn memories() -> [Exhibit; 3] {
    [
        Exhibit::bad(
            "answers with the first payload of that length",
            PAYLOAD,
            |peer| {
                let mut known: Vec<Vec<u8>> = Vec::new();
                Visitor::new(peer).serve(|peer, frame| {
                    let answer = known
                        .iter()
                        .find(|known| known.len() == frame.len())
                        .cloned();
                    let answer = answer.unwrap_or_else(|| frame.to_vec());
                    peer.send(&answer);
                    known.push(answer);
                });
            },
        ),
        Exhibit::bad("sends its answers at the end", OWES, |peer| {
            let mut visitor = Visitor::new(peer);
            let mut answers = Vec::new();
            while let Said::Frame(frame) = visitor.next() {
                answers.extend(frame);
            }
            visitor.peer.send(answers);
        }),
        // 300 ms, so that the half-close is seen first on a busy machine too.
        Exhibit::bad(
            "forgets what it has not answered at a half-close",
            SEVERAL,
            |peer| {
                let mut visitor = Visitor::new(peer);
                let mut answers = Vec::new();
                loop {
                    match visitor.next() {
                        Said::Frame(frame) => answers.extend(frame),
                        Said::Silence => {
                            visitor.peer.send(answers.split_off(0));
                        }
                        _ => return,
                    }
                    visitor.peer.patience(Duration::from_millis(300));
                }
            },
        ),
    ]
}

/// Is right about everything but what becomes of a frame that is too long.
fn refuses(
    does: &'static str,
    refuse: impl Fn(&mut Visitor, u32) + Send + Sync + 'static,
) -> Exhibit {
    Exhibit::bad(does, LIMITS, move |peer| {
        let mut visitor = Visitor::new(peer);
        loop {
            match visitor.next() {
                Said::Frame(frame) => visitor.peer.send(frame),
                Said::TooLong(length) => return refuse(&mut visitor, length),
                _ => return,
            };
        }
    })
}

pub fn careless() -> Vec<Exhibit> {
    vec![
        measures("has a limit of 65,535", LIMITS, |length| {
            (length < LIMIT).then_some(length as usize)
        }),
        measures("takes a byte more", LIMITS, |length| {
            (length <= LIMIT + 1).then_some(length as usize)
        }),
        measures(
            "forgets that the limit is the payload's",
            LIMITS,
            |length| (length <= LIMIT + 4).then_some(length as usize),
        ),
        measures("has no limit", LIMITS, |length| Some(length as usize)),
        measures("takes four gigabytes for -1", LIMITS, |length| {
            (length.cast_signed() <= LIMIT.cast_signed()).then_some(length as usize)
        }),
        measures("cuts down what is too long", LIMITS, |length| {
            Some(length.min(LIMIT) as usize)
        }),
        refuses("says why", |visitor, _| {
            visitor.peer.send("too long\n");
        }),
        refuses("sends an empty frame, and closes", |visitor, _| {
            visitor.peer.send(frame(""));
        }),
        refuses("reads what is too long to its end", |visitor, length| {
            while visitor.inbox.len() < 4 + length as usize && visitor.read().is_none() {}
        }),
        refuses(
            "ignores what is too long, and keeps the connection",
            |visitor, _| {
                visitor.wait_until_gone();
            },
        ),
    ]
}

fn lock<T>(of_all: &Mutex<T>) -> MutexGuard<'_, T> {
    of_all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client after the other, which can be what is promised.
pub fn one_at_a_time(is_good: bool, told: Told) -> Exhibit {
    let door = Mutex::new(());
    let script = move |peer| {
        let _inside = lock(&door);
        Visitor::new(peer).serve(echo);
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
fn dies(does: &'static str, is_fatal: fn(&Said) -> bool, door: Option<Mutex<()>>) -> Exhibit {
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
}

pub fn lonely() -> Vec<Exhibit> {
    let mut all = vec![
        one_at_a_time(false, CROWD),
        dies_of("is gone after a reset", |said| matches!(said, Said::Reset)),
        dies_of("is gone after an end inside a frame", |said| {
            matches!(said, Said::End { inside: true })
        }),
        dies_of("is gone after a frame that is too long", |said| {
            matches!(said, Said::TooLong(_))
        }),
        dies_of("is gone when its first client is", |said| {
            matches!(said, Said::End { .. })
        }),
    ];
    all.extend(waiting());
    all.extend(mixing());
    all
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
        let does = "waits until its answer is taken, and serves nobody meanwhile";
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
            "begins with the half frame that the client before has left",
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
            "gives one client the answer to another",
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

/// Keeps its end open until all is over: nobody tells it when its client has left.
fn ignores_a_half_close() -> Exhibit {
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let exhibit = Exhibit::bad("ignores a half-close", ENDS, move |peer| {
        let mut visitor = Visitor::new(peer);
        loop {
            match visitor.next() {
                Said::Frame(frame) => visitor.peer.send(frame),
                Said::End { .. } => break,
                _ => return,
            };
        }
        while !is_over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
    });
    exhibit.until(over)
}

pub fn silent() -> Vec<Exhibit> {
    vec![
        answers("never answers", OWES, |_, _| ()),
        answers("says nothing to an empty frame", OWES, |peer, frame| {
            if frame.len() > 4 {
                peer.send(frame);
            }
        }),
        ignores_a_half_close(),
        Exhibit::bad("resets instead of ending", ENDS, |peer| {
            let mut visitor = Visitor::new(peer);
            loop {
                match visitor.next() {
                    Said::Frame(frame) => visitor.peer.send(frame),
                    Said::End { .. } => return visitor.peer.reset(),
                    _ => return,
                };
            }
        }),
        Exhibit::bad("ends as soon as somebody comes", ENDS, drop),
        Exhibit::silent("listens and accepts nobody", OWES, Stand::Asleep),
        Exhibit::silent("is not there", OWES, Stand::Nobody),
    ]
}

const PROMISE: Told = (
    "This server promises what your arguments say, and keeps less. Ask for that limit, and of one that serves \
     one client at a time for all but several at once: also whether it serves the next.",
    "17-how-do-i-test-this.html#only-what-is-promised",
);

/// Those that break another promise than the usual.
pub fn of_another_promise() -> Vec<Exhibit> {
    vec![
        measures(
            "has a limit of 65,536, and promised 1,000",
            PROMISE,
            super::visitor::measure,
        )
        .limit(1000),
        measures(
            "has a limit of 65,536, and promised 100,000",
            PROMISE,
            super::visitor::measure,
        )
        .limit(100_000),
        measures(
            "has a limit of 65,536, and promised none",
            PROMISE,
            super::visitor::measure,
        )
        .limit(u32::MAX),
        splitter().tells(PROMISE).one(),
        dies(
            "serves one client, and no other",
            |said| matches!(said, Said::End { .. }),
            Some(Mutex::new(())),
        )
        .tells(PROMISE)
        .one(),
        dies(
            "is gone after a reset",
            |said| matches!(said, Said::Reset),
            Some(Mutex::new(())),
        )
        .tells(PROMISE)
        .one(),
        dies(
            "is gone after a frame that is too long",
            |said| matches!(said, Said::TooLong(_)),
            Some(Mutex::new(())),
        )
        .tells(PROMISE)
        .one(),
    ]
}

/// The mistake of mistakes.
pub fn splitter() -> Exhibit {
    reads("takes one read for one message", SPLIT, |visitor| {
        let bytes = std::mem::take(&mut visitor.inbox);
        visitor.peer.send(frame(bytes.get(4..).unwrap_or_default()));
    })
}
