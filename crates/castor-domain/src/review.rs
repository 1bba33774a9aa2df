//! The review of one form: what people did with it, in order, and what follows from that.
//!
//! Nothing is overwritten: every act is an event, taken back by another one. A [`Case`] is the fold of a form's events;
//! the same events give the same case however they arrive in batches. The states and their transitions are drawn in
//! docs/state-machines/review.md.

mod second;
mod summary;
mod telling;
mod urgency;

pub use second::{Pair, Probe, Sampling, Sight};
pub use summary::Summary;
pub use telling::{Change, Telling};
pub use urgency::{Priority, QueueReason, Urgency};

use crate::checks::{CheckContext, FieldRef, Severity, check_form};
use crate::grammar::{Meaning, meaning};
use crate::reading::{FieldReading, FormReading};
use crate::symbol::Symbol;
use std::collections::{BTreeMap, BTreeSet};

/// Name that stands beside what the machine does; no person may have it.
pub const MACHINE: &str = "castor";

/// Identity of an event: 128 bits that the one who writes it chooses (a UUID of version 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub u128);

/// Milliseconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Moment(pub i64);

/// Which reading of a form a person's word belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Round {
    /// The review itself.
    First,
    /// A second person's, who does not see the first.
    Second,
    /// The decision between two readings that differ.
    Adjudication,
}

impl Round {
    /// Every round, in order.
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Adjudication];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "FIRST",
            Self::Second => "SECOND",
            Self::Adjudication => "ADJUDICATION",
        }
    }
}

/// What happens to a form.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The file was taken in.
    Imported {
        /// Name of the file.
        name: String,
        /// Generated, not a real form.
        demo: bool,
    },
    /// The file is no form that can be read.
    Unreadable {
        /// Stable code of the error.
        code: String,
        /// What was wrong, in plain words.
        message: String,
    },
    /// The machine read the form.
    Read {
        /// What it read.
        reading: Box<FormReading>,
        /// Version of the model.
        model: String,
    },
    /// A person did something.
    Act(Act),
    /// A person answered a cell whose answer is settled. It counts in figures of quality and changes nothing else.
    Probe {
        /// The cell.
        field: FieldRef,
        /// What they say stands in its boxes, hundreds first.
        marks: [Symbol; 3],
    },
    /// An act was taken back.
    Undone(EventId),
    /// An act that was taken back counts again.
    Redone(EventId),
}

impl Event {
    /// Why it was done, or why the file is unreadable, where the event says so.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unreadable { message: reason, .. }
            | Self::Act(Act::Escalate(reason) | Act::Return(reason) | Act::Reopen(reason) | Act::Reject(reason)) => {
                Some(reason)
            }
            Self::Imported { .. }
            | Self::Read { .. }
            | Self::Act(Act::Cell { .. } | Act::AskSecond | Act::Complete)
            | Self::Probe { .. }
            | Self::Undone(_)
            | Self::Redone(_) => None,
        }
    }
}

/// What a person does with a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Says what is written in a cell.
    Cell {
        /// The cell.
        field: FieldRef,
        /// What stands in its boxes, hundreds first.
        marks: [Symbol; 3],
        /// In which reading.
        round: Round,
    },
    /// Passes the form on.
    Escalate(String),
    /// Gives an escalated form back to the reviewers.
    Return(String),
    /// Opens a finished form again.
    Reopen(String),
    /// Sets the form aside: no form, or not of this election.
    Reject(String),
    /// Asks for a second, blind reading.
    AskSecond,
    /// Ends the review.
    Complete,
}

/// An event with who wrote it and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its identity.
    pub id: EventId,
    /// When, by the writer's clock.
    pub at: Moment,
    /// Who: the name of a person, or of the machine's reader.
    pub by: String,
    /// What.
    pub event: Event,
}

/// Where a form stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum State {
    /// Not read yet.
    #[default]
    Waiting,
    /// Could not be read.
    Unreadable,
    /// Read, with nothing that a person must look at.
    Accepted,
    /// Waits for a person.
    Pending,
    /// A person has begun.
    InProgress,
    /// Passed on.
    Escalated,
    /// Waits for a second, blind reading.
    SecondReading,
    /// Two readings differ.
    Adjudication,
    /// Reviewed.
    Completed,
    /// Set aside.
    Rejected,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Unreadable,
        Self::Accepted,
        Self::Pending,
        Self::InProgress,
        Self::Escalated,
        Self::SecondReading,
        Self::Adjudication,
        Self::Completed,
        Self::Rejected,
    ];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Unreadable => "UNREADABLE",
            Self::Accepted => "ACCEPTED",
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Escalated => "ESCALATED",
            Self::SecondReading => "SECOND_READING",
            Self::Adjudication => "ADJUDICATION",
            Self::Completed => "COMPLETED",
            Self::Rejected => "REJECTED",
        }
    }

    /// Whether the form waits for a person.
    #[must_use]
    pub fn waits(self) -> bool {
        match self {
            Self::Pending | Self::InProgress | Self::Escalated | Self::SecondReading | Self::Adjudication => true,
            Self::Waiting | Self::Unreadable | Self::Accepted | Self::Completed | Self::Rejected => false,
        }
    }

    /// The reading that a cell's word belongs to now; `None` where no cell can be settled.
    #[must_use]
    pub fn round(self) -> Option<Round> {
        match self {
            Self::Pending | Self::InProgress | Self::Escalated | Self::Accepted => Some(Round::First),
            Self::SecondReading => Some(Round::Second),
            Self::Adjudication => Some(Round::Adjudication),
            Self::Waiting | Self::Unreadable | Self::Completed | Self::Rejected => None,
        }
    }

    /// The state after an act; `left` says what of the form still waits.
    fn after(self, act: &Act, left: Left) -> Result<Self, Refusal> {
        let refused = Err(Refusal::State { state: self });
        match (act, self) {
            (Act::Cell { round, .. }, state) => match (state, round) {
                (Self::Accepted | Self::Pending, Round::First) => Ok(Self::InProgress),
                (Self::InProgress | Self::Escalated, Round::First) => Ok(state),
                (Self::SecondReading, Round::Second) => Ok(match left {
                    Left::Cells(_) => state,
                    Left::Nothing => Self::Completed,
                    Left::Disputed => Self::Adjudication,
                }),
                (Self::Adjudication, Round::Adjudication) => Ok(match left {
                    Left::Cells(_) | Left::Disputed => state,
                    Left::Nothing => Self::Completed,
                }),
                _ => refused,
            },
            (Act::Complete, Self::Accepted | Self::Pending | Self::InProgress | Self::Escalated) => match left {
                Left::Cells(cells) => Err(Refusal::Unsettled { cells }),
                Left::Nothing | Left::Disputed => Ok(Self::Completed),
            },
            (Act::Escalate(_), Self::Accepted | Self::Pending | Self::InProgress) => Ok(Self::Escalated),
            (Act::Return(_), Self::Escalated) => Ok(Self::InProgress),
            (Act::Reopen(_), Self::Accepted | Self::Completed | Self::Rejected) => Ok(Self::InProgress),
            (Act::Reject(_), state) if state != Self::Rejected && state != Self::Waiting => Ok(Self::Rejected),
            (Act::AskSecond, Self::Accepted | Self::Completed) => Ok(Self::SecondReading),
            _ => refused,
        }
    }
}

/// What of a form still waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// So many cells of the present reading.
    Cells(usize),
    /// None, but two readings differ.
    Disputed,
    /// Nothing.
    Nothing,
}

/// Why an event does not fit the form that it is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The form is in a state that allows no such act.
    #[error("the form is {}, which does not allow this", state.name())]
    State {
        /// Its state.
        state: State,
    },
    /// Cells wait for a person.
    #[error("{cells} cells are not settled yet")]
    Unsettled {
        /// How many.
        cells: usize,
    },
    /// The form has no such cell.
    #[error("the form has no cell {0}")]
    NoSuchCell(FieldRef),
    /// There is nothing to take back, or nothing to do again.
    #[error("there is nothing to take back")]
    NothingToUndo,
    /// The event to take back or to do again is not one of this form.
    #[error("that event is not one of this form")]
    NoSuchEvent,
    /// The person took part in an earlier reading of the form.
    #[error("who took part in an earlier reading of the form cannot do this one")]
    SamePerson,
    /// In a blind reading there is nothing to confirm.
    #[error("in this reading every cell is typed or chosen; there is nothing to confirm")]
    Blind,
    /// Somebody else's act, or one that somebody else has built upon.
    #[error("only one's own latest acts can be taken back")]
    NotYours,
    /// The second reading has been compared with the first.
    #[error("a second reading that has been compared with the first stands")]
    Compared,
    /// The machine's reading differs from the one that people have worked on.
    #[error("people have worked on another reading of this form; theirs stands")]
    WorkedOn,
}

impl Refusal {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::State { .. } => "REV_STATE",
            Self::Unsettled { .. } => "REV_UNSETTLED",
            Self::NoSuchCell(_) => "REV_NO_CELL",
            Self::NothingToUndo => "REV_NOTHING",
            Self::NoSuchEvent => "REV_NO_EVENT",
            Self::SamePerson => "REV_SAME_PERSON",
            Self::Blind => "REV_BLIND",
            Self::NotYours => "REV_NOT_YOURS",
            Self::Compared => "REV_COMPARED",
            Self::WorkedOn => "REV_WORKED_ON",
        }
    }
}

/// A person's word on a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What stands in the boxes.
    pub marks: [Symbol; 3],
    /// The number that they mean; `None` where nothing is written.
    pub value: Option<u16>,
    /// Who.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// An act with whether it counts.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    id: EventId,
    at: Moment,
    by: String,
    act: Act,
    undone: bool,
}

/// One form with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Case {
    name: String,
    demo: bool,
    imported: Moment,
    failure: Option<(String, String)>,
    reading: Option<Box<FormReading>>,
    model: String,
    steps: Vec<Step>,
    state: State,
    decisions: BTreeMap<(Round, FieldRef), Decision>,
    message: Option<String>,
    /// Acts taken back that can be done again, latest last.
    redo: Vec<EventId>,
    /// Who took part in which reading.
    readers: BTreeSet<(Round, String)>,
    /// Cells read twice before the form was opened again.
    compared: Vec<Pair>,
    /// Answers to cells whose answer is settled.
    probes: Vec<Probe>,
}

impl Case {
    /// The case of a form's events, in order.
    ///
    /// # Errors
    /// The [`Refusal`] of the first event that does not fit.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Result<Self, Refusal> {
        let mut case = Self::default();
        for event in events {
            case.apply(event)?;
        }
        Ok(case)
    }

    /// Takes the next event. A refused one changes nothing.
    ///
    /// # Errors
    /// [`Refusal`] when the event does not fit the form as it stands.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), Refusal> {
        match &recorded.event {
            // A form is what it was first taken in as. Taken in as a real one by anybody, it counts as real.
            Event::Imported { demo, .. } if self.is_imported() => self.demo &= *demo,
            Event::Imported { name, demo } => {
                self.name.clone_from(name);
                self.demo = *demo;
                self.imported = recorded.at;
            }
            Event::Unreadable { code, message } => {
                self.failure = Some((code.clone(), message.clone()));
                self.replay()?;
            }
            // People have looked at the reading that stands: numbers of another one would count beside their word unseen.
            Event::Read { .. } if self.is_worked_on() => {}
            Event::Read { reading, model } => {
                let former = (self.reading.replace(reading.clone()), self.failure.take());
                self.model.clone_from(model);
                if let Err(refusal) = self.replay() {
                    (self.reading, self.failure) = former;
                    self.replay()?;
                    return Err(refusal);
                }
            }
            // Another reading of the same form brought it already: each laptop that reads a drawn form asks, and so does the server.
            Event::Act(Act::AskSecond) if recorded.by == MACHINE && self.state == State::SecondReading => {}
            Event::Act(act) => {
                let step = Step {
                    id: recorded.id,
                    at: recorded.at,
                    by: recorded.by.clone(),
                    act: act.clone(),
                    undone: false,
                };
                self.take(&step)?;
                self.steps.push(step);
                self.redo.clear();
            }
            Event::Probe { field, marks } => self.probed(recorded, field, *marks)?,
            Event::Undone(id) => {
                if !self.set_probe_undone(*id, &recorded.by, true)? {
                    self.set_undone(*id, &recorded.by, true)?;
                    self.redo.push(*id);
                }
            }
            Event::Redone(id) => {
                if !self.set_probe_undone(*id, &recorded.by, false)? {
                    self.set_undone(*id, &recorded.by, false)?;
                    self.redo.retain(|other| other != id);
                }
            }
        }
        Ok(())
    }

    /// Whether a log takes an event in that would change nothing and whose author should know.
    ///
    /// # Errors
    /// [`Refusal::WorkedOn`] for a reading that differs from the one that people have worked on.
    pub fn admits(&self, event: &Event) -> Result<(), Refusal> {
        let Event::Read { reading, .. } = event else {
            return Ok(());
        };
        let stands = self.reading.as_ref().filter(|_| self.is_worked_on());
        if stands.is_some_and(|stands| !says_the_same(stands, reading)) {
            return Err(Refusal::WorkedOn);
        }
        Ok(())
    }

    /// Whether an act of a person counts.
    fn is_worked_on(&self) -> bool {
        self.steps.iter().any(|step| !step.undone && step.by != MACHINE)
    }

    fn set_undone(&mut self, id: EventId, by: &str, undone: bool) -> Result<(), Refusal> {
        let at = self.steps.iter().position(|s| s.id == id).ok_or(Refusal::NoSuchEvent)?;
        if self.steps[at].undone == undone {
            return Err(Refusal::NothingToUndo);
        }
        self.free_to_change(at, by)?;
        self.steps[at].undone = undone;
        if let Err(refusal) = self.replay() {
            self.steps[at].undone = !undone;
            self.replay()?;
            return Err(refusal);
        }
        Ok(())
    }

    /// Whether a person may take back or do again a step: one's own, or what the machine did upon it; nobody else may
    /// have acted since, and a second reading stands once it was compared.
    fn free_to_change(&self, at: usize, by: &str) -> Result<(), Refusal> {
        let step = &self.steps[at];
        let of_second = matches!(
            &step.act,
            Act::Cell {
                round: Round::Second,
                ..
            }
        );
        if of_second && self.state != State::SecondReading {
            return Err(Refusal::Compared);
        }
        let caused_by_them = || {
            let before = self.steps[..at].iter().rev().find(|s| !s.undone && s.by != MACHINE);
            step.by == MACHINE && before.is_some_and(|s| s.by == by)
        };
        let built_upon = self.steps[at + 1..]
            .iter()
            .any(|later| !later.undone && later.by != by && later.by != MACHINE);
        if built_upon || !(step.by == by || caused_by_them()) {
            return Err(Refusal::NotYours);
        }
        Ok(())
    }

    /// State and decisions afresh from the steps that count.
    fn replay(&mut self) -> Result<(), Refusal> {
        self.decisions.clear();
        self.readers.clear();
        self.compared.clear();
        self.message = None;
        self.state = match (&self.reading, &self.failure) {
            (Some(reading), _) if doubts(reading) => State::Pending,
            (Some(_), _) => State::Accepted,
            (None, Some(_)) => State::Unreadable,
            (None, None) => State::Waiting,
        };
        let steps = std::mem::take(&mut self.steps);
        let mut looked_at = false;
        let outcome = steps.iter().filter(|s| !s.undone).try_for_each(|step| {
            looked_at |= step.by != MACHINE;
            match self.take(step) {
                // What the machine asked for upon its former reading does not keep a new one from being taken.
                Err(_) if !looked_at => Ok(()),
                taken => taken,
            }
        });
        self.steps = steps;
        outcome
    }

    /// Lets one act count.
    fn take(&mut self, step: &Step) -> Result<(), Refusal> {
        let mut former = None;
        if let Act::Cell { field, marks, round } = &step.act {
            if self.machine(field).is_none() {
                return Err(Refusal::NoSuchCell(field.clone()));
            }
            if self.state.round() == Some(*round) && self.barred(&step.by) {
                return Err(Refusal::SamePerson);
            }
            let decision = Decision {
                marks: *marks,
                value: said(*marks),
                by: step.by.clone(),
                at: step.at,
            };
            let key = (*round, field.clone());
            former = Some((key.clone(), self.decisions.insert(key, decision)));
        }
        match self.state.after(&step.act, self.left()) {
            Ok(state) => {
                self.state = state;
                self.note(step);
                Ok(())
            }
            Err(refusal) => {
                if let Some((key, decision)) = former {
                    match decision {
                        Some(decision) => self.decisions.insert(key, decision),
                        None => self.decisions.remove(&key),
                    };
                }
                Err(refusal)
            }
        }
    }

    /// What follows from an act beside the state.
    fn note(&mut self, step: &Step) {
        match &step.act {
            Act::Cell { round, .. } => {
                self.readers.insert((*round, step.by.clone()));
            }
            Act::Complete => {
                self.readers.insert((Round::First, step.by.clone()));
            }
            Act::Escalate(reason) | Act::Return(reason) | Act::Reject(reason) => {
                self.message = Some(reason.clone());
            }
            Act::Reopen(reason) => {
                self.message = Some(reason.clone());
                self.begin_again();
            }
            // Asked for once more, the form is read anew.
            Act::AskSecond => {
                if self.read_twice() {
                    self.begin_again();
                }
            }
        }
    }

    fn left(&self) -> Left {
        let waiting = self.waiting().count();
        if waiting > 0 {
            return Left::Cells(waiting);
        }
        if self.disputed().next().is_some() {
            Left::Disputed
        } else {
            Left::Nothing
        }
    }

    /// Cells that the present reading still has to settle.
    pub fn waiting(&self) -> impl Iterator<Item = FieldRef> + '_ {
        let round = self.state.round();
        self.asked()
            .into_iter()
            .filter(move |field| round.is_some_and(|round| !self.decisions.contains_key(&(round, field.clone()))))
    }

    /// Cells that the present reading is of, settled or not.
    #[must_use]
    pub fn asked(&self) -> Vec<FieldRef> {
        match self.state.round() {
            None => Vec::new(),
            Some(Round::First) => self.fields().filter(|f| f.needs_review).map(reference).collect(),
            // What the first reader settled, or every cell where nobody has looked.
            Some(Round::Second) => {
                let first = self.decisions.keys().filter(|(round, _)| *round == Round::First);
                let settled: Vec<FieldRef> = first.map(|(_, field)| field.clone()).collect();
                if settled.is_empty() {
                    self.fields().map(reference).collect()
                } else {
                    settled
                }
            }
            Some(Round::Adjudication) => self.differing(),
        }
    }

    /// Cells on which first and second reading differ and nobody has decided.
    fn disputed(&self) -> impl Iterator<Item = FieldRef> + '_ {
        self.differing()
            .into_iter()
            .filter(|field| !self.decisions.contains_key(&(Round::Adjudication, field.clone())))
    }

    fn differing(&self) -> Vec<FieldRef> {
        self.decisions
            .iter()
            .filter(|((round, _), _)| *round == Round::Second)
            .filter(|((_, field), second)| self.first_value(field) != second.value)
            .map(|((_, field), _)| field.clone())
            .collect()
    }

    fn fields(&self) -> impl Iterator<Item = &FieldReading> {
        self.reading.iter().flat_map(|r| r.fields.iter())
    }

    /// The machine's reading of a cell.
    #[must_use]
    pub fn machine(&self, field: &FieldRef) -> Option<&FieldReading> {
        self.fields().find(|f| f.page == field.page && f.path == field.path)
    }

    /// The word that counts on a cell: the adjudicator's before the first reader's; a second reader's only where the
    /// first said nothing.
    #[must_use]
    pub fn decision(&self, field: &FieldRef) -> Option<&Decision> {
        [Round::Adjudication, Round::First, Round::Second]
            .into_iter()
            .find_map(|round| self.decided(round, field))
    }

    /// A person's word on a cell in one reading.
    #[must_use]
    pub fn decided(&self, round: Round, field: &FieldRef) -> Option<&Decision> {
        self.decisions.get(&(round, field.clone()))
    }

    /// The form as it stands: the machine's reading with people's words in its place, checked. A cell on which two
    /// readings differ waits for a person, whatever either says.
    #[must_use]
    pub fn consolidated(&self) -> Option<FormReading> {
        let reading = self.reading.as_deref()?;
        let mut form = FormReading {
            header: reading.header.clone(),
            fields: reading.fields.clone(),
            pages: reading.pages.clone(),
            recount: reading.recount,
            signatures: reading.signatures,
            names: reading.names.clone(),
            findings: Vec::new(),
        };
        let disputed: BTreeSet<FieldRef> = if self.state == State::Adjudication {
            self.disputed().collect()
        } else {
            BTreeSet::new()
        };
        for field in &mut form.fields {
            let at = reference(field);
            if disputed.contains(&at) {
                field.needs_review = true;
            } else if let Some(decision) = self.decision(&at) {
                settle(field, decision);
            }
        }
        form.findings = check_form(&form, &CheckContext::default());
        Some(form)
    }

    /// Where the form stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The machine's reading.
    #[must_use]
    pub fn reading(&self) -> Option<&FormReading> {
        self.reading.as_deref()
    }

    /// Version of the model that read the form; empty before it was read.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the form is generated.
    #[must_use]
    pub fn demo(&self) -> bool {
        self.demo
    }

    /// Whether the file was taken in: events of a form may be there before that one.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.imported != Moment::default()
    }

    /// When the file was taken in.
    #[must_use]
    pub fn imported(&self) -> Moment {
        self.imported
    }

    /// Code and message of why the file is unreadable.
    #[must_use]
    pub fn failure(&self) -> Option<(&str, &str)> {
        self.failure
            .as_ref()
            .map(|(code, message)| (code.as_str(), message.as_str()))
    }

    /// Why the form was escalated, returned, reopened or set aside last.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The events to take back for a person's one step less: their last act if nobody acted since, the end of the review
    /// that it brought about, and what the machine asked for upon that. Latest first; empty when there is nothing that
    /// they may take back.
    #[must_use]
    pub fn to_undo(&self, by: &str) -> Vec<EventId> {
        let mut taken = Vec::new();
        for (at, step) in self.steps.iter().enumerate().rev().filter(|(_, s)| !s.undone) {
            if self.free_to_change(at, by).is_err() {
                break;
            }
            taken.push(step.id);
            if step.by != MACHINE && step.act != Act::Complete {
                break;
            }
        }
        taken
    }

    /// The events to do again for one step more: the act taken back last, with what went back together with it.
    #[must_use]
    pub fn to_redo(&self, by: &str) -> Vec<EventId> {
        let step = |id: &EventId| self.steps.iter().find(|s| s.id == *id);
        let mut stack = self.redo.iter().rev().filter_map(step).peekable();
        let mut taken: Vec<EventId> = Vec::new();
        while let Some(next) = stack.next_if(|next| {
            let own = next.by == by && (taken.is_empty() || next.act == Act::Complete);
            own || (next.by == MACHINE && !taken.is_empty())
        }) {
            taken.push(next.id);
        }
        taken
    }
}

/// The number that a person means by marks. They saw these marks; what they say is the more natural number.
#[must_use]
pub fn said(marks: [Symbol; 3]) -> Option<u16> {
    match meaning(marks) {
        Meaning::Number(votes) => Some(votes),
        Meaning::Nothing => None,
        Meaning::Doubtful { natural, .. } => Some(natural),
    }
}

/// Puts a person's word in the place of the machine's.
fn settle(field: &mut FieldReading, decision: &Decision) {
    field.marks = decision.marks;
    field.value = decision.value;
    field.confidence = 1.0;
    field.needs_review = false;
    field.reasons.clear();
}

/// Whether two readings are of the same table and have the same in every cell.
fn says_the_same(one: &FormReading, other: &FormReading) -> bool {
    let of = |reading: &FormReading| {
        let header = &reading.header;
        (
            header.mesa_id(),
            header.corporacion.value().copied(),
            header.copia.value().copied(),
        )
    };
    let cells = |reading: &FormReading| {
        let told = |field: &FieldReading| (reference(field), (field.marks, field.value));
        reading.fields.iter().map(told).collect::<BTreeMap<_, _>>()
    };
    of(one) == of(other) && cells(one) == cells(other)
}

/// Whether a person must look at the form at all.
fn doubts(reading: &FormReading) -> bool {
    reading.fields.iter().any(|f| f.needs_review)
        || reading.pages.iter().any(|p| p.needs_review)
        || reading
            .findings
            .iter()
            .any(|f| f.failed() && f.severity >= Severity::High)
}

/// The cell that a reading is of.
#[must_use]
pub fn reference(field: &FieldReading) -> FieldRef {
    FieldRef {
        page: field.page,
        path: field.path.clone(),
    }
}
