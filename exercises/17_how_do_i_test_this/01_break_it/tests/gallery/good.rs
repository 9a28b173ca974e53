//! Good servers, each with manners of its own.

use std::time::Duration;

use scripted_peer::Peer;

use super::Exhibit;
use super::visitor::{Said, Visitor};

const PIECES: &str = "This server keeps its promise, but your program expected its answers in \
                      certain pieces. That is the very mistake that your program is meant to find. \
                      Keep reading until everything you are waiting for has arrived, and read no \
                      more than that.";
const SLOW: &str = "This server keeps its promise, but it is slow. Wait for the event itself, up \
                    to the deadline. A sleep, or a shorter limit of your own, tests how fast the \
                    machine is, not whether the server is right.";
const REFUSAL: &str = "This server keeps its promise: a frame that is too long ends the \
                       connection, and nothing more is promised. The connection may end cleanly or \
                       with a reset, it may end while you are still writing, and whatever you have \
                       not read by then may be lost.";
const PROMISE: &str = "This server keeps its promise, the one that your arguments name. Don't \
                       test anything beyond that promise.";
const PLAIN: &str =
    "This server keeps its promise. Test only what is promised, and then trust the answers.";

const CHAPTER_PIECES: &str = "17-how-do-i-test-this.html#be-unkind-on-purpose";
const CHAPTER_EVENTS: &str = "17-how-do-i-test-this.html#wait-for-the-event";
const CHAPTER_PROMISE: &str = "17-how-do-i-test-this.html#only-what-is-promised";

pub fn plain() -> Exhibit {
    Exhibit::good("answers each frame", (PLAIN, CHAPTER_PROMISE), |peer| {
        Visitor::new(peer).serve_politely(echo);
    })
}

fn echo(peer: &mut Peer, frame: &[u8]) {
    peer.send(frame);
}

pub fn manners() -> Vec<Exhibit> {
    let mut all = vec![plain()];
    all.extend(pieces());
    all.extend(slow());
    all.extend(refusals());
    all
}

fn pieces() -> [Exhibit; 5] {
    let answers = |does, answer: fn(&mut Peer, &[u8])| {
        Exhibit::good(does, (PIECES, CHAPTER_PIECES), move |peer| {
            Visitor::new(peer).serve_politely(answer);
        })
    };
    [
        answers("answers byte by byte", |peer, frame| {
            let (first, rest) = frame.split_at(frame.len().min(40));
            peer.drip(first).drip_pieces(rest, 8192);
        }),
        answers("writes the length, and then the payload", |peer, frame| {
            let (length, payload) = frame.split_at(4);
            peer.send(length)
                .pause(Duration::from_millis(20))
                .send(payload);
        }),
        answers("holds the last byte back for a moment", |peer, frame| {
            let (most, last) = frame.split_at(frame.len() - 1);
            peer.send(most).pause(Duration::from_millis(20)).send(last);
        }),
        batches(
            "joins the answers to frames that arrived together",
            |peer, answers| {
                peer.send(answers);
            },
        ),
        batches(
            "sends one and a half answers, then the rest",
            |peer, answers| {
                let (most, rest) = answers.split_at(answers.len() * 2 / 3);
                peer.send(most).pause(Duration::from_millis(20)).send(rest);
            },
        ),
    ]
}

/// Answers all that one read returns.
fn batches(does: &'static str, answer: fn(&mut Peer, &[u8])) -> Exhibit {
    Exhibit::good(does, (PIECES, CHAPTER_PIECES), move |peer| {
        let mut visitor = Visitor::new(peer);
        loop {
            let (frames, last) = visitor.batch();
            if !frames.is_empty() {
                answer(&mut visitor.peer, &frames.concat());
            }
            if let Some(said) = last {
                return visitor.leave(&said);
            }
        }
    })
}

fn slow() -> [Exhibit; 3] {
    [
        Exhibit::good(
            "takes 300 ms for each answer",
            (SLOW, CHAPTER_EVENTS),
            |peer| {
                Visitor::new(peer).serve_politely(|peer, frame| {
                    peer.pause(Duration::from_millis(300)).send(frame);
                });
            },
        ),
        Exhibit::good(
            "takes 300 ms to look at a new client",
            (SLOW, CHAPTER_EVENTS),
            |mut peer| {
                peer.pause(Duration::from_millis(300));
                Visitor::new(peer).serve_politely(echo);
            },
        ),
        Exhibit::good(
            "takes 300 ms to end a connection",
            (SLOW, CHAPTER_EVENTS),
            |peer| {
                let mut visitor = Visitor::new(peer);
                let last = visitor.serve_frames(echo);
                visitor.peer.pause(Duration::from_millis(300));
                visitor.leave(&last);
            },
        ),
    ]
}

fn refusals() -> [Exhibit; 4] {
    let refuses = |does, refuse: fn(Visitor)| {
        Exhibit::good(does, (REFUSAL, CHAPTER_PROMISE), move |peer| {
            let mut visitor = Visitor::new(peer);
            loop {
                match visitor.next() {
                    Said::Frame(frame) => visitor.peer.send(frame),
                    Said::TooLong(_) => return refuse(visitor),
                    _ => return,
                };
            }
        })
    };
    [
        // With bytes unread this is a reset.
        refuses("closes at once on a frame that is too long", |visitor| {
            drop(visitor.peer);
        }),
        refuses("resets on a frame that is too long", |visitor| {
            visitor.peer.reset();
        }),
        refuses(
            "half-closes on a frame that is too long, and keeps reading until you leave",
            |mut visitor| {
                visitor.peer.half_close();
                visitor.wait_until_gone();
            },
        ),
        refuses(
            "takes 300 ms to refuse a frame that is too long",
            |mut visitor| {
                visitor.peer.pause(Duration::from_millis(300));
            },
        ),
    ]
}

/// Those that promise less, or more, than the usual.
pub fn of_another_promise() -> Vec<Exhibit> {
    let serves = |does, measure: super::visitor::Measure| {
        Exhibit::good(does, (PROMISE, CHAPTER_PROMISE), move |peer| {
            Visitor::measured(peer, measure).serve_politely(echo);
        })
    };
    vec![
        serves("has a limit of 1,000, as it promised", |length| {
            (length <= 1000).then_some(length as usize)
        })
        .limit(1000),
        serves("has a limit of 100,000, as it promised", |length| {
            (length <= 100_000).then_some(length as usize)
        })
        .limit(100_000),
        serves("has no limit, as it promised", |length| {
            Some(length as usize)
        })
        .limit(u32::MAX),
        super::bad::one_at_a_time(true, (PROMISE, CHAPTER_PROMISE)).one(),
    ]
}
