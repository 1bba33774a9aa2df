//! What scanners, cameras and compression do to ink levels.

use rand::{Rng, RngExt};

use crate::ink::Canvas;

/// Gaussian blur; `sigma` in pixels.
pub(crate) fn blur(canvas: &mut Canvas, sigma: f32) {
    if sigma < 0.15 {
        return;
    }
    let reach = crate::num::ceil(sigma * 2.5).max(1);
    let mut kernel: Vec<f32> = (0..=reach).map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp()).collect();
    let total = kernel[0] + 2.0 * kernel[1..].iter().sum::<f32>();
    for k in &mut kernel {
        *k /= total;
    }
    let (w, h) = (canvas.width, canvas.height);
    let mut line = vec![0.0; w];
    for row in canvas.ink.chunks_exact_mut(w) {
        line.copy_from_slice(row);
        for (x, out) in row.iter_mut().enumerate() {
            let mut sum = line[x] * kernel[0];
            for (i, k) in kernel.iter().enumerate().skip(1) {
                sum += k * (line[x.saturating_sub(i)] + line[(x + i).min(w - 1)]);
            }
            *out = sum;
        }
    }
    let source = canvas.ink.clone();
    let row = |y: usize| &source[y * w..(y + 1) * w];
    for (y, out) in canvas.ink.chunks_exact_mut(w).enumerate() {
        for (o, s) in out.iter_mut().zip(row(y)) {
            *o = s * kernel[0];
        }
        for (i, k) in kernel.iter().enumerate().skip(1) {
            let (up, down) = (row(y.saturating_sub(i)), row((y + i).min(h - 1)));
            for ((o, a), b) in out.iter_mut().zip(up).zip(down) {
                *o += k * (a + b);
            }
        }
    }
}

/// Adds noise of the given standard deviation to every pixel.
pub(crate) fn add_noise<R: Rng + ?Sized>(rng: &mut R, canvas: &mut Canvas, deviation: f32) {
    if deviation < 1e-4 {
        return;
    }
    // The sum of four bytes has mean 510 and standard deviation 147.8.
    let scale = deviation / 147.8;
    for ink in &mut canvas.ink {
        let sum: u32 = rng.random::<u32>().to_le_bytes().iter().map(|b| u32::from(*b)).sum();
        *ink += (sum as f32 - 510.0) * scale;
    }
}

/// Drops black specks, `share` per thousand pixels.
pub(crate) fn speckle<R: Rng + ?Sized>(rng: &mut R, canvas: &mut Canvas, share: f32) {
    let count = crate::num::floor(canvas.ink.len() as f32 * share / 1000.0);
    for _ in 0..count {
        let (x, y) = (rng.random_range(0..canvas.width), rng.random_range(0..canvas.height));
        canvas.dab(x, y, rng.random_range(0.5..1.0));
    }
}

/// Quantises 8 × 8 blocks in the cosine domain, the coarser the higher the frequency: what JPEG leaves behind.
pub(crate) fn compress(canvas: &mut Canvas, step: f32) {
    let basis = cosine_basis();
    let (w, h) = (canvas.width, canvas.height);
    for top in (0..h).step_by(8) {
        for left in (0..w).step_by(8) {
            let mut block = [[0.0_f32; 8]; 8];
            for (dy, row) in block.iter_mut().enumerate() {
                let y = (top + dy).min(h - 1);
                for (dx, value) in row.iter_mut().enumerate() {
                    *value = canvas.ink[y * w + (left + dx).min(w - 1)];
                }
            }
            let mut spectrum = transform(&basis, &block, false);
            for (v, row) in spectrum.iter_mut().enumerate() {
                for (u, c) in row.iter_mut().enumerate() {
                    let q = step * (1.0 + 0.8 * (u + v) as f32);
                    *c = (*c / q).round() * q;
                }
            }
            let back = transform(&basis, &spectrum, true);
            for (dy, row) in back.iter().enumerate().take(h - top) {
                for (dx, value) in row.iter().enumerate().take(w - left) {
                    canvas.ink[(top + dy) * w + left + dx] = *value;
                }
            }
        }
    }
}

type Block = [[f32; 8]; 8];

fn cosine_basis() -> Block {
    let mut basis = [[0.0; 8]; 8];
    for (k, row) in basis.iter_mut().enumerate() {
        let norm = if k == 0 { (1.0_f32 / 8.0).sqrt() } else { 0.5 };
        for (n, value) in row.iter_mut().enumerate() {
            *value = norm * (std::f32::consts::PI * (2 * n + 1) as f32 * k as f32 / 16.0).cos();
        }
    }
    basis
}

/// Two-dimensional cosine transform (basis · block · basisᵀ), or its inverse.
fn transform(basis: &Block, block: &Block, inverse: bool) -> Block {
    let at = |k: usize, n: usize| if inverse { basis[n][k] } else { basis[k][n] };
    let mut half = [[0.0; 8]; 8];
    for (y, row) in half.iter_mut().enumerate() {
        for (k, out) in row.iter_mut().enumerate() {
            *out = (0..8).map(|n| at(k, n) * block[y][n]).sum();
        }
    }
    let mut full = [[0.0; 8]; 8];
    for (k, row) in full.iter_mut().enumerate() {
        for (x, out) in row.iter_mut().enumerate() {
            *out = (0..8).map(|n| at(k, n) * half[n][x]).sum();
        }
    }
    full
}

/// Changes the size: mean over the covered area when smaller, linear between pixels when larger.
pub(crate) fn resample(source: &Canvas, width: usize, height: usize) -> Canvas {
    let (columns, rows) = (weights(source.width, width), weights(source.height, height));
    let mut narrow = vec![0.0; width * source.height];
    for (out, row) in narrow
        .chunks_exact_mut(width)
        .zip(source.ink.chunks_exact(source.width))
    {
        for (o, (start, ws)) in out.iter_mut().zip(&columns) {
            *o = ws.iter().zip(&row[*start..]).map(|(w, v)| w * v).sum();
        }
    }
    let mut result = Canvas::new(width, height);
    for (out, (start, ws)) in result.ink.chunks_exact_mut(width).zip(&rows) {
        for (i, w) in ws.iter().enumerate() {
            let row = &narrow[(start + i) * width..(start + i + 1) * width];
            for (o, v) in out.iter_mut().zip(row) {
                *o += w * v;
            }
        }
    }
    result
}

/// For every target pixel the first source pixel and the weights from there on.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let ratio = from as f32 / to as f32;
    let reach = ratio.max(1.0);
    (0..to)
        .map(|i| {
            let centre = (i as f32 + 0.5) * ratio - 0.5;
            let start = crate::num::ceil(centre - reach).min(from - 1);
            let end = crate::num::floor(centre + reach).min(from - 1).max(start);
            let mut ws: Vec<f32> = (start..=end)
                .map(|s| (1.0 - (s as f32 - centre).abs() / reach).max(0.0))
                .collect();
            let total: f32 = ws.iter().sum();
            if total <= 0.0 {
                ws = vec![1.0];
            } else {
                for w in &mut ws {
                    *w /= total;
                }
            }
            (start, ws)
        })
        .collect()
}
