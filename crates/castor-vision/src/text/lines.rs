//! Where the printed lines stand: connected ink is chained into lines that may slope, as on a photograph.

use crate::raster::{Paper, Sampler, brightest, darkest, index, ink_row, level, part, real};
use crate::simd::vectorised;
use image::{GrayImage, Luma};

/// Ink level (0–255) from which a pixel belongs to print where print is black; blurred print never gets black.
const PRINT: f32 = 96.0;
/// The same as a share of the darkest ink of a region.
const PRINT_SHARE: f32 = 0.42;

/// One printed line on a page, in pixels of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineBand {
    /// Left end of the ink.
    pub left: f32,
    /// Right end of the ink.
    pub right: f32,
    /// Height of the base line at `left`.
    pub base: f32,
    /// Fall of the base line per pixel to the right.
    pub slope: f32,
    /// Height of capitals and digits.
    pub height: f32,
}

impl LineBand {
    /// Base line at a horizontal place.
    #[must_use]
    pub fn base_at(&self, x: f32) -> f32 {
        self.base + self.slope * (x - self.left)
    }

    /// Vertical middle of the capitals, half way along the line.
    #[must_use]
    pub fn middle(&self) -> f32 {
        self.base_at(f32::midpoint(self.left, self.right)) - self.height / 2.0
    }

    /// The part of the line between two horizontal places.
    #[must_use]
    pub fn part(&self, left: f32, right: f32) -> Self {
        Self {
            left,
            right,
            base: self.base_at(left),
            ..*self
        }
    }
}

/// A rectangle of a page: left, top, right, bottom (the last two outside).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Left edge.
    pub left: u32,
    /// Top edge.
    pub top: u32,
    /// First column outside.
    pub right: u32,
    /// First row outside.
    pub bottom: u32,
}

/// A piece of connected ink, in pixels of its region.
#[derive(Debug, Clone, Copy)]
struct Piece {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Piece {
    fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn middle(&self) -> f32 {
        f32::midpoint(self.top, self.bottom)
    }
}

/// The ink of a region, 0 = paper to 255 = as black as the region gets.
#[must_use]
pub fn ink_of(page: &GrayImage, region: Region) -> GrayImage {
    let (left, top) = (region.left.min(page.width() - 1), region.top.min(page.height() - 1));
    let right = region.right.clamp(left + 1, page.width());
    let bottom = region.bottom.clamp(top + 1, page.height());
    let (w, h) = (right - left, bottom - top);
    let crop = part(page, left, top, w, h);
    let paper = Paper::of(&crop, 32);
    // How dark the print gets; paper alone never counts as print.
    let black = f32::from(darkest(crop.as_raw(), 200));
    let mut ink = GrayImage::new(w, h);
    let side = w as usize;
    let mut papers = vec![(0.0, 0.0); side.div_ceil(8)];
    vectorised(
        #[inline(always)]
        || {
            for (y, (row, source)) in (0..h).zip(ink.chunks_exact_mut(side).zip(crop.as_raw().chunks_exact(side))) {
                for (x0, p) in (0..w).step_by(8).zip(&mut papers) {
                    let bright = 0.97 * paper.at(real(x0) + 4.0, real(y));
                    *p = (bright, 255.0 / (bright - black.min(0.62 * bright)).max(24.0));
                }
                ink_row(row, source, &papers);
            }
        },
    );
    ink
}

/// Finds the lines of print in a region, top to bottom; on one height, left to right.
///
/// `gap` is the widest space inside a line in heights of its print.
#[must_use]
pub fn find_lines(page: &GrayImage, region: Region, gap: f32) -> Vec<LineBand> {
    let ink = ink_of(page, region);
    let mut pieces = pieces(&ink, print_level(&ink));
    pieces.retain(|p| (7.0..=46.0).contains(&p.height()) && p.right - p.left <= 430.0);
    pieces.sort_by(|a, b| a.left.total_cmp(&b.left));
    let mut chains: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        let fits = chains
            .iter_mut()
            .filter_map(|chain| {
                let last = chain.last()?;
                let tall = tallest(chain);
                let middle = recent_middle(chain);
                let off = (piece.middle() - middle).abs();
                let space = piece.left - chain.iter().map(|p| p.right).fold(f32::MIN, f32::max);
                let near = off < 0.55 * tall.max(piece.height()) && space < gap * tall.max(piece.height());
                let alike = piece.height() < 2.2 * tall && piece.height() > 0.3 * last.height().min(tall);
                (near && alike).then_some((off, chain))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0));
        match fits {
            Some((_, chain)) => chain.push(piece),
            None => chains.push(vec![piece]),
        }
    }
    let mut bands: Vec<LineBand> = chains
        .iter()
        .filter_map(|chain| band(chain))
        .map(|b| extended(&ink, b))
        .map(|b| LineBand {
            left: b.left + real(region.left),
            right: b.right + real(region.left),
            base: b.base + real(region.top),
            ..b
        })
        .collect();
    bands.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
    bands
}

/// Finds digits standing close together on a small crop, among frame lines and specks: one band for each group.
#[must_use]
pub fn find_digits(crop: &GrayImage, region: Region) -> Vec<LineBand> {
    let edge = (real(crop.width()), real(crop.height()));
    let inner = |b: &LineBand| b.base < edge.1 - 0.5 && b.base - b.height > 0.5;
    find_lines(crop, region, 0.8).into_iter().filter(inner).collect()
}

fn tallest(chain: &[Piece]) -> f32 {
    chain.iter().rev().take(6).map(Piece::height).fold(0.0, f32::max)
}

/// Vertical middle of the last few pieces of a chain.
fn recent_middle(chain: &[Piece]) -> f32 {
    let recent: Vec<f32> = chain.iter().rev().take(4).map(Piece::middle).collect();
    recent.iter().sum::<f32>() / recent.iter().map(|_| 1.0f32).sum::<f32>().max(1.0)
}

/// The band of a chain; `None` for a chain too short to be print.
fn band(chain: &[Piece]) -> Option<LineBand> {
    let left = chain.iter().map(|p| p.left).fold(f32::MAX, f32::min);
    let right = chain.iter().map(|p| p.right).fold(f32::MIN, f32::max);
    if right - left < 3.0 {
        return None;
    }
    let mut heights: Vec<f32> = chain.iter().map(Piece::height).collect();
    heights.sort_by(f32::total_cmp);
    let height = heights[(heights.len() * 3 / 4).min(heights.len() - 1)];
    let mut points: Vec<(f32, f32)> = chain
        .iter()
        .filter(|p| p.height() > 0.6 * height)
        .map(|p| (f32::midpoint(p.left, p.right) - left, p.bottom))
        .collect();
    let mut line = fit(&points)?;
    // Tails (Q, g, comma) hang below the base line and broken letters end above it.
    for _ in 0..2 {
        let kept: Vec<(f32, f32)> = points
            .iter()
            .copied()
            .filter(|&(x, y)| (y - line.0 - line.1 * x).abs() < 0.16 * height)
            .collect();
        if kept.len() < 2 {
            break;
        }
        points = kept;
        line = fit(&points)?;
    }
    Some(LineBand {
        left,
        right,
        base: line.0,
        slope: line.1,
        height,
    })
}

/// A line with the letters at its ends that were too faint or too broken to be pieces: the ends move outwards over
/// inked columns, and over gaps no wider than stand inside a word.
fn extended(ink: &GrayImage, band: LineBand) -> LineBand {
    let inked = |x: f32| {
        let base = band.base_at(x);
        let (from, to) = (index(base - band.height, ink.height()), index(base, ink.height()));
        (from..=to).any(|y| f32::from(ink.get_pixel(index(x, ink.width()), y).0[0]) > 0.5 * PRINT)
    };
    let widest = 0.45 * band.height;
    let reach = |start: f32, direction: f32, limit: f32| {
        let (mut end, mut x) = (start, start);
        while (x - end).abs() < widest && (x - start).abs() < 2.5 * band.height && (limit - x) * direction > 0.0 {
            x += direction;
            if inked(x) {
                end = x;
            }
        }
        end
    };
    let left = reach(band.left, -1.0, 1.0);
    let right = reach(band.right - 1.0, 1.0, real(ink.width()) - 1.0) + 1.0;
    LineBand {
        left,
        right,
        base: band.base_at(left),
        ..band
    }
}

/// Least squares y = a + b·x; level when the points do not span enough to tell a slope.
fn fit(points: &[(f32, f32)]) -> Option<(f32, f32)> {
    let n: f32 = points.iter().map(|_| 1.0f32).sum();
    if n < 1.0 {
        return None;
    }
    let (mx, my) = points.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0 / n, s.1 + p.1 / n));
    let xx: f32 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let xy: f32 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    let slope = if n < 4.0 || xx < n * 400.0 {
        0.0
    } else {
        (xy / xx).clamp(-0.12, 0.12)
    };
    Some((my - slope * mx, slope))
}

/// Ink level from which a pixel belongs to print, by the darkest ink of the region.
fn print_level(ink: &GrayImage) -> u8 {
    level((f32::from(brightest(ink.as_raw(), 66)) * PRINT_SHARE).clamp(48.0, PRINT))
}

/// Connected ink, eight neighbours.
fn pieces(ink: &GrayImage, print: u8) -> Vec<Piece> {
    let stride = ink.width() as usize;
    let levels = ink.as_raw();
    let mut seen: Vec<bool> = levels.iter().map(|&v| v < print).collect();
    let mut found = Vec::new();
    let mut stack = Vec::new();
    for start in 0..levels.len() {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let (mut x0, mut x1, mut y0, mut y1, mut n) = (usize::MAX, 0, usize::MAX, 0, 0usize);
        while let Some(at) = stack.pop() {
            let (x, y) = (at % stride, at / stride);
            (x0, x1, y0, y1, n) = (x0.min(x), x1.max(x), y0.min(y), y1.max(y), n + 1);
            for ny in y.saturating_sub(1)..=y + 1 {
                for nx in x.saturating_sub(1)..=(x + 1).min(stride - 1) {
                    let next = ny * stride + nx;
                    if next < seen.len() && !seen[next] {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        if n >= 6 {
            let place = |v: usize| real(u32::try_from(v).unwrap_or(u32::MAX));
            found.push(Piece {
                left: place(x0),
                right: place(x1 + 1),
                top: place(y0),
                bottom: place(y1 + 1),
            });
        }
    }
    found
}

/// The picture of a line laid level: `above` and `below` are the margins over the capitals and under the base line, and
/// `aside` the margin left and right, all in heights of the print.
#[must_use]
pub fn crop_line(page: &GrayImage, band: &LineBand, above: f32, below: f32, aside: f32) -> GrayImage {
    let h = band.height;
    let width = index((band.right - band.left + 2.0 * aside * h).max(1.0), 4000).max(1);
    let height = index((h * (1.0 + above + below)).max(1.0), 400).max(1);
    let x0 = band.left - aside * h;
    let source = Sampler::of(page);
    GrayImage::from_fn(width, height, |x, y| {
        let px = x0 + real(x);
        let py = band.base_at(px) - h * (1.0 + above) + real(y);
        Luma([level(source.at(px, py))])
    })
}
