//! Which CPUs the machine has, and pinning a process to some of them.

use std::fs;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::case::Regime;

/// Returns the CPUs that this process may use, from `sched_getaffinity(2)`.
pub fn allowed() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .collect())
}

pub fn stay_on(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// Where the two processes of a measurement run.
#[derive(Clone, Debug)]
pub struct Placement {
    all: Vec<usize>,
    first: usize,
    /// The second CPU; `None` if there is only one.
    second: Option<usize>,
}

impl Placement {
    /// Chooses two CPUs: the last one allowed, which seldom serves interrupts, and if possible
    /// another one that isn't a hardware thread of the same core.
    pub fn choose(all: Vec<usize>) -> Option<Placement> {
        let first = *all.last()?;
        let siblings = siblings(first);
        let others = || all.iter().rev().copied().filter(|&cpu| cpu != first);
        let second = others()
            .find(|cpu| !siblings.contains(cpu))
            .or_else(|| others().next());
        Some(Placement { all, first, second })
    }

    /// Uses the CPUs that `--cpus` names.
    pub fn given(all: Vec<usize>, wanted: &[usize]) -> Placement {
        Placement {
            all,
            first: wanted[0],
            second: wanted.get(1).copied(),
        }
    }

    /// Returns the CPUs of the asking process and of the answering one; `None` if there are too
    /// few.
    pub fn of(&self, regime: Regime) -> Option<[Vec<usize>; 2]> {
        match regime {
            Regime::StackAlone | Regime::OneCore => Some([vec![self.first], vec![self.first]]),
            Regime::TwoCores => Some([vec![self.first], vec![self.second?]]),
            Regime::Unpinned => Some([self.all.clone(), self.all.clone()]),
        }
    }
}

/// Returns the hardware threads of this CPU's core, itself included, from the kernel's topology.
fn siblings(cpu: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    parse_list(&fs::read_to_string(path).unwrap_or_default())
}

/// Parses a list of CPUs as the kernel writes it: `0-3,8`.
pub fn parse_list(text: &str) -> Vec<usize> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.trim().parse::<usize>(), to.trim().parse::<usize>()) {
            cpus.extend(from..=to.min(CpuSet::MAX_CPU));
        }
    }
    cpus
}

/// Formats a list of CPUs: `0-3, 8`.
pub fn list_name(cpus: &[usize]) -> String {
    let runs = cpus.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        many => format!("{}-{}", many[0], many[many.len() - 1]),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_written_as_the_kernel_does() {
        assert_eq!(parse_list("0-2,8\n"), [0, 1, 2, 8]);
        assert_eq!(parse_list("5"), [5]);
        assert!(parse_list("").is_empty());
        assert_eq!(list_name(&[0, 1, 2, 8]), "0-2, 8");
    }

    #[test]
    fn a_single_processor_has_no_second_core() {
        let alone = Placement::choose(vec![3]).expect("one is enough");
        assert_eq!(alone.of(Regime::OneCore), Some([vec![3], vec![3]]));
        assert_eq!(alone.of(Regime::TwoCores), None);
    }
}
