//! What Linux knows about threads, in /proc
//! ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)): what they are doing now, how
//! long they ran, and how long they waited to run.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Whether there is a /proc like that of Linux.
pub(crate) fn has_proc() -> bool {
    Path::new("/proc/self/stat").exists()
}

/// Whether a thread of this process is running, would be running if a CPU were free, or has just
/// ended. If /proc isn't mounted, there is no way to know, and the result is true.
pub(crate) fn is_runnable(pid: u32) -> bool {
    if cfg!(target_os = "linux") && !has_proc() {
        return true;
    }
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let mut states = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| state(&task.path().join("stat")));
    states.any(|state| matches!(state, 'R' | 'Z'))
}

/// Returns how long the current threads of this process have been ready to run but got no CPU.
pub(crate) fn waited(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let turns = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| schedstat(&task.path()));
    Duration::from_nanos(turns.map(|(_, waited)| waited).sum())
}

/// Returns for how many nanoseconds a thread has run, and for how many it was waiting for a CPU.
fn schedstat(task: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(task.join("schedstat")).ok()?;
    let mut numbers = text.split(' ').map_while(|word| word.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Whether this thread of the check is running, or would be running if a CPU were free.
pub(crate) fn runs(thread: u32) -> bool {
    state(Path::new(&format!("/proc/self/task/{thread}/stat"))) == Some('R')
}

fn state(stat: &Path) -> Option<char> {
    let stat = fs::read_to_string(stat).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The CPU times of one test's threads, by thread ID. A thread that has ended keeps the values with
/// which it was last seen.
#[derive(Default)]
pub(crate) struct Turns {
    seen: HashMap<u32, Turn>,
    /// How late the check's own threads woke up, in total.
    pub late: Duration,
}

struct Turn {
    is_program: bool,
    /// For how many nanoseconds the thread has run; and, in the next field, was waiting for a CPU.
    ran: u64,
    waited: u64,
}

impl Turns {
    /// Reads the CPU times of all threads of `processes`, and of the threads `own` of this process.
    pub fn look(&mut self, processes: &[u32], own: &[u32]) {
        for pid in processes {
            let tasks = fs::read_dir(format!("/proc/{pid}/task"));
            let names = tasks.into_iter().flatten().flatten();
            for thread in names.filter_map(|task| task.file_name().to_str()?.parse().ok()) {
                self.note(*pid, thread, true);
            }
        }
        let this = std::process::id();
        own.iter()
            .for_each(|thread| self.note(this, *thread, false));
    }

    fn note(&mut self, pid: u32, thread: u32, is_program: bool) {
        let task = format!("/proc/{pid}/task/{thread}");
        if let Some((ran, waited)) = schedstat(Path::new(&task)) {
            let turn = Turn {
                is_program,
                ran,
                waited,
            };
            self.seen.insert(thread, turn);
        }
    }

    /// Returns how long all these threads together have been ready to run but got no CPU.
    pub fn kept(&self) -> Duration {
        let waited = self.seen.values().map(|turn| turn.waited).sum();
        self.late.max(Duration::from_nanos(waited))
    }

    /// Returns how long the programs' threads have run.
    pub fn ran(&self) -> Duration {
        let programs = self.seen.values().filter(|turn| turn.is_program);
        Duration::from_nanos(programs.map(|turn| turn.ran).sum())
    }
}

/// Returns this thread's ID, as the system counts threads.
pub(crate) fn this_thread() -> Option<u32> {
    #[cfg(target_os = "linux")]
    return u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).ok();
    #[cfg(not(target_os = "linux"))]
    return None;
}
