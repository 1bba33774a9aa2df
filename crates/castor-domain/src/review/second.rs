//! Reading a form twice: who may, what they may see, and what comes of it.

use super::{
    Act, Case, Decision, Event, EventId, MACHINE, Moment, Priority, Recorded, Refusal, Round, State, said, settle,
};
use crate::checks::{CheckContext, FieldRef, check_form};
use crate::reading::FormReading;
use crate::symbol::Symbol;
use std::collections::BTreeSet;

/// Which forms are read a second time although nothing about them asks for it. The draw depends on seed and form alone,
/// so that every laptop draws the same forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Any text; another seed draws other forms.
    pub seed: String,
    /// Share of the forms that are drawn, 0–1.
    pub rate: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::of_percent(Self::SEED.to_owned(), Self::PERCENT)
    }
}

impl Sampling {
    /// The seed where nobody chose one: desks and server draw the same forms.
    pub const SEED: &'static str = "castor";
    /// Forms of a hundred that are drawn where nobody chose how many.
    pub const PERCENT: u8 = 5;

    /// So many forms of a hundred.
    #[must_use]
    pub fn of_percent(seed: String, percent: u8) -> Self {
        Self {
            seed,
            rate: f64::from(percent) / 100.0,
        }
    }

    /// Whether this is drawn: its number is below the rate.
    #[must_use]
    pub fn draws(&self, parts: &[&str]) -> bool {
        crate::draw::fraction(&self.seed, parts) < self.rate
    }
}

/// How much of a form a person may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Everything.
    Open,
    /// Nothing that anyone, machine or person, said of the cells that are read a second time.
    Blind,
    /// Both readings of the cells that differ, without whose they are.
    Compared,
}

/// One cell as it was read twice, before anybody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The cell.
    pub field: FieldRef,
    /// Who read first: [`MACHINE`] where nobody had looked.
    pub first_by: String,
    /// What they read.
    pub first: Option<u16>,
    /// Who read second.
    pub second_by: String,
    /// What they read.
    pub second: Option<u16>,
}

/// An answer to a cell whose answer is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The event.
    pub id: EventId,
    /// The cell.
    pub field: FieldRef,
    /// What was answered.
    pub word: Decision,
    /// Whether it was taken back.
    pub undone: bool,
}

impl Case {
    /// Whether a person may not settle cells in the present reading, having taken part in an earlier one.
    #[must_use]
    pub fn barred(&self, person: &str) -> bool {
        self.barred_readers().any(|reader| reader == person)
    }

    /// Everybody who may not settle cells in the present reading.
    pub fn barred_readers(&self) -> impl Iterator<Item = &str> {
        let earlier: &[Round] = match self.state {
            State::SecondReading => &[Round::First],
            State::Adjudication => &[Round::First, Round::Second],
            State::Waiting
            | State::Unreadable
            | State::Accepted
            | State::Pending
            | State::InProgress
            | State::Escalated
            | State::Completed
            | State::Rejected => &[],
        };
        let barred: BTreeSet<&str> = self
            .readers
            .iter()
            .filter(|(round, _)| earlier.contains(round))
            .map(|(_, person)| person.as_str())
            .collect();
        barred.into_iter()
    }

    /// Everybody who settled a cell of the form, closed it, or answered one of its settled cells.
    pub fn readers(&self) -> impl Iterator<Item = &str> {
        let readers = self.readers.iter().map(|(_, person)| person.as_str());
        let probed = self.probes.iter().map(|probe| probe.word.by.as_str());
        readers.chain(probed).collect::<BTreeSet<_>>().into_iter()
    }

    /// How much of the form a person may see now.
    #[must_use]
    pub fn sight(&self, person: &str) -> Sight {
        if self.state == State::Adjudication {
            Sight::Compared
        } else if self.state == State::SecondReading && !self.barred(person) {
            Sight::Blind
        } else {
            Sight::Open
        }
    }

    /// The form as a person may see it: cells that are read blindly or that readings differ on are unread until this
    /// reading has settled them, so that no sum gives them away.
    #[must_use]
    pub fn seen_by(&self, person: &str) -> Option<FormReading> {
        let mut form = self.consolidated()?;
        let Some(round) = self.state.round().filter(|_| self.sight(person) != Sight::Open) else {
            return Some(form);
        };
        let asked: BTreeSet<FieldRef> = self.asked().into_iter().collect();
        for field in &mut form.fields {
            let at = super::reference(field);
            if !asked.contains(&at) {
                continue;
            }
            if let Some(decision) = self.decided(round, &at) {
                settle(field, decision);
            } else {
                field.marks = [Symbol::Blank; 3];
                field.value = None;
                field.needs_review = true;
                field.alternatives.clear();
            }
        }
        form.findings = check_form(&form, &CheckContext::default());
        Some(form)
    }

    /// The marks that confirming a cell stands for.
    ///
    /// # Errors
    /// [`Refusal::Blind`] for a cell that a blind reader has not typed or an adjudicator not decided,
    /// [`Refusal::NoSuchCell`] for none of the form, [`Refusal::State`] where no cell can be settled.
    pub fn confirmed(&self, field: &FieldRef) -> Result<[Symbol; 3], Refusal> {
        let round = self.state.round().ok_or(Refusal::State { state: self.state })?;
        let machine = self
            .machine(field)
            .ok_or_else(|| Refusal::NoSuchCell(field.clone()))?
            .marks;
        match round {
            Round::First => Ok(self.decision(field).map_or(machine, |d| d.marks)),
            Round::Second | Round::Adjudication => {
                let own = self.decided(round, field);
                own.map(|d| d.marks).ok_or(Refusal::Blind)
            }
        }
    }

    /// Both readings of a cell in an order that says nothing of whose they are; it is the same for everybody who is shown
    /// the form of this id.
    #[must_use]
    pub fn to_compare(&self, id: &str, field: &FieldRef) -> Option<[[Symbol; 3]; 2]> {
        let mut both = self.both(field)?;
        if crate::draw::number("order", &[id, &field.key()]) % 2 == 1 {
            both.reverse();
        }
        Some(both)
    }

    /// Both readings of a cell: the first reader's, or the machine's where nobody had looked, and the second's.
    #[must_use]
    pub fn both(&self, field: &FieldRef) -> Option<[[Symbol; 3]; 2]> {
        let second = self.decided(Round::Second, field)?.marks;
        let first = match self.decided(Round::First, field) {
            Some(decision) => decision.marks,
            None => self.machine(field)?.marks,
        };
        Some([first, second])
    }

    /// Whether a second, blind reading is due: of a form that was critical, and of a draw from all others that are done.
    #[must_use]
    pub fn wants_second(&self, id: &str, sampling: &Sampling) -> bool {
        let due = match self.state {
            State::Accepted => sampling.draws(&[id]),
            State::Completed => self.critical() || sampling.draws(&[id]),
            State::Waiting
            | State::Unreadable
            | State::Pending
            | State::InProgress
            | State::Escalated
            | State::SecondReading
            | State::Adjudication
            | State::Rejected => false,
        };
        due && !self.read_twice()
    }

    /// Whether events that come next end a reading of the form, a machine's or a person's, upon which a second one is due.
    ///
    /// # Errors
    /// The [`Refusal`] of the first event that does not fit.
    pub fn wants_second_after(&self, events: &[Recorded], id: &str, sampling: &Sampling) -> Result<bool, Refusal> {
        let ends = |e: &Recorded| matches!(e.event, Event::Read { .. } | Event::Act(Act::Complete));
        if !events.last().is_some_and(ends) {
            return Ok(false);
        }
        let mut after = self.clone();
        for event in events {
            after.apply(event)?;
        }
        Ok(after.wants_second(id, sampling))
    }

    /// Whether somebody began a second reading since the form was last read anew.
    pub(super) fn read_twice(&self) -> bool {
        self.decisions.keys().any(|(round, _)| *round == Round::Second)
    }

    /// Whether the form came as critical, or is so as it stands.
    fn critical(&self) -> bool {
        let as_read = self.reading.as_deref().map(|form| self.urgency_of(form).priority);
        as_read == Some(Priority::Critical) || self.urgency().priority == Priority::Critical
    }

    /// Cells read twice, with what each reader said. Those of a second reading that is still going on are left out: they
    /// would tell its reader how it compares.
    #[must_use]
    pub fn pairs(&self) -> Vec<Pair> {
        let mut pairs = self.compared.clone();
        if self.state != State::SecondReading {
            pairs.extend(self.present_pairs());
        }
        pairs
    }

    fn present_pairs(&self) -> Vec<Pair> {
        let seconds = self.decisions.iter().filter(|((round, _), _)| *round == Round::Second);
        seconds
            .map(|((_, field), second)| {
                let first = self.decided(Round::First, field);
                Pair {
                    field: field.clone(),
                    first_by: first.map_or(MACHINE, |d| &d.by).to_owned(),
                    first: self.first_value(field),
                    second_by: second.by.clone(),
                    second: second.value,
                }
            })
            .collect()
    }

    /// The first reading of a cell, the machine's where nobody had looked.
    pub(super) fn first_value(&self, field: &FieldRef) -> Option<u16> {
        match self.decided(Round::First, field) {
            Some(decision) => decision.value,
            None => self.machine(field).and_then(|f| f.value),
        }
    }

    /// Cells whose answer is settled, by two readings that agree or by an adjudicator, with the answer.
    #[must_use]
    pub fn known(&self) -> Vec<(FieldRef, Option<u16>)> {
        if self.state != State::Completed {
            return Vec::new();
        }
        let read_twice = self.present_pairs().into_iter().map(|pair| pair.field);
        read_twice
            .filter_map(|field| {
                let value = self.decision(&field)?.value;
                Some((field, value))
            })
            .collect()
    }

    /// The answers to settled cells that stand: each person's last on a cell.
    pub fn probes(&self) -> impl Iterator<Item = &Probe> {
        let standing = |at: usize, probe: &Probe| {
            let later = &self.probes[at + 1..];
            let again = |p: &Probe| !p.undone && p.field == probe.field && p.word.by == probe.word.by;
            !probe.undone && !later.iter().any(again)
        };
        let all = self.probes.iter().enumerate();
        all.filter(move |(at, probe)| standing(*at, probe))
            .map(|(_, probe)| probe)
    }

    /// A person's last answer to a settled cell, taken back or not.
    #[must_use]
    pub fn probe_of(&self, person: &str, field: &FieldRef) -> Option<&Probe> {
        let mut latest = self.probes.iter().rev();
        latest.find(|probe| probe.word.by == person && probe.field == *field)
    }

    /// Who said something of a cell, taken back or not, and when; in the order of the events.
    pub fn words(&self) -> impl Iterator<Item = (&str, Moment)> {
        let cells = self.steps.iter().filter(|step| matches!(step.act, Act::Cell { .. }));
        cells.map(|step| (step.by.as_str(), step.at))
    }

    /// The words that stand, of every reading.
    pub fn decisions(&self) -> impl Iterator<Item = (Round, &FieldRef, &Decision)> {
        self.decisions
            .iter()
            .map(|((round, field), decision)| (*round, field, decision))
    }

    pub(super) fn probed(&mut self, event: &Recorded, field: &FieldRef, marks: [Symbol; 3]) -> Result<(), Refusal> {
        if self.machine(field).is_none() {
            return Err(Refusal::NoSuchCell(field.clone()));
        }
        if self.readers.iter().any(|(_, reader)| *reader == event.by) {
            return Err(Refusal::SamePerson);
        }
        self.probes.push(Probe {
            id: event.id,
            field: field.clone(),
            word: Decision {
                marks,
                value: said(marks),
                by: event.by.clone(),
                at: event.at,
            },
            undone: false,
        });
        Ok(())
    }

    /// Takes back or does again an answer to a settled cell; false when the event is none.
    pub(super) fn set_probe_undone(&mut self, id: EventId, by: &str, undone: bool) -> Result<bool, Refusal> {
        let Some(probe) = self.probes.iter_mut().find(|probe| probe.id == id) else {
            return Ok(false);
        };
        if probe.word.by != by {
            return Err(Refusal::NotYours);
        }
        if probe.undone == undone {
            return Err(Refusal::NothingToUndo);
        }
        probe.undone = undone;
        Ok(true)
    }

    /// Opened again, the form is read anew: what stood is the first reading, and all who read it have read it first.
    pub(super) fn begin_again(&mut self) {
        let pairs = self.present_pairs();
        self.compared.extend(pairs);
        let fields: BTreeSet<FieldRef> = self.decisions.keys().map(|(_, field)| field.clone()).collect();
        let standing = fields.into_iter().filter_map(|field| {
            let decision = self.decision(&field)?.clone();
            Some(((Round::First, field), decision))
        });
        self.decisions = standing.collect();
        let readers = std::mem::take(&mut self.readers);
        self.readers = readers.into_iter().map(|(_, person)| (Round::First, person)).collect();
    }
}
