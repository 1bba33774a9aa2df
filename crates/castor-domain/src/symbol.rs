//! What stands in one printed box.

/// Number of classes of the symbol model: the digits 0–9, then [`Symbol::Filler`], then [`Symbol::Blank`].
pub const SYMBOL_CLASSES: usize = 12;

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
