//! Carrying out a job that was taken: the file is read, and the end of the job stands in one transaction with the events
//! that say what was read. Nothing of it counts twice, whoever has the job by then.

use super::job::Claimed;
use super::readers::ReadingProblem;
use crate::blob;
use crate::config::Service;
use crate::error::ApiError;
use crate::guard::Caller;
use crate::objects::{ContentHash, ObjectError};
use crate::repo::{job as jobs, sync as log};
use crate::role::{Permission, Role};
use crate::server::Server;
use crate::shared::Event as Told;
use crate::sync::{self, Changed, NotTaken};
use axum::body::Bytes;
use castor_domain::reading::FormReading;
use castor_domain::review::{Event, EventId, MACHINE, Moment, Recorded};
use castor_ingest::FileProblem;
use castor_vision::input::InputError;
use castor_vision::read::ReadForm;
use castor_wire::sync::ATTACHMENT;
use metrics::{counter, histogram};
use rand::RngExt;
use serde_json::json;
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use uuid::Uuid;

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// The form was read.
    Done,
    /// The form was read; people have settled what this reading does not have, and what they said stands.
    Kept,
    /// It failed and is tried again, or was given up.
    Failed {
        code: String,
        message: String,
        given_up: bool,
    },
    /// Another worker has it by now: what was read here was thrown away.
    Lost,
}

/// Why a file is not read.
struct Trouble {
    code: &'static str,
    message: String,
    /// Trying again may help.
    passing: bool,
}

impl Trouble {
    /// The cause, with its paths and addresses, belongs in the log.
    fn passing(code: &'static str, text: &str) -> Self {
        Self {
            code,
            message: format!("{code} {text}"),
            passing: true,
        }
    }

    fn of_the_file(code: &'static str, message: String) -> Self {
        Self {
            code,
            message,
            passing: false,
        }
    }
}

impl From<ReadingProblem> for Trouble {
    fn from(problem: ReadingProblem) -> Self {
        let code = problem.code();
        match problem {
            ReadingProblem::File(FileProblem::Input(InputError::PdfLibrary { .. })) | ReadingProblem::Runtime(_) => {
                tracing::error!(%problem, "forms cannot be read here");
                Self::passing(code, "a library or the model is missing or fails where it was read")
            }
            ReadingProblem::Failed => Self::passing(code, "the reader failed on this file; please report it"),
            ReadingProblem::TooLong => {
                tracing::error!(%problem, "a reading hangs");
                Self::passing(
                    code,
                    "the reader did not come to an end with this file; please report it",
                )
            }
            ReadingProblem::File(_) => Self::of_the_file(code, problem.to_string()),
        }
    }
}

impl From<ObjectError> for Trouble {
    fn from(error: ObjectError) -> Self {
        let code = error.code();
        tracing::error!(%error, "the store of files fails");
        // Nothing of it is the form's fault: the store may get the file back.
        match error {
            ObjectError::Missing(_) => Self::passing(code, "the file is not in the store of files"),
            ObjectError::Differs { .. } => Self::passing(code, "the file is damaged in the store of files"),
            ObjectError::Store(_) | ObjectError::Settings(_) | ObjectError::Source(_) => {
                Self::passing(code, "the store of files does not answer")
            }
        }
    }
}

/// The machine's word, whoever had it read.
fn machine() -> Caller {
    Caller {
        user: Uuid::nil(),
        session: Uuid::nil(),
        role: Role::Operator,
        until: u64::MAX,
    }
}

pub(crate) fn recorded(by: &str, event: Event) -> Recorded {
    let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    Recorded {
        id: EventId(Uuid::now_v7().as_u128()),
        at: Moment(i64::try_from(now).unwrap_or(i64::MAX)),
        by: by.to_owned(),
        event,
    }
}

/// What a job came to.
enum Outcome {
    Read(Box<FormReading>),
    /// The model's reading stands in the log as this event already.
    Known(Uuid),
}

/// How long the store of files has for a file: one on a disk of the network may hang.
const FETCH: Duration = Duration::from_secs(120);
/// Attempts at writing down how a job ended.
const ENDINGS: u32 = 4;
/// Before the second of them; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Carries out a job.
///
/// # Errors
/// The database does not answer: the job comes back when its lease has ended, since no sign of life is given for it any more.
pub(crate) async fn carry_out(server: &Server, claimed: &Claimed) -> Result<Carried, ApiError> {
    let _in_hand = server.in_hand.take(claimed.id);
    histogram!("castor_ocr_queue_wait_seconds").record(claimed.waited);
    let began = Instant::now();
    let read = read_once(server, claimed).await;
    histogram!("castor_ocr_duration_seconds").record(began.elapsed());
    // A reading is worth some patience with the database.
    let mut pause = FIRST_PAUSE;
    for _ in 1..ENDINGS {
        match end(server, claimed, &read).await {
            Ok(carried) => return Ok(carried),
            Err(error) => {
                tracing::warn!(job = %claimed.id, %error, "the end of a job could not be written; trying again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
    end(server, claimed, &read).await
}

/// Writes down how a job ended.
async fn end(server: &Server, claimed: &Claimed, read: &Result<Outcome, Trouble>) -> Result<Carried, ApiError> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    if !jobs::hold(&mut transaction, claimed, server.worker).await? {
        tracing::warn!(job = %claimed.id, "another worker has this job by now; what was read here does not count");
        return Ok(Carried::Lost);
    }
    let ended = match read {
        Ok(Outcome::Read(form)) => finish(&mut transaction, server, claimed, form).await?,
        Ok(Outcome::Known(event)) => {
            jobs::done(&mut transaction, claimed.id, *event).await?;
            (Carried::Done, None)
        }
        Err(trouble) => fail(&mut transaction, server, claimed, trouble).await?,
    };
    transaction.commit().await?;
    let (carried, changed) = ended;
    if let Some(changed) = changed {
        announce(server, changed).await;
    }
    if let Carried::Failed { code, given_up, .. } = &carried {
        counter!("castor_ocr_errors_total", "code" => code.clone()).increment(1);
        tracing::warn!(job = %claimed.id, code, given_up, attempt = claimed.attempt, "a form was not read");
    }
    Ok(carried)
}

/// Keeps forms that changed and tells desks and other processes of them, after the commit.
pub(crate) async fn announce(server: &Server, changed: Changed) {
    let forms = changed.forms().count();
    changed.keep(&server.cases);
    tell(server, forms).await;
}

/// Tells them how many.
pub(crate) async fn tell(server: &Server, forms: usize) {
    let event = Told {
        kind: "forms.changed".to_owned(),
        audience: Permission::ValidateE14,
        body: json!({ "forms": forms }),
    };
    server.shared.publish(&event).await;
}

/// Reads the form, unless the log has it from this model already, as of a desk.
async fn read_once(server: &Server, claimed: &Claimed) -> Result<Outcome, Trouble> {
    match known(server, claimed).await {
        Ok(Some(event)) => return Ok(Outcome::Known(event)),
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "whether the form was read before is not known; it is read"),
    }
    let read = read(server, claimed).await?;
    Ok(Outcome::Read(Box::new(read.reading)))
}

async fn known(server: &Server, claimed: &Claimed) -> Result<Option<Uuid>, ApiError> {
    if claimed.forced {
        return Ok(None);
    }
    let mut connection = server.database(Service::E14)?.connection().await?;
    let last = log::last_read(&mut connection, &claimed.sha256).await?;
    Ok(last
        .filter(|(_, model)| *model == claimed.model)
        .map(|(event, _)| event))
}

async fn read(server: &Server, claimed: &Claimed) -> Result<ReadForm, Trouble> {
    let hash: ContentHash = claimed
        .sha256
        .parse()
        .map_err(|_| Trouble::passing("OBJ_001", "the file is not named by its SHA-256"))?;
    let bytes = fetched(server, &hash).await?;
    let (document, facts) = if claimed.in_pages {
        let pages = page_files(server, &bytes).await?;
        server.readers.look_pages(&claimed.name, pages).await?
    } else {
        server.readers.look(&claimed.name, bytes.into()).await?
    };
    let form = server.readers.read(document).await?;
    count(&form.reading, facts.pages);
    Ok(form)
}

async fn fetched(server: &Server, hash: &ContentHash) -> Result<Bytes, Trouble> {
    let bytes = tokio::time::timeout(FETCH, server.objects.get(hash)).await;
    Ok(bytes.map_err(|_| Trouble::passing("OBJ_003", "the store of files does not answer"))??)
}

/// The page files of a list. Of one that is beyond the rules no more is fetched than shows it: it is refused by these.
async fn page_files(server: &Server, list: &[u8]) -> Result<Vec<Vec<u8>>, Trouble> {
    let most = usize::from(server.config.work.files.most_pages);
    let (mut files, mut room) = (Vec::new(), ATTACHMENT);
    for page in blob::pages(list).take(most.saturating_add(1)) {
        let bytes = fetched(server, &page).await?;
        let left = room.checked_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        files.push(bytes.into());
        match left {
            Some(left) => room = left,
            None => break,
        }
    }
    Ok(files)
}

fn count(form: &FormReading, pages: u16) {
    counter!("castor_ocr_pages_total").increment(pages.into());
    counter!("castor_forms_processed_total").increment(1);
    if let Some(lowest) = form.fields.iter().map(|field| field.confidence).reduce(f32::min) {
        histogram!("castor_ocr_confidence").record(f64::from(lowest));
    }
    if form.fields.iter().any(|field| field.needs_review) {
        counter!("castor_ocr_needs_review_total").increment(1);
    }
    counter!("castor_validation_executions_total").increment(1);
    for finding in form.findings.iter().filter(|finding| finding.failed()) {
        let severity = finding.severity.name();
        counter!("castor_validation_alerts_total", "code" => finding.code.code(), "severity" => severity).increment(1);
    }
}

/// Appends what was read and ends the job. What the log holds already is not said again.
async fn finish(
    connection: &mut PgConnection,
    server: &Server,
    claimed: &Claimed,
    form: &FormReading,
) -> Result<(Carried, Option<Changed>), ApiError> {
    let known = log::last_read(connection, &claimed.sha256).await?;
    if let Some((event, model)) = &known
        && *model == claimed.model
        && !claimed.forced
    {
        tracing::debug!(job = %claimed.id, model, "the form was read by this model before");
        jobs::done(connection, claimed.id, *event).await?;
        return Ok((Carried::Done, None));
    }
    let read = recorded(
        MACHINE,
        Event::Read {
            reading: Box::new(form.clone()),
            model: claimed.model.clone(),
        },
    );
    let event = Uuid::from_u128(read.id.0);
    match append(connection, server, claimed, read).await? {
        Ok(changed) => {
            jobs::done(connection, claimed.id, event).await?;
            Ok((Carried::Done, Some(changed)))
        }
        Err(refused) => Ok((not_taken(connection, claimed, refused, known).await?, None)),
    }
}

/// People settled cells that this reading does not have: their word stands with the reading that they saw, and an
/// administrator sees why.
async fn not_taken(
    connection: &mut PgConnection,
    claimed: &Claimed,
    refused: NotTaken,
    known: Option<(Uuid, String)>,
) -> Result<Carried, ApiError> {
    let NotTaken { code, message } = refused;
    let message = format!("{code} {message}");
    let failed = jobs::Failed {
        code: &code,
        message: &message,
        again: None,
    };
    if let Some((stands, _)) = known {
        tracing::warn!(job = %claimed.id, message, "what was read is not taken");
        jobs::kept(connection, claimed.id, stands, &failed).await?;
        return Ok(Carried::Kept);
    }
    jobs::failed(connection, claimed.id, &failed).await?;
    Ok(given_up(code, message))
}

fn given_up(code: String, message: String) -> Carried {
    Carried::Failed {
        code,
        message,
        given_up: true,
    }
}

/// Appends one event, and before it that the file was taken in, where the log does not know it.
async fn append(
    connection: &mut PgConnection,
    server: &Server,
    claimed: &Claimed,
    event: Recorded,
) -> Result<Result<Changed, NotTaken>, ApiError> {
    let mut events = Vec::new();
    if !log::knows(connection, &claimed.sha256).await? {
        counter!("castor_forms_received_total").increment(1);
        let (name, demo) = (claimed.name.clone(), false);
        events.push(recorded(MACHINE, Event::Imported { name, demo }));
    }
    events.push(event);
    sync::append(connection, server, &machine(), &claimed.sha256, None, events).await
}

async fn fail(
    connection: &mut PgConnection,
    server: &Server,
    claimed: &Claimed,
    trouble: &Trouble,
) -> Result<(Carried, Option<Changed>), ApiError> {
    let rules = &server.config.work.queue;
    let more = trouble.passing && u16::try_from(claimed.attempt).is_ok_and(|attempt| attempt < rules.attempts);
    let again = more.then(|| rules.pause_after(claimed.attempt, rand::rng().random::<f64>()));
    let failed = jobs::Failed {
        code: trouble.code,
        message: &trouble.message,
        again,
    };
    jobs::failed(connection, claimed.id, &failed).await?;
    let mut changed = None;
    // Desks show the form with its reason, unless it was read before.
    if !trouble.passing && log::last_read(connection, &claimed.sha256).await?.is_none() {
        let event = Event::Unreadable {
            code: trouble.code.to_owned(),
            message: trouble.message.clone(),
        };
        changed = append(connection, server, claimed, recorded(MACHINE, event))
            .await?
            .ok();
    }
    let carried = Carried::Failed {
        code: trouble.code.to_owned(),
        message: trouble.message.clone(),
        given_up: again.is_none(),
    };
    Ok((carried, changed))
}

/// How often a sign of life is given.
pub(crate) fn beat(lease: Duration) -> Duration {
    lease / 3
}
