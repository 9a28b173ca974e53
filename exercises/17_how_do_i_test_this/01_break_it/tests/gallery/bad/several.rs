//! Mistakes with several frames, and answers that nobody asked for.

use scripted_peer::frame;

use super::{Exhibit, OWES, PAYLOAD, Said, Told, UNKIND, Visitor, answers, echo, reads};

const SEVERAL: Told = (
    "This server loses, duplicates or reorders frames when several arrive together, and your \
     program didn't notice. Send several frames in one write: long ones before short ones, and \
     half a frame at the end. Expect each answer once, in order, before you send anything else.",
    UNKIND,
);

const ONCE: Told = (
    "This server sends more than it was asked for, and your program didn't notice. After the last \
     answer, half-close and read to the end of the stream: nothing more may arrive.",
    UNKIND,
);

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
        reads("answers one frame per read", SEVERAL, |visitor| {
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
        })
        .evident(),
        Exhibit::bad(
            "holds answers back while half a frame is waiting",
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
        })
        .evident(),
        Exhibit::bad("says good-bye at the end of the stream", ONCE, |peer| {
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
        })
        .evident(),
        Exhibit::bad("greets a client that has sent nothing", ONCE, |mut peer| {
            peer.send(frame("hello"));
            Visitor::new(peer).serve(echo);
        })
        .evident(),
    ];
    all.extend(memories());
    all
}

/// What they remember, or forget, is in the connection.
fn memories() -> [Exhibit; 2] {
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
        )
        .evident(),
        Exhibit::bad("sends no answer until the stream ends", OWES, |peer| {
            let mut visitor = Visitor::new(peer);
            let mut answers = Vec::new();
            while let Said::Frame(frame) = visitor.next() {
                answers.extend(frame);
            }
            visitor.peer.send(answers);
        }),
    ]
}
