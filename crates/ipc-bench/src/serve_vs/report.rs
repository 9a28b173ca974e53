//! What `serve-vs` measured, as a table and as JSON.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;

use crate::quota::Quota;
use crate::serve_vs::server::Server;
use crate::serve_vs::{SIZE, Slice, WINDOWS};
use crate::stats::{Spread, Tally, Values, paired_ratio, spread};
use crate::units::time_name;

/// The results of all slices of one scenario, for each server.
pub struct Scenario {
    pub active: usize,
    pub window: usize,
    servers: Vec<Slices>,
}

struct Slices {
    rates: Values,
    waits: Tally,
    processor: Values,
    failure: Option<String>,
}

impl Scenario {
    pub fn new(active: usize, window: usize, servers: usize) -> Scenario {
        let none = || Slices {
            rates: Values::default(),
            waits: Tally::new(),
            processor: Values::default(),
            failure: None,
        };
        Scenario {
            active,
            window,
            servers: std::iter::repeat_with(none).take(servers).collect(),
        }
    }

    /// Adds a slice. `processor` is the CPU time that the server used during it, in nanoseconds.
    pub fn add(&mut self, block: usize, server: usize, slice: &Slice, processor: Option<u64>) {
        let slices = &mut self.servers[server];
        slices.rates.add(block, slice.requests_per_s);
        slices.waits.add(block, &slice.waits);
        if let Some(ns) = processor {
            slices
                .processor
                .add(block, ns as f64 / slice.all_requests.max(1) as f64);
        }
    }

    pub fn fail(&mut self, server: usize, error: &io::Error) {
        self.servers[server].failure = Some(error.to_string());
    }

    fn figures(&self) -> Vec<Figures> {
        let of_one = |(number, slices): (usize, &Slices)| Figures {
            server: number,
            active: self.active,
            window: self.window,
            requests_per_s: slices.rates.median(),
            ratio: paired_ratio(&slices.rates, &self.servers[0].rates).map(|(spread, _)| spread),
            blocks: spread(
                &slices
                    .rates
                    .by_block()
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>(),
            ),
            p50_ns: slices.waits.p50.median(),
            p90_ns: slices.waits.percentile(0.9),
            p99_ns: slices.waits.percentile(0.99),
            samples: slices.waits.samples.len(),
            processor_ns: slices.processor.median(),
            failure: slices.failure.clone(),
        };
        self.servers.iter().enumerate().map(of_one).collect()
    }
}

/// The figures of one server in one scenario.
#[derive(Serialize)]
pub struct Figures {
    /// The server's index in `servers`.
    server: usize,
    active: usize,
    /// Requests in flight on each active connection.
    window: usize,
    /// Requests per second: the median over slices.
    requests_per_s: Option<f64>,
    /// The rate divided by the first server's, compared within blocks. Above 1, this server is
    /// faster.
    ratio: Option<Spread>,
    /// How the rate varied over blocks.
    blocks: Option<Spread>,
    /// The time from sending a window to receiving its last reply: the median over slices of each
    /// slice's median.
    p50_ns: Option<f64>,
    /// The 90th percentile of all samples.
    p90_ns: Option<u64>,
    p99_ns: Option<u64>,
    samples: u64,
    /// CPU time that the server used for each request, in nanoseconds: the median over slices.
    processor_ns: Option<f64>,
    failure: Option<String>,
}

/// The figures of a server that also holds idle clients.
#[derive(Serialize)]
pub struct Idle {
    pub address: String,
    pub connections: usize,
    /// Resident memory that each idle connection adds, in KiB.
    pub kib_per_connection: Option<f64>,
    pub threads: Option<u64>,
    /// The rate of 100 active clients among the idle ones, divided by their rate without them, at
    /// windows of 1 and 64. 1 means that idle clients have no effect.
    pub rate_among_idle: [Option<Spread>; 2],
    pub failure: Option<String>,
}

impl Idle {
    pub fn new(server: &Server, connections: usize) -> Idle {
        Idle {
            address: server.address.to_string(),
            connections,
            kib_per_connection: None,
            threads: None,
            rate_among_idle: [None; 2],
            failure: None,
        }
    }
}

#[derive(Serialize)]
struct Named {
    address: String,
    pid: Option<u32>,
    processors: Option<String>,
}

#[derive(Serialize)]
pub struct Report {
    schema: u32,
    blocks: usize,
    slice_ms: u128,
    size: usize,
    pub took_s: f64,
    pub stolen_share: f64,
    /// The CPU quota of the load generator, not of the servers.
    pub quota: Option<Quota>,
    servers: Vec<Named>,
    scenarios: Vec<Figures>,
    pub idle: Vec<Idle>,
}

impl Report {
    pub fn new(servers: &[Server], blocks: usize, slice: Duration) -> Report {
        let named = |server: &Server| Named {
            address: server.address.to_string(),
            pid: server.pid,
            processors: server.processors(),
        };
        Report {
            schema: 1,
            blocks,
            slice_ms: slice.as_millis(),
            size: SIZE,
            took_s: 0.0,
            stolen_share: 0.0,
            quota: None,
            servers: servers.iter().map(named).collect(),
            scenarios: Vec::new(),
            idle: Vec::new(),
        }
    }

    pub fn take(&mut self, scenarios: &[Scenario]) {
        self.scenarios = scenarios.iter().flat_map(Scenario::figures).collect();
    }

    pub fn print(&self, mut out: impl Write) -> io::Result<()> {
        for (number, server) in self.servers.iter().enumerate() {
            let pid = server
                .pid
                .map_or("process not visible".into(), |pid| format!("pid {pid}"));
            let where_ = server.processors.as_deref().unwrap_or("?");
            let Named { address, .. } = server;
            writeln!(
                out,
                "{}: {address} ({pid}, on CPUs {where_})",
                letter(number)
            )?;
        }
        writeln!(
            out,
            "\n{:<24}{:<8}{:>12}{:>22}{:>10}{:>10}{:>10}{:>15}{:>10}",
            "scenario",
            "server",
            "requests/s",
            "over A",
            "p50",
            "p90",
            "p99",
            "CPU/request",
            "samples"
        )?;
        for figures in &self.scenarios {
            figures.print(&mut out)?;
        }
        for (number, idle) in self.idle.iter().enumerate() {
            idle.print(number, &mut out)?;
        }
        writeln!(
            out,
            "\n{} blocks in {:.0} s, {:.2} % of the time stolen by the hypervisor",
            self.blocks,
            self.took_s,
            100.0 * self.stolen_share
        )?;
        if let Some(quota) = &self.quota {
            writeln!(out, "the load generator is under a CPU quota: {quota}")?;
        }
        Ok(())
    }

    /// Fails with one line that says how much is missing, if anything is.
    pub fn what_is_missing(&self) -> anyhow::Result<()> {
        let scenarios = self.scenarios.iter().map(|figures| &figures.failure);
        let idle = self.idle.iter().map(|idle| &idle.failure);
        match scenarios.chain(idle).flatten().count() {
            0 => Ok(()),
            count => bail!("{count} of the figures above could not be measured: see there"),
        }
    }
}

impl Figures {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let name = match self.server {
            0 => format!("{} active, window {}", self.active, self.window),
            _ => String::new(),
        };
        write!(out, "{name:<24}{:<8}", letter(self.server))?;
        if let Some(failure) = &self.failure {
            return writeln!(out, "  {failure}");
        }
        let time = |ns: Option<f64>| ns.map_or("?".into(), time_name);
        writeln!(
            out,
            "{:>12.0}{:>22}{:>10}{:>10}{:>10}{:>15}{:>10}",
            self.requests_per_s.unwrap_or_default(),
            ratio_name(self.ratio),
            time(self.p50_ns),
            time(self.p90_ns.map(|ns| ns as f64)),
            time(self.p99_ns.map(|ns| ns as f64)),
            time(self.processor_ns),
            self.samples
        )
    }
}

impl Idle {
    fn print(&self, number: usize, out: &mut impl Write) -> io::Result<()> {
        if number == 0 {
            writeln!(out)?;
        }
        write!(
            out,
            "{:<24}{:<8}",
            format!("{} idle", self.connections),
            letter(number)
        )?;
        if let Some(failure) = &self.failure {
            return writeln!(out, "  {failure}");
        }
        let known = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        writeln!(
            out,
            "{} KiB per connection, {} threads; rate of 100 active clients with them over without: \
             {} at window {}, {} at {}",
            known(self.kib_per_connection.map(|kib| format!("{kib:.3}"))),
            known(self.threads.map(|threads| threads.to_string())),
            ratio_name(self.rate_among_idle[0]),
            WINDOWS[0],
            ratio_name(self.rate_among_idle[1]),
            WINDOWS[1]
        )
    }
}

fn ratio_name(ratio: Option<Spread>) -> String {
    ratio.map_or("?".into(), |r| {
        format!("{:.3} ({:.3}-{:.3})", r.median, r.q1, r.q3)
    })
}

fn letter(number: usize) -> char {
    u8::try_from(number).map_or('?', |number| char::from(b'A'.saturating_add(number)))
}
