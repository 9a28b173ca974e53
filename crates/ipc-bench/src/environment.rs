//! Describes the machine of a run. Everything is read from the system or reported by the measuring
//! processes; nothing is assumed.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::case::{Regime, Transport};
use crate::channel::Facts;
use crate::exchange;
use crate::processors::list_name;
use crate::quota::Quota;
use crate::run::Outcome;

/// From this share of CPU time on, the report says that other processes interfered.
const BUSY: f64 = 0.1;

/// The machine and its state during the run, as `report.json` contains them. A string that could
/// not be read is `unknown`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// The system's name, its release and the machine's architecture, from `uname(2)`.
    pub kernel: String,
    /// The CPU's model, from `/proc/cpuinfo`.
    pub cpu: String,
    /// How many CPUs this process may use.
    pub processors: usize,
    /// Whether this is a virtual machine: whether `/proc/cpuinfo` has the flag `hypervisor`.
    pub virtual_machine: bool,
    /// The frequency governor of the first measuring process's CPU.
    pub governor: String,
    /// The clock source that the kernel uses.
    pub clock: String,
    /// The cost of reading the clock, in nanoseconds. It is part of every sample.
    pub clock_ns: f64,
    /// The load average over the minute before the run began.
    pub load_average: f64,
    /// The share of all CPU time that the hypervisor gave to other machines during the run.
    pub stolen_share: f64,
    /// The share of all CPU time that this machine's other processes used during the run. A busy
    /// machine doesn't only lengthen the tail of a distribution: it also changes the scheduler's
    /// choices, and so the medians.
    pub others_share: f64,
    /// The CPU quota that applied to the run, if any, and how often it stopped the run.
    #[serde(default)]
    pub quota: Option<Quota>,
    /// The CPUs on which the measuring processes themselves reported that they were allowed to run.
    pub pinning: Vec<Pinning>,
    /// The initial settings of a new connection of each transport.
    pub connections: Vec<Connection>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pinning {
    pub regime: Regime,
    /// A list of CPUs, written as the kernel does: `0-3, 8`.
    pub asking: String,
    pub answering: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Connection {
    pub transport: Transport,
    #[serde(flatten)]
    pub facts: Facts,
}

impl Environment {
    /// Reads the environment after the run. `before` was read when the run began.
    pub fn read(before: &Before, outcome: &Outcome) -> Environment {
        let shares = before.ticks.shares_until(&Ticks::read());
        let cpuinfo = file("/proc/cpuinfo");
        let first = outcome
            .cpus
            .values()
            .next()
            .and_then(|[asking, _]| asking.first().copied());
        Environment {
            kernel: kernel(),
            cpu: cpu_field(&cpuinfo, "model name").unwrap_or_else(|| machine("unknown")),
            processors: crate::processors::allowed().map_or(0, |cpus| cpus.len()),
            virtual_machine: cpu_field(&cpuinfo, "flags")
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            governor: governor(first.unwrap_or(0)),
            clock: or_unknown(&file(
                "/sys/devices/system/clocksource/clocksource0/current_clocksource",
            )),
            clock_ns: exchange::clock_cost(),
            load_average: before.load_average,
            stolen_share: shares.stolen,
            others_share: shares.others,
            quota: Quota::since(before.quota.as_ref()),
            pinning: outcome
                .cpus
                .iter()
                .map(|(&regime, [asking, answering])| Pinning {
                    regime,
                    asking: list_name(asking),
                    answering: list_name(answering),
                })
                .collect(),
            connections: outcome
                .facts
                .iter()
                .map(|(&transport, facts)| Connection {
                    transport,
                    facts: facts.clone(),
                })
                .collect(),
        }
    }

    /// Returns the lines of the report, each with a name and a text.
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines = vec![
            ("kernel".to_owned(), self.kernel.clone()),
            ("processor".to_owned(), self.processor_line()),
            ("frequency governor".to_owned(), self.governor.clone()),
            (
                "clock".to_owned(),
                format!("{}, {:.0} ns a reading", self.clock, self.clock_ns),
            ),
            (
                "load before the run".to_owned(),
                format!("{:.2}", self.load_average),
            ),
            (
                "stolen by the hypervisor".to_owned(),
                format!("{:.2} % of the time", 100.0 * self.stolen_share),
            ),
            ("taken by other processes".to_owned(), self.others_line()),
            (
                "processor quota".to_owned(),
                self.quota
                    .as_ref()
                    .map_or_else(|| "none".to_owned(), Quota::to_string),
            ),
        ];
        for Pinning {
            regime,
            asking,
            answering,
        } in &self.pinning
        {
            let line = match regime {
                Regime::StackAlone => format!("one process, on {asking}"),
                _ => format!("asking on {asking}, answering on {answering}"),
            };
            lines.push((format!("processors, {}", regime.name()), line));
        }
        for Connection { transport, facts } in &self.connections {
            lines.push((
                format!("buffers, {}", transport.name()),
                buffers(*transport, facts),
            ));
            if let Some(name) = &facts.congestion {
                lines.push(("congestion control".to_owned(), name.clone()));
            }
        }
        lines
    }

    fn others_line(&self) -> String {
        let advice = match self.others_share {
            share if share > BUSY => ": run again when the machine is quiet",
            _ => "",
        };
        format!("{:.1} % of the time{advice}", 100.0 * self.others_share)
    }

    fn processor_line(&self) -> String {
        let virtual_ = if self.virtual_machine {
            ", virtual"
        } else {
            ""
        };
        format!("{}, {} usable{virtual_}", self.cpu, self.processors)
    }
}

fn buffers(transport: Transport, facts: &Facts) -> String {
    match transport {
        Transport::Pipe => format!("{} B", facts.send_buffer),
        _ => format!(
            "sending {} B, receiving {} B",
            facts.send_buffer, facts.receive_buffer
        ),
    }
}

/// What has to be read before the run.
pub struct Before {
    load_average: f64,
    ticks: Ticks,
    quota: Option<Quota>,
}

impl Before {
    pub fn read() -> Before {
        let load = file("/proc/loadavg");
        let load_average = load.split(' ').next().and_then(|word| word.parse().ok());
        Before {
            load_average: load_average.unwrap_or(0.0),
            ticks: Ticks::read(),
            quota: Quota::read(),
        }
    }
}

/// CPU time in clock ticks: of the whole system since it started, from the first line of
/// `/proc/stat`, and of this process and those of its children that have ended, from
/// `/proc/self/stat`. See proc(5).
pub struct Ticks {
    stolen: u64,
    idle: u64,
    all: u64,
    own: u64,
}

/// CPU time used by others, as shares of all CPU time.
pub struct Shares {
    pub stolen: f64,
    pub others: f64,
}

impl Ticks {
    pub fn read() -> Ticks {
        Ticks::parse(&file("/proc/stat"), &file("/proc/self/stat"))
    }

    fn parse(system: &str, own: &str) -> Ticks {
        let line = system.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; what follows is part of user and nice.
        let ticks = numbers(line.strip_prefix("cpu").unwrap_or_default(), 0, 8);
        // The second field is a name in parentheses that may hold anything. Behind it: utime,
        // stime, cutime, cstime are the fields 14 to 17, the twelfth to fifteenth from there.
        let fields = own.rsplit_once(')').map_or("", |(_, fields)| fields);
        let of = |place: usize| ticks.get(place).copied().unwrap_or(0);
        Ticks {
            stolen: of(7),
            idle: of(3) + of(4),
            all: ticks.iter().sum(),
            own: numbers(fields, 11, 4).iter().sum(),
        }
    }

    pub fn shares_until(&self, later: &Ticks) -> Shares {
        let passed = |of: fn(&Ticks) -> u64| of(later).saturating_sub(of(self));
        let (stolen, all) = (passed(|t| t.stolen), passed(|t| t.all));
        let known = passed(|t| t.idle) + passed(|t| t.own) + stolen;
        let share = |ticks: u64| ticks as f64 / all.max(1) as f64;
        Shares {
            stolen: share(stolen),
            others: share(all.saturating_sub(known)),
        }
    }
}

fn numbers(words: &str, from: usize, count: usize) -> Vec<u64> {
    let words = words.split_whitespace().skip(from).take(count);
    words.map(|word| word.parse().unwrap_or(0)).collect()
}

fn kernel() -> String {
    let names = rustix::system::uname();
    let words = [names.sysname(), names.release(), names.machine()];
    words.map(|word| word.to_string_lossy()).join(" ")
}

fn machine(otherwise: &str) -> String {
    rustix::system::uname()
        .machine()
        .to_str()
        .unwrap_or(otherwise)
        .to_owned()
}

fn governor(cpu: usize) -> String {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
    match file(&path).trim() {
        "" => "not visible here (as in most virtual machines)".to_owned(),
        name => name.to_owned(),
    }
}

fn cpu_field(cpuinfo: &str, name: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn or_unknown(text: &str) -> String {
    match text.trim() {
        "" => "unknown".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_idle_nor_stolen_nor_ours_was_others() {
        let before = Ticks::parse("cpu  100 0 0 100 0 0 0 50 7 7\ncpu0 1 2 3\n", "1 (a) b) R");
        let own = "1 (a) b) R 2 3 4 5 6 7 8 9 10 11 20 5 3 2 20";
        let after = Ticks::parse("cpu  150 0 0 120 5 0 0 75 9 9\n", own);
        let Shares { stolen, others } = before.shares_until(&after);
        assert!(
            (stolen - 0.25).abs() < 1e-9 && (others - 0.20).abs() < 1e-9,
            "{stolen} {others}"
        );
    }

    #[test]
    fn a_machine_without_the_files_was_robbed_of_nothing() {
        let nothing = Ticks::parse("", "");
        let Shares { stolen, others } = nothing.shares_until(&Ticks::parse("", ""));
        assert!(stolen.abs() < 1e-9 && others.abs() < 1e-9);
    }
}
