//! From the page to one clean profile across the bars.

use crate::homography::{Homography, Point};
use crate::page::{FRAME_HEIGHT, RectifiedPage};
use crate::raster::{Sampler, real};
use image::GrayImage;

/// Samples a canonical pixel along the code.
pub(super) const DENSITY: f32 = 2.0;
/// Where the code may stand in the square frame, with the quiet zones.
const LEFT: f32 = 0.08;
const RIGHT: f32 = 0.92;
const TOP: f32 = -0.016;
const BOTTOM: f32 = 0.026;
/// Samples of a row: (0.92 − 0.08) · 800 pixels · 2.
const COLUMNS: usize = 1344;
/// Rows below which a band of bars is not believed, and the groups that a band is cut into to find its slant.
const ROWS: usize = 12;
const GROUPS: usize = 6;
/// Shares of white or black nearer to 0 or 1 than this say no more than that.
const LEAST_SHARE: f32 = 0.004;
/// Samples between points where the map is computed exactly.
const STEP: usize = 32;
/// Length of the code in samples, least and most: 0.49 and 0.66 of the frame's width.
const LENGTHS: [usize; 2] = [784, 1056];

/// Mean darkness across the bars, [`DENSITY`] samples a canonical pixel. None where no rows are striped.
pub(super) fn profile(page: &GrayImage, to_page: &Homography) -> Option<Vec<f32>> {
    if page.width() < 2 || page.height() < 2 {
        return None;
    }
    let rows = rows(page, to_page)?;
    let stripes: Vec<f32> = rows.iter().map(|r| energy(r)).collect();
    let band = band(&stripes)?;
    Some(straightened(&rows[band]))
}

/// First and last sample of the code: the longest stretch that is dark, or else striped, without a break.
pub(super) fn extent(profile: &[f32]) -> Option<(usize, usize)> {
    by_darkness(profile).or_else(|| by_stripes(profile))
}

fn by_darkness(profile: &[f32]) -> Option<(usize, usize)> {
    /// The longest space inside a code, in samples: three modules are about ten.
    const BREAK: usize = 20;
    /// Half the window in which there is always some paper beside the bars.
    const NEAR: usize = 40;
    let (paper, black) = (quantile(profile, 2)?, quantile(profile, 90)?);
    let threshold = 0.35 * (black - paper);
    let dark = (0..profile.len()).filter(|&i| {
        let near = &profile[i.saturating_sub(NEAR)..(i + NEAR).min(profile.len())];
        let ground = near.iter().copied().fold(f32::INFINITY, f32::min);
        profile[i] - ground.min(paper + threshold) > threshold
    });
    longest(dark, BREAK)
}

fn by_stripes(profile: &[f32]) -> Option<(usize, usize)> {
    /// Half the window over which stripes are counted, and the longest break inside a code, in samples.
    const HALF: usize = 10;
    const BREAK: usize = 24;
    let steps: Vec<f32> = profile.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    let local: Vec<f32> = (0..steps.len())
        .map(|i| steps[i.saturating_sub(HALF)..(i + HALF).min(steps.len())].iter().sum())
        .collect();
    // Two thirds of the strip are code: a high quantile is what stripes reach, whatever the contrast.
    let threshold = 0.25 * quantile(&local, 70)?;
    let striped = (0..local.len()).filter(|&i| local[i] > threshold);
    // The window sees the code before it begins.
    let (first, last) = longest(striped, BREAK)?;
    Some((first + HALF, last - HALF))
}

/// The longest run of positions without a break beyond `gap`, when it can be a code.
fn longest(positions: impl Iterator<Item = usize>, gap: usize) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    let mut current: Option<(usize, usize)> = None;
    for i in positions {
        let (first, last) = match current {
            Some((first, last)) if i - last <= gap => (first, i),
            _ => (i, i),
        };
        current = Some((first, last));
        if best.is_none_or(|(f, l)| last - first > l - f) {
            best = current;
        }
    }
    best.filter(|(first, last)| (LENGTHS[0]..=LENGTHS[1]).contains(&(last - first)))
}

fn quantile(values: &[f32], percent: usize) -> Option<f32> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted.get(sorted.len() * percent / 100).copied()
}

/// Undoes the threshold of a black-and-white scan. Where such a scan is too dark, narrow spaces are closed but for a few
/// specks, and where it is too light, narrow bars are open: the share of white over the rows is the probability that
/// blurred brightness plus noise passed the threshold, and its logit goes with that brightness.
pub(super) fn unthresholded(profile: &[f32]) -> Vec<f32> {
    profile
        .iter()
        .map(|v| {
            let dark = (v / 255.0).clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
            (dark / (1.0 - dark)).ln()
        })
        .collect()
}

/// The strip of the page that may hold the code, one canonical pixel a row.
fn rows(page: &GrayImage, to_page: &Homography) -> Option<Vec<Vec<f32>>> {
    let (left, top) = RectifiedPage::pixel(LEFT, TOP);
    let (right, _) = RectifiedPage::pixel(RIGHT, TOP);
    let count = (BOTTOM - TOP) * f32::from(FRAME_HEIGHT);
    let mut rows = Vec::new();
    let source = Sampler::of(page);
    let mut y = top;
    while y < top + count {
        let mut row = Vec::with_capacity(COLUMNS);
        let mut x = left;
        while row.len() < COLUMNS {
            let step = real(u32::try_from(STEP).unwrap_or(1)) / DENSITY;
            let (a, b) = (to_page.apply(Point::new(x, y)), to_page.apply(Point::new(x + step, y)));
            if !(a.x.is_finite() && a.y.is_finite() && b.x.is_finite() && b.y.is_finite()) {
                return None;
            }
            for k in 0u8..32 {
                let t = f32::from(k) / 32.0;
                let level = source.at(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t);
                row.push(255.0 - level);
            }
            x += step;
        }
        debug_assert!(x >= right - 1.0);
        rows.push(row);
        y += 1.0;
    }
    Some(rows)
}

/// How striped a row is: the sum of its squared steps.
fn energy(row: &[f32]) -> f32 {
    row.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum()
}

/// The rows of the bars: around the most striped ones, as long as rows are half as striped.
fn band(stripes: &[f32]) -> Option<std::ops::Range<usize>> {
    let smooth: Vec<f32> = (0..stripes.len())
        .map(|i| {
            let near = &stripes[i.saturating_sub(3)..(i + 4).min(stripes.len())];
            near.iter().sum::<f32>() / real(u32::try_from(near.len()).unwrap_or(1))
        })
        .collect();
    let peak = (0..smooth.len()).max_by(|&a, &b| smooth[a].total_cmp(&smooth[b]))?;
    let enough = smooth[peak] * 0.5;
    if enough <= 0.0 {
        return None;
    }
    let first = (0..peak)
        .rev()
        .take_while(|&i| smooth[i] > enough)
        .last()
        .unwrap_or(peak);
    let last = (peak..smooth.len())
        .take_while(|&i| smooth[i] > enough)
        .last()
        .unwrap_or(peak);
    // The ends of the bars are ragged.
    let trim = (last - first) / 12;
    let band = first + trim..last + 1 - trim;
    (band.len() >= ROWS).then_some(band)
}

/// The mean of the rows, shifted against each other so that slanting bars fall together.
fn straightened(rows: &[Vec<f32>]) -> Vec<f32> {
    let group = rows.len().div_ceil(GROUPS);
    let groups: Vec<Vec<f32>> = rows.chunks(group).map(mean).collect();
    let middle = (i32::try_from(groups.len()).unwrap_or(1) - 1) / 2;
    let shifted = |slant: i32| -> Vec<Vec<f32>> {
        groups
            .iter()
            .zip(0i32..)
            .map(|(row, i)| {
                let by = slant * (i - middle);
                (0i32..).take(row.len()).map(|x| at(row, x + by)).collect()
            })
            .collect()
    };
    // Slants up to two samples a group: a sixth of the bars' height is about seven canonical pixels.
    let best = (-2..=2)
        .map(|slant| mean(&shifted(slant)))
        .max_by(|a, b| energy(a).total_cmp(&energy(b)));
    best.unwrap_or_default()
}

fn at(row: &[f32], x: i32) -> f32 {
    let last = row.len().saturating_sub(1);
    row[usize::try_from(x.max(0)).unwrap_or(0).min(last)]
}

fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let mut out = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (sum, v) in out.iter_mut().zip(row) {
            *sum += v;
        }
    }
    let n = real(u32::try_from(rows.len()).unwrap_or(1));
    out.iter_mut().for_each(|v| *v /= n);
    out
}
