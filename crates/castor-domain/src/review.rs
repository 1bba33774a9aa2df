//! The review of one form: what people did with it, in order, and what follows from that.
//!
//! Nothing is overwritten: every act is an event, taken back by another one. A [`Case`] is the fold of a form's events;
//! the same events give the same case however they arrive in batches. The states and their transitions are drawn in
//! docs/state-machines/review.md.

use crate::checks::{CheckContext, FieldRef, Severity, check_form};
use crate::grammar::{Meaning, meaning};
use crate::reading::{FieldReading, FormReading, ReviewReason};
use crate::symbol::Symbol;
use std::collections::BTreeMap;
use std::fmt;

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
    /// An act was taken back.
    Undone(EventId),
    /// An act that was taken back counts again.
    Redone(EventId),
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
            Event::Imported { name, demo } => {
                self.name.clone_from(name);
                self.demo = *demo;
                self.imported = recorded.at;
            }
            Event::Unreadable { code, message } => {
                self.failure = Some((code.clone(), message.clone()));
                self.replay()?;
            }
            Event::Read { reading, model } => {
                let former = (self.reading.replace(reading.clone()), self.failure.take());
                self.model.clone_from(model);
                if let Err(refusal) = self.replay() {
                    (self.reading, self.failure) = former;
                    self.replay()?;
                    return Err(refusal);
                }
            }
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
            Event::Undone(id) => {
                self.set_undone(*id, true)?;
                self.redo.push(*id);
            }
            Event::Redone(id) => {
                self.set_undone(*id, false)?;
                self.redo.retain(|other| other != id);
            }
        }
        Ok(())
    }

    fn set_undone(&mut self, id: EventId, undone: bool) -> Result<(), Refusal> {
        let step = self.steps.iter_mut().find(|s| s.id == id).ok_or(Refusal::NoSuchEvent)?;
        if step.undone == undone {
            return Err(Refusal::NothingToUndo);
        }
        step.undone = undone;
        if let Err(refusal) = self.replay() {
            if let Some(step) = self.steps.iter_mut().find(|s| s.id == id) {
                step.undone = !undone;
            }
            self.replay()?;
            return Err(refusal);
        }
        Ok(())
    }

    /// State and decisions afresh from the steps that count.
    fn replay(&mut self) -> Result<(), Refusal> {
        self.decisions.clear();
        self.message = None;
        self.state = match (&self.reading, &self.failure) {
            (Some(reading), _) if doubts(reading) => State::Pending,
            (Some(_), _) => State::Accepted,
            (None, Some(_)) => State::Unreadable,
            (None, None) => State::Waiting,
        };
        let steps = std::mem::take(&mut self.steps);
        let outcome = steps.iter().filter(|s| !s.undone).try_for_each(|s| self.take(s));
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
            let value = match meaning(*marks) {
                Meaning::Number(votes) => Some(votes),
                Meaning::Nothing => None,
                // The person saw these marks; what they say is the more natural number.
                Meaning::Doubtful { natural, .. } => Some(natural),
            };
            let decision = Decision {
                marks: *marks,
                value,
                by: step.by.clone(),
                at: step.at,
            };
            let key = (*round, field.clone());
            former = Some((key.clone(), self.decisions.insert(key, decision)));
        }
        match self.state.after(&step.act, self.left()) {
            Ok(state) => {
                self.state = state;
                match &step.act {
                    Act::Escalate(reason) | Act::Return(reason) | Act::Reopen(reason) | Act::Reject(reason) => {
                        self.message = Some(reason.clone());
                    }
                    Act::Cell { .. } | Act::AskSecond | Act::Complete => {}
                }
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
        let asked: Vec<FieldRef> = match round {
            None => Vec::new(),
            Some(Round::First) => self.fields().filter(|f| f.needs_review).map(reference).collect(),
            // What the first reader settled, or every cell where nobody has looked.
            Some(Round::Second) => {
                let settled: Vec<FieldRef> = self
                    .decisions
                    .keys()
                    .filter(|(round, _)| *round == Round::First)
                    .map(|(_, field)| field.clone())
                    .collect();
                if settled.is_empty() {
                    self.fields().map(reference).collect()
                } else {
                    settled
                }
            }
            Some(Round::Adjudication) => self.differing(),
        };
        asked
            .into_iter()
            .filter(move |field| round.is_some_and(|round| !self.decisions.contains_key(&(round, field.clone()))))
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
            .filter(|((_, field), second)| {
                let first = match self.decisions.get(&(Round::First, field.clone())) {
                    Some(decision) => decision.value,
                    None => self.machine(field).and_then(|f| f.value),
                };
                first != second.value
            })
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

    /// The form as it stands: the machine's reading with people's words in its place, checked.
    #[must_use]
    pub fn consolidated(&self) -> Option<FormReading> {
        let mut form = FormReading::clone(self.reading.as_deref()?);
        for field in &mut form.fields {
            if let Some(decision) = self.decision(&reference(field)) {
                field.marks = decision.marks;
                field.value = decision.value;
                field.confidence = 1.0;
                field.needs_review = false;
                field.reasons.clear();
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

    /// The events to take back for one step less: the last act that counts, and an end of the review that it brought
    /// about. Latest first; empty when nothing is left to take back.
    #[must_use]
    pub fn to_undo(&self) -> Vec<EventId> {
        let mut acts = self.steps.iter().rev().filter(|s| !s.undone);
        let mut taken = Vec::new();
        if let Some(last) = acts.next() {
            taken.push(last.id);
            if last.act == Act::Complete
                && let Some(before) = acts.next()
            {
                taken.push(before.id);
            }
        }
        taken
    }

    /// The event to do again next.
    #[must_use]
    pub fn to_redo(&self) -> Option<EventId> {
        self.redo.last().copied()
    }

    /// How urgent the form is, and why (CASTOR_FACTS 1.11).
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.urgency_of(&self.consolidated().unwrap_or_default())
    }

    /// The same where the form as it stands is at hand.
    #[must_use]
    pub fn urgency_of(&self, form: &FormReading) -> Urgency {
        let mut urgency = Urgency {
            priority: Priority::Low,
            reasons: Vec::new(),
            confidence: 1.0,
        };
        let mut add = |reason: QueueReason, priority: Priority| {
            if !urgency.reasons.contains(&reason) {
                urgency.reasons.push(reason);
            }
            urgency.priority = urgency.priority.min(priority);
        };
        let mut lowest = 1.0f32;
        for field in form.fields.iter().filter(|f| f.needs_review) {
            lowest = lowest.min(field.confidence);
            for reason in &field.reasons {
                match reason {
                    ReviewReason::LowConfidence => add(QueueReason::LowConfidence, of_confidence(field.confidence)),
                    ReviewReason::Overwritten | ReviewReason::FillerAfterDigit => {
                        add(QueueReason::AmbiguousDigit, Priority::High);
                    }
                    ReviewReason::Cross | ReviewReason::UnsettledMark => add(QueueReason::SpecialMark, Priority::High),
                    ReviewReason::Layout | ReviewReason::RowIdentity => {
                        add(QueueReason::ValidationFailed, Priority::Medium);
                    }
                    ReviewReason::Arithmetic => add(QueueReason::ArithmeticMismatch, Priority::High),
                }
            }
        }
        for finding in form.findings.iter().filter(|f| f.failed()) {
            match finding.code.code() {
                "OCR_001" => {}
                "BAR_001" => add(QueueReason::QrOcrMismatch, Priority::High),
                "DUP_001" => add(QueueReason::DuplicateForm, Priority::Medium),
                _ => match finding.numbers {
                    Some(numbers) if numbers.difference().abs() > 10 => {
                        add(QueueReason::ArithmeticMismatch, Priority::Critical);
                    }
                    Some(_) => add(QueueReason::ArithmeticMismatch, Priority::High),
                    None => add(QueueReason::ValidationFailed, of_severity(finding.severity)),
                },
            }
        }
        if form.pages.iter().any(|p| p.needs_review) {
            add(QueueReason::ValidationFailed, Priority::Medium);
        }
        if self.state == State::Escalated {
            add(QueueReason::ManualFlag, Priority::Low);
            urgency.priority = urgency.priority.raised();
        }
        urgency.confidence = lowest;
        urgency
    }
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

/// How soon a form should be looked at; the most urgent is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// At once.
    Critical,
    /// Soon.
    High,
    /// In its turn.
    Medium,
    /// When there is time.
    Low,
}

impl Priority {
    /// Every priority, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }

    /// Minutes in which a form of this priority should be done: those of the incidents P0 to P3.
    #[must_use]
    pub fn minutes(self) -> i64 {
        match self {
            Self::Critical => 10,
            Self::High => 15,
            Self::Medium => 30,
            Self::Low => 60,
        }
    }

    /// One level more urgent, as escalation makes it.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Critical | Self::High => Self::Critical,
            Self::Medium => Self::High,
            Self::Low => Self::Medium,
        }
    }
}

fn of_confidence(confidence: f32) -> Priority {
    match confidence {
        c if c < 0.30 => Priority::Critical,
        c if c < 0.50 => Priority::High,
        c if c < 0.70 => Priority::Medium,
        _ => Priority::Low,
    }
}

fn of_severity(severity: Severity) -> Priority {
    match severity {
        Severity::Critical => Priority::Critical,
        Severity::High => Priority::High,
        Severity::Medium => Priority::Medium,
        Severity::Low | Severity::Info => Priority::Low,
    }
}

/// Why a form is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueReason {
    /// A cell's confidence is below the threshold.
    LowConfidence,
    /// The sums do not close.
    ArithmeticMismatch,
    /// Marks that mean no number by themselves.
    SpecialMark,
    /// A digit over another, or a filler behind one.
    AmbiguousDigit,
    /// Serial and printed header differ.
    QrOcrMismatch,
    /// A sheet was seen in another form.
    DuplicateForm,
    /// Another check failed, or a page was not recognised.
    ValidationFailed,
    /// A person passed it on.
    ManualFlag,
}

impl QueueReason {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LowConfidence => "LOW_CONFIDENCE",
            Self::ArithmeticMismatch => "ARITHMETIC_MISMATCH",
            Self::SpecialMark => "SPECIAL_MARK",
            Self::AmbiguousDigit => "AMBIGUOUS_DIGIT",
            Self::QrOcrMismatch => "QR_OCR_MISMATCH",
            Self::DuplicateForm => "DUPLICATE_FORM",
            Self::ValidationFailed => "VALIDATION_FAILED",
            Self::ManualFlag => "MANUAL_FLAG",
        }
    }
}

impl fmt::Display for QueueReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How urgent a form is.
#[derive(Debug, Clone, PartialEq)]
pub struct Urgency {
    /// The most urgent of its reasons' priorities.
    pub priority: Priority,
    /// Why it is in the queue.
    pub reasons: Vec<QueueReason>,
    /// Lowest confidence of a cell that waits; 1 when none does.
    pub confidence: f32,
}
