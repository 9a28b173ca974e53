//! The report, and the schema of `report.json`.
//!
//! ```json
//! { "schema": 1,                  goes up when a field changes its meaning or goes away
//!   "program": "ipc-bench 0.1.0",
//!   "began": 1766000000,          seconds since 1970, UTC
//!   "took_s": 41.2,
//!   "blocks": 20,
//!   "environment": {...},         see [`crate::environment::Environment`]
//!   "figures": [...],             see [`Figure`]
//!   "ratios": [...],              see [`Ratio`]
//!   "failures": [...] }           see [`Failure`]: what is missing from the figures, and why
//! ```
//!
//! The names in it: `measure` is `round-trip`, `connect`, `bulk`, `scheduled` or `intended` (the
//! last two are the same round trips, timed from sending and from the scheduled time); `regime` is
//! `stack-alone`, `one-core`, `two-cores` or `unpinned`; `transport` is `unix-stream`,
//! `unix-seqpacket`, `unix-datagram`, `pipe`, `tcp` or `udp`. Sizes are bytes in a message (each
//! way), of `bulk` bytes in a write. All times are nanoseconds: of a round trip there and back,
//! except that `stack-alone` is one way; of `bulk` the time that one MiB takes.

mod html;
mod plot;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::case::{Measure, Regime, Transport};
use crate::environment::Environment;

pub use table::print;

pub const SCHEMA: u32 = 1;

/// The files that [`Report::write_to`] creates.
pub const FILES: [&str; 3] = ["report.json", "report.html", "report.svg"];

#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    pub program: String,
    pub began: u64,
    pub took_s: f64,
    pub blocks: usize,
    pub environment: Environment,
    pub figures: Vec<Figure>,
    pub ratios: Vec<Ratio>,
    pub failures: Vec<Failure>,
}

/// How long one operation takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    pub measure: Measure,
    pub regime: Regime,
    pub size: usize,
    pub transport: Transport,
    /// The value to quote, in nanoseconds: the median over slices of each slice's median.
    pub p50_ns: f64,
    /// The 90th percentile of all samples of all slices, in nanoseconds: a stall shows here.
    pub p90_ns: u64,
    pub p99_ns: u64,
    pub max_ns: u64,
    /// The quartiles over blocks of each block's median, in nanoseconds. They show how steady the
    /// value was.
    pub q1_ns: f64,
    pub q3_ns: f64,
    pub samples: u64,
    pub slices: usize,
    pub blocks: usize,
    /// Points of the distribution, as `[share, nanoseconds]`: this share of all samples took at
    /// most this long.
    pub cdf: Vec<(f64, u64)>,
}

/// One transport's time divided by another's at the same task, compared within blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ratio {
    pub measure: Measure,
    pub regime: Regime,
    pub size: usize,
    pub transport: Transport,
    pub over: Transport,
    /// The median over blocks. Above 1, `transport` takes longer than `over`. The next fields are
    /// the quartiles.
    pub ratio: f64,
    pub q1: f64,
    pub q3: f64,
    pub blocks: usize,
}

/// A case that could not be measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    pub case: String,
    pub reason: String,
}

impl Report {
    pub fn figure(
        &self,
        measure: Measure,
        regime: Regime,
        size: usize,
        transport: Transport,
    ) -> Option<&Figure> {
        self.figures.iter().find(|figure| {
            (figure.measure, figure.regime, figure.size, figure.transport)
                == (measure, regime, size, transport)
        })
    }

    /// Returns a transport's ratio to the Unix stream.
    pub fn ratio(
        &self,
        measure: Measure,
        regime: Regime,
        size: usize,
        transport: Transport,
    ) -> Option<&Ratio> {
        self.ratios.iter().find(|ratio| {
            (ratio.measure, ratio.regime, ratio.size, ratio.transport)
                == (measure, regime, size, transport)
        })
    }

    /// Fails with one line that says what is missing from the report, if anything is.
    pub fn what_is_missing(&self) -> anyhow::Result<()> {
        match self.failures.len() {
            0 => Ok(()),
            1 => bail!("one case could not be measured: see `not measured` above"),
            count => bail!("{count} cases could not be measured: see `not measured` above"),
        }
    }

    /// Writes `report.html`, `report.svg` and `report.json`, each completely or not at all.
    pub fn write_to(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        let svg = plot::draw(self)?;
        let html = html::page(self, &svg);
        for (name, text) in FILES.into_iter().zip([json, html, svg]) {
            let (path, unfinished) = (folder.join(name), folder.join(format!(".{name}.new")));
            fs::write(&unfinished, text)
                .and_then(|()| fs::rename(&unfinished, &path))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}
