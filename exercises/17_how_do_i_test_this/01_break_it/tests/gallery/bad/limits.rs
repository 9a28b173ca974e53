//! Mistakes with the limit.

use scripted_peer::frame;

use super::{Exhibit, LIMIT, Said, Told, UNKIND, Visitor, measures};
use crate::gallery::visitor::measure;

const LIMITS: Told = (
    "This server gets the limit wrong, and your program didn't notice. Send a payload of exactly \
     the limit, which must be answered. Then send a complete frame whose payload is a byte longer, \
     and announce lengths far above the limit without sending the payload: the largest that four \
     bytes can hold, and one whose last three bytes are a short length. Each of these must end the \
     connection right away, without an answer.",
    UNKIND,
);

pub fn careless() -> Vec<Exhibit> {
    vec![
        measures("has a limit of 65,535", LIMITS, |length| {
            (length < LIMIT).then_some(length as usize)
        })
        .evident(),
        measures("accepts one byte more than its limit", LIMITS, |length| {
            (length <= LIMIT + 1).then_some(length as usize)
        }),
        measures(
            "forgets that the limit is for the payload alone",
            LIMITS,
            |length| (length <= LIMIT + 4).then_some(length as usize),
        ),
        measures("has no limit", LIMITS, |length| Some(length as usize)),
        measures(
            "treats a length of four gigabytes as -1",
            LIMITS,
            |length| (length.cast_signed() <= LIMIT.cast_signed()).then_some(length as usize),
        ),
        measures(
            "cuts a frame that is too long down to its limit",
            LIMITS,
            |length| Some(length.min(LIMIT) as usize),
        ),
        measures(
            "looks only at the last three bytes of a length",
            LIMITS,
            |length| measure(length & 0x00ff_ffff),
        ),
        refuses("explains a refusal", |visitor, _| {
            visitor.peer.send("too long\n");
        })
        .evident(),
        refuses("refuses with an empty frame", |visitor, _| {
            visitor.peer.send(frame(""));
        })
        .evident(),
        refuses(
            "reads a frame that is too long to its end",
            |visitor, length| {
                while visitor.inbox.len() < 4 + length as usize && visitor.read().is_none() {}
            },
        ),
        refuses(
            "ignores a frame that is too long, and keeps the connection",
            |visitor, _| {
                visitor.wait_until_gone();
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
