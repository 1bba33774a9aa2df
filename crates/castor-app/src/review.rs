//! The review of a form: what is shown, and what a person does.

use crate::cells::{cells, check, field_of, header, queue_item, symbol};
use crate::log::history;
use crate::view::{
    CellAction, FormAction, FormView, PageView, QueueItem, QueueOrder, QueuePage, QueueQuery, SamplingSettings,
};
use crate::{AppError, Desk};
use castor_domain::checks::{CheckContext, Severity, check_form};
use castor_domain::reading::FormReading;
use castor_domain::review::{Act, Case, Event, MACHINE, Moment, Recorded, Refusal, Sight, State, reference};
use castor_domain::symbol::Symbol;
use castor_store::{FormLog, Order, QueueFilter};
use castor_vision::input::{Document, Limits};
use std::io::Cursor;

/// Most forms of one stretch of the queue.
const STRETCH: u32 = 500;

/// The store's filter of a query at a moment.
pub(crate) fn filter(query: &QueueQuery, now: Moment) -> QueueFilter {
    let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    QueueFilter {
        states: query.states.iter().map(crate::cells::word).collect(),
        reasons: query.reasons.iter().map(crate::cells::word).collect(),
        corporacion: some(&query.corporacion),
        copia: some(&query.copia),
        codes: [
            some(&query.departamento),
            some(&query.municipio),
            some(&query.zona),
            some(&query.puesto),
            some(&query.mesa),
        ],
        search: query.search.clone(),
        reader: None,
        lent: query.lent.then_some(now),
    }
}

impl From<QueueOrder> for Order {
    fn from(order: QueueOrder) -> Self {
        match order {
            QueueOrder::Priority => Self::Priority,
            QueueOrder::Uncertainty => Self::Uncertainty,
            QueueOrder::Impact => Self::Impact,
            QueueOrder::Table => Self::Table,
        }
    }
}

impl Desk {
    /// A stretch of the queue.
    pub(crate) async fn queue(&self, query: &QueueQuery) -> Result<QueuePage, AppError> {
        let limit = query.limit.clamp(1, STRETCH);
        let (total, rows) = self
            .store
            .queue(&filter(query, (self.clock)()), query.order.into(), query.offset, limit)
            .await?;
        let person = self.settings().await?.person;
        Ok(QueuePage {
            total: u32::try_from(total).unwrap_or(u32::MAX),
            items: rows.into_iter().map(|row| queue_item(row, &person)).collect(),
        })
    }

    /// The next form that waits for this person: the one behind `after` in the query's order, else the first. Now and
    /// then a settled cell of another form comes before it.
    pub(crate) async fn next(&self, query: &QueueQuery, after: Option<&str>) -> Result<Option<String>, AppError> {
        let settings = self.settings().await?;
        let mut filter = filter(query, (self.clock)());
        filter.reader = Some(settings.person.clone());
        filter.states = State::ALL
            .into_iter()
            .filter(|s| s.waits())
            .map(|s| s.name().to_owned())
            .filter(|name| query.states.is_empty() || filter.states.contains(name))
            .collect();
        if filter.states.is_empty() {
            return Ok(None);
        }
        let Some(next) = self.store.behind(&filter, query.order.into(), after).await? else {
            return Ok(None);
        };
        // Only before a real form: where nothing waits, nothing comes.
        let known = self.known_cell(&settings, &filter, after).await?;
        Ok(Some(known.unwrap_or(next)))
    }

    /// A form on the review screen.
    pub(crate) async fn form(&self, id: &str) -> Result<FormView, AppError> {
        if let Some(task) = self.store.probe(id).await? {
            return self.probe_view(&task).await;
        }
        let log = self.store.form_log(id).await?;
        self.shown(id, &log).await
    }

    async fn shown(&self, id: &str, log: &FormLog) -> Result<FormView, AppError> {
        let person = self.settings().await?.person;
        let item = queue_item(self.store.form_row(id).await?, &person);
        let mut view = form_view(item, log, &person);
        view.sources = self.sources_of(id).await?;
        if let Some(form) = log.case.seen_by(&person)
            && log.case.sight(&person) != Sight::Blind
        {
            let seen = self.store.seen_sheets(id, log.case.demo(), &form).await?;
            let context = CheckContext {
                seen: Some(&seen),
                ..CheckContext::default()
            };
            view.checks = check_form(&form, &context).iter().map(check).collect();
        }
        Ok(view)
    }

    /// Confirms or corrects a cell. A form with nothing left to settle, and no check that fails badly, is closed by it.
    pub(crate) async fn decide(&self, id: &str, cell: &str, action: &CellAction) -> Result<FormView, AppError> {
        let field = field_of(cell).ok_or_else(|| AppError::Asked(format!("\"{cell}\" names no cell")))?;
        if let Some(task) = self.store.probe(id).await? {
            return self.answer(&task, &field, action).await;
        }
        let settings = self.settings().await?;
        let act = |act: Act| self.event(&settings.person, Event::Act(act));
        let make = |case: &Case| -> Result<Vec<Recorded>, AppError> {
            let round = case.state().round().ok_or(Refusal::State { state: case.state() })?;
            let marks = match action {
                CellAction::Confirm => case.confirmed(&field)?,
                CellAction::Correct { marks } => marks_of(marks)?,
            };
            let said = act(Act::Cell {
                field: field.clone(),
                marks,
                round,
            });
            let mut after = case.clone();
            after.apply(&said)?;
            let mut events = vec![said];
            if after.state() == State::InProgress && closes(&after) {
                events.push(act(Act::Complete));
            }
            self.ask_second(id, case, &mut events, &settings.sampling)?;
            Ok(events)
        };
        let log = self.store.append_with(id, make).await?;
        self.shown(id, &log).await
    }

    /// Does something with a whole form.
    pub(crate) async fn act(&self, id: &str, action: &FormAction) -> Result<FormView, AppError> {
        if let Some(task) = self.store.probe(id).await? {
            return self.act_on_probe(&task, action).await;
        }
        let settings = self.settings().await?;
        let person = &settings.person;
        let make = |case: &Case| -> Result<Vec<Recorded>, AppError> {
            let events = match action {
                FormAction::Undo => case.to_undo(person).into_iter().map(Event::Undone).collect(),
                FormAction::Redo => case.to_redo(person).into_iter().map(Event::Redone).collect(),
                FormAction::Escalate { reason } => vec![Event::Act(Act::Escalate(reasoned(reason)?))],
                FormAction::Return { reason } => vec![Event::Act(Act::Return(reasoned(reason)?))],
                FormAction::Reopen { reason } => vec![Event::Act(Act::Reopen(reasoned(reason)?))],
                FormAction::Reject { reason } => vec![Event::Act(Act::Reject(reasoned(reason)?))],
                FormAction::Complete => vec![Event::Act(Act::Complete)],
                FormAction::AskSecond => vec![Event::Act(Act::AskSecond)],
            };
            if events.is_empty() {
                return Err(Refusal::NothingToUndo.into());
            }
            let mut events = events.into_iter().map(|event| self.event(person, event)).collect();
            if matches!(action, FormAction::Complete) {
                self.ask_second(id, case, &mut events, &settings.sampling)?;
            }
            Ok(events)
        };
        let log = self.store.append_with(id, make).await?;
        self.shown(id, &log).await
    }

    /// Adds to events that end a form's reading, by machine or person, that a second one is asked for where it is due.
    pub(crate) fn ask_second(
        &self,
        id: &str,
        case: &Case,
        events: &mut Vec<Recorded>,
        sampling: &SamplingSettings,
    ) -> Result<(), Refusal> {
        if case.wants_second_after(events, id, &sampling.second())? {
            events.push(self.event(MACHINE, Event::Act(Act::AskSecond)));
        }
        Ok(())
    }

    /// A page of a form as PNG, at its own resolution.
    ///
    /// # Errors
    /// [`AppError`] when the form or its file is not there.
    pub async fn page_png(&self, id: &str, page: u16) -> Result<Vec<u8>, AppError> {
        // Only forms of the log: an id never becomes a path before it is known.
        let form = match self.store.probe(id).await? {
            Some(task) => task.form,
            None => self.store.form_row(id).await?.id,
        };
        self.bring(&form).await?;
        let path = self.store.blob_path(&form);
        tokio::task::spawn_blocking(move || -> Result<Vec<u8>, AppError> {
            let document = Document::open(&path, &Limits::default())?;
            let picture = document.page(page)?.gray;
            let mut bytes = Cursor::new(Vec::new());
            let encoder = image::codecs::png::PngEncoder::new_with_quality(
                &mut bytes,
                image::codecs::png::CompressionType::Fast,
                image::codecs::png::FilterType::Up,
            );
            picture
                .write_with_encoder(encoder)
                .map_err(|e| AppError::file(&path, &e))?;
            Ok(bytes.into_inner())
        })
        .await
        .map_err(|e| AppError::Cut(e.to_string()))?
    }
}

/// A form with its events as a person may see it now.
pub(crate) fn form_view(item: QueueItem, log: &FormLog, person: &str) -> FormView {
    let case = &log.case;
    let form = case.seen_by(person).unwrap_or_default();
    let sight = case.sight(person);
    let open = sight == Sight::Open;
    let message = case.message().or_else(|| case.failure().map(|(_, message)| message));
    FormView {
        header: header(&form),
        pages: pages(&form),
        cells: cells(&item.id, case, person),
        // A sum would tell a blind reader whether what they typed is what the others read.
        checks: match sight {
            Sight::Blind => Vec::new(),
            Sight::Open | Sight::Compared => form.findings.iter().map(check).collect(),
        },
        recount: form.recount,
        signatures: form.signatures,
        history: history(log, person),
        can_undo: !case.to_undo(person).is_empty(),
        can_redo: !case.to_redo(person).is_empty(),
        message: message.filter(|_| open).map(str::to_owned),
        model: case.model().to_owned(),
        sight: sight.into(),
        sources: Vec::new(),
        item,
    }
}

/// A reason as it is kept.
pub(crate) fn reasoned(reason: &str) -> Result<String, AppError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(AppError::Asked("a reason of 1 to 500 characters is needed".to_owned()));
    }
    Ok(reason.to_owned())
}

/// A page of a form, as interfaces ask for its picture.
#[derive(Debug, PartialEq, Eq)]
pub struct PageAddress {
    /// SHA-256 of the file.
    pub form: String,
    /// Page, from 1.
    pub page: u16,
}

impl PageAddress {
    /// Reads `/FORM/PAGE`; the bar between may be percent-encoded.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let path = path.trim_start_matches('/').replace("%2F", "/");
        let (form, page) = path.split_once('/')?;
        let page = page.parse().ok()?;
        Some(Self {
            form: form.to_owned(),
            page,
        })
    }
}

/// Whether nothing is left that a person should look at.
fn closes(case: &Case) -> bool {
    let Some(form) = case.consolidated() else { return false };
    let settled = case.waiting().next().is_none();
    let fails = form.findings.iter().any(|f| f.failed() && f.severity >= Severity::High);
    settled
        && !fails
        && form
            .fields
            .iter()
            .all(|f| case.decision(&reference(f)).is_some() || !f.needs_review)
}

pub(crate) fn marks_of(marks: &[String; 3]) -> Result<[Symbol; 3], AppError> {
    let one = |text: &String| symbol(text).ok_or_else(|| AppError::Asked(format!("\"{text}\" is no mark")));
    let [a, b, c] = marks;
    Ok([one(a)?, one(b)?, one(c)?])
}

fn pages(form: &FormReading) -> Vec<PageView> {
    form.pages
        .iter()
        .map(|page| PageView {
            page: page.page,
            width: page.size.0,
            height: page.size.1,
            needs_review: page.needs_review,
            notes: page.notes.clone(),
        })
        .collect()
}
