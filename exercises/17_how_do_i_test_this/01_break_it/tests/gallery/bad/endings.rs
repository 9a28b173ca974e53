//! Those that don't answer, don't end, or aren't there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{ENDINGS, Exhibit, OWES, Said, Stand, Told, Visitor, answers};

const ENDS: Told = (
    "This server does not end a connection the way it promised. The end of the stream, a reset, a \
     refusal and silence are four different things: tell them apart, and wait for the one that is \
     promised.",
    ENDINGS,
);

pub fn silent() -> Vec<Exhibit> {
    vec![
        answers("never answers", OWES, |_, _| ()),
        answers("does not answer an empty frame", OWES, |peer, frame| {
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
        })
        .evident(),
        Exhibit::bad("hangs up as soon as a client connects", ENDS, drop).evident(),
        Exhibit::silent("listens but accepts nobody", OWES, Stand::Asleep),
        Exhibit::silent("is not there", OWES, Stand::Nobody),
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
