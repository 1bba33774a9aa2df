//! Review without a desk: what waits for a person, and what a person said. Corrections become events of the one log, so
//! that every desk hears of them.

use super::queue::code;
use super::sign_in::agent;
use super::user::limit;
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Params, Payload, Success, answer};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin};
use crate::repo::audit;
use crate::repo::form::{self as forms, Pending, PendingFilter};
use crate::repo::sync as log;
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::sync;
use crate::work::{announce, recorded};
use axum::extract::State;
use axum::http::HeaderMap;
use castor_domain::checks::FieldRef;
use castor_domain::codes::DepartamentoCode;
use castor_domain::review::{Act, Case, Event, EventId, Priority, Recorded, Round, Sight, State as FormState, said};
use castor_domain::symbol::Symbol;
use castor_wire::event::symbols;
use castor_wire::write;
use metrics::counter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Access::Needs(Permission::ValidateE14), Limit::Work, routes!(pending))
        .add(Access::Needs(Permission::CorrectE14), Limit::Work, routes!(submit))
}

/// Corrections of one request: every cell of the longest form.
const MOST: usize = 2_000;

/// Which forms.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`.
    priority: Option<String>,
    /// `PENDING`, `IN_PROGRESS`, `ESCALATED`, `SECOND_READING` or `ADJUDICATION`.
    status: Option<String>,
    /// Of this department alone.
    department: Option<String>,
    /// The id of the last one of the page before.
    after: Option<String>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// A form that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewItem {
    /// The form's id: SHA-256 of its file.
    review_id: String,
    /// Place of its last event; give it back with corrections, so that none is made upon what was not seen.
    version: i64,
    /// Name of its file.
    name: String,
    /// Departamento, municipio, zona, puesto and mesa.
    mesa_id: Option<String>,
    /// Names of the place, as far as known.
    location: String,
    /// Corporación.
    corporacion: Option<String>,
    /// Copy.
    copy_type: Option<String>,
    /// Why it waits.
    reasons: Vec<String>,
    /// How urgent it is.
    priority: String,
    /// Where it stands.
    status: String,
    /// Milliseconds since 1970.
    created_at: i64,
    /// Until when it should be done, milliseconds since 1970.
    due_at: i64,
    /// Lent to a laptop until then, milliseconds since 1970.
    lent_until: Option<i64>,
    /// The worst failed check.
    finding: Option<String>,
    /// Cells that wait.
    cells: Vec<ReviewCell>,
}

/// A cell that waits. While a form is read a second time nothing of the first reading, nor of the machine's, is shown; who
/// decides between two readings is shown both.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewCell {
    /// Page and path.
    cell_id: String,
    /// The field's path.
    field_key: String,
    /// Page of the file, from 1.
    page: u16,
    /// What the machine read; null where it read nothing, or where it is not shown.
    ocr_value: Option<u16>,
    /// How sure it is, 0 to 1.
    ocr_confidence: Option<f32>,
    /// The three boxes.
    raw_mark: Option<[String; 3]>,
    /// Other likely numbers with their probability.
    alternatives: Vec<Alternative>,
    /// Where two readings differ, both of them: without whose they are, in an order that says nothing.
    readings: Vec<Said>,
    /// Why it waits.
    reasons: Vec<String>,
    /// Left, top, width, height on the page image.
    bbox: Option<[u32; 4]>,
}

/// What somebody says that a cell holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Said {
    /// The number; null where nothing is written.
    value: Option<u16>,
    /// The three boxes.
    raw_mark: [String; 3],
}

impl Said {
    pub(super) fn of(marks: [Symbol; 3]) -> Self {
        Self {
            value: said(marks),
            raw_mark: marks.map(write::mark),
        }
    }
}

/// Another likely number.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alternative {
    value: Option<u16>,
    probability: f32,
}

/// Forms that wait for a person, the most urgent first.
#[utoipa::path(get, path = "/api/review/pending", tag = "review", params(Which), responses((status = 200, body = Success<Vec<ReviewItem>>)))]
async fn pending(State(server): State<Server>, Params(which): Params<Which>) -> Answer<Vec<ReviewItem>> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let mut check = Check::default();
    let departamento = which.department.as_deref();
    let departamento = departamento.and_then(|text| code::<DepartamentoCode>(&mut check, "department", text));
    let filter = PendingFilter {
        priority: which.priority.as_deref().and_then(|text| rank(&mut check, text)),
        state: which.status.as_deref().and_then(|text| waiting(&mut check, text)),
        departamento: departamento.as_deref(),
        after: which.after.as_deref(),
        limit: limit(which.limit),
    };
    if let Some(after) = filter.after
        && !log::knows(&mut connection, after).await?
    {
        check.breaks("after", "is the review_id of a form that was shown");
    }
    check.done()?;
    let rows = forms::pending(&mut connection, &filter).await?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let cases = sync::form(&mut connection, &server.cases, &ids).await?;
    let items = rows.into_iter().map(|row| {
        let cells = cases.get(&row.id).map(|folded| cells(&row.id, &folded.case));
        item(row, cells.unwrap_or_default())
    });
    let items = items.collect();
    cases.keep(&server.cases);
    answer(items)
}

fn rank(check: &mut Check, name: &str) -> Option<i16> {
    let named = |priority: &Priority| priority.name().eq_ignore_ascii_case(name);
    let priority = Priority::ALL.into_iter().find(named);
    if priority.is_none() {
        check.breaks("priority", "is CRITICAL, HIGH, MEDIUM or LOW");
    }
    priority.map(Priority::rank)
}

/// The state of this name, where a form in it waits for a person.
fn waiting(check: &mut Check, name: &str) -> Option<&'static str> {
    let states = || {
        FormState::ALL
            .into_iter()
            .filter(|state| state.waits())
            .map(FormState::name)
    };
    let state = states().find(|state| *state == name);
    if state.is_none() {
        let rule = format!("is one of {}", states().collect::<Vec<_>>().join(", "));
        check.breaks("status", &rule);
    }
    state
}

/// The name of the priority of this rank; only ranks of priorities are stored.
fn name(rank: i16) -> &'static str {
    let of_rank = |priority: &Priority| priority.rank() == rank;
    let priority = Priority::ALL.into_iter().find(of_rank);
    priority.unwrap_or(Priority::Low).name()
}

fn item(row: Pending, cells: Vec<ReviewCell>) -> ReviewItem {
    ReviewItem {
        review_id: row.id,
        version: row.version,
        name: row.name,
        mesa_id: mesa_id([row.departamento, row.municipio, row.zona, row.puesto, row.mesa]),
        location: row.place,
        corporacion: row.corporacion,
        copy_type: row.copia,
        reasons: row.reasons.split_whitespace().map(ToOwned::to_owned).collect(),
        priority: name(row.priority).to_owned(),
        status: row.state,
        created_at: row.imported_at,
        due_at: row.due_at,
        lent_until: row.lent_until,
        finding: row.finding,
        cells,
    }
}

/// The table of these codes, where all are known.
pub(super) fn mesa_id(codes: [Option<String>; 5]) -> Option<String> {
    let codes: Option<Vec<String>> = codes.into_iter().collect();
    codes.map(|codes| codes.join("-"))
}

fn cells(form: &str, case: &Case) -> Vec<ReviewCell> {
    let (blind, differs) = match case.state().round() {
        Some(Round::Second) => (true, false),
        // Beside both readings the machine's own would tell which of them is a person's.
        Some(Round::Adjudication) => (true, true),
        Some(Round::First) | None => (false, false),
    };
    let cell = |field: FieldRef| {
        let read = case.machine(&field);
        let shown = read.filter(|_| !blind);
        ReviewCell {
            cell_id: field.key(),
            field_key: field.path.to_string(),
            page: field.page,
            ocr_value: shown.and_then(|read| read.value),
            ocr_confidence: shown.map(|read| read.confidence),
            raw_mark: shown.map(|read| read.marks.map(write::mark)),
            alternatives: shown.map_or_else(Vec::new, |read| {
                let other = |(value, probability): &(Option<u16>, f32)| Alternative {
                    value: *value,
                    probability: *probability,
                };
                read.alternatives.iter().map(other).collect()
            }),
            reasons: shown.map_or_else(Vec::new, |read| {
                read.reasons.iter().map(|r| r.code().to_owned()).collect()
            }),
            readings: case
                .to_compare(form, &field)
                .filter(|_| differs)
                .map_or_else(Vec::new, |both| both.map(Said::of).into()),
            bbox: read.map(|read| [read.bbox.x, read.bbox.y, read.bbox.width, read.bbox.height]),
        }
    };
    case.waiting().map(cell).collect()
}

/// What a person said of one cell.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Correction {
    /// As in `pending`.
    cell_id: String,
    /// The number in the boxes; null where nothing is written. The number that the machine read confirms it.
    #[serde(default)]
    new_value: Option<u16>,
    /// What stands in the three boxes instead: a digit, `*` for a filler, empty for nothing.
    #[serde(default)]
    marks: Option<[String; 3]>,
    /// Anything that belongs beside it, at most 1000 characters. It is kept on the server, for those who may see the audit.
    #[serde(default)]
    notes: Option<String>,
}

/// What becomes of the form after the corrections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    /// Ends the review: no cell may wait.
    Complete,
    /// Passes it on.
    Escalate,
    /// Gives an escalated form back.
    Return,
    /// Opens a finished form again.
    Reopen,
    /// Sets it aside.
    Reject,
}

/// What a person said of a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// The form.
    review_id: String,
    /// As in `pending`.
    #[serde(default)]
    version: Option<i64>,
    /// Cells.
    #[serde(default)]
    corrections: Vec<Correction>,
    /// What becomes of the form.
    #[serde(default)]
    action: Option<Then>,
    /// Why, at most 1000 characters; needed to escalate, return, reopen and reject, where all who review see it. Otherwise it
    /// is kept as a note. `resolution_notes` is the same.
    #[serde(default, alias = "resolution_notes")]
    reason: Option<String>,
}

/// The form afterwards.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Submitted {
    review_id: String,
    /// Place of its last event.
    version: i64,
    /// Where it stands.
    status: String,
    /// Cells that still wait.
    cells: Vec<ReviewCell>,
    /// Failed checks of the form as it stands; null while it is read a second time.
    alerts_count: Option<usize>,
    /// Outcomes of the checks, run again; none while the form is read a second time, since a sum would tell what others read.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Value>,
}

/// Takes corrections and what becomes of the form, all of it or nothing. The author is the account.
#[utoipa::path(post, path = "/api/review/submit", tag = "review", request_body = Submission, responses((status = 200, body = Success<Submitted>)))]
async fn submit(
    State(server): State<Server>,
    caller: Caller,
    origin: Origin,
    headers: HeaderMap,
    Payload(said): Payload<Submission>,
) -> Answer<Submitted> {
    let form = said.review_id.clone();
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let by = log::name_of(&mut transaction, caller.user).await?;
    let stands = sync::form(&mut transaction, &server.cases, std::slice::from_ref(&form)).await?;
    let folded = stands.get(&form).ok_or_else(|| ApiError::not_found("form"))?;
    if said.version.is_some_and(|version| version != folded.version) {
        let text = "the form has changed since it was shown; look at it again";
        return Err(ApiError::new(ErrorCode::Conflict, text));
    }
    let Words { events, notes } = words(&folded.case, &said, &by)?;
    stands.keep(&server.cases);
    let ids: Vec<Uuid> = events.iter().map(|event| Uuid::from_u128(event.id.0)).collect();
    let appended = sync::append(&mut transaction, &server, &caller, &form, said.version, events).await?;
    let changed = appended.map_err(|refused| {
        let text = format!("{} {}", refused.code, refused.message);
        ApiError::new(ErrorCode::ReviewRefused, text)
    })?;
    let notes: Vec<(Uuid, &str)> = notes.iter().map(|(id, note)| (*id, note.as_str())).collect();
    log::note(&mut transaction, &notes).await?;
    let detail = json!({ "form": form, "events": ids, "agent": agent(&headers) });
    let (whence, who) = (Some(&origin), Some(caller.user));
    audit::write(&mut transaction, whence, who, Action::FormCorrected, None, detail).await?;
    transaction.commit().await?;
    let folded = changed.get(&form).ok_or_else(ApiError::internal)?;
    count(&said, &folded.case);
    let answered = submitted(&form, folded.version, &folded.case, &by);
    announce(&server, changed).await;
    answer(answered)
}

fn count(said: &Submission, case: &Case) {
    let corrections = u64::try_from(said.corrections.len()).unwrap_or_default();
    counter!("castor_corrections_total").increment(corrections);
    if said.action == Some(Then::Complete) || case.state() == FormState::Completed {
        counter!("castor_forms_validated_total").increment(1);
    }
}

/// The form afterwards, as far as who submitted may see it.
fn submitted(form: &str, version: i64, case: &Case, by: &str) -> Submitted {
    let findings = match case.sight(by) {
        Sight::Blind => None,
        Sight::Open | Sight::Compared => Some(case.seen_by(by).unwrap_or_default().findings),
    };
    Submitted {
        review_id: form.to_owned(),
        version,
        status: case.state().name().to_owned(),
        cells: cells(form, case),
        alerts_count: findings
            .as_ref()
            .map(|findings| findings.iter().filter(|finding| finding.failed()).count()),
        findings: findings.iter().flatten().map(write::finding).collect(),
    }
}

/// What was said, as events, and what stands beside some of them.
struct Words {
    events: Vec<Recorded>,
    notes: Vec<(Uuid, String)>,
}

impl Words {
    fn say(&mut self, by: &str, act: Act, note: Option<&str>) {
        let event = recorded(by, Event::Act(act));
        self.note(event.id, note);
        self.events.push(event);
    }

    fn note(&mut self, event: EventId, note: Option<&str>) {
        let Some(note) = note else { return };
        let event = Uuid::from_u128(event.0);
        match self.notes.last_mut() {
            Some((noted, text)) if *noted == event => {
                text.push('\n');
                text.push_str(note);
            }
            Some(_) | None => self.notes.push((event, note.to_owned())),
        }
    }
}

fn words(case: &Case, said: &Submission, by: &str) -> Result<Words, ApiError> {
    if said.corrections.len() > MOST {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            format!("at most {MOST} corrections at a time"),
        ));
    }
    if said.corrections.is_empty() && said.action.is_none() {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "give corrections, an action, or both",
        ));
    }
    let mut words = Words {
        events: Vec::with_capacity(said.corrections.len() + 1),
        notes: Vec::new(),
    };
    let mut check = Check::default();
    // Of a form that can take no cells the fold says so itself.
    let round = case.state().round().unwrap_or(Round::First);
    for (at, correction) in said.corrections.iter().enumerate() {
        let notes = written(
            &mut check,
            &format!("corrections[{at}].notes"),
            correction.notes.as_deref(),
        );
        match cell(case, correction) {
            Ok((field, marks)) => words.say(by, Act::Cell { field, marks, round }, notes),
            Err((field, rule)) => check.breaks(&format!("corrections[{at}].{field}"), &rule),
        }
    }
    let reason = written(&mut check, "reason", said.reason.as_deref());
    match said.action {
        None => {
            if let Some(last) = words.events.last().map(|event| event.id) {
                words.note(last, reason);
            }
        }
        Some(Then::Complete) => words.say(by, Act::Complete, reason),
        Some(action) => match act(action, reason) {
            Some(act) => words.say(by, act, None),
            None => check.breaks("reason", "is needed for this action"),
        },
    }
    check.done()?;
    Ok(words)
}

/// A text of a person as it is kept, where they wrote one.
fn written<'a>(check: &mut Check, field: &str, text: Option<&'a str>) -> Option<&'a str> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let fits = text.chars().count() <= 1_000 && !text.contains('\0');
    check.rule(fits, field, "has at most 1000 characters, U+0000 not among them");
    Some(text)
}

fn act(action: Then, reason: Option<&str>) -> Option<Act> {
    let reason = || reason.map(ToOwned::to_owned);
    match action {
        Then::Complete => Some(Act::Complete),
        Then::Escalate => reason().map(Act::Escalate),
        Then::Return => reason().map(Act::Return),
        Then::Reopen => reason().map(Act::Reopen),
        Then::Reject => reason().map(Act::Reject),
    }
}

type CellProblem = (&'static str, String);

fn cell(case: &Case, correction: &Correction) -> Result<(FieldRef, [Symbol; 3]), CellProblem> {
    let unknown = || ("cell_id", "is a page and a path, such as 1/candidato.2".to_owned());
    let (page, path) = correction.cell_id.split_once('/').ok_or_else(unknown)?;
    let field = FieldRef {
        page: page.parse().map_err(|_| unknown())?,
        path: path.parse().map_err(|_| unknown())?,
    };
    if let Some(marks) = &correction.marks {
        let marks = symbols(marks).map_err(|error| ("marks", error.to_string()))?;
        return Ok((field, marks));
    }
    let machine = case.machine(&field).map(|read| read.marks);
    let marks = match machine.filter(|marks| said(*marks) == correction.new_value) {
        Some(marks) => marks,
        None => typed(correction.new_value).ok_or_else(|| ("new_value", "is 0 to 999, or null".to_owned()))?,
    };
    Ok((field, marks))
}

/// A number as someone types it into the boxes: from the right, nothing before it.
fn typed(value: Option<u16>) -> Option<[Symbol; 3]> {
    let Some(value) = value else {
        return Some([Symbol::Blank; 3]);
    };
    if value > 999 {
        return None;
    }
    let digit = |power: u16| {
        let shown = value >= power || power == 1;
        let digit = u8::try_from(value / power % 10).unwrap_or(0);
        if shown { Symbol::Digit(digit) } else { Symbol::Blank }
    };
    Some([digit(100), digit(10), digit(1)])
}
