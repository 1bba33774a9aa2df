//! The header of a form as read: every reading of every item is kept, and the value used names the rule that chose it.

use crate::codes::{DepartamentoCode, MesaCode, MesaId, MunicipioCode, PuestoCode, ZonaCode};
use crate::form::{Copia, Corporacion};
use crate::serial::{ControlCode, Serial};

/// Where a reading of a header item comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The fifteen digits printed under the barcode.
    SerialDigits,
    /// The barcode itself.
    SerialBarcode,
    /// The item's own printed line.
    PrintedText,
    /// The KIT footer.
    PrintedKit,
    /// `Ver: … Pag: … de …`.
    PrintedPageOf,
    /// The QR of a 2018 form, which is not encrypted.
    QrPlaintext,
    /// The tables of departments, municipalities and polling places, asked with the printed names.
    Geography,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 7] = [
        Self::SerialDigits,
        Self::SerialBarcode,
        Self::PrintedText,
        Self::PrintedKit,
        Self::PrintedPageOf,
        Self::QrPlaintext,
        Self::Geography,
    ];

    /// The source of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// Stable name, for files and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SerialDigits => "serial_digits",
            Self::SerialBarcode => "serial_barcode",
            Self::PrintedText => "printed_text",
            Self::PrintedKit => "printed_kit",
            Self::PrintedPageOf => "printed_page_of",
            Self::QrPlaintext => "qr_plaintext",
            Self::Geography => "geography",
        }
    }
}

/// One reading of a header item.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemReading<T> {
    /// Where it comes from.
    pub source: Source,
    /// What it says.
    pub value: T,
    /// 0–1, by what its source alone saw.
    pub confidence: f32,
    /// Page of the file, from 1.
    pub page: u16,
}

/// Why a value was chosen among the readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChoiceRule {
    /// There is one reading.
    OnlyReading,
    /// All readings agree.
    Agreement,
    /// Readings differ; this value has the best support of all readings together.
    BestSupported,
    /// A person decided.
    Person,
}

impl ChoiceRule {
    /// Stable name, for files and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OnlyReading => "only_reading",
            Self::Agreement => "agreement",
            Self::BestSupported => "best_supported",
            Self::Person => "person",
        }
    }
}

/// The value in use of a header item.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen<T> {
    /// The value.
    pub value: T,
    /// Why this one.
    pub rule: ChoiceRule,
    /// 0–1, from all readings together.
    pub confidence: f32,
}

/// All readings of one header item and the value in use.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<T> {
    readings: Vec<ItemReading<T>>,
    chosen: Option<Chosen<T>>,
}

impl<T> Default for Item<T> {
    fn default() -> Self {
        Self {
            readings: Vec::new(),
            chosen: None,
        }
    }
}

/// Number of wrong values that a wrong reading is thought to spread over.
const WRONG_VALUES: f32 = 9.0;
/// No single reading counts as surer than this: sources fail in ways that their confidence does not see.
const MOST_SURE: f32 = 0.995;
/// No reading counts as less sure than this: a reading is some evidence for its value.
const LEAST_SURE: f32 = 0.15;

impl<T: Clone + PartialEq> Item<T> {
    /// Adds a reading; the others stay. The value in use is chosen anew unless a person decided it.
    pub fn add(&mut self, source: Source, value: T, confidence: f32, page: u16) {
        self.readings.push(ItemReading {
            source,
            value,
            confidence,
            page,
        });
        if self.chosen.as_ref().is_none_or(|c| c.rule != ChoiceRule::Person) {
            self.chosen = choose(&self.readings);
        }
    }

    /// Adds the reading if there is one.
    pub fn add_some(&mut self, source: Source, reading: Option<(T, f32)>, page: u16) {
        if let Some((value, confidence)) = reading {
            self.add(source, value, confidence, page);
        }
    }

    /// Sets the value that a person decided; the readings stay.
    pub fn decide(&mut self, value: T) {
        self.chosen = Some(Chosen {
            value,
            rule: ChoiceRule::Person,
            confidence: 1.0,
        });
    }

    /// Every reading, in the order in which they were added.
    #[must_use]
    pub fn readings(&self) -> &[ItemReading<T>] {
        &self.readings
    }

    /// The value in use with its rule.
    #[must_use]
    pub fn chosen(&self) -> Option<&Chosen<T>> {
        self.chosen.as_ref()
    }

    /// The value in use.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.chosen.as_ref().map(|c| &c.value)
    }

    /// The readings that differ from the value in use.
    pub fn dissenting(&self) -> impl Iterator<Item = &ItemReading<T>> {
        self.readings
            .iter()
            .filter(|r| self.value().is_some_and(|v| *v != r.value))
    }
}

/// Naive Bayes over the values read: a reading of confidence c says its own value with c and any other of
/// [`WRONG_VALUES`] values with (1 − c)/[`WRONG_VALUES`]. Equal support: the value read first.
fn choose<T: Clone + PartialEq>(readings: &[ItemReading<T>]) -> Option<Chosen<T>> {
    let mut values: Vec<&T> = Vec::new();
    for reading in readings {
        if !values.contains(&&reading.value) {
            values.push(&reading.value);
        }
    }
    // Support of a value that nobody read: what is left when all readings are wrong.
    let wrong = |c: f32| ((1.0 - c) / WRONG_VALUES).ln();
    let sure = |r: &ItemReading<T>| {
        if r.confidence.is_nan() {
            LEAST_SURE
        } else {
            r.confidence.clamp(LEAST_SURE, MOST_SURE)
        }
    };
    let support = |value: Option<&T>| -> f32 {
        readings
            .iter()
            .map(|r| {
                if Some(&r.value) == value {
                    sure(r).ln()
                } else {
                    wrong(sure(r))
                }
            })
            .sum()
    };
    let mut best: Option<(&T, f32)> = None;
    for value in &values {
        let score = support(Some(value));
        if best.is_none_or(|(_, s)| score > s) {
            best = Some((value, score));
        }
    }
    let (value, score) = best?;
    let values_unread = values.iter().fold(WRONG_VALUES + 1.0, |left, _| left - 1.0).max(0.0);
    let unread = values_unread * (support(None) - score).exp();
    let mass: f32 = unread + values.iter().map(|v| (support(Some(v)) - score).exp()).sum::<f32>();
    let rule = match (readings.len(), values.len()) {
        (1, _) => ChoiceRule::OnlyReading,
        (_, 1) => ChoiceRule::Agreement,
        _ => ChoiceRule::BestSupported,
    };
    Some(Chosen {
        value: value.clone(),
        rule,
        confidence: 1.0 / mass,
    })
}

/// The header of a form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Header {
    /// Elected body.
    pub corporacion: Item<Corporacion>,
    /// Copy.
    pub copia: Item<Copia>,
    /// Title of the election as printed.
    pub eleccion: Item<String>,
    /// Date of the election as printed.
    pub fecha: Item<String>,
    /// Department.
    pub departamento: Item<DepartamentoCode>,
    /// Its printed name.
    pub departamento_nombre: Item<String>,
    /// Municipality, or country abroad.
    pub municipio: Item<MunicipioCode>,
    /// Its printed name.
    pub municipio_nombre: Item<String>,
    /// Zona.
    pub zona: Item<ZonaCode>,
    /// Puesto.
    pub puesto: Item<PuestoCode>,
    /// Mesa.
    pub mesa: Item<MesaCode>,
    /// Name of the polling place.
    pub lugar: Item<String>,
    /// Serial of the form's first page in the file. Each page keeps its own, see [`crate::reading::PageReading`].
    pub serial: Item<Serial>,
    /// Kit: from the footer, `No. Form` where it equals the kit, and the serial.
    pub kit: Item<u32>,
    /// Number of pages of the whole form.
    pub pages: Item<u16>,
    /// Version of the form.
    pub version: Item<u8>,
    /// Control code.
    pub control: Item<ControlCode>,
    /// `No. Form`.
    pub form_number: Item<u32>,
    /// Serial of the first sheet (`Civ`).
    pub civ: Item<u32>,
}

impl Header {
    /// The polling table, when each of its five codes is known.
    #[must_use]
    pub fn mesa_id(&self) -> Option<MesaId> {
        Some(MesaId {
            departamento: *self.departamento.value()?,
            municipio: *self.municipio.value()?,
            zona: *self.zona.value()?,
            puesto: *self.puesto.value()?,
            mesa: *self.mesa.value()?,
        })
    }

    /// Whether the table stands abroad.
    #[must_use]
    pub fn abroad(&self) -> bool {
        self.departamento.value() == Some(&DepartamentoCode::CONSULADOS)
    }
}
