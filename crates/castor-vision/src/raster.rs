//! Grey-level primitives that registration and layout share: resampling, integral images, ink levels.

use crate::homography::{Homography, Point};
use image::GrayImage;

/// Nearest pixel index of a coordinate, clamped to `0..len`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the image first")]
pub(crate) fn index(v: f32, len: u32) -> u32 {
    let top = len.saturating_sub(1);
    (v.round().max(0.0) as u32).min(top)
}

/// A value in 0–255, rounded.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255 first")]
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
        image::Luma([level(bilinear(image, (real(x) + 0.5) * sx - 0.5, (real(y) + 0.5) * sy - 0.5))])
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
                out.put_pixel(x + i, y, image::Luma([level(bilinear(image, a.x + dx * t, a.y + dy * t))]));
            }
            x = end;
        }
    }
    out
}

/// Sums over any upright rectangle in constant time.
pub(crate) struct Integral {
    sums: Vec<u32>,
    stride: usize,
    width: u32,
    height: u32,
}

impl Integral {
    /// Sums of the grey levels.
    pub(crate) fn of(image: &GrayImage) -> Self {
        let (w, h) = image.dimensions();
        let stride = w as usize + 1;
        let mut sums = vec![0u32; stride * (h as usize + 1)];
        for (y, row) in image.as_raw().chunks_exact((w as usize).max(1)).enumerate() {
            let (above, below) = sums.split_at_mut((y + 1) * stride);
            let above = &above[y * stride..];
            let mut run = 0u32;
            for (x, &v) in row.iter().enumerate() {
                run = run.wrapping_add(u32::from(v));
                below[x + 1] = run.wrapping_add(above[x + 1]);
            }
        }
        Self { sums, stride, width: w, height: h }
    }

    /// Mean level over `x0..x1`, `y0..y1`, clipped to the image; 0 for an empty rectangle.
    pub(crate) fn mean(&self, x0: i64, y0: i64, x1: i64, y1: i64) -> f32 {
        let clip = |v: i64, top: u32| usize::try_from(v.clamp(0, i64::from(top))).unwrap_or(0);
        let (x0, x1) = (clip(x0, self.width), clip(x1, self.width));
        let (y0, y1) = (clip(y0, self.height), clip(y1, self.height));
        if x1 <= x0 || y1 <= y0 {
            return 0.0;
        }
        let at = |x: usize, y: usize| self.sums[y * self.stride + x];
        let sum = at(x1, y1).wrapping_sub(at(x0, y1)).wrapping_sub(at(x1, y0)).wrapping_add(at(x0, y0));
        let area = u32::try_from((x1 - x0) * (y1 - y0)).unwrap_or(u32::MAX);
        real(sum) / real(area)
    }
}
