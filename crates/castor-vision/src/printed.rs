//! Printed Arial by matching: every line of address, code and number on the forms is set in one typeface, so a line is
//! explained by the cheapest sequence of its glyphs. Microseconds a character, no model, and honest about print that
//! is not Arial: the residual says so.
//!
//! For a line laid level, with ink o over columns, the reader minimises over glyph sequences
//! Σ |o − g·t|² + λ per glyph, where t is the glyph's sample blurred like the line and g its best gain; columns outside
//! glyphs cost their own ink. Widths are the typeface's advances, one column more or less.

mod glyphs;

use crate::raster::{Sampler, index, real};
use crate::text::{LineBand, Region, ink_of};
use glyphs::{CAP, Glyph, ROWS, samples};
use image::GrayImage;

/// What a glyph costs by itself, in squared ink: keeps noise from being spelt out.
const GLYPH_COST: f32 = 0.9;
/// What a column outside glyphs costs beside its ink.
const GAP_COST: f32 = 0.03;
/// What one column more or less than the advance costs.
const JITTER_COST: f32 = 0.35;
/// How far behind the best path a path may fall and still be followed when a line is read, and when sizes are compared.
const BEAM: f32 = 18.0;
const FIT_BEAM: f32 = 8.0;
/// Squared ink of three columns below which no glyph begins.
const BLANK: f32 = 0.15;
/// Squared ink by which one glyph must beat another to be e times likelier, under each blur: blurred shapes are alike.
const TEMPERATURES: [f32; glyphs::BLURS.len()] = [0.7, 0.9, 1.8, 3.0];

/// What a unit of ink may cost under the usual width; where it costs more the line is not Arial of any width.
const HOPELESS: f32 = 0.5;

/// Which glyphs a line can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Digits of both weights.
    Digits,
    /// Digits of both weights with the comma and point that group them.
    Numbers,
    /// Digits, hyphen and X of both weights: the control code.
    Codes,
    /// Regular capitals and signs, digits of both weights.
    Capitals,
    /// Everything in regular, digits of both weights.
    Mixed,
    /// Bold capitals, digits and signs.
    Bold,
    /// Regular capitals, digits and signs: names.
    Names,
    /// The letters of the address's labels, digits of both weights.
    Labels,
    /// The letters of `Ver: Pag: de`, `No. Form:` and `Civ`, regular digits.
    Marginalia,
    /// Bold K, I, T, digits, comma and point.
    Kit,
}

/// One glyph of a line as matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintedChar {
    /// The character; a space where the gap is wide.
    pub character: char,
    /// 0–1: likelihood against the best other character at this place.
    pub confidence: f32,
    /// The best other character.
    pub second: char,
    /// Left edge on the page, in pixels.
    pub left: f32,
    /// Right edge on the page, in pixels.
    pub right: f32,
    /// Share of the ink that the glyph leaves unexplained, 0–1.
    pub residual: f32,
}

/// A line as matched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PrintedLine {
    /// Its characters, spaces included.
    pub characters: Vec<PrintedChar>,
    /// Share of all ink left unexplained, 0–1: above about 0.35 the line is not Arial, or too blurred.
    pub residual: f32,
}

impl PrintedLine {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.characters.iter().map(|c| c.character).collect()
    }

    /// The lowest confidence of its glyphs; 0 for an empty line.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        let lowest = self
            .characters
            .iter()
            .filter(|c| c.character != ' ')
            .map(|c| c.confidence)
            .fold(f32::MAX, f32::min);
        if lowest == f32::MAX { 0.0 } else { lowest }
    }
}

/// How a page shows its print: the same for all its lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintLook {
    /// Which of the blurs explains the print best.
    blur: usize,
    /// Width of the print over that of Arial of its height.
    aspect: f32,
}

impl Default for PrintLook {
    fn default() -> Self {
        Self { blur: 0, aspect: 1.0 }
    }
}

/// A line resampled to the matcher's size: columns of [`ROWS`] ink levels.
struct Columns {
    ink: Vec<i16>,
    /// Σ ink² of the columns before each column.
    energy: Vec<f32>,
    /// Page pixels a column.
    step: f32,
    /// Page place of column 0.
    origin: f32,
}

impl Columns {
    fn count(&self) -> usize {
        self.energy.len() - 1
    }

    fn of(ink: &GrayImage, offset: (f32, f32), band: &LineBand, look: &PrintLook) -> Self {
        let down = band.height / CAP;
        let step = down * look.aspect;
        let pad = 0.35 * band.height;
        let origin = band.left - pad;
        let count = index((band.right - band.left + 2.0 * pad) / step, 4000).max(1) as usize;
        let mut levels = Vec::with_capacity(count * ROWS);
        let mut energy = Vec::with_capacity(count + 1);
        let mut sum = 0.0;
        energy.push(0.0);
        let mut x = origin + 0.5 * step;
        let source = Sampler::of(ink);
        for _ in 0..count {
            let top = band.base_at(x) - (glyphs::BASE - 0.5) * down;
            for v in source.down::<ROWS>(x - 0.5 - offset.0, top - 0.5 - offset.1, down) {
                let v = v / 255.0;
                levels.push(glyphs::quantum(v));
                sum += v * v;
            }
            energy.push(sum);
            x += step;
        }
        Self {
            ink: levels,
            energy,
            step,
            origin,
        }
    }

    fn ink_between(&self, from: usize, to: usize) -> f32 {
        self.energy[to.min(self.count())] - self.energy[from.min(self.count())]
    }

    /// Squared ink that each glyph leaves when it starts at a column.
    fn unexplained(&self, from: usize, glyphs: &[&'static Glyph], out: &mut [f32]) {
        let levels = self.ink.get(from * ROWS..).unwrap_or_default();
        glyphs::products(levels, glyphs, out);
        for (left, glyph) in out.iter_mut().zip(glyphs) {
            let common = *left;
            let gain = (common / glyph.energy).clamp(0.55, 1.35);
            let own = self.ink_between(from, from + glyph.advance);
            *left = own - 2.0 * gain * common + gain * gain * glyph.energy;
        }
    }
}

/// A step of the cheapest path that ends at a column.
#[derive(Clone, Copy)]
struct Step {
    cost: f32,
    from: usize,
    glyph: Option<usize>,
}

/// A glyph with its first column and the first column after it.
type Placed = (usize, usize, usize);

/// What every glyph leaves unexplained at every column, computed column by column when first asked for.
struct Table<'a> {
    columns: &'a Columns,
    glyphs: &'a [&'static Glyph],
    known: Vec<f32>,
    /// Which columns are computed.
    done: Vec<bool>,
    temperature: f32,
}

impl<'a> Table<'a> {
    fn of(columns: &'a Columns, glyphs: &'a [&'static Glyph], look: &PrintLook) -> Self {
        Self {
            temperature: TEMPERATURES[look.blur.min(TEMPERATURES.len() - 1)],
            known: vec![0.0; (columns.count() + 1) * glyphs.len()],
            done: vec![false; columns.count() + 1],
            columns,
            glyphs,
        }
    }

    /// What the glyphs leave at a column; nothing beyond the last one.
    fn column(&mut self, from: usize) -> &[f32] {
        let place = from * self.glyphs.len()..(from + 1) * self.glyphs.len();
        let Some(done) = self.done.get_mut(from) else {
            return &[];
        };
        if !*done {
            *done = true;
            self.columns
                .unexplained(from, self.glyphs, &mut self.known[place.clone()]);
        }
        &self.known[place]
    }

    fn unexplained(&mut self, from: usize, glyph: usize) -> f32 {
        self.column(from).get(glyph).copied().unwrap_or(f32::MAX)
    }

    /// The cheapest sequence of glyphs: its cost, and each glyph with its first column and the first column after it.
    /// None when the cost is not below `limit`, as soon as that is clear.
    fn decode(&mut self, limit: f32, beam: f32) -> Option<(f32, Vec<Placed>)> {
        let n = self.columns.count();
        let unreached = Step {
            cost: f32::MAX,
            from: 0,
            glyph: None,
        };
        let mut best = vec![unreached; n + 1];
        best[0].cost = 0.0;
        let leap = self.glyphs.iter().map(|g| g.advance).max().unwrap_or(0) + 2;
        for x in 0..n {
            let here = best[x].cost;
            let gap = here + self.columns.ink_between(x, x + 1) + GAP_COST;
            if gap < best[x + 1].cost {
                best[x + 1] = Step {
                    cost: gap,
                    from: x,
                    glyph: None,
                };
            }
            let ahead = best[x + 1..(x + 16).min(n + 1)]
                .iter()
                .map(|s| s.cost)
                .fold(f32::MAX, f32::min);
            // Costs only grow along a path, and no glyph leaps over all the places looked at.
            if best[x..(x + leap).min(n + 1)].iter().all(|s| s.cost >= limit) {
                return None;
            }
            // A glyph begins with its own side bearing, so nothing is lost by leaving blank columns to the gap.
            let blank = self.columns.ink_between(x, x + 3) < BLANK;
            if here > ahead + beam || blank {
                continue;
            }
            for g in 0..self.glyphs.len() {
                let advance = self.glyphs[g].advance;
                if x + advance > n + 1 {
                    continue;
                }
                let cost = here + self.unexplained(x, g) + GLYPH_COST;
                for (end, extra) in [
                    (x + advance, 0.0),
                    (x + advance - 1, JITTER_COST),
                    (x + advance + 1, JITTER_COST),
                ] {
                    if end <= n && cost + extra < best[end].cost {
                        best[end] = Step {
                            cost: cost + extra,
                            from: x,
                            glyph: Some(g),
                        };
                    }
                }
            }
        }
        let mut path = Vec::new();
        let mut at = n;
        while at > 0 {
            let step = best[at];
            if let Some(g) = step.glyph {
                path.push((g, step.from, at));
            }
            at = step.from;
        }
        path.reverse();
        (best[n].cost < limit).then_some((best[n].cost, path))
    }

    /// The cheapest sequence of exactly `count` glyphs; empty when they do not fit.
    fn decode_exactly(&mut self, count: usize) -> Vec<Placed> {
        let n = self.columns.count();
        let unreached = Step {
            cost: f32::MAX,
            from: 0,
            glyph: None,
        };
        // One row of columns for each number of glyphs already placed.
        let mut best = vec![vec![unreached; n + 1]; count + 1];
        best[0][0].cost = 0.0;
        for placed in 0..=count {
            for x in 0..n {
                let here = best[placed][x].cost;
                if here == f32::MAX {
                    continue;
                }
                let gap = here + self.columns.ink_between(x, x + 1) + GAP_COST;
                if gap < best[placed][x + 1].cost {
                    best[placed][x + 1] = Step {
                        cost: gap,
                        from: x,
                        glyph: None,
                    };
                }
                if placed == count {
                    continue;
                }
                for g in 0..self.glyphs.len() {
                    let advance = self.glyphs[g].advance;
                    let cost = here + self.unexplained(x, g);
                    for (end, extra) in [
                        (x + advance, 0.0),
                        (x + advance - 1, JITTER_COST),
                        (x + advance + 1, JITTER_COST),
                    ] {
                        if end <= n && cost + extra < best[placed + 1][end].cost {
                            best[placed + 1][end] = Step {
                                cost: cost + extra,
                                from: x,
                                glyph: Some(g),
                            };
                        }
                    }
                }
            }
        }
        let mut path = Vec::new();
        let (mut at, mut left) = (n, count);
        if best[left][at].cost == f32::MAX {
            return path;
        }
        while at > 0 {
            let step = best[left][at];
            if let Some(g) = step.glyph {
                path.push((g, step.from, at));
                left -= 1;
            }
            at = step.from;
        }
        path.reverse();
        path
    }

    /// Confidence of a glyph against every other character near its place, and the best other.
    fn judge(&mut self, placed: Placed) -> (f32, char) {
        let (g, from, to) = placed;
        let own = self.glyphs[g];
        let mine = self.reach(g, from, to);
        let mut second = (f32::MAX, ' ');
        for other in 0..self.glyphs.len() {
            let glyph = self.glyphs[other];
            if glyph.character != own.character && glyph.advance <= own.advance + 3 {
                let cost = self.reach(other, from, to);
                if cost < second.0 {
                    second = (cost, glyph.character);
                }
            }
        }
        let margin = (second.0 - mine) / self.temperature;
        (1.0 / (1.0 + (-margin).exp()), second.1)
    }

    /// What a glyph leaves of the ink between two columns when it stands there as well as it can.
    fn reach(&mut self, glyph: usize, from: usize, to: usize) -> f32 {
        let advance = self.glyphs[glyph].advance;
        (from.saturating_sub(1)..=from + 1)
            .map(|start| {
                let end = start + advance;
                let bare = if end < to {
                    self.columns.ink_between(end, to)
                } else {
                    0.0
                };
                self.unexplained(start, glyph) + self.columns.ink_between(from, start.max(from)) + bare
            })
            .fold(f32::MAX, f32::min)
    }
}

/// The ink around a line, with the place of its first pixel on the page.
struct Surroundings {
    ink: GrayImage,
    offset: (f32, f32),
}

impl Surroundings {
    fn of(page: &GrayImage, band: &LineBand) -> Self {
        let reach = band.height * 1.6;
        let end = band.base_at(band.right);
        let region = Region {
            left: index((band.left - reach).max(0.0), page.width()),
            top: index((band.base.min(end) - reach).max(0.0), page.height()),
            right: index(band.right + reach, page.width()) + 1,
            bottom: index(band.base.max(end) + reach, page.height()) + 1,
        };
        Self {
            ink: ink_of(page, region),
            offset: (real(region.left), real(region.top)),
        }
    }
}

/// Reads a line of Arial whose height is known exactly, see [`fit_band`].
#[must_use]
pub fn read_band(page: &GrayImage, band: &LineBand, charset: Charset, look: &PrintLook) -> PrintedLine {
    let around = Surroundings::of(page, band);
    let columns = Columns::of(&around.ink, around.offset, band, look);
    let glyphs = samples(look.blur, charset);
    let mut table = Table::of(&columns, &glyphs, look);
    let path = table.decode(f32::MAX, BEAM).map(|(_, path)| path).unwrap_or_default();
    spell(&mut table, &path)
}

/// Reads a code of a known number of digits that stands alone between the ends of a band.
#[must_use]
pub fn read_digits(page: &GrayImage, band: &LineBand, count: usize, look: &PrintLook) -> PrintedLine {
    let around = Surroundings::of(page, band);
    let columns = Columns::of(&around.ink, around.offset, band, look);
    let glyphs = samples(look.blur, Charset::Digits);
    let mut table = Table::of(&columns, &glyphs, look);
    let path = table.decode_exactly(count);
    spell(&mut table, &path)
}

/// A line whose height and look are sought by explaining its beginning.
struct Fit {
    around: Surroundings,
    start: LineBand,
    charset: Charset,
    /// The best so far, and what it leaves unexplained of a unit of the line's ink.
    height: f32,
    look: PrintLook,
    lowest: f32,
}

impl Fit {
    fn of(page: &GrayImage, band: &LineBand, charset: Charset, look: PrintLook) -> Self {
        /// More than any fit costs, and no danger to the sums.
        const BEYOND: f32 = 1e9;
        let start = band.part(band.left, band.right.min(band.left + 9.0 * band.height));
        let mut fit = Self {
            around: Surroundings::of(page, &start),
            start,
            charset,
            height: band.height,
            look,
            lowest: BEYOND,
        };
        fit.offer(band.height, look);
        fit
    }

    /// Takes a height and look if they explain more than the best so far.
    fn offer(&mut self, height: f32, look: PrintLook) {
        let sized = LineBand { height, ..self.start };
        let columns = Columns::of(&self.around.ink, self.around.offset, &sized, &look);
        let glyphs = samples(look.blur, self.charset);
        // Cost a unit of the line's ink, so that sizes compare.
        let ink = columns.ink_between(0, columns.count()).max(1.0);
        if let Some((cost, _)) = Table::of(&columns, &glyphs, &look).decode(self.lowest * ink, FIT_BEAM) {
            (self.lowest, self.height, self.look) = (cost / ink, height, look);
        }
    }

    /// Heights that differ by a share of the best one.
    fn near_heights(&mut self, share: f32) {
        let (height, look) = (self.height, self.look);
        for sized in [height * (1.0 - share), height * (1.0 + share)] {
            self.offer(sized, look);
        }
    }

    fn blurs(&mut self) {
        for blur in 1..glyphs::BLURS.len() {
            self.offer(self.height, PrintLook { blur, ..self.look });
        }
    }

    /// Widths: coarsely first, then on both sides of the best.
    fn aspects(&mut self) {
        // Names are often set in Arial Narrow, which is Arial at 82 %.
        self.widths(&[0.82, 0.9]);
        let near: &[f32] = match self.look.aspect {
            0.82 => &[0.78, 0.86],
            0.9 => &[0.86, 0.94],
            _ => &[0.94, 0.97, 1.03, 1.06],
        };
        self.widths(near);
    }

    fn widths(&mut self, aspects: &[f32]) {
        for &aspect in aspects {
            self.offer(self.height, PrintLook { aspect, ..self.look });
        }
    }
}

/// The exact height of a line's print, found by explaining its beginning, and how the page shows print. A known look
/// is kept.
#[must_use]
pub fn fit_band(
    page: &GrayImage,
    band: &LineBand,
    charset: Charset,
    look: Option<&PrintLook>,
) -> (LineBand, PrintLook) {
    let mut fit = Fit::of(page, band, charset, look.copied().unwrap_or_default());
    fit.near_heights(0.05);
    if look.is_none() {
        fit.blurs();
        if fit.lowest < HOPELESS {
            fit.aspects();
        }
    }
    fit.near_heights(0.025);
    (
        LineBand {
            height: fit.height,
            ..*band
        },
        fit.look,
    )
}

/// Characters of a path, with spaces where the gaps are wide.
fn spell(table: &mut Table<'_>, path: &[Placed]) -> PrintedLine {
    let columns = table.columns;
    let place = |column: usize| columns.origin + columns.step * real(u32::try_from(column).unwrap_or(u32::MAX));
    let mut characters: Vec<PrintedChar> = Vec::new();
    let mut bare = 0.0;
    let mut end = 0;
    for &(g, from, to) in path {
        let gap = real(u32::try_from(from.saturating_sub(end)).unwrap_or(0));
        if !characters.is_empty() && gap > 0.22 * CAP {
            characters.push(PrintedChar {
                character: ' ',
                confidence: 1.0,
                second: ' ',
                left: place(end),
                right: place(from),
                residual: 0.0,
            });
        }
        bare += columns.ink_between(end, from);
        let (confidence, second) = table.judge((g, from, to));
        let left = table.unexplained(from, g);
        bare += left;
        characters.push(PrintedChar {
            character: table.glyphs[g].character,
            confidence,
            second,
            left: place(from),
            right: place(to),
            residual: (left / columns.ink_between(from, to).max(1.0)).clamp(0.0, 1.0),
        });
        end = to;
    }
    bare += columns.ink_between(end, columns.count());
    PrintedLine {
        characters,
        residual: (bare / columns.ink_between(0, columns.count()).max(1.0)).clamp(0.0, 1.0),
    }
}

/// A printed number as read from a crop.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NumberReading {
    /// Its digits, empty when no number stands on the crop.
    pub digits: String,
    /// 0–1: likelihood of the least certain digit.
    pub confidence: f32,
    /// Other readings, one uncertain digit exchanged, likeliest first.
    pub alternatives: Vec<(String, f32)>,
}

/// Reads a printed number (row number, party code) that stands alone on a crop in canonical pixels.
#[must_use]
pub fn read_number(crop: &GrayImage) -> NumberReading {
    number_and_look(crop, None).0
}

/// The same where the look of the page's print may be known: what was read, and the look that it was read by.
pub(crate) fn number_and_look(crop: &GrayImage, look: Option<&PrintLook>) -> (NumberReading, PrintLook) {
    let region = Region {
        left: 0,
        top: 0,
        right: crop.width(),
        bottom: crop.height(),
    };
    let lines = crate::text::find_digits(crop, region);
    let Some(band) = lines
        .iter()
        .filter(|b| (9.0..=34.0).contains(&b.height))
        .max_by(|a, b| (a.height * (a.right - a.left)).total_cmp(&(b.height * (b.right - b.left))))
    else {
        return Default::default();
    };
    let (band, look) = fit_band(crop, band, Charset::Digits, look);
    (number_of(&read_band(crop, &band, Charset::Digits, &look)), look)
}

/// The number that a line of digits spells.
fn number_of(line: &PrintedLine) -> NumberReading {
    let digits: Vec<&PrintedChar> = line
        .characters
        .iter()
        .filter(|c| c.character.is_ascii_digit())
        .collect();
    let text: String = digits.iter().map(|c| c.character).collect();
    let lowest = digits.iter().map(|c| c.confidence).fold(f32::MAX, f32::min);
    // Ink that no digit explains makes any digit doubtful.
    let fit = ((0.75 - line.residual) / 0.45).clamp(0.0, 1.0);
    let mut alternatives: Vec<(String, f32)> = digits
        .iter()
        .enumerate()
        .filter(|(_, c)| c.confidence < 0.98 && c.second.is_ascii_digit())
        .map(|(i, c)| {
            let other: String = text
                .chars()
                .enumerate()
                .map(|(j, d)| if i == j { c.second } else { d })
                .collect();
            (other, 1.0 - c.confidence)
        })
        .collect();
    alternatives.sort_by(|a, b| b.1.total_cmp(&a.1));
    NumberReading {
        confidence: if text.is_empty() { 0.0 } else { lowest * fit },
        digits: text,
        alternatives,
    }
}
