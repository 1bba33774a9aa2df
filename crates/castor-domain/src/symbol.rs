//! What stands in one printed box.

/// Number of classes of the symbol model: the digits 0–9, then [`Symbol::Filler`], then [`Symbol::Blank`].
pub const SYMBOL_CLASSES: usize = 12;

/// Number of outputs of the symbol model: one logit for each class, then the signals `cross` and `overwritten`.
pub const MODEL_OUTPUTS: usize = SYMBOL_CLASSES + 2;

/// Side of the square picture of one box that the symbol model reads, in pixels.
///
/// The printed box is mapped to the central [`BOX_CORE`] × [`BOX_CORE`] pixels; the rest is the margin on all four
/// sides, because strokes leave their box.
pub const BOX_SIDE: usize = 40;

/// Side of the part of a [`BoxImage`] that is the printed box itself, in pixels.
pub const BOX_CORE: usize = 32;

/// A symbol that a juror can leave in a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Symbol {
    /// A handwritten digit, 0 to 9.
    Digit(u8),
    /// Any mark that means "no digit here": filled dot, filled or crossed ring, X, dash, asterisk.
    Filler,
    /// Nothing written; an untouched pre-printed ring is nothing.
    Blank,
}

impl Symbol {
    /// Position in the model's output, `0..SYMBOL_CLASSES`.
    #[must_use]
    pub fn class(self) -> usize {
        match self {
            Self::Digit(d) => usize::from(d),
            Self::Filler => 10,
            Self::Blank => 11,
        }
    }

    /// The symbol at a position of the model's output; `None` from [`SYMBOL_CLASSES`] on.
    #[must_use]
    pub fn from_class(class: usize) -> Option<Self> {
        match class {
            0..=9 => u8::try_from(class).ok().map(Self::Digit),
            10 => Some(Self::Filler),
            11 => Some(Self::Blank),
            _ => None,
        }
    }
}

/// The picture of one box: [`BOX_SIDE`] × [`BOX_SIDE`] ink levels, row by row, 0 = paper, 255 = full ink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxImage(pub Box<[u8; BOX_SIDE * BOX_SIDE]>);

/// What the symbol model says of one box. Probabilities sum to 1 and are calibrated by temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxReading {
    /// Probability of each class, see [`Symbol::class`].
    pub probabilities: [f32; SYMBOL_CLASSES],
    /// Signal, 0–1: the mark is a cross (a filler in most templates, a deletion in some).
    pub cross: f32,
    /// Signal, 0–1: something was written over, or two digits share the box.
    pub overwritten: f32,
}

impl BoxReading {
    /// The reading that the model's outputs mean: softmax over the classes, logistic function over the signals.
    #[must_use]
    pub fn from_logits(logits: &[f32; MODEL_OUTPUTS]) -> Self {
        let mut probabilities = [0.0; SYMBOL_CLASSES];
        let top = logits[..SYMBOL_CLASSES].iter().copied().fold(f32::MIN, f32::max);
        for (p, logit) in probabilities.iter_mut().zip(logits) {
            *p = (logit - top).exp();
        }
        let sum: f32 = probabilities.iter().sum();
        let logistic = |x: f32| 1.0 / (1.0 + (-x).exp());
        Self {
            probabilities: probabilities.map(|p| p / sum),
            cross: logistic(logits[SYMBOL_CLASSES]),
            overwritten: logistic(logits[SYMBOL_CLASSES + 1]),
        }
    }

    /// The likeliest symbol and its probability; the first of equals.
    #[must_use]
    pub fn best(&self) -> (Symbol, f32) {
        let mut best = (0, f32::MIN);
        for (class, p) in self.probabilities.iter().enumerate() {
            if *p > best.1 {
                best = (class, *p);
            }
        }
        (Symbol::from_class(best.0).unwrap_or(Symbol::Blank), best.1)
    }
}

/// Whatever reads single boxes: the model in the product, one in training, a double in a test.
pub trait SymbolModel {
    /// Why a reading failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads boxes; one reading for each, in their order.
    ///
    /// # Errors
    /// When the model cannot run at all; a picture that says nothing is no error.
    fn predict(&self, boxes: &[BoxImage]) -> Result<Vec<BoxReading>, Self::Error>;
}
