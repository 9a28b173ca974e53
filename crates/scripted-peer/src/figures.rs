//! What resources a running program uses, as Linux reports it in /proc
//! ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)).

use std::fs;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::failure::{Failure, TOO_BUSY};
use crate::needs;
use crate::patience::Patience;
use crate::running::Running;
use crate::threads::{is_runnable, waited};
use crate::verdict::Verdict;

/// What resources a program has used so far, and what it holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// CPU time used by all its threads, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory now, in KiB (`VmRSS`).
    pub memory_kib: u64,
    /// Largest resident memory so far, in KiB (`VmHWM`).
    pub peak_memory_kib: u64,
    /// Largest address space so far, in KiB (`VmPeak`).
    pub peak_address_space_kib: u64,
    /// How many threads it has now.
    pub threads: usize,
    /// How many descriptors it has open now.
    pub descriptors: usize,
    /// How many of these descriptors are non-blocking (`O_NONBLOCK`).
    pub nonblocking: usize,
    /// How often its current threads gave up the CPU to wait (voluntary context switches).
    /// Preemptions aren't counted: on a busy machine each line that a program logs may cause
    /// several.
    pub switches: u64,
}

/// How long a program is watched before it counts as idle.
const WINDOW: Duration = Duration::from_millis(300);
/// How often a program may wake up in that time and still count as idle: three times for a 100 ms
/// timer, and a few times more.
const SWITCHES: u64 = 8;
const CPU_SECONDS: f64 = 0.02;
/// How long a program may wait for a CPU in that time and still count as idle. A program that wants
/// to run half the time isn't idle, however little CPU time it gets.
const WAITED: Duration = Duration::from_millis(150);
/// CPU time after which a program that still isn't idle is at fault: a correct one needs far less
/// to become idle.
const AWAKE_SECONDS: f64 = 3.0;

impl Running {
    /// Returns what resources the program uses; all zeros if there is no /proc, or once the program
    /// has ended. Guard a check that uses it with [`needs::linux`].
    #[must_use]
    pub fn figures(&self) -> Figures {
        figures(self.pid()).unwrap_or_default()
    }

    /// Expects the program to become idle in time: for 300 ms it wakes up fewer than 8 times, uses
    /// less than 20 ms of CPU time, waits for a CPU for less than half the time, and is asleep at
    /// the end. A program that keeps polling never becomes idle, however busy the machine is. If
    /// the program got too little CPU time to tell, the test ends and says that the machine gave no
    /// verdict.
    ///
    /// If there is no /proc, the test is noted as skipped, and this verdict is a good one.
    pub fn expect_idle(&self) -> Verdict {
        if !needs::linux() {
            return Verdict::new(&self.timeline, Ok(()));
        }
        let mut patience = Patience::new(&self.timeline, self.patience);
        let began = self.figures().cpu_seconds;
        let mut was_awake = false;
        let found = loop {
            let waited_before = waited(self.pid());
            let Some((before, after)) = self.window() else {
                break Err(Failure::new("a program that waits", "it has ended"));
            };
            // A thread that ended took its count with it.
            let wakes = after.switches.saturating_sub(before.switches);
            let cpu = after.cpu_seconds - before.cpu_seconds;
            // On a busy machine a program that never sleeps may get as little CPU time as an idle
            // one uses; but then it is queued for more.
            let waited = waited(self.pid()).saturating_sub(waited_before);
            let is_quiet = wakes < SWITCHES && cpu < CPU_SECONDS;
            if is_quiet && waited < WAITED && !is_runnable(self.pid()) {
                break Ok(());
            }
            was_awake |= !is_quiet;
            // It is never at rest, and has had time to be: by the clock, or in CPU time.
            if after.cpu_seconds - began > AWAKE_SECONDS || patience.is_out() {
                if !was_awake {
                    let got = format!("it waited for a CPU for {waited:.0?} of {WINDOW:?}");
                    break Err(Failure::of_machine(
                        "a machine that lets the program run",
                        &got,
                        TOO_BUSY,
                    ));
                }
                let spent = cpu * 1000.0;
                let got = format!("{wakes} wake-ups and {spent:.0} ms of CPU time in {WINDOW:?}");
                break Err(Failure::new(
                    "a program that sleeps until something happens",
                    got,
                ));
            }
        };
        Verdict::new(&self.timeline, found)
    }

    fn window(&self) -> Option<(Figures, Figures)> {
        let before = figures(self.pid())?;
        self.timeline.sleep(Instant::now() + WINDOW);
        let after = figures(self.pid())?;
        (!self.has_ended()).then_some((before, after))
    }
}

fn figures(pid: u32) -> Option<Figures> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let tasks = tasks.flatten().map(|task| task.path());
    let mut switches = 0;
    for task in tasks {
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        switches += field(&status, "voluntary_ctxt_switches:").unwrap_or_default();
    }
    Some(Figures {
        cpu_seconds: cpu_seconds(pid)?,
        memory_kib: field(&status, "VmRSS:")?,
        peak_memory_kib: field(&status, "VmHWM:")?,
        peak_address_space_kib: field(&status, "VmPeak:")?,
        threads: usize::try_from(field(&status, "Threads:")?).ok()?,
        descriptors: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count(),
        nonblocking: nonblocking(pid)?,
        switches,
    })
}

/// Counts the descriptors that are non-blocking: their status flags, which are in octal, include
/// `O_NONBLOCK`.
fn nonblocking(pid: u32) -> Option<usize> {
    let never_waits = |info: &String| {
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        flags.is_some_and(|flags| flags & OFlags::NONBLOCK.bits() != 0)
    };
    let infos = fs::read_dir(format!("/proc/{pid}/fdinfo")).ok()?;
    let infos = infos.flatten().map(|info| fs::read_to_string(info.path()));
    Some(infos.flatten().filter(never_waits).count())
}

/// Returns the user and system time of all threads, including those that have ended: fields 14 and
/// 15 of `stat`, in hundredths of a second (`sysconf(_SC_CLK_TCK)` is 100 wherever Linux runs
/// Rust's standard library).
fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name, in parentheses, and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(f64::from(ticks(11)? + ticks(12)?) / 100.0)
}

/// Returns the number after `name`, which begins a line of a `status` file.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
