//! The two processes of a block, as the parent sees them. They are started for each block, must
//! answer each request within a time limit, and are killed on drop.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::case::{Case, Measure, Regime};
use crate::channel::Facts;
use crate::child::{Order, Report, Role};
use crate::interrupt;
use crate::stats::Recording;

/// How long a child may take to answer, in addition to the length of the slice. It is far more than
/// any slice needs, and only keeps the run from hanging.
const PATIENCE: Duration = Duration::from_secs(3);

/// The result of one slice.
pub struct Slice {
    /// The CPUs on which the kernel let the asking process and the answering process run.
    pub cpus: [Vec<usize>; 2],
    pub facts: Facts,
    pub recordings: Vec<(Measure, Recording)>,
}

/// What all slices of a run have in common.
pub struct Setup<'a> {
    pub folder: &'a Path,
    pub congestion: Option<&'a str>,
}

pub struct Pair {
    asking: Process,
    answering: Process,
}

impl Pair {
    pub fn start() -> anyhow::Result<Pair> {
        Ok(Pair {
            asking: Process::start()?,
            answering: Process::start()?,
        })
    }

    /// Measures a case for the length of a slice. After an error the pair of processes can't be
    /// used again.
    pub fn measure(
        &mut self,
        setup: &Setup<'_>,
        case: Case,
        slice: Duration,
        cpus: &[Vec<usize>; 2],
    ) -> anyhow::Result<Slice> {
        let order = |side: usize, role| Order {
            case,
            cpus: cpus[side].clone(),
            congestion: setup.congestion.map(str::to_owned),
            role,
        };
        let mut address = None;
        if case.regime != Regime::StackAlone {
            self.answering.tell(&order(
                1,
                Role::Answer {
                    folder: setup.folder.to_owned(),
                },
            ))?;
            match self.answering.hear(PATIENCE)? {
                Report::Listening { address: where_ } => address = Some(where_),
                other => bail!("{}", reason(other)),
            }
        }
        let alone = address.is_none();
        self.asking.tell(&order(0, Role::Ask { address, slice }))?;
        let (own, facts, recordings) = match self.asking.hear(slice + PATIENCE)? {
            Report::Measured {
                cpus,
                facts,
                recordings,
            } => (cpus, facts, recordings),
            other => bail!("{}", reason(other)),
        };
        let other = if alone {
            own.clone()
        } else {
            self.answering_cpus()?
        };
        Ok(Slice {
            cpus: [own, other],
            facts,
            recordings,
        })
    }

    fn answering_cpus(&mut self) -> anyhow::Result<Vec<usize>> {
        match self.answering.hear(PATIENCE)? {
            Report::Answered { cpus } => Ok(cpus),
            other => bail!("{}", reason(other)),
        }
    }
}

fn reason(report: Report) -> String {
    match report {
        Report::Failed { reason } => reason,
        other => format!("an answer out of turn: {other:?}"),
    }
}

struct Process {
    child: Child,
    answers: ChildStdout,
}

impl Process {
    fn start() -> anyhow::Result<Process> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut child = Command::new(program)
            .args(["child", &std::process::id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a process to measure with")?;
        let answers = child.stdout.take().expect("asked for a pipe above");
        Ok(Process { child, answers })
    }

    fn tell(&mut self, order: &Order) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let orders = self
            .child
            .stdin
            .as_mut()
            .expect("asked for a pipe at the start");
        orders
            .write_all(&line)
            .context("a measuring process ended early")
    }

    /// Reads one line, which may arrive in several pieces, until the time limit.
    fn hear(&mut self, patience: Duration) -> anyhow::Result<Report> {
        let deadline = Instant::now() + patience;
        let mut line = Vec::new();
        let mut piece = [0; 16 * 1024];
        while line.last() != Some(&b'\n') {
            interrupt::check()?;
            if !self.can_read(deadline)? {
                bail!("no answer within {:.1} s", patience.as_secs_f64());
            }
            match self.answers.read(&mut piece)? {
                0 => bail!("a measuring process ended early"),
                got => line.extend_from_slice(&piece[..got]),
            }
        }
        Ok(serde_json::from_slice(&line)?)
    }

    fn can_read(&self, deadline: Instant) -> anyhow::Result<bool> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left)?;
            let mut answers = [PollFd::new(&self.answers, PollFlags::IN)];
            match poll(&mut answers, Some(&timeout)) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => interrupt::check()?, // a signal handler ran
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }
}
