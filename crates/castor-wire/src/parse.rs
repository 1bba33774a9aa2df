//! Readings from the JSON lines that `castor e14 read` writes.
//!
//! Only what the checks need comes back whole. Of a box the three likeliest symbols come back, since no more is written.

use crate::write;
use castor_domain::error::ParseError;
use castor_domain::form::FieldPath;
use castor_domain::header::{Header, Item, Source};
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, PrintedName, ReviewReason};
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::str::FromStr;

/// Largest number that three boxes hold.
const LARGEST: u16 = 999;

/// Why a file gives no reading. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum ReadingFileError {
    /// The file cannot be read.
    #[error("RDG_001 cannot be read ({0}); check the path and its permissions")]
    Unreadable(String),
    /// The file is not JSON, or ends in its middle.
    #[error("RDG_002 line {line}: not JSON ({reason}); give what `castor e14 read --json` prints")]
    NotJson {
        /// Line of the file, from 1.
        line: usize,
        /// What the parser met.
        reason: String,
    },
    /// It is JSON but no reading of a form.
    #[error("RDG_003 line {line}: not a reading ({reason}); give what `castor e14 read --json` prints")]
    NotAReading {
        /// Line of the file, from 1.
        line: usize,
        /// What is missing or of the wrong kind.
        reason: String,
    },
    /// A value cannot be on a form.
    #[error("RDG_004 form {form}: {item} cannot be ({reason}); correct it or read the form again")]
    Impossible {
        /// The form, by its source.
        form: String,
        /// Which part of the reading.
        item: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file holds no reading at all.
    #[error("RDG_005 no reading in this file; give what `castor e14 read --json` prints")]
    Empty,
}

impl ReadingFileError {
    /// Stable code; the message begins with it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "RDG_001",
            Self::NotJson { .. } => "RDG_002",
            Self::NotAReading { .. } => "RDG_003",
            Self::Impossible { .. } => "RDG_004",
            Self::Empty => "RDG_005",
        }
    }

    fn of_json(error: &serde_json::Error) -> Self {
        let line = error.line();
        let reason = error.to_string();
        match error.classify() {
            serde_json::error::Category::Io => Self::Unreadable(reason),
            serde_json::error::Category::Syntax | serde_json::error::Category::Eof => Self::NotJson { line, reason },
            serde_json::error::Category::Data => Self::NotAReading { line, reason },
        }
    }
}

/// One line of the file.
#[derive(Debug)]
pub struct Line {
    /// Path of the form's file, as it was read.
    pub source: String,
    /// The reading, or why the form's file could not be read, as `castor e14 read` wrote it.
    pub outcome: Result<FormReading, Value>,
}

/// The readings of a file, one after the other. The first error ends them: what follows it cannot be told apart.
pub fn lines(file: impl Read) -> impl Iterator<Item = Result<Line, ReadingFileError>> {
    let mut lines = serde_json::Deserializer::from_reader(file).into_iter::<WrittenForm>();
    let (mut begun, mut ended) = (false, false);
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        match lines.next() {
            Some(Ok(form)) => {
                begun = true;
                Some(form.line())
            }
            Some(Err(error)) => {
                ended = true;
                Some(Err(ReadingFileError::of_json(&error)))
            }
            None => {
                ended = true;
                (!begun).then_some(Err(ReadingFileError::Empty))
            }
        }
    })
}

/// One reading by itself, as [`write::reading`](crate::write::reading()) gives it.
///
/// # Errors
/// [`ReadingFileError::NotAReading`] or [`ReadingFileError::Impossible`].
pub fn reading(text: &str) -> Result<FormReading, ReadingFileError> {
    let form: WrittenForm = serde_json::from_str(text).map_err(|e| ReadingFileError::of_json(&e))?;
    form.reading().map_err(|fault| ReadingFileError::Impossible {
        form: String::new(),
        item: fault.item,
        reason: fault.reason,
    })
}

/// A form as written.
#[derive(Deserialize)]
struct WrittenForm {
    #[serde(default)]
    source: String,
    #[serde(default)]
    error: Option<Value>,
    header: BTreeMap<String, Option<String>>,
    #[serde(default)]
    header_readings: Readings,
    fields: Vec<WrittenField>,
    pages: Vec<WrittenPage>,
    #[serde(default)]
    recount: Option<YesNo>,
    #[serde(default)]
    signatures: Option<u8>,
    #[serde(default)]
    names: Vec<WrittenName>,
}

#[derive(Deserialize)]
struct WrittenName {
    path: String,
    page: u16,
    text: String,
    confidence: f32,
}

/// Readings by the name of their item.
type Readings = BTreeMap<String, Vec<WrittenReading>>;

#[derive(Deserialize)]
struct WrittenReading {
    source: String,
    value: String,
    confidence: f32,
    page: u16,
}

#[derive(Deserialize)]
enum YesNo {
    #[serde(rename = "SI")]
    Yes,
    #[serde(rename = "NO")]
    No,
}

#[derive(Deserialize)]
struct WrittenPage {
    page: u16,
    #[serde(default)]
    size: (u32, u32),
    #[serde(default)]
    serial: Option<String>,
    #[serde(default)]
    readings: Readings,
    #[serde(default)]
    mesa: Option<String>,
    #[serde(default)]
    qr: Option<String>,
    #[serde(default)]
    registration: f32,
    #[serde(default)]
    layout: Option<String>,
    needs_review: bool,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct WrittenField {
    path: String,
    page: u16,
    marks: [String; 3],
    value: Option<u16>,
    confidence: f32,
    needs_review: bool,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    alternatives: Vec<WrittenAlternative>,
    #[serde(default)]
    bbox: [u32; 4],
    #[serde(default)]
    boxes: Vec<WrittenBox>,
}

#[derive(Deserialize)]
struct WrittenAlternative {
    value: Option<u16>,
    probability: f32,
}

#[derive(Deserialize, Default)]
struct WrittenBox {
    top: Vec<(String, f32)>,
    cross: f32,
    overwritten: f32,
}

/// What cannot be, with its reason.
struct Fault {
    item: String,
    reason: String,
}

impl Fault {
    fn new(item: &str, reason: impl ToString) -> Self {
        Self {
            item: item.to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl WrittenForm {
    fn line(mut self) -> Result<Line, ReadingFileError> {
        let source = std::mem::take(&mut self.source);
        let outcome = match self.error.take() {
            Some(error) => Err(error),
            None => Ok(self.reading().map_err(|fault| ReadingFileError::Impossible {
                form: source.clone(),
                item: fault.item,
                reason: fault.reason,
            })?),
        };
        Ok(Line { source, outcome })
    }

    fn reading(self) -> Result<FormReading, Fault> {
        let mut form = FormReading {
            header: self.header()?,
            ..FormReading::default()
        };
        for page in self.pages {
            form.pages.push(page.reading()?);
        }
        for field in self.fields {
            if !form.pages.iter().any(|page| page.page == field.page) {
                let reason = format!("the form has no page {}", field.page);
                return Err(Fault::new(&format!("field {}", field.path), reason));
            }
            form.fields.push(field.reading()?);
        }
        form.recount = self.recount.map(|answer| match answer {
            YesNo::Yes => true,
            YesNo::No => false,
        });
        form.signatures = self.signatures;
        for name in self.names {
            form.names.push(PrintedName {
                path: name.path.parse().map_err(|e: ParseError| Fault::new("names", e))?,
                page: name.page,
                text: name.text,
                confidence: name.confidence,
            });
        }
        Ok(form)
    }

    fn header(&self) -> Result<Header, Fault> {
        Ok(Header {
            corporacion: self.item("corporacion")?,
            copia: self.item("copia")?,
            eleccion: self.item("eleccion")?,
            fecha: self.item("fecha")?,
            departamento: self.item("departamento")?,
            departamento_nombre: self.item("departamento_nombre")?,
            municipio: self.item("municipio")?,
            municipio_nombre: self.item("municipio_nombre")?,
            zona: self.item("zona")?,
            puesto: self.item("puesto")?,
            mesa: self.item("mesa")?,
            lugar: self.item("lugar")?,
            serial: self.item("serial")?,
            kit: self.item("kit")?,
            pages: self.item("paginas")?,
            version: self.item("version")?,
            control: self.item("control")?,
            form_number: self.item("form_number")?,
            civ: self.item("civ")?,
        })
    }

    fn item<T>(&self, name: &str) -> Result<Item<T>, Fault>
    where
        T: Clone + PartialEq + FromStr<Err: ToString>,
    {
        let chosen = self.header.get(name).and_then(Option::as_deref);
        item(name, self.header_readings.get(name), chosen)
    }
}

/// An item with its readings. A value that the readings do not choose was decided by whoever wrote it there.
fn item<T>(name: &str, readings: Option<&Vec<WrittenReading>>, chosen: Option<&str>) -> Result<Item<T>, Fault>
where
    T: Clone + PartialEq + FromStr<Err: ToString>,
{
    let parsed = |text: &str| text.parse::<T>().map_err(|e| Fault::new(name, e));
    let mut item = Item::default();
    for reading in readings.into_iter().flatten() {
        let source = Source::from_name(&reading.source)
            .ok_or_else(|| Fault::new(name, format!("no source is called \"{}\"", reading.source)))?;
        item.add(source, parsed(&reading.value)?, reading.confidence, reading.page);
    }
    if let Some(chosen) = chosen.map(parsed).transpose()?
        && item.value() != Some(&chosen)
    {
        item.decide(chosen);
    }
    Ok(item)
}

impl WrittenPage {
    fn reading(self) -> Result<PageReading, Fault> {
        let mesa = self.mesa.as_deref().map(str::parse).transpose();
        let named = |name| self.readings.get(name);
        Ok(PageReading {
            page: self.page,
            size: self.size,
            page_of: item("page_of", named("page_of"), None)?,
            serial: item("serial", named("serial"), self.serial.as_deref())?,
            kit: item("kit", named("kit"), None)?,
            control: item("control", named("control"), None)?,
            mesa: mesa.map_err(|e: ParseError| Fault::new("mesa", e))?,
            qr: self.qr,
            registration: self.registration,
            layout: self.layout,
            needs_review: self.needs_review,
            notes: self.notes,
        })
    }
}

impl WrittenField {
    fn reading(self) -> Result<FieldReading, Fault> {
        let name = format!("field {}", self.path);
        let path: FieldPath = self.path.parse().map_err(|e: ParseError| Fault::new(&name, e))?;
        let [a, b, c] = self.marks.each_ref().map(|mark| symbol(&name, mark));
        let alternatives = self.alternatives.iter().map(|a| (a.value, a.probability)).collect();
        for value in self
            .value
            .iter()
            .chain(self.alternatives.iter().filter_map(|a| a.value.as_ref()))
        {
            if *value > LARGEST {
                return Err(Fault::new(&name, format!("{value} does not fit three boxes")));
            }
        }
        let mut reasons = Vec::new();
        for code in &self.reasons {
            let reason = ReviewReason::from_code(code);
            reasons.push(reason.ok_or_else(|| Fault::new(&name, format!("no reason is called \"{code}\"")))?);
        }
        let mut boxes = self.boxes.into_iter();
        let mut next_box = || boxes.next().unwrap_or_default().reading(&name);
        let [x, y, width, height] = self.bbox;
        Ok(FieldReading {
            path,
            page: self.page,
            boxes: [next_box()?, next_box()?, next_box()?],
            marks: [a?, b?, c?],
            value: self.value,
            confidence: self.confidence,
            needs_review: self.needs_review,
            reasons,
            alternatives,
            bbox: PixelRect { x, y, width, height },
        })
    }
}

impl WrittenBox {
    fn reading(self, field: &str) -> Result<BoxReading, Fault> {
        let mut probabilities = [0.0; SYMBOL_CLASSES];
        for (mark, probability) in &self.top {
            probabilities[symbol(field, mark)?.class()] = *probability;
        }
        Ok(BoxReading {
            probabilities,
            cross: self.cross,
            overwritten: self.overwritten,
        })
    }
}

/// The symbol of a mark in the corpus' notation.
fn symbol(field: &str, mark: &str) -> Result<Symbol, Fault> {
    write::symbol(mark).ok_or_else(|| Fault::new(field, format!("\"{mark}\" is no digit, filler (*) or blank")))
}
