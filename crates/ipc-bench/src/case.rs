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

/// Which process runs on which CPU. Results are never combined across regimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// One thread writes and reads, without another process and without wake-ups: the cost of the
    /// network stack alone.
    StackAlone,
    /// Two processes on one CPU: each round trip is two context switches.
    OneCore,
    /// Two processes, each on its own CPU: one must wake the other across CPUs.
    TwoCores,
    /// Two processes, wherever the scheduler puts them, as for a program that sets no CPU affinity.
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

/// What one sample measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// A message there and a reply back. The next message is sent as soon as the reply to the
    /// previous one has arrived: a closed loop. (In the regime "stack alone": one way only, with
    /// one write and one read.)
    RoundTrip,
    /// Connecting, one message there and back, and closing.
    Connect,
    /// The time that one MiB takes in one direction, without waiting for replies.
    Bulk,
    /// A round trip that is started on a schedule, timed from when its message was actually sent.
    Scheduled,
    /// The round trips of [`Measure::Scheduled`], timed from when their messages should have been
    /// sent. So messages that had to wait behind a stall count as late, too; leaving them out is
    /// called coordinated omission.
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
    /// Bytes in a message, in each direction; for [`Measure::Bulk`], bytes in a write.
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

/// Formats a size: `64 B`, `16 KiB`.
pub fn size_name(bytes: usize) -> String {
    if bytes >= 1024 && bytes.is_multiple_of(1024) {
        format!("{} KiB", bytes / 1024)
    } else {
        format!("{bytes} B")
    }
}
