//! How a juror writes a number into three boxes: what leading boxes and zeros look like.

use castor_domain::symbol::Symbol;
use rand::{Rng, RngExt};

/// What stands in the boxes before the first digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leading {
    /// A filler in each.
    Fillers,
    /// Nothing.
    Blanks,
    /// Zeros.
    Zeros,
    /// A filler or nothing, as it comes.
    Mixed,
}

/// How the number zero is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ZeroRow {
    /// Nothing is written at all.
    Blank,
    /// Three fillers.
    Fillers,
    /// As any other number: the leading boxes, then a 0.
    Digit,
}

/// One juror's way to write numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Habit {
    /// Boxes before the first digit.
    pub leading: Leading,
    /// Rows without a vote.
    pub zero: ZeroRow,
}

impl Habit {
    /// Draws a juror: fillers before digits are the rule, blank or filled rows for zero about equally common.
    pub fn sample<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let leading = match rng.random_range(0..100) {
            0..74 => Leading::Fillers,
            74..84 => Leading::Blanks,
            84..92 => Leading::Zeros,
            _ => Leading::Mixed,
        };
        let zero = match (leading, rng.random_range(0..100)) {
            (Leading::Zeros, 0..70) | (_, 85..) => ZeroRow::Digit,
            (_, 0..45) => ZeroRow::Blank,
            _ => ZeroRow::Fillers,
        };
        Self { leading, zero }
    }

    /// The three symbols of a number up to 999; `None` leaves the row blank.
    pub fn marks<R: Rng + ?Sized>(self, rng: &mut R, value: Option<u16>) -> [Symbol; 3] {
        let Some(value) = value else { return [Symbol::Blank; 3] };
        if value == 0 {
            match self.zero {
                ZeroRow::Blank => return [Symbol::Blank; 3],
                ZeroRow::Fillers => return [Symbol::Filler; 3],
                ZeroRow::Digit => {}
            }
        }
        let digits = [value / 100 % 10, value / 10 % 10, value % 10];
        let first = digits.iter().position(|d| *d != 0).unwrap_or(2);
        let mut marks = [Symbol::Blank; 3];
        for (i, mark) in marks.iter_mut().enumerate() {
            *mark = if i >= first {
                Symbol::Digit(u8::try_from(digits[i]).unwrap_or(0))
            } else {
                match self.leading {
                    Leading::Fillers => Symbol::Filler,
                    Leading::Blanks => Symbol::Blank,
                    Leading::Zeros => Symbol::Digit(0),
                    Leading::Mixed if rng.random_bool(0.6) => Symbol::Filler,
                    Leading::Mixed => Symbol::Blank,
                }
            };
        }
        marks
    }
}

/// The number that three symbols mean: 0 for fillers only, `None` when nothing is written.
#[must_use]
pub fn value_of(marks: &[Symbol; 3]) -> Option<u16> {
    if marks.iter().all(|m| *m == Symbol::Blank) {
        return None;
    }
    Some(marks.iter().fold(0, |value, mark| match mark {
        Symbol::Digit(d) => value * 10 + u16::from(*d),
        Symbol::Filler | Symbol::Blank => value,
    }))
}
