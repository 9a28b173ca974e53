//! Those that break another promise than the usual.

use std::sync::Mutex;

use super::others::dies;
use super::{Exhibit, Said, Told, measures, splitter};
use crate::gallery::visitor::measure;

const PROMISE: Told = (
    "This server doesn't keep the promise that your arguments name, and your program didn't \
     notice. Send a payload of exactly the limit in the arguments (or of 1 MiB, if the limit is \
     larger), and one that is a byte longer. If they say `one`, test everything except several \
     clients at once, and also test whether the server serves the next client.",
    "17-how-do-i-test-this.html#only-what-is-promised",
);

/// Those that break another promise than the usual.
pub fn of_another_promise() -> Vec<Exhibit> {
    vec![
        measures(
            "has a limit of 65,536, but promised 1,000",
            PROMISE,
            measure,
        )
        .limit(1000),
        measures(
            "has a limit of 65,536, but promised 100,000",
            PROMISE,
            measure,
        )
        .limit(100_000)
        .evident(),
        measures(
            "has a limit of 99,999, but promised 100,000",
            PROMISE,
            |length| (length < 100_000).then_some(length as usize),
        )
        .evident()
        .limit(100_000),
        measures("has a limit of 65,536, but promised none", PROMISE, measure)
            .limit(u32::MAX)
            .evident(),
        measures(
            "has a limit of 1,000,000, but promised none",
            PROMISE,
            |length| (length <= 1_000_000).then_some(length as usize),
        )
        .evident()
        .limit(u32::MAX),
        splitter().tells(PROMISE).one(),
        dies(
            "serves its first client, and no other",
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
