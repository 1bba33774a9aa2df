//! Where to look when the sums of a form do not close: the smallest change among likely readings that closes them.
//!
//! A suggestion is shown to a person beside the field. It never changes a reading: jurors make mistakes too, and a form
//! whose sums do not close may be read correctly.

use std::collections::BTreeSet;

use crate::checks::{CheckCode, FieldRef, FieldState, Finding, Outcome, Tally, sum_checks};
use crate::form::{FieldPath, ListCode};
use crate::reading::FormReading;

/// One field read otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct SuggestedChange {
    /// Which field.
    pub field: FieldRef,
    /// The number as read.
    pub from: Option<u16>,
    /// The other likely number.
    pub to: Option<u16>,
    /// Probability of the other number, from the boxes alone.
    pub probability: f32,
}

/// A sum that failed and would pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedSum {
    /// Which check.
    pub code: CheckCode,
    /// Which list, for `SUM_002`.
    pub list: Option<ListCode>,
}

/// The smallest likely change that closes every sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// One field or two.
    pub changes: Vec<SuggestedChange>,
    /// The sums that fail as read and would pass.
    pub closes: Vec<ClosedSum>,
    /// How many other changes of as many fields would close the sums too.
    pub rivals: usize,
}

/// Pairs are tried among this many of the likeliest changes.
const MOST_PAIRED: usize = 200;

/// Looks for the change of one field, else of two, that closes all sums which fail when every field is taken at its
/// likeliest reading, and breaks none. Only alternatives with a probability of at least `floor` count. `None` when
/// nothing fails or no such change exists.
#[must_use]
pub fn suggest(form: &FormReading, floor: f32) -> Option<Suggestion> {
    let tally = Tally::tentative(form);
    let before = sum_checks(&tally);
    let open: Vec<OpenSum> = before
        .iter()
        .filter(|f| f.failed() && is_sum(f.code))
        .map(OpenSum::of)
        .collect();
    if open.is_empty() {
        return None;
    }
    let candidates = candidates(form, &tally, &open, floor);
    let search = Search {
        tally: &tally,
        before: &before,
        open: &open,
    };
    let chosen = search
        .singles(&candidates)
        .or_else(|| search.pairs(&candidates[..candidates.len().min(MOST_PAIRED)]));
    chosen.map(|(changes, rivals)| Suggestion {
        changes: changes.into_iter().map(|c| c.change.clone()).collect(),
        closes: open.iter().map(|sum| sum.sum.clone()).collect(),
        rivals,
    })
}

fn is_sum(code: CheckCode) -> bool {
    matches!(code, CheckCode::Sum001 | CheckCode::Sum002 | CheckCode::Sum003)
}

/// A sum that fails.
struct OpenSum {
    sum: ClosedSum,
    fields: BTreeSet<FieldRef>,
    gap: u64,
}

impl OpenSum {
    fn of(finding: &Finding) -> Self {
        Self {
            sum: ClosedSum {
                code: finding.code,
                list: finding.list.clone(),
            },
            fields: finding.fields.iter().cloned().collect(),
            gap: finding.numbers.map_or(0, |n| n.difference().unsigned_abs()),
        }
    }
}

/// A change that may help.
struct Candidate {
    change: SuggestedChange,
    /// Probability of the change over that of the reading.
    odds: f32,
    /// By how many votes it moves its field.
    step: u64,
    /// Which open sums it takes part in.
    touches: Vec<bool>,
    /// A number of the nivelación enters the sums conditionally; only trying tells what it does.
    conditional: bool,
}

/// The likely changes of fields that take part in an open sum, likeliest first.
fn candidates(form: &FormReading, tally: &Tally, open: &[OpenSum], floor: f32) -> Vec<Candidate> {
    let counted: BTreeSet<&FieldRef> = tally.states().map(|(field, _)| field).collect();
    let mut candidates = Vec::new();
    for reading in &form.fields {
        let field = FieldRef {
            page: reading.page,
            path: reading.path.clone(),
        };
        let touches: Vec<bool> = open.iter().map(|sum| sum.fields.contains(&field)).collect();
        if !counted.contains(&field) || !touches.contains(&true) {
            continue;
        }
        for (value, probability) in &reading.alternatives {
            let step = u64::from(value.unwrap_or(0).abs_diff(reading.value.unwrap_or(0)));
            if *probability >= floor && step > 0 {
                candidates.push(Candidate {
                    change: SuggestedChange {
                        field: field.clone(),
                        from: reading.value,
                        to: *value,
                        probability: *probability,
                    },
                    odds: probability / reading.confidence.max(f32::MIN_POSITIVE),
                    step,
                    touches: touches.clone(),
                    conditional: matches!(field.path, FieldPath::Nivelacion(_)),
                });
            }
        }
    }
    candidates.sort_by(|a, b| b.odds.total_cmp(&a.odds));
    candidates
}

/// The changes found, and how many others would do as well.
type Found<'c> = (Vec<&'c Candidate>, usize);

struct Search<'a> {
    tally: &'a Tally,
    before: &'a [Finding],
    open: &'a [OpenSum],
}

impl Search<'_> {
    fn singles<'c>(&self, candidates: &'c [Candidate]) -> Option<Found<'c>> {
        likeliest(
            candidates
                .iter()
                .map(|c| vec![c])
                .filter(|changes| self.closes(changes)),
        )
    }

    fn pairs<'c>(&self, candidates: &'c [Candidate]) -> Option<Found<'c>> {
        let pairs = candidates.iter().enumerate().flat_map(|(i, first)| {
            let others = candidates[i + 1..]
                .iter()
                .filter(|second| second.change.field != first.change.field);
            others.map(move |second| vec![first, second])
        });
        likeliest(pairs.filter(|changes| self.closes(changes)))
    }

    /// Whether the changes close every open sum and leave every check that passed passing. A sum that can no longer be
    /// evaluated is not closed.
    fn closes(&self, changes: &[&Candidate]) -> bool {
        if !(0..self.open.len()).all(|sum| self.could_close(sum, changes)) {
            return false;
        }
        let changed = changes.iter().fold(self.tally.clone(), |tally, candidate| {
            let state = match candidate.change.to {
                None | Some(0) => FieldState::ImplicitZero,
                Some(number) => FieldState::Read(number),
            };
            tally.with(&candidate.change.field, state)
        });
        let after = sum_checks(&changed);
        after.len() == self.before.len()
            && self
                .before
                .iter()
                .zip(&after)
                .all(|(before, after)| match before.outcome {
                    Outcome::Pass => after.outcome == Outcome::Pass,
                    Outcome::Fail => after.outcome == Outcome::Pass || !is_sum(before.code),
                    Outcome::NotEvaluable { .. } => !after.failed(),
                })
    }

    /// Whether the steps of the changes can bridge the gap of a sum, whatever their signs: a quick test before trying.
    fn could_close(&self, sum: usize, changes: &[&Candidate]) -> bool {
        let gap = self.open[sum].gap;
        let mut within = changes.iter().filter(|c| c.touches[sum]);
        match (within.next(), within.next()) {
            (None, _) => false,
            (Some(a), None) => a.conditional || a.step == gap,
            (Some(a), Some(b)) => {
                a.conditional || b.conditional || a.step + b.step == gap || a.step.abs_diff(b.step) == gap
            }
        }
    }
}

fn likeliest<'c>(solutions: impl Iterator<Item = Vec<&'c Candidate>>) -> Option<Found<'c>> {
    let odds = |changes: &[&Candidate]| -> f32 { changes.iter().map(|c| c.odds).product() };
    let mut best: Option<Vec<&Candidate>> = None;
    let mut count = 0_usize;
    for changes in solutions {
        count += 1;
        if best.as_ref().is_none_or(|known| odds(&changes) > odds(known)) {
            best = Some(changes);
        }
    }
    best.map(|changes| (changes, count.saturating_sub(1)))
}
