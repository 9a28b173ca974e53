//! `report.svg`: distributions with a logarithmic time axis, and ratios by size.
//!
//! The page replaces each color with its own, for light and dark, so a color also serves as a name.

use std::ops::Range;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::case::{Measure, Regime, Transport, size_name};
use crate::plan::{SIZES, SMALL};
use crate::report::{Figure, Ratio, Report};
use crate::units::time_name;

pub const PAPER: RGBColor = RGBColor(255, 255, 255);
pub const INK: RGBColor = RGBColor(31, 35, 40);
pub const GRID: RGBColor = RGBColor(216, 222, 228);
/// The colors of the transports in the order of [`TRANSPORTS`], then of the regimes in [`REGIMES`].
pub const SERIES: [RGBColor; 9] = [
    RGBColor(0, 94, 162),
    RGBColor(192, 84, 0),
    RGBColor(26, 127, 98),
    RGBColor(122, 75, 182),
    RGBColor(110, 119, 129),
    RGBColor(176, 35, 96),
    RGBColor(9, 131, 147),
    RGBColor(154, 103, 0),
    RGBColor(74, 88, 199),
];

const TRANSPORTS: [Transport; 6] = [
    Transport::UnixStream,
    Transport::Tcp,
    Transport::UnixSeqpacket,
    Transport::UnixDatagram,
    Transport::Pipe,
    Transport::Udp,
];
const REGIMES: [Regime; 3] = [Regime::StackAlone, Regime::OneCore, Regime::TwoCores];

const SIZE: (u32, u32) = (960, 1080);
const ROW: i32 = 350;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One curve of a distribution.
struct Curve<'a> {
    name: String,
    color: RGBColor,
    /// Whether it is drawn thin, because it is the view that hides the stalls.
    thin: bool,
    figure: &'a Figure,
}

pub fn draw(report: &Report) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let whole = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        whole.fill(&PAPER).map_err(plain)?;
        let (first, rest) = whole.split_vertically(ROW);
        let (second, third) = rest.split_vertically(ROW);
        let half = i32::try_from(SIZE.0 / 2)?;
        for (row, curves) in [(first, closed_loop as CurvesOf), (second, by_timetable)] {
            let (left, right) = row.split_horizontally(half);
            for (area, regime) in [(left, Regime::OneCore), (right, Regime::TwoCores)] {
                let (title, curves) = curves(report, regime);
                draw_distribution(&area, &title, &curves)?;
            }
        }
        draw_ratios(&third, report)?;
        whole.present().map_err(plain)?;
    }
    Ok(svg)
}

type CurvesOf = for<'a> fn(&'a Report, Regime) -> (String, Vec<Curve<'a>>);

fn closed_loop(report: &Report, regime: Regime) -> (String, Vec<Curve<'_>>) {
    let curves = TRANSPORTS
        .into_iter()
        .zip(SERIES)
        .filter_map(|(transport, color)| {
            let figure = report.figure(Measure::RoundTrip, regime, SMALL, transport)?;
            Some(Curve {
                name: transport.name().to_owned(),
                color,
                thin: false,
                figure,
            })
        });
    (
        format!(
            "64 B there and back, {}: share of round trips",
            regime.name()
        ),
        curves.collect(),
    )
}

fn by_timetable(report: &Report, regime: Regime) -> (String, Vec<Curve<'_>>) {
    let mut curves = Vec::new();
    for (transport, color) in TRANSPORTS.into_iter().zip(SERIES) {
        for (measure, view, thin) in [
            (Measure::Scheduled, "as sent", true),
            (Measure::Intended, "as intended", false),
        ] {
            if let Some(figure) = report.figure(measure, regime, SMALL, transport) {
                let name = format!("{}, {view}", transport.name());
                curves.push(Curve {
                    name,
                    color,
                    thin,
                    figure,
                });
            }
        }
    }
    (
        format!("The same, 5,000 per second by timetable, {}", regime.name()),
        curves,
    )
}

fn draw_distribution(area: &Area<'_>, title: &str, curves: &[Curve<'_>]) -> anyhow::Result<()> {
    let Some(times) = time_range(curves) else {
        return Ok(());
    };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15).into_font().color(&INK))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d(times.log_scale(), 0.0..1.0)
        .map_err(plain)?;
    chart
        .configure_mesh()
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .x_labels(5)
        .x_label_formatter(&|ns| time_name(*ns).replace(".00", "").replace(".0", ""))
        .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
        .y_labels(5)
        .draw()
        .map_err(plain)?;
    for Curve {
        name,
        color,
        thin,
        figure,
    } in curves
    {
        let style = color.stroke_width(if *thin { 1 } else { 2 });
        let points = figure.cdf.iter().filter(|(share, _)| *share <= DRAWN);
        let points = points.map(|&(share, ns)| (ns as f64, share));
        chart
            .draw_series(LineSeries::new(points, style))
            .map_err(plain)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 12).into_font().color(&INK))
        .draw()
        .map_err(plain)
}

/// The largest share of a distribution that is drawn. Values above the 99th percentile are in the
/// table: drawn, they would squeeze everything else.
const DRAWN: f64 = 0.99;

/// Returns the range of the time axis. It begins at a power of ten, so that the axis has at least
/// two labels.
fn time_range(curves: &[Curve<'_>]) -> Option<Range<f64>> {
    let points = || curves.iter().flat_map(|curve| &curve.figure.cdf);
    let least = points().map(|&(_, ns)| ns).min()? as f64;
    let most = points()
        .filter(|(share, _)| *share <= DRAWN)
        .map(|&(_, ns)| ns)
        .max()? as f64;
    let decade = 10_f64.powf(least.max(1.0).log10().floor());
    Some(decade..1.1 * most.max(10.0 * decade))
}

fn draw_ratios(area: &Area<'_>, report: &Report) -> anyhow::Result<()> {
    let ratios: Vec<(usize, usize, &Ratio)> = SIZES
        .into_iter()
        .enumerate()
        .flat_map(|(place, size)| {
            REGIMES
                .into_iter()
                .enumerate()
                .map(move |r| (place, size, r))
        })
        .filter_map(|(place, size, (turn, regime))| {
            let ratio = report.ratio(Measure::RoundTrip, regime, size, Transport::Tcp)?;
            Some((place, turn, ratio))
        })
        .collect();
    let most = ratios.iter().map(|(_, _, r)| r.q3).fold(2.0, f64::max);
    let least = ratios.iter().map(|(_, _, r)| r.q1).fold(0.5, f64::min);
    let mut chart = ChartBuilder::on(area)
        .caption(
            "TCP / Unix stream by size: above 1, TCP takes longer; below 1, it is faster",
            ("sans-serif", 15).into_font().color(&INK),
        )
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d(
            0.0..SIZES.len() as f64,
            (0.9 * least..1.25 * most).log_scale().base(2.0),
        )
        .map_err(plain)?;
    chart
        .configure_mesh()
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .disable_x_mesh()
        .x_labels(0)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .y_label_formatter(&|ratio| format!("{ratio}×"))
        .draw()
        .map_err(plain)?;
    for (turn, regime) in REGIMES.into_iter().enumerate() {
        let color = SERIES[TRANSPORTS.len() + turn];
        let own = || ratios.iter().filter(|(_, of, _)| *of == turn);
        let left = |place: &usize| *place as f64 + 0.11 + 0.27 * turn as f64;
        chart
            .draw_series(own().map(|(place, _, ratio)| {
                let x = left(place);
                Rectangle::new([(x, 1.0), (x + 0.24, ratio.ratio)], color.filled())
            }))
            .map_err(plain)?
            .label(regime.name())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
        chart
            .draw_series(own().map(|(place, _, ratio)| {
                let x = left(place) + 0.12;
                PathElement::new([(x, ratio.q1), (x, ratio.q3)], INK)
            }))
            .map_err(plain)?;
        chart
            .draw_series(own().map(|(place, _, ratio)| {
                let top = ratio.q3.max(1.0) * 1.13;
                Text::new(
                    format!("{:.2}", ratio.ratio),
                    (left(place) + 0.02, top),
                    small(),
                )
            }))
            .map_err(plain)?;
    }
    let line = [(0.0, 1.0), (SIZES.len() as f64, 1.0)];
    chart
        .draw_series(LineSeries::new(line, INK))
        .map_err(plain)?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(small())
        .draw()
        .map_err(plain)?;
    name_sizes(area, chart.plotting_area())
}

/// Writes the size below the middle of each group of bars.
fn name_sizes<X, Y>(
    area: &Area<'_>,
    plot: &DrawingArea<SVGBackend<'_>, Cartesian2d<X, Y>>,
) -> anyhow::Result<()>
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    let (left, top) = area.get_base_pixel();
    let (across, down) = plot.get_pixel_range();
    for (place, size) in SIZES.into_iter().enumerate() {
        let width = (across.end - across.start) / i32::try_from(SIZES.len())?;
        let x = across.start + width * i32::try_from(place)? + width / 2 - 16;
        let at = (x - left, down.end + 8 - top);
        area.draw(&Text::new(size_name(size), at, small()))
            .map_err(plain)?;
    }
    Ok(())
}

fn small() -> TextStyle<'static> {
    ("sans-serif", 12).into_font().color(&INK)
}

/// Converts a drawing error of plotters, which holds the backend's own error and can't cross
/// threads.
fn plain(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw the plot: {error}")
}
