//! Grey-level primitives that registration and layout share: resampling, integral images, ink levels.

use crate::homography::{Homography, Point};
use crate::simd::vectorised;
use image::GrayImage;

/// Nearest pixel index of a coordinate, clamped to `0..len`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the image first"
)]
pub(crate) fn index(v: f32, len: u32) -> u32 {
    let top = len.saturating_sub(1);
    // Halves go up; nothing that rounds to a negative place is left after the clamp, so the cast is the floor.
    ((v + 0.5).max(0.0) as u32).min(top)
}

/// Whole part of a value that is not negative, at most `top`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates and the result is clamped"
)]
fn whole(v: f32, top: usize) -> usize {
    (v as u32 as usize).min(top)
}

/// A value in 0–255, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 first"
)]
pub(crate) fn level(v: f32) -> u8 {
    // Processors round many numbers to 32 bits at once, and to bytes one by one.
    (v + 0.5).clamp(0.0, 255.0) as i32 as u8
}

/// A pixel count or coordinate as f32; images here are far below 2^24 pixels a side.
#[expect(clippy::cast_precision_loss, reason = "image sides are below 2^24")]
pub(crate) fn real(v: u32) -> f32 {
    v as f32
}

/// Grey at a fractional position, bilinear; outside the image the nearest edge pixel.
pub(crate) fn bilinear(image: &GrayImage, x: f32, y: f32) -> f32 {
    Sampler::of(image).at(x, y)
}

/// Samples that are taken together, and pixels of a row that they are taken from where they stand close.
const PART: usize = 16;
const STEPS: [i32; PART + 1] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const WINDOW: usize = 64;

/// An image prepared for many bilinear samples.
pub(crate) struct Sampler<'a> {
    data: &'a [u8],
    stride: usize,
    last: (usize, usize),
    far: (f32, f32),
}

impl<'a> Sampler<'a> {
    /// Samples of an image that is not empty.
    pub(crate) fn of(image: &'a GrayImage) -> Self {
        let (w, h) = image.dimensions();
        let last = (w.saturating_sub(1), h.saturating_sub(1));
        Self {
            data: image.as_raw(),
            stride: w as usize,
            last: (last.0 as usize, last.1 as usize),
            far: (real(last.0), real(last.1)),
        }
    }

    /// Whether a point has pixels on all sides, with one to spare.
    #[inline]
    fn surrounds(&self, p: Point) -> bool {
        let inside = |v: f32, far: f32| v >= 1.0 && v <= far - 2.0;
        inside(p.x, self.far.0) && inside(p.y, self.far.1)
    }

    /// Samples at equal steps from `from` on; the one after the last would stand at `to`.
    #[inline(always)]
    pub(crate) fn between(&self, from: Point, to: Point, out: &mut [u8]) {
        let n = small(out.len());
        let (dx, dy) = ((to.x - from.x) / n, (to.y - from.y) / n);
        if self.surrounds(from) && self.surrounds(to) {
            let (step, place) = ((fixed(dx), fixed(dy)), (fixed(from.x), fixed(from.y)));
            let (mut x, mut y) = place;
            for part in out.chunks_mut(PART) {
                self.stretch((x, y), step, part);
                x += step.0 * i64::from(STEPS[PART]);
                y += step.1 * i64::from(STEPS[PART]);
            }
        } else {
            let mut t = 0.0;
            for v in out {
                *v = level(self.at(from.x + dx * t, from.y + dy * t));
                t += 1.0;
            }
        }
    }

    /// At most [`PART`] samples from a place on at equal steps, all [surrounded](Self::surrounds): places and weights in
    /// fixed point, finer than grey levels can tell.
    #[inline(always)]
    fn stretch(&self, (mut x, mut y): (i64, i64), (dx, dy): (i64, i64), out: &mut [u8]) {
        let steps = i64::from(STEPS[out.len().saturating_sub(1).min(PART - 1)]);
        let (end, row) = ((x + dx * steps, y + dy * steps), pixel(y));
        let (left, right) = (x.min(end.0), x.max(end.0));
        // Most stretches lie between two rows of pixels and reach few of them: no place in them needs checking.
        let window = |row: usize| {
            self.data
                .get(row * self.stride + pixel(left)..)?
                .first_chunk::<{ WINDOW + 1 }>()
        };
        if row == pixel(end.1)
            && pixel(right) - pixel(left) < WINDOW
            && let (Some(above), Some(below)) = (window(row), window(row + 1))
            && let (Some(across), Some(down)) = (near(x, left, dx), near(y, y, dy))
        {
            level_stretch([above, below], across, down, out);
            return;
        }
        for v in out {
            let at = pixel(y) * self.stride + pixel(x);
            let (above, below) = (
                &self.data[at..at + 2],
                &self.data[at + self.stride..at + self.stride + 2],
            );
            *v = mixed([above[0], above[1], below[0], below[1]], weight(x), weight(y));
            x += dx;
            y += dy;
        }
    }

    /// Samples down one column: at `x`, from `y` on at equal steps; outside the image the nearest edge pixels.
    #[inline(always)]
    pub(crate) fn down<const N: usize>(&self, x: f32, y: f32, step: f32) -> [f32; N] {
        let x = x.clamp(0.0, self.far.0);
        let ix = whole(x, self.last.0);
        let fx = x - small(ix);
        let right = usize::from(ix < self.last.0);
        let mut y = y;
        std::array::from_fn(|_| {
            let at = y.clamp(0.0, self.far.1);
            let iy = whole(at, self.last.1);
            let fy = at - small(iy);
            y += step;
            let row = |at: usize| {
                let (a, b) = (f32::from(self.data[at]), f32::from(self.data[at + right]));
                a + (b - a) * fx
            };
            let here = iy * self.stride + ix;
            let below = if iy < self.last.1 { self.stride } else { 0 };
            let (top, bottom) = (row(here), row(here + below));
            top + (bottom - top) * fy
        })
    }

    /// Grey at a fractional position; outside the image the nearest edge pixel.
    #[inline]
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x.clamp(0.0, self.far.0), y.clamp(0.0, self.far.1));
        let (ix, iy) = (whole(x, self.last.0), whole(y, self.last.1));
        let (fx, fy) = (x - small(ix), y - small(iy));
        let (right, below) = (
            usize::from(ix < self.last.0),
            if iy < self.last.1 { self.stride } else { 0 },
        );
        let here = iy * self.stride + ix;
        let row = |at: usize| {
            let (a, b) = (f32::from(self.data[at]), f32::from(self.data[at + right]));
            a + (b - a) * fx
        };
        let (top, bottom) = (row(here), row(here + below));
        top + (bottom - top) * fy
    }
}

/// A place and a step in fixed point, counted from the pixel of `from`.
#[inline(always)]
fn near(place: i64, from: i64, step: i64) -> Option<(i32, i32)> {
    let place = i32::try_from(place - (from >> 16 << 16)).ok()?;
    Some((place, i32::try_from(step).ok()?))
}

/// Samples between two rows of pixels, from a place in them on at equal steps.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "arrays are filled side by side, which iterators make slower"
)]
fn level_stretch([above, below]: [&[u8; WINDOW + 1]; 2], (x, dx): (i32, i32), (y, dy): (i32, i32), out: &mut [u8]) {
    let place = |k: usize| x.wrapping_add(dx.wrapping_mul(STEPS[k]));
    let height = |k: usize| y.wrapping_add(dy.wrapping_mul(STEPS[k]));
    // Neighbours are fetched in pairs, one pair after the other; all the rest is done for all of them at once.
    let mut pairs = [[0u16; PART]; 2];
    for k in 0..PART {
        let i = pixel(place(k).into()) % WINDOW;
        pairs[0][k] = u16::from_le_bytes([above[i], above[i + 1]]);
        pairs[1][k] = u16::from_le_bytes([below[i], below[i + 1]]);
    }
    let mut levels = [0u8; PART];
    for (k, v) in levels.iter_mut().enumerate() {
        let ([a, b], [c, d]) = (pairs[0][k].to_le_bytes(), pairs[1][k].to_le_bytes());
        *v = mixed([a, b, c, d], near_weight(place(k)), near_weight(height(k)));
    }
    out.copy_from_slice(&levels[..out.len()]);
}

/// A level between four pixels: the weights of the right and of the lower ones.
#[inline(always)]
fn mixed([a, b, c, d]: [u8; 4], right: u32, lower: u32) -> u8 {
    let mix = |a: u8, b: u8| u32::from(a) * (WEIGHTS - right) + u32::from(b) * right;
    let sum = mix(a, b) * (WEIGHTS - lower) + mix(c, d) * lower;
    // Weights sum to 2^24, so the rounded mean of four bytes is the uppermost byte.
    (sum + (1 << 23)).to_le_bytes()[3]
}

/// An index inside an image as f32.
#[expect(clippy::cast_precision_loss, reason = "image sides are below 2^24")]
fn small(v: usize) -> f32 {
    v as f32
}

/// Steps of a place in fixed point.
const FIXED: f32 = 65_536.0;

/// A place or step in fixed point.
#[expect(
    clippy::cast_possible_truncation,
    reason = "image sides are below 2^24, so 2^40 holds every place"
)]
fn fixed(v: f32) -> i64 {
    (v * FIXED) as i64
}

/// The pixel of a place in fixed point that is not negative.
#[expect(clippy::cast_sign_loss, reason = "the place is inside an image")]
fn pixel(place: i64) -> usize {
    (place >> 16) as usize
}

/// Parts of a pixel that weights tell apart: the product of two weights and a byte just fits 32 bits.
const WEIGHTS: u32 = 1 << 12;

/// How far a place in fixed point lies into its pixel.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "twelve bits are kept"
)]
fn weight(place: i64) -> u32 {
    (place >> 4) as u32 % WEIGHTS
}

/// The same of a place counted from a pixel near it.
#[expect(clippy::cast_sign_loss, reason = "twelve bits are kept")]
fn near_weight(place: i32) -> u32 {
    (place >> 4) as u32 % WEIGHTS
}

/// A mean of bytes, which is a byte.
#[expect(clippy::cast_possible_truncation, reason = "a mean of bytes is at most 255")]
fn byte(mean: u16) -> u8 {
    mean as u8
}

/// The image halved in both directions, each pixel the mean of four.
pub(crate) fn halve(image: &GrayImage) -> GrayImage {
    let (w, h) = (image.width() / 2, image.height() / 2);
    let source = image.as_raw();
    let stride = image.width() as usize;
    let mut out = GrayImage::new(w, h);
    vectorised(
        #[inline(always)]
        || {
            for (y, row) in out.chunks_exact_mut((w as usize).max(1)).enumerate() {
                let (top, bottom) = (&source[2 * y * stride..], &source[(2 * y + 1) * stride..]);
                for ((v, [a, b]), [c, d]) in row
                    .iter_mut()
                    .zip(top.as_chunks::<2>().0)
                    .zip(bottom.as_chunks::<2>().0)
                {
                    let sum = u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d);
                    *v = byte((sum + 2) / 4);
                }
            }
        },
    );
    out
}

/// The image at another size, bilinear, after halving as often as the scale allows.
pub(crate) fn resize(image: &GrayImage, width: u32, height: u32) -> GrayImage {
    if image.width() >= 2 * width && image.height() >= 2 * height {
        return resize(&halve(image), width, height);
    }
    let (sx, sy) = (real(image.width()) / real(width), real(image.height()) / real(height));
    let mut out = GrayImage::new(width, height);
    let (stride, data) = (image.width() as usize, image.as_raw());
    if data.is_empty() {
        return out;
    }
    let columns = taps(width, sx, image.width());
    let mut blended = vec![0.0f32; stride];
    vectorised(
        #[inline(always)]
        || {
            for (row, tap) in out
                .chunks_exact_mut((width as usize).max(1))
                .zip(taps(height, sy, image.height()))
            {
                let line = |y: usize| &data[y * stride..(y + 1) * stride];
                for ((v, &a), &b) in blended.iter_mut().zip(line(tap.first)).zip(line(tap.second)) {
                    *v = f32::from(a) + (f32::from(b) - f32::from(a)) * tap.share;
                }
                for (v, tap) in row.iter_mut().zip(&columns) {
                    let (a, b) = (blended[tap.first], blended[tap.second]);
                    *v = level(a + (b - a) * tap.share);
                }
            }
        },
    );
    out
}

/// Two neighbouring pixels and the share of the second.
struct Tap {
    first: usize,
    second: usize,
    share: f32,
}

/// For each of `count` pixels at a new size the two old ones, of `length`, that it lies between.
fn taps(count: u32, scale: f32, length: u32) -> Vec<Tap> {
    let last = length.saturating_sub(1);
    (0..count)
        .map(|i| {
            let at = ((real(i) + 0.5) * scale - 0.5).clamp(0.0, real(last));
            let first = whole(at, last as usize);
            Tap {
                first,
                second: (first + 1).min(last as usize),
                share: at - small(first),
            }
        })
        .collect()
}

/// A part of an image that lies inside it.
pub(crate) fn part(image: &GrayImage, x: u32, y: u32, width: u32, height: u32) -> GrayImage {
    let (stride, left, wide) = (image.width() as usize, x as usize, width as usize);
    let rows = image
        .as_raw()
        .chunks_exact(stride.max(1))
        .skip(y as usize)
        .take(height as usize);
    let mut pixels = Vec::with_capacity(wide * height as usize);
    for row in rows {
        pixels.extend_from_slice(&row[left..left + wide]);
    }
    GrayImage::from_raw(width, height, pixels).unwrap_or_default()
}

/// `map` takes pixels of the result to pixels of `image`.
pub(crate) fn warp(image: &GrayImage, map: &Homography, width: u32, height: u32) -> GrayImage {
    let mut out = GrayImage::new(width, height);
    // The map is exact at every 16th pixel and linear between: the error is far below a pixel and it saves two
    // divisions a pixel.
    const STEP: u32 = 16;
    let source = Sampler::of(image);
    vectorised(
        #[inline(always)]
        || {
            for (y, row) in (0..height).zip(out.chunks_exact_mut((width as usize).max(1))) {
                let mut x = 0;
                let mut a = map.apply(Point::new(0.0, real(y)));
                for part in row.chunks_mut(STEP as usize) {
                    let n = STEP.min(width - x);
                    let b = map.apply(Point::new(real(x + n), real(y)));
                    source.between(a, b, part);
                    x += n;
                    a = b;
                }
            }
        },
    );
    out
}

/// Paper brightness across a page: the bright end of the grey levels around each tile, smooth between tiles.
pub(crate) struct Paper {
    tiles: GrayImage,
    side: u32,
    /// What print and full strokes reach.
    black: f32,
}

impl Paper {
    /// Estimates from tiles of `side` pixels; a tile takes the brightest of its 3 × 3 neighbourhood so that print,
    /// bars and photographs do not pass for dark paper.
    pub(crate) fn of(image: &GrayImage, side: u32) -> Self {
        let (columns, rows) = (
            image.width().div_ceil(side).max(1),
            image.height().div_ceil(side).max(1),
        );
        let mut tile = Vec::with_capacity((side * side) as usize);
        let own = GrayImage::from_fn(columns, rows, |tx, ty| {
            let (x0, x1) = (tx * side, ((tx + 1) * side).min(image.width()));
            let (y0, y1) = (ty * side, ((ty + 1) * side).min(image.height()));
            tile.clear();
            for y in y0..y1 {
                let row = (y * image.width()) as usize;
                tile.extend_from_slice(&image.as_raw()[row + x0 as usize..row + x1 as usize]);
            }
            image::Luma([brightest(&tile, 5)])
        });
        let tiles = GrayImage::from_fn(columns, rows, |tx, ty| {
            let mut best = 0;
            for y in ty.saturating_sub(1)..=(ty + 1).min(rows - 1) {
                for x in tx.saturating_sub(1)..=(tx + 1).min(columns - 1) {
                    best = best.max(own.get_pixel(x, y).0[0]);
                }
            }
            image::Luma([best])
        });
        Self {
            tiles,
            side,
            // What print and full strokes reach.
            black: f32::from(darkest(image.as_raw(), 50)),
        }
    }

    /// Paper level at a pixel.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let side = real(self.side);
        bilinear(&self.tiles, (x + 0.5) / side - 0.5, (y + 0.5) / side - 0.5).max(1.0)
    }

    /// Paper levels along a row of pixels.
    pub(crate) fn row(&self, y: f32, levels: &mut [f32]) {
        let side = real(self.side);
        let source = Sampler::of(&self.tiles);
        let down = (y + 0.5) / side - 0.5;
        let tiles: Vec<f32> = (0..self.tiles.width())
            .map(|tile| source.at(real(tile), down))
            .collect();
        // Between the middles of two tiles the level runs straight.
        let middle = (self.side / 2) as usize;
        let (first, rest) = levels.split_at_mut(middle.min(levels.len()));
        let bounded = |level: f32| level.max(1.0);
        first.fill(tiles.first().copied().map_or(1.0, bounded));
        let next = tiles.iter().skip(1).chain(tiles.last());
        for (part, (&a, &b)) in rest.chunks_mut(self.side as usize).zip(tiles.iter().zip(next)) {
            let mut t = 0.5 + real(self.side / 2) - side / 2.0;
            for level in part {
                *level = bounded(a + (b - a) * (t / side));
                t += 1.0;
            }
        }
    }

    /// Ink 0–255 of a grey level at a pixel.
    pub(crate) fn ink_at(&self, x: f32, y: f32, grey: f32) -> u8 {
        let paper = self.at(x, y) * 0.97;
        level((paper - grey) * 255.0 / (paper - self.black).max(24.0))
    }

    /// Ink of a page, 0 = paper to 255 = as black as the page gets. Levels are exact at every eighth pixel of a row
    /// for the paper and exact everywhere for the image.
    pub(crate) fn ink(&self, image: &GrayImage) -> GrayImage {
        let black = self.black;
        let (w, h) = image.dimensions();
        let mut out = GrayImage::new(w, h);
        let mut papers = vec![(0.0f32, 0.0f32); (w as usize).div_ceil(8)];
        vectorised(
            #[inline(always)]
            || {
                for (y, (row, source)) in out
                    .chunks_exact_mut((w as usize).max(1))
                    .zip(image.as_raw().chunks_exact((w as usize).max(1)))
                    .enumerate()
                {
                    if y % 8 == 0 {
                        for (i, p) in papers.iter_mut().enumerate() {
                            let x = u32::try_from(8 * i).unwrap_or(0);
                            let level = self.at(real(x), real(u32::try_from(y).unwrap_or(0)));
                            let range = (level * 0.97 - black).max(24.0);
                            *p = (black + range, 255.0 / range);
                        }
                    }
                    ink_row(row, source, &papers);
                }
            },
        );
        out
    }
}

/// Ink of a row of pixels, given for each eight of them the level of the paper and the ink of one level less.
#[inline(always)]
pub(crate) fn ink_row(row: &mut [u8], source: &[u8], papers: &[(f32, f32)]) {
    let (parts, rest) = row.as_chunks_mut::<8>();
    let (sources, source_rest) = source.as_chunks::<8>();
    let ink = |s: u8, (paper, gain): (f32, f32)| level((paper - f32::from(s)) * gain);
    for ((part, source), &paper) in parts.iter_mut().zip(sources).zip(papers) {
        for (v, &s) in part.iter_mut().zip(source) {
            *v = ink(s, paper);
        }
    }
    for (v, &s) in rest.iter_mut().zip(source_rest) {
        *v = ink(s, papers.last().copied().unwrap_or_default());
    }
}

/// The highest level that one in so many of the levels reaches.
pub(crate) fn brightest(levels: &[u8], one_in: usize) -> u8 {
    // Found bit by bit from the top: counting what reaches a level is quicker than a histogram.
    (0..8).rev().fold(0, |found, bit| {
        let higher = found | 1 << bit;
        if reaching(levels, higher) * one_in >= levels.len() {
            higher
        } else {
            found
        }
    })
}

/// The lowest level that one in so many of the levels does not exceed.
pub(crate) fn darkest(levels: &[u8], one_in: usize) -> u8 {
    // Of the levels that too few do not exceed the highest, and one more.
    let few = |level: u8| (levels.len() - reaching(levels, level)) * one_in < levels.len();
    (0..8).rev().fold(0, |found, bit| {
        let higher = found | 1 << bit;
        if few(higher) { higher } else { found }
    })
}

/// How many of the levels are not below one.
fn reaching(levels: &[u8], least: u8) -> usize {
    /// Levels counted at once, in bytes that do not overflow.
    const STRETCH: usize = 224;
    let of = |part: &[u8]| part.iter().map(|&v| u8::from(v >= least)).sum::<u8>();
    vectorised(
        #[inline(always)]
        || levels.chunks(STRETCH).map(|part| usize::from(of(part))).sum(),
    )
}
