//! A model of the whole code, fitted to the profile, and the digits that it makes likely.

use std::array;

/// Symbols of the code with start and stop.
const SYMBOLS: usize = 17;
/// Modules of a symbol: six narrow elements, three wide ones of three modules, and the gap behind.
const PITCH: u8 = 16;
/// Modules from the first bar to the last.
const MODULES: f32 = 271.0;
/// Samples of a symbol: four a module.
const SPAN: usize = 64;
const FINE: f32 = 4.0;
/// Fit below which the stripes are no such code.
const LEAST_FIT: f32 = 0.55;
/// Samples of a symbol that count as independent when correlations become probabilities, with sharp bars; how fast blur
/// joins them; and the share of a symbol's variance that may always be noise. Chosen for calibration on real pages.
const INDEPENDENT: f32 = 32.0;
const JOINED: f32 = 1.0;
const NOISE: f32 = 0.04;

/// Nine elements from the first bar on, bar and space in turn, wide ones set: the digits, then `*`.
const PATTERNS: [u16; 11] = [
    0b0_0011_0100,
    0b1_0010_0001,
    0b0_0110_0001,
    0b1_0110_0000,
    0b0_0011_0001,
    0b1_0011_0000,
    0b0_0111_0000,
    0b0_0010_0101,
    0b1_0010_0100,
    0b0_0110_0100,
    0b0_1001_0100,
];
const STAR: usize = 10;

/// Where the five bars of a symbol begin and end, in modules.
fn bars(pattern: u16) -> [(f32, f32); 5] {
    let mut at = 0.0;
    let mut bars = [(0.0, 0.0); 5];
    for element in 0..9usize {
        let width = if pattern >> (8 - element) & 1 == 1 { 3.0 } else { 1.0 };
        if element % 2 == 0 {
            bars[element / 2] = (at, at + width);
        }
        at += width;
    }
    bars
}

/// What printed and scanned bars look like beside ideal ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// Modules by which a bar is wider than ideal.
    gain: f32,
    /// Standard deviation of the blur, in modules.
    blur: f32,
}

/// Looks that the search begins with: scans in grey, sharp and blurred.
pub(super) const GREY: [Look; 2] = [Look { gain: 0.2, blur: 0.4 }, Look { gain: 0.2, blur: 1.2 }];

/// Looks that the search begins with: scans in black and white, balanced and too dark.
pub(super) const BLACK_AND_WHITE: [Look; 2] = [Look { gain: 0.3, blur: 0.5 }, Look { gain: 0.7, blur: 0.5 }];

impl Look {
    /// Darkness 0–1 at `x` of a bar from `a` to `b`, all in modules.
    fn bar(self, x: f32, (a, b): (f32, f32)) -> f32 {
        let step = |d: f32| {
            // The logistic curve nearest to the Gaussian integral.
            1.0 / (1.0 + (-1.702 * d / self.blur).exp())
        };
        let half = self.gain / 2.0;
        step(x - a + half) - step(x - b - half)
    }
}

/// A symbol's samples without their mean, of length 1.
type Shape = [f32; SPAN];

fn normal(samples: Shape) -> Shape {
    let mean = dot(&samples, &[1.0; SPAN]) / (FINE * f32::from(PITCH));
    let centred = samples.map(|v| v - mean);
    let length = dot(&centred, &centred).sqrt().max(1e-6);
    centred.map(|v| v / length)
}

fn dot(a: &Shape, b: &Shape) -> f32 {
    /// Sums that grow side by side: one alone would wait for itself at each step.
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum()
}

/// Position of sample `k` of a symbol, in modules from its first bar.
fn place(k: usize) -> f32 {
    (f32::from(u8::try_from(k).unwrap_or(0)) + 0.5) / FINE
}

/// The shape of `symbol` between the neighbours' nearest bars, where there are neighbours.
fn shape(symbol: usize, look: Look, before: Option<(f32, f32)>, after: Option<(f32, f32)>) -> Shape {
    let pitch = f32::from(PITCH);
    let own = bars(PATTERNS[symbol]);
    normal(array::from_fn(|k| {
        let x = place(k);
        let mut dark: f32 = own.iter().map(|&bar| look.bar(x, bar)).sum();
        if let Some((a, b)) = before {
            dark += look.bar(x, (a - pitch, b - pitch));
        }
        if let Some((a, b)) = after {
            dark += look.bar(x, (a + pitch, b + pitch));
        }
        dark
    }))
}

/// Last bar of any symbol whose neighbour is not known yet, and its first: narrow ones are the most common.
const USUAL_LAST: (f32, f32) = (14.0, 15.0);
const USUAL_FIRST: (f32, f32) = (0.0, 1.0);

/// The fitted model: where the code lies in the profile and how its bars look.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    /// Sample of the first bar's left edge, samples a module, and how far the middle is bowed to the right.
    start: f32,
    module: f32,
    bow: f32,
    look: Look,
    /// Mean correlation over the symbols.
    pub(super) score: f32,
}

impl Fit {
    /// Fits to a profile whose code begins and ends about the samples given.
    pub(super) fn find(profile: &[f32], first: usize, last: usize, looks: &[Look]) -> Option<Self> {
        let to_f32 = |v: usize| f32::from(u16::try_from(v).unwrap_or(u16::MAX));
        let (first, last) = (to_f32(first), to_f32(last));
        let module = (last - first) / MODULES;
        let mut best: Option<Self> = None;
        for &look in looks {
            let shapes = Shapes::usual(look);
            for left in -4i8..=4 {
                for right in -4i8..=4 {
                    let start = first + f32::from(left) * 0.75 * module;
                    let end = last + f32::from(right) * 0.75 * module;
                    let mut fit = Self {
                        start,
                        module: (end - start) / MODULES,
                        bow: 0.0,
                        look,
                        score: 0.0,
                    };
                    fit.score = fit.merit(profile, &shapes);
                    if best.as_ref().is_none_or(|b| fit.score > b.score) {
                        best = Some(fit);
                    }
                }
            }
        }
        let fit = best?.refined(profile);
        (fit.score >= LEAST_FIT).then_some(fit)
    }

    /// Climbs one parameter after the other with shrinking steps.
    fn refined(mut self, profile: &[f32]) -> Self {
        let steps: [fn(&mut Self, f32); 6] = [
            |f, s| f.start += s * 0.25 * f.module,
            |f, s| f.module += s * 0.25 * f.module / MODULES,
            // Both ends apart, the middle kept.
            |f, s| {
                f.start -= s * 0.25 * f.module;
                f.module += s * 0.5 * f.module / MODULES;
            },
            |f, s| f.bow += s * 0.25 * f.module,
            |f, s| f.look.gain = (f.look.gain + 0.2 * s).clamp(-0.5, 0.9),
            |f, s| f.look.blur = (f.look.blur * (1.0 + 0.3 * s)).clamp(0.15, 3.0),
        ];
        let mut shapes = Shapes::usual(self.look);
        let mut size = 1.0;
        for _ in 0..5 {
            for step in steps {
                for direction in [size, -size] {
                    for _ in 0..6 {
                        let mut next = self.clone();
                        step(&mut next, direction);
                        let changed = (next.look != self.look).then(|| Shapes::usual(next.look));
                        next.score = next.merit(profile, changed.as_ref().unwrap_or(&shapes));
                        if next.score <= self.score {
                            break;
                        }
                        shapes = changed.unwrap_or(shapes);
                        self = next;
                    }
                }
            }
            size *= 0.6;
        }
        self
    }

    /// Mean over the symbols of the best correlation.
    fn merit(&self, profile: &[f32], shapes: &Shapes) -> f32 {
        let mut sum = 0.0;
        for symbol in 0..SYMBOLS {
            let seen = self.samples(profile, symbol);
            sum += match symbol {
                0 => dot(&seen, &shapes.start),
                16 => dot(&seen, &shapes.stop),
                _ => shapes.digits.iter().map(|d| dot(&seen, d)).fold(-1.0, f32::max),
            };
        }
        sum / f32::from(u8::try_from(SYMBOLS).unwrap_or(1))
    }

    fn samples(&self, profile: &[f32], symbol: usize) -> Shape {
        let from = f32::from(PITCH) * f32::from(u8::try_from(symbol).unwrap_or(0));
        normal(array::from_fn(|k| {
            let m = from + place(k);
            let t = m / MODULES;
            lerp(profile, self.start + self.module * m + self.bow * 4.0 * t * (1.0 - t))
        }))
    }

    /// Probability of each digit at each of the fifteen places.
    pub(super) fn probabilities(&self, profile: &[f32]) -> [[f32; 10]; 15] {
        let seen: [Shape; SYMBOLS] = array::from_fn(|symbol| self.samples(profile, symbol));
        let usual = Shapes::usual(self.look);
        let mut read: [usize; SYMBOLS] = array::from_fn(|symbol| match symbol {
            0 | 16 => STAR,
            _ => (0..10)
                .max_by(|&a, &b| dot(&seen[symbol], &usual.digits[a]).total_cmp(&dot(&seen[symbol], &usual.digits[b])))
                .unwrap_or(0),
        });
        // Blurred bars of the neighbours reach into a symbol: compare again with the neighbours as they were read.
        let mut out = [[0.0; 10]; 15];
        for _ in 0..2 {
            let before = read;
            for (place, chances) in out.iter_mut().enumerate() {
                let symbol = place + 1;
                let last = bars(PATTERNS[before[symbol - 1]])[4];
                let first = bars(PATTERNS[before[symbol + 1]])[0];
                let fits: [f32; 10] =
                    array::from_fn(|d| dot(&seen[symbol], &shape(d, self.look, Some(last), Some(first))));
                *chances = self.chances(&fits);
                read[symbol] = (0..10).max_by(|&a, &b| chances[a].total_cmp(&chances[b])).unwrap_or(0);
            }
        }
        out
    }

    /// Probabilities from correlations: with Gaussian noise of unknown strength, the likelihood of a shape is the share
    /// of variance that it leaves over, to the power of minus half the number of independent samples. Blur joins samples.
    fn chances(&self, fits: &[f32; 10]) -> [f32; 10] {
        let independent = INDEPENDENT / (1.0 + JOINED * self.look.blur);
        let weights = fits.map(|c| {
            let left = (1.0 - c.max(0.0).powi(2) + NOISE).min(1.0);
            left.powf(-independent / 2.0)
        });
        let sum: f32 = weights.iter().sum();
        weights.map(|w| w / sum)
    }
}

/// The shapes of all symbols for one look, with usual neighbours.
struct Shapes {
    start: Shape,
    stop: Shape,
    digits: [Shape; 10],
}

impl Shapes {
    fn usual(look: Look) -> Self {
        Self {
            start: shape(STAR, look, None, Some(USUAL_FIRST)),
            stop: shape(STAR, look, Some(USUAL_LAST), None),
            digits: array::from_fn(|d| shape(d, look, Some(USUAL_LAST), Some(USUAL_FIRST))),
        }
    }
}

/// The profile at a fractional sample; the ends go on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the profile first"
)]
fn lerp(profile: &[f32], x: f32) -> f32 {
    let Some(last) = profile.len().checked_sub(2) else {
        return 0.0;
    };
    let i = (x.max(0.0) as usize).min(last);
    let t = (x - f32::from(u16::try_from(i).unwrap_or(u16::MAX))).clamp(0.0, 1.0);
    profile[i] + (profile[i + 1] - profile[i]) * t
}
