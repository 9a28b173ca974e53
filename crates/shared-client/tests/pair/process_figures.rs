//! What the kernel says of a process: memory, time, descriptors. Linux tells it under `/proc`.

use super::skipped;
use rustix::process::Pid;
use std::fs;
use std::time::Duration;

/// Whether there is a `/proc` to read; else says that the test is skipped.
pub fn known() -> bool {
    let known = cfg!(target_os = "linux");
    if !known {
        skipped("it reads /proc, which this system lacks");
    }
    known
}

/// Its memory that is in use.
pub fn resident_bytes(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

/// The time that it has computed until now, to 10 ms.
pub fn cpu_time(pid: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The second field is the program's name, and may hold blanks: proc_pid_stat(5).
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// The number that the next descriptor which it opens will have: the lowest that is free. A server
/// may have inherited higher ones.
pub fn next_descriptor(pid: Pid) -> u64 {
    let is_free = |number: &u64| fs::symlink_metadata(format!("/proc/{pid}/fd/{number}")).is_err();
    (0..).find(is_free).unwrap()
}
