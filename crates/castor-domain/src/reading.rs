//! What the machine read of a form, with everything a person or a check needs to judge it.

use crate::form::FieldPath;
use crate::symbol::{BoxReading, Symbol};

/// Pixel rectangle on the page image as the file holds it: left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelRect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// One vote field as read.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldReading {
    /// Which field.
    pub path: FieldPath,
    /// Page of the file, from 1.
    pub page: u16,
    /// The three boxes, hundreds first.
    pub boxes: [BoxReading; 3],
    /// Likeliest symbol of each box.
    pub marks: [Symbol; 3],
    /// The number that the boxes mean; 0 for fillers only, `None` when nothing is written or nothing can be decided.
    pub value: Option<u16>,
    /// Calibrated probability that `value` is what is written.
    pub confidence: f32,
    /// Whether a person must look.
    pub needs_review: bool,
    /// Why a person must look, empty when not.
    pub reasons: Vec<ReviewReason>,
    /// Other likely values with their probability, likeliest first.
    pub alternatives: Vec<(Option<u16>, f32)>,
    /// Where the three boxes stand on the page image.
    pub bbox: PixelRect,
}

/// Why a field goes to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReviewReason {
    /// Confidence below the threshold chosen on held-out data.
    LowConfidence,
    /// Something was written over, or two digits share a box.
    Overwritten,
    /// A cross where the template does not use crosses as filler.
    Cross,
    /// A filler or a blank stands after a digit.
    FillerAfterDigit,
    /// The boxes were not found where the template says, or the page is not well registered.
    Layout,
    /// The row's printed number or label was not confirmed.
    RowIdentity,
}
