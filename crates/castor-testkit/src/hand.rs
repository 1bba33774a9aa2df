//! Handwriting: one person's habits, and digits and fillers drawn with them as pen paths, never from fonts.
//!
//! Shapes are spline skeletons in a frame of height 1 (x to the right, y downwards, about 0.6 wide). A person bends
//! every skeleton in a way of their own; every instance is bent a little more. Both bends move coinciding control
//! points together, so joints stay joints.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::ink::{Glyph, PenPoint, Stroke};
use crate::skeleton::{DIGITS, RARE, Variant};

/// How a juror marks a box that holds no digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filler {
    /// Filled dot, the commonest.
    Dot,
    /// Small open ring.
    Ring,
    /// Ring filled with ink.
    FilledRing,
    /// Ring crossed by an X.
    CrossedRing,
    /// X.
    Cross,
    /// Three or four strokes through a centre.
    Asterisk,
    /// Short horizontal stroke.
    Dash,
    /// Scribbled blob.
    Scribble,
    /// Horizontal wave.
    Squiggle,
}

impl Filler {
    /// Every filler with its share among jurors, in percent.
    pub const SHARES: [(Self, u32); 9] = [
        (Self::Dot, 52),
        (Self::Ring, 6),
        (Self::FilledRing, 7),
        (Self::CrossedRing, 5),
        (Self::Cross, 6),
        (Self::Asterisk, 9),
        (Self::Dash, 6),
        (Self::Scribble, 6),
        (Self::Squiggle, 3),
    ];

    /// Draws the habit of one juror.
    pub fn sample<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let mut left = rng.random_range(0..100);
        for (filler, share) in Self::SHARES {
            if left < share {
                return filler;
            }
            left -= share;
        }
        Self::Dot
    }

    /// Whether the mark is a cross or carries one.
    #[must_use]
    pub fn is_cross(self) -> bool {
        match self {
            Self::Cross | Self::CrossedRing => true,
            Self::Dot
            | Self::Ring
            | Self::FilledRing
            | Self::Asterisk
            | Self::Dash
            | Self::Scribble
            | Self::Squiggle => false,
        }
    }
}

/// One person's habits of writing.
#[derive(Debug, Clone)]
pub struct Hand {
    /// Horizontal lean per height; positive leans to the right.
    pub slant: f32,
    /// Width of the pen's trace, in boxes.
    pub pen: f32,
    /// Height of a digit, in boxes.
    pub size: f32,
    /// Width of a digit as a multiple of the usual one.
    pub aspect: f32,
    /// Share of the box by which shapes and places vary from one instance to the next.
    pub jitter: f32,
    /// Ink left by the pen, 0 none to 1 black.
    pub darkness: f32,
    /// Where the person centres a digit, from the centre of the box.
    pub offset: [f32; 2],
    /// How the person marks a box without digit.
    pub filler: Filler,
    /// Diameter of the person's dots and rings, in boxes.
    pub filler_size: f32,
    /// How much strokes thin out at their ends, 0–1.
    pub taper: f32,
    variants: [usize; 10],
    bend: u64,
}

impl Hand {
    /// Draws a person.
    pub fn sample<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let mut variants = [0; 10];
        for (slot, digit) in variants.iter_mut().zip(DIGITS) {
            *slot = pick(rng, digit);
        }
        Self {
            slant: normal(rng, 0.10, 0.14).clamp(-0.3, 0.5),
            pen: normal(rng, 0.075, 0.022).clamp(0.032, 0.14),
            size: normal(rng, 0.57, 0.14).clamp(0.28, 1.1),
            aspect: normal(rng, 1.0, 0.17).clamp(0.6, 1.45),
            jitter: rng.random_range(0.015..0.06),
            darkness: rng.random_range(0.72..1.0),
            offset: [normal(rng, 0.01, 0.06), normal(rng, 0.04, 0.07)],
            filler: Filler::sample(rng),
            filler_size: normal(rng, 0.17, 0.05).clamp(0.06, 0.34),
            taper: rng.random_range(0.0..0.6),
            variants,
            bend: rng.random(),
        }
    }

    /// Writes a digit 0–9 into a box. A larger number is written as its last digit.
    pub fn draw_digit<R: Rng + ?Sized>(&self, rng: &mut R, digit: u8) -> Glyph {
        let place = usize::from(digit % 10);
        // People keep to their shape of a digit, mostly.
        let chosen = if rng.random_bool(0.12) {
            pick(rng, DIGITS[place])
        } else {
            self.variants[place]
        };
        let variant = &DIGITS[place][chosen.min(DIGITS[place].len() - 1)];
        let mut habit = ChaCha8Rng::seed_from_u64(self.bend ^ (place as u64) << 8 ^ chosen as u64);
        self.write(rng, &mut habit, variant)
    }

    /// Writes a digit in a shape that few people use and that is easily taken for another digit; says which digit it is.
    pub fn draw_rare_digit<R: Rng + ?Sized>(&self, rng: &mut R) -> (u8, Glyph) {
        let chosen = rng.random_range(0..RARE.len());
        let (digit, variant) = &RARE[chosen];
        let mut habit = ChaCha8Rng::seed_from_u64(self.bend ^ (chosen as u64) << 16);
        (*digit, self.write(rng, &mut habit, variant))
    }

    /// Writes a digit several times over, on a mark for "no digit" or on bare paper, until it is a bar or a blot with arms.
    pub fn draw_retraced<R: Rng + ?Sized>(&self, rng: &mut R, digit: u8) -> Glyph {
        let firm = Self {
            pen: self.pen * rng.random_range(1.2..2.2),
            jitter: 0.03,
            ..self.clone()
        };
        let under = if rng.random_bool(0.6) {
            let filler = if rng.random_bool(0.5) {
                Filler::Asterisk
            } else {
                Filler::sample(rng)
            };
            self.draw_filler_of(rng, filler)
        } else {
            self.draw_digit(rng, digit)
        };
        (0..rng.random_range(2..5)).fold(under, |glyph, _| firm.draw_digit(rng, digit).over(glyph))
    }

    /// A mark for "no digit" scribbled until it is a dense blot, often tall and leaning, with arms sticking out of it.
    pub fn draw_blot<R: Rng + ?Sized>(&self, rng: &mut R) -> Glyph {
        let centre = [
            0.5 + self.offset[0] + normal(rng, 0.0, self.jitter),
            0.5 + self.offset[1] + normal(rng, 0.0, self.jitter),
        ];
        let (wide, tall) = (rng.random_range(0.06..0.2), rng.random_range(0.12..0.4));
        let mut strokes = Vec::new();
        for _ in 0..rng.random_range(1..4) {
            // From top to bottom, or to and fro along the blot.
            let turns = rng.random_range(8..20);
            strokes.push(if rng.random_bool(0.5) {
                self.zigzag(rng, centre, [wide, tall], turns)
            } else {
                self.zigzag(rng, centre, [tall, wide], turns)
            });
        }
        let lean = rng.random_range(-0.3..0.7);
        for p in strokes.iter_mut().flat_map(|s: &mut Stroke| &mut s.points) {
            p.x -= lean * (p.y - centre[1]);
        }
        if rng.random_bool(0.6) {
            let arms = rng.random_range(2..5);
            let reach = tall.min(0.3) * rng.random_range(0.8..1.3);
            strokes.extend(self.star(rng, centre, reach, arms));
        }
        Glyph {
            strokes,
            cross: false,
            overwritten: false,
        }
    }

    /// Draws the person's usual mark for "no digit", sometimes another one.
    pub fn draw_filler<R: Rng + ?Sized>(&self, rng: &mut R) -> Glyph {
        let filler = if rng.random_bool(0.04) {
            Filler::sample(rng)
        } else {
            self.filler
        };
        self.draw_filler_of(rng, filler)
    }

    /// Draws a given mark for "no digit".
    pub fn draw_filler_of<R: Rng + ?Sized>(&self, rng: &mut R, filler: Filler) -> Glyph {
        let size = (self.filler_size * rng.random_range(0.75..1.3)).clamp(0.05, 0.35);
        let centre = [
            0.5 + self.offset[0] * 0.7 + normal(rng, 0.0, self.jitter * 1.2),
            0.5 + self.offset[1] * 0.7 + normal(rng, 0.0, self.jitter * 1.2),
        ];
        let mut strokes = Vec::new();
        match filler {
            Filler::Dot => strokes = self.dot(rng, centre, size),
            Filler::Ring => {
                let radius = (size * 0.6).clamp(0.05, 0.13);
                strokes.push(self.ring(rng, centre, radius));
            }
            Filler::FilledRing => {
                let radius = (size * 0.65).clamp(0.08, 0.18);
                strokes.push(self.ring(rng, centre, radius));
                strokes.push(self.zigzag(rng, centre, [radius * 0.75, radius * 0.75], 6));
            }
            Filler::CrossedRing => {
                let radius = rng.random_range(0.09..0.2);
                strokes.push(self.ring(rng, centre, radius));
                let reach = radius * rng.random_range(1.3..2.1);
                strokes.extend(self.star(rng, centre, reach, 2));
            }
            Filler::Cross => {
                let reach = rng.random_range(0.15..0.42);
                strokes = self.star(rng, centre, reach, 2);
            }
            Filler::Asterisk => {
                let arms = rng.random_range(3..=4);
                let reach = rng.random_range(0.16..0.42);
                strokes = self.star(rng, centre, reach, arms);
            }
            Filler::Dash => {
                let half = rng.random_range(0.08..0.32);
                let rise = normal(rng, 0.0, 0.04) - self.slant * 0.1;
                let ends = [
                    [centre[0] - half, centre[1] - rise],
                    [centre[0] + half, centre[1] + rise],
                ];
                let sag = normal(rng, 0.0, 0.015);
                strokes.push(self.trace(rng, &[ends[0], [centre[0], centre[1] + sag], ends[1]]));
            }
            Filler::Scribble => {
                let half = [rng.random_range(0.1..0.3), rng.random_range(0.1..0.3)];
                let turns = rng.random_range(5..14);
                strokes.push(self.zigzag(rng, centre, half, turns));
                if rng.random_bool(0.6) {
                    strokes.push(self.ring(rng, centre, (half[0] + half[1]) * 0.45));
                }
                if rng.random_bool(0.4) {
                    strokes.extend(self.dot(rng, centre, half[0].min(half[1])));
                }
            }
            Filler::Squiggle => {
                let half = rng.random_range(0.15..0.4);
                let waves = rng.random_range(2..5);
                let rise = rng.random_range(0.03..0.09);
                let mut points = Vec::new();
                for i in 0..=waves * 2 {
                    let t = i as f32 / (waves * 2) as f32 * 2.0 - 1.0;
                    let up = if i % 2 == 0 { rise } else { -rise };
                    points.push([centre[0] + half * t, centre[1] + up * rng.random_range(0.6..1.3)]);
                }
                strokes.push(self.trace(rng, &points));
            }
        }
        Glyph {
            strokes,
            cross: filler.is_cross(),
            overwritten: false,
        }
    }

    /// Writes a digit as it looks after a correction: over a dot, thickened, over another digit, or squeezed beside one.
    pub fn draw_corrected<R: Rng + ?Sized>(&self, rng: &mut R, digit: u8) -> Glyph {
        let wanted = self.draw_digit(rng, digit);
        match rng.random_range(0..10) {
            0..=3 => wanted.over(self.draw_filler_of(rng, Filler::Dot)),
            4..=5 => {
                let mut firm = self.clone();
                firm.pen *= rng.random_range(1.0..1.5);
                firm.bend = self.bend;
                let again = firm.draw_digit(rng, digit);
                let mut glyph = again.over(wanted);
                if rng.random_bool(0.4) {
                    glyph = firm.draw_digit(rng, digit).over(glyph);
                }
                glyph
            }
            6..=7 => {
                let first = rng.random_range(0..10);
                let other = self.draw_digit(rng, first);
                let mut firm = self.clone();
                firm.pen *= rng.random_range(1.2..1.9);
                firm.darkness = (self.darkness * 1.15).min(1.0);
                firm.draw_digit(rng, digit).over(other)
            }
            _ => {
                // A digit that did not fit elsewhere stands beside the wanted one.
                let beside = rng.random_range(0..10);
                let width = rng.random_range(0.5..0.9);
                let extra = self
                    .draw_digit(rng, beside)
                    .stretched(width, rng.random_range(0.8..1.0));
                let wanted = wanted.stretched(width, rng.random_range(0.85..1.0));
                let right = rng.random_range(0.08..0.26);
                let apart = rng.random_range(0.34..0.5);
                wanted.moved(right, 0.0).over(extra.moved(right - apart, 0.0))
            }
        }
    }

    /// A digit struck out: what is left means nothing.
    pub fn draw_struck<R: Rng + ?Sized>(&self, rng: &mut R, digit: u8) -> Glyph {
        let under = self.draw_digit(rng, digit);
        let centre = [0.5 + self.offset[0], 0.5 + self.offset[1]];
        let cross = rng.random_bool(0.5);
        let strokes = if cross {
            self.star(rng, centre, self.size * 0.6, 2)
        } else {
            let turns = rng.random_range(8..18);
            vec![self.zigzag(rng, centre, [self.size * 0.4, self.size * 0.5], turns)]
        };
        Glyph {
            strokes,
            cross,
            overwritten: true,
        }
        .over(under)
    }

    /// A wild trace through a rectangle (left, top, right, bottom, any unit): signatures and remarks. `pen` is its width.
    pub fn scribble<R: Rng + ?Sized>(&self, rng: &mut R, area: [f32; 4], pen: f32) -> Glyph {
        let loops = rng.random_range(5..14);
        let mut points = Vec::with_capacity(loops * 2);
        for i in 0..loops * 2 {
            let t = (i as f32 + rng.random_range(-0.8..0.8)) / (loops * 2) as f32;
            let x = area[0] + (area[2] - area[0]) * t.clamp(0.0, 1.0);
            let y = area[1] + (area[3] - area[1]) * rng.random_range(0.0..1.0);
            points.push([x + self.slant * (area[3] - y), y]);
        }
        let thin = Self { pen, ..self.clone() };
        Glyph {
            strokes: vec![thin.trace(rng, &points)],
            cross: false,
            overwritten: false,
        }
    }

    fn write<R: Rng + ?Sized>(&self, rng: &mut R, habit: &mut ChaCha8Rng, variant: &Variant) -> Glyph {
        let height = self.size * normal(rng, 1.0, self.jitter * 1.5);
        let width = height * self.aspect * normal(rng, 1.0, self.jitter * 2.0);
        let slant = self.slant + normal(rng, 0.0, self.jitter * 0.8);
        let turn = normal(rng, 0.0, self.jitter);
        let centre = [
            0.5 + self.offset[0] + normal(rng, 0.0, self.jitter),
            0.5 + self.offset[1] + normal(rng, 0.0, self.jitter),
        ];
        let middle = variant_middle(variant);
        let mut bent: Vec<([f32; 2], [f32; 2])> = Vec::with_capacity(24);
        let mut strokes = Vec::with_capacity(variant.paths.len());
        for path in variant.paths {
            let points: Vec<[f32; 2]> = path
                .iter()
                .map(|&(x, y)| {
                    let known = bent
                        .iter()
                        .find(|(from, _)| from[0] == x && from[1] == y)
                        .map(|(_, to)| *to);
                    let [bx, by] = known.unwrap_or_else(|| {
                        let spread = self.jitter * 0.42;
                        let to = [
                            x + normal(habit, 0.0, 0.022) + normal(rng, 0.0, spread),
                            y + normal(habit, 0.0, 0.022) + normal(rng, 0.0, spread),
                        ];
                        bent.push(([x, y], to));
                        to
                    });
                    let (ux, uy) = ((bx - middle) * width, (by - 0.5) * height);
                    let ux = ux - slant * uy;
                    [centre[0] + ux - turn * uy, centre[1] + uy + turn * ux]
                })
                .collect();
            strokes.push(self.trace(rng, &points));
        }
        Glyph {
            strokes,
            cross: false,
            overwritten: false,
        }
    }

    /// A smooth pen trace through points in box units.
    fn trace<R: Rng + ?Sized>(&self, rng: &mut R, points: &[[f32; 2]]) -> Stroke {
        let path = spline(points);
        let half = self.pen * 0.5 * normal(rng, 1.0, 0.06).clamp(0.7, 1.4);
        let (phase, waver) = (rng.random_range(0.0..6.3_f32), rng.random_range(0.0..0.22));
        let (thin_start, thin_end) = (
            self.taper * rng.random_range(0.0..0.7),
            self.taper * rng.random_range(0.2..1.0),
        );
        let last = (path.len().max(2) - 1) as f32;
        let points = path
            .iter()
            .enumerate()
            .map(|(i, [x, y])| {
                let t = i as f32 / last;
                let pressure = 1.0 + waver * (phase + t * 7.0).sin()
                    - thin_start * (1.0 - t * 6.0).max(0.0)
                    - thin_end * (1.0 - (1.0 - t) * 5.0).max(0.0);
                PenPoint {
                    x: *x,
                    y: *y,
                    radius: half * pressure.max(0.35),
                }
            })
            .collect();
        Stroke {
            points,
            darkness: (self.darkness * normal(rng, 1.0, 0.05)).clamp(0.4, 1.0),
        }
    }

    /// A filled dot: overlapping dabs and a short drag of the pen.
    fn dot<R: Rng + ?Sized>(&self, rng: &mut R, centre: [f32; 2], size: f32) -> Vec<Stroke> {
        let radius = (size * 0.5).max(self.pen * 0.45);
        let darkness = (self.darkness * 1.08).min(1.0);
        let dabs = rng.random_range(2..6);
        let mut strokes = Vec::with_capacity(dabs + 1);
        for _ in 0..dabs {
            let r = radius * rng.random_range(0.55..0.95);
            let reach = radius - r * 0.8;
            strokes.push(Stroke {
                points: vec![PenPoint {
                    x: centre[0] + normal(rng, 0.0, reach * 0.7),
                    y: centre[1] + normal(rng, 0.0, reach * 0.7),
                    radius: r,
                }],
                darkness,
            });
        }
        if rng.random_bool(0.5) {
            let angle = rng.random_range(0.0..6.3_f32);
            let drag = radius * rng.random_range(0.3..1.3);
            let (dx, dy) = (angle.cos() * drag, angle.sin() * drag);
            strokes.push(Stroke {
                points: vec![
                    PenPoint {
                        x: centre[0] - dx * 0.5,
                        y: centre[1] - dy * 0.5,
                        radius: radius * 0.7,
                    },
                    PenPoint {
                        x: centre[0] + dx,
                        y: centre[1] + dy,
                        radius: radius * rng.random_range(0.25..0.6),
                    },
                ],
                darkness,
            });
        }
        strokes
    }

    fn ring<R: Rng + ?Sized>(&self, rng: &mut R, centre: [f32; 2], radius: f32) -> Stroke {
        let start = rng.random_range(0.0..6.3_f32);
        let sweep = rng.random_range(5.7..7.4_f32);
        let squash = rng.random_range(0.75..1.25);
        let wobble = 0.1;
        let points: Vec<[f32; 2]> = (0..=9)
            .map(|i| {
                let angle = start - sweep * i as f32 / 9.0;
                let r = radius * normal(rng, 1.0, wobble);
                [centre[0] + r * angle.cos() * squash, centre[1] + r * angle.sin()]
            })
            .collect();
        self.trace(rng, &points)
    }

    fn star<R: Rng + ?Sized>(&self, rng: &mut R, centre: [f32; 2], reach: f32, arms: usize) -> Vec<Stroke> {
        let turn = if arms == 2 {
            std::f32::consts::FRAC_PI_4
        } else {
            rng.random_range(0.2..1.8)
        };
        (0..arms)
            .map(|i| {
                let angle = turn + std::f32::consts::PI * i as f32 / arms as f32 + normal(rng, 0.0, 0.14);
                let (a, b) = (reach * rng.random_range(0.7..1.15), reach * rng.random_range(0.7..1.15));
                let bow = normal(rng, 0.0, reach * 0.12);
                let (dx, dy) = (angle.cos(), angle.sin());
                let mid = [centre[0] - dy * bow, centre[1] + dx * bow];
                self.trace(
                    rng,
                    &[
                        [centre[0] - dx * a, centre[1] - dy * a],
                        mid,
                        [centre[0] + dx * b, centre[1] + dy * b],
                    ],
                )
            })
            .collect()
    }

    fn zigzag<R: Rng + ?Sized>(&self, rng: &mut R, centre: [f32; 2], half: [f32; 2], turns: usize) -> Stroke {
        let tilt = rng.random_range(-0.8..0.8_f32);
        let points: Vec<[f32; 2]> = (0..=turns)
            .map(|i| {
                let t = i as f32 / turns as f32 * 2.0 - 1.0;
                let chord = (1.0 - t * t * 0.7).sqrt();
                let side = if i % 2 == 0 { 1.0 } else { -1.0 };
                let (u, v) = (half[0] * t, half[1] * side * chord * rng.random_range(0.7..1.1));
                [
                    centre[0] + u * tilt.cos() - v * tilt.sin(),
                    centre[1] + u * tilt.sin() + v * tilt.cos(),
                ]
            })
            .collect();
        self.trace(rng, &points)
    }
}

/// A normally distributed number, cut off at three standard deviations.
pub(crate) fn normal<R: Rng + ?Sized>(rng: &mut R, mean: f32, deviation: f32) -> f32 {
    // Sum of four uniforms (Irwin–Hall): smooth, bounded, cheap.
    let sum: f32 = (0..4).map(|_| rng.random_range(-0.5..0.5_f32)).sum();
    mean + deviation * sum * 1.732
}

fn pick<R: Rng + ?Sized>(rng: &mut R, variants: &[Variant]) -> usize {
    let total: u32 = variants.iter().map(|v| v.share).sum();
    let mut left = rng.random_range(0..total.max(1));
    for (i, v) in variants.iter().enumerate() {
        if left < v.share {
            return i;
        }
        left -= v.share;
    }
    0
}

fn variant_middle(variant: &Variant) -> f32 {
    let xs = variant.paths.iter().copied().flatten().map(|p| p.0);
    let (low, high) = xs.fold((f32::MAX, f32::MIN), |(l, h), x| (l.min(x), h.max(x)));
    (low + high) / 2.0
}

/// Catmull–Rom spline through the points: the cubic Béziers whose tangent at a point is parallel to its neighbours' chord.
fn spline(points: &[[f32; 2]]) -> Vec<[f32; 2]> {
    const STEPS: usize = 6;
    if points.len() < 3 {
        return points.to_vec();
    }
    let at = |i: usize| points[i.min(points.len() - 1)];
    let mut path = Vec::with_capacity(points.len() * STEPS);
    path.push(points[0]);
    for i in 0..points.len() - 1 {
        let (p0, p1, p2, p3) = (at(i.saturating_sub(1)), at(i), at(i + 1), at(i + 2));
        for step in 1..=STEPS {
            let t = step as f32 / STEPS as f32;
            let (t2, t3) = (t * t, t * t * t);
            let blend = |k: usize| {
                0.5 * (2.0 * p1[k]
                    + (p2[k] - p0[k]) * t
                    + (2.0 * p0[k] - 5.0 * p1[k] + 4.0 * p2[k] - p3[k]) * t2
                    + (3.0 * p1[k] - p0[k] - 3.0 * p2[k] + p3[k]) * t3)
            };
            path.push([blend(0), blend(1)]);
        }
    }
    path
}
