//! Mistakes with one frame: its pieces, its length, its payload.

use std::time::{Duration, Instant};

use scripted_peer::frame;

use super::{Exhibit, PAYLOAD, Said, Told, UNKIND, Visitor, answers, echo, measures, reads};
use crate::gallery::visitor::measure;

const SPLIT: Told = (
    "This server handles a frame correctly only if the whole frame arrives in one piece, and on \
     this machine nearly every frame does. Be unkind on purpose: cut frames in two, including \
     inside the length prefix, and send the second part only after the server has read the first.",
    UNKIND,
);

const EARLY: Told = (
    "This server answers before the frame is complete, and your program didn't notice. Send half a \
     frame, and check that nothing comes back, neither while you stay silent for a moment nor \
     after you half-close in the middle of the frame.",
    UNKIND,
);

const SILENCE: Told = (
    "This server gives up on a client that is silent for a second in the middle of a frame, and \
     your program didn't notice. Be that client, and start your second of silence when the server \
     has read the half frame. To know when, send a whole frame and the half in one write, and wait \
     for the answer to the whole frame.",
    UNKIND,
);

pub fn splitters() -> Vec<Exhibit> {
    vec![
        splitter(),
        reads(
            "drops the beginning of an incomplete frame",
            SPLIT,
            |visitor| {
                while let Some(Said::Frame(frame)) = visitor.whole() {
                    visitor.peer.send(frame);
                }
                visitor.inbox.clear();
            },
        ),
        reads("expects the whole length in one read", SPLIT, |visitor| {
            while let Some(Said::Frame(frame)) = visitor.whole() {
                visitor.peer.send(frame);
            }
            if visitor.inbox.len() < 4 {
                visitor.inbox.clear();
            }
        }),
        reads(
            "echoes bytes as they arrive, not frames",
            EARLY,
            |visitor| {
                let bytes = std::mem::take(&mut visitor.inbox);
                visitor.peer.send(bytes);
            },
        ),
        Exhibit::bad("echoes half a frame when the stream ends", EARLY, |peer| {
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
        })
        .evident(),
        Exhibit::bad("echoes a long payload as it arrives", EARLY, |peer| {
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
            "answers early when a frame begins like the previous one",
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
        })
        .evident(),
        silences("forgets half a frame after a second", |visitor| {
            visitor.inbox.clear();
            true
        }),
        measures(
            "reads the length in little-endian order",
            PAYLOAD,
            |length| measure(length.swap_bytes()),
        ),
        measures("keeps a length in 16 bits", PAYLOAD, |length| {
            measure(length).map(|size| size & 0xffff)
        }),
        answers(
            "sends back at most 4,096 bytes of a payload",
            PAYLOAD,
            |peer, whole| {
                peer.send(frame(&whole[4..whole.len().min(4100)]));
            },
        )
        .evident(),
        answers("treats a payload as text", PAYLOAD, |peer, whole| {
            peer.send(frame(String::from_utf8_lossy(&whole[4..]).as_bytes()));
        })
        .evident(),
        answers(
            "ends a payload at its first zero byte",
            PAYLOAD,
            |peer, whole| {
                let payload = whole[4..].split(|byte| *byte == 0).next();
                peer.send(frame(payload.unwrap_or_default()));
            },
        )
        .evident(),
        answers(
            "closes when a payload is empty",
            PAYLOAD,
            |peer, whole| match whole {
                [0, 0, 0, 0] => {
                    peer.half_close();
                }
                whole => echo(peer, whole),
            },
        )
        .evident(),
    ]
}

/// The mistake of mistakes.
pub fn splitter() -> Exhibit {
    reads("takes one read for one message", SPLIT, |visitor| {
        let bytes = std::mem::take(&mut visitor.inbox);
        visitor.peer.send(frame(bytes.get(4..).unwrap_or_default()));
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
