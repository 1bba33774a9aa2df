//! The checks of a form. Each has a stable code, an entry in `docs/CHECKS.md` and a test named after it.
//!
//! A check passes, fails, or cannot be evaluated because something it needs was not read. What was not read is never 0.
//! A failed check is a discrepancy to look at, nothing more; no check changes a reading.

mod compare;
mod sheets;
mod sums;
mod tally;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::codes::MesaId;
use crate::form::{Copia, Corporacion, FieldPath, ListCode};
use crate::reading::FormReading;
use crate::serial::{ControlCode, Serial};

pub use compare::{CopiedRow, Move, align_copies, compare_copies, compare_e24, moved_votes};
pub use tally::{FieldState, Tally};

pub use sums::votes_of_form;
pub(crate) use sums::{sum_checks, sums_of};

/// Stable code of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckCode {
    /// `NIV_001`: ballots in the urn do not exceed voters, before burning.
    Niv001,
    /// `NIV_002`: ballots counted are those in the urn less those burnt.
    Niv002,
    /// `SUM_001`: all votes add up to the ballots that were to be counted.
    Sum001,
    /// `SUM_002`: the votes of a list add up to its printed total.
    Sum002,
    /// `SUM_003`: all votes add up to the SUMA TOTAL row.
    Sum003,
    /// `EXC_001`: no field exceeds the voters; the urn does not exceed those registered.
    Exc001,
    /// `OCR_001`: no field waits for a person.
    Ocr001,
    /// `FRM_001`: at least three jurors signed.
    Frm001,
    /// `PAG_001`: the pages received are the pages of one form, each once, in order.
    Pag001,
    /// `HDR_001`: the header names the expected table.
    Hdr001,
    /// `BAR_001`: the serial agrees with what is printed on its sheet.
    Bar001,
    /// `DUP_001`: no sheet of the form was seen elsewhere.
    Dup001,
    /// `CPY_001`: two copies of the form hold the same numbers.
    Cpy001,
    /// `E24_001`: the form holds the numbers of the E-24.
    E24001,
}

impl CheckCode {
    /// Every check.
    pub const ALL: [Self; 14] = [
        Self::Niv001,
        Self::Niv002,
        Self::Sum001,
        Self::Sum002,
        Self::Sum003,
        Self::Exc001,
        Self::Ocr001,
        Self::Frm001,
        Self::Pag001,
        Self::Hdr001,
        Self::Bar001,
        Self::Dup001,
        Self::Cpy001,
        Self::E24001,
    ];

    /// The code as text.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Niv001 => "NIV_001",
            Self::Niv002 => "NIV_002",
            Self::Sum001 => "SUM_001",
            Self::Sum002 => "SUM_002",
            Self::Sum003 => "SUM_003",
            Self::Exc001 => "EXC_001",
            Self::Ocr001 => "OCR_001",
            Self::Frm001 => "FRM_001",
            Self::Pag001 => "PAG_001",
            Self::Hdr001 => "HDR_001",
            Self::Bar001 => "BAR_001",
            Self::Dup001 => "DUP_001",
            Self::Cpy001 => "CPY_001",
            Self::E24001 => "E24_001",
        }
    }

    /// Older names under which other systems know the check. `{code}` stands for a list code of four characters.
    #[must_use]
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Niv001 => &["NIVELACION_SUFRAGANTES_VS_URNA", "E11_EQUALS_URNA"],
            Self::Sum001 => &["SUMA_VOTOS_IGUAL_URNA"],
            Self::Sum002 => &["PARTY_{code}"],
            Self::Sum003 => &["SUM_EQUALS_TOTAL"],
            Self::Exc001 => &["EXCEED_001", "NO_EXCEEDS_VOTERS"],
            Self::Ocr001 => &[
                "LOW_CONFIDENCE_REVIEW_REQUIRED",
                "LOW_CONFIDENCE_REVIEW",
                "ASTERISK_NORMALIZATION",
            ],
            Self::Frm001 => &["SIGNATURE_COUNT"],
            Self::Hdr001 => &["QR_OCR_MISMATCH"],
            Self::Niv002 | Self::Pag001 | Self::Bar001 | Self::Dup001 | Self::Cpy001 | Self::E24001 => &[],
        }
    }
}

impl fmt::Display for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A text that is neither the code nor an older name of a check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no check of the catalogue")]
pub struct UnknownCheck(pub String);

impl FromStr for CheckCode {
    type Err = UnknownCheck;

    /// Takes the code or one of its aliases.
    fn from_str(text: &str) -> Result<Self, UnknownCheck> {
        let list = text
            .strip_prefix("PARTY_")
            .is_some_and(|code| ListCode::new(code).is_ok());
        Self::ALL
            .into_iter()
            .find(|c| c.code() == text || c.aliases().contains(&text) || (list && *c == Self::Sum002))
            .ok_or_else(|| UnknownCheck(text.to_owned()))
    }
}

/// How much a failed check matters. Checks that pass or cannot be evaluated are [`Severity::Info`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Explained or formal.
    Low,
    /// A small or partial discrepancy.
    Medium,
    /// A discrepancy of the count.
    High,
    /// Cannot be on a form that is filled and read correctly.
    Critical,
}

impl Severity {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A field on its page of the file: the page tells the circunscripciones of a Cámara form apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldRef {
    /// Page of the file, from 1.
    pub page: u16,
    /// Which field.
    pub path: FieldPath,
}

impl FieldRef {
    /// Its name in interfaces: `page/path`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.page, self.path)
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (page {})", self.path, self.page)
    }
}

/// Outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What was checked holds.
    Pass,
    /// It does not.
    Fail,
    /// It cannot be said.
    NotEvaluable {
        /// What would be needed.
        missing: Vec<Missing>,
    },
}

impl Outcome {
    /// Stable name: `pass`, `fail`, `not_evaluable`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotEvaluable { .. } => "not_evaluable",
        }
    }
}

/// What a check lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// The field is unread, or waits for a person.
    Unread(FieldRef),
    /// A number is needed where the jurors left the field blank or filled it with fillers.
    LeftBlank(FieldRef),
    /// The form prints the field, but its row was not found.
    NotFound(FieldPath),
    /// A page of the form, by its printed number, is not in the file.
    Page(u16),
    /// The printed number of a page of the file is unread.
    PrintedPage(u16),
    /// The layout of a page of the file was not recognised.
    Layout(u16),
    /// How many pages the form has is unread.
    PageCount,
    /// Something from outside the form, or an item of its header.
    Input(Input),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(field) => write!(f, "unread: {field}"),
            Self::LeftBlank(field) => write!(f, "left blank: {field}"),
            Self::NotFound(path) => write!(f, "row not found: {path}"),
            Self::Page(page) => write!(f, "printed page {page} is not in the file"),
            Self::PrintedPage(page) => write!(f, "printed number of page {page} of the file unread"),
            Self::Layout(page) => write!(f, "layout of page {page} of the file not recognised"),
            Self::PageCount => f.write_str("number of pages of the form unread"),
            Self::Input(input) => f.write_str(input.name()),
        }
    }
}

/// What a check needs besides the vote fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// The table that the form should be of.
    ExpectedTable,
    /// An item of the header.
    HeaderItem(&'static str),
    /// The serial of a page together with something printed to compare it with.
    Serial,
    /// The count of signatures.
    Signatures,
    /// The sheets seen so far.
    SeenSheets,
    /// Another copy of the form.
    OtherCopy,
    /// The E-24.
    E24,
}

impl Input {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ExpectedTable => "expected_table",
            Self::HeaderItem(item) => item,
            Self::Serial => "serial",
            Self::Signatures => "signatures",
            Self::SeenSheets => "seen_sheets",
            Self::OtherCopy => "other_copy",
            Self::E24 => "e24",
        }
    }
}

/// The numbers that a check compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// What ought to be.
    pub expected: i64,
    /// What is.
    pub found: i64,
}

impl Numbers {
    /// Found less expected.
    #[must_use]
    pub fn difference(self) -> i64 {
        self.found - self.expected
    }
}

/// One thing that a failed check points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// A field holds another number than expected.
    Field {
        /// The field.
        field: FieldRef,
        /// The number compared with.
        expected: i64,
        /// The number on the form.
        found: i64,
    },
    /// An item of the header differs.
    Header {
        /// Name of the item, as in the reading contract.
        item: &'static str,
        /// Page of the file on which it was found; 0 for the form as a whole.
        page: u16,
        /// What was expected, as text.
        expected: String,
        /// What was read, as text.
        found: String,
    },
    /// A printed page is not in the file.
    PageMissing(u16),
    /// A page of the file repeats the printed page of an earlier one.
    PageRepeated(u16),
    /// A page of the file comes before one with a lower printed number.
    PageOutOfOrder(u16),
    /// A page of the file belongs to another form.
    PageOfOtherForm(u16),
    /// A page of the file was seen before.
    SeenIn {
        /// Page of the file.
        page: u16,
        /// Name of the form that has it.
        form: String,
    },
    /// Votes differ field by field while their sum is the same: they stand in other rows.
    EqualSums,
}

impl Detail {
    /// Stable name of what is pointed at.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Field { .. } => "field",
            Self::Header { .. } => "header",
            Self::PageMissing(_) => "page_missing",
            Self::PageRepeated(_) => "page_repeated",
            Self::PageOutOfOrder(_) => "page_out_of_order",
            Self::PageOfOtherForm(_) => "page_of_other_form",
            Self::SeenIn { .. } => "seen_in",
            Self::EqualSums => "equal_sums",
        }
    }
}

/// Outcome of one check on one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub code: CheckCode,
    /// Outcome, with what is missing when it cannot be evaluated.
    pub outcome: Outcome,
    /// How much it matters.
    pub severity: Severity,
    /// The list, for checks made once per list.
    pub list: Option<ListCode>,
    /// The fields that were compared or are at fault.
    pub fields: Vec<FieldRef>,
    /// The numbers compared.
    pub numbers: Option<Numbers>,
    /// What exactly is wrong.
    pub details: Vec<Detail>,
}

impl Finding {
    fn new(code: CheckCode, outcome: Outcome, severity: Severity) -> Self {
        Self {
            code,
            outcome,
            severity,
            list: None,
            fields: Vec::new(),
            numbers: None,
            details: Vec::new(),
        }
    }

    fn not_evaluable(code: CheckCode, mut missing: Vec<Missing>) -> Self {
        missing.sort();
        missing.dedup();
        Self::new(code, Outcome::NotEvaluable { missing }, Severity::Info)
    }

    /// Passes without details, fails with them.
    fn of_details(code: CheckCode, severity: Severity, details: Vec<Detail>) -> Self {
        if details.is_empty() {
            return Self::new(code, Outcome::Pass, Severity::Info);
        }
        Self {
            details,
            ..Self::new(code, Outcome::Fail, severity)
        }
    }

    /// Passes when the numbers are equal.
    fn of_numbers(code: CheckCode, severity: Severity, numbers: Numbers, fields: Vec<FieldRef>) -> Self {
        let (outcome, severity) = if numbers.difference() == 0 {
            (Outcome::Pass, Severity::Info)
        } else {
            (Outcome::Fail, severity)
        };
        Self {
            fields,
            numbers: Some(numbers),
            ..Self::new(code, outcome, severity)
        }
    }

    /// Whether the check failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.outcome == Outcome::Fail
    }
}

/// The table that a form should be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedTable {
    /// The table.
    pub mesa: MesaId,
    /// The corporación, when known.
    pub corporacion: Option<Corporacion>,
    /// The copy, when known.
    pub copia: Option<Copia>,
}

/// Which sheet of which form a page says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetPlace {
    /// Table.
    pub mesa: MesaId,
    /// What is elected.
    pub corporacion: Corporacion,
    /// Copy.
    pub copia: Copia,
    /// Printed page.
    pub page: u16,
}

/// A sheet seen in another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSheet {
    /// Name of that form.
    pub form: String,
    /// Its serial.
    pub serial: Option<Serial>,
    /// Its control code, which tells elections with equal serials apart.
    pub control: Option<ControlCode>,
    /// What its QR holds.
    pub qr: Option<String>,
    /// What it says that it is, where all of it was read.
    pub place: Option<SheetPlace>,
}

/// What the checks may compare a form with. What is `None` or empty makes its check not evaluable.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckContext<'a> {
    /// The table that the form should be of.
    pub expected: Option<ExpectedTable>,
    /// Voters registered at the table.
    pub registered_voters: Option<u16>,
    /// Sheets of other forms.
    pub seen: Option<&'a [SeenSheet]>,
    /// Other copies of the form.
    pub copies: &'a [FormReading],
    /// The table's column of the E-24, by field.
    pub e24: Option<&'a BTreeMap<FieldPath, u16>>,
}

/// Runs every check on a form. The outcomes come in the order of [`CheckCode::ALL`]; `SUM_002` once per list with a
/// printed total, `CPY_001` once per other copy, `SUM_003` only when the form prints a SUMA TOTAL or may.
#[must_use]
pub fn check_form(form: &FormReading, context: &CheckContext<'_>) -> Vec<Finding> {
    let pages = tally::Pages::of(form);
    let tally = Tally::settled_on(form, &pages);
    let mut findings = sum_checks(&tally);
    findings.push(sums::exceeding(&tally, context.registered_voters));
    findings.push(sheets::reviewed(form));
    findings.push(sheets::signatures(form));
    findings.push(sheets::pages(&pages));
    findings.push(sheets::expected_table(form, context.expected.as_ref()));
    findings.push(sheets::serials(form));
    findings.push(sheets::duplicates(form, context.seen));
    findings.extend(context.copies.iter().map(|other| compare_copies(form, other)));
    if context.copies.is_empty() {
        findings.push(Finding::not_evaluable(
            CheckCode::Cpy001,
            vec![Missing::Input(Input::OtherCopy)],
        ));
    }
    findings.push(match context.e24 {
        Some(rows) => compare_e24(form, rows),
        None => Finding::not_evaluable(CheckCode::E24001, vec![Missing::Input(Input::E24)]),
    });
    findings
}
