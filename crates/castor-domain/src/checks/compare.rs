//! A form against another copy of it, and against the E-24.

use std::collections::BTreeMap;

use super::tally::{FieldState, Pages, Tally};
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
    for (key, (field, state)) in &own.fields {
        match copy.fields.get(key) {
            Some((_, expected)) => vectors.compare(field, expected.votes(), state.votes()),
            None => vectors.missing.push(Missing::NotFound(key.1.clone())),
        }
    }
    for key in copy.fields.keys().filter(|key| !own.fields.contains_key(key)) {
        vectors.missing.push(Missing::NotFound(key.1.clone()));
    }
    vectors.finding(CheckCode::Cpy001)
}

/// One row of copies laid side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedRow {
    /// Row of the form.
    pub path: FieldPath,
    /// For each copy its cell with what is known of it; `None` where the copy does not show the row.
    pub cells: Vec<Option<(FieldRef, FieldState)>>,
}

impl CopiedRow {
    /// Whether two copies say different numbers. What nobody has read differs from nothing.
    #[must_use]
    pub fn differs(&self) -> bool {
        let mut known = self.cells.iter().flatten().filter_map(|(_, state)| state.votes());
        let first = known.next();
        known.any(|votes| Some(votes) != first)
    }

    /// Whether the row holds votes of its own, so that nothing written is no votes.
    #[must_use]
    pub fn counts_votes(&self) -> bool {
        self.path.counts_votes()
    }
}

/// The rows of copies of one form side by side, in the order of the form: by printed page, so that files with their
/// pages in another order stand beside each other.
#[must_use]
pub fn align_copies(forms: &[&FormReading]) -> Vec<CopiedRow> {
    let mut rows: BTreeMap<(u16, FieldPath), CopiedRow> = BTreeMap::new();
    for (n, form) in forms.iter().enumerate() {
        for (key, cell) in Numbered::of(form).fields {
            let row = rows.entry(key).or_insert_with_key(|(_, path)| CopiedRow {
                path: path.clone(),
                cells: vec![None; forms.len()],
            });
            if let Some(place) = row.cells.get_mut(n) {
                *place = Some(cell);
            }
        }
    }
    rows.into_values().collect()
}

/// Votes that stand in other rows of a copy than of the form it is held against, the sum of both being equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Rows, as in [`align_copies`], that have fewer votes in the copy.
    pub from: Vec<usize>,
    /// Rows that have more.
    pub to: Vec<usize>,
    /// How many votes.
    pub votes: u64,
}

/// The most rows of a side that one row of the other is looked for among; beyond them only equal pairs are.
const SIDE: usize = 16;

/// What went where between two copies whose votes are equal in sum: a row against a row first, then a row against the
/// fewest rows that make it up, then all that is left together. Empty where a row is unread or the sums differ: nothing
/// can be said of moves then.
#[must_use]
pub fn moved_votes(rows: &[CopiedRow], form: usize, copy: usize) -> Vec<Move> {
    let mut fewer: Vec<(usize, u64)> = Vec::new();
    let mut more: Vec<(usize, u64)> = Vec::new();
    for (n, row) in rows.iter().enumerate().filter(|(_, row)| row.counts_votes()) {
        let votes = |at: usize| row.cells.get(at)?.as_ref()?.1.votes();
        let (Some(before), Some(after)) = (votes(form), votes(copy)) else {
            return Vec::new();
        };
        let side = if after < before { &mut fewer } else { &mut more };
        if before != after {
            side.push((n, u64::from(before.abs_diff(after))));
        }
    }
    let sum = |side: &[(usize, u64)]| side.iter().map(|(_, votes)| votes).sum::<u64>();
    if fewer.is_empty() || sum(&fewer) != sum(&more) {
        return Vec::new();
    }
    let mut moves = Vec::new();
    for most in 1..=SIDE {
        take_moves(&mut fewer, &mut more, most, &mut |one, others, votes| {
            moves.push(Move {
                from: vec![one],
                to: others,
                votes,
            });
        });
        take_moves(&mut more, &mut fewer, most, &mut |one, others, votes| {
            moves.push(Move {
                from: others,
                to: vec![one],
                votes,
            });
        });
    }
    if !fewer.is_empty() {
        let places = |side: &[(usize, u64)]| side.iter().map(|(n, _)| *n).collect();
        moves.push(Move {
            from: places(&fewer),
            to: places(&more),
            votes: sum(&fewer),
        });
    }
    moves
}

/// Takes out each row of one side that as many rows of the other make up.
fn take_moves(
    ones: &mut Vec<(usize, u64)>,
    others: &mut Vec<(usize, u64)>,
    rows: usize,
    found: &mut dyn FnMut(usize, Vec<usize>, u64),
) {
    if rows > 1 && others.len() > SIDE {
        return;
    }
    let mut at = 0;
    while let Some(&(one, votes)) = ones.get(at) {
        let Some(parts) = making_up(others, votes, rows) else {
            at += 1;
            continue;
        };
        ones.remove(at);
        let places = parts
            .iter()
            .rev()
            .map(|part| others.remove(*part).0)
            .collect::<Vec<_>>();
        found(one, places.into_iter().rev().collect(), votes);
    }
}

/// So many rows that together have the votes: their places, ascending.
fn making_up(rows: &[(usize, u64)], votes: u64, count: usize) -> Option<Vec<usize>> {
    if count == 1 {
        let at = rows.iter().position(|(_, has)| *has == votes)?;
        return Some(vec![at]);
    }
    rows.iter().enumerate().find_map(|(at, (_, has))| {
        let rest = votes.checked_sub(*has).filter(|rest| *rest > 0)?;
        let mut parts = making_up(rows.get(at + 1..)?, rest, count - 1)?;
        parts.iter_mut().for_each(|part| *part += at + 1);
        parts.insert(0, at);
        Some(parts)
    })
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
    fields: BTreeMap<(u16, FieldPath), (FieldRef, FieldState)>,
}

impl Numbered {
    fn of(form: &FormReading) -> Self {
        let pages = Pages::of(form);
        let printed = |file: u16| {
            let sheet = pages.sheets.iter().find(|sheet| sheet.file == file);
            sheet.and_then(|sheet| sheet.printed).unwrap_or(file)
        };
        let tally = Tally::settled_on(form, &pages);
        let fields = tally
            .states()
            .map(|(field, state)| ((printed(field.page), field.path.clone()), (field.clone(), state)))
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
        let counts = field.path.counts_votes();
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
