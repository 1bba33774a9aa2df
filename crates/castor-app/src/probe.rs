//! Cells with a settled answer, mixed in: the person meets each as the last doubtful cell of a form and is not told.

use crate::cells::{check, field_of, queue_item, said};
use crate::desk::rfc3339;
use crate::review::{form_view, marks_of, reasoned};
use crate::view::{CellAction, CellState, CellView, Decision, FormAction, FormView, Settings, StateName};
use crate::{AppError, Desk};
use castor_domain::checks::{CheckContext, FieldRef, Finding, check_form};
use castor_domain::draw::number;
use castor_domain::reading::{FieldReading, ReviewReason};
use castor_domain::review::{Case, Event, EventId, Moment, Probe, Recorded, Refusal, State, reference};
use castor_store::{Beside, FormLog, ProbeTask, QueueFilter, sha256};

impl Desk {
    /// The name of a settled cell that comes before the next form, when its time has come: the one that the person was
    /// given and has not dealt with, else one that the draw of their number of cells brings up.
    pub(crate) async fn known_cell(
        &self,
        settings: &Settings,
        filter: &QueueFilter,
        after: Option<&str>,
    ) -> Result<Option<String>, AppError> {
        let person = settings.person.as_str();
        while let Some(task) = self.store.open_probe(person).await? {
            if !self.is_answered(&task).await? {
                return Ok(Some(task.id).filter(|id| Some(id.as_str()) != after));
            }
            self.store.set_probe_open(&task.id, false).await?;
        }
        let done = self.store.cells_since(person, Moment(0)).await?.to_string();
        if !settings.sampling.known().draws(&[person, &done]) {
            return Ok(None);
        }
        let number = number(&settings.sampling.seed, &["form", person, &done]);
        let Some(form) = self.store.form_to_probe(filter, person, number).await? else {
            return Ok(None);
        };
        let known = self.store.case(&form).await?.known();
        let Some(at) = usize::try_from(number).ok().and_then(|n| n.checked_rem(known.len())) else {
            return Ok(None);
        };
        let cell = known[at].0.key();
        let name = [settings.sampling.seed.as_str(), &form, &cell, person].join("\n");
        let task = ProbeTask {
            id: sha256(name.as_bytes()),
            form,
            cell,
            person: person.to_owned(),
        };
        self.store.add_probe(&task, (self.clock)()).await?;
        Ok(Some(task.id))
    }

    /// Whether the person gave an answer already: at another desk, where it stayed open at this one.
    async fn is_answered(&self, task: &ProbeTask) -> Result<bool, AppError> {
        let case = self.store.case(&task.form).await?;
        let probe = case.probe_of(&task.person, &of(task)?);
        Ok(probe.is_some_and(|probe| !probe.undone))
    }

    /// The form of a settled cell as the person sees it.
    pub(crate) async fn probe_view(&self, task: &ProbeTask) -> Result<FormView, AppError> {
        let log = self.store.form_log(&task.form).await?;
        self.probe_shown(task, &log).await
    }

    async fn probe_shown(&self, task: &ProbeTask, log: &FormLog) -> Result<FormView, AppError> {
        let field = of(task)?;
        let probe = log.case.probe_of(&task.person, &field);
        let answer = probe.filter(|probe| !probe.undone);
        let machine = log
            .case
            .machine(&field)
            .ok_or_else(|| Refusal::NoSuchCell(field.clone()))?;
        let mut item = queue_item(self.store.form_row(&task.form).await?, &task.person);
        item.id.clone_from(&task.id);
        (item.state, item.doubtful, item.confidence) = match answer {
            Some(_) => (StateName::Completed, 0, 1.0),
            None => (StateName::InProgress, 1, machine.confidence),
        };
        let mut view = form_view(item, log, &task.person);
        if let Some(cell) = view.cells.iter_mut().find(|cell| cell.key == task.cell) {
            asked_for(cell, machine, answer);
        }
        view.checks = checks(&log.case, &field, answer).iter().map(check).collect();
        // What people did with other cells is there as in any form that somebody has begun.
        view.history.retain(|event| match event.event.as_str() {
            "imported" | "read" => true,
            "cell" => event.cell.as_ref() != Some(&task.cell),
            _ => false,
        });
        view.sources = self.sources_of(&task.form).await?;
        view.message = None;
        view.can_undo = answer.is_some();
        view.can_redo = probe.is_some_and(|probe| probe.undone);
        Ok(view)
    }

    /// Takes a person's answer to a settled cell.
    pub(crate) async fn answer(
        &self,
        task: &ProbeTask,
        field: &FieldRef,
        action: &CellAction,
    ) -> Result<FormView, AppError> {
        let known = of(task)?;
        if *field != known {
            return Err(Refusal::State {
                state: State::Completed,
            }
            .into());
        }
        let make = |case: &Case| -> Result<(Vec<Recorded>, Beside), AppError> {
            let marks = match action {
                CellAction::Correct { marks } => marks_of(marks)?,
                CellAction::Confirm => {
                    case.machine(field)
                        .ok_or_else(|| Refusal::NoSuchCell(field.clone()))?
                        .marks
                }
            };
            let field = field.clone();
            let event = self.event(&task.person, Event::Probe { field, marks });
            Ok((vec![event], waiting(task, false)))
        };
        let log = self.store.append_beside(&task.form, make).await?;
        self.probe_shown(task, &log).await
    }

    /// Does with a settled cell's form what a person asks. What is passed on or set aside ends the task unanswered.
    pub(crate) async fn act_on_probe(&self, task: &ProbeTask, action: &FormAction) -> Result<FormView, AppError> {
        let field = of(task)?;
        let (event, open): (fn(EventId) -> Event, bool) = match action {
            FormAction::Undo => (Event::Undone, true),
            FormAction::Redo => (Event::Redone, false),
            FormAction::Escalate { reason } => return self.left_alone(task, StateName::Escalated, reason).await,
            FormAction::Reject { reason } => return self.left_alone(task, StateName::Rejected, reason).await,
            FormAction::Complete | FormAction::Return { .. } | FormAction::Reopen { .. } | FormAction::AskSecond => {
                return Err(Refusal::Unsettled { cells: 1 }.into());
            }
        };
        let make = |case: &Case| -> Result<(Vec<Recorded>, Beside), AppError> {
            let probe = case.probe_of(&task.person, &field).ok_or(Refusal::NothingToUndo)?;
            let event = self.event(&task.person, event(probe.id));
            Ok((vec![event], waiting(task, open)))
        };
        let log = self.store.append_beside(&task.form, make).await?;
        self.probe_shown(task, &log).await
    }

    /// A task that the person passed on or set aside: no answer, as it would be of any other form.
    async fn left_alone(&self, task: &ProbeTask, state: StateName, reason: &str) -> Result<FormView, AppError> {
        let reason = reasoned(reason)?;
        self.store.set_probe_open(&task.id, false).await?;
        let mut view = self.probe_view(task).await?;
        view.item.state = state;
        view.message = Some(reason);
        Ok(view)
    }
}

/// Written with what the person did: whether the cell waits for them then.
fn waiting(task: &ProbeTask, open: bool) -> Beside {
    let id = task.id.clone();
    Beside::Probe { id, open }
}

fn of(task: &ProbeTask) -> Result<FieldRef, AppError> {
    field_of(&task.cell).ok_or_else(|| AppError::Asked(format!("\"{}\" names no cell", task.cell)))
}

/// The cell that is asked for: as a doubtful one, or with the person's own answer.
fn asked_for(cell: &mut CellView, machine: &FieldReading, answer: Option<&Probe>) {
    let Some(probe) = answer else {
        cell.state = CellState::Doubtful;
        let reasons = machine.reasons.iter().copied();
        // Of a form that the machine had accepted: it waits as one that the machine is not sure enough of.
        let reasons = reasons.chain(machine.reasons.is_empty().then_some(ReviewReason::LowConfidence));
        cell.reasons = reasons.map(|reason| reason.code().to_owned()).collect();
        cell.decision = None;
        cell.value = None;
        return;
    };
    let word = &probe.word;
    cell.state = if word.value == machine.value {
        CellState::Confirmed
    } else {
        CellState::Corrected
    };
    cell.value = word.value;
    cell.decision = Some(Decision {
        reading: said(word.marks, word.value),
        by: Some(word.by.clone()),
        at: rfc3339(word.at),
    });
}

/// The checks of the form with the person's answer, or without what is settled of the cell.
fn checks(case: &Case, field: &FieldRef, answer: Option<&Probe>) -> Vec<Finding> {
    let mut form = case.consolidated().unwrap_or_default();
    if let Some(cell) = form.fields.iter_mut().find(|cell| reference(cell) == *field) {
        cell.needs_review = answer.is_none();
        cell.value = answer.and_then(|probe| probe.word.value);
    }
    check_form(&form, &CheckContext::default())
}
