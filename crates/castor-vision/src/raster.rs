//! Grey-level primitives that registration and layout share: resampling, integral images, ink levels.

use crate::homography::{Homography, Point};
use image::GrayImage;

/// Nearest pixel index of a coordinate, clamped to `0..len`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the image first"
)]
pub(crate) fn index(v: f32, len: u32) -> u32 {
    let top = len.saturating_sub(1);
    (v.round().max(0.0) as u32).min(top)
}

/// A value in 0–255, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 first"
)]
pub(crate) fn level(v: f32) -> u8 {
    v.round().clamp(0.0, 255.0) as u8
}

/// A pixel count or coordinate as f32; images here are far below 2^24 pixels a side.
#[expect(clippy::cast_precision_loss, reason = "image sides are below 2^24")]
pub(crate) fn real(v: u32) -> f32 {
    v as f32
}

/// Grey at a fractional position, bilinear; outside the image the nearest edge pixel.
pub(crate) fn bilinear(image: &GrayImage, x: f32, y: f32) -> f32 {
    let (w, h) = image.dimensions();
    let (x, y) = (x.clamp(0.0, real(w - 1)), y.clamp(0.0, real(h - 1)));
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = (x - x0, y - y0);
    let (ix, iy) = (index(x0, w), index(y0, h));
    let (jx, jy) = ((ix + 1).min(w - 1), (iy + 1).min(h - 1));
    let row = |r: u32| {
        let r = r as usize * w as usize;
        let data = image.as_raw();
        let (a, b) = (f32::from(data[r + ix as usize]), f32::from(data[r + jx as usize]));
        a + (b - a) * fx
    };
    let (top, bottom) = (row(iy), row(jy));
    top + (bottom - top) * fy
}

/// The image halved in both directions, each pixel the mean of four.
pub(crate) fn halve(image: &GrayImage) -> GrayImage {
    let (w, h) = (image.width() / 2, image.height() / 2);
    let source = image.as_raw();
    let stride = image.width() as usize;
    let mut out = GrayImage::new(w, h);
    for (y, row) in out.chunks_exact_mut((w as usize).max(1)).enumerate() {
        let top = &source[2 * y * stride..];
        let bottom = &source[(2 * y + 1) * stride..];
        for (x, v) in row.iter_mut().enumerate() {
            let sum = u16::from(top[2 * x])
                + u16::from(top[2 * x + 1])
                + u16::from(bottom[2 * x])
                + u16::from(bottom[2 * x + 1]);
            *v = u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX);
        }
    }
    out
}

/// The image at another size, bilinear, after halving as often as the scale allows.
pub(crate) fn resize(image: &GrayImage, width: u32, height: u32) -> GrayImage {
    if image.width() >= 2 * width && image.height() >= 2 * height {
        return resize(&halve(image), width, height);
    }
    let (sx, sy) = (real(image.width()) / real(width), real(image.height()) / real(height));
    GrayImage::from_fn(width, height, |x, y| {
        image::Luma([level(bilinear(
            image,
            (real(x) + 0.5) * sx - 0.5,
            (real(y) + 0.5) * sy - 0.5,
        ))])
    })
}

/// `map` takes pixels of the result to pixels of `image`.
pub(crate) fn warp(image: &GrayImage, map: &Homography, width: u32, height: u32) -> GrayImage {
    let mut out = GrayImage::new(width, height);
    // The map is exact at every 16th pixel and linear between: the error is far below a pixel and it saves two
    // divisions a pixel.
    const STEP: u32 = 16;
    for y in 0..height {
        let mut x = 0;
        while x < width {
            let end = (x + STEP).min(width);
            let a = map.apply(Point::new(real(x), real(y)));
            let b = map.apply(Point::new(real(end), real(y)));
            let n = real(end - x);
            let (dx, dy) = ((b.x - a.x) / n, (b.y - a.y) / n);
            for i in 0..end - x {
                let t = real(i);
                out.put_pixel(
                    x + i,
                    y,
                    image::Luma([level(bilinear(image, a.x + dx * t, a.y + dy * t))]),
                );
            }
            x = end;
        }
    }
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
        let own = GrayImage::from_fn(columns, rows, |tx, ty| {
            let mut histogram = [0u32; 256];
            let mut n = 0u32;
            let (x1, y1) = (
                ((tx + 1) * side).min(image.width()),
                ((ty + 1) * side).min(image.height()),
            );
            for y in ty * side..y1 {
                let row = (y * image.width()) as usize;
                for &v in &image.as_raw()[row + (tx * side) as usize..row + x1 as usize] {
                    histogram[usize::from(v)] += 1;
                    n += 1;
                }
            }
            let mut above = 0u32;
            let bright = (0..=255u8).rev().find(|&v| {
                above += histogram[usize::from(v)];
                above * 5 >= n
            });
            image::Luma([bright.unwrap_or(255)])
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
            black: black_level(image),
        }
    }

    /// Paper level at a pixel.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let side = real(self.side);
        bilinear(&self.tiles, (x + 0.5) / side - 0.5, (y + 0.5) / side - 0.5).max(1.0)
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
        let mut papers = vec![0.0f32; (w as usize).div_ceil(8)];
        for (y, (row, source)) in out
            .chunks_exact_mut((w as usize).max(1))
            .zip(image.as_raw().chunks_exact((w as usize).max(1)))
            .enumerate()
        {
            if y % 8 == 0 {
                for (i, p) in papers.iter_mut().enumerate() {
                    let x = u32::try_from(8 * i).unwrap_or(0);
                    let level = self.at(real(x), real(u32::try_from(y).unwrap_or(0)));
                    *p = 255.0 / (level * 0.97 - black).max(24.0);
                }
            }
            for (x, (v, &s)) in row.iter_mut().zip(source).enumerate() {
                let gain = papers[x / 8];
                let paper = black + 255.0 / gain;
                *v = level((paper - f32::from(s)) * gain);
            }
        }
        out
    }
}

/// The dark end of a page's grey levels: what print and full strokes reach.
fn black_level(image: &GrayImage) -> f32 {
    let mut histogram = [0u32; 256];
    for &v in image.as_raw() {
        histogram[usize::from(v)] += 1;
    }
    let total: u32 = histogram.iter().sum();
    let mut below = 0u32;
    let level = (0..=255u8).find(|&v| {
        below += histogram[usize::from(v)];
        below * 50 >= total
    });
    f32::from(level.unwrap_or(0))
}
