//! The Code 39 barcode at the head of a page, read softly.
//!
//! At the resolutions that forms come in, a narrow bar is one or two pixels, or less, and ordinary decoders, which
//! measure each bar, give up. But the content is known to be 17 symbols, the outer two `*` and digits between, so there
//! is nothing to measure: position, module, bow, ink gain and blur of one model of the whole code are fitted to the mean
//! of many rows, and each symbol is compared with the ten digits as they would look there.

mod model;
mod rules;
mod strip;

use crate::homography::Homography;
use crate::page::PageImage;
use castor_domain::serial::Serial;

/// The fifteen digits of a barcode with what speaks for each.
#[derive(Debug, Clone, PartialEq)]
pub struct SerialReading {
    /// The likeliest digits, 0–9.
    pub digits: [u8; 15],
    /// For each place, the probability of each digit; a place sums to 1.
    pub probabilities: [[f32; 10]; 15],
    /// Probability that all digits are right, 0–1.
    pub confidence: f32,
    /// How well the model of the whole code fits the bars: mean correlation, up to 1.
    pub fit: f32,
    /// Probability that the bars are a serial at all (class 71 to 75, copy 1 to 3, version 01, page within its pages),
    /// by what they say themselves; where it is low, `digits` are what they say against these rules.
    pub plausibility: f32,
}

impl SerialReading {
    /// The digits as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.digits.iter().map(|&d| char::from(b'0' + d)).collect()
    }

    /// What the digits say, where they can be a serial.
    #[must_use]
    pub fn serial(&self) -> Option<Serial> {
        Serial::from_digits(self.digits).ok()
    }

    /// Probability that the bars say these digits: how well a reading of the print below agrees with them.
    #[must_use]
    pub fn probability_of(&self, digits: &[u8; 15]) -> f32 {
        digits
            .iter()
            .zip(&self.probabilities)
            .map(|(&d, place)| place.get(usize::from(d)).copied().unwrap_or(0.0))
            .product()
    }
}

/// Reads the barcode of a registered page. `to_page` maps canonical pixels to pixels of `page`, as
/// [`crate::register::Registration::to_page`] does. None when nothing there is striped like a barcode.
#[must_use]
pub fn read_serial(page: &PageImage, to_page: &Homography) -> Option<SerialReading> {
    let profile = strip::profile(&page.gray, to_page)?;
    let (first, last) = strip::extent(&profile)?;
    let (profile, looks) = if page.bitonal {
        (strip::unthresholded(&profile), &model::BLACK_AND_WHITE)
    } else {
        (profile, &model::GREY)
    };
    let fit = model::Fit::find(&profile, first, last, looks)?;
    let (read, plausibility) = rules::apply(&fit.probabilities(&profile));
    Some(SerialReading {
        digits: read.digits,
        probabilities: read.probabilities,
        confidence: read.together * plausibility,
        fit: fit.score,
        plausibility,
    })
}
