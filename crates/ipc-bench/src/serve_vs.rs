//! `ipc-bench serve-vs`: puts several running servers under the same load, and compares them. The
//! servers must speak the frames of `shared-proto`; there are no other requirements.
//!
//! All servers share the conditions of the machine: slices of 20 ms are shuffled, and ratios to the
//! first server are computed within a block. What differs is where each server's memory happened to
//! be when it was started, which it keeps. To judge a small difference, restart the servers and run
//! again.
//!
//! `--json FILE` writes, with all times in nanoseconds and `null` for what could not be read:
//!
//! ```json
//! { "schema": 1, "blocks": 20, "slice_ms": 20, "size": 64, "took_s": 25.0, "stolen_share": 0.0,
//!   "servers": [{ "address": "127.0.0.1:7878", "pid": 71, "processors": "0-1" }],
//!   "scenarios": [...],    see [`report::Scenario`]
//!   "idle": [...] }        see [`report::Idle`]
//! ```

mod client;
mod idle;
mod load;
mod report;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::ProgressBar;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::environment::Ticks;
use crate::interrupt;
use crate::output;
use crate::places;
use crate::quota::Quota;
use crate::run::{progress_bar, shuffled};
use client::Client;
use load::{Load, Slice};
use report::{Report, Scenario};
use server::Server;

pub use client::{Address, Named};

pub const IN_WORDS: &str = "Each block connects 1, 100 and 1,000 clients to every server in turn \
                            and keeps them all active, with 1 and with 64 requests of 64 B in \
                            flight on each: shuffled slices of 20 ms, and ratios of the rates \
                            within the block, relative to the first server. Then each server gets \
                            idle clients, to measure how much memory one costs and how much they \
                            slow down 100 active ones. Start the servers with a limit above the \
                            number of idle clients (--max-clients 20000). To see the noise, name \
                            one server twice.";

pub const SIZE: usize = 64;
const SLICE: Duration = Duration::from_millis(20);
/// The number of slices per block, for each server in each scenario.
const SLICES: usize = 2;
const ACTIVE: [usize; 3] = [1, 100, 1000];
const WINDOWS: [usize; 2] = [1, 64];

pub struct Options {
    pub addresses: Vec<Named>,
    pub blocks: usize,
    pub idle: usize,
    /// The load generator's CPUs; if empty, the scheduler chooses.
    pub cpus: Vec<usize>,
    pub json: Option<PathBuf>,
}

pub fn main(options: &Options) -> anyhow::Result<()> {
    let (start, ticks, quota) = (Instant::now(), Ticks::read(), Quota::read());
    if let Some(path) = &options.json {
        let name = path.file_name().and_then(|name| name.to_str());
        let folder = path.parent().unwrap_or(Path::new(""));
        places::can_write(folder, &[name.unwrap_or_default()])?;
    }
    if !options.cpus.is_empty() {
        crate::processors::stay_on(&options.cpus)?;
    }
    let descriptors = raise_descriptor_limit();
    let servers: Vec<Server> = options
        .addresses
        .iter()
        .map(Server::visit)
        .collect::<anyhow::Result<_>>()?;
    let mut report = Report::new(&servers, options.blocks, SLICE);
    report.idle = idle::measure(&servers, options.idle, descriptors)?;

    let progress = progress_bar(options.blocks * ACTIVE.len());
    let mut scenarios = scenarios(servers.len());
    for block in 0..options.blocks {
        for active in ACTIVE {
            let of_this = scenarios
                .iter_mut()
                .filter(|s| s.active == active)
                .collect();
            run_scenarios(block, active, &servers, of_this, &progress)?;
            progress.inc(1);
        }
    }
    progress.finish_and_clear();

    report.take(&scenarios);
    report.took_s = start.elapsed().as_secs_f64();
    report.stolen_share = ticks.shares_until(&Ticks::read()).stolen;
    report.quota = Quota::since(quota.as_ref());
    // Each is useful without the other: first what the user is waiting for.
    let printed = output::print(|out| Ok(report.print(out)?));
    if let Some(path) = &options.json {
        fs::write(path, serde_json::to_string_pretty(&report)? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    printed?;
    report.what_is_missing()
}

fn scenarios(servers: usize) -> Vec<Scenario> {
    let pairs = ACTIVE
        .into_iter()
        .flat_map(|active| WINDOWS.map(|window| (active, window)));
    pairs
        .map(|(active, window)| Scenario::new(active, window, servers))
        .collect()
}

/// Runs all scenarios. All servers keep their clients connected throughout; each slice puts one of
/// them under load.
fn run_scenarios(
    block: usize,
    active: usize,
    servers: &[Server],
    mut scenarios: Vec<&mut Scenario>,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let mut loads = Vec::new();
    for (number, server) in servers.iter().enumerate() {
        match Client::connect_many(&server.address, active) {
            Ok(clients) => loads.push(Some(Load::new(clients)?)),
            Err(error) => {
                interrupt::check()?;
                for scenario in &mut scenarios {
                    scenario.fail(number, &error);
                }
                loads.push(None);
            }
        }
    }
    for (turn, number) in turns(scenarios.len(), servers.len()) {
        interrupt::check()?;
        progress.tick();
        let Some(load) = &mut loads[number] else {
            continue;
        };
        let scenario = &mut *scenarios[turn];
        let busy = servers[number].processor_time();
        match load.run(scenario.window, SLICE) {
            Ok(slice) => scenario.add(block, number, &slice, servers[number].since(busy)),
            Err(error) => {
                interrupt::check()?;
                scenario.fail(number, &error);
                loads[number] = None; // its connections are in an unknown state
            }
        }
    }
    Ok(())
}

/// Returns pairs of a scenario and a server, in shuffled order.
fn turns(scenarios: usize, servers: usize) -> Vec<(usize, usize)> {
    let all = (0..scenarios).flat_map(|s| (0..servers).map(move |server| (s, server)));
    let once: Vec<(usize, usize)> = all.collect();
    shuffled(&once.repeat(SLICES))
}

/// Raises the limit on descriptors as far as possible, and returns it.
fn raise_descriptor_limit() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .ok(); // then fewer idle ones
    let now = getrlimit(Resource::Nofile).current;
    now.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}
