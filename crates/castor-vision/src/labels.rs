//! Printed labels and numbers for the layout: matching first, the recogniser where matching is unsure.

use crate::layout::LabelReader;
use crate::printed::read_number;
use crate::text::{Alphabet, TextReader};
use image::GrayImage;

/// Reads labels of the rows.
pub(crate) struct Labels<'a> {
    pub(crate) text: &'a TextReader,
}

/// Confidence from which a matched number needs no second reader.
const SURE: f32 = 0.8;

/// What one reader's word is worth when the other is silent.
const ALONE: f32 = 0.5;

/// A number by matching Arial.
fn matched(crop: &GrayImage) -> Option<(u32, f32)> {
    let number = read_number(crop);
    number.digits.parse().ok().map(|v| (v, number.confidence))
}

impl Labels<'_> {
    /// A number by the recogniser.
    fn recognised(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        let line = self.text.read(crop, Alphabet::Codes, 1.0).ok()?;
        let digits: String = line.text.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok().map(|v| (v, line.confidence))
    }
}

impl LabelReader for Labels<'_> {
    fn number(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        let matched = matched(crop);
        matched
            .filter(|m| m.1 >= SURE)
            .or_else(|| self.recognised(crop))
            .or(matched)
    }

    fn code(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        match (matched(crop), self.recognised(crop)) {
            (Some(a), Some(b)) if a.0 == b.0 => Some((a.0, a.1.max(b.1))),
            (Some(a), Some(b)) => Some(if a.1 > b.1 { (a.0, a.1 - b.1) } else { (b.0, b.1 - a.1) }),
            (Some(only), None) | (None, Some(only)) => Some((only.0, only.1 * ALONE)),
            (None, None) => None,
        }
    }

    fn text(&self, crop: &GrayImage) -> Option<String> {
        self.text.read_name(crop).ok().map(|line| line.text)
    }
}
