//! Turns slices into the content of the report: figures and ratios.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::case::{Case, Transport};
use crate::report::{Failure, Figure, Ratio};
use crate::run::Outcome;
use crate::stats::{Tally, paired_ratio, spread};

/// The shares at which the curve of a distribution is computed.
const SHARES: [f64; 27] = [
    0.001, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7,
    0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99, 0.995, 0.999, 0.9999,
];

pub fn figures(outcome: &Outcome) -> Vec<Figure> {
    outcome
        .tallies
        .iter()
        .filter_map(|(case, tally)| figure(case, tally))
        .collect()
}

fn figure(case: &Case, tally: &Tally) -> Option<Figure> {
    let blocks: Vec<f64> = tally.p50.by_block().into_iter().flatten().collect();
    let over_blocks = spread(&blocks)?;
    Some(Figure {
        measure: case.measure,
        regime: case.regime,
        size: case.size,
        transport: case.transport,
        p50_ns: tally.p50.median()?,
        p90_ns: tally.samples.value_at_quantile(0.9),
        p99_ns: tally.samples.value_at_quantile(0.99),
        max_ns: tally.samples.max(),
        q1_ns: over_blocks.q1,
        q3_ns: over_blocks.q3,
        samples: tally.samples.len(),
        slices: tally.p50.slices(),
        blocks: blocks.len(),
        cdf: curve(&tally.samples),
    })
}

/// Returns the points of a distribution as `[share, nanoseconds]`, both rising.
fn curve(samples: &Histogram<u64>) -> Vec<(f64, u64)> {
    // A share of fewer than one sample in all would draw the largest one again.
    let known = |share: &&f64| (1.0 - **share) * samples.len() as f64 >= 1.0;
    SHARES
        .iter()
        .filter(known)
        .map(|&s| (s, samples.value_at_quantile(s)))
        .collect()
}

/// Returns each transport's ratio to the Unix stream at the same task. Above 1, the transport is
/// slower.
pub fn ratios(outcome: &Outcome) -> Vec<Ratio> {
    let base = Transport::UnixStream;
    let pairs = outcome
        .tallies
        .iter()
        .filter(|(case, _)| case.transport != base);
    pairs
        .filter_map(|(case, tally)| ratio(case, tally, &outcome.tallies, base))
        .collect()
}

fn ratio(
    case: &Case,
    tally: &Tally,
    tallies: &BTreeMap<Case, Tally>,
    base: Transport,
) -> Option<Ratio> {
    let (spread, blocks) = paired_ratio(
        &tally.p50,
        &tallies
            .get(&Case {
                transport: base,
                ..*case
            })?
            .p50,
    )?;
    Some(Ratio {
        measure: case.measure,
        regime: case.regime,
        size: case.size,
        transport: case.transport,
        over: base,
        ratio: spread.median,
        q1: spread.q1,
        q3: spread.q3,
        blocks,
    })
}

pub fn failures(outcome: &Outcome) -> Vec<Failure> {
    let failed = outcome.failed().into_iter();
    failed
        .map(|(case, reason)| Failure {
            case,
            reason: reason.to_owned(),
        })
        .collect()
}
