//! The samples of the typeface, resampled to the matcher's size and blurred like a page's print.

use super::Charset;
use crate::raster::{bilinear, index, real};
use image::GrayImage;
use std::sync::OnceLock;

/// Height of the capitals in the matcher's pixels.
pub(super) const CAP: f32 = 14.0;
/// Rows of a column: capitals, accents above, tails below.
pub(super) const ROWS: usize = 22;
/// Rows from the top to the base line.
pub(super) const BASE: f32 = 1.36 * CAP;
/// Standard deviations of the blurs that print is compared with, in the matcher's pixels.
pub(super) const BLURS: [f32; 4] = [0.45, 1.0, 1.7, 2.6];

/// Height of the capitals in the rendered samples, see assets/make_print.py.
const SAMPLE_CAP: f32 = 20.0;

/// One glyph at the matcher's size.
pub(super) struct Glyph {
    pub(super) character: char,
    pub(super) bold: bool,
    /// Width in columns.
    pub(super) advance: usize,
    /// Columns of [`ROWS`] levels, see [`quantum`], with zeros behind up to a whole number of [`LANES`].
    pub(super) ink: Vec<i16>,
    /// Σ ink².
    pub(super) energy: f32,
}

/// Steps of an ink level between paper and black. Whole numbers multiply eight at a time on any processor.
pub(super) const STEPS: f32 = 1000.0;

/// An ink level 0–1 in steps.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a thousand steps first")]
pub(super) fn quantum(level: f32) -> i16 {
    (level * STEPS + 0.5).clamp(0.0, STEPS) as i32 as i16
}

/// Levels that are multiplied at once.
const LANES: usize = 16;

/// Σ a·b of two stretches of levels, over the shorter length.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "sums of a glyph are compared, not counted")]
fn product(a: &[i16], b: &[i16]) -> f32 {
    let length = a.len().min(b.len());
    let (a, a_rest) = a[..length].as_chunks::<LANES>();
    let (b, b_rest) = b[..length].as_chunks::<LANES>();
    // In this plain form compilers know the one instruction that multiplies neighbours and adds them in pairs.
    let whole = |(a, b): (&[i16; LANES], &[i16; LANES])| -> i32 {
        a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
    };
    let sum: i32 = a.iter().zip(b).map(whole).sum();
    let rest: i32 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(&x, &y)| i32::from(x) * i32::from(y))
        .sum();
    (sum + rest) as f32 / (STEPS * STEPS)
}

/// What each glyph has in common with the levels that begin at its first column.
struct Products<'a> {
    levels: &'a [i16],
    glyphs: &'a [&'static Glyph],
    products: &'a mut [f32],
}

impl pulp::WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (glyph, out) in self.glyphs.iter().zip(self.products) {
            *out = product(self.levels, &glyph.ink);
        }
    }
}

/// Σ levels·ink of each glyph, by the widest vectors of the processor.
pub(super) fn products(levels: &[i16], glyphs: &[&'static Glyph], products: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return pulp::Simd::vectorize(
            simd,
            Paired {
                simd,
                levels,
                glyphs,
                products,
            },
        );
    }
    pulp::Arch::new().dispatch(Products {
        levels,
        glyphs,
        products,
    });
}

/// [`Products`] by the one instruction of x86 that multiplies neighbours and adds them in pairs; compilers sum up after
/// each of them.
#[cfg(target_arch = "x86_64")]
struct Paired<'a> {
    simd: pulp::x86::V3,
    levels: &'a [i16],
    glyphs: &'a [&'static Glyph],
    products: &'a mut [f32],
}

#[cfg(target_arch = "x86_64")]
impl pulp::WithSimd for Paired<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::cast_precision_loss, reason = "sums of a glyph are compared, not counted")]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (glyph, out) in self.glyphs.iter().zip(self.products) {
            // Behind the end of a line there is nothing to multiply.
            let length = self.levels.len().min(glyph.ink.len());
            let (whole, rest) = self.levels[..length].as_chunks::<LANES>();
            let (ink, ink_rest) = glyph.ink[..length].as_chunks::<LANES>();
            let mut sums = pulp::cast([0i32; LANES / 2]);
            for (&a, &b) in whole.iter().zip(ink) {
                let pairs = self
                    .simd
                    .multiply_wrapping_add_adjacent_i16x16(pulp::cast(a), pulp::cast(b));
                sums = self.simd.wrapping_add_i32x8(sums, pairs);
            }
            let lanes: [i32; LANES / 2] = pulp::cast(sums);
            let rest: i32 = rest
                .iter()
                .zip(ink_rest)
                .map(|(&x, &y)| i32::from(x) * i32::from(y))
                .sum();
            *out = (lanes.iter().sum::<i32>() + rest) as f32 / (STEPS * STEPS);
        }
    }
}

/// The glyphs of a charset under a blur.
pub(super) fn samples(blur: usize, charset: Charset) -> Vec<&'static Glyph> {
    static SETS: [OnceLock<Vec<Glyph>>; BLURS.len()] = [const { OnceLock::new() }; BLURS.len()];
    let blur = blur.min(BLURS.len() - 1);
    SETS[blur]
        .get_or_init(|| render(BLURS[blur]))
        .iter()
        .filter(|g| holds(charset, g))
        .collect()
}

fn holds(charset: Charset, glyph: &Glyph) -> bool {
    let c = glyph.character;
    match charset {
        Charset::Digits => c.is_ascii_digit(),
        Charset::Numbers => c.is_ascii_digit() || c == ',' || c == '.',
        Charset::Codes => c.is_ascii_digit() || c == '-' || c == 'X',
        Charset::Capitals => !c.is_lowercase() && (!glyph.bold || c.is_ascii_digit()),
        Charset::Mixed => !glyph.bold || c.is_ascii_digit(),
        Charset::Bold => glyph.bold,
        Charset::Labels => c.is_ascii_digit() || (!glyph.bold && "DEPARTMNOUICSLZG:-Í".contains(c)),
        Charset::Marginalia => !glyph.bold && (c.is_ascii_digit() || "VerPagdeNoFmCiv:.".contains(c)),
        Charset::Kit => glyph.bold && (c.is_ascii_digit() || "KIT,.".contains(c)),
        Charset::Names => !glyph.bold && !c.is_lowercase(),
    }
}

/// Every sample at the matcher's size under one blur.
fn render(sigma: f32) -> Vec<Glyph> {
    let sheet = image::load_from_memory(include_bytes!("../../assets/print.png"))
        .map(image::DynamicImage::into_luma8)
        .unwrap_or_default();
    include_str!("../../assets/print.tsv")
        .lines()
        .filter_map(|line| {
            let mut parts = line.split('\t');
            let bold = parts.next()? == "bold";
            let character = parts.next()?.chars().next()?;
            let left: f32 = parts.next()?.parse().ok()?;
            let advance: f32 = parts.next()?.parse().ok()?;
            Some(glyph(&sheet, character, bold, left, advance * SAMPLE_CAP, sigma))
        })
        .collect()
}

fn glyph(sheet: &GrayImage, character: char, bold: bool, left: f32, width: f32, sigma: f32) -> Glyph {
    let down = SAMPLE_CAP / CAP;
    let columns = index(width / down, 64).max(1);
    let (right, bottom) = (left + width.round(), real(sheet.height()));
    let at = |x: f32, y: f32| {
        if x < left || x >= right || y < 0.0 || y >= bottom {
            0.0
        } else {
            bilinear(sheet, x - 0.5, y - 0.5) / 255.0
        }
    };
    // Blur and resampling in one, first along the rows, then along the columns.
    let reach = (2.5 * sigma).max(0.6);
    let taps: Vec<(f32, f32)> = (0..9u8)
        .map(|i| {
            let t = (f32::from(i) / 4.0 - 1.0) * reach;
            (t, (-t * t / (2.0 * sigma * sigma)).exp())
        })
        .collect();
    let total: f32 = taps.iter().map(|t| t.1).sum();
    let rows = u32::try_from(ROWS).unwrap_or(0);
    let mut ink = Vec::with_capacity(columns as usize * ROWS);
    for column in 0..columns {
        let across: Vec<f32> = (0..sheet.height())
            .map(|y| {
                let sum: f32 = taps
                    .iter()
                    .map(|&(t, w)| w * at(left + (real(column) + 0.5 + t) * down, real(y) + 0.5))
                    .sum();
                sum / total
            })
            .collect();
        for row in 0..rows {
            let sum: f32 = taps
                .iter()
                .map(|&(t, w)| w * between(&across, (real(row) + 0.5 + t) * down - 0.5))
                .sum();
            ink.push(quantum(sum / total));
        }
    }
    let energy = product(&ink, &ink).max(1e-3);
    ink.resize(ink.len().next_multiple_of(LANES), 0);
    Glyph {
        character,
        bold,
        advance: columns as usize,
        ink,
        energy,
    }
}

/// Linear between the values of a row; 0 outside.
fn between(values: &[f32], at: f32) -> f32 {
    if at <= -1.0 {
        return 0.0;
    }
    let floor = at.floor();
    let before = if floor < 0.0 {
        None
    } else {
        Some(index(floor, u32::MAX) as usize)
    };
    let value = |i: usize| values.get(i).copied().unwrap_or(0.0);
    let (a, b) = before.map_or((0.0, value(0)), |i| (value(i), value(i + 1)));
    a + (b - a) * (at - floor)
}
