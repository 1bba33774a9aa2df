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

impl LabelReader for Labels<'_> {
    fn number(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        let matched = read_number(crop);
        let value = matched.digits.parse::<u32>().ok();
        if let Some(value) = value
            && matched.confidence >= SURE
        {
            return Some((value, matched.confidence));
        }
        let line = self.text.read(crop, Alphabet::Codes, 1.0).ok()?;
        let digits: String = line.text.chars().filter(char::is_ascii_digit).collect();
        digits
            .parse()
            .ok()
            .map(|v| (v, line.confidence))
            .or_else(|| value.map(|v| (v, matched.confidence)))
    }

    fn text(&self, crop: &GrayImage) -> Option<String> {
        self.text.read(crop, Alphabet::Text, 0.6).ok().map(|line| line.text)
    }
}
