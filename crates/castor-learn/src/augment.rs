//! Spoiling of box pictures, so that few real boxes teach as many would.
//!
//! All of it keeps the label: misplacement and lean of the hand, thickness of the pen, broken strokes of 1-bit scans,
//! contrast, blur and low resolution, specks, box lines, strokes of the neighbouring box.

use castor_domain::symbol::{BOX_CORE, BOX_SIDE, BoxImage};
use rand::{Rng, RngExt};

use crate::num::{level, split};

const PIXELS: usize = BOX_SIDE * BOX_SIDE;
/// First row and column of the printed box.
const MARGIN: usize = (BOX_SIDE - BOX_CORE) / 2;

/// Ink levels, 0–1.
type Ink = [f32; PIXELS];

/// How much to spoil. Ranges are symmetric around no change; chances are those of each effect, 0–1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Augmentation {
    /// Largest shift, in pixels.
    pub shift: f32,
    /// Largest change of size, of both sides together.
    pub scale: f32,
    /// Largest change of width against height.
    pub stretch: f32,
    /// Largest rotation, in radians.
    pub turn: f32,
    /// Largest lean, horizontal pixels for each vertical one.
    pub shear: f32,
    /// Chance of a thicker or thinner pen.
    pub pen: f64,
    /// Chance of broken strokes.
    pub broken: f64,
    /// Largest change of contrast and of gamma.
    pub contrast: f32,
    /// Chance of blur.
    pub blur: f64,
    /// Chance of a lower resolution.
    pub coarse: f64,
    /// Chance of becoming black and white.
    pub bitonal: f64,
    /// Chance of specks.
    pub specks: f64,
    /// Chance of printed lines around the box.
    pub outline: f64,
    /// Chance of a neighbour's ink at an edge.
    pub intrusion: f64,
}

impl Augmentation {
    /// No change at all.
    pub const NONE: Self = Self {
        shift: 0.0,
        scale: 0.0,
        stretch: 0.0,
        turn: 0.0,
        shear: 0.0,
        pen: 0.0,
        broken: 0.0,
        contrast: 0.0,
        blur: 0.0,
        coarse: 0.0,
        bitonal: 0.0,
        specks: 0.0,
        outline: 0.0,
        intrusion: 0.0,
    };

    /// For drawn boxes, which vary already.
    pub const LIGHT: Self = Self {
        shift: 1.5,
        scale: 0.06,
        stretch: 0.05,
        turn: 0.05,
        shear: 0.06,
        pen: 0.15,
        broken: 0.08,
        contrast: 0.15,
        blur: 0.08,
        coarse: 0.05,
        bitonal: 0.03,
        specks: 0.05,
        outline: 0.03,
        intrusion: 0.03,
    };

    /// For real boxes, of which there are few.
    pub const STRONG: Self = Self {
        shift: 3.0,
        scale: 0.15,
        stretch: 0.1,
        turn: 0.14,
        shear: 0.15,
        pen: 0.35,
        broken: 0.15,
        contrast: 0.3,
        blur: 0.15,
        coarse: 0.12,
        bitonal: 0.1,
        specks: 0.1,
        outline: 0.1,
        intrusion: 0.15,
    };

    /// A spoilt copy. `neighbour` is any other box, of which a strip may show.
    pub fn apply<R: Rng + ?Sized>(&self, rng: &mut R, image: &BoxImage, neighbour: &BoxImage) -> BoxImage {
        let mut ink: Ink = std::array::from_fn(|i| f32::from(image.0[i]) / 255.0);
        ink = self.warp(rng, &ink);
        if rng.random_bool(self.intrusion) {
            intrude(rng, &mut ink, neighbour);
        }
        if rng.random_bool(self.outline) {
            outline(rng, &mut ink);
        }
        if rng.random_bool(self.pen) {
            let (thicker, share) = (rng.random_bool(0.5), rng.random_range(0.2..1.0));
            ink = pen(&ink, thicker, share);
        }
        if rng.random_bool(self.broken) {
            break_strokes(rng, &mut ink);
        }
        if rng.random_bool(self.specks) {
            specks(rng, &mut ink);
        }
        if rng.random_bool(self.coarse) {
            ink = coarse(&ink, rng.random_range(11..28));
        }
        if rng.random_bool(self.blur) {
            ink = blur(&ink, rng.random_range(0.3..1.0));
        }
        if self.contrast > 0.0 {
            self.expose(rng, &mut ink);
        }
        if rng.random_bool(self.bitonal) {
            let (threshold, soft) = (rng.random_range(0.25..0.6), rng.random_range(0.05..0.5));
            ink = ink.map(|v| ((v - threshold) / soft + 0.5).clamp(0.0, 1.0));
        }
        let mut pixels = Box::new([0; PIXELS]);
        for (pixel, v) in pixels.iter_mut().zip(&ink) {
            *pixel = level(*v);
        }
        BoxImage(pixels)
    }

    /// Shift, size, rotation and lean together; what comes from outside the picture is paper.
    fn warp<R: Rng + ?Sized>(&self, rng: &mut R, ink: &Ink) -> Ink {
        let mut around = |reach: f32| {
            if reach > 0.0 {
                rng.random_range(-reach..reach)
            } else {
                0.0
            }
        };
        let (dx, dy) = (around(self.shift), around(self.shift));
        let (scale, stretch) = (around(self.scale).exp(), (around(self.stretch) * 0.5).exp());
        let (turn, shear) = (around(self.turn), around(self.shear));
        let (sin, cos) = turn.sin_cos();
        // From the new picture back to the old one.
        let across = [cos / (scale * stretch), (sin + shear * cos) / (scale * stretch)];
        let down = [-sin * stretch / scale, (cos - shear * sin) * stretch / scale];
        let middle = (BOX_SIDE as f32 - 1.0) * 0.5;
        std::array::from_fn(|i| {
            let x = (i % BOX_SIDE) as f32 - middle - dx;
            let y = (i / BOX_SIDE) as f32 - middle - dy;
            bilinear(
                ink,
                middle + across[0] * x + across[1] * y,
                middle + down[0] * x + down[1] * y,
            )
        })
    }

    fn expose<R: Rng + ?Sized>(&self, rng: &mut R, ink: &mut Ink) {
        let gain = 1.0 + rng.random_range(-self.contrast..self.contrast);
        let offset = rng.random_range(-self.contrast..self.contrast) * 0.1;
        let gamma = rng.random_range(-self.contrast..self.contrast).exp();
        for v in ink {
            *v = (*v * gain + offset).clamp(0.0, 1.0).powf(gamma);
        }
    }
}

fn at(ink: &Ink, x: i32, y: i32) -> f32 {
    match (usize::try_from(x), usize::try_from(y)) {
        (Ok(x), Ok(y)) if x < BOX_SIDE && y < BOX_SIDE => ink[y * BOX_SIDE + x],
        _ => 0.0,
    }
}

fn bilinear(ink: &Ink, x: f32, y: f32) -> f32 {
    let ((x, fx), (y, fy)) = (split(x), split(y));
    let top = at(ink, x, y) * (1.0 - fx) + at(ink, x + 1, y) * fx;
    let bottom = at(ink, x, y + 1) * (1.0 - fx) + at(ink, x + 1, y + 1) * fx;
    top * (1.0 - fy) + bottom * fy
}

/// The five pixels of a cross, those outside left out.
fn cross(ink: &Ink, i: usize) -> impl Iterator<Item = f32> {
    let (x, y) = (i % BOX_SIDE, i / BOX_SIDE);
    let places = [
        Some(i),
        (x > 0).then(|| i - 1),
        (x + 1 < BOX_SIDE).then(|| i + 1),
        (y > 0).then(|| i - BOX_SIDE),
        (y + 1 < BOX_SIDE).then(|| i + BOX_SIDE),
    ];
    places.into_iter().flatten().map(|p| ink[p])
}

fn pen(ink: &Ink, thicker: bool, share: f32) -> Ink {
    std::array::from_fn(|i| {
        let extreme = if thicker {
            cross(ink, i).fold(0.0, f32::max)
        } else {
            cross(ink, i).fold(1.0, f32::min)
        };
        ink[i] * (1.0 - share) + extreme * share
    })
}

fn blur(ink: &Ink, share: f32) -> Ink {
    std::array::from_fn(|i| {
        let (sum, count) = cross(ink, i).fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
        ink[i] * (1.0 - share) + sum / count * share
    })
}

/// Fewer pixels, then as many as before, as the product lays a small picture into the model's.
fn coarse(ink: &Ink, side: usize) -> Ink {
    let step = BOX_SIDE as f32 / side as f32;
    let reach = (step * 0.5).max(0.5);
    let small: Vec<f32> = (0..side * side)
        .map(|i| {
            let x = ((i % side) as f32 + 0.5) * step - 0.5;
            let y = ((i / side) as f32 + 0.5) * step - 0.5;
            let corners = [(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)];
            let sum: f32 = corners
                .iter()
                .map(|(u, v)| bilinear(ink, x + u * reach, y + v * reach))
                .sum();
            sum * 0.25
        })
        .collect();
    let last = side - 1;
    std::array::from_fn(|i| {
        let place = |p: usize| (((p as f32) + 0.5) / step - 0.5).clamp(0.0, last as f32);
        let ((x, fx), (y, fy)) = (split(place(i % BOX_SIDE)), split(place(i / BOX_SIDE)));
        let pick = |x: i32, y: i32| {
            let inside = |p: i32| usize::try_from(p).unwrap_or(0).min(last);
            small[inside(y) * side + inside(x)]
        };
        let top = pick(x, y) * (1.0 - fx) + pick(x + 1, y) * fx;
        let bottom = pick(x, y + 1) * (1.0 - fx) + pick(x + 1, y + 1) * fx;
        top * (1.0 - fy) + bottom * fy
    })
}

/// Takes short pieces out of the strokes.
fn break_strokes<R: Rng + ?Sized>(rng: &mut R, ink: &mut Ink) {
    for _ in 0..rng.random_range(1..5) {
        let start = rng.random_range(0..PIXELS);
        // Gaps stand on strokes: the next inked pixel from a chance place on.
        let Some(middle) = (0..PIXELS).map(|k| (start + k) % PIXELS).find(|i| ink[*i] > 0.4) else {
            return;
        };
        let (cx, cy) = ((middle % BOX_SIDE) as f32, (middle / BOX_SIDE) as f32);
        let (rx, ry) = (rng.random_range(0.5..2.0), rng.random_range(0.5..2.0));
        for (i, v) in ink.iter_mut().enumerate() {
            let (dx, dy) = (((i % BOX_SIDE) as f32 - cx) / rx, ((i / BOX_SIDE) as f32 - cy) / ry);
            if dx * dx + dy * dy <= 1.0 {
                *v = 0.0;
            }
        }
    }
}

fn specks<R: Rng + ?Sized>(rng: &mut R, ink: &mut Ink) {
    for _ in 0..rng.random_range(1..12) {
        let place = rng.random_range(0..PIXELS);
        let dark = rng.random_range(0.3..1.0);
        ink[place] = f32::max(ink[place], dark);
        if rng.random_bool(0.3) && place + 1 < PIXELS {
            ink[place + 1] = f32::max(ink[place + 1], dark);
        }
    }
}

/// Printed lines, whole or dotted, where the box stands give or take two pixels.
fn outline<R: Rng + ?Sized>(rng: &mut R, ink: &mut Ink) {
    let dark = rng.random_range(0.1..0.9);
    let dotted = rng.random_bool(0.5);
    let period = rng.random_range(3..7);
    for side in 0..4 {
        if rng.random_bool(0.25) {
            continue;
        }
        let place = if side < 2 { MARGIN } else { MARGIN + BOX_CORE - 1 };
        let place = (place + rng.random_range(0..5)).saturating_sub(2).min(BOX_SIDE - 1);
        for along in 0..BOX_SIDE {
            if dotted && along % period > period / 2 {
                continue;
            }
            let i = if side % 2 == 0 {
                place * BOX_SIDE + along
            } else {
                along * BOX_SIDE + place
            };
            ink[i] = f32::max(ink[i], dark);
        }
    }
}

/// Ink of the box to the left or right, as far as it reaches into the picture.
fn intrude<R: Rng + ?Sized>(rng: &mut R, ink: &mut Ink, neighbour: &BoxImage) {
    let away = rng.random_range(29..36);
    let left = rng.random_bool(0.5);
    for y in 0..BOX_SIDE {
        for x in 0..BOX_SIDE - away {
            let (to, from) = if left { (x, x + away) } else { (x + away, x) };
            let v = f32::from(neighbour.0[y * BOX_SIDE + from]) / 255.0;
            let i = y * BOX_SIDE + to;
            ink[i] = f32::max(ink[i], v);
        }
    }
}
