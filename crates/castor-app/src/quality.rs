//! How well each person works, and the machine.

use crate::view::{KappaView, PersonQuality, ShareView};
use crate::{AppError, Desk};
use castor_domain::agreement::{Interval, Share, kappa, share};
use castor_domain::review::{Case, MACHINE, Moment};
use std::collections::BTreeMap;

/// A longer pause is no work on a cell.
const PAUSE: i64 = 600_000;

/// What is counted of one person.
#[derive(Default)]
struct Work {
    confirmed: u32,
    corrected: u32,
    gaps: Vec<i64>,
    pairs: Vec<(Option<u16>, Option<u16>)>,
    right: u32,
    probed: u32,
}

#[derive(Default)]
struct Tally(BTreeMap<String, Work>);

impl Tally {
    fn of(&mut self, person: &str) -> &mut Work {
        self.0.entry(person.to_owned()).or_default()
    }

    fn add(&mut self, case: &Case) {
        for (_, field, decision) in case.decisions() {
            let agrees = case.machine(field).is_some_and(|m| m.value == decision.value);
            let work = self.of(&decision.by);
            if agrees {
                work.confirmed += 1;
            } else {
                work.corrected += 1;
            }
        }
        let mut latest: BTreeMap<&str, Moment> = BTreeMap::new();
        for (person, at) in case.words() {
            let former = latest.insert(person, at);
            let gap = former.map(|former| at.0 - former.0);
            if let Some(gap) = gap.filter(|gap| (0..PAUSE).contains(gap)) {
                self.of(person).gaps.push(gap);
            }
        }
        for pair in case.pairs() {
            self.of(&pair.first_by).pairs.push((pair.first, pair.second));
            // The machine's row says how it compares; that is no agreement between two people.
            if pair.first_by != MACHINE {
                self.of(&pair.second_by).pairs.push((pair.first, pair.second));
            }
        }
        let known: BTreeMap<_, _> = case.known().into_iter().collect();
        for probe in case.probes() {
            if let Some(answer) = known.get(&probe.field) {
                let work = self.of(&probe.word.by);
                work.probed += 1;
                work.right += u32::from(probe.word.value == *answer);
            }
        }
    }
}

impl From<Share> for ShareView {
    fn from(share: Share) -> Self {
        Self {
            hits: share.hits,
            n: share.n,
            value: share.value,
            low: share.interval.low,
            high: share.interval.high,
        }
    }
}

impl Work {
    fn view(mut self, person: String) -> PersonQuality {
        let equal = self.pairs.iter().filter(|(a, b)| a == b).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        PersonQuality {
            machine: person == MACHINE,
            person,
            confirmed: self.confirmed,
            corrected: self.corrected,
            median_seconds: median(&mut self.gaps),
            agreement: share(count(equal), count(self.pairs.len())).map(ShareView::from),
            kappa: kappa_view(&self.pairs),
            known: share(self.right, self.probed).map(ShareView::from),
        }
    }
}

fn median(gaps: &mut [i64]) -> Option<f32> {
    gaps.sort_unstable();
    let middle = gaps.get(gaps.len() / 2)?;
    let tenths = u16::try_from(middle / 100).ok()?;
    Some(f32::from(tenths) / 10.0)
}

fn kappa_view(pairs: &[(Option<u16>, Option<u16>)]) -> KappaView {
    match kappa(pairs) {
        Ok(kappa) => {
            let end = |end: fn(Interval) -> f64| kappa.interval.map(end);
            KappaView {
                value: Some(kappa.value),
                low: end(|i| i.low),
                high: end(|i| i.high),
                missing: None,
            }
        }
        Err(reason) => KappaView {
            value: None,
            low: None,
            high: None,
            missing: Some(reason.name().to_owned()),
        },
    }
}

impl Desk {
    /// How each person works; the machine comes last.
    pub(crate) async fn quality(&self) -> Result<Vec<PersonQuality>, AppError> {
        let mut tally = Tally::default();
        self.store.each_worked(|_, case| tally.add(case)).await?;
        let mut people: Vec<_> = tally.0.into_iter().map(|(person, work)| work.view(person)).collect();
        people.sort_by_key(|person| person.machine);
        Ok(people)
    }
}
