//! Departments, municipalities and polling places by the Registraduría's codes, built in.
//!
//! Names come as the tables of several years spell them (`data/README.md`). Lookups by name forgive accents,
//! punctuation, case, misread letters and cut-off ends.

use std::sync::OnceLock;

use crate::codes::{DepartamentoCode, MunicipioCode, PuestoCode, ZonaCode};
use crate::form::ListCode;
use crate::header::{Header, Item, Source};

/// One spelling of the name of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceName {
    /// The name.
    pub name: &'static str,
    /// Years in which the tables have it, as two digits separated by commas, newest first.
    pub years: &'static str,
    key: &'static str,
}

/// A place found by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likely<C> {
    /// Its code.
    pub code: C,
    /// The spelling that fits best.
    pub name: &'static str,
    /// How well the text fits, 0–1; see [`likeness`].
    pub score: f32,
    /// By how much the next place fits worse.
    pub margin: f32,
}

/// A polling place within its municipality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PuestoOf {
    /// Zona.
    pub zona: ZonaCode,
    /// Puesto.
    pub puesto: PuestoCode,
}

/// The built-in tables.
#[derive(Debug)]
pub struct Geography {
    departamentos: Vec<PlaceName>,
    municipios: Vec<PlaceName>,
    puestos: Vec<PlaceName>,
    lists: Vec<PlaceName>,
}

/// The built-in tables, parsed at the first call.
#[must_use]
pub fn geography() -> &'static Geography {
    static TABLES: OnceLock<Geography> = OnceLock::new();
    TABLES.get_or_init(|| Geography {
        departamentos: places(include_str!("../data/departamentos.tsv")),
        municipios: places(include_str!("../data/municipios.tsv")),
        puestos: places(include_str!("../data/puestos.tsv")),
        lists: lists(include_str!("../data/listas_congreso_2022.tsv")),
    })
}

fn places(table: &'static str) -> Vec<PlaceName> {
    let place = |line: &'static str| {
        let mut columns = line.splitn(3, '\t');
        Some(PlaceName {
            key: columns.next()?,
            years: columns.next()?,
            name: columns.next()?,
        })
    };
    table.lines().filter_map(place).collect()
}

fn lists(table: &'static str) -> Vec<PlaceName> {
    let list = |line: &'static str| {
        line.split_once('\t')
            .map(|(key, name)| PlaceName { key, years: "22", name })
    };
    table.lines().filter_map(list).collect()
}

/// The rows whose key begins with a prefix; the rows are sorted by key.
fn under<'t>(rows: &'t [PlaceName], prefix: &str) -> &'t [PlaceName] {
    let start = rows.partition_point(|row| row.key < prefix);
    let rest = &rows[start..];
    let count = rest.partition_point(|row| row.key.starts_with(prefix));
    &rest[..count]
}

impl Geography {
    /// Spellings of a department's name, newest first; empty when no table has the code.
    #[must_use]
    pub fn departamento(&self, code: DepartamentoCode) -> &[PlaceName] {
        under(&self.departamentos, code.as_str())
    }

    /// Spellings of the name of a municipality, or of a country under 88; empty when no table has the code.
    #[must_use]
    pub fn municipio(&self, departamento: DepartamentoCode, municipio: MunicipioCode) -> &[PlaceName] {
        under(&self.municipios, &format!("{departamento}{municipio}"))
    }

    /// Spellings of the name of a polling place; empty when no table has the code.
    #[must_use]
    pub fn puesto(
        &self,
        departamento: DepartamentoCode,
        municipio: MunicipioCode,
        zona: ZonaCode,
        puesto: PuestoCode,
    ) -> &[PlaceName] {
        under(&self.puestos, &format!("{departamento}{municipio}{zona}{puesto}"))
    }

    /// The department whose name fits a printed text best.
    #[must_use]
    pub fn best_departamento(&self, text: &str) -> Option<Likely<DepartamentoCode>> {
        likeliest(&self.departamentos, text, 1)
            .into_iter()
            .next()
            .and_then(|found| found.coded(|key| key.parse().ok()))
    }

    /// The municipality of a department, or country under 88, whose name fits a printed text best.
    #[must_use]
    pub fn best_municipality(&self, departamento: DepartamentoCode, text: &str) -> Option<Likely<MunicipioCode>> {
        let rows = under(&self.municipios, departamento.as_str());
        likeliest(rows, text, 1)
            .into_iter()
            .next()
            .and_then(|found| found.coded(|key| key.get(2..)?.parse().ok()))
    }

    /// The polling places of a municipality whose names fit a printed text best, best first.
    #[must_use]
    pub fn puestos_like(
        &self,
        departamento: DepartamentoCode,
        municipio: MunicipioCode,
        text: &str,
        most: usize,
    ) -> Vec<Likely<PuestoOf>> {
        let rows = under(&self.puestos, &format!("{departamento}{municipio}"));
        let code = |key: &str| {
            Some(PuestoOf {
                zona: key.get(5..7)?.parse().ok()?,
                puesto: key.get(7..)?.parse().ok()?,
            })
        };
        likeliest(rows, text, most)
            .into_iter()
            .filter_map(|found| found.coded(code))
            .collect()
    }

    /// Adds to a header the codes that its printed names have in the tables, as one more reading each. Codes and names are
    /// printed apart, so that one may be legible where the other is not.
    pub fn ask(&self, header: &mut Header) {
        /// A code by its name is no surer than this: names repeat, and tables of other years differ.
        const MOST: f32 = 0.8;
        /// Least likeness, and least lead over the next name, of a place that is meant.
        const LIKE: f32 = 0.85;
        const LEAD: f32 = 0.08;
        fn meant<C: Copy>(found: Option<Likely<C>>) -> Option<(C, f32)> {
            found
                .filter(|f| f.score >= LIKE && f.margin >= LEAD)
                .map(|f| (f.code, MOST * f.score))
        }
        let name = |item: &Item<String>| {
            let page = item.readings().first().map_or(1, |r| r.page);
            item.value().map(|text| (text.clone(), page))
        };
        if let Some((text, page)) = name(&header.departamento_nombre) {
            let found = meant(self.best_departamento(&text));
            header.departamento.add_some(Source::Geography, found, page);
        }
        let Some(departamento) = header.departamento.value().copied() else {
            return;
        };
        if let Some((text, page)) = name(&header.municipio_nombre) {
            let found = meant(self.best_municipality(departamento, &text));
            header.municipio.add_some(Source::Geography, found, page);
        }
        let Some(municipio) = header.municipio.value().copied() else {
            return;
        };
        if let Some((text, page)) = name(&header.lugar) {
            let places = self.puestos_like(departamento, municipio, &text, 1);
            if let Some((place, sure)) = meant(places.first().copied()) {
                header.zona.add(Source::Geography, place.zona, sure, page);
                header.puesto.add(Source::Geography, place.puesto, sure, page);
            }
        }
    }

    /// How well the printed LUGAR fits the names of a polling place, 0–1; `None` when no table has the place, which
    /// happens with places created for one election and with most places abroad.
    #[must_use]
    pub fn fits(
        &self,
        departamento: DepartamentoCode,
        municipio: MunicipioCode,
        zona: ZonaCode,
        puesto: PuestoCode,
        lugar: &str,
    ) -> Option<f32> {
        let lugar = normalised(lugar);
        self.puesto(departamento, municipio, zona, puesto)
            .iter()
            .map(|place| likeness(&lugar, &normalised(place.name)))
            .max_by(f32::total_cmp)
    }

    /// Name of a party or list of the Congress elections of 2022.
    #[must_use]
    pub fn congress_list_2022(&self, code: &ListCode) -> Option<&'static str> {
        under(&self.lists, &format!("{:0>4}", code.0))
            .first()
            .map(|list| list.name)
    }
}

/// A row found by its name, before its key is taken apart.
struct Found {
    row: PlaceName,
    score: f32,
    margin: f32,
}

impl Found {
    fn coded<C>(self, code: impl FnOnce(&str) -> Option<C>) -> Option<Likely<C>> {
        Some(Likely {
            code: code(self.row.key)?,
            name: self.row.name,
            score: self.score,
            margin: self.margin,
        })
    }
}

/// The keys whose best spelling fits best, best first, at most `most`.
fn likeliest(rows: &[PlaceName], text: &str, most: usize) -> Vec<Found> {
    let text = normalised(text);
    if text.is_empty() {
        return Vec::new();
    }
    let mut best: Vec<(PlaceName, f32)> = rows
        .chunk_by(|a, b| a.key == b.key)
        .filter_map(|spellings| {
            spellings
                .iter()
                .map(|row| (*row, likeness(&text, &normalised(row.name))))
                .max_by(|a, b| a.1.total_cmp(&b.1))
        })
        .collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.key.cmp(b.0.key)));
    (0..best.len().min(most))
        .map(|i| {
            let (row, score) = best[i];
            let next = best.get(i + 1).map_or(0.0, |(_, next)| *next);
            Found {
                row,
                score,
                margin: score - next,
            }
        })
        .collect()
}

/// Names shorter than this are not cut off by the forms or the tables.
const CUT_LENGTH: usize = 12;
/// A name that fits the beginning of the other scores this much of what a whole name would.
const CUT_WORTH: f32 = 0.97;

/// How alike two normalised names are, 0–1: one minus the edit distance per letter of the longer name. A name of at
/// least 12 letters may also be the cut-off beginning of the other.
#[must_use]
pub fn likeness(a: &str, b: &str) -> f32 {
    let whole = similarity(a, b);
    let (short, long) = if a.chars().count() <= b.chars().count() {
        (a, b)
    } else {
        (b, a)
    };
    let length = short.chars().count();
    if length < CUT_LENGTH {
        return whole;
    }
    let beginning: String = long.chars().take(length).collect();
    whole.max(CUT_WORTH * similarity(short, &beginning))
}

fn similarity(a: &str, b: &str) -> f32 {
    narrow(strsim::normalized_levenshtein(a, b))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a ratio of small numbers keeps its meaning in f32"
)]
fn narrow(ratio: f64) -> f32 {
    ratio as f32
}

/// A name in capitals without accents and punctuation, words separated by single spaces.
#[must_use]
pub fn normalised(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for character in name.chars().flat_map(char::to_uppercase) {
        match character {
            'Á' | 'À' | 'Ä' | 'Â' | 'Ã' => plain.push('A'),
            'É' | 'È' | 'Ë' | 'Ê' => plain.push('E'),
            'Í' | 'Ì' | 'Ï' | 'Î' => plain.push('I'),
            'Ó' | 'Ò' | 'Ö' | 'Ô' | 'Õ' => plain.push('O'),
            'Ú' | 'Ù' | 'Ü' | 'Û' => plain.push('U'),
            'Ñ' => plain.push('N'),
            'Ç' => plain.push('C'),
            c if c.is_alphanumeric() => plain.push(c),
            // A separator at the start or after another one adds nothing.
            ' ' | '-' | '/' | '\t' if !plain.is_empty() && !plain.ends_with(' ') => plain.push(' '),
            _ => {}
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}
