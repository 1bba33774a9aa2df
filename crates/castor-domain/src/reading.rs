//! What the machine read of a form, with everything a person or a check needs to judge it.

use crate::checks::{Finding, SheetPlace};
use crate::codes::MesaId;
use crate::form::FieldPath;
use crate::header::{Header, Item};
use crate::serial::{ControlCode, PageOf, Serial};
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
    /// Marks whose meaning the template does not settle.
    UnsettledMark,
    /// The sums of the form speak for another number than the boxes' likeliest.
    Arithmetic,
}

impl ReviewReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::LowConfidence,
        Self::Overwritten,
        Self::Cross,
        Self::FillerAfterDigit,
        Self::Layout,
        Self::RowIdentity,
        Self::UnsettledMark,
        Self::Arithmetic,
    ];

    /// The reason of a stable code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Stable code, for files and messages.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::LowConfidence => "LOW_CONFIDENCE",
            Self::Overwritten => "OVERWRITTEN",
            Self::Cross => "CROSS",
            Self::FillerAfterDigit => "FILLER_AFTER_DIGIT",
            Self::Layout => "LAYOUT",
            Self::RowIdentity => "ROW_IDENTITY",
            Self::UnsettledMark => "UNSETTLED_MARK",
            Self::Arithmetic => "ARITHMETIC",
        }
    }
}

/// One page of the file as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PageReading {
    /// Page of the file, from 1.
    pub page: u16,
    /// Width and height of the page image, in pixels.
    pub size: (u32, u32),
    /// Page and pages printed on the form, from all their readings.
    pub page_of: Item<PageOf>,
    /// Serial of this sheet.
    pub serial: Item<Serial>,
    /// Kit printed in this sheet's footer.
    pub kit: Item<u32>,
    /// Control code of this sheet.
    pub control: Item<ControlCode>,
    /// Table printed in this sheet's header, when all five codes were read.
    pub mesa: Option<MesaId>,
    /// What the QR holds, as read: a fingerprint of the sheet.
    pub qr: Option<String>,
    /// How well the corner marks fix the page, 0–1.
    pub registration: f32,
    /// Layout template that explains the page; `None` when no template does.
    pub layout: Option<String>,
    /// Whether a person must look at the whole page.
    pub needs_review: bool,
    /// What is worth telling of the page, in stable codes or plain words.
    pub notes: Vec<String>,
}

impl PageReading {
    /// The page number printed on the form.
    #[must_use]
    pub fn printed_page(&self) -> Option<u16> {
        self.page_of.value().map(|p| p.page)
    }
}

/// A name printed beside a row: of a candidate, or of the party of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct PrintedName {
    /// The row that it names; the row 0 of a list for a party.
    pub path: FieldPath,
    /// Page of the file, from 1.
    pub page: u16,
    /// The name as read.
    pub text: String,
    /// How sure the reading is, 0–1.
    pub confidence: f32,
}

/// A whole form as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FormReading {
    /// Header, with every reading.
    pub header: Header,
    /// Vote fields, in the order of the pages of the file.
    pub fields: Vec<FieldReading>,
    /// Pages, in the order of the file.
    pub pages: Vec<PageReading>,
    /// HUBO RECUENTO DE VOTOS: yes or no; `None` when neither is marked, both are, or the page is missing.
    pub recount: Option<bool>,
    /// Signatures counted; `None` when the signature area was not seen.
    pub signatures: Option<u8>,
    /// Printed names of candidates and parties; empty when they were not asked for.
    pub names: Vec<PrintedName>,
    /// Outcomes of the checks.
    pub findings: Vec<Finding>,
}

impl FormReading {
    /// Sends every field below a confidence to a person, besides those that go already.
    pub fn ask_below(&mut self, threshold: f32) {
        for field in &mut self.fields {
            if field.confidence < threshold && !field.reasons.contains(&ReviewReason::LowConfidence) {
                field.needs_review = true;
                field.reasons.push(ReviewReason::LowConfidence);
            }
        }
    }
}

impl FormReading {
    /// Which sheet a page of this form says that it is; `None` unless table, corporación, copy and page were all read.
    #[must_use]
    pub fn sheet_place(&self, page: &PageReading) -> Option<SheetPlace> {
        Some(SheetPlace {
            mesa: self.header.mesa_id()?,
            corporacion: *self.header.corporacion.value()?,
            copia: *self.header.copia.value()?,
            page: page.printed_page()?,
        })
    }
}
