//! Converts time to height. Events that are close together are listed line by line; a wait that is
//! longer than a line gets a height that shows how long it was.

use std::time::Duration;

/// A moment, and how much room the items drawn there need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub at: Duration,
    pub above: f64,
    pub below: f64,
    /// Whether something is left out before it, so that the time before it means nothing.
    pub is_cut: bool,
}

/// A wait that is drawn taller than the lines around it need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub from: Duration,
    pub until: Duration,
    pub top: f64,
    pub bottom: f64,
}

/// The heights of all moments, in the order of time, and the waits between them.
pub(super) struct Scale {
    pub heights: Vec<f64>,
    pub waits: Vec<Wait>,
}

/// The largest height of one wait; and, in the next constant, of all waits together.
const TALLEST: f64 = 170.0;
const TALLEST_SUM: f64 = 560.0;
/// The largest height of one millisecond of a wait.
const MILLISECOND: f64 = 1.0;
/// A wait gets a label if it is taller than its lines by at least this much.
const WORTH: f64 = 40.0;

impl Scale {
    pub fn new(moments: &[Moment], top: f64) -> Self {
        let gaps: Vec<f64> = gaps(moments);
        let longest = gaps.iter().copied().fold(0.0, f64::max);
        let sum: f64 = gaps.iter().sum();
        let per_ms = (TALLEST / longest.max(0.001))
            .min(TALLEST_SUM / sum.max(0.001))
            .min(MILLISECOND);
        let (mut heights, mut waits) = (Vec::new(), Vec::new());
        let mut bottom = top;
        for (index, moment) in moments.iter().enumerate() {
            let close = bottom + moment.above;
            let before = heights.last().copied().unwrap_or(top);
            let far = before + gaps[index] * per_ms;
            if far > close + WORTH {
                waits.push(Wait {
                    from: moments[index - 1].at,
                    until: moment.at,
                    top: before,
                    bottom: far,
                });
            }
            heights.push(close.max(far));
            bottom = close.max(far) + moment.below;
        }
        Self { heights, waits }
    }
}

/// Returns how many milliseconds passed before each moment.
fn gaps(moments: &[Moment]) -> Vec<f64> {
    let gap = |pair: &[Moment]| match pair[1].is_cut {
        true => 0.0,
        false => pair[1].at.saturating_sub(pair[0].at).as_secs_f64() * 1000.0,
    };
    std::iter::once(0.0)
        .chain(moments.windows(2).map(gap))
        .collect()
}

impl Wait {
    /// Returns round times within the wait, with their heights, that are far enough from each other
    /// and from the wait's ends.
    pub fn ticks(&self) -> Vec<(Duration, f64)> {
        const APART: f64 = 26.0;
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let per_ms = (self.bottom - self.top) / ms(self.until.saturating_sub(self.from)).max(0.001);
        let steps: [u32; 11] = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];
        let Some(step) = steps
            .into_iter()
            .find(|step| f64::from(*step) * per_ms >= APART)
        else {
            return Vec::new();
        };
        let mut ticks = Vec::new();
        let mut at = Duration::ZERO;
        while at < self.until {
            let height = self.top + (ms(at) - ms(self.from)) * per_ms;
            if height > self.top + APART / 2.0 && height < self.bottom - APART / 2.0 {
                ticks.push((at, height));
            }
            at += Duration::from_millis(step.into());
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(times: &[u64]) -> Vec<Moment> {
        let moment = |ms: &u64| Moment {
            at: Duration::from_millis(*ms),
            above: 10.0,
            below: 10.0,
            is_cut: false,
        };
        times.iter().map(moment).collect()
    }

    #[test]
    fn waits_are_drawn_to_one_scale() {
        let scale = Scale::new(&moments(&[0, 1, 1001, 3001]), 0.0);
        let tall: Vec<f64> = scale.waits.iter().map(|w| w.bottom - w.top).collect();
        assert_eq!(scale.waits.len(), 2);
        assert!((tall[1] - TALLEST).abs() < 0.1 && (tall[1] - 2.0 * tall[0]).abs() < 0.1);
    }

    #[test]
    fn what_happens_close_together_stands_line_by_line() {
        let scale = Scale::new(&moments(&[0, 0, 1, 2]), 0.0);
        assert_eq!(scale.heights, [10.0, 30.0, 50.0, 70.0]);
        assert!(scale.waits.is_empty());
    }

    #[test]
    fn ticks_are_round_and_lie_within() {
        let scale = Scale::new(&moments(&[2, 4002]), 0.0);
        let ticks = scale.waits[0].ticks();
        let times: Vec<u128> = ticks.iter().map(|(at, _)| at.as_millis()).collect();
        assert_eq!(times, [1000, 2000, 3000]);
    }
}
