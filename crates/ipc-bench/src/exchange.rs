//! The timed loops. Each warms up for a fifth of its slice, and then takes one sample in each turn.
//!
//! A turn reads the clock once, at its end, which is also the start of the next turn. Every sample
//! includes the cost of one reading: some tens of nanoseconds, which the report states.

use std::hint::spin_loop;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::channel::Channel;

/// One sample of [`bulk`] is the time for this many bytes.
pub const BULK_SEGMENT: usize = 1 << 20;

/// The interval between two scheduled messages: 5,000 messages per second.
pub const INTERVAL: Duration = Duration::from_micros(200);

/// One time in nanoseconds for each turn.
pub type Samples = Vec<u64>;

/// Repeats `turn` until the slice is over and there is at least one sample.
pub fn timed(slice: Duration, mut turn: impl FnMut() -> io::Result<()>) -> io::Result<Samples> {
    let start = Instant::now();
    let mut samples = Vec::with_capacity(1 << 15);
    let mut before = start;
    loop {
        turn()?;
        let now = Instant::now();
        if before - start >= slice / 5 {
            samples.push(nanos(now - before));
            if now - start >= slice {
                return Ok(samples);
            }
        }
        before = now;
    }
}

/// Measures round trips in a closed loop: the next message is sent when the reply to the previous
/// one has arrived.
pub fn round_trips(channel: &Channel, size: usize, slice: Duration) -> io::Result<Samples> {
    let mut message = vec![b'm'; size];
    timed(slice, || round_trip(channel, &mut message))
}

pub fn round_trip(channel: &Channel, message: &mut [u8]) -> io::Result<()> {
    channel.send(message)?;
    if channel.receive(message)? {
        Ok(())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

/// Measures one thread that has both ends. Since neither a write nor a read may block, bytes that
/// don't fit are written after some have been read.
pub fn stack_alone(
    writer: &Channel,
    reader: &Channel,
    size: usize,
    slice: Duration,
) -> io::Result<Samples> {
    let message = vec![b'm'; size];
    let mut buffer = vec![0; size];
    timed(slice, || {
        let (mut sent, mut got) = (0, 0);
        while got < size {
            if sent < size {
                sent += unless_full(rustix::io::write(writer.output(), &message[sent..]))?;
            }
            got += unless_full(rustix::io::read(reader.input(), &mut buffer[got..]))?;
        }
        Ok(())
    })
}

fn unless_full(result: Result<usize, Errno>) -> io::Result<usize> {
    match result {
        Err(Errno::AGAIN) => Ok(0),
        other => Ok(other?),
    }
}

/// Measures one direction, as fast as the other side reads. The kernel's buffers are soon full, and
/// from then on the sender is as fast as the receiver.
pub fn bulk(channel: &Channel, chunk: usize, slice: Duration) -> io::Result<Samples> {
    let message = vec![b'm'; chunk];
    timed(slice, || {
        for _ in 0..BULK_SEGMENT / chunk {
            channel.send(&message)?;
        }
        Ok(())
    })
}

/// The same round trips timed in two ways; see [`by_timetable`].
#[derive(Default)]
pub struct TwoViews {
    pub from_sending: Samples,
    pub from_intention: Samples,
}

/// Sends messages on a schedule. If a reply is late, the messages that should have been sent
/// meanwhile are late, too. Timed from when messages were actually sent, that looks like one slow
/// round trip; timed from the schedule, all of them are slow.
pub fn by_timetable(
    slice: Duration,
    interval: Duration,
    mut turn: impl FnMut() -> io::Result<()>,
) -> io::Result<TwoViews> {
    let start = Instant::now();
    let mut views = TwoViews::default();
    let mut intended = start;
    while intended - start < slice {
        while Instant::now() < intended {
            spin_loop(); // a timer's delay would exceed the time being measured
        }
        let sent = Instant::now();
        turn()?;
        let answered = Instant::now();
        if intended - start >= slice / 5 {
            views.from_sending.push(nanos(answered - sent));
            views.from_intention.push(nanos(answered - intended));
        }
        intended += interval;
    }
    Ok(views)
}

/// The cost of reading the clock: the median of many readings.
pub fn clock_cost() -> f64 {
    let mut samples: Vec<f64> = Vec::with_capacity(101);
    for _ in 0..101 {
        let start = Instant::now();
        for _ in 0..100 {
            std::hint::black_box(Instant::now());
        }
        samples.push(start.elapsed().as_secs_f64() * 1e9 / 100.0);
    }
    crate::stats::spread(&samples).map_or(0.0, |s| s.median)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(how_long: Duration) {
        let start = Instant::now();
        while start.elapsed() < how_long {
            spin_loop();
        }
    }

    #[test]
    fn the_warm_up_is_not_counted() {
        let mut turns = 0_usize;
        let samples = timed(Duration::from_millis(10), || {
            turns += 1;
            wait(Duration::from_micros(500));
            Ok(())
        });
        let counted = samples.expect("turns cannot fail").len();
        assert!(counted >= 1 && counted < turns, "{counted} of {turns}");
    }

    #[test]
    fn a_turn_longer_than_the_slice_gives_a_sample() {
        let samples = timed(Duration::from_micros(10), || {
            wait(Duration::from_millis(1));
            Ok(())
        })
        .expect("turns cannot fail");
        assert!(!samples.is_empty() && samples.iter().all(|&ns| ns >= 1_000_000));
    }

    #[test]
    fn a_stall_delays_one_message_as_sent_and_many_as_intended() {
        let mut turns = 0;
        let views = by_timetable(
            Duration::from_millis(40),
            Duration::from_micros(500),
            || {
                turns += 1;
                if turns == 30 {
                    wait(Duration::from_millis(10));
                }
                Ok(())
            },
        )
        .expect("turns cannot fail");
        let late = |samples: &[u64]| samples.iter().filter(|&&ns| ns > 1_000_000).count();
        // 10 ms are 20 intervals; on a busy machine other messages may also be late, in both views.
        assert!(late(&views.from_sending) >= 1);
        assert!(late(&views.from_intention) >= late(&views.from_sending) + 10);
    }
}
