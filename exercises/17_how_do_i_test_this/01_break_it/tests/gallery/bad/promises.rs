//! Those that break another promise than the usual.

use std::sync::Mutex;

use super::others::dies;
use super::{Exhibit, Said, Told, measures, splitter};
use crate::gallery::visitor::measure;

const PROMISE: Told = (
    "This server promises what your arguments say, but does less. Test the limit that the \
     arguments name. If they say `one`, test everything except several clients at once, also \
     whether it serves the next one.",
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
        measures("has a limit of 65,536, but promised none", PROMISE, measure)
            .limit(u32::MAX)
            .evident(),
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
