//! CPU quotas. A container may have two CPUs and still be stopped for most of each tenth of a
//! second (`docker run --cpus 0.5`). A stopped process doesn't notice that, but its measurements
//! show it.
//!
//! Both hierarchies of control groups are read, cgroups(7): `cpu.max` and `cpu.stat` of version 2,
//! `cpu.cfs_quota_us`, `cpu.cfs_period_us` and `cpu.stat` of version 1. The quotas of parent groups
//! also count, as far as they are visible from here.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The tightest quota that applies to this process, and what it did during the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// How many CPUs' worth of time the process may use: 0.5 is half a CPU.
    pub processors: f64,
    /// In how many of the quota's periods the process was stopped, in any of its groups; and, in
    /// the next field, for how long, summed over all CPUs.
    pub throttled_periods: u64,
    pub throttled_ns: u64,
}

impl Quota {
    /// Reads the quota; `None` if there is none.
    pub fn read() -> Option<Quota> {
        let groups = groups(&file("/proc/self/cgroup"), &file("/proc/self/mountinfo"));
        let quotas: Vec<Quota> = groups.iter().filter_map(|group| of(group)).collect();
        let processors = quotas.iter().map(|quota| quota.processors);
        Some(Quota {
            processors: processors.min_by(f64::total_cmp)?,
            throttled_periods: quotas.iter().map(|quota| quota.throttled_periods).sum(),
            throttled_ns: quotas.iter().map(|quota| quota.throttled_ns).sum(),
        })
    }

    /// Reads the quota again, and returns it with what happened since `before`.
    pub fn since(before: Option<&Quota>) -> Option<Quota> {
        let now = Quota::read()?;
        let passed = |of: fn(&Quota) -> u64| of(&now).saturating_sub(before.map_or(0, of));
        Some(Quota {
            processors: now.processors,
            throttled_periods: passed(|quota| quota.throttled_periods),
            throttled_ns: passed(|quota| quota.throttled_ns),
        })
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} processors", self.processors)?;
        match self.throttled_periods {
            0 => write!(f, ", never throttled"),
            periods => write!(
                f,
                ", throttled in {periods} periods, for {:.2} s: run again without the quota",
                self.throttled_ns as f64 / 1e9
            ),
        }
    }
}

/// Returns the folders of the control groups that this process is in, of either version, and of
/// their parent groups.
fn groups(own: &str, mounts: &str) -> Vec<PathBuf> {
    let mut groups = Vec::new();
    for line in own.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let is_v2 = controllers.is_empty();
        if !is_v2 && !controllers.split(',').any(|name| name == "cpu") {
            continue;
        }
        let Some((root, point)) = mounts.lines().find_map(|line| mount(line, is_v2)) else {
            continue;
        };
        // In a container the mounted root may be the group itself, and the path may be the path
        // outside.
        let below = Path::new(path)
            .strip_prefix(root)
            .unwrap_or(Path::new(path));
        let below = below.strip_prefix("/").unwrap_or(below);
        let folders = below.ancestors().map(|below| Path::new(point).join(below));
        groups.extend(folders.filter(|folder| folder.is_dir()));
    }
    groups
}

/// Returns the root and the mount point from a line of mountinfo, if it is about this version.
fn mount(line: &str, is_v2: bool) -> Option<(&str, &str)> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let mut right = right.split(' ');
    let (root, point) = (left.next()?, left.next()?);
    let (kind, options) = (right.next()?, right.nth(1)?);
    let fits = match is_v2 {
        true => kind == "cgroup2",
        false => kind == "cgroup" && options.split(',').any(|option| option == "cpu"),
    };
    fits.then_some((root, point))
}

/// Reads a group's quota, if it has one.
fn of(group: &Path) -> Option<Quota> {
    let read = |name: &str| file(group.join(name));
    let (max, quota, period) = (
        read("cpu.max"),
        read("cpu.cfs_quota_us"),
        read("cpu.cfs_period_us"),
    );
    let (quota, period) = max
        .trim()
        .split_once(' ')
        .unwrap_or((quota.trim(), period.trim()));
    // `max` of version 2 is not a number, -1 of version 1 means no quota.
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    let stat = read("cpu.stat");
    let number = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    let nanoseconds = number("throttled_time ");
    let microseconds = number("throttled_usec ").map(|time| time * 1000);
    Some(Quota {
        processors: quota as f64 / period.max(1) as f64,
        throttled_periods: number("nr_throttled ").unwrap_or(0),
        throttled_ns: nanoseconds.or(microseconds).unwrap_or(0),
    })
}

fn file(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_a_quota_are_read_and_the_groups_above_count() {
        let root = tempfile::tempdir().unwrap();
        let (v1, v2) = (root.path().join("v1"), root.path().join("v2"));
        let write = |folder: &Path, files: &[(&str, &str)]| {
            fs::create_dir_all(folder).unwrap();
            for (name, text) in files {
                fs::write(folder.join(name), text).unwrap();
            }
        };
        write(
            &v1,
            &[
                ("cpu.cfs_quota_us", "-1\n"),
                ("cpu.cfs_period_us", "100000\n"),
            ],
        );
        let stat = "nr_periods 9\nnr_throttled 3\nthrottled_time 7000\n";
        let half = [
            ("cpu.cfs_quota_us", "50000\n"),
            ("cpu.cfs_period_us", "100000\n"),
            ("cpu.stat", stat),
        ];
        write(&v1.join("a"), &half);
        write(
            &v2.join("b"),
            &[
                ("cpu.max", "150000 100000\n"),
                ("cpu.stat", "nr_throttled 1\nthrottled_usec 7\n"),
            ],
        );
        write(&v2.join("b/c"), &[("cpu.max", "max 100000\n")]);
        let own = "5:cpuset:/x\n1:cpu,cpuacct:/outside/a\n0::/b/c\n";
        let mounts = format!(
            "30 1 0:1 /outside {} rw - cgroup cgroup rw,cpu,cpuacct\n31 1 0:2 / {} rw - cgroup2 cgroup2 rw\n",
            v1.display(),
            v2.display()
        );
        let found: Vec<Quota> = groups(own, &mounts)
            .iter()
            .filter_map(|group| of(group))
            .collect();
        let quota = |processors, throttled_periods, throttled_ns| Quota {
            processors,
            throttled_periods,
            throttled_ns,
        };
        assert_eq!(found, [quota(0.5, 3, 7000), quota(1.5, 1, 7000)]);
    }

    #[test]
    fn without_control_groups_there_is_no_quota() {
        assert!(groups("", "").is_empty());
        assert!(groups("0::/a\n", "no mount at all\n").is_empty());
    }
}
