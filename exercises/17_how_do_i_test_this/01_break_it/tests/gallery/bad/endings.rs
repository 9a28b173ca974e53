//! Those that don't answer, don't end, or aren't there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{ENDINGS, Exhibit, OWES, Said, Stand, Told, Visitor, answers};

const ENDS: Told = (
    "This server does not end a connection the way it promised, and your program didn't notice. \
     The end of the stream, a reset, a refusal and silence are four different things: tell them \
     apart, and accept only the one that is promised.",
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
        ignores_a_half_close("ignores a half-close", |_, _| true),
        ignores_a_half_close(
            "ignores the half-close of a client that sent no request",
            |asked, inside| asked == 0 && !inside,
        ),
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
        Exhibit::silent("listens but never accepts", OWES, Stand::Asleep),
        Exhibit::silent("is not there", OWES, Stand::Nobody),
    ]
}

/// Keeps its end open until all is over: nobody tells it when its client has left.
fn ignores_a_half_close(does: &'static str, ignores: fn(u32, bool) -> bool) -> Exhibit {
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let exhibit = Exhibit::bad(does, ENDS, move |peer| {
        let mut visitor = Visitor::new(peer);
        let mut asked = 0;
        loop {
            match visitor.next() {
                Said::Frame(frame) => visitor.peer.send(frame),
                Said::End { inside } if ignores(asked, inside) => break,
                _ => return,
            };
            asked += 1;
        }
        while !is_over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
    });
    exhibit.until(over)
}
