//! The background: the lanes with their names, bars for what lasts, and the waits, during which
//! nothing happens.

use super::items::{Item, Placed};
use super::lanes::Lanes;
use super::paper::{Anchor, DIM, EDGE, GROUND, PLAIN, Paper, SENT, Strokes};
use super::scale::{Scale, Wait};
use super::shape::Shape;
use super::words::length;
use crate::account::{Account, Line};

/// Where events begin to be drawn on the lanes, below the names.
pub(super) const TOP: f64 = 40.0;

pub(super) struct Backdrop<'a> {
    pub account: &'a Account,
    pub paper: &'a Paper,
    pub lanes: &'a Lanes,
    pub items: &'a [Placed<'a>],
    pub scale: &'a Scale,
}

impl Backdrop<'_> {
    pub fn draw(&self, strokes: &mut Strokes) {
        self.lanes(strokes);
        for wait in &self.scale.waits {
            self.wait(strokes, wait);
        }
        self.lasting(strokes);
    }

    /// Returns where the drawing ends at the bottom.
    pub fn bottom(&self) -> f64 {
        self.scale.heights.last().copied().unwrap_or(TOP)
    }

    fn lanes(&self, strokes: &mut Strokes) {
        for lane in &self.lanes.0 {
            let (from, to) = ((lane.x, TOP - 12.0), (lane.x, self.bottom()));
            strokes.line(from, to, DIM, r#" stroke-width="1.5""#);
            self.name(strokes, lane.x, &lane.name, SENT);
        }
        let (x, account) = (self.paper.program, self.account);
        let end = self.program_ends().unwrap_or(self.bottom());
        strokes.line((x, TOP - 12.0), (x, end), PLAIN, r#" stroke-width="3""#);
        let many = account.programs.len() + account.programs_before > 1;
        let name = if many { "programs" } else { "program" };
        self.name(strokes, x, name, PLAIN);
    }

    fn name(&self, strokes: &mut Strokes, x: f64, name: &str, color: &'static str) {
        let style = self.paper.words(color);
        let half = style.width(name.chars().count()) / 2.0 + 8.0;
        strokes.card((x - half, 4.0), (x + half, TOP - 12.0), EDGE);
        strokes.write((x, 20.5), Anchor::Middle, &[(name, style)]);
    }

    /// Returns where the program's lane stops: when the program has ended, if there was only one.
    fn program_ends(&self) -> Option<f64> {
        let one = self.account.programs.len() == 1 && self.account.programs_before == 0;
        let mut placed = self.items.iter().zip(&self.scale.heights);
        let end = placed.find(|(placed, _)| matches!(placed.item, Item::Exit(_)))?;
        one.then_some(*end.1)
    }

    /// Draws a wait: the lanes are dotted, with round times next to them.
    fn wait(&self, strokes: &mut Strokes, wait: &Wait) {
        const DOTS: &str = r#" stroke-width="1.8" stroke-dasharray="1 5""#;
        let lanes = self.lanes.0.iter().map(|lane| lane.x);
        for x in lanes.chain([self.paper.program]) {
            let (from, to) = ((x, wait.top + 12.0), (x, wait.bottom));
            strokes.line(from, to, GROUND, r#" stroke-width="5""#);
            strokes.line(from, to, DIM, DOTS);
        }
        for (at, y) in wait.ticks() {
            let x = self.paper.gutter;
            strokes.line((x - 3.0, y), (x + 3.0, y), DIM, "");
            strokes.time(self.paper, &length(at), y);
        }
        let text = format!("{} pass", length(wait.until.saturating_sub(wait.from)));
        let x = f64::midpoint(self.lanes.0[0].x, self.paper.program);
        let y = f64::midpoint(wait.top, wait.bottom) + 4.0;
        strokes.write((x, y), Anchor::Middle, &[(&text, self.paper.words(DIM))]);
    }

    /// Draws each event that lasts as a bar on its lane, from its beginning to its end.
    fn lasting(&self, strokes: &mut Strokes) {
        let mut begun: Vec<(&Line, f64)> = Vec::new();
        for (placed, y) in self.items.iter().zip(&self.scale.heights) {
            match placed.item {
                Item::Begin(line) => begun.push((line, *y)),
                Item::Line(line) => {
                    let found = begun.iter().find(|(begun, _)| std::ptr::eq(*begun, line));
                    if let Some((_, top)) = found {
                        let (x, color) = (self.lanes.x(line), Shape::of(line).color(line));
                        strokes.card((x - 5.0, *top), (x + 5.0, *y), color);
                    }
                }
                _ => {}
            }
        }
    }
}
