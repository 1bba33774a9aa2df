//! Files that are queued to be read, and the jobs that read them.

use super::user::limit;
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Params, Payload, Segment, Success, answer, answer_with};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin};
use crate::repo::audit;
use crate::repo::file::{self, Place};
use crate::repo::job::{self as jobs, GivenUp, JobFilter, Wish};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::work::{Job, JobPriority, JobState, model};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use castor_domain::codes::{DepartamentoCode, MesaCode, MunicipioCode, PuestoCode, ZonaCode};
use castor_domain::form::{Copia, Corporacion};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    let process = Access::Needs(Permission::ProcessE14);
    let manage = Access::Needs(Permission::ManagePipeline);
    Routes::new()
        .add(process, Limit::Work, routes!(table))
        .add(manage, Limit::Work, routes!(department))
        .add(process, Limit::Work, routes!(list))
        .add(process, Limit::Work, routes!(one))
        .add(manage, Limit::Work, routes!(retry))
        .add(manage, Limit::Work, routes!(retry_all))
        .add(manage, Limit::Work, routes!(discard))
}

/// Files of one table at most: its corporaciones by three copies.
const OF_A_TABLE: i64 = 100;
/// Jobs that one request lets wait again.
const AT_ONCE: i64 = 1_000;
/// When to come back to a full queue.
const COME_BACK: Duration = Duration::from_secs(30);

/// A code of a place: a text, or a number without the zeros before it.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "a code is a text or a whole number")]
enum PlaceCode {
    Text(String),
    Number(u32),
}

impl PlaceCode {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.trim().into(),
            Self::Number(number) => number.to_string().into(),
        }
    }
}

/// Which table. Zeros may be missing before a code, or be more than the form prints.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableWish {
    /// Two digits, as the Registraduría numbers departments.
    #[serde(alias = "dept_code")]
    department_code: PlaceCode,
    /// Three digits, as the Registraduría numbers municipalities; also behind those of the department, unless it could be a
    /// number of DANE.
    #[serde(alias = "muni_code")]
    municipality_code: PlaceCode,
    /// One or two digits.
    zone_code: PlaceCode,
    /// Two digits, or a capital and a digit.
    station_code: PlaceCode,
    /// One to three digits.
    #[serde(alias = "table_number")]
    table_code: PlaceCode,
    /// Of this corporación alone.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    corporacion: Option<String>,
    /// Of this copy alone.
    #[serde(default)]
    copy_type: Option<String>,
    /// `NORMAL` when not given.
    #[serde(default = "normal")]
    priority: JobPriority,
    /// Read again what the model has read before.
    #[serde(default)]
    force_reprocess: bool,
}

fn normal() -> JobPriority {
    JobPriority::Normal
}

fn low() -> JobPriority {
    JobPriority::Low
}

/// Which department.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DepartmentWish {
    /// Two digits, as the Registraduría numbers departments.
    #[serde(alias = "dept_code")]
    department_code: PlaceCode,
    /// Of this corporación alone.
    #[serde(default)]
    corporacion: Option<String>,
    /// Of this copy alone.
    #[serde(default)]
    copy_type: Option<String>,
    /// `LOW` when not given.
    #[serde(default = "low")]
    priority: JobPriority,
    /// Must be true.
    #[serde(default)]
    confirm: bool,
}

/// A job of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queued {
    /// Its id.
    job_id: Uuid,
    /// SHA-256 of its file.
    sha256: String,
    /// Where it stands.
    state: JobState,
}

/// What was queued.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueuedFiles {
    /// Files that are known of the place.
    files: i64,
    /// The first of the jobs, for clients that expect one.
    job_id: Option<Uuid>,
    /// Their jobs, as far as they are queued or have been. Each says where it stands: what is done, given up or discarded is
    /// not read again.
    jobs: Vec<Queued>,
    /// Files for which the queue had no room; ask again for them.
    left: i64,
}

impl QueuedFiles {
    fn of(files: i64, jobs: Vec<Queued>, left: usize) -> Self {
        Self {
            files,
            job_id: jobs.first().map(|job| job.job_id),
            jobs,
            left: i64::try_from(left).unwrap_or(i64::MAX),
        }
    }
}

/// What was found, or the problem of its field.
fn found<T>(check: &mut Check, field: &str, found: Result<T, impl Display>) -> Option<T> {
    found.map_err(|error| check.breaks(field, &error.to_string())).ok()
}

/// A code as the form prints it.
pub(super) fn code<T: FromStr<Err: Display> + Display>(check: &mut Check, field: &str, text: &str) -> Option<String> {
    found(check, field, text.parse::<T>()).map(|code| code.to_string())
}

/// A code without the zeros that stand before more characters than the form prints.
fn unpadded(text: &str, printed: usize) -> &str {
    let more = text.len().saturating_sub(printed);
    let zeros = text.bytes().take(more).take_while(|byte| *byte == b'0').count();
    &text[zeros..]
}

/// The first two digits of DANE's numbers of municipalities, which are those of its departments.
const DANE: [&str; 33] = [
    "05", "08", "11", "13", "15", "17", "18", "19", "20", "23", "25", "27", "41", "44", "47", "50", "52", "54", "63",
    "66", "68", "70", "73", "76", "81", "85", "86", "88", "91", "94", "95", "97", "99",
];

/// The code of a municipality, alone or behind that of its department. A number of DANE has five digits too, and means
/// another place: what may be one is not taken for ours.
fn municipality(departamento: Option<&str>, given: &str) -> Result<String, String> {
    let code = unpadded(given, MunicipioCode::LENGTH);
    if code.len() <= MunicipioCode::LENGTH {
        return parsed(code);
    }
    let full = format!("{code:0>5}");
    let ours = departamento.filter(|departamento| !DANE.contains(departamento));
    match ours.and_then(|departamento| full.strip_prefix(departamento)) {
        Some(rest) if rest.len() == MunicipioCode::LENGTH => parsed(rest),
        Some(_) | None => Err(format!(
            "has three digits, as the Registraduría numbers municipalities and the form prints them; {given:?} may be a number of DANE"
        )),
    }
}

fn parsed(code: &str) -> Result<String, String> {
    let code: Result<MunicipioCode, _> = code.parse();
    code.map(|code| code.to_string()).map_err(|error| error.to_string())
}

/// What is elected, also under the names of the original.
pub(super) fn elected(text: &str) -> Result<Corporacion, <Corporacion as FromStr>::Err> {
    match text.trim().to_ascii_uppercase().as_str() {
        "PRESIDENCIA" => Ok(Corporacion::Presidente),
        "GOBERNACION" => Ok(Corporacion::Gobernador),
        "ALCALDIA" => Ok(Corporacion::Alcalde),
        name => name.parse(),
    }
}

pub(super) fn corporacion(check: &mut Check, field: &str, text: &str) -> Option<String> {
    found(check, field, elected(text)).map(|one| one.name().to_owned())
}

/// Which copy.
pub(super) fn copia(check: &mut Check, text: &str) -> Option<String> {
    found(check, "copy_type", text.parse::<Copia>()).map(|one| one.name().to_owned())
}

fn kinds(check: &mut Check, what: Option<&str>, which: Option<&str>) -> (Option<String>, Option<String>) {
    (
        what.and_then(|text| corporacion(check, "corporacion", text)),
        which.and_then(|text| copia(check, text)),
    )
}

impl TableWish {
    fn place(&self) -> Result<Place, ApiError> {
        let mut check = Check::default();
        let (corporacion, copia) = kinds(&mut check, self.corporacion.as_deref(), self.copy_type.as_deref());
        let departamento = code::<DepartamentoCode>(&mut check, "department_code", &self.department_code.text());
        let municipio = municipality(departamento.as_deref(), &self.municipality_code.text());
        // Names of files write the zona with three digits, QR codes the puesto with four; forms either with two.
        let (zona, puesto) = (self.zone_code.text(), self.station_code.text());
        let (zona, puesto) = (unpadded(&zona, ZonaCode::LENGTH), unpadded(&puesto, PuestoCode::LENGTH));
        let place = Place {
            municipio: found(&mut check, "municipality_code", municipio),
            zona: code::<ZonaCode>(&mut check, "zone_code", zona),
            puesto: code::<PuestoCode>(&mut check, "station_code", puesto),
            mesa: code::<MesaCode>(&mut check, "table_code", &self.table_code.text()),
            departamento,
            corporacion,
            copia,
        };
        check.done()?;
        Ok(place)
    }
}

fn nothing(what: &str) -> ApiError {
    let text = format!("no file is known of this {what}: upload one, or put it into the source folder (E14_SOURCE)");
    ApiError::new(ErrorCode::NothingToRead, text)
}

/// Room in the queue, or `QUEUE_FULL`.
async fn room(server: &Server, connection: &mut PgConnection, wanted: i64) -> Result<i64, ApiError> {
    let limit = i64::from(server.config.work.queue.limit);
    let room = limit - jobs::waiting(connection).await?;
    if room < wanted {
        let text = format!("{limit} forms wait to be read, which is as many as may wait");
        return Err(ApiError::new(ErrorCode::QueueFull, text).retry_after(COME_BACK));
    }
    Ok(room)
}

/// Queues the forms of one table that were uploaded, that laptops sent, or that lie in the source folder.
#[utoipa::path(post, path = "/api/queue/table", tag = "queue", request_body = TableWish,
    responses((status = 202, body = Success<QueuedFiles>)))]
async fn table(
    State(server): State<Server>,
    caller: Caller,
    Payload(asked): Payload<TableWish>,
) -> Result<Response, ApiError> {
    let place = asked.place()?;
    let model = model(&server).await?;
    let mut connection = server.database(Service::E14)?.connection().await?;
    file::adopt(&mut connection, &place).await?;
    let found = file::of_table(&mut connection, &place, &model, OF_A_TABLE).await?;
    if found.is_empty() {
        return Err(nothing("table"));
    }
    let new = found.iter().filter(|f| !f.queued || asked.force_reprocess).count();
    if new > 0 {
        room(&server, &mut connection, i64::try_from(new).unwrap_or(i64::MAX)).await?;
    }
    let files: Vec<String> = found.into_iter().map(|f| f.sha256).collect();
    let wish = Wish {
        model: &model,
        priority: asked.priority,
        account: caller.user,
        force: asked.force_reprocess,
    };
    let queued = enqueue(&server, &mut connection, &files, &wish).await?;
    let files = i64::try_from(queued.len()).unwrap_or(i64::MAX);
    Ok(answer_with(StatusCode::ACCEPTED, QueuedFiles::of(files, queued, 0)))
}

async fn enqueue(
    server: &Server,
    connection: &mut PgConnection,
    files: &[String],
    wish: &Wish<'_>,
) -> Result<Vec<Queued>, ApiError> {
    let wanted = jobs::enqueue(connection, files, wish, &server.config.work.queue).await?;
    let queued = wanted.into_iter().map(|one| Queued {
        job_id: one.id,
        sha256: one.sha256,
        state: one.state,
    });
    Ok(queued.collect())
}

/// Queues the forms of a department that no job reads yet, as far as the queue has room.
#[utoipa::path(post, path = "/api/queue/department", tag = "queue", request_body = DepartmentWish,
    responses((status = 202, body = Success<QueuedFiles>)))]
async fn department(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Payload(asked): Payload<DepartmentWish>,
) -> Result<Response, ApiError> {
    let mut check = Check::default();
    let (corporacion, copia) = kinds(&mut check, asked.corporacion.as_deref(), asked.copy_type.as_deref());
    let place = Place {
        departamento: code::<DepartamentoCode>(&mut check, "department_code", &asked.department_code.text()),
        corporacion,
        copia,
        ..Place::default()
    };
    check.done()?;
    if !asked.confirm {
        let text = "a department has thousands of forms; say `confirm: true` to have them read";
        return Err(ApiError::new(ErrorCode::ConfirmationRequired, text));
    }
    let model = model(&server).await?;
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let mut found = file::of_department(&mut transaction, &place, &model).await?;
    if found.all == 0 {
        return Err(nothing("department"));
    }
    let unqueued = found.unqueued.len();
    let mut queued = Vec::new();
    if unqueued > 0 {
        let room = room(&server, &mut transaction, 1).await?;
        found.unqueued.truncate(usize::try_from(room).unwrap_or(0));
        let wish = Wish {
            model: &model,
            priority: asked.priority,
            account: caller.user,
            force: false,
        };
        queued = enqueue(&server, &mut transaction, &found.unqueued, &wish).await?;
    }
    let detail = json!({ "department": place.departamento, "queued": queued.len() });
    let (account, action) = (Some(caller.user), Action::DepartmentQueued);
    audit::write(&mut transaction, Some(&origin), account, action, None, detail).await?;
    transaction.commit().await?;
    let left = unqueued.saturating_sub(queued.len());
    Ok(answer_with(
        StatusCode::ACCEPTED,
        QueuedFiles::of(found.all, queued, left),
    ))
}

/// Which jobs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this state alone; `DEAD` are those that were given up.
    status: Option<JobState>,
    /// Those of this department alone.
    dept: Option<String>,
    /// The id of the last one of the page before.
    before: Option<Uuid>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// Jobs, the newest first.
#[utoipa::path(get, path = "/api/queue/jobs", tag = "queue", params(Which), responses((status = 200, body = Success<Vec<Job>>)))]
async fn list(State(server): State<Server>, Params(which): Params<Which>) -> Answer<Vec<Job>> {
    let mut check = Check::default();
    let departamento = which.dept.as_deref();
    let departamento = departamento.and_then(|text| code::<DepartamentoCode>(&mut check, "dept", text));
    check.done()?;
    let filter = JobFilter {
        state: which.status,
        departamento: departamento.as_deref(),
        before: which.before,
        limit: limit(which.limit),
    };
    let mut connection = server.database(Service::E14)?.connection().await?;
    answer(jobs::list(&mut connection, &filter).await?)
}

/// One job.
#[utoipa::path(get, path = "/api/queue/jobs/{id}", tag = "queue", params(("id" = Uuid, Path)), responses((status = 200, body = Success<Job>)))]
async fn one(State(server): State<Server>, Segment(id): Segment<Uuid>) -> Answer<Job> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let job = jobs::one(&mut connection, id).await?;
    answer(job.ok_or_else(|| ApiError::not_found("job"))?)
}

/// Lets a job that was given up wait again, with all its attempts, also one that was discarded.
#[utoipa::path(post, path = "/api/queue/jobs/{id}/retry", tag = "queue", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Job>)))]
async fn retry(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
) -> Answer<Job> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let waits = jobs::retry(&mut transaction, id, &server.config.work.queue).await?;
    let job = jobs::one(&mut transaction, id)
        .await?
        .ok_or_else(|| ApiError::not_found("job"))?;
    if !waits {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            "only a job that was given up is tried again",
        ));
    }
    let (account, action) = (Some(caller.user), Action::JobRetried);
    audit::write(&mut transaction, Some(&origin), account, action, Some(id), json!({})).await?;
    transaction.commit().await?;
    answer(job)
}

/// Which jobs of those that were given up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryWish {
    /// Those that ended with this code alone, such as `OBJ_003`.
    #[serde(default)]
    code: Option<String>,
    /// Those of this department alone.
    #[serde(default, alias = "dept_code")]
    department_code: Option<PlaceCode>,
}

/// What waits again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Retried {
    /// Jobs that wait again.
    retried: i64,
    /// Jobs of these that are still given up; ask again for them.
    left: i64,
}

/// Lets jobs that were given up wait again, as far as the queue has room and at most a thousand at a time.
#[utoipa::path(post, path = "/api/queue/jobs/retry", tag = "queue", request_body = RetryWish,
    responses((status = 200, body = Success<Retried>)))]
async fn retry_all(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Payload(asked): Payload<RetryWish>,
) -> Answer<Retried> {
    let mut check = Check::default();
    check.optional_text("code", asked.code.as_deref(), 20);
    let departamento = asked.department_code.as_ref();
    let departamento =
        departamento.and_then(|given| code::<DepartamentoCode>(&mut check, "department_code", &given.text()));
    check.done()?;
    let which = GivenUp {
        code: asked.code.as_deref(),
        departamento: departamento.as_deref(),
    };
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let given_up = jobs::given_up(&mut transaction, &which).await?;
    if given_up == 0 {
        return answer(Retried { retried: 0, left: 0 });
    }
    let limit = room(&server, &mut transaction, 1).await?.min(AT_ONCE);
    let retried = jobs::retry_all(&mut transaction, &which, limit, &server.config.work.queue).await?;
    let detail = json!({ "code": which.code, "department": which.departamento, "queued": retried });
    let (account, action) = (Some(caller.user), Action::JobsRetried);
    audit::write(&mut transaction, Some(&origin), account, action, None, detail).await?;
    transaction.commit().await?;
    let retried = i64::try_from(retried).unwrap_or(i64::MAX);
    answer(Retried {
        retried,
        left: given_up.saturating_sub(retried).max(0),
    })
}

/// Sets a job aside that was given up: it does not stand among these any more, and neither a run nor a request for its file
/// queues it again for the same model. `retry` and `force_reprocess` do.
#[utoipa::path(post, path = "/api/queue/jobs/{id}/discard", tag = "queue", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Job>)))]
async fn discard(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
) -> Answer<Job> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let discarded = jobs::discard(&mut transaction, id).await?;
    let job = jobs::one(&mut transaction, id)
        .await?
        .ok_or_else(|| ApiError::not_found("job"))?;
    if !discarded {
        let text = "only a job that was given up is discarded";
        return Err(ApiError::new(ErrorCode::Conflict, text));
    }
    let (account, action) = (Some(caller.user), Action::JobDiscarded);
    audit::write(&mut transaction, Some(&origin), account, action, Some(id), json!({})).await?;
    transaction.commit().await?;
    answer(job)
}
