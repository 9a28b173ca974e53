//! `report.html`: one file that loads nothing from the network, for light and dark themes.

use plotters::style::RGBColor;

use crate::case::{Measure, Regime, Transport};
use crate::plan::SMALL;
use crate::report::plot::{GRID, INK, PAPER, SERIES};
use crate::report::table::{HEADINGS, Row, tables};
use crate::report::{Ratio, Report};
use crate::units::time_name;

const STYLE: &str = "
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --dim: #59636e; --grid: #d8dee4;
  --s0: #005ea2; --s1: #c05400; --s2: #1a7f62; --s3: #7a4bb6; --s4: #6e7781; --s5: #b02360;
  --s6: #098393; --s7: #9a6700; --s8: #4a58c7; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171c; --ink: #e4e8ed; --dim: #9aa5b1;
  --grid: #333b45; --s0: #5aa9f0; --s1: #ff9a4d; --s2: #4fd1a5; --s3: #b795ff; --s4: #aab4be;
  --s5: #ff7fb0; --s6: #39c5d6; --s7: #e0b040; --s8: #93a0ff; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.dim, caption { color: var(--dim); }
.wide { overflow-x: auto; } .wide svg { min-width: 700px; width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .88rem; margin: 1rem 0; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { padding: .15rem .5rem; border-bottom: 1px solid var(--grid); text-align: right;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
.environment td { text-align: left; white-space: normal; }
";

/// Returns the complete page, which contains the plot.
pub fn page(report: &Report, svg: &str) -> String {
    let mut body = String::new();
    body += "<h1>What the transports cost on this machine</h1>\n";
    body += &answer(report);
    body += &format!(
        "<h2>Distributions and ratios</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Plots\">\n{}</div>\n<p class=\"dim\">A thin line on a bar spans the middle \
         half of the blocks. “As intended” counts the time that a message waited behind a stall; \
         “as sent” does not, and so flatters the tail.</p>\n",
        themed(svg)
    );
    body += "<h2>Figures</h2>\n<p class=\"dim\">p50 is the median over slices of the slice’s \
             median; p90 and p99 are those of all samples; ratios are paired within blocks, with \
             the quartiles over blocks.</p>\n";
    for (title, rows) in tables(report) {
        body += &table(&title, &rows);
    }
    body += "<h2>Environment</h2>\n";
    body += &environment(report);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>ipc-bench: \
         what the transports cost</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
         </main>\n</body>\n</html>\n"
    )
}

/// Returns the sentences for a reader who reads nothing else.
fn answer(report: &Report) -> String {
    let mut items = String::new();
    for regime in Regime::ALL {
        if let Some(ratio) = report.ratio(Measure::RoundTrip, regime, SMALL, Transport::Tcp) {
            items += &format!("<li>{}</li>\n", escape(&sentence(report, ratio)));
        }
    }
    let blocks = report.blocks;
    format!(
        "<p>How much latency does the network stack add to a message of 64 \
         bytes?</p>\n<ul>\n{items}</ul>\n<p class=\"dim\">{blocks} blocks of shuffled slices in \
         {:.0} s, with {:.2} % of the machine’s time stolen by its hypervisor and {:.0} % taken by \
         other processes. With larger messages this can reverse: see the ratios by size.</p>\n",
        report.took_s,
        100.0 * report.environment.stolen_share,
        100.0 * report.environment.others_share
    )
}

fn sentence(report: &Report, ratio: &Ratio) -> String {
    let p50 = |transport| {
        let figure = report.figure(ratio.measure, ratio.regime, ratio.size, transport);
        figure.map_or_else(|| "?".to_owned(), |figure| time_name(figure.p50_ns))
    };
    let verdict = if ratio.q1 <= 1.0 && ratio.q3 >= 1.0 {
        "no difference distinguishable from noise".to_owned()
    } else if ratio.ratio > 1.0 {
        format!("TCP takes {:.2} times as long", ratio.ratio)
    } else {
        format!("TCP is faster: it takes {:.2} times as long", ratio.ratio)
    };
    let regime = match ratio.regime {
        Regime::StackAlone => "The stack alone, one way, in one thread",
        Regime::OneCore => "Two processes on one core, there and back",
        Regime::TwoCores => "Two processes on two cores, there and back",
        Regime::Unpinned => "Two processes wherever the scheduler puts them, there and back",
    };
    format!(
        "{regime}: {verdict} (Unix stream {}, TCP {})",
        p50(Transport::UnixStream),
        p50(Transport::Tcp)
    )
}

fn table(title: &str, rows: &[Row]) -> String {
    let mut html = format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n<table>\n\
         <caption>{0}</caption>\n<thead><tr>",
        escape(title)
    );
    for heading in HEADINGS {
        html += &format!("<th scope=\"col\">{heading}</th>");
    }
    html += "</tr></thead>\n<tbody>\n";
    for Row {
        transport,
        size,
        cells,
    } in rows
    {
        html += &format!("<tr><td>{}</td><td>{}</td>", transport.name(), escape(size));
        for cell in cells {
            html += &format!("<td>{}</td>", escape(cell));
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n"
}

fn environment(report: &Report) -> String {
    let mut html = String::from("<table class=\"environment\">\n<tbody>\n");
    for (name, line) in report.environment.lines() {
        html += &format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
            escape(&name),
            escape(&line)
        );
    }
    html += "</tbody>\n</table>\n";
    for failure in &report.failures {
        html += &format!(
            "<p>Not measured: {}: {}</p>\n",
            escape(&failure.case),
            escape(&failure.reason)
        );
    }
    html
}

/// Replaces the plot's colors with variables of the page.
fn themed(svg: &str) -> String {
    let mut svg = svg.replace(&hex(PAPER), "var(--paper)");
    svg = svg
        .replace(&hex(INK), "var(--ink)")
        .replace(&hex(GRID), "var(--grid)");
    for (number, color) in SERIES.into_iter().enumerate() {
        svg = svg.replace(&hex(color), &format!("var(--s{number})"));
    }
    // Only a style may hold a variable, not the attribute that plotters writes.
    for name in ["fill", "stroke"] {
        svg = svg.replace(&format!("{name}=\"var("), &format!("style=\"{name}:var("));
    }
    svg.replacen(
        "<svg ",
        "<svg role=\"img\" aria-label=\"The tables below in pictures\" ",
        1,
    )
}

fn hex(color: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_cannot_become_markup() {
        assert_eq!(escape("<b>&\""), "&lt;b&gt;&amp;&quot;");
    }

    #[test]
    fn the_plot_takes_the_colors_of_the_page() {
        let svg = format!(
            "<svg x=\"1\"><path fill=\"none\" stroke=\"{}\"/></svg>",
            hex(SERIES[1])
        );
        assert!(themed(&svg).contains("style=\"stroke:var(--s1)\""));
    }
}
