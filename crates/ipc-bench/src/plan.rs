//! Which cases a block measures, and how often. Not every combination fits into a minute. So Unix
//! stream and TCP, which the chapter compares, are measured at many sizes, and the other transports
//! at few.

use std::time::Duration;

use crate::case::{Case, Measure, Regime, Transport};

/// The message sizes, in bytes, at which Unix stream and TCP are measured.
pub const SIZES: [usize; 7] = [1, 64, 1024, 4096, 16 * 1024, 64 * 1024, 256 * 1024];

/// The message sizes, in bytes, at which the pipe and the transports that keep message boundaries
/// are measured. (A UDP datagram has at most 65,507 bytes, and a Unix datagram must fit into the
/// sender's buffer, so neither can carry the larger sizes.)
const OTHER_SIZES: [usize; 3] = [64, 1024, 16 * 1024];

/// The message size, in bytes, at which everything is measured, and to which the goal refers.
pub const SMALL: usize = 64;

/// The plan in words, for `--help`.
pub const IN_WORDS: &str = "\
What is measured, so that it fits into a minute (each regime: the stack alone, two processes on one \
core, on two cores, unpinned):
  round trips   Unix stream and TCP at 1 B, 64 B, 1, 4, 16, 64 and 256 KiB, stack alone, one core and \
two cores; Unix seqpacket, Unix datagram, UDP and the pipe at 64 B, 1 and 16 KiB there; \
unpinned, all of them at 64 B, Unix stream and TCP also at 64 KiB
  connect       connect, exchange of 64 B, close: Unix stream, seqpacket and TCP, one core and two
  bulk          one way, writes of 64 KiB: Unix stream, TCP and the pipe, one core and two
  by timetable  5,000 messages of 64 B per second, Unix stream and TCP, one core and two: \
each timed from when it was sent and from when it should have been sent

Exit code 1: something could not be measured (the table says what), printed or written.";

const USUAL: Duration = Duration::from_millis(9);
const LONG: Duration = Duration::from_millis(25);

/// One slice of a block.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub case: Case,
    pub length: Duration,
}

/// Returns the slices of one block, in no particular order: the caller shuffles them.
pub fn block() -> Vec<Planned> {
    let mut plan = Plan::default();
    for regime in [Regime::StackAlone, Regime::OneCore, Regime::TwoCores] {
        for size in SIZES {
            for _ in 0..repeats(regime, size) {
                plan.stream_and_tcp(Measure::RoundTrip, regime, size);
            }
        }
        for size in OTHER_SIZES {
            plan.others(regime, size);
        }
    }
    for size in [SMALL, SMALL, 64 * 1024] {
        plan.stream_and_tcp(Measure::RoundTrip, Regime::Unpinned, size);
    }
    plan.others(Regime::Unpinned, SMALL);
    for regime in [Regime::OneCore, Regime::TwoCores] {
        plan.stream_and_tcp(Measure::Connect, regime, SMALL);
        plan.add(Measure::Connect, regime, SMALL, Transport::UnixSeqpacket);
        plan.stream_and_tcp(Measure::Bulk, regime, 64 * 1024);
        plan.add(Measure::Bulk, regime, 64 * 1024, Transport::Pipe);
        plan.stream_and_tcp(Measure::Scheduled, regime, SMALL);
    }
    plan.0
}

/// Returns how often a block measures a round trip. The figure that everyone quotes gets the most
/// slices, and the longest ones.
///
/// It needs them: on one core a Unix stream's round trips fall into two groups, some 8 and 9 µs
/// where this was written, with the median close to the step between them. The reader of a Unix
/// stream is woken for the message, and once more when the other side has emptied its own send
/// buffer, so there are 1.5 context switches per message where seqpacket, TCP and the pipe have
/// one, and where they fall is the scheduler's choice. With slices of 25 ms the ratio to TCP stayed
/// within 2 % on a machine under load, with 9 ms it varied by 5 %.
fn repeats(regime: Regime, size: usize) -> usize {
    match (regime, size) {
        (Regime::OneCore, SMALL) => 6,
        (_, SMALL) => 4,
        (Regime::StackAlone, _) => 1,
        _ => 2,
    }
}

#[derive(Default)]
struct Plan(Vec<Planned>);

impl Plan {
    fn add(&mut self, measure: Measure, regime: Regime, size: usize, transport: Transport) {
        let length = match (measure, regime, size) {
            (Measure::Bulk | Measure::Scheduled | Measure::Intended, ..) => LONG,
            (Measure::RoundTrip, Regime::OneCore, SMALL) => LONG,
            (Measure::RoundTrip | Measure::Connect, ..) => USUAL,
        };
        self.0.push(Planned {
            case: Case {
                measure,
                regime,
                size,
                transport,
            },
            length,
        });
    }

    fn stream_and_tcp(&mut self, measure: Measure, regime: Regime, size: usize) {
        self.add(measure, regime, size, Transport::UnixStream);
        self.add(measure, regime, size, Transport::Tcp);
    }

    fn others(&mut self, regime: Regime, size: usize) {
        use Transport::{Pipe, Udp, UnixDatagram, UnixSeqpacket};
        for transport in [UnixSeqpacket, UnixDatagram, Pipe, Udp] {
            self.add(Measure::RoundTrip, regime, size, transport);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_blocks_take_well_under_a_minute() {
        let block: Duration = block().iter().map(|planned| planned.length).sum();
        assert!(20 * block < Duration::from_secs(40), "{:?}", 20 * block);
    }

    #[test]
    fn no_slice_is_longer_than_25_ms() {
        assert!(
            block()
                .iter()
                .all(|planned| planned.length <= Duration::from_millis(25))
        );
    }
}
