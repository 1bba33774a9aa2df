//! Registration: where the corner marks of the form stand on a page, and the map from the canonical page to it.
//!
//! The four black squares (triangles in 2018) span the square frame. Candidates are solid, isolated blobs of these shapes; the
//! best quadruple is the one whose sides fit the printed proportions. With three squares the fourth is completed; with
//! fewer the page is not registered and goes to a person.

use crate::homography::{Homography, Point};
use crate::page::{FRAME_HEIGHT, FRAME_MARGIN, FRAME_WIDTH, PageImage, RectifiedPage};
use crate::raster::{Paper, Sampler, index, real, resize, warp};
use crate::simd::vectorised;
use image::GrayImage;

/// Width that pages are brought to for the search of the marks, in pixels.
const SEARCH_WIDTH: u32 = 420;

/// Printed height of the square frame over its width: 316.5 / 96.7 mm from 2023 on, 318 / 92 mm in 2022.
const PROPORTIONS: [f32; 2] = [316.5 / 96.7, 318.0 / 92.0];

/// A page found: the map from canonical pixels to pixels of the page image.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Canonical pixel → page pixel.
    pub to_page: Homography,
    /// 0–1: how well marks, proportions and header fit.
    pub quality: f32,
    /// How many of the four marks were seen (3 or 4).
    pub marks_seen: u8,
    /// Quarter turns clockwise that bring the page upright.
    pub quarter_turns: u8,
}

/// A solid blob of the shape of a corner mark.
#[derive(Debug, Clone, Copy)]
struct Blob {
    centre: Point,
    side: f32,
    /// 0–1, how solid and how close to its shape.
    merit: f32,
    /// Half a square, as the corner marks of 2018 are.
    triangle: bool,
}

/// Finds the form on a page. `None` when no arrangement of marks is plausible.
#[must_use]
pub fn register(page: &PageImage) -> Option<Registration> {
    let (w, h) = page.gray.dimensions();
    if w < 60 || h < 60 {
        return None;
    }
    let landscape = w > h;
    let first = if landscape { 1u8 } else { 0 };
    let mut search = search_picture(&page.gray, landscape);
    let mut best: Option<Registration> = None;
    for turns in [first, first + 2] {
        if turns != first {
            search = image::imageops::rotate180(&search);
        }
        let Some(found) = register_upright((w, h), &search, turns) else {
            continue;
        };
        let sure = found.quality > 0.4;
        if best.as_ref().is_none_or(|b| found.quality > b.quality) {
            best = Some(found);
        }
        if sure {
            break;
        }
    }
    best
}

/// The page at the size that marks are searched at; one that lies is turned clockwise by a quarter.
fn search_picture(gray: &GrayImage, lying: bool) -> GrayImage {
    let (w, h) = gray.dimensions();
    let (short, long) = if lying { (h, w) } else { (w, h) };
    let length = index(real(long) * (real(SEARCH_WIDTH) / real(short)), u32::MAX).max(1);
    if lying {
        image::imageops::rotate90(&resize(gray, length, SEARCH_WIDTH))
    } else {
        resize(gray, SEARCH_WIDTH, length)
    }
}

/// The page in the canonical frame.
#[must_use]
pub fn rectify(page: &PageImage, registration: &Registration) -> RectifiedPage {
    let (width, height) = (canonical_width(), canonical_height());
    // Bilinear sampling alone would alias where the page is much finer than the canonical one.
    let a = registration.to_page.apply(Point::new(0.0, 0.0));
    let b = registration.to_page.apply(Point::new(real(width), 0.0));
    if a.distance(b) / real(width) >= 1.8 {
        let half = crate::raster::halve(&page.gray);
        let shrink = scaling(0.5, 0.5);
        return RectifiedPage {
            gray: warp(&half, &registration.to_page.then(&shrink), width, height),
        };
    }
    RectifiedPage {
        gray: warp(&page.gray, &registration.to_page, width, height),
    }
}

fn canonical_width() -> u32 {
    u32::from(FRAME_WIDTH + 2 * FRAME_MARGIN)
}

fn canonical_height() -> u32 {
    u32::from(FRAME_HEIGHT + 2 * FRAME_MARGIN)
}

/// The map that multiplies coordinates (pixel centres at integers).
fn scaling(sx: f32, sy: f32) -> Homography {
    let from = [
        Point::new(0.0, 0.0),
        Point::new(1.0, 0.0),
        Point::new(1.0, 1.0),
        Point::new(0.0, 1.0),
    ];
    let to = from.map(|p| Point::new((p.x + 0.5) * sx - 0.5, (p.y + 0.5) * sy - 0.5));
    Homography::from_corners(from, to).unwrap_or_else(|| unreachable!("a unit square is no line"))
}

/// Registers a page of the given size after `turns` clockwise quarter turns; `search` is the turned page, small.
fn register_upright((width, height): (u32, u32), search: &GrayImage, turns: u8) -> Option<Registration> {
    let (w, h) = if turns.is_multiple_of(2) {
        (width, height)
    } else {
        (height, width)
    };
    let scale = real(SEARCH_WIDTH) / real(w);
    let blobs = mark_blobs(search);
    let (m, fw, fh) = (f32::from(FRAME_MARGIN), f32::from(FRAME_WIDTH), f32::from(FRAME_HEIGHT));
    let canonical = [
        Point::new(m, m),
        Point::new(m + fw, m),
        Point::new(m + fw, m + fh),
        Point::new(m, m + fh),
    ];
    let fitted: Vec<Fitted> = plausible_frames(&blobs, search)
        .into_iter()
        .filter_map(|frame| {
            let map = Homography::from_corners(canonical, frame.corners)?;
            Some(Fitted {
                map,
                marks_seen: frame.marks_seen,
                quality: frame.merit.sqrt() * header_fit(search, &map),
            })
        })
        .collect();
    let Fitted {
        map: to_search,
        marks_seen: seen,
        quality,
    } = straightest(fitted, search)?;
    let to_turned = to_search.then(&scaling(1.0 / scale, real(h) / real(search.height())));
    let to_page = to_turned.then(&unturn(w, h, turns)?);
    Some(Registration {
        to_page,
        quality,
        marks_seen: seen,
        quarter_turns: turns,
    })
}

/// From pixels of the turned image (of the given size) back to the unturned one.
fn unturn(w: u32, h: u32, turns: u8) -> Option<Homography> {
    let (r, b) = (real(w - 1), real(h - 1));
    let turned = [
        Point::new(0.0, 0.0),
        Point::new(r, 0.0),
        Point::new(r, b),
        Point::new(0.0, b),
    ];
    let source = match turns {
        1 => [
            Point::new(0.0, r),
            Point::new(0.0, 0.0),
            Point::new(b, 0.0),
            Point::new(b, r),
        ],
        2 => [
            Point::new(r, b),
            Point::new(0.0, b),
            Point::new(0.0, 0.0),
            Point::new(r, 0.0),
        ],
        3 => [
            Point::new(b, 0.0),
            Point::new(b, r),
            Point::new(0.0, r),
            Point::new(0.0, 0.0),
        ],
        _ => turned,
    };
    Homography::from_corners(turned, source)
}

/// Solid, isolated dark blobs of about the size and shape of a corner mark.
fn mark_blobs(search: &GrayImage) -> Vec<Blob> {
    let (w, h) = search.dimensions();
    let stride = w as usize;
    let mut dark = vec![false; stride * h as usize];
    let paper = Paper::of(search, 16);
    let mut levels = vec![0.0; stride];
    for (y, (row, source)) in (0..h).zip(dark.chunks_exact_mut(stride).zip(search.as_raw().chunks_exact(stride))) {
        paper.row(real(y), &mut levels);
        for (dark, (&v, &level)) in row.iter_mut().zip(source.iter().zip(&levels)) {
            *dark = f32::from(v) < level * 0.7;
        }
    }
    let mut blobs = Vec::new();
    let mut seen = vec![false; dark.len()];
    let mut stack = Vec::new();
    for start in 0..dark.len() {
        if !dark[start] || seen[start] {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let (mut x0, mut x1, mut y0, mut y1) = (usize::MAX, 0, usize::MAX, 0);
        let (mut n, mut sx, mut sy) = (0usize, 0usize, 0usize);
        while let Some(p) = stack.pop() {
            let (x, y) = (p % stride, p / stride);
            (x0, x1, y0, y1) = (x0.min(x), x1.max(x), y0.min(y), y1.max(y));
            n += 1;
            sx += x;
            sy += y;
            let mut visit = |q: usize| {
                if dark[q] && !seen[q] {
                    seen[q] = true;
                    stack.push(q);
                }
            };
            if x > 0 {
                visit(p - 1);
            }
            if x + 1 < stride {
                visit(p + 1);
            }
            if y > 0 {
                visit(p - stride);
            }
            if p + stride < dark.len() {
                visit(p + stride);
            }
        }
        let (bw, bh) = (x1 - x0 + 1, y1 - y0 + 1);
        if !(4..=26).contains(&bw) || !(4..=26).contains(&bh) {
            continue;
        }
        let to_f = |v: usize| real(u32::try_from(v).unwrap_or(u32::MAX));
        let aspect = to_f(bw.min(bh)) / to_f(bw.max(bh));
        let fill = to_f(n) / to_f(bw * bh);
        let side = (to_f(bw) + to_f(bh)) / 2.0;
        if aspect >= 0.6 && fill >= 0.7 {
            let centre = Point::new(to_f(sx) / to_f(n), to_f(sy) / to_f(n));
            let merit = aspect * ((fill - 0.6) / 0.35).clamp(0.0, 1.0);
            blobs.push(Blob {
                centre,
                side,
                merit,
                triangle: false,
            });
        } else if aspect >= 0.75 && fill >= 0.4 {
            let inked = |x: usize, y: usize| dark[(y0 + y) * stride + x0 + x];
            let merit = 0.9 * aspect * half_square((bw, bh), inked);
            if merit > 0.2 {
                // The middle of the square that the triangle is half of.
                let centre = Point::new(to_f(x0 + x1) / 2.0, to_f(y0 + y1) / 2.0);
                blobs.push(Blob {
                    centre,
                    side,
                    merit,
                    triangle: true,
                });
            }
        }
    }
    blobs.sort_by(|a, b| b.merit.total_cmp(&a.merit));
    blobs.truncate(80);
    blobs
}

/// 0–1: how well the ink of a box fills one half of it, cut from corner to corner, and spares the other.
fn half_square((w, h): (usize, usize), inked: impl Fn(usize, usize) -> bool) -> f32 {
    // For each of the two diagonals: pixels, and inked pixels, at both sides.
    let mut count = [[[0usize; 2]; 2]; 2];
    for y in 0..h {
        for x in 0..w {
            let (u, v) = ((2 * x + 1) * h, (2 * y + 1) * w);
            let (falling, rising) = (u.cmp(&v), (u + v).cmp(&(2 * w * h)));
            for (diagonal, side) in [falling, rising].into_iter().enumerate() {
                // The diagonal itself belongs to neither side.
                if side.is_ne() {
                    let [all, ink] = &mut count[diagonal][usize::from(side.is_gt())];
                    *all += 1;
                    *ink += usize::from(inked(x, y));
                }
            }
        }
    }
    let share = |[all, ink]: [usize; 2]| {
        let real = |n: usize| real(u32::try_from(n).unwrap_or(u32::MAX));
        real(ink) / real(all.max(1))
    };
    let contrast = |sides: [[usize; 2]; 2]| (share(sides[0]) - share(sides[1])).abs();
    let best = count.map(contrast).into_iter().fold(0.0, f32::max);
    ((best - 0.5) / 0.25).clamp(0.0, 1.0)
}

/// An arrangement of corner marks, clockwise from top left.
#[derive(Debug, Clone, Copy)]
struct Frame {
    corners: [Point; 4],
    marks_seen: u8,
    /// 0–1.
    merit: f32,
}

/// The likeliest arrangements, best first. The header decides among them.
fn plausible_frames(blobs: &[Blob], search: &GrayImage) -> Vec<Frame> {
    const KEEP: usize = 24;
    let (w, h) = (real(search.width()), real(search.height()));
    let mut frames: Vec<Frame> = Vec::new();
    let mut offer = |corners: [Point; 4], marks_seen: u8, merit: f32| {
        if merit > 0.02 {
            frames.push(Frame {
                corners,
                marks_seen,
                merit,
            });
        }
    };
    let top: Vec<Blob> = blobs.iter().filter(|b| b.centre.y < h * 0.35).copied().collect();
    let bottom: Vec<Blob> = blobs.iter().filter(|b| b.centre.y > h * 0.65).copied().collect();
    let pairs = |side: &[Blob]| -> Vec<(Blob, Blob)> {
        let mut out = Vec::new();
        for &a in side {
            for &b in side {
                let dx = b.centre.x - a.centre.x;
                let sizes = a.side.min(b.side) / a.side.max(b.side);
                if dx > 0.5 * w && (b.centre.y - a.centre.y).abs() < 0.2 * dx && sizes > 0.6 {
                    out.push((a, b));
                }
            }
        }
        out
    };
    let (tops, bottoms) = (pairs(&top), pairs(&bottom));
    for &(tl, tr) in &tops {
        for &(bl, br) in &bottoms {
            let corners = [tl.centre, tr.centre, br.centre, bl.centre];
            let marks = [tl, tr, br, bl];
            offer(
                corners,
                4,
                proportion_fit(&corners) * merit_of(&marks) * size_fit(&marks, &corners),
            );
        }
    }
    // Three marks complete a parallelogram; it is never better than a good quadruple.
    for (pair, third, third_is_bottom) in tops
        .iter()
        .flat_map(|p| bottom.iter().map(move |b| (*p, *b, true)))
        .chain(bottoms.iter().flat_map(|p| top.iter().map(move |t| (*p, *t, false))))
    {
        let (left, right) = (pair.0.centre, pair.1.centre);
        let across = Point::new(right.x - left.x, right.y - left.y);
        for third_is_left in [true, false] {
            let sign = if third_is_left { 1.0 } else { -1.0 };
            let other = Point::new(third.centre.x + sign * across.x, third.centre.y + sign * across.y);
            let (l, r) = if third_is_left {
                (third.centre, other)
            } else {
                (other, third.centre)
            };
            let corners = if third_is_bottom {
                [left, right, r, l]
            } else {
                [l, r, right, left]
            };
            let marks = [pair.0, pair.1, third, third];
            offer(
                corners,
                3,
                0.6 * proportion_fit(&corners) * merit_of(&marks) * size_fit(&marks, &corners),
            );
        }
    }
    // Two marks at the head: the foot follows from the printed proportion. Enough to tell what page it is.
    for &(tl, tr) in &tops {
        let across = Point::new(tr.centre.x - tl.centre.x, tr.centre.y - tl.centre.y);
        let down = Point::new(-across.y * PROPORTIONS[0], across.x * PROPORTIONS[0]);
        let below = |p: Point| Point::new(p.x + down.x, p.y + down.y);
        let corners = [tl.centre, tr.centre, below(tr.centre), below(tl.centre)];
        if corners[2].y < h * 1.05 {
            let marks = [tl, tr, tl, tr];
            offer(corners, 2, 0.35 * merit_of(&marks) * size_fit(&marks, &corners));
        }
    }
    frames.sort_by(|a, b| b.merit.total_cmp(&a.merit));
    frames.truncate(KEEP);
    frames
}

/// A frame with its map from the canonical page and how well marks, proportions and header fit.
#[derive(Debug, Clone, Copy)]
struct Fitted {
    map: Homography,
    marks_seen: u8,
    quality: f32,
}

/// The best frame. Among frames that fit nearly alike, the one that straightens the page most: under a wrong corner the
/// printed rules lean, and the page's darkness no longer changes in steps from row to row and column to column.
fn straightest(fitted: Vec<Fitted>, search: &GrayImage) -> Option<Fitted> {
    /// Share of the best quality from which a frame is a rival.
    const RIVAL: f32 = 0.6;
    let best = fitted.iter().map(|f| f.quality).fold(0.0, f32::max);
    let mut rivals: Vec<Fitted> = fitted.into_iter().filter(|f| f.quality >= RIVAL * best).collect();
    if rivals.len() < 2 {
        return rivals.pop();
    }
    let weigh = |f: Fitted| (f.quality * straightness(search, &f.map), f);
    rivals
        .into_iter()
        .map(weigh)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, fitted)| fitted)
}

/// How sharply the page's darkness steps along its height and its width, as the frame straightens it.
fn straightness(search: &GrayImage, to_search: &Homography) -> f32 {
    const COLUMNS: u16 = 160;
    const ROWS: u16 = 480;
    /// Columns between places that are mapped exactly; the map is as good as straight between them.
    const STEP: u16 = 16;
    let source = Sampler::of(search);
    let mut across = vec![0u32; usize::from(COLUMNS)];
    let mut down = Vec::with_capacity(usize::from(ROWS));
    let mut levels = [0u8; STEP as usize];
    vectorised(
        #[inline(always)]
        || {
            for row in 0..ROWS {
                let place = |column: u16| {
                    let (x, y) = RectifiedPage::pixel(
                        (f32::from(column) + 0.5) / f32::from(COLUMNS),
                        (f32::from(row) + 0.5) / f32::from(ROWS),
                    );
                    to_search.apply(Point::new(x, y))
                };
                let mut sum = 0;
                let mut a = place(0);
                for (part, end) in across.chunks_mut(usize::from(STEP)).zip((1..).map(|i| STEP * i)) {
                    let b = place(end);
                    source.between(a, b, &mut levels);
                    for (column, &level) in part.iter_mut().zip(&levels) {
                        sum += u32::from(level);
                        *column += u32::from(level);
                    }
                    a = b;
                }
                down.push(real(sum) / f32::from(COLUMNS));
            }
        },
    );
    let across: Vec<f32> = across.iter().map(|&sum| real(sum) / f32::from(ROWS)).collect();
    let steps = |profile: &[f32]| profile.windows(3).map(|w| (w[2] - w[0]).powi(2)).sum::<f32>().sqrt();
    (steps(&down) * steps(&across)).sqrt()
}

/// The joint merit of four marks: one poor mark spoils the frame, and so do marks of two kinds, since the forms of 2018
/// print squares a little above their lower triangles.
fn merit_of(marks: &[Blob; 4]) -> f32 {
    let alike = marks.iter().all(|m| m.triangle == marks[0].triangle);
    marks.iter().map(|m| m.merit).product::<f32>().sqrt() * if alike { 1.0 } else { 0.4 }
}

/// 0–1: sides in the printed proportions, opposite sides alike, corners near right angles.
fn proportion_fit(c: &[Point; 4]) -> f32 {
    let (top, right, bottom, left) = (
        c[0].distance(c[1]),
        c[1].distance(c[2]),
        c[2].distance(c[3]),
        c[3].distance(c[0]),
    );
    if top.min(right).min(bottom).min(left) < 1.0 {
        return 0.0;
    }
    let ratio = (left + right) / (top + bottom);
    let off = PROPORTIONS
        .iter()
        .map(|p| (ratio / p).ln().abs())
        .fold(f32::MAX, f32::min);
    let taper = (top / bottom).ln().abs() + (left / right).ln().abs();
    let skew = {
        let across = Point::new(c[1].x - c[0].x + c[2].x - c[3].x, c[1].y - c[0].y + c[2].y - c[3].y);
        let down = Point::new(c[3].x - c[0].x + c[2].x - c[1].x, c[3].y - c[0].y + c[2].y - c[1].y);
        let dot = across.x * down.x + across.y * down.y;
        (dot / (across.x.hypot(across.y) * down.x.hypot(down.y))).abs()
    };
    (-(off / 0.20).powi(2) - (taper / 0.7).powi(2) - (skew / 0.20).powi(2)).exp()
}

/// 0–1: marks of the printed size, 3.2 mm on a frame 96.7 mm wide.
fn size_fit(marks: &[Blob; 4], corners: &[Point; 4]) -> f32 {
    let width = (corners[0].distance(corners[1]) + corners[3].distance(corners[2])) / 2.0;
    let expected = width * 3.2 / 96.7;
    let off: f32 = marks.iter().map(|m| (m.side / expected).ln().powi(2)).sum::<f32>() / 4.0;
    (-off / 0.12).exp()
}

/// 0–1: whether an upright header stands where the frame says: the barcode between quiet margins, the QR under a quiet
/// gap, and nothing like a barcode at the foot.
fn header_fit(search: &GrayImage, to_search: &Homography) -> f32 {
    let texture = |x0: f32, x1: f32, y: f32| {
        const STEPS: u16 = 120;
        let source = Sampler::of(search);
        let place = |x: f32| {
            let (cx, cy) = RectifiedPage::pixel(x, y);
            to_search.apply(Point::new(cx, cy))
        };
        // A stretch of a row is short enough for the map to be straight along each half.
        let (a, middle, b) = (place(x0), place(f32::midpoint(x0, x1)), place(x1));
        let at = |i: u16| {
            let t = f32::from(i) / f32::from(STEPS / 2);
            let (from, to, t) = if t < 1.0 { (a, middle, t) } else { (middle, b, t - 1.0) };
            source.at(from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t)
        };
        let levels: Vec<f32> = (0..=STEPS).map(at).collect();
        levels.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f32>() / (x1 - x0)
    };
    let mean = |x0: f32, x1: f32, ys: &[f32]| {
        ys.iter().map(|&y| texture(x0, x1, y)).sum::<f32>() / ys.iter().map(|_| 1.0f32).sum::<f32>()
    };
    let barcode = mean(0.24, 0.76, &[0.004, 0.008, 0.012]);
    let margins = mean(0.07, 0.18, &[0.004, 0.008]) + mean(0.82, 0.93, &[0.004, 0.008]);
    let foot = mean(0.24, 0.76, &[0.988, 0.992, 0.996]);
    let qr = mean(0.01, 0.22, &[0.055, 0.065, 0.08, 0.095, 0.105]);
    let gap = mean(0.01, 0.22, &[0.026, 0.032]);
    let share = |signal: f32, quiet: f32| signal / (signal + quiet + 200.0);
    share(barcode, margins / 2.0 + foot / 2.0) * share(qr, gap)
}
