//! The printed header and footer of a page: which election, table, copy and page it is.
//!
//! Lines are found on the page inside the regions where every family prints them. Each is read by matching Arial
//! ([`crate::printed`]), and by the text recogniser where matching is not sure. Nothing is read below the header except
//! the footer's serial numbers: the signature area holds names and identity numbers.

mod address;
mod footer;
mod fuzzy;
mod title;

pub(crate) use fuzzy::likeness;

use crate::page::RectifiedPage;
use crate::printed::{PrintLook, PrintedLine};
use crate::runtime::RuntimeError;
use crate::text::TextReader;
use castor_domain::form::{Copia, Corporacion};

/// How much of the header to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderScope {
    /// Everything.
    Full,
    /// What tells one page of a form from another and from other forms: serial, page of pages, control code, codes of
    /// the address, kit. Words and names are left out.
    PageIdentity,
}

/// How a reading came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// By matching Arial.
    Matching,
    /// By the text recogniser.
    Recogniser,
}

/// One item of the header as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Printed<T> {
    /// What it says.
    pub value: T,
    /// The text it was taken from, as read.
    pub raw: String,
    /// 0–1: how likely `value` is right, by what the reader saw of it alone.
    pub confidence: f32,
    /// Other readings, likeliest first.
    pub alternatives: Vec<(String, f32)>,
    /// Which reader answered.
    pub by: ReadBy,
}

/// Which line of the header a text stood on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HeaderLine {
    /// Digits under the barcode.
    Serial,
    /// `Ver: 01 Pag: 1 de 2`.
    PageOf,
    /// White on dark: CLAVEROS, DELEGADOS …
    CopyBand,
    /// Name of the election, its date, the corporación.
    Title,
    /// DEPARTAMENTO or CONSULADO.
    Departamento,
    /// MUNICIPIO or PAÍS.
    Municipio,
    /// ZONA, PUESTO, MESA.
    Mesa,
    /// LUGAR.
    Lugar,
    /// `X d-dd-dd-dd X`.
    Control,
    /// `KIT 8,490`.
    Kit,
    /// `No. Form: 8490`.
    FormNumber,
    /// `Civ 142356`.
    Civ,
}

/// A line of the header with its text as read.
#[derive(Debug, Clone, PartialEq)]
pub struct HeaderText {
    /// Which line.
    pub line: HeaderLine,
    /// Its text.
    pub text: String,
    /// 0–1.
    pub confidence: f32,
    /// Which reader answered.
    pub by: ReadBy,
}

/// The printed header of one page. What was not found or not asked for is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PrintedHeader {
    /// Fifteen digits under the barcode.
    pub serial: Option<Printed<String>>,
    /// Page and pages printed after `Pag:`.
    pub page_of: Option<Printed<(u16, u16)>>,
    /// Version printed after `Ver:`.
    pub version: Option<Printed<String>>,
    /// Copy named by the band.
    pub copia: Option<Printed<Copia>>,
    /// Corporación named by its line or by the title.
    pub corporacion: Option<Printed<Corporacion>>,
    /// Title of the election without its date.
    pub election: Option<Printed<String>>,
    /// Date of the election as printed.
    pub date: Option<Printed<String>>,
    /// Two digits.
    pub departamento: Option<Printed<String>>,
    /// Name printed beside the department's code.
    pub departamento_name: Option<Printed<String>>,
    /// Three digits.
    pub municipio: Option<Printed<String>>,
    /// Name printed beside the municipality's code.
    pub municipio_name: Option<Printed<String>>,
    /// Whether the address is abroad (CONSULADO and PAÍS instead of DEPARTAMENTO and MUNICIPIO).
    pub abroad: bool,
    /// Two digits.
    pub zona: Option<Printed<String>>,
    /// Two digits.
    pub puesto: Option<Printed<String>>,
    /// Three digits.
    pub mesa: Option<Printed<String>>,
    /// Name of the polling place.
    pub lugar: Option<Printed<String>>,
    /// `d-dd-dd-dd`.
    pub control: Option<Printed<String>>,
    /// Digits of the KIT footer.
    pub kit: Option<Printed<String>>,
    /// Digits of `No. Form`.
    pub form_number: Option<Printed<String>>,
    /// Digits of `Civ`.
    pub civ: Option<Printed<String>>,
    /// Every line read, as read.
    pub lines: Vec<HeaderText>,
    /// Where the header ends: the bottom of the control code's line, in canonical pixels.
    pub bottom: Option<f32>,
}

/// Confidence that a matched line must reach in each glyph; below it the recogniser is asked.
const SURE: f32 = 0.80;
/// Share of unexplained ink above which a line is not Arial as the samples know it.
const FOREIGN: f32 = 0.30;

/// Whether matching explains a line well enough to be believed.
fn believed(line: &PrintedLine) -> bool {
    line.residual < FOREIGN && line.confidence() >= SURE
}

/// Reads the header of a page. `known` is how the print of the form's pages looks, as far as that is known; what this
/// page tells of it is left there.
///
/// # Errors
/// [`RuntimeError::Run`] when the text recogniser fails; a header that cannot be read is no error.
pub fn read_header(
    page: &RectifiedPage,
    reader: &TextReader,
    scope: HeaderScope,
    known: &mut Option<PrintLook>,
) -> Result<PrintedHeader, RuntimeError> {
    let mut header = PrintedHeader::default();
    let (frame, look) = address::read(page, reader, scope, &mut header, *known)?;
    *known = look.or(*known);
    title::read(page, reader, scope, frame, &mut header, look.as_ref())?;
    footer::read(page, scope, &mut header, look.as_ref());
    footer::agree(&mut header);
    Ok(header)
}
