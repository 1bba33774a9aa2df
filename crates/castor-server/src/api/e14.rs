//! Reading one form while the asker waits.

use super::blob::note_upload;
use super::upload::{Asked, Form, MARGIN, asked};
use crate::config::Service;
use crate::envelope::{Answer, Segment, Success, answer};
use crate::error::{ApiError, ErrorCode};
use crate::guard::{Caller, Origin};
use crate::repo::file;
use crate::repo::job::{self as jobs, Taker, Wanted, Wish};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::work::{Carried, Given, Job, JobPriority, JobState, carry_out, keep_file, of_the_moment};
use axum::extract::{Request, State};
use castor_domain::checks::{CheckContext, Finding, Input, Missing, Outcome, check_form};
use castor_domain::reading::FormReading;
use castor_domain::review::Event;
use castor_ingest::Source;
use castor_wire::extraction::{Totals, as_reading, extraction, is_extraction};
use castor_wire::payload::{PayloadContext, former_name, payload};
use castor_wire::{event, parse, write};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    let needs = Access::Needs(Permission::ProcessE14);
    Routes::new()
        .add(needs, Limit::Read, routes!(process))
        .add(needs, Limit::Read, routes!(process_v2))
        .add(needs, Limit::Read, routes!(validate))
        .add(needs, Limit::Work, routes!(reading))
}

/// Between two looks at a job that another process has.
const LOOK: Duration = Duration::from_millis(250);
/// Before a form is asked for again that could not be read at the moment.
const AGAIN: Duration = Duration::from_secs(10);

/// What the checks say of a form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    /// Every check holds that the form itself allows; false when one fails; null when none fails and one could not be
    /// evaluated.
    all_passed: Option<bool>,
    /// Failed checks by severity.
    failed: BTreeMap<String, usize>,
    /// Checks for which something of the form was not read: it is not known whether they hold.
    not_evaluable: usize,
    /// Every outcome, with what it lacks, also of checks that need more than one form: docs/CHECKS.md says what each means.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Value>,
}

impl Report {
    fn of(findings: &[Finding]) -> Self {
        let mut failed = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.failed()) {
            *failed.entry(finding.severity.name().to_owned()).or_insert(0) += 1;
        }
        let not_evaluable = findings.iter().filter(|finding| unknown(finding)).count();
        let all_passed = match (failed.is_empty(), not_evaluable) {
            (false, _) => Some(false),
            (true, 0) => Some(true),
            (true, _) => None,
        };
        Self {
            all_passed,
            failed,
            not_evaluable,
            findings: findings.iter().map(write::finding).collect(),
        }
    }

    fn alerts(&self) -> usize {
        self.failed.values().sum()
    }
}

/// Whether a check could not be evaluated because of the form. One that lacks nothing but what lies beside it (another copy,
/// the E-24, the table expected, sheets of other forms) was not asked for.
fn unknown(finding: &Finding) -> bool {
    let of_the_form = |missing: &Missing| match missing {
        Missing::Input(Input::ExpectedTable | Input::SeenSheets | Input::OtherCopy | Input::E24) => false,
        Missing::Input(Input::HeaderItem(_) | Input::Serial | Input::Signatures)
        | Missing::Unread(_)
        | Missing::LeftBlank(_)
        | Missing::NotFound(_)
        | Missing::Page(_)
        | Missing::PrintedPage(_)
        | Missing::Layout(_)
        | Missing::PageCount => true,
    };
    match &finding.outcome {
        Outcome::Pass | Outcome::Fail => false,
        Outcome::NotEvaluable { missing } => missing.iter().any(of_the_form),
    }
}

/// A form as read. What was not read is null, never 0.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Processed {
    /// Always true: what fails has the error's form.
    success: bool,
    /// The job that read it; the same for the same file and model.
    extraction_id: Uuid,
    /// SHA-256 of the file: the form's id in queue and review.
    form_id: String,
    /// Departamento, municipio, zona, puesto and mesa.
    mesa_id: Option<String>,
    /// Voters by form E-11.
    total_sufragantes: Option<u16>,
    /// Ballots in the urn.
    total_urna: Option<u16>,
    /// Sum of all votes of the form, as in SUM_001; null while a row or page of it is unread.
    total_computado: Option<i64>,
    /// Ballots in the urn less the sum of votes.
    delta: Option<i64>,
    /// See `validation_report.all_passed`.
    validation_passed: Option<bool>,
    /// Failed checks.
    alerts_count: usize,
    /// Cells that a person must look at.
    fields_needing_review: usize,
    /// Version of the model.
    model_version: String,
    /// The reading as the original's extraction, version 1: docs/SERVER.md says where it differs.
    #[schema(value_type = Object)]
    extraction: Value,
    /// The reading with everything that is known of it, as `castor e14 read` gives it.
    #[schema(value_type = Object)]
    reading: Value,
    /// Outcomes of the checks.
    validation_report: Report,
    /// Always null.
    error_message: Option<String>,
}

/// A reading with what belongs to it.
struct ReadForm {
    job: Uuid,
    sha256: String,
    name: String,
    source: Source,
    model: String,
    /// How long its job took.
    took: Option<Duration>,
    form: FormReading,
}

impl ReadForm {
    /// The reading in a contract of the original.
    fn told(&self, contract: impl Fn(&FormReading, &PayloadContext<'_>) -> Value) -> Result<Value, ApiError> {
        let produced_at = OffsetDateTime::now_utc().format(&Rfc3339);
        let milliseconds = |took: Duration| u64::try_from(took.as_millis()).ok();
        let context = PayloadContext {
            sha256: &self.sha256,
            extraction_id: &self.job.to_string(),
            source: &self.name,
            source_type: Some(self.source.name()),
            object_uri: Some(&format!("/api/blobs/{}", self.sha256)),
            model: &self.model,
            produced_at: &produced_at.map_err(|_| ApiError::internal())?,
            processing_time_ms: self.took.and_then(milliseconds),
        };
        Ok(contract(&self.form, &context))
    }
}

/// Reads a form: a file as `multipart/form-data`, or the URL of one as JSON. The same file and model give the same reading.
#[utoipa::path(post, path = "/api/e14/process", tag = "e14",
    request_body(content((Asked = "application/json"), (Form = "multipart/form-data"))), responses((status = 200, body = Success<Processed>)))]
async fn process(State(server): State<Server>, caller: Caller, request: Request) -> Answer<Processed> {
    processed(&read_form(&server, caller, request).await?)
}

/// What a job read, as `process` answers it: the machine's word, whatever people have said of the form since.
#[utoipa::path(get, path = "/api/queue/jobs/{id}/reading", tag = "queue", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Processed>)))]
async fn reading(State(server): State<Server>, Segment(id): Segment<Uuid>) -> Answer<Processed> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let job = jobs::one(&mut connection, id).await?;
    let job = job.ok_or_else(|| ApiError::not_found("job"))?;
    was_read(&job)?;
    let source = file::source(&mut connection, &job.sha256).await?;
    drop(connection);
    let (model, form) = reading_of(&server, id).await?;
    processed(&ReadForm {
        job: id,
        took: took(&job),
        sha256: job.sha256,
        name: job.name,
        source: source.ok_or_else(ApiError::internal)?,
        model,
        form,
    })
}

/// Whether a job's form was read, or why not.
fn was_read(job: &Job) -> Result<(), ApiError> {
    match job.state {
        JobState::Done => Ok(()),
        JobState::Queued | JobState::Running => {
            let text = "the form waits to be read or is being read; ask again for it";
            Err(ApiError::new(ErrorCode::NotReadYet, text).retry_after(AGAIN))
        }
        JobState::Dead | JobState::Discarded => {
            let code = job.code.as_deref().unwrap_or_default();
            let message = job.message.clone().unwrap_or_default();
            Err(if of_the_moment(code) {
                let text = "the form could not be read at the moment, and its job was given up: have it retried";
                ApiError::new(ErrorCode::NotReadYet, text)
            } else {
                ApiError::new(ErrorCode::UnreadableForm, message)
            })
        }
    }
}

fn processed(read: &ReadForm) -> Answer<Processed> {
    let form = &read.form;
    let report = Report::of(&form.findings);
    let totals = Totals::of(form);
    answer(Processed {
        success: true,
        extraction_id: read.job,
        form_id: read.sha256.clone(),
        mesa_id: form.header.mesa_id().map(|mesa| mesa.to_string()),
        total_sufragantes: totals.sufragantes,
        total_urna: totals.urna,
        total_computado: totals.computado,
        delta: totals.delta(),
        validation_passed: report.all_passed,
        alerts_count: report.alerts(),
        fields_needing_review: waiting(form),
        model_version: read.model.clone(),
        extraction: read.told(extraction)?,
        reading: Value::Object(write::reading(form)),
        validation_report: report,
        error_message: None,
    })
}

fn waiting(form: &FormReading) -> usize {
    form.fields.iter().filter(|field| field.needs_review).count()
}

/// A form as the original's event bus carried it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProcessedV2 {
    /// Always true.
    success: bool,
    /// The event `ocr.completed`, schema 1.3.0. `object_uri` is the path of the file at this server.
    #[schema(value_type = Object)]
    payload: Value,
    /// In short.
    summary: Summary,
}

/// A form in short.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Summary {
    extraction_id: Uuid,
    mesa_id: Option<String>,
    /// Under the original's name, as in the payload.
    corporacion: Option<&'static str>,
    total_pages: usize,
    ocr_fields_count: usize,
    fields_needing_review: usize,
    /// Checks that hold.
    validations_passed: usize,
    /// Checks that fail.
    validations_failed: usize,
}

/// The same reading in the shape of the original's version 2.
#[utoipa::path(post, path = "/api/e14/process-v2", tag = "e14",
    request_body(content((Asked = "application/json"), (Form = "multipart/form-data"))), responses((status = 200, body = Success<ProcessedV2>)))]
async fn process_v2(State(server): State<Server>, caller: Caller, request: Request) -> Answer<ProcessedV2> {
    let read = read_form(&server, caller, request).await?;
    let form = &read.form;
    let payload = read.told(payload)?;
    let outcomes = |name: &str| form.findings.iter().filter(|f| f.outcome.name() == name).count();
    let summary = Summary {
        extraction_id: read.job,
        mesa_id: form.header.mesa_id().map(|mesa| mesa.to_string()),
        corporacion: form.header.corporacion.value().copied().map(former_name),
        total_pages: form.pages.len(),
        ocr_fields_count: form.fields.len(),
        fields_needing_review: waiting(form),
        validations_passed: outcomes("pass"),
        validations_failed: outcomes("fail"),
    };
    answer(ProcessedV2 {
        success: true,
        payload,
        summary,
    })
}

/// What is checked: a reading, or a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Validated {
    /// Whether the file may be read, or as `validation_report.all_passed` says of the reading: null where it is not known.
    valid: Option<bool>,
    /// The file, where one was given; nothing of it is kept.
    file: Option<ValidFile>,
    /// The table of the reading.
    mesa_id: Option<String>,
    /// The checks of the reading, where one was given.
    validation_report: Option<Report>,
}

/// A file that may be read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ValidFile {
    sha256: String,
    bytes: u64,
    pages: u16,
}

/// Runs the checks on a reading (`{"extraction": …}`, as `process` gives it as `extraction` or `reading`, also after a correction
/// in it), or looks a file over.
#[utoipa::path(post, path = "/api/e14/validate", tag = "e14",
    request_body(content((Asked = "application/json"), (Form = "multipart/form-data"))), responses((status = 200, body = Success<Validated>)))]
async fn validate(State(server): State<Server>, request: Request) -> Answer<Validated> {
    let _place = server.uploads.try_acquire().map_err(|_| busy())?;
    let mut asked = asked(&server, request).await?;
    if let Some(mut given) = asked.extraction.take() {
        if is_extraction(&given) {
            given = as_reading(&given);
        }
        let problem = |error: parse::ReadingFileError| ApiError::new(ErrorCode::InvalidRequest, error.to_string());
        let form = parse::reading(&given.to_string()).map_err(problem)?;
        let findings = check_form(&form, &CheckContext::default());
        let report = Report::of(&findings);
        return answer(Validated {
            valid: report.all_passed,
            file: None,
            mesa_id: form.header.mesa_id().map(|mesa| mesa.to_string()),
            validation_report: Some(report),
        });
    }
    let file = asked.file(&server).await?;
    let (_, facts) = server.readers.look(&file.from.name, file.bytes.to_vec()).await?;
    answer(Validated {
        valid: Some(true),
        file: Some(ValidFile {
            sha256: facts.sha256,
            bytes: facts.bytes,
            pages: facts.pages,
        }),
        mesa_id: None,
        validation_report: None,
    })
}

fn busy() -> ApiError {
    ApiError::new(ErrorCode::QueueFull, "many files are being taken in; try again shortly")
        .retry_after(Duration::from_secs(2))
}

/// Takes the file in, has it read, and waits for it.
async fn read_form(server: &Server, caller: Caller, request: Request) -> Result<ReadForm, ApiError> {
    let began = Instant::now();
    let place = server.uploads.try_acquire().map_err(|_| busy())?;
    let origin = request.extensions().get::<Origin>().cloned();
    let asked = asked(server, request).await?;
    let force = asked.force_reprocess;
    let mut file: Given = asked.file(server).await?;
    file.account = Some(caller.user);
    let facts = keep_file(server, &file, None).await?;
    note_upload(server, origin.as_ref(), caller, &facts.sha256).await?;
    drop(place);
    let (name, source) = (file.from.name, file.from.source);
    let reader = server.readers.reader().await?;
    let model = reader.model_version();
    let wish = Wish {
        model,
        priority: JobPriority::Urgent,
        account: caller.user,
        force,
    };
    let wanted = enqueue_one(server, &facts.sha256, &wish).await?;
    let job = wanted.id;
    let patience = server.config.request_timeout.saturating_sub(MARGIN + began.elapsed());
    settle(server, wanted, model, patience.max(LOOK)).await?;
    if force {
        taken(server, job).await?;
    }
    let (model, form) = reading_of(server, job).await?;
    let ended = job_of(server, job).await?;
    Ok(ReadForm {
        job,
        took: took(&ended),
        sha256: facts.sha256,
        name,
        source,
        model,
        form,
    })
}

async fn enqueue_one(server: &Server, sha256: &str, wish: &Wish<'_>) -> Result<Wanted, ApiError> {
    let rules = &server.config.work.queue;
    let mut connection = server.database(Service::E14)?.connection().await?;
    let files = [sha256.to_owned()];
    let wanted = jobs::enqueue(&mut connection, &files, wish, rules).await?;
    wanted.into_iter().next().ok_or_else(ApiError::internal)
}

/// Waits until a job has ended: this process takes it where it can.
async fn settle(server: &Server, wanted: Wanted, model: &str, patience: Duration) -> Result<(), ApiError> {
    let settled = async {
        let mut state = wanted.state;
        loop {
            match state {
                JobState::Done => return Ok(()),
                JobState::Dead => return Err(dead(server, wanted.id).await?),
                JobState::Discarded => return Err(discarded()),
                JobState::Queued => {
                    if let Some(carried) = carry(server, wanted.id, model).await? {
                        return outcome(carried);
                    }
                }
                JobState::Running => tokio::time::sleep(LOOK).await,
            }
            let mut connection = server.database(Service::E14)?.connection().await?;
            let job = jobs::one(&mut connection, wanted.id).await?;
            drop(connection);
            let job = job.ok_or_else(ApiError::internal)?;
            state = job.state;
            if state == JobState::Queued && job.next_at.is_some() {
                return Err(later("the form could not be read now; it is tried again by itself"));
            }
        }
    };
    let late = |_| {
        let text = format!(
            "the form is still being read as job {}; ask again for the result",
            wanted.id
        );
        ApiError::new(ErrorCode::Timeout, text)
    };
    tokio::time::timeout(patience, settled).await.map_err(late)?
}

/// Takes a job and carries it out, to its end also when the asker goes away; none when another process was quicker.
async fn carry(server: &Server, id: Uuid, model: &str) -> Result<Option<Carried>, ApiError> {
    let taker = Taker {
        worker: server.worker,
        model,
    };
    let mut connection = server.database(Service::E14)?.connection().await?;
    let taken = jobs::take_one(&mut connection, id, &taker, &server.config.work.queue).await?;
    drop(connection);
    let Some(claimed) = taken else { return Ok(None) };
    let server = server.clone();
    let carried = tokio::spawn(async move { carry_out(&server, &claimed).await }).await;
    carried.map_err(|_| ApiError::internal())?.map(Some)
}

fn outcome(carried: Carried) -> Result<(), ApiError> {
    match carried {
        Carried::Done | Carried::Kept => Ok(()),
        Carried::Lost => Err(ApiError::new(
            ErrorCode::Conflict,
            "another worker has this form; ask again for the result",
        )),
        Carried::Failed {
            code,
            message,
            given_up: true,
        } => Err(given_up(&code, message)),
        Carried::Failed { .. } => Err(later("the form could not be read now; it is tried again by itself")),
    }
}

/// Nobody tries it again by itself: another request does where it may help.
fn given_up(code: &str, message: String) -> ApiError {
    if of_the_moment(code) {
        later("the form could not be read now; ask again for it")
    } else {
        ApiError::new(ErrorCode::UnreadableForm, message)
    }
}

fn later(text: &str) -> ApiError {
    ApiError::new(ErrorCode::ReaderUnavailable, text).retry_after(AGAIN)
}

fn discarded() -> ApiError {
    let text = "the form could not be read, and its job was discarded; force_reprocess has it read anew";
    ApiError::new(ErrorCode::Conflict, text)
}

async fn dead(server: &Server, id: Uuid) -> Result<ApiError, ApiError> {
    let job = job_of(server, id).await?;
    Ok(given_up(&job.code.unwrap_or_default(), job.message.unwrap_or_default()))
}

/// Whether what was read anew counts: a job that is done with a message was not taken.
async fn taken(server: &Server, job: Uuid) -> Result<(), ApiError> {
    match job_of(server, job).await?.message {
        None => Ok(()),
        Some(reason) => {
            let text =
                format!("people have settled what the new reading does not have; what they said stands ({reason})");
            Err(ApiError::new(ErrorCode::Conflict, text))
        }
    }
}

/// How long the last attempt of a job took.
fn took(job: &Job) -> Option<Duration> {
    let (ended, began) = job.finished_at.zip(job.started_at)?;
    (ended - began).try_into().ok()
}

/// A job that is there.
async fn job_of(server: &Server, id: Uuid) -> Result<Job, ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    jobs::one(&mut connection, id).await?.ok_or_else(ApiError::internal)
}

/// What a job that has ended read, and by which model.
async fn reading_of(server: &Server, job: Uuid) -> Result<(String, FormReading), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let body = jobs::read_by(&mut connection, job)
        .await?
        .ok_or_else(ApiError::internal)?;
    match event::from_text(&body) {
        Ok(Event::Read { reading, model }) => Ok((model, *reading)),
        Ok(_) | Err(_) => {
            tracing::error!(%job, "the event of a job holds no reading");
            Err(ApiError::internal())
        }
    }
}
