//! The table, for the terminal and for the page alike.

use std::io::{self, Write};

use crate::case::{Measure, Regime, Transport, size_name};
use crate::report::{Figure, Report};
use crate::units::value_name;

/// What a table shows for one figure.
pub struct Row {
    pub transport: Transport,
    pub size: String,
    /// p50, p90, p99, the quartiles over blocks, the number of samples, and the ratio with its
    /// quartiles.
    pub cells: [String; 6],
}

pub const HEADINGS: [&str; 8] = [
    "transport",
    "size",
    "p50",
    "p90",
    "p99",
    "middle half of blocks",
    "samples",
    "over Unix stream",
];

/// Returns the tables in their order, each with a title and its rows.
pub fn tables(report: &Report) -> Vec<(String, Vec<Row>)> {
    let mut tables = Vec::new();
    for measure in [
        Measure::RoundTrip,
        Measure::Connect,
        Measure::Bulk,
        Measure::Scheduled,
        Measure::Intended,
    ] {
        for regime in Regime::ALL {
            let mut figures: Vec<&Figure> = report
                .figures
                .iter()
                .filter(|figure| figure.measure == measure && figure.regime == regime)
                .collect();
            figures.sort_by_key(|figure| (figure.size, figure.transport));
            if !figures.is_empty() {
                let rows = figures
                    .into_iter()
                    .map(|figure| row(report, figure))
                    .collect();
                tables.push((title(measure, regime), rows));
            }
        }
    }
    tables
}

fn title(measure: Measure, regime: Regime) -> String {
    let what = match (measure, regime) {
        (Measure::RoundTrip, Regime::StackAlone) => "One way, one write and one read",
        (Measure::RoundTrip, _) => "There and back",
        (Measure::Connect, _) => "Connect, there and back, close",
        (Measure::Bulk, _) => "Bulk, one way (p50, p90 and p99 of the time a MiB takes)",
        (Measure::Scheduled, _) => "5,000 per second by timetable, timed from sending",
        (Measure::Intended, _) => {
            "5,000 per second by timetable, timed from when scheduled to be sent"
        }
    };
    format!("{what} · {}", regime.name())
}

fn row(report: &Report, figure: &Figure) -> Row {
    let &Figure {
        measure,
        regime,
        size,
        transport,
        ..
    } = figure;
    let name = |ns: f64| value_name(measure, ns);
    let ratio = match report.ratio(measure, regime, size, transport) {
        Some(r) => format!("{:.2} ({:.2}–{:.2})", r.ratio, r.q1, r.q3),
        None => String::new(),
    };
    Row {
        transport,
        size: size_name(size),
        cells: [
            name(figure.p50_ns),
            name(figure.p90_ns as f64),
            name(figure.p99_ns as f64),
            format!("{} – {}", name(figure.q1_ns), name(figure.q3_ns)),
            thousands(figure.samples),
            ratio,
        ],
    }
}

/// Formats a number: `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

/// Writes all tables and the environment as text.
pub fn print(report: &Report, mut out: impl Write) -> io::Result<()> {
    for (title, rows) in tables(report) {
        writeln!(out, "{title}")?;
        let [transport, size, p50, p90, p99, blocks, samples, ratio] = HEADINGS;
        let line = |[a, b, c, d, e, f, g, h]: [&str; 8]| {
            format!("  {a:<15}{b:>8}{c:>12}{d:>12}{e:>12}{f:>28}{g:>11}{h:>20}")
        };
        let heading = line([transport, size, p50, p90, p99, blocks, samples, ratio]);
        writeln!(out, "{}", heading.trim_end())?;
        for Row {
            transport,
            size,
            cells,
        } in &rows
        {
            let [c, d, e, f, g, h] = cells.each_ref().map(String::as_str);
            let text = line([transport.name(), size, c, d, e, f, g, h]);
            writeln!(out, "{}", text.trim_end())?;
        }
        writeln!(out)?;
    }
    for (name, line) in report.environment.lines() {
        writeln!(out, "  {name:<27}{line}")?;
    }
    for failure in &report.failures {
        writeln!(out, "not measured: {}: {}", failure.case, failure.reason)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567]
                .map(thousands)
                .each_ref()
                .map(String::as_str)
        );
    }
}
