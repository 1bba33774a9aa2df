//! Printed labels and numbers for the layout: matching first, the recogniser where matching is unsure.

use crate::layout::LabelReader;
use crate::printed::{NumberReading, PrintLook, PrintedLine, number_and_look};
use crate::runtime::RuntimeError;
use crate::text::{LineBand, Region, TextLine, TextReader, explains, find_lines, matched_line};
use image::GrayImage;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Reads the labels of one page. Families ask for the same places; each crop is read once, as the first of them expects.
#[derive(Debug)]
pub struct Labels<'a> {
    text: &'a TextReader,
    matched: Known<Option<(u32, f32)>>,
    quick: Known<Option<(u32, f32)>>,
    recognised: Known<Option<[TextLine; 2]>>,
    labels: Known<Option<String>>,
    /// How the page's numbers look.
    look: Cell<Option<PrintLook>>,
    /// How the words of the page's last sure label look; each is tried in that look first.
    words: Cell<Option<PrintLook>>,
    /// Labels that only the recogniser could read, while none was matched.
    unmatched: Cell<u8>,
    /// Whether a label of this page was matched.
    matches: Cell<bool>,
}

/// What the labels of a page tell of those of the form's other pages.
#[derive(Debug, Clone, Copy, Default)]
pub struct LabelLooks {
    numbers: Option<PrintLook>,
    words: Option<PrintLook>,
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
    /// Nothing read yet; `known` is what the pages before tell.
    #[must_use]
    pub fn of(text: &'a TextReader, known: LabelLooks) -> Self {
        Self {
            text,
            matched: Known::of(),
            quick: Known::of(),
            recognised: Known::of(),
            labels: Known::of(),
            look: Cell::new(known.numbers),
            words: Cell::new(known.words),
            unmatched: Cell::new(0),
            matches: Cell::new(false),
        }
    }

    /// What this page tells of the next ones.
    #[must_use]
    pub fn looks(&self) -> LabelLooks {
        LabelLooks {
            numbers: self.look.get(),
            words: self.words.get(),
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

    /// What the recogniser makes of a crop, as text and as a code.
    fn both(&self, crop: &GrayImage) -> Option<[TextLine; 2]> {
        self.recognised.get(crop, || self.text.text_and_code(crop).ok())
    }

    /// A number by the recogniser.
    fn recognised(&self, crop: &GrayImage) -> Option<(u32, f32)> {
        let [_, line] = self.both(crop)?;
        let digits: String = line.text.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok().map(|v| (v, line.confidence))
    }

    /// The lines of a label, joined. A crop whose lines the recogniser cannot read either is no label.
    fn lines(&self, crop: &GrayImage, expected: &dyn Fn(&str) -> bool) -> Option<String> {
        /// Least width of a label's line in heights: four capitals of the narrow typeface.
        const WORD: f32 = 3.3;
        /// Lines that say nothing, one after another, before the rest is left unread.
        const SILENT: usize = 2;
        let region = Region {
            left: 0,
            top: 0,
            right: crop.width(),
            bottom: crop.height(),
        };
        let mut texts: Vec<String> = Vec::new();
        let mut silent = 0;
        for band in find_lines(crop, region, 1.6) {
            if band.height < 8.0 || band.right - band.left < WORD * band.height {
                continue;
            }
            let read = match self.matched_line(crop, &band, expected) {
                Some(text) => Some(text),
                None => self.recognised_line(crop, &band).ok()?,
            };
            silent = if read.is_some() { 0 } else { silent + 1 };
            texts.extend(read);
            if silent == SILENT {
                break;
            }
        }
        Some(texts.join(" "))
    }

    /// One line by matching: where it explains the line, or where the line says what is expected and most of it is sure.
    fn matched_line(&self, crop: &GrayImage, band: &LineBand, expected: &dyn Fn(&str) -> bool) -> Option<String> {
        /// Labels that could not be matched before matching is given up on the page.
        const FUTILE: u8 = 2;
        let text = |line: &PrintedLine| line.text().trim().to_owned();
        let accept =
            |line: &PrintedLine| explains(line) || (line.residual < 0.30 && mostly_sure(line) && expected(&text(line)));
        let known = self.words.get();
        let searching = self.matches.get() || self.unmatched.get() < FUTILE;
        let (line, look) = matched_line(crop, band, known.as_ref(), searching, &accept)?;
        self.words.set(Some(look));
        self.matches.set(true);
        Some(text(&line))
    }

    /// One line by the recogniser; `None` where it can make nothing of it.
    fn recognised_line(&self, crop: &GrayImage, band: &LineBand) -> Result<Option<String>, RuntimeError> {
        /// Squeeze at which the words of labels are still told apart.
        const SQUEEZE: f32 = 0.6;
        /// Confidence below which a line is no print, and from which it is print that matching should have explained.
        const PRINT: f32 = 0.5;
        const CLEAR: f32 = 0.85;
        let read = self.text.recognised_line(crop, band, SQUEEZE)?;
        if read.confidence >= CLEAR {
            self.unmatched.set(self.unmatched.get().saturating_add(1));
        }
        Ok((!read.text.is_empty() && read.confidence >= PRINT).then_some(read.text))
    }
}

/// Whether three characters in four are sure.
fn mostly_sure(line: &PrintedLine) -> bool {
    let inked = line.characters.iter().filter(|c| c.character != ' ');
    let (all, unsure) = inked.fold((0, 0), |n, c| (n.0 + 1, n.1 + i32::from(c.confidence < 0.75)));
    all >= 4 && unsure * 4 <= all
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
        let [line, _] = self.both(crop)?;
        Some(line.text.split_whitespace().collect())
    }

    fn label(&self, crop: &GrayImage, expected: &dyn Fn(&str) -> bool) -> Option<String> {
        self.labels.get(crop, || self.lines(crop, expected))
    }
}
