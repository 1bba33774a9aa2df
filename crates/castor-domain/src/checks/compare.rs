//! A form against another copy of it, and against the E-24.

use std::collections::BTreeMap;

use super::tally::{Pages, Tally};
use super::{CheckCode, Detail, FieldRef, Finding, Missing, Numbers, Severity};
use crate::form::FieldPath;
use crate::reading::FormReading;

/// A difference of more votes than this in one field is more than a slip.
const SLIP: u64 = 5;

/// CPY_001: every field of a form against the same field of another copy. Votes that stand in other rows of the copy
/// leave all sums intact; only this comparison shows them.
#[must_use]
pub fn compare_copies(form: &FormReading, other: &FormReading) -> Finding {
    let own = Numbered::of(form);
    let copy = Numbered::of(other);
    let mut vectors = Vectors::default();
    for (key, (field, votes)) in &own.fields {
        match copy.fields.get(key) {
            Some((_, expected)) => vectors.compare(field, *expected, *votes),
            None => vectors.missing.push(Missing::NotFound(key.1.clone())),
        }
    }
    for key in copy.fields.keys().filter(|key| !own.fields.contains_key(key)) {
        vectors.missing.push(Missing::NotFound(key.1.clone()));
    }
    vectors.finding(CheckCode::Cpy001)
}

/// E24_001: the fields of a form against its column of the E-24. Fields that the E-24 gives once and the form prints per
/// circunscripción are added up.
#[must_use]
pub fn compare_e24(form: &FormReading, rows: &BTreeMap<FieldPath, u16>) -> Finding {
    let tally = Tally::settled(form);
    let mut sums: BTreeMap<&FieldPath, (&FieldRef, Option<u16>)> = BTreeMap::new();
    for (field, state) in tally.states() {
        let votes = state.votes();
        sums.entry(&field.path)
            .and_modify(|(_, sum)| *sum = sum.zip(votes).map(|(a, b)| a.saturating_add(b)))
            .or_insert((field, votes));
    }
    let mut vectors = Vectors::default();
    for (path, expected) in rows {
        match sums.get(path) {
            Some((field, found)) => vectors.compare(field, Some(*expected), *found),
            None => vectors.missing.push(Missing::NotFound(path.clone())),
        }
    }
    if rows.is_empty() {
        vectors.missing.push(Missing::Input(super::Input::E24));
    }
    vectors.finding(CheckCode::E24001)
}

/// The fields of a form by printed page, so that files with their pages in another order compare.
struct Numbered {
    fields: BTreeMap<(u16, FieldPath), (FieldRef, Option<u16>)>,
}

impl Numbered {
    fn of(form: &FormReading) -> Self {
        let pages = Pages::of(form);
        let printed = |file: u16| {
            let sheet = pages.sheets.iter().find(|sheet| sheet.file == file);
            sheet.and_then(|sheet| sheet.printed).unwrap_or(file)
        };
        let tally = Tally::settled(form);
        let fields = tally
            .states()
            .map(|(field, state)| {
                (
                    (printed(field.page), field.path.clone()),
                    (field.clone(), state.votes()),
                )
            })
            .collect();
        Self { fields }
    }
}

#[derive(Default)]
struct Vectors {
    details: Vec<Detail>,
    missing: Vec<Missing>,
    expected: i64,
    found: i64,
    votes_differ: usize,
    worst: u64,
}

impl Vectors {
    fn compare(&mut self, field: &FieldRef, expected: Option<u16>, found: Option<u16>) {
        let (Some(expected), Some(found)) = (expected, found) else {
            self.missing.push(Missing::Unread(field.clone()));
            return;
        };
        let counts = counts_votes(&field.path);
        let (expected, found) = (i64::from(expected), i64::from(found));
        if counts {
            self.expected += expected;
            self.found += found;
        }
        if expected != found {
            self.votes_differ += usize::from(counts);
            self.worst = self.worst.max(expected.abs_diff(found));
            self.details.push(Detail::Field {
                field: field.clone(),
                expected,
                found,
            });
        }
    }

    fn finding(mut self, code: CheckCode) -> Finding {
        if self.details.is_empty() && !self.missing.is_empty() {
            return Finding::not_evaluable(code, self.missing);
        }
        let fields = self
            .details
            .iter()
            .filter_map(|detail| {
                if let Detail::Field { field, .. } = detail {
                    Some(field.clone())
                } else {
                    None
                }
            })
            .collect();
        let numbers = Numbers {
            expected: self.expected,
            found: self.found,
        };
        if self.missing.is_empty() && self.votes_differ > 1 && numbers.difference() == 0 {
            self.details.push(Detail::EqualSums);
        }
        let severity = if self.worst > SLIP {
            Severity::Critical
        } else {
            Severity::High
        };
        Finding {
            fields,
            numbers: Some(numbers),
            ..Finding::of_details(code, severity, self.details)
        }
    }
}

/// Whether a field holds votes of its own, not a number about other fields.
fn counts_votes(path: &FieldPath) -> bool {
    match path {
        FieldPath::Candidato(_)
        | FieldPath::SoloLista(_)
        | FieldPath::ListaCandidato(..)
        | FieldPath::Blanco
        | FieldPath::Nulos
        | FieldPath::NoMarcados => true,
        FieldPath::Nivelacion(_) | FieldPath::ListaTotal(_) | FieldPath::Total => false,
    }
}
