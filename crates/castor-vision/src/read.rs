//! A form, from its file to a checked reading.

use crate::crop::BoxCutter;
use crate::header::{HeaderScope, Printed, PrintedHeader, read_header};
use crate::input::{Document, InputError};
use crate::labels::{LabelLooks, Labels};
use crate::layout::{Cell, FrameRect, Layout, crop_frame, find_layout};
use crate::page::{FRAME_HEIGHT, FRAME_MARGIN, PageImage, RectifiedPage};
use crate::printed::PrintLook;
use crate::qr::read_qr;
use crate::raster::Paper;
use crate::recount::{Recount, find_question, read_recount};
use crate::register::{rectify, register};
use crate::runtime::RuntimeError;
use crate::serial::read_serial;
use crate::signatures::{SignatureGrid, count_signatures};
use crate::symbols::SymbolReader;
use crate::text::TextReader;
use castor_domain::arithmetic::weigh_sums;
use castor_domain::checks::{CheckContext, check_form};
use castor_domain::codes::MesaId;
use castor_domain::form::{Corporacion, FieldPath};
use castor_domain::geography::geography;
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::header::{Header, Item, Source};
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, PrintedName, ReviewReason};
use castor_domain::serial::{PageOf, Serial};
use castor_domain::symbol::{BoxImage, SymbolModel};
use image::GrayImage;
use std::time::{Duration, Instant};

/// Height at which the header ends and a page's own part begins.
pub(crate) const BODY: f32 = 0.22;
/// Registration below this sends every cell of the page to a person.
pub(crate) const REGISTERED: f32 = 0.12;

/// Why a form could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not readable as a form.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A model or native library is missing or failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// How long the parts of a reading took, over all pages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Opening and decoding.
    pub decode: Duration,
    /// Registration and rectification.
    pub register: Duration,
    /// Serial and printed header.
    pub header: Duration,
    /// Layout with its labels.
    pub layout: Duration,
    /// Cutting and reading of boxes, recount, signatures.
    pub symbols: Duration,
}

/// Everything a form's file says.
#[derive(Debug)]
pub struct ReadForm {
    /// The reading, checked.
    pub reading: FormReading,
    /// SHA-256 of the input.
    pub sha256: String,
    /// Time of the parts.
    pub timings: Timings,
}

/// One cell with its box pictures, before any symbol is read.
#[derive(Debug)]
pub struct CutCell {
    /// The cell.
    pub cell: Cell,
    /// Page of the file, from 1.
    pub page: u16,
    /// Its three boxes.
    pub boxes: [BoxImage; 3],
    /// Where it stands on the page image.
    pub place: PixelRect,
}

/// What a page holds besides symbols.
struct SeenPage {
    reading: PageReading,
    cells: Vec<CutCell>,
    header: Option<PrintedHeader>,
    closing: Closing,
    names: Vec<PrintedName>,
}

/// How the pages of a form print, as far as they were read: sought on each page anew only where the page differs.
#[derive(Default)]
struct Looks {
    header: Option<PrintLook>,
    labels: LabelLooks,
}

/// Reads forms; one for all threads.
#[derive(Debug)]
pub struct FormReader {
    text: TextReader,
    symbols: Option<SymbolReader>,
    policy: ReviewPolicy,
    names: bool,
}

impl FormReader {
    /// A reader with the given models.
    #[must_use]
    pub fn new(text: TextReader, symbols: SymbolReader) -> Self {
        let policy = ReviewPolicy {
            threshold: symbols.threshold(),
            overwritten_threshold: 0.5,
            cross_threshold: 0.5,
        };
        Self {
            text,
            symbols: Some(symbols),
            policy,
            names: false,
        }
    }

    /// Confidence below which a field goes to a person, chosen with the model on held-out forms.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.policy.threshold
    }

    /// A reader that only finds and cuts boxes, for training.
    #[must_use]
    pub fn cutter(text: TextReader) -> Self {
        let policy = ReviewPolicy {
            threshold: 1.0,
            overwritten_threshold: 0.5,
            cross_threshold: 0.5,
        };
        Self {
            text,
            symbols: None,
            policy,
            names: false,
        }
    }

    /// The same, also reading the printed names of candidates and parties: about twice the time of a page.
    #[must_use]
    pub fn with_names(self) -> Self {
        Self { names: true, ..self }
    }

    /// Version of the symbol model.
    #[must_use]
    pub fn model_version(&self) -> &str {
        self.symbols.as_ref().map_or("none", SymbolReader::version)
    }

    /// Cuts every box of a form, page by page.
    ///
    /// # Errors
    /// [`ReadError`] when a page cannot be decoded or a model fails.
    pub fn cut(&self, document: &Document) -> Result<Vec<CutCell>, ReadError> {
        let mut timings = Timings::default();
        let mut cells = Vec::new();
        let mut looks = Looks::default();
        for number in 1..=document.page_count() {
            let page = document.page(number)?;
            cells.extend(self.see(&page, &Header::default(), &mut looks, &mut timings)?.cells);
        }
        Ok(cells)
    }

    /// Reads a form and checks it.
    ///
    /// # Errors
    /// [`ReadError`] when a page cannot be decoded or a model fails.
    pub fn read(&self, document: &Document) -> Result<ReadForm, ReadError> {
        let mut timings = Timings::default();
        let mut form = FormReading::default();
        let mut looks = Looks::default();
        for number in 1..=document.page_count() {
            let start = Instant::now();
            let page = document.page(number)?;
            timings.decode += start.elapsed();
            let seen = self.see(&page, &form.header, &mut looks, &mut timings)?;
            if let Some(header) = &seen.header {
                add_header(&mut form.header, header, number);
            }
            if form.header.serial.value().is_none() {
                form.header.serial = seen.reading.serial.clone();
            }
            form.recount = form.recount.or(seen.closing.recount);
            form.signatures = form.signatures.or(seen.closing.signatures);
            form.names.extend(seen.names);
            let start = Instant::now();
            let registered = seen.reading.registration >= REGISTERED;
            self.read_cells(&seen.cells, registered, &mut form.fields)?;
            timings.symbols += start.elapsed();
            form.pages.push(seen.reading);
        }
        settle(&mut form);
        doubt_candidates_after_a_gap(&mut form);
        geography().ask(&mut form.header);
        weigh_sums(&mut form, &self.policy);
        form.findings = check_form(&form, &CheckContext::default());
        Ok(ReadForm {
            reading: form,
            sha256: document.sha256().to_owned(),
            timings,
        })
    }

    /// Finds out everything about a page but its symbols. `before` is what the pages before it print, `looks` how.
    fn see(
        &self,
        page: &PageImage,
        before: &Header,
        looks: &mut Looks,
        timings: &mut Timings,
    ) -> Result<SeenPage, ReadError> {
        let start = Instant::now();
        let mut reading = PageReading {
            page: page.number,
            size: page.gray.dimensions(),
            ..PageReading::default()
        };
        let Some(registration) = register(page) else {
            timings.register += start.elapsed();
            reading.needs_review = true;
            reading.notes.push("corner marks not found".to_owned());
            return Ok(SeenPage {
                reading,
                cells: Vec::new(),
                header: None,
                closing: Closing::default(),
                names: Vec::new(),
            });
        };
        let rectified = rectify(page, &registration);
        reading.registration = registration.quality;
        timings.register += start.elapsed();

        let start = Instant::now();
        let barcode = read_serial(page, &registration.to_page);
        if let Some(barcode) = &barcode
            && let Ok(serial) = Serial::from_digits(barcode.digits)
        {
            reading
                .serial
                .add(Source::SerialBarcode, serial, barcode.confidence, page.number);
        }
        reading.qr =
            read_qr(&page.gray, &registration.to_page).map(|qr| String::from_utf8_lossy(&qr.bytes).into_owned());
        let scope = if page.number == 1 {
            HeaderScope::Full
        } else {
            HeaderScope::PageIdentity
        };
        let header = read_header(&rectified, &self.text, scope, &mut looks.header)?;
        let printed = header.corporacion.as_ref().map(|c| c.value);
        let corporacion = before.corporacion.value().copied().or(printed);
        identify(&mut reading, &header);
        timings.header += start.elapsed();

        let start = Instant::now();
        let paper = Paper::of(&rectified.gray, 32);
        let ink = paper.ink(&rectified.gray);
        let labels = Labels::of(&self.text, looks.labels);
        let layout = find_layout(&rectified, &ink, &labels, corporacion);
        looks.labels = labels.looks();
        timings.layout += start.elapsed();

        let start = Instant::now();
        let mut cells = Vec::new();
        let mut names = Vec::new();
        let mut closing = Closing::default();
        match layout {
            Layout::Cells(found) => {
                let cutter = BoxCutter::new(page, registration.to_page, paper);
                if found.cells.iter().any(|c| matches!(c.path, FieldPath::NoMarcados)) {
                    closing = Closing::of(&rectified, found.foot, corporacion);
                }
                reading.layout = Some(found.template.clone());
                reading.needs_review |= !found.doubts.is_empty();
                reading.notes.extend(found.doubts);
                if self.names {
                    names = self.read_names(&rectified, found.names, page.number)?;
                }
                cells = found
                    .cells
                    .into_iter()
                    .map(|cell| CutCell {
                        boxes: cell.boxes.map(|b| cutter.cut(b)),
                        place: cutter.place(&cell.boxes),
                        page: page.number,
                        cell,
                    })
                    .collect();
            }
            Layout::NoCells => {
                reading.layout = Some("constancias".to_owned());
                closing = Closing::of(&rectified, BODY, corporacion);
            }
            Layout::NotRecognised(why) => {
                // Constancias begin above the question: so high there is no room for a vote row.
                let seen = Closing::of(&rectified, BODY, corporacion);
                if seen.question.is_some_and(|height| height < 0.36) {
                    closing = seen;
                    reading.layout = Some("constancias".to_owned());
                } else {
                    reading.needs_review = true;
                    reading.notes.push(format!("layout not recognised: {why}"));
                }
            }
        }
        timings.symbols += start.elapsed();
        Ok(SeenPage {
            reading,
            cells,
            header: Some(header),
            closing,
            names,
        })
    }

    /// Reads the printed names of a page's rows.
    fn read_names(
        &self,
        page: &RectifiedPage,
        places: Vec<(FieldPath, FrameRect)>,
        number: u16,
    ) -> Result<Vec<PrintedName>, ReadError> {
        let crops: Vec<GrayImage> = places.iter().map(|(_, rect)| crop_frame(&page.gray, *rect)).collect();
        let lines = self.text.read_names(&crops)?;
        let names = places.into_iter().zip(lines).map(|((path, _), line)| PrintedName {
            path,
            page: number,
            text: line.text,
            confidence: line.confidence,
        });
        Ok(names.filter(|name| !name.text.is_empty()).collect())
    }

    /// Reads the boxes of a page's cells.
    fn read_cells(&self, cells: &[CutCell], registered: bool, fields: &mut Vec<FieldReading>) -> Result<(), ReadError> {
        let Some(symbols) = &self.symbols else { return Ok(()) };
        let boxes: Vec<BoxImage> = cells.iter().flat_map(|c| c.boxes.iter().cloned()).collect();
        let readings = symbols.predict(&boxes)?;
        for (cut, three) in cells.iter().zip(readings.chunks_exact(3)) {
            let [a, b, c] = three else { continue };
            let boxes = [a.clone(), b.clone(), c.clone()];
            let decision = read_field(&boxes, MarkConvention::FILLERS, &self.policy);
            let mut reasons = decision.reasons.clone();
            if !cut.cell.named {
                reasons.push(ReviewReason::RowIdentity);
            }
            if !registered {
                reasons.push(ReviewReason::Layout);
            }
            fields.push(FieldReading {
                path: cut.cell.path.clone(),
                page: cut.page,
                boxes,
                marks: decision.marks,
                value: decision.value,
                confidence: decision.confidence,
                needs_review: !reasons.is_empty(),
                reasons,
                alternatives: decision.alternatives,
                bbox: cut.place,
            });
        }
        Ok(())
    }
}

/// What a form's last page says below its votes.
#[derive(Default)]
struct Closing {
    /// Where the recount question stands, in the square frame.
    question: Option<f32>,
    recount: Option<bool>,
    signatures: Option<u8>,
}

impl Closing {
    /// Looks for the recount question between the last vote row and the signatures.
    fn of(page: &RectifiedPage, foot: f32, corporacion: Option<Corporacion>) -> Self {
        let canonical = |y: f32| f32::from(FRAME_MARGIN) + y * f32::from(FRAME_HEIGHT);
        let Some(question) = find_question(page, canonical(foot), canonical(0.80)) else {
            return Self::default();
        };
        let height = (question.base - f32::from(FRAME_MARGIN)) / f32::from(FRAME_HEIGHT);
        Self {
            question: Some(height),
            recount: match read_recount(page, &question) {
                Recount::Yes => Some(true),
                Recount::No => Some(false),
                Recount::Unmarked | Recount::Both => None,
            },
            signatures: SignatureGrid::below_question(height, corporacion)
                .and_then(|grid| count_signatures(page, &grid)),
        }
    }
}

/// What tells a page from others.
fn identify(reading: &mut PageReading, header: &PrintedHeader) {
    let page = reading.page;
    add(&mut reading.serial, Source::SerialDigits, header.serial.as_ref(), page);
    add(&mut reading.control, Source::PrintedText, header.control.as_ref(), page);
    if let Some(kit) = &header.kit
        && let Ok(value) = kit.value.parse()
    {
        reading.kit.add(Source::PrintedKit, value, kit.confidence, page);
    }
    reading.mesa = table(header);
    if let Some(printed) = &header.page_of {
        let (number, pages) = printed.value;
        reading.page_of.add(
            Source::PrintedPageOf,
            PageOf { page: number, pages },
            printed.confidence,
            page,
        );
    }
    if let Some(serial) = reading.serial.chosen().cloned() {
        reading
            .page_of
            .add(Source::SerialDigits, serial.value.page_of, serial.confidence, page);
    }
}

/// The table that a page's address names, when each code of it was read.
fn table(header: &PrintedHeader) -> Option<MesaId> {
    fn code<T: std::str::FromStr>(printed: Option<&Printed<String>>) -> Option<T> {
        printed?.value.parse().ok()
    }
    Some(MesaId {
        departamento: code(header.departamento.as_ref())?,
        municipio: code(header.municipio.as_ref())?,
        zona: code(header.zona.as_ref())?,
        puesto: code(header.puesto.as_ref())?,
        mesa: code(header.mesa.as_ref())?,
    })
}

/// Adds a printed text that parses to an item.
fn add<T: Clone + PartialEq + std::str::FromStr>(
    item: &mut Item<T>,
    source: Source,
    printed: Option<&Printed<String>>,
    page: u16,
) {
    if let Some(printed) = printed
        && let Ok(value) = printed.value.parse()
    {
        item.add(source, value, printed.confidence, page);
    }
}

/// Adds a value that needs no parsing.
fn take<T: Clone + PartialEq>(item: &mut Item<T>, printed: Option<&Printed<T>>, page: u16) {
    item.add_some(
        Source::PrintedText,
        printed.map(|p| (p.value.clone(), p.confidence)),
        page,
    );
}

/// Adds a page's printed header to the form's.
fn add_header(form: &mut Header, header: &PrintedHeader, page: u16) {
    let text = Source::PrintedText;
    take(&mut form.corporacion, header.corporacion.as_ref(), page);
    take(&mut form.copia, header.copia.as_ref(), page);
    take(&mut form.eleccion, header.election.as_ref(), page);
    take(&mut form.fecha, header.date.as_ref(), page);
    take(&mut form.departamento_nombre, header.departamento_name.as_ref(), page);
    take(&mut form.municipio_nombre, header.municipio_name.as_ref(), page);
    take(&mut form.lugar, header.lugar.as_ref(), page);
    add(&mut form.departamento, text, header.departamento.as_ref(), page);
    add(&mut form.municipio, text, header.municipio.as_ref(), page);
    add(&mut form.zona, text, header.zona.as_ref(), page);
    add(&mut form.puesto, text, header.puesto.as_ref(), page);
    add(&mut form.mesa, text, header.mesa.as_ref(), page);
    add(&mut form.control, text, header.control.as_ref(), page);
    add(&mut form.form_number, text, header.form_number.as_ref(), page);
    add(&mut form.kit, Source::PrintedKit, header.kit.as_ref(), page);
}

/// Sends the candidates of a page to a person when their numbers do not follow those of the page before: numbers that are
/// read wrongly in one way still grow by one.
fn doubt_candidates_after_a_gap(form: &mut FormReading) {
    let candidate = |f: &FieldReading| {
        if let FieldPath::Candidato(n) = f.path {
            Some(n)
        } else {
            None
        }
    };
    let span = |page: u16| {
        let numbers = form.fields.iter().filter(|f| f.page == page).filter_map(candidate);
        numbers.fold(None, |s: Option<(u16, u16)>, n| {
            Some(s.map_or((n, n), |(a, b)| (a.min(n), b.max(n))))
        })
    };
    let pages: Vec<(u16, Option<(u16, u16)>)> = form.pages.iter().map(|p| (p.page, span(p.page))).collect();
    for pair in pages.windows(2) {
        let [(_, Some((_, last))), (page, Some((first, _)))] = *pair else {
            continue;
        };
        if first <= last.saturating_add(1) {
            continue;
        }
        for field in form.fields.iter_mut().filter(|f| f.page == page) {
            if candidate(field).is_some() && !field.reasons.contains(&ReviewReason::RowIdentity) {
                field.reasons.push(ReviewReason::RowIdentity);
                field.needs_review = true;
            }
        }
        if let Some(reading) = form.pages.iter_mut().find(|p| p.page == page) {
            reading.needs_review = true;
            reading
                .notes
                .push(format!("no row between candidates {last} and {first}"));
        }
    }
}

/// What only the whole form tells.
fn settle(form: &mut FormReading) {
    let serials: Vec<_> = form
        .pages
        .iter()
        .filter_map(|p| p.serial.chosen().map(|s| (s.clone(), p.page)))
        .collect();
    for (serial, page) in &serials {
        let abroad = form.header.abroad();
        form.header.copia.add(
            Source::SerialDigits,
            serial.value.copy.copia(abroad),
            serial.confidence,
            *page,
        );
        form.header
            .kit
            .add(Source::SerialDigits, serial.value.kit, serial.confidence, *page);
        form.header.pages.add(
            Source::SerialDigits,
            serial.value.page_of.pages,
            serial.confidence,
            *page,
        );
    }
}
