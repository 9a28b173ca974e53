//! Medians, quartiles and histograms, but no means: one stall of a shared machine moves a mean by
//! more than any difference that is worth knowing.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Returns the value below which `share` of the sorted values lie, interpolated linearly between
/// the two nearest values.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and `last`
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

/// A median with its quartiles: half the values lie between `q1` and `q3`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub q1: f64,
    pub q3: f64,
}

/// Returns the median and the quartiles; `None` if there are no values.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(Spread {
        median: percentile(&sorted, 0.5)?,
        q1: percentile(&sorted, 0.25)?,
        q3: percentile(&sorted, 0.75)?,
    })
}

/// The samples of one slice, in the form in which a measuring process reports them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recording {
    /// The slice's median, exact.
    pub p50: f64,
    /// Pairs of a time in nanoseconds, to three significant digits, and how many samples took that
    /// long.
    pub counts: Vec<(u64, u64)>,
}

impl Recording {
    /// Summarizes samples; `None` if there are none.
    pub fn of(samples: &[u64]) -> Option<Recording> {
        let mut sorted: Vec<f64> = samples.iter().map(|&ns| ns as f64).collect();
        sorted.sort_by(f64::total_cmp);
        let p50 = percentile(&sorted, 0.5)?;
        let mut histogram = new_histogram();
        for &ns in samples {
            histogram.saturating_record(ns);
        }
        let counts = histogram
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect();
        Some(Recording { p50, counts })
    }
}

/// One value for each slice, grouped by the blocks in which the slices were measured.
#[derive(Default)]
pub struct Values(Vec<Vec<f64>>);

impl Values {
    pub fn add(&mut self, block: usize, value: f64) {
        if self.0.len() <= block {
            self.0.resize_with(block + 1, Vec::new);
        }
        self.0[block].push(value);
    }

    pub fn slices(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Returns the median over all slices.
    pub fn median(&self) -> Option<f64> {
        spread(&self.0.concat()).map(|s| s.median)
    }

    /// Returns a value for each block: the median of its slices, or `None` for a block without
    /// slices.
    pub fn by_block(&self) -> Vec<Option<f64>> {
        self.0
            .iter()
            .map(|slices| spread(slices).map(|s| s.median))
            .collect()
    }
}

/// The combined result of the slices of one case.
pub struct Tally {
    /// The slices' medians.
    pub p50: Values,
    /// All samples of all slices.
    pub samples: Histogram<u64>,
}

impl Tally {
    pub fn new() -> Tally {
        Tally {
            p50: Values::default(),
            samples: new_histogram(),
        }
    }

    pub fn add(&mut self, block: usize, recording: &Recording) {
        self.p50.add(block, recording.p50);
        for &(ns, count) in &recording.counts {
            self.samples.saturating_record_n(ns, count);
        }
    }

    /// Returns a percentile of all samples, in nanoseconds; `None` if there are no samples.
    pub fn percentile(&self, share: f64) -> Option<u64> {
        (!self.samples.is_empty()).then(|| self.samples.value_at_quantile(share))
    }
}

/// Returns the ratios of `a` to `b` within blocks, where both had the same conditions, and the
/// number of blocks that have both. Above 1, `a` is larger.
pub fn paired_ratio(a: &Values, b: &Values) -> Option<(Spread, usize)> {
    let ratios: Vec<f64> = a
        .by_block()
        .into_iter()
        .zip(b.by_block())
        .filter_map(|(a, b)| Some(a? / b.filter(|&b| b > 0.0)?))
        .collect();
    Some((spread(&ratios)?, ratios.len()))
}

fn new_histogram() -> Histogram<u64> {
    // 1 ns to a minute: every slice has ended by then.
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 0.002 * b.abs()
    }

    /// Returns evenly spaced shares, from which tests generate distributions without randomness.
    fn shares(count: u32) -> impl Iterator<Item = f64> {
        (0..count).map(move |i| (f64::from(i) + 0.5) / f64::from(count))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn samples(quantile: impl Fn(f64) -> f64) -> Vec<u64> {
        shares(100_000)
            .map(|share| quantile(share).round() as u64)
            .collect()
    }

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        let s = spread(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((s.median, s.q1, s.q3), (2.5, 1.75, 3.25));
        assert_eq!(spread(&[7.0]).unwrap().q3, 7.0);
        assert!(spread(&[]).is_none());
    }

    #[test]
    fn percentiles_of_a_uniform_distribution_are_its_shares() {
        let uniform = samples(|share| 1e6 * share);
        let recording = Recording::of(&uniform).unwrap();
        assert!(close(recording.p50, 5e5));
        let mut tally = Tally::new();
        tally.add(0, &recording);
        for share in [0.1, 0.5, 0.9, 0.99] {
            assert!(
                close(tally.samples.value_at_quantile(share) as f64, 1e6 * share),
                "{share}"
            );
        }
        assert_eq!(tally.samples.len(), 100_000);
    }

    #[test]
    fn percentiles_of_an_exponential_distribution_are_its_logarithms() {
        let exponential = samples(|share| -1e5 * (1.0 - share).ln());
        let mut tally = Tally::new();
        tally.add(0, &Recording::of(&exponential).unwrap());
        for share in [0.5, 0.9, 0.99] {
            let expected = -1e5 * (1.0_f64 - share).ln();
            assert!(
                close(tally.samples.value_at_quantile(share) as f64, expected),
                "{share}"
            );
        }
    }

    #[test]
    fn a_stalled_slice_does_not_move_the_value() {
        let mut tally = Tally::new();
        for block in 0..20 {
            let usual = [1000, 1001, 1002];
            tally.add(block, &Recording::of(&usual).unwrap());
            tally.add(block, &Recording::of(&usual).unwrap());
        }
        tally.add(7, &Recording::of(&[50_000_000; 3]).unwrap());
        assert_eq!(tally.p50.median(), Some(1001.0));
    }

    #[test]
    fn a_ratio_is_taken_within_a_block() {
        // The machine gets ten times slower halfway: each block's ratio is still 2.
        let (mut a, mut b) = (Values::default(), Values::default());
        for (block, ns) in [(0, 100.0), (1, 100.0), (2, 1e3), (3, 1e3), (4, 1e3)] {
            b.add(block, ns);
            a.add(block, 2.0 * ns);
        }
        let (ratio, blocks) = paired_ratio(&a, &b).unwrap();
        assert_eq!(
            (ratio.median, ratio.q1, ratio.q3, blocks),
            (2.0, 2.0, 2.0, 5)
        );
    }

    #[test]
    fn a_block_without_a_partner_makes_no_ratio() {
        let (mut a, mut b) = (Values::default(), Values::default());
        a.add(0, 100.0);
        b.add(1, 100.0);
        assert!(paired_ratio(&a, &b).is_none());
    }
}
