//! What the two processes of a measurement do. Each is this program, started again with a hidden
//! subcommand, so that it has the state of a new process. It reads one order per line from standard
//! input, and writes one answer per line to standard output.
//!
//! There are no timeouts here: the parent kills a child that doesn't answer in time, and a child
//! never outlives its parent.

use std::io::{self, BufRead, ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Measure, Regime, Transport};
use crate::channel::{self, Channel, Facts, Listener};
use crate::exchange::{self, BULK_SEGMENT};
use crate::processors;
use crate::stats::Recording;

#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub case: Case,
    /// The CPUs that the process may run on.
    pub cpus: Vec<usize>,
    /// TCP's congestion control algorithm; `None` means the system's default.
    pub congestion: Option<String>,
    pub role: Role,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Role {
    /// Listen, report the address, and send back each message until the other side ends the
    /// exchange.
    Answer { folder: PathBuf },
    /// Connect and measure. (In the regime "stack alone" there is no other process to connect to.)
    Ask {
        address: Option<String>,
        slice: Duration,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    Listening {
        address: String,
    },
    Answered {
        cpus: Vec<usize>,
    },
    Measured {
        /// The CPUs on which the process was allowed to run, read after the measurement.
        cpus: Vec<usize>,
        facts: Facts,
        recordings: Vec<(Measure, Recording)>,
    },
    Failed {
        reason: String,
    },
}

/// The subcommand's main function.
pub fn main(parent: u32) -> io::Result<()> {
    die_with(parent)?;
    for line in io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        if let Err(error) = obey(&order) {
            tell(&Report::Failed {
                reason: error.to_string(),
            })?;
        }
    }
    Ok(())
}

/// Makes the kernel kill this process when its parent exits, for whatever reason; strictly, when the
/// thread that created it exits (`prctl(2)`, `PR_SET_PDEATHSIG`). If the parent has
/// already exited, and this process has been reparented, this function exits the process.
fn die_with(parent: u32) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = getppid().map(Pid::as_raw_nonzero);
    if now.map(|pid| pid.get().unsigned_abs()) == Some(parent) {
        Ok(())
    } else {
        Err(io::Error::other(
            "the process that started this one is gone",
        ))
    }
}

fn obey(order: &Order) -> io::Result<()> {
    processors::stay_on(&order.cpus)?;
    match &order.role {
        Role::Answer { folder } => {
            let transport = order.case.transport;
            let listener = Listener::new(transport, folder, order.congestion.as_deref())?;
            tell(&Report::Listening {
                address: listener.address.clone(),
            })?;
            answer(&order.case, &listener)?;
            tell(&Report::Answered {
                cpus: processors::allowed()?,
            })
        }
        Role::Ask { address, slice } => {
            let (facts, recordings) = ask(order, address.as_deref(), *slice)?;
            tell(&Report::Measured {
                cpus: processors::allowed()?,
                facts,
                recordings,
            })
        }
    }
}

fn tell(report: &Report) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, report)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn answer(case: &Case, listener: &Listener) -> io::Result<()> {
    match case.measure {
        Measure::RoundTrip | Measure::Scheduled | Measure::Intended => {
            echo(&listener.accept()?, case.size).map(drop)
        }
        Measure::Connect => {
            while echo(&listener.accept()?, case.size)? > 0 {}
            Ok(())
        }
        Measure::Bulk => {
            let channel = listener.accept()?;
            let mut buffer = vec![0; case.size];
            while rustix::io::read(channel.input(), &mut buffer)? > 0 {}
            Ok(())
        }
    }
}

/// Sends back each message until the other side ends the exchange. Returns the number of messages.
fn echo(channel: &Channel, size: usize) -> io::Result<u64> {
    let mut message = vec![0; size];
    let mut count = 0;
    while channel.receive(&mut message)? {
        channel.send(&message)?;
        count += 1;
    }
    Ok(count)
}

type Measured = (Facts, Vec<(Measure, Recording)>);

fn ask(order: &Order, address: Option<&str>, slice: Duration) -> io::Result<Measured> {
    let case = &order.case;
    let congestion = order.congestion.as_deref();
    if case.regime == Regime::StackAlone {
        return ask_nobody(case, congestion, slice);
    }
    let address = address.ok_or_else(|| io::Error::other("no address to connect to"))?;
    let connect = || channel::connect(case.transport, address, congestion);
    let channel = connect()?;
    let facts = channel.facts(case.transport)?;
    let size = case.size;
    let samples = match case.measure {
        Measure::RoundTrip => vec![exchange::round_trips(&channel, size, slice)?],
        Measure::Bulk => vec![exchange::bulk(&channel, size.min(BULK_SEGMENT), slice)?],
        Measure::Connect => return connects(case, channel, facts, slice, connect),
        Measure::Scheduled | Measure::Intended => {
            let mut message = vec![b'm'; size];
            let views = exchange::by_timetable(slice, exchange::INTERVAL, || {
                exchange::round_trip(&channel, &mut message)
            })?;
            vec![views.from_sending, views.from_intention]
        }
    };
    channel.say_end(case.transport)?;
    Ok((facts, label(case.measure, &samples)?))
}

fn ask_nobody(case: &Case, congestion: Option<&str>, slice: Duration) -> io::Result<Measured> {
    let (writer, reader) = channel::pair(case.transport, congestion)?;
    writer.set_nonblocking()?;
    reader.set_nonblocking()?;
    let facts = writer.facts(case.transport)?;
    let samples = exchange::stack_alone(&writer, &reader, case.size, slice)?;
    Ok((facts, label(case.measure, &[samples])?))
}

/// Measures connecting, with a new connection for each sample. The connection that exists already
/// exchanges one message first. A connection without any message, at the end, tells the other side
/// to stop.
fn connects(
    case: &Case,
    first: Channel,
    facts: Facts,
    slice: Duration,
    connect: impl Fn() -> io::Result<Channel>,
) -> io::Result<Measured> {
    let mut message = vec![b'm'; case.size];
    exchange::round_trip(&first, &mut message)?;
    first.say_end(case.transport)?;
    let samples = exchange::timed(slice, || {
        let channel = connect()?;
        exchange::round_trip(&channel, &mut message)?;
        channel.say_end(case.transport)
    })?;
    connect()?.say_end(Transport::Tcp)?;
    Ok((facts, label(case.measure, &[samples])?))
}

/// Names each list of samples. If there are two, they are the two views of
/// [`exchange::by_timetable`].
fn label(measure: Measure, samples: &[Vec<u64>]) -> io::Result<Vec<(Measure, Recording)>> {
    let measures = [measure, Measure::Intended];
    let recordings = measures.into_iter().zip(samples).map(|(measure, samples)| {
        let recording = Recording::of(samples);
        recording
            .map(|r| (measure, r))
            .ok_or_else(|| ErrorKind::TimedOut.into())
    });
    recordings.collect()
}
