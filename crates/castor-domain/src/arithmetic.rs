//! The sums of a form as evidence about its fields.
//!
//! Jurors copy and add the same numbers several times: candidates into a total, a total against the urn, the urn against
//! the voters. Where these agree, a digit that its box leaves open is settled; where they do not, a digit that looked sure
//! is less so. The boxes' probabilities and the sums are weighed together, by exact messages over each sum (a chain of
//! additions), passed there and back between sums that share fields.
//!
//! Arithmetic never overrules the paper: only a number that the boxes themselves leave open may take the place of
//! their likeliest one, and the field then goes to a person, with what the boxes say kept beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::{FieldRef, Tally, sums_of};
use crate::form::{FieldPath, Nivelacion};
use crate::grammar::{ReviewPolicy, likeliest_marks, likeliest_others, number_weights};
use crate::reading::{FieldReading, FormReading, ReviewReason};
use crate::symbol::{BoxReading, SYMBOL_CLASSES};

/// Probability, spread over all symbols, that a box holds something else than even a sure reading says: about one wrong
/// box in 1,800 transcribed ones was read with full confidence.
const MISREAD: f32 = 5e-4;
/// Numbers less likely than this, by the boxes, take no part.
const FLOOR: f32 = 2e-6;
/// Least probability, by the boxes alone, of a number that arithmetic may put in the place of the likeliest.
const OPEN: f32 = 0.02;
/// How likely a box that is signalled as written over holds two digits, against one.
const SQUEEZED: f32 = 0.5;
/// Fields that the boxes alone leave more open than this stay with a person, whatever the sums say.
const LEAST_BY_BOXES: f32 = 0.5;
/// Sums beyond the likeliest one that are followed.
const REACH: usize = 300;
/// Odds that a form's hand flags its 1s like 7s, before the form is seen: one of 23 transcribed forms shows it.
const FLAGGED_ONES: f64 = 0.03;

/// The fields that count the people of a table, the one that says it first before those that repeat it.
const VOTERS_FIELDS: [FieldPath; 3] = [
    FieldPath::Nivelacion(Nivelacion::Sufragantes),
    FieldPath::Nivelacion(Nivelacion::Urna),
    FieldPath::Total,
];

/// How likely so many people vote at one table, against a usual number. Rolls of 2018 (`data/README.md`): 97 of 100 tables
/// have at most 360 people, nearly all others (tables by identity number) at most 790; a few abroad have more.
fn voters_at_a_table(people: u16) -> f64 {
    match people {
        0..=360 => 1.0,
        361..=790 => 0.1,
        _ => 0.005,
    }
}

/// Null, or unmarked, ballots of a table in the mean: of a presidential run-off, of consultations, of the municipality that
/// had most (`data/README.md`, 2026).
const SPOILT_MEANS: [f64; 3] = [2.0, 5.0, 15.0];

/// How likely so many ballots of a table are null or not marked: each kind of election has its mean, and around it numbers
/// fall exponentially.
fn spoilt_at_a_table(ballots: u16) -> f64 {
    let of_mean = |mean: f64| (-f64::from(ballots) / mean).exp() / mean;
    SPOILT_MEANS.into_iter().map(of_mean).sum()
}

/// How far two numbers that ought to be equal lie apart on real forms: equal, a few votes apart, anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slack {
    equal: f64,
    near: f64,
    /// Votes apart that still count as near.
    reach: u16,
    /// Votes apart that contradict nothing.
    tolerated: u16,
}

impl Slack {
    /// Sums of votes: 58 of 60 on transcribed forms of 2022 to 2026 close.
    pub(crate) const SUM: Self = Self {
        equal: 0.9,
        near: 0.07,
        reach: 10,
        tolerated: 0,
    };
    /// Ballots in the urn against voters: a few people leave without voting or sign twice.
    pub(crate) const VOTERS: Self = Self {
        equal: 0.75,
        near: 0.2,
        reach: 5,
        tolerated: 5,
    };

    /// Probability of a distance, in votes.
    fn of(self, apart: usize) -> f64 {
        let anything = (1.0 - self.equal - self.near) / 1000.0;
        let near = self.near / f64::from(2 * self.reach);
        match apart {
            0 => self.equal + anything,
            apart if apart <= usize::from(self.reach) => near + anything,
            _ => anything,
        }
    }
}

/// Fields that ought to add up to another field.
#[derive(Debug, Clone)]
pub(crate) struct SumOf {
    pub(crate) parts: Vec<FieldRef>,
    pub(crate) whole: FieldRef,
    pub(crate) slack: Slack,
}

/// Weighs every field of a form by the sums that it takes part in: confidence, alternatives and the reasons for review
/// follow.
pub fn weigh_sums(form: &mut FormReading, policy: &ReviewPolicy) {
    let tally = Tally::tentative(form);
    let places = places(form);
    let sums: Vec<PlacedSum> = sums_of(&tally)
        .iter()
        .filter_map(|sum| PlacedSum::of(sum, &places))
        .collect();
    let summed = || sums.iter().flat_map(PlacedSum::fields);
    let voters = VOTERS_FIELDS
        .iter()
        .find_map(|path| summed().find(|place| form.fields[*place].path == *path));
    let usual = Weighed::of(form, &sums, voters, Hand::Usual, policy);
    let flagged = Weighed::of(form, &sums, voters, Hand::FlaggedOnes, policy);
    let is_flagged = Hand::is_flagged(&usual, &flagged);
    let (likelier, other, p) = if is_flagged > 0.5 {
        (flagged, usual, is_flagged)
    } else {
        (usual, flagged, 1.0 - is_flagged)
    };
    let Weighed { fields, beliefs, .. } = likelier;
    form.fields = fields;
    for place in beliefs.keys() {
        let field = &mut form.fields[*place];
        let by_other = other.beliefs[place].probability(field.value);
        field.confidence = single(p) * field.confidence + single((1.0 - p) * by_other);
    }
    let contradicted = spread(&sums, fields_of_open(&sums, &form.fields));
    let suspicion = suspicion(&sums, &beliefs, &form.fields);
    for (place, belief) in &beliefs {
        let field = &mut form.fields[*place];
        let by_boxes = belief.by_boxes(field.value);
        if contradicted.contains(place) {
            field.confidence = field.confidence.min(by_boxes);
        }
        if let Some(suspicion) = suspicion.get(place) {
            field.confidence = field.confidence.min(1.0 - suspicion);
        }
        field.reasons.retain(|r| *r != ReviewReason::LowConfidence);
        if field.confidence < policy.threshold || by_boxes < LEAST_BY_BOXES {
            field.reasons.push(ReviewReason::LowConfidence);
        }
        field.needs_review = !field.reasons.is_empty();
    }
}

/// A habit of the hand that wrote a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// Digits look like what they are taken for.
    Usual,
    /// Half of the 1s have so long a flag that they are taken for a 7.
    FlaggedOnes,
}

impl Hand {
    /// What a box says of a digit that this hand wrote.
    fn seen(self, mut probabilities: [f32; SYMBOL_CLASSES]) -> [f32; SYMBOL_CLASSES] {
        if self == Self::FlaggedOnes {
            probabilities[1] = f32::midpoint(probabilities[1], probabilities[7]);
        }
        probabilities
    }

    /// Probability that the form's hand flags its 1s, by how well each hand explains boxes and sums together.
    fn is_flagged(usual: &Weighed, flagged: &Weighed) -> f64 {
        let log_odds = FLAGGED_ONES.ln() + flagged.evidence - usual.evidence;
        // Boxes that say nothing at all, of both hands, are evidence of neither.
        if log_odds.is_nan() { 0.0 } else { logistic(log_odds) }
    }
}

/// The fields of a form after boxes and sums were weighed together for one habit of the hand.
struct Weighed {
    fields: Vec<FieldReading>,
    beliefs: BTreeMap<usize, Belief>,
    /// Logarithm of how likely boxes and sums are together, up to a constant that is the same for all hands (Bethe's
    /// approximation, exact where no two sums share more than one field).
    evidence: f64,
}

impl Weighed {
    fn of(form: &FormReading, sums: &[PlacedSum], voters: Option<usize>, hand: Hand, policy: &ReviewPolicy) -> Self {
        let mut beliefs: BTreeMap<usize, Belief> = BTreeMap::new();
        for place in sums.iter().flat_map(PlacedSum::fields) {
            beliefs
                .entry(place)
                .or_insert_with(|| Belief::of(&form.fields[place], hand, voters == Some(place), policy));
        }
        let mut of_sums = 0.0;
        // There and back: what the last sum says reaches the first.
        let there: Vec<usize> = (0..sums.len()).collect();
        let back: Vec<usize> = there.iter().rev().copied().collect();
        for order in [there, back] {
            of_sums = 0.0;
            for number in order {
                let sum = &sums[number];
                let incoming: Vec<Vec<f64>> = sum.fields().map(|f| beliefs[&f].without(number)).collect();
                let numbers: Vec<&[u16]> = sum.fields().map(|f| beliefs[&f].numbers.as_slice()).collect();
                let (messages, evidence) = sum.messages(&numbers, &incoming);
                of_sums += evidence;
                for ((place, message), incoming) in sum.fields().zip(messages).zip(&incoming) {
                    of_sums -= dot(&message, incoming).ln();
                    if let Some(belief) = beliefs.get_mut(&place) {
                        belief.messages.insert(number, message);
                    }
                }
            }
        }
        let mut fields = form.fields.clone();
        for (place, belief) in &beliefs {
            belief.settle(&mut fields[*place]);
        }
        // A number that closes no sum explains nothing: what the boxes say stands.
        let closed = sums.iter().filter(|sum| sum.closes(&fields));
        let closed: BTreeSet<usize> = closed.flat_map(PlacedSum::fields).collect();
        for (place, belief) in beliefs.iter().filter(|(place, _)| !closed.contains(place)) {
            belief.settle_without_sums(&mut fields[*place]);
        }
        Self {
            fields,
            evidence: of_sums + beliefs.values().map(Belief::evidence).sum::<f64>(),
            beliefs,
        }
    }
}

/// How far each field of a sum that does not close is suspected. Such a sum has a cause, a slip of the jurors or a number
/// misread; each field bears its share by its own chance of being wrong.
fn suspicion(sums: &[PlacedSum], beliefs: &BTreeMap<usize, Belief>, fields: &[FieldReading]) -> BTreeMap<usize, f32> {
    let wrong = |place: usize| 1.0 - beliefs.get(&place).map_or(0.0, |b| b.by_boxes(fields[place].value));
    let mut suspicion: BTreeMap<usize, f32> = BTreeMap::new();
    for sum in sums.iter().filter(|sum| !sum.closes(fields)) {
        let causes = single(1.0 - sum.slack.equal) + sum.fields().map(wrong).sum::<f32>();
        for place in sum.fields() {
            let share = wrong(place) / causes;
            suspicion
                .entry(place)
                .and_modify(|s| *s = s.max(share))
                .or_insert(share);
        }
    }
    suspicion
}

/// The fields of the sums that do not close.
fn fields_of_open(sums: &[PlacedSum], fields: &[FieldReading]) -> BTreeSet<usize> {
    let open = sums.iter().filter(|sum| !sum.closes(fields));
    open.flat_map(PlacedSum::fields).collect()
}

/// Adds the fields that repeat one of the given: what a sum contradicts, a copy of the same number does not confirm, for
/// a hand that misleads in one box does so in the next.
fn spread(sums: &[PlacedSum], mut fields: BTreeSet<usize>) -> BTreeSet<usize> {
    for _ in sums {
        let copies = sums.iter().filter(|sum| sum.parts.len() == 1);
        let touched: Vec<usize> = copies
            .filter(|sum| sum.fields().any(|f| fields.contains(&f)))
            .flat_map(PlacedSum::fields)
            .collect();
        fields.extend(touched);
    }
    fields
}

/// Where each field stands in the reading; a field that was found twice stands nowhere.
fn places(form: &FormReading) -> BTreeMap<FieldRef, usize> {
    let mut places: BTreeMap<FieldRef, Option<usize>> = BTreeMap::new();
    for (place, field) in form.fields.iter().enumerate() {
        let at = FieldRef {
            page: field.page,
            path: field.path.clone(),
        };
        places.entry(at).and_modify(|p| *p = None).or_insert(Some(place));
    }
    places.into_iter().filter_map(|(field, p)| Some((field, p?))).collect()
}

/// Adds the numbers of two digits squeezed into one box, which the model signals as it does a mark written over: it reads
/// one of them, the other stands before it. Squeezed is the number's first digit, or its place would be free.
fn add_squeezed(weights: &mut [f32], boxes: &[BoxReading; 3], policy: &ReviewPolicy) {
    for (place, unit) in [(1, 10), (2, 1)] {
        if boxes[place].overwritten < policy.overwritten_threshold {
            continue;
        }
        for number in unit..10 * unit {
            let each = weights[number] * SQUEEZED / 9.0;
            (1..=9).for_each(|first| weights[number + first * 10 * unit] += each);
        }
    }
}

/// What is known of one field: numbers with their probability by the boxes, and what each sum says of them.
struct Belief {
    numbers: Vec<u16>,
    by_boxes: Vec<f64>,
    /// How likely the boxes are for the hand, against the usual one.
    scale: f64,
    /// How usual each number is for such a field.
    size: Vec<f64>,
    messages: BTreeMap<usize, Vec<f64>>,
    /// The value that the boxes alone say.
    seen: Option<u16>,
}

impl Belief {
    fn of(field: &FieldReading, hand: Hand, counts_voters: bool, policy: &ReviewPolicy) -> Self {
        let doubted = field.boxes.each_ref().map(|b| {
            let share = MISREAD / b.probabilities.len() as f32;
            b.probabilities.map(|p| p * (1.0 - MISREAD) + share)
        });
        let weighed = |hand: Hand| -> Vec<f32> {
            let seen = doubted.map(|p| hand.seen(p));
            number_weights(&seen).map(|(_, weight)| weight).collect()
        };
        let mut weights = weighed(hand);
        let usual: f32 = match hand {
            Hand::Usual => weights.iter().sum(),
            Hand::FlaggedOnes => weighed(Hand::Usual).iter().sum(),
        };
        weights.iter_mut().for_each(|weight| *weight /= usual);
        add_squeezed(&mut weights, &field.boxes, policy);
        let (numbers, mut by_boxes): (Vec<u16>, Vec<f64>) = (0..)
            .zip(weights)
            .filter(|(_, p)| *p >= FLOOR)
            .map(|(n, p)| (n, f64::from(p)))
            .unzip();
        let spoilt = matches!(field.path, FieldPath::Nulos | FieldPath::NoMarcados);
        let size = |n: &u16| match (counts_voters, spoilt) {
            (true, _) => voters_at_a_table(*n),
            (false, true) => spoilt_at_a_table(*n),
            (false, false) => 1.0,
        };
        Self {
            size: numbers.iter().map(size).collect(),
            scale: normalise(&mut by_boxes),
            numbers,
            by_boxes,
            messages: BTreeMap::new(),
            seen: field.value,
        }
    }

    /// Weights by everything but what one sum says.
    fn weights_without(&self, sum: usize) -> Vec<f64> {
        let others = self.messages.iter().filter(|(number, _)| **number != sum);
        let others = others.map(|(_, message)| message).chain([&self.size]);
        let mut all = self.by_boxes.clone();
        for message in others {
            for (p, m) in all.iter_mut().zip(message) {
                *p *= m;
            }
        }
        all
    }

    /// Probabilities by everything but what one sum says.
    fn without(&self, sum: usize) -> Vec<f64> {
        let mut all = self.weights_without(sum);
        normalise(&mut all);
        all
    }

    /// Probability of a value by boxes and sums together.
    fn probability(&self, value: Option<u16>) -> f64 {
        let place = self.numbers.iter().position(|n| *n == value.unwrap_or(0));
        place.map_or(0.0, |p| self.without(usize::MAX)[p])
    }

    /// The field's part in the evidence for a hand.
    fn evidence(&self) -> f64 {
        (self.scale * self.weights_without(usize::MAX).iter().sum::<f64>()).ln()
    }

    /// Puts what boxes and sums say together into the field.
    fn settle(&self, field: &mut FieldReading) {
        let together = self.without(usize::MAX);
        self.choose(field, &together, &together);
    }

    /// Puts what the boxes and the usual size of such a number say into the field; it is as sure as the sums leave it.
    fn settle_without_sums(&self, field: &mut FieldReading) {
        let alone: Vec<f64> = self.by_boxes.iter().zip(&self.size).map(|(p, s)| p * s).collect();
        self.choose(field, &alone, &self.without(usize::MAX));
    }

    /// Chooses the likeliest number that the boxes leave open, by some weights; together with the sums it has a probability.
    fn choose(&self, field: &mut FieldReading, weights: &[f64], together: &[f64]) {
        let best = (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b]));
        let seen = self.numbers.iter().position(|n| *n == self.seen.unwrap_or(0));
        let (Some(best), Some(seen)) = (best, seen) else { return };
        field.reasons.retain(|r| *r != ReviewReason::Arithmetic);
        let chosen = if best != seen && self.by_boxes[best] >= f64::from(OPEN) {
            field.value = Some(self.numbers[best]);
            field.reasons.push(ReviewReason::Arithmetic);
            best
        } else {
            field.value = self.seen;
            seen
        };
        field.marks = likeliest_marks(&field.boxes, field.value);
        field.confidence = single(together[chosen]);
        field.alternatives = self.alternatives(together, chosen);
    }

    /// Probability of a value by the boxes alone.
    fn by_boxes(&self, value: Option<u16>) -> f32 {
        let place = self.numbers.iter().position(|n| *n == value.unwrap_or(0));
        place.map_or(0.0, |p| single(self.by_boxes[p]))
    }

    fn alternatives(&self, together: &[f64], chosen: usize) -> Vec<(Option<u16>, f32)> {
        let all = self.numbers.iter().zip(together).map(|(n, p)| (Some(*n), single(*p)));
        likeliest_others(all, Some(self.numbers[chosen]))
    }
}

/// A sum with its fields' places.
struct PlacedSum {
    parts: Vec<usize>,
    whole: usize,
    slack: Slack,
}

impl PlacedSum {
    fn of(sum: &SumOf, places: &BTreeMap<FieldRef, usize>) -> Option<Self> {
        let place = |field: &FieldRef| places.get(field).copied();
        Some(Self {
            parts: sum.parts.iter().map(place).collect::<Option<_>>()?,
            whole: place(&sum.whole)?,
            slack: sum.slack,
        })
    }

    /// Whether the sum closes as the fields are read, as far as its slack goes.
    fn closes(&self, fields: &[FieldReading]) -> bool {
        let votes = |place: &usize| u32::from(fields[*place].value.unwrap_or(0));
        let sum: u32 = self.parts.iter().map(votes).sum();
        let apart = sum.abs_diff(votes(&self.whole));
        apart <= u32::from(self.slack.tolerated)
    }

    /// The parts, then the whole.
    fn fields(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().copied().chain([self.whole])
    }

    /// What the sum says of every number of its fields, given what else is known of them: for each part, forward sums of
    /// the parts before it against backward evidence of the parts after it and the whole. With it the logarithm of how
    /// likely the sum is by what comes in.
    fn messages(&self, numbers: &[&[u16]], incoming: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
        let parts = self.parts.len();
        let likeliest = |i: usize| {
            let best = (0..incoming[i].len()).max_by(|a, b| incoming[i][*a].total_cmp(&incoming[i][*b]));
            best.map_or(0, |b| usize::from(numbers[i][b]))
        };
        let size = (0..parts).map(likeliest).sum::<usize>().max(likeliest(parts)) + REACH + 1;
        let mut forward = vec![vec![0.0; size]];
        forward[0][0] = 1.0;
        for i in 0..parts {
            let mut next = vec![0.0; size];
            for (n, p) in numbers[i].iter().zip(&incoming[i]) {
                let n = usize::from(*n);
                if n < size {
                    for (to, from) in next[n..].iter_mut().zip(&forward[i]) {
                        *to += from * p;
                    }
                }
            }
            forward.push(next);
        }
        let mut evidence: Vec<f64> = (0..size)
            .map(|sum| {
                let whole = numbers[parts].iter().zip(&incoming[parts]);
                whole
                    .map(|(n, p)| p * self.slack.of(usize::from(*n).abs_diff(sum)))
                    .sum()
            })
            .collect();
        let mut messages = vec![Vec::new(); parts];
        for i in (0..parts).rev() {
            let said = |n: &u16| -> f64 {
                let rest = evidence.get(usize::from(*n)..).unwrap_or_default();
                forward[i].iter().zip(rest).map(|(f, e)| f * e).sum()
            };
            messages[i] = numbers[i].iter().map(said).collect();
            let mut before = vec![0.0; size];
            for (n, p) in numbers[i].iter().zip(&incoming[i]) {
                let rest = evidence.get(usize::from(*n)..).unwrap_or_default();
                for (to, from) in before.iter_mut().zip(rest) {
                    *to += from * p;
                }
            }
            evidence = before;
        }
        let said = |n: &u16| -> f64 {
            let sums = forward[parts].iter().enumerate();
            sums.map(|(sum, f)| f * self.slack.of(usize::from(*n).abs_diff(sum)))
                .sum()
        };
        messages.push(numbers[parts].iter().map(said).collect());
        let evidence = dot(&messages[parts], &incoming[parts]).ln();
        for message in &mut messages {
            normalise(message);
        }
        (messages, evidence)
    }
}

/// Makes the values sum to 1, and gives what they summed to; nothing when they sum to nothing.
fn normalise(values: &mut [f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 {
        values.iter_mut().for_each(|v| *v /= sum);
    }
    sum
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[expect(clippy::cast_possible_truncation, reason = "a probability: less precision is meant")]
fn single(p: f64) -> f32 {
    p as f32
}
