//! What is measured. A case is a transport, a message size, a regime (which process runs where)
//! and the thing that is timed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    UnixStream,
    UnixSeqpacket,
    UnixDatagram,
    Pipe,
    Tcp,
    Udp,
}

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Transport::UnixStream => "Unix stream",
            Transport::UnixSeqpacket => "Unix seqpacket",
            Transport::UnixDatagram => "Unix datagram",
            Transport::Pipe => "pipe",
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
        }
    }
}

/// Which process runs where: results are never combined across regimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// One thread writes and reads: no other process, no wake-ups. What the stack itself costs.
    StackAlone,
    /// Two processes on one CPU: each round trip is two context switches.
    OneCore,
    /// Two processes, each on its own CPU: one must wake the other across CPUs.
    TwoCores,
    /// Two processes, wherever the scheduler puts them: what a program gets if it sets nothing.
    Unpinned,
}

impl Regime {
    pub const ALL: [Regime; 4] = [
        Regime::StackAlone,
        Regime::OneCore,
        Regime::TwoCores,
        Regime::Unpinned,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Regime::StackAlone => "stack alone",
            Regime::OneCore => "one core",
            Regime::TwoCores => "two cores",
            Regime::Unpinned => "unpinned",
        }
    }
}

/// What one sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// A message there and back, the next one as soon as the previous one is answered: a closed
    /// loop. (In the regime "stack alone": only one way, with one write and one read.)
    RoundTrip,
    /// Connect, a message there and back, close.
    Connect,
    /// The time that one MiB takes, one way, without waiting for anything.
    Bulk,
    /// A round trip that starts on a schedule, timed from when it was sent.
    Scheduled,
    /// The same round trips, timed from when they were scheduled to be sent: messages that waited
    /// behind a stall also count as late (coordinated omission).
    Intended,
}

impl Measure {
    pub fn name(self) -> &'static str {
        match self {
            Measure::RoundTrip => "round trip",
            Measure::Connect => "connect, exchange, close",
            Measure::Bulk => "bulk, one MiB",
            Measure::Scheduled => "by timetable, from sending",
            Measure::Intended => "by timetable, from intention",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Case {
    pub measure: Measure,
    pub regime: Regime,
    /// Bytes in a message, each way; for [`Measure::Bulk`] bytes in a write.
    pub size: usize,
    pub transport: Transport,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case {
            measure,
            regime,
            size,
            transport,
        } = self;
        write!(
            f,
            "{}, {}, {}, {}",
            transport.name(),
            measure.name(),
            size_name(*size),
            regime.name()
        )
    }
}

/// `64 B`, `16 KiB`.
pub fn size_name(bytes: usize) -> String {
    if bytes >= 1024 && bytes.is_multiple_of(1024) {
        format!("{} KiB", bytes / 1024)
    } else {
        format!("{bytes} B")
    }
}
