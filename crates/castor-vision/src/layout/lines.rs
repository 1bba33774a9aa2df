//! The printed structure of a canonical page: full-width lines, part-width lines, dividers, in frame coordinates.

use crate::page::{FRAME_HEIGHT, FRAME_MARGIN, FRAME_WIDTH};
use crate::raster::{index, real};
use crate::rules::{self, Rule};
use image::GrayImage;

/// A line made of collinear rules, in frame coordinates: `along` runs with the line, `across` against it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Pieces as (start, end, across at start, across at end).
    pieces: Vec<(f32, f32, f32, f32)>,
}

impl Line {
    /// Share of `from..to` that the pieces cover.
    pub(crate) fn coverage(&self, from: f32, to: f32) -> f32 {
        let covered: f32 = self.pieces.iter().map(|p| (p.1.min(to) - p.0.max(from)).max(0.0)).sum();
        (covered / (to - from)).min(1.0)
    }

    /// First place along.
    pub(crate) fn start(&self) -> f32 {
        self.pieces.iter().map(|p| p.0).fold(f32::MAX, f32::min)
    }

    /// Last place along.
    pub(crate) fn end(&self) -> f32 {
        self.pieces.iter().map(|p| p.1).fold(f32::MIN, f32::max)
    }

    /// Place across at a place along, from the nearest piece.
    pub(crate) fn at(&self, along: f32) -> f32 {
        let gap = |p: &(f32, f32, f32, f32)| (p.0 - along).max(along - p.1).max(0.0);
        self.pieces
            .iter()
            .min_by(|a, b| gap(a).total_cmp(&gap(b)))
            .map_or(0.0, |p| {
                let t = ((along - p.0) / (p.1 - p.0).max(1e-6)).clamp(0.0, 1.0);
                p.2 + (p.3 - p.2) * t
            })
    }
}

/// All lines of a page.
#[derive(Debug, Clone)]
pub(crate) struct PageLines {
    /// Along x, sorted by y at the middle.
    pub(crate) horizontal: Vec<Line>,
    /// Along y, sorted by x.
    pub(crate) vertical: Vec<Line>,
    /// Along y, down to the height of a box.
    pub(crate) short_vertical: Vec<Line>,
    /// Filled title bars, upper and lower edge, from top to bottom.
    pub(crate) bars: Vec<(Line, Line)>,
}

/// Finds the lines of a canonical page given as ink levels.
pub(crate) fn find(ink: &GrayImage) -> PageLines {
    let (m, fw, fh) = (f32::from(FRAME_MARGIN), f32::from(FRAME_WIDTH), f32::from(FRAME_HEIGHT));
    let solid = |rules: Vec<Rule>, share: f32, level: &dyn Fn(f32, f32) -> u8| -> Vec<Rule> {
        // A rule that runs on into a faint one is judged by itself.
        let whole = |r: Rule| match solidity(&r, level) {
            all if all >= share => vec![r],
            _ => inked_parts(&r, level),
        };
        let parts = rules.into_iter().flat_map(whole);
        parts.filter(|r| solidity(r, level) >= share).collect()
    };
    let (w, h) = ink.dimensions();
    let at = |x: f32, y: f32| ink.as_raw()[index(y, h) as usize * w as usize + index(x, w) as usize];
    let rows = solid(rules::horizontal(ink), SOLID_ROW, &|along, across| at(along, across));
    let columns = solid(rules::vertical(ink, rules::STRIP), SOLID_COLUMN, &|along, across| {
        at(across, along)
    });
    let mut horizontal = join(&rows, (m, fw), (m, fh), 5.0 / fh);
    let bars = bars(ink);
    for (top, bottom) in &bars {
        horizontal.push(top.clone());
        horizontal.push(bottom.clone());
    }
    horizontal.sort_by(|a, b| a.at(0.5).total_cmp(&b.at(0.5)));
    let vertical = join(&columns, (m, fh), (m, fw), 5.0 / fw);
    let short = solid(
        rules::vertical(ink, rules::SHORT_STRIP),
        SOLID_COLUMN,
        &|along, across| at(across, along),
    );
    let short_vertical = join(&short, (m, fh), (m, fw), 3.0 / fw);
    PageLines {
        horizontal,
        vertical,
        short_vertical,
        bars,
    }
}

/// Filled title bars across the page, as their upper and lower edges.
///
/// A bar's edge is a step, not a ridge, so the rules do not show it.
fn bars(ink: &GrayImage) -> Vec<(Line, Line)> {
    /// Share of ink across a bar, white letters included.
    const FILLED: f32 = 0.40;
    let (m, fw, fh) = (f32::from(FRAME_MARGIN), f32::from(FRAME_WIDTH), f32::from(FRAME_HEIGHT));
    let share = |y: u32, from: f32, to: f32| {
        let row = y as usize * ink.width() as usize;
        let (x0, x1) = (
            index(m + from * fw, ink.width()) as usize,
            index(m + to * fw, ink.width()) as usize,
        );
        let sum: u32 = ink.as_raw()[row + x0..row + x1].iter().map(|&v| u32::from(v)).sum();
        real(sum) / 255.0 / real(u32::try_from(x1 - x0).unwrap_or(1))
    };
    /// A bar is filled at both ends and between, unlike a row of photographs.
    const BAR_PARTS: [[f32; 2]; 3] = [[0.02, 0.12], [0.88, 0.98], [0.03, 0.97]];
    let mut out = Vec::new();
    let mut y = 0;
    while y < ink.height() {
        let start = y;
        while y < ink.height() && BAR_PARTS.iter().all(|p| share(y, p[0], p[1]) > FILLED) {
            y += 1;
        }
        if (16..=64).contains(&(y - start)) {
            // Each side's own edges, so that a tilted page keeps its tilt.
            let edge = |from: f32, to: f32| {
                let inside = |y: u32| share(y, from, to) > FILLED;
                let middle = u32::midpoint(start, y);
                let top = (start.saturating_sub(12)..middle)
                    .rev()
                    .find(|&y| !inside(y))
                    .unwrap_or(start);
                let bottom = (middle..(y + 12).min(ink.height())).find(|&y| !inside(y)).unwrap_or(y);
                ((real(top) + 1.0 - m) / fh, (real(bottom) - m) / fh)
            };
            let (left, right) = (edge(0.02, 0.14), edge(0.86, 0.98));
            let line = |l: f32, r: f32| Line {
                pieces: vec![(0.08, 0.92, l, r), (-0.01, 0.08, l, l), (0.92, 1.01, r, r)],
            };
            out.push((line(left.0, right.0), line(left.1, right.1)));
        }
        y += 1;
    }
    out
}

/// Share of inked pixels along a ridge from which it is a rule: printed text makes ridges too, but with gaps, and lines
/// of text run along the page more than down it.
const SOLID_ROW: f32 = 0.75;
/// The same for rules down the page, which thresholding breaks more.
const SOLID_COLUMN: f32 = 0.5;

/// Whether a ridge carries ink within a pixel of its middle at a place along it.
fn is_inked(rule: &Rule, along: f32, level: &dyn Fn(f32, f32) -> u8) -> bool {
    /// Ink of a faint printed rule, of 255.
    const FAINT: u8 = 40;
    let across = rule.at(along);
    [-1.0, 0.0, 1.0].iter().any(|d| level(along, across + d) >= FAINT)
}

/// The long inked parts of a ridge. The words of a line of text are shorter.
fn inked_parts(rule: &Rule, level: &dyn Fn(f32, f32) -> u8) -> Vec<Rule> {
    /// Strips that make a part, and how many of five places of such a strip are inked.
    const LONG: usize = 12;
    const INKED: usize = 4;
    let strip = f32::from(u16::try_from(rule.strip).unwrap_or(u16::MAX));
    let start = |i: usize| rule.start + real(u32::try_from(i).unwrap_or(u32::MAX)) * strip;
    let inked: Vec<bool> = (0..rule.across.len())
        .map(|i| {
            let places = [0.1, 0.3, 0.5, 0.7, 0.9].map(|t| start(i) + t * strip);
            places.iter().filter(|&&p| is_inked(rule, p, level)).count() >= INKED
        })
        .collect();
    let mut parts = Vec::new();
    let mut from = 0;
    for run in inked.chunk_by(|a, b| a == b) {
        let to = from + run.len();
        if run[0] && run.len() >= LONG {
            parts.push(Rule {
                start: start(from),
                end: start(to),
                strip: rule.strip,
                across: rule.across[from..to].to_vec(),
            });
        }
        from = to;
    }
    parts
}

/// Share of the ridge's length that carries ink.
fn solidity(rule: &Rule, level: &dyn Fn(f32, f32) -> u8) -> f32 {
    let (mut inked, mut all) = (0.0f32, 0.0f32);
    let mut along = rule.start;
    while along < rule.end {
        if is_inked(rule, along, level) {
            inked += 1.0;
        }
        all += 1.0;
        along += 2.0;
    }
    inked / all.max(1.0)
}

/// Joins rules that continue each other into lines. `along` and `across` are (offset, scale) of the two axes.
fn join(rules: &[Rule], along: (f32, f32), across: (f32, f32), tolerance: f32) -> Vec<Line> {
    let mut order: Vec<&Rule> = rules.iter().collect();
    order.sort_by(|a, b| b.length().total_cmp(&a.length()));
    let mut lines: Vec<Line> = Vec::new();
    for rule in order {
        let a = |v: f32| (v - along.0) / along.1;
        let c = |v: f32| (v - across.0) / across.1;
        let piece = (a(rule.start), a(rule.end), c(rule.at(rule.start)), c(rule.at(rule.end)));
        let home = lines.iter_mut().find(|line| {
            let before = (line.at(piece.0) - piece.2)
                .abs()
                .min((line.at(piece.1) - piece.3).abs());
            let overlaps = line.coverage(piece.0, piece.1) > 0.5;
            before <= tolerance && !overlaps
        });
        match home {
            Some(line) => line.pieces.push(piece),
            None => lines.push(Line { pieces: vec![piece] }),
        }
    }
    lines.sort_by(|a, b| {
        let middle = |l: &Line| l.at((l.start() + l.end()) / 2.0);
        middle(a).total_cmp(&middle(b))
    });
    lines
}
