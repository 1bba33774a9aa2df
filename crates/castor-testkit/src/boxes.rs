//! Pictures of single boxes with their label, for training the symbol model.
//!
//! A box is drawn at the resolution of the scan (12 pixels a box on a phone photograph, 100 on a 300-dpi scan), spoilt as
//! that scan would, and only then laid into the 40 × 40 picture.

use castor_domain::symbol::{BOX_CORE, BOX_SIDE, BoxImage, Symbol};
use image::GrayImage;
use rand::{Rng, RngExt};

use crate::degrade::{add_noise, blur, compress, resample, speckle};
use crate::hand::{Hand, normal};
use crate::ink::{Canvas, Glyph, Placement};
use crate::marks::Habit;
use crate::num::{ceil, floor, level};

/// One box picture and what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledBox {
    /// The picture, as the symbol model gets it.
    pub image: BoxImage,
    /// What was written.
    pub symbol: Symbol,
    /// The mark is a cross or carries one.
    pub cross: bool,
    /// Something was written over, or two digits share the box.
    pub overwritten: bool,
}

/// The printed frame of a box as the scan shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outline {
    /// Ink level of the line, 0–1.
    pub ink: f32,
    /// Width of the line, in boxes.
    pub width: f32,
    /// Length of dot plus gap, in boxes, for a dotted line.
    pub dots: Option<f32>,
}

/// The grey ring that 2026 forms print in the centre of a box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintedRing {
    /// Radius to the middle of the line, in boxes.
    pub radius: f32,
    /// Width of the line, in boxes.
    pub width: f32,
    /// Ink level, 0–1.
    pub ink: f32,
}

/// How the scanner or camera spoils the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BoxScan {
    /// Black and white.
    Bitonal {
        /// Blur before the decision, in native pixels.
        blur: f32,
        /// Ink level from which a pixel turns black: low thickens strokes, high breaks them.
        threshold: f32,
        /// Unevenness of the sensor, standard deviation of the ink level.
        noise: f32,
    },
    /// Grey or colour.
    Grey {
        /// Blur, in native pixels.
        blur: f32,
        /// Noise, standard deviation of the ink level.
        noise: f32,
        /// Change of the paper's level across the picture, horizontally and vertically.
        light: [f32; 2],
        /// Step of the block compression's quantisation, 0 for none.
        compression: f32,
    },
}

/// Everything about a box picture but the writing.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxStyle {
    /// Pixels of the scan per box side.
    pub native: f32,
    /// Misplacement of the box, in boxes.
    pub shift: [f32; 2],
    /// Error of the box's size.
    pub scale: [f32; 2],
    /// Rotation left over by the registration, radians.
    pub turn: f32,
    /// The printed frame.
    pub outline: Option<Outline>,
    /// The printed ring.
    pub ring: Option<PrintedRing>,
    /// Printed rules above or below: place (0 = top edge of the box, 1 = bottom edge), width in boxes, ink.
    pub rules: Vec<[f32; 3]>,
    /// Centre distance of neighbouring boxes, in boxes.
    pub pitch: f32,
    /// Chance that a neighbouring box holds something.
    pub neighbours: f64,
    /// Chance that a digit is a correction.
    pub corrected: f64,
    /// Scanner or camera.
    pub scan: BoxScan,
    /// Black specks per thousand pixels.
    pub specks: f32,
    /// Gain and offset of the final ink level: what a wrong estimate of paper and black leaves.
    pub contrast: [f32; 2],
}

impl BoxStyle {
    /// Draws a style among the kinds of scans that exist.
    pub fn sample<R: Rng + ?Sized>(rng: &mut R) -> Self {
        match rng.random_range(0..100) {
            0..42 => Self::bitonal(rng, 48.0..76.0),
            42..54 => Self::bitonal(rng, 80.0..102.0),
            54..74 => Self::colour(rng),
            _ => Self::phone(rng),
        }
    }

    /// 1-bit scan at the given pixels per box. The finer ones keep box frames, the coarser ones have dropped them.
    pub fn bitonal<R: Rng + ?Sized>(rng: &mut R, native: std::ops::Range<f32>) -> Self {
        let native = rng.random_range(native);
        let shown = rng.random_bool(if native > 78.0 { 0.75 } else { 0.12 });
        let outline = shown.then(|| Outline {
            ink: rng.random_range(0.6..1.0),
            width: rng.random_range(0.02..0.05),
            dots: rng.random_bool(0.65).then(|| rng.random_range(0.05..0.13)),
        });
        let ring = rng.random_bool(0.05).then(|| ring(rng, 0.4..0.7));
        let scan = BoxScan::Bitonal {
            blur: rng.random_range(0.3..1.0),
            threshold: normal(rng, 0.42, 0.12).clamp(0.15, 0.68),
            noise: rng.random_range(0.0..0.14),
        };
        Self::around(rng, native, outline, ring, scan, 0.08)
    }

    /// Colour or grey flat-bed scan at 200 to 300 dpi.
    pub fn colour<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let native = rng.random_range(55.0..102.0);
        let outline = rng.random_bool(0.85).then(|| frame(rng));
        let ring = rng.random_bool(0.45).then(|| ring(rng, 0.1..0.45));
        let scan = BoxScan::Grey {
            blur: rng.random_range(0.4..1.3),
            noise: rng.random_range(0.004..0.03),
            light: [rng.random_range(-0.04..0.04), rng.random_range(-0.04..0.04)],
            compression: if rng.random_bool(0.5) {
                rng.random_range(0.01..0.08)
            } else {
                0.0
            },
        };
        Self::around(rng, native, outline, ring, scan, 0.05)
    }

    /// Phone photograph or small picture: 12 to 50 pixels a box.
    pub fn phone<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let native = 12.0 * 2.0_f32.powf(rng.random_range(0.0..2.1));
        let outline = rng.random_bool(0.85).then(|| frame(rng));
        let ring = rng.random_bool(0.5).then(|| ring(rng, 0.1..0.45));
        let scan = BoxScan::Grey {
            blur: rng.random_range(0.35..1.15),
            noise: rng.random_range(0.008..0.06),
            light: [rng.random_range(-0.15..0.15), rng.random_range(-0.15..0.15)],
            compression: if rng.random_bool(0.7) {
                rng.random_range(0.02..0.2)
            } else {
                0.0
            },
        };
        Self::around(rng, native, outline, ring, scan, 0.07)
    }

    fn around<R: Rng + ?Sized>(
        rng: &mut R,
        native: f32,
        outline: Option<Outline>,
        ring: Option<PrintedRing>,
        scan: BoxScan,
        misplaced: f32,
    ) -> Self {
        let mut rules = Vec::new();
        if rng.random_bool(0.12) {
            let place = if rng.random_bool(0.5) {
                rng.random_range(-0.12..0.02)
            } else {
                rng.random_range(0.98..1.12)
            };
            rules.push([place, rng.random_range(0.02..0.06), rng.random_range(0.5..1.0)]);
        }
        let stretch = normal(rng, 1.0, 0.04).clamp(0.9, 1.1);
        Self {
            native,
            shift: [normal(rng, 0.0, misplaced * 0.5), normal(rng, 0.0, misplaced * 0.5)].map(|s| s.clamp(-0.1, 0.1)),
            scale: [stretch, (stretch * normal(rng, 1.0, 0.02)).clamp(0.9, 1.1)],
            turn: normal(rng, 0.0, 0.015),
            outline,
            ring,
            rules,
            pitch: rng.random_range(1.0..1.09),
            neighbours: 0.75,
            corrected: 0.04,
            scan,
            specks: if rng.random_bool(0.15) {
                rng.random_range(0.1..2.5)
            } else {
                0.0
            },
            contrast: [normal(rng, 1.03, 0.09), normal(rng, 0.0, 0.02)],
        }
    }
}

fn frame<R: Rng + ?Sized>(rng: &mut R) -> Outline {
    Outline {
        ink: rng.random_range(0.06..0.45),
        width: rng.random_range(0.02..0.05),
        dots: rng.random_bool(0.2).then(|| rng.random_range(0.05..0.12)),
    }
}

fn ring<R: Rng + ?Sized>(rng: &mut R, ink: std::ops::Range<f32>) -> PrintedRing {
    PrintedRing {
        radius: rng.random_range(0.08..0.16),
        width: rng.random_range(0.02..0.05),
        ink: rng.random_range(ink),
    }
}

/// Draws one box. `symbol` is what it holds; drawn when not given.
///
/// A digit is sometimes a correction (see [`BoxStyle::corrected`]), and a filler sometimes a digit struck out: both are
/// labelled as overwritten.
pub fn sample_box<R: Rng + ?Sized>(rng: &mut R, hand: &Hand, symbol: Option<Symbol>, style: &BoxStyle) -> LabelledBox {
    let symbol = symbol.unwrap_or_else(|| sample_symbol(rng));
    let glyph = draw_symbol(rng, hand, symbol, style.corrected);
    let (left, right) = (neighbour(rng, hand, style, -1.0), neighbour(rng, hand, style, 1.0));
    label(rng, symbol, &glyph, [left.as_ref(), right.as_ref()], style)
}

/// Draws a box that few forms show and that is easily misread: a digit against the side of its box, an uncommon shape, a
/// digit retraced until it is a bar, a blot for a filler, or an empty box with frame and ring.
pub fn sample_rare_box<R: Rng + ?Sized>(rng: &mut R, hand: &Hand, style: &BoxStyle) -> LabelledBox {
    let mut style = style.clone();
    let digit = if rng.random_bool(0.4) {
        1
    } else {
        rng.random_range(0..10)
    };
    let (symbol, glyph) = match rng.random_range(0..100) {
        0..32 => {
            let glyph = hand.draw_digit(rng, digit);
            (Symbol::Digit(digit), against_a_side(rng, glyph))
        }
        32..62 => {
            let (digit, glyph) = hand.draw_rare_digit(rng);
            let aside = rng.random_bool(0.3);
            let glyph = if aside { against_a_side(rng, glyph) } else { glyph };
            (Symbol::Digit(digit), glyph)
        }
        62..72 => (Symbol::Digit(digit), hand.draw_retraced(rng, digit)),
        72..86 => (Symbol::Filler, hand.draw_blot(rng)),
        _ => {
            if rng.random_bool(0.5) {
                style.ring = Some(ring(rng, 0.3..0.8));
            }
            (Symbol::Blank, Glyph::default())
        }
    };
    let (left, right) = (neighbour(rng, hand, &style, -1.0), neighbour(rng, hand, &style, 1.0));
    label(rng, symbol, &glyph, [left.as_ref(), right.as_ref()], &style)
}

/// A mark moved so far that it touches the left or right side of its box, or nearly; sometimes squeezed.
fn against_a_side<R: Rng + ?Sized>(rng: &mut R, glyph: Glyph) -> Glyph {
    let glyph = if rng.random_bool(0.3) {
        glyph.stretched(rng.random_range(0.5..0.9), 1.0)
    } else {
        glyph
    };
    let Some([left, _, right, _]) = glyph.bounds() else {
        return glyph;
    };
    let away = rng.random_range(-0.04..0.1);
    let dx = if rng.random_bool(0.5) {
        away - left
    } else {
        1.0 - away - right
    };
    glyph.moved(dx, 0.0)
}

/// Draws the three boxes of a number, with one style; `None` leaves them blank.
pub fn sample_cell<R: Rng + ?Sized>(
    rng: &mut R,
    hand: &Hand,
    value: Option<u16>,
    habit: Habit,
    style: &BoxStyle,
) -> [LabelledBox; 3] {
    let symbols = habit.marks(rng, value);
    let glyphs = symbols.map(|symbol| draw_symbol(rng, hand, symbol, style.corrected));
    [0, 1, 2].map(|i: usize| {
        let left = i.checked_sub(1).map(|l| &glyphs[l]);
        label(rng, symbols[i], &glyphs[i], [left, glyphs.get(i + 1)], style)
    })
}

/// Draws one box whose ink is a picture from elsewhere (dark paper, light ink, as 28 × 28 digit collections have it).
pub fn sample_box_with_ink<R: Rng + ?Sized>(
    rng: &mut R,
    glyph: &GrayImage,
    symbol: Symbol,
    style: &BoxStyle,
) -> LabelledBox {
    let hand = Hand::sample(rng);
    let (left, right) = (neighbour(rng, &hand, style, -1.0), neighbour(rng, &hand, style, 1.0));
    let mut canvas = paper(rng, style);
    draw_neighbours(&mut canvas, [left.as_ref(), right.as_ref()], style);
    let at = placement(style, canvas.width);
    stamp(rng, &mut canvas, glyph, &hand, at);
    LabelledBox {
        image: scan(rng, canvas, style),
        symbol,
        cross: false,
        overwritten: false,
    }
}

/// Draws what a juror would write for a symbol, with the stated chance of a correction.
pub(crate) fn draw_symbol<R: Rng + ?Sized>(rng: &mut R, hand: &Hand, symbol: Symbol, corrected: f64) -> Glyph {
    match symbol {
        Symbol::Digit(d) if rng.random_bool(corrected) => hand.draw_corrected(rng, d),
        Symbol::Digit(d) => hand.draw_digit(rng, d),
        Symbol::Filler if rng.random_bool(corrected * 0.2) => {
            let under = rng.random_range(0..10);
            hand.draw_struck(rng, under)
        }
        Symbol::Filler => hand.draw_filler(rng),
        Symbol::Blank => Glyph::default(),
    }
}

fn sample_symbol<R: Rng + ?Sized>(rng: &mut R) -> Symbol {
    match rng.random_range(0..100) {
        0..22 => Symbol::Filler,
        22..34 => Symbol::Blank,
        _ => Symbol::Digit(rng.random_range(0..10)),
    }
}

/// What stands in the box at one side (-1 left, 1 right), relative to that box. Some of it leans over to this one.
fn neighbour<R: Rng + ?Sized>(rng: &mut R, hand: &Hand, style: &BoxStyle, side: f32) -> Option<Glyph> {
    rng.random_bool(style.neighbours).then(|| {
        let symbol = sample_symbol(rng);
        let glyph = draw_symbol(rng, hand, symbol, 0.0);
        let lean: f32 = if rng.random_bool(0.3) {
            rng.random_range(0.05..0.32)
        } else {
            0.0
        };
        // The middle of a box belongs to its own writing.
        let free = glyph
            .bounds()
            .map_or(0.0, |[l, _, r, _]| if side < 0.0 { 1.2 - r } else { l + 0.2 });
        glyph.moved(-side * lean.min(free.max(0.0)), 0.0)
    })
}

fn label<R: Rng + ?Sized>(
    rng: &mut R,
    symbol: Symbol,
    glyph: &Glyph,
    neighbours: [Option<&Glyph>; 2],
    style: &BoxStyle,
) -> LabelledBox {
    let mut canvas = paper(rng, style);
    draw_neighbours(&mut canvas, neighbours, style);
    canvas.draw(glyph, placement(style, canvas.width));
    LabelledBox {
        image: scan(rng, canvas, style),
        symbol,
        cross: glyph.cross,
        overwritten: glyph.overwritten,
    }
}

fn placement(style: &BoxStyle, side: usize) -> Placement {
    let (sx, sy) = (style.native * style.scale[0], style.native * style.scale[1]);
    let half = side as f32 * 0.5;
    Placement {
        left: half + style.shift[0] * style.native - sx * 0.5,
        top: half + style.shift[1] * style.native - sy * 0.5,
        scale_x: sx,
        scale_y: sy,
    }
}

fn draw_neighbours(canvas: &mut Canvas, neighbours: [Option<&Glyph>; 2], style: &BoxStyle) {
    let at = placement(style, canvas.width);
    for (glyph, side) in neighbours.into_iter().zip([-1.0, 1.0]) {
        if let Some(glyph) = glyph {
            canvas.draw(
                glyph,
                Placement {
                    left: at.left + side * style.pitch * at.scale_x,
                    ..at
                },
            );
        }
    }
}

/// The empty box: frame, ring, rules.
fn paper<R: Rng + ?Sized>(rng: &mut R, style: &BoxStyle) -> Canvas {
    let side = ceil(style.native * BOX_SIDE as f32 / BOX_CORE as f32);
    let mut canvas = Canvas::new(side, side);
    let at = placement(style, side);
    let point = |u: f32, v: f32, radius: f32| {
        let (du, dv) = (u - 0.5, v - 0.5);
        let (u, v) = (0.5 + du - style.turn * dv, 0.5 + dv + style.turn * du);
        (at.left + u * at.scale_x, at.top + v * at.scale_y, radius * style.native)
    };
    if let Some(outline) = style.outline {
        let r = outline.width * 0.5;
        let gap = (style.pitch - 1.0).max(0.0);
        let mut line = |a: [f32; 2], b: [f32; 2]| match outline.dots {
            None => canvas.capsule(point(a[0], a[1], r), point(b[0], b[1], r), outline.ink),
            Some(period) => {
                let length = (b[0] - a[0]).abs() + (b[1] - a[1]).abs();
                let phase = rng.random_range(0.0..period);
                let mut t = phase;
                while t < length {
                    let (f, g) = (t / length, ((t + period * 0.45) / length).min(1.0));
                    let mix = |k: f32| (a[0] + (b[0] - a[0]) * k, a[1] + (b[1] - a[1]) * k);
                    let ((u, v), (w, z)) = (mix(f), mix(g));
                    canvas.capsule(point(u, v, r), point(w, z, r), outline.ink);
                    t += period;
                }
            }
        };
        // Frames of one cell share their lines when the boxes touch.
        for u in [-gap, 0.0, 1.0, 1.0 + gap] {
            line([u, 0.0], [u, 1.0]);
        }
        for v in [0.0, 1.0] {
            line([-0.3, v], [1.3, v]);
        }
    }
    for [place, width, ink] in &style.rules {
        canvas.capsule(point(-0.4, *place, width * 0.5), point(1.4, *place, width * 0.5), *ink);
    }
    if let Some(ring) = style.ring {
        let steps = 24;
        let on = |i: usize| {
            let angle = std::f32::consts::TAU * i as f32 / steps as f32;
            point(
                0.5 + ring.radius * angle.cos(),
                0.5 + ring.radius * angle.sin(),
                ring.width * 0.5,
            )
        };
        for i in 0..steps {
            canvas.capsule(on(i), on(i + 1), ring.ink);
        }
    }
    canvas
}

/// Puts an ink picture into the box, with the size, lean and place of a hand.
fn stamp<R: Rng + ?Sized>(rng: &mut R, canvas: &mut Canvas, glyph: &GrayImage, hand: &Hand, at: Placement) {
    let Some([left, top, right, bottom]) = ink_bounds(glyph) else {
        return;
    };
    let (w, h) = (right - left, bottom - top);
    let height = hand.size * at.scale_y * normal(rng, 1.0, 0.05);
    let width = height * (w / h) * hand.aspect.clamp(0.8, 1.25);
    let lean = (hand.slant - 0.1) * 0.6;
    let (cx, cy) = (
        at.left + (0.5 + hand.offset[0]) * at.scale_x,
        at.top + (0.5 + hand.offset[1]) * at.scale_y,
    );
    // Moving the edge of the soft trace makes the pen thinner or thicker.
    let edge = rng.random_range(0.28..0.62);
    let reach = width * 0.5 + lean.abs() * height * 0.5 + 2.0;
    for y in floor(cy - height * 0.5 - 2.0)..ceil(cy + height * 0.5 + 2.0).min(canvas.height) {
        for x in floor(cx - reach)..ceil(cx + reach).min(canvas.width) {
            let v = (y as f32 + 0.5 - cy) / height;
            let u = (x as f32 + 0.5 - cx + lean * v * height) / width;
            let value = bilinear(glyph, left + (u + 0.5) * w, top + (v + 0.5) * h);
            let ink = ((value - edge) * 4.0 + 0.5).clamp(0.0, 1.0);
            canvas.dab(x, y, ink * hand.darkness);
        }
    }
}

fn ink_bounds(glyph: &GrayImage) -> Option<[f32; 4]> {
    glyph
        .enumerate_pixels()
        .filter(|(_, _, p)| p.0[0] > 60)
        .fold(None, |found, (x, y, _)| {
            let (x, y) = (x as f32, y as f32);
            let [l, t, r, b] = found.unwrap_or([x, y, x + 1.0, y + 1.0]);
            Some([
                f32::min(l, x),
                f32::min(t, y),
                f32::max(r, x + 1.0),
                f32::max(b, y + 1.0),
            ])
        })
}

fn bilinear(glyph: &GrayImage, x: f32, y: f32) -> f32 {
    let (x, y) = (x - 0.5, y - 0.5);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let at = |dx: f32, dy: f32| {
        let (px, py) = (x.floor() + dx, y.floor() + dy);
        if px < 0.0 || py < 0.0 {
            return 0.0;
        }
        let (px, py) = (crate::num::dimension(floor(px)), crate::num::dimension(floor(py)));
        glyph
            .get_pixel_checked(px, py)
            .map_or(0.0, |p| f32::from(p.0[0]) / 255.0)
    };
    (at(0.0, 0.0) * (1.0 - fx) + at(1.0, 0.0) * fx) * (1.0 - fy) + (at(0.0, 1.0) * (1.0 - fx) + at(1.0, 1.0) * fx) * fy
}

/// Spoils the drawn box as the scan would and lays it into the picture of the symbol model.
fn scan<R: Rng + ?Sized>(rng: &mut R, mut canvas: Canvas, style: &BoxStyle) -> BoxImage {
    if style.specks > 0.0 {
        speckle(rng, &mut canvas, style.specks);
    }
    match style.scan {
        BoxScan::Bitonal {
            blur: sigma,
            threshold,
            noise,
        } => {
            blur(&mut canvas, sigma);
            add_noise(rng, &mut canvas, noise);
            for ink in &mut canvas.ink {
                *ink = if *ink > threshold { 1.0 } else { 0.0 };
            }
        }
        BoxScan::Grey {
            blur: sigma,
            noise,
            light,
            compression,
        } => {
            blur(&mut canvas, sigma);
            let side = canvas.width as f32;
            for (i, ink) in canvas.ink.iter_mut().enumerate() {
                let (x, y) = (
                    (i % canvas.width) as f32 / side - 0.5,
                    (i / canvas.width) as f32 / side - 0.5,
                );
                *ink += light[0] * x + light[1] * y;
            }
            add_noise(rng, &mut canvas, noise);
            if compression > 0.0 {
                compress(&mut canvas, compression);
            }
        }
    }
    let small = resample(&canvas, BOX_SIDE, BOX_SIDE);
    let mut pixels = Box::new([0_u8; BOX_SIDE * BOX_SIDE]);
    for (pixel, ink) in pixels.iter_mut().zip(&small.ink) {
        *pixel = level((ink * style.contrast[0] + style.contrast[1]) * 255.0);
    }
    BoxImage(pixels)
}
