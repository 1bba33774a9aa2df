//! Printed rules of a page: thin dark lines, found by their ridge and followed across the page.

use crate::raster::real;
use image::GrayImage;

/// Length of the strips that ridges are measured on, in canonical pixels.
pub(crate) const STRIP: u32 = 20;
/// Shorter strips, for rules no longer than a box.
pub(crate) const SHORT_STRIP: u32 = 10;

/// A rule: a thin dark line along one direction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// First pixel along the line.
    pub(crate) start: f32,
    /// One past the last pixel along the line.
    pub(crate) end: f32,
    /// Length of the strips that it was measured on.
    pub(crate) strip: u32,
    /// Position across the line at each strip from `start` on.
    pub(crate) across: Vec<f32>,
}

impl Rule {
    /// Length in pixels.
    pub(crate) fn length(&self) -> f32 {
        self.end - self.start
    }

    /// Position across the line at a place along it (clamped to its ends).
    pub(crate) fn at(&self, along: f32) -> f32 {
        let last = self.across.len().saturating_sub(1);
        let strip = ((along - self.start) / real(self.strip) - 0.5).max(0.0);
        let i = (crate::raster::index(strip.floor(), u32::MAX) as usize).min(last);
        let j = (i + 1).min(last);
        let t = (strip - strip.floor()).clamp(0.0, 1.0);
        self.across[i] * (1.0 - t) + self.across[j] * t
    }

    /// Mean position across the line.
    pub(crate) fn middle(&self) -> f32 {
        self.at((self.start + self.end) / 2.0)
    }
}

/// Rules along x, from top to bottom. `ink` is the canonical page, 0 paper to 255 ink.
pub(crate) fn horizontal(ink: &GrayImage) -> Vec<Rule> {
    let (w, h) = (ink.width() as usize, ink.height() as usize);
    let strips = w / STRIP as usize;
    let data = ink.as_raw();
    let mut profiles = vec![vec![0.0f32; h]; strips];
    for (y, row) in data.chunks_exact(w.max(1)).enumerate() {
        for (s, profile) in profiles.iter_mut().enumerate() {
            let part = &row[s * STRIP as usize..(s + 1) * STRIP as usize];
            let sum: u32 = part.iter().map(|&v| u32::from(v)).sum();
            profile[y] = real(sum) / real(STRIP);
        }
    }
    follow(&profiles, STRIP)
}

/// Rules along y, from left to right, measured on strips of the given length.
pub(crate) fn vertical(ink: &GrayImage, strip: u32) -> Vec<Rule> {
    let (w, h) = (ink.width() as usize, ink.height() as usize);
    let side = strip as usize;
    let data = ink.as_raw();
    let mut profiles = vec![vec![0.0f32; w]; h / side];
    let mut sums = vec![0u32; w];
    for (s, profile) in profiles.iter_mut().enumerate() {
        sums.fill(0);
        for row in data[s * side * w..(s + 1) * side * w].chunks_exact(w.max(1)) {
            for (sum, &v) in sums.iter_mut().zip(row) {
                *sum += u32::from(v);
            }
        }
        for (mean, &sum) in profile.iter_mut().zip(&sums) {
            *mean = real(sum) / real(strip);
        }
    }
    follow(&profiles, strip)
}

/// Peaks of the ridge response in each strip, linked from strip to strip.
fn follow(profiles: &[Vec<f32>], strip: u32) -> Vec<Rule> {
    /// Ridge contrast that counts as a rule, of 255.
    const CONTRAST: f32 = 28.0;
    /// Sideways drift of a rule between neighbouring strips, in pixels.
    const DRIFT: f32 = 2.2;
    let peaks: Vec<Vec<f32>> = profiles.iter().map(|p| ridge_peaks(p, CONTRAST)).collect();
    let mut used: Vec<Vec<bool>> = peaks.iter().map(|p| vec![false; p.len()]).collect();
    let mut rules = Vec::new();
    for s in 0..peaks.len() {
        for i in 0..peaks[s].len() {
            if used[s][i] {
                continue;
            }
            let mut across = vec![peaks[s][i]];
            used[s][i] = true;
            let mut gap = 0;
            let mut pending = 0usize;
            for t in s + 1..peaks.len() {
                let last = across.last().copied().unwrap_or_default();
                let reach = DRIFT * if gap == 0 { 1.0 } else { 1.6 };
                // Peaks stand in their order across.
                let from = peaks[t].partition_point(|&p| p < last - reach - 1.0);
                let next = (from..peaks[t].len())
                    .take_while(|&k| peaks[t][k] <= last + reach + 1.0)
                    .filter(|&k| !used[t][k] && (peaks[t][k] - last).abs() <= reach)
                    .min_by(|&a, &b| (peaks[t][a] - last).abs().total_cmp(&(peaks[t][b] - last).abs()));
                if let Some(k) = next {
                    used[t][k] = true;
                    for _ in 0..pending {
                        across.push(last);
                    }
                    pending = 0;
                    gap = 0;
                    across.push(peaks[t][k]);
                } else {
                    gap += 1;
                    pending += 1;
                    if gap > 2 {
                        break;
                    }
                }
            }
            let strips = u32::try_from(across.len()).unwrap_or(0);
            if strips >= 3 {
                let start = real(u32::try_from(s).unwrap_or(0) * strip);
                rules.push(Rule {
                    start,
                    end: start + real(strips * strip),
                    strip,
                    across,
                });
            }
        }
    }
    rules.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
    rules
}

/// Positions where the profile is a narrow ridge: darker than both sides a few pixels away.
fn ridge_peaks(profile: &[f32], contrast: f32) -> Vec<f32> {
    const SIDE: usize = 6;
    let n = profile.len();
    let mut out = Vec::new();
    if n < 2 * SIDE + 1 {
        return out;
    }
    let response = |i: usize| {
        let left = profile[i - SIDE].min(profile[i - SIDE + 1]);
        let right = profile[i + SIDE].min(profile[i + SIDE - 1]);
        profile[i] - left.max(right)
    };
    for i in SIDE..n - SIDE - 1 {
        // No response is above its own level, and most of a page is paper.
        if profile[i] < contrast {
            continue;
        }
        let here = response(i);
        let previous = if i == SIDE { here } else { response(i - 1) };
        if here >= contrast && here >= previous && here > response(i + 1) {
            // Sub-pixel place: centre of mass of the three samples around the peak.
            let (a, b, c) = (profile[i - 1], profile[i], profile[i + 1]);
            let mass = a + b + c;
            let offset = if mass > 0.0 { (c - a) / mass } else { 0.0 };
            out.push(real(u32::try_from(i).unwrap_or(0)) + offset);
        }
    }
    out
}
