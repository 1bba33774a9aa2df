//! What three boxes mean: from symbol probabilities to the number written, by the grammar of marks.
//!
//! A juror writes a number right-aligned: fillers or nothing in the boxes before the first digit. Fillers alone are
//! zero, nothing at all is no vote. The posterior of each number sums the probability of every triple of symbols that
//! means it, so that a dot taken for a blank, or a 0 taken for a filled ring, costs no certainty about the number.

use crate::reading::ReviewReason;
use crate::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};
use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::OnceLock;

/// What a cross means on a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CrossMeaning {
    /// One more way to fill a box without a digit, as jurors of every election from 2018 to 2026 do.
    Filler,
    /// Something was struck out.
    Deletion,
}

/// What a row of fillers alone means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FillerRow {
    /// No votes: the number 0.
    Zero,
    /// Not settled: to a person.
    Unsettled,
}

/// How the jurors of an election mark boxes. It belongs to the form's template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkConvention {
    /// What a cross means.
    pub cross: CrossMeaning,
    /// What fillers alone mean.
    pub filler_row: FillerRow,
}

impl MarkConvention {
    /// The forms of 2018 to 2026: dots, filled rings, dashes, asterisks and crosses all say "no digit here".
    pub const FILLERS: Self = Self {
        cross: CrossMeaning::Filler,
        filler_row: FillerRow::Zero,
    };

    /// A template whose habits are not known: crosses and rows of fillers go to a person.
    pub const UNKNOWN: Self = Self {
        cross: CrossMeaning::Deletion,
        filler_row: FillerRow::Unsettled,
    };

    /// Name in template files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.cross, self.filler_row) {
            (CrossMeaning::Filler, FillerRow::Zero) => "fillers",
            (CrossMeaning::Deletion, FillerRow::Zero) => "cross-deletes",
            (CrossMeaning::Filler, FillerRow::Unsettled) => "filler-row-unsettled",
            (CrossMeaning::Deletion, FillerRow::Unsettled) => "unknown",
        }
    }
}

impl Default for MarkConvention {
    fn default() -> Self {
        Self::FILLERS
    }
}

/// A name that is no convention of marks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no convention of marks (fillers, cross-deletes, filler-row-unsettled, unknown)")]
pub struct UnknownConvention(pub String);

impl FromStr for MarkConvention {
    type Err = UnknownConvention;

    fn from_str(text: &str) -> Result<Self, UnknownConvention> {
        [CrossMeaning::Filler, CrossMeaning::Deletion]
            .into_iter()
            .flat_map(|cross| [FillerRow::Zero, FillerRow::Unsettled].map(|filler_row| Self { cross, filler_row }))
            .find(|c| c.name() == text)
            .ok_or_else(|| UnknownConvention(text.to_owned()))
    }
}

/// When a field goes to a person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReviewPolicy {
    /// Least confidence that needs no person, chosen on held-out forms for a stated error.
    pub threshold: f32,
    /// Level of [`BoxReading::overwritten`] from which a person looks.
    pub overwritten_threshold: f32,
    /// Level of [`BoxReading::cross`] from which a box counts as crossed.
    pub cross_threshold: f32,
}

/// What three boxes were found to mean.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDecision {
    /// The likeliest symbols among those that mean `value`, hundreds first.
    pub marks: [Symbol; 3],
    /// The number; 0 for fillers only, `None` when nothing is written or nothing can be said.
    pub value: Option<u16>,
    /// Posterior probability of `value`. Nothing written and 0 are the same number of votes and count together.
    pub confidence: f32,
    /// Other numbers with their posterior probability, likeliest first; none below [`ALTERNATIVE_FLOOR`].
    pub alternatives: Vec<(Option<u16>, f32)>,
    /// Why a person must look; empty when nobody must.
    pub reasons: Vec<ReviewReason>,
}

impl FieldDecision {
    /// Whether a person must look.
    #[must_use]
    pub fn needs_review(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// Alternatives less likely than this are not kept.
pub const ALTERNATIVE_FLOOR: f32 = 1e-4;
/// At most this many alternatives are kept.
pub const MOST_ALTERNATIVES: usize = 8;

/// Prior weight of a row in which fillers and blanks mix with no digit, against a regular one.
const MIXED_EMPTY: f32 = 0.3;
/// Prior weight of a filler or a blank after a digit that counts, against a regular row. Such rows are rare (none in 660
/// transcribed cells), but left-aligned numbers exist, and a mark that is clearly there must not be explained away.
const AFTER_DIGIT: f32 = 0.03;
/// Of a row with a filler or blank after a digit, the share given to its more natural meaning.
const NATURAL_MEANING: f32 = 0.6;
/// Probability, before any prior, from which a filler or blank after a digit sends the field to a person.
const AFTER_DIGIT_SEEN: f32 = 0.3;

/// What three symbols mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// All boxes are blank: no vote.
    Nothing,
    /// A number, 0 for fillers only.
    Number(u16),
    /// A filler or a blank stands after a digit: one of two numbers, the more natural first.
    Doubtful {
        /// The more natural number.
        natural: u16,
        /// The other.
        other: u16,
    },
}

/// What three symbols mean, hundreds first.
///
/// With a filler or a blank after a digit other than 0 the number is doubtful: `4 _ _` is 4 written to the left, less
/// likely 400; `1 * 5` is 105, less likely 15.
#[must_use]
pub fn meaning(marks: [Symbol; 3]) -> Meaning {
    let mut joined: u16 = 0;
    let mut in_place: u16 = 0;
    let mut gap = false;
    let mut closed_gap = false;
    for mark in marks {
        in_place *= 10;
        match mark {
            Symbol::Digit(d) => {
                joined = joined * 10 + u16::from(d);
                in_place += u16::from(d);
                closed_gap |= gap;
            }
            Symbol::Filler | Symbol::Blank => gap |= joined > 0,
        }
    }
    if marks == [Symbol::Blank; 3] {
        Meaning::Nothing
    } else if !gap {
        Meaning::Number(joined)
    } else if closed_gap {
        Meaning::Doubtful {
            natural: in_place,
            other: joined,
        }
    } else {
        Meaning::Doubtful {
            natural: joined,
            other: in_place,
        }
    }
}

/// Prior weight of a row of symbols against a regular one.
fn prior(marks: [Symbol; 3], meaning: Meaning) -> f32 {
    match meaning {
        Meaning::Nothing => 1.0,
        Meaning::Doubtful { .. } => AFTER_DIGIT,
        Meaning::Number(_) => {
            let digits = marks.iter().any(|m| matches!(m, Symbol::Digit(_)));
            if digits || marks == [Symbol::Filler; 3] {
                1.0
            } else {
                MIXED_EMPTY
            }
        }
    }
}

/// Place of "nothing written" after the numbers 0 to 999 in a [`Posterior`].
const NOTHING: u16 = 1000;
/// Number of places of a [`Posterior`].
const PLACES: usize = 1001;

/// What a row of symbols contributes to: the places of its meanings in a [`Posterior`], the share of the first, and its
/// prior.
#[derive(Debug, Clone, Copy)]
struct Contribution {
    natural: u16,
    other: u16,
    share: f32,
    prior: f32,
}

impl Contribution {
    fn of(marks: [Symbol; 3]) -> Self {
        let meaning = meaning(marks);
        let (natural, other, share) = match meaning {
            Meaning::Nothing => (NOTHING, NOTHING, 1.0),
            Meaning::Number(n) => (n, n, 1.0),
            Meaning::Doubtful { natural, other } => (natural, other, NATURAL_MEANING),
        };
        Self {
            natural,
            other,
            share,
            prior: prior(marks, meaning),
        }
    }
}

/// The contributions of all rows of symbols, the units changing fastest.
fn contributions() -> &'static [Contribution] {
    static ROWS: OnceLock<Vec<Contribution>> = OnceLock::new();
    ROWS.get_or_init(|| rows().map(Contribution::of).collect())
}

/// All rows of symbols, the units changing fastest.
fn rows() -> impl Iterator<Item = [Symbol; 3]> {
    let symbols = || (0..SYMBOL_CLASSES).filter_map(Symbol::from_class);
    symbols().flat_map(move |a| symbols().flat_map(move |b| symbols().map(move |c| [a, b, c])))
}

/// Posterior mass of every number that three boxes can hold, then of nothing written.
struct Posterior([f32; PLACES]);

impl Posterior {
    /// Masses that need not sum to 1.
    fn weights(p: &[Distribution; 3]) -> [f32; PLACES] {
        let mut places = [0.0; PLACES];
        visit_rows(p, |_, row, weight| {
            places[usize::from(row.natural)] += weight * row.share;
            if row.share < 1.0 {
                places[usize::from(row.other)] += weight * (1.0 - row.share);
            }
        });
        places
    }

    /// `None` when the boxes say nothing.
    fn of(p: &[Distribution; 3]) -> Option<Self> {
        let places = Self::weights(p);
        let mass: f32 = places.iter().sum();
        (mass > 0.0).then(|| Self(places.map(|place| place / mass)))
    }

    /// No votes: 0 and nothing written together, as the likelier of the two.
    fn no_votes(&self) -> (Option<u16>, f32) {
        let nothing = self.0[usize::from(NOTHING)];
        (if nothing > self.0[0] { None } else { Some(0) }, self.0[0] + nothing)
    }

    /// The likeliest meaning.
    fn best(&self) -> (Option<u16>, f32) {
        self.written().fold(
            self.no_votes(),
            |best, (n, p)| if p > best.1 { (Some(n), p) } else { best },
        )
    }

    /// Numbers above 0 with their mass.
    fn written(&self) -> impl Iterator<Item = (u16, f32)> {
        (1..NOTHING).zip(self.0[1..].iter().copied())
    }

    /// What else the boxes may mean, likeliest first.
    fn others(&self, chosen: Option<u16>) -> Vec<(Option<u16>, f32)> {
        let all = std::iter::once(self.no_votes()).chain(self.written().map(|(n, p)| (Some(n), p)));
        likeliest_others(all, chosen)
    }
}

/// The numbers other than the chosen one that are likely enough to be kept, likeliest first. Nothing written and 0 are
/// the same number of votes.
pub(crate) fn likeliest_others(
    numbers: impl Iterator<Item = (Option<u16>, f32)>,
    chosen: Option<u16>,
) -> Vec<(Option<u16>, f32)> {
    let mut others: Vec<(Option<u16>, f32)> = numbers
        .filter(|(value, p)| *p >= ALTERNATIVE_FLOOR && value.unwrap_or(0) != chosen.unwrap_or(0))
        .collect();
    others.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0)));
    others.truncate(MOST_ALTERNATIVES);
    others
}

/// Visits every possible row of symbols: its position, what it contributes to, and its probability times its prior.
fn visit_rows(p: &[Distribution; 3], mut visit: impl FnMut(usize, &Contribution, f32)) {
    let pairs = p[0].iter().flat_map(|a| p[1].iter().map(move |b| a * b));
    for (pair, (probability, rows)) in pairs.zip(contributions().chunks_exact(SYMBOL_CLASSES)).enumerate() {
        if probability > 0.0 {
            for (units, (row, c)) in rows.iter().zip(&p[2]).enumerate() {
                visit(pair * SYMBOL_CLASSES + units, row, probability * c * row.prior);
            }
        }
    }
}

/// Reads one field: the exact posterior over all 12³ rows of symbols.
///
/// Probabilities need not sum to 1; negative and non-finite ones count as 0. When nothing is left the value is `None`
/// with confidence 0.
#[must_use]
pub fn read_field(boxes: &[BoxReading; 3], convention: MarkConvention, policy: &ReviewPolicy) -> FieldDecision {
    let p = [0, 1, 2].map(|i| normalised(&boxes[i].probabilities));
    let Some(posterior) = Posterior::of(&p) else {
        return FieldDecision {
            marks: [Symbol::Blank; 3],
            value: None,
            confidence: 0.0,
            alternatives: Vec::new(),
            reasons: vec![ReviewReason::LowConfidence],
        };
    };
    let (value, confidence) = posterior.best();
    let confidence = confidence.min(1.0);
    FieldDecision {
        marks: likeliest_row(&p, value),
        value,
        confidence,
        alternatives: posterior.others(value),
        reasons: reasons(boxes, &p, value, confidence, convention, policy),
    }
}

/// Every number above 0, and 0 for no votes, with its weight by the boxes alone: posterior probabilities up to a factor
/// that is the same for all boxes whose symbols are weighed on one scale.
pub(crate) fn number_weights(symbols: &[Distribution; 3]) -> impl Iterator<Item = (u16, f32)> {
    let places = Posterior::weights(symbols);
    let none = (0, places[0] + places[usize::from(NOTHING)]);
    std::iter::once(none).chain((1..NOTHING).zip(places.into_iter().skip(1)))
}

/// The likeliest symbols among those that mean the number, even where the boxes exclude them.
pub(crate) fn likeliest_marks(boxes: &[BoxReading; 3], value: Option<u16>) -> [Symbol; 3] {
    const EXCLUDED: f32 = 1e-9;
    let p = boxes
        .each_ref()
        .map(|b| normalised(&b.probabilities.map(|p| p.max(EXCLUDED))));
    likeliest_row(&p, value)
}

type Distribution = [f32; SYMBOL_CLASSES];

fn normalised(probabilities: &Distribution) -> Distribution {
    let clean = probabilities.map(|p| if p.is_finite() { p.max(0.0) } else { 0.0 });
    let sum: f32 = clean.iter().sum();
    if sum > 0.0 { clean.map(|p| p / sum) } else { clean }
}

/// The likeliest row that means the value.
fn likeliest_row(p: &[Distribution; 3], value: Option<u16>) -> [Symbol; 3] {
    let place = value.unwrap_or(NOTHING);
    let mut best = (0, -1.0);
    visit_rows(p, |at, row, weight| {
        if (row.natural == place || row.other == place) && weight > best.1 {
            best = (at, weight);
        }
    });
    let classes = [
        best.0 / (SYMBOL_CLASSES * SYMBOL_CLASSES),
        best.0 / SYMBOL_CLASSES % SYMBOL_CLASSES,
        best.0 % SYMBOL_CLASSES,
    ];
    classes.map(|class| Symbol::from_class(class).unwrap_or(Symbol::Blank))
}

/// Probability, before any prior, that a filler or a blank stands after a digit that counts.
fn after_digit(p: &[Distribution; 3]) -> f32 {
    let digit = |i: usize| -> f32 { p[i][1..10].iter().sum() };
    let empty = |i: usize| p[i][10] + p[i][11];
    let any_digit = |i: usize| -> f32 { p[i][..10].iter().sum() };
    digit(0) * (1.0 - any_digit(1) * any_digit(2)) + (1.0 - digit(0)) * digit(1) * empty(2)
}

/// Whether a level reaches a threshold; a level that is no number does not.
fn reaches(level: f32, threshold: f32) -> bool {
    level >= threshold
}

fn reasons(
    boxes: &[BoxReading; 3],
    p: &[Distribution; 3],
    value: Option<u16>,
    confidence: f32,
    convention: MarkConvention,
    policy: &ReviewPolicy,
) -> Vec<ReviewReason> {
    let mut reasons = Vec::new();
    if !reaches(confidence, policy.threshold) {
        reasons.push(ReviewReason::LowConfidence);
    }
    if boxes
        .iter()
        .any(|b| b.overwritten.is_nan() || reaches(b.overwritten, policy.overwritten_threshold))
    {
        reasons.push(ReviewReason::Overwritten);
    }
    let crossed = boxes
        .iter()
        .any(|b| b.cross.is_nan() || reaches(b.cross, policy.cross_threshold));
    if convention.cross == CrossMeaning::Deletion && crossed {
        reasons.push(ReviewReason::Cross);
    }
    if after_digit(p) >= AFTER_DIGIT_SEEN {
        reasons.push(ReviewReason::FillerAfterDigit);
    }
    let written_zero = p.iter().any(|d| d[0] >= 0.5);
    if convention.filler_row == FillerRow::Unsettled && value == Some(0) && !written_zero {
        reasons.push(ReviewReason::UnsettledMark);
    }
    reasons
}
