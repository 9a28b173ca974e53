//! Formats figures for people.

use crate::case::Measure;

/// Converts nanoseconds per MiB to GiB per second.
fn gib_per_s(ns_per_mib: f64) -> f64 {
    1e9 / ns_per_mib / 1024.0
}

/// Formats a time: `4.52 µs`, `310 ns`, `1.20 ms`; for bulk, a rate: `3.1 GiB/s`.
pub fn value_name(measure: Measure, ns: f64) -> String {
    if measure == Measure::Bulk {
        format!("{:.2} GiB/s", gib_per_s(ns))
    } else {
        time_name(ns)
    }
}

pub fn time_name(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => return format!("{ns:.0} ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    let digits = if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit() {
        assert_eq!(time_name(310.4), "310 ns");
        assert_eq!(time_name(4520.0), "4.52 µs");
        assert_eq!(time_name(45_200.0), "45.2 µs");
        assert_eq!(time_name(452_000.0), "452 µs");
        assert_eq!(time_name(1_200_000.0), "1.20 ms");
    }

    #[test]
    fn bulk_is_a_rate() {
        assert_eq!(value_name(Measure::Bulk, 1e9 / 1024.0), "1.00 GiB/s");
    }
}
