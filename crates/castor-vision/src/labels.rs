//! Printed labels and numbers for the layout: matching first, the recogniser where matching is unsure.

use crate::layout::LabelReader;
use crate::printed::{NumberReading, PrintLook, number_and_look};
use crate::text::{Alphabet, TextReader};
use image::GrayImage;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Reads the labels of one page. Families ask for the same places; each crop is read once.
#[derive(Debug)]
pub struct Labels<'a> {
    text: &'a TextReader,
    matched: Known<Option<(u32, f32)>>,
    quick: Known<Option<(u32, f32)>>,
    recognised: Known<Option<(u32, f32)>>,
    word: Known<Option<String>>,
    texts: Known<Option<String>>,
    /// How the page's numbers look.
    look: Cell<Option<PrintLook>>,
    /// How the words of the page's last sure label look; each is tried in that look first.
    words: Cell<Option<PrintLook>>,
}

/// What crops say, as far as they were read.
#[derive(Debug)]
struct Known<T>(RefCell<HashMap<GrayImage, T>>);

impl<T: Clone> Known<T> {
    fn of() -> Self {
        Self(RefCell::default())
    }

    /// What a crop says, read now where it was not before.
    fn get(&self, crop: &GrayImage, read: impl FnOnce() -> T) -> T {
        if let Some(known) = self.0.borrow().get(crop) {
            return known.clone();
        }
        let value = read();
        self.0.borrow_mut().insert(crop.clone(), value.clone());
        value
    }
}

/// Confidence from which a matched number needs no second reader.
const SURE: f32 = 0.8;

/// What one reader's word is worth when the other is silent.
const ALONE: f32 = 0.5;

/// A number as read, with its confidence.
fn value(number: &NumberReading) -> Option<(u32, f32)> {
    number.digits.parse().ok().map(|v| (v, number.confidence))
}

impl<'a> Labels<'a> {
    /// Nothing read yet.
    #[must_use]
    pub fn of(text: &'a TextReader) -> Self {
        Self {
            text,
            matched: Known::of(),
            quick: Known::of(),
            recognised: Known::of(),
            word: Known::of(),
            texts: Known::of(),
            look: Cell::new(None),
            words: Cell::new(None),
        }
    }

    /// A number by matching Arial in whatever look fits it best.
    fn matched(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        self.matched.get(crop, || {
            let (number, look) = number_and_look(crop, None);
            if number.confidence >= SURE {
                self.look.set(Some(look));
            }
            value(&number)
        })
    }

    /// The same, first in the look of the page's last sure number: sooner found, and enough for a number that its
    /// neighbours confirm.
    fn matched_soon(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        self.quick
            .get(crop, || {
                let look = self.look.get()?;
                value(&number_and_look(crop, Some(&look)).0).filter(|n| n.1 >= SURE)
            })
            .or_else(|| self.matched(crop))
    }

    /// A number by the recogniser.
    fn recognised(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        self.recognised.get(crop, || {
            let line = self.text.read(crop, Alphabet::Codes, 1.0).ok()?;
            let digits: String = line.text.chars().filter(char::is_ascii_digit).collect();
            digits.parse().ok().map(|v| (v, line.confidence))
        })
    }
}

impl LabelReader for Labels<'_> {
    fn number(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        let matched = self.matched_soon(crop);
        matched
            .filter(|m| m.1 >= SURE)
            .or_else(|| self.recognised(crop))
            .or(matched)
    }

    fn code(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        match (self.matched(crop), self.recognised(crop)) {
            (Some(a), Some(b)) if a.0 == b.0 => Some((a.0, a.1.max(b.1))),
            (Some(a), Some(b)) => Some(if a.1 > b.1 { (a.0, a.1 - b.1) } else { (b.0, b.1 - a.1) }),
            (Some(only), None) | (None, Some(only)) => Some((only.0, only.1 * ALONE)),
            (None, None) => None,
        }
    }

    fn word(&self, crop: &GrayImage) -> Option<String> {
        self.word.get(crop, || {
            let line = self.text.read(crop, Alphabet::Text, 1.0).ok()?;
            Some(line.text.split_whitespace().collect())
        })
    }

    fn text(&self, crop: &GrayImage) -> Option<String> {
        self.texts.get(crop, || {
            let mut look = self.words.get();
            let line = self.text.name(crop, &mut look).ok();
            self.words.set(look);
            line.map(|line| line.text)
        })
    }
}
