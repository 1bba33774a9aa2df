//! The pipeline as a whole.

use super::queue::{copia, corporacion};
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Payload, Success, answer};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin};
use crate::repo::{audit, file, pipeline, result};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::work::{FormsByState, PipelineOrder, PipelineState, Run as Filling, WorkerView, fill};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::PoisonError;
use utoipa::ToSchema;
use utoipa_axum::routes;

pub(super) fn routes() -> Routes {
    let manage = Access::Needs(Permission::ManagePipeline);
    Routes::new()
        .add(Access::Needs(Permission::ViewStats), Limit::Work, routes!(status))
        .add(manage, Limit::Default, routes!(start))
        .add(manage, Limit::Default, routes!(stop))
        .add(manage, Limit::Default, routes!(pause))
        .add(manage, Limit::Default, routes!(resume))
}

/// How reading goes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pipeline {
    /// How it is.
    status: PipelineState,
    /// The corporación of the run, where it is of one.
    election_type: Option<String>,
    /// The copy of the run, where it is of one.
    copy_type: Option<String>,
    /// Most readings at a time over all workers; null without such a limit.
    ocr_workers: Option<i16>,
    /// Always null: nothing is downloaded by workers here. Files are uploaded, fetched when their URL is given, or taken from
    /// the source folder.
    download_workers: Option<i16>,
    /// Jobs that wait.
    queued: i64,
    /// Jobs that a worker has.
    running: i64,
    /// Jobs whose form was read.
    completed: i64,
    /// Jobs that were given up.
    failed: i64,
    /// Files of the source folder that were taken in, and those that were not.
    source_taken: i64,
    source_refused: i64,
    /// Forms by their state in review.
    forms: BTreeMap<String, i64>,
    /// Who takes jobs.
    workers: Vec<WorkerView>,
}

async fn now(server: &Server) -> Result<Pipeline, ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let order = pipeline::read(&mut connection).await?;
    let jobs = pipeline::count(&mut connection).await?;
    let workers = pipeline::workers(&mut connection, &server.config.work.queue).await?;
    let source = file::source_count(&mut connection).await?;
    let forms = forms(server, &mut connection).await?;
    let alive = workers.iter().filter(|worker| worker.alive).count();
    Ok(Pipeline {
        status: order.shown(jobs.queued, jobs.running, alive),
        election_type: order.election_type,
        copy_type: order.copy_type,
        ocr_workers: order.ocr_workers,
        download_workers: None,
        queued: jobs.queued,
        running: jobs.running,
        completed: jobs.done,
        failed: jobs.dead,
        source_taken: source.taken,
        source_refused: source.refused,
        forms,
        workers,
    })
}

/// Forms by state: counted again when the log has grown.
async fn forms(server: &Server, connection: &mut PgConnection) -> Result<BTreeMap<String, i64>, ApiError> {
    let (_, last) = result::state(connection).await?;
    let held = || server.forms_by_state.lock().unwrap_or_else(PoisonError::into_inner);
    let counted = held().clone().filter(|counted| counted.last == last);
    if let Some(counted) = counted {
        return Ok(counted.forms);
    }
    let forms: BTreeMap<String, i64> = pipeline::forms(connection).await?.into_iter().collect();
    *held() = Some(FormsByState {
        last,
        forms: forms.clone(),
    });
    Ok(forms)
}

/// How reading goes, and who takes jobs.
#[utoipa::path(get, path = "/api/pipeline/status", tag = "pipeline", responses((status = 200, body = Success<Pipeline>)))]
async fn status(State(server): State<Server>) -> Answer<Pipeline> {
    answer(now(&server).await?)
}

/// A run: every file that no job reads yet.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Of this corporación alone, where it is known of a file.
    #[serde(default)]
    election_type: Option<String>,
    /// Of this copy alone, where it is known of a file.
    #[serde(default)]
    copy_type: Option<String>,
    /// Most readings at a time over all workers, 1 to 1000; all that there are places for when not given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    ocr_workers: Option<i16>,
    /// Taken from clients of the original, 1 to 1000, and without effect: see the answer's field.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    download_workers: Option<i16>,
}

impl Run {
    fn order(&self) -> Result<PipelineOrder, ApiError> {
        let mut check = Check::default();
        let election_type = self.election_type.as_deref();
        let election_type = election_type.and_then(|text| corporacion(&mut check, "election_type", text));
        let copy_type = self.copy_type.as_deref().and_then(|text| copia(&mut check, text));
        for (field, workers) in [
            ("ocr_workers", self.ocr_workers),
            ("download_workers", self.download_workers),
        ] {
            let fits = workers.is_none_or(|workers| (1..=1_000).contains(&workers));
            check.rule(fits, field, "is 1 to 1000");
        }
        check.done()?;
        Ok(PipelineOrder {
            state: PipelineState::Running,
            election_type,
            copy_type,
            ocr_workers: self.ocr_workers,
        })
    }
}

/// Starts a run: files that no job reads yet are queued as the queue has room, those of the source folder as they come.
#[utoipa::path(post, path = "/api/pipeline/start", tag = "pipeline", request_body = Run, responses((status = 200, body = Success<Pipeline>)))]
async fn start(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Payload(run): Payload<Run>,
) -> Answer<Pipeline> {
    let order = run.order()?;
    let before = now(&server).await?;
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let held = pipeline::hold(&mut transaction).await?;
    let goes_on = held.state == PipelineState::Running && before.queued + before.running > 0;
    if goes_on || held.state == PipelineState::Paused {
        let text = "a run is under way; stop it, or let a paused one go on with /api/pipeline/resume";
        return Err(ApiError::new(ErrorCode::AlreadyRunning, text));
    }
    note(&mut transaction, &origin, caller, &order).await?;
    transaction.commit().await?;
    server.intake.send_replace(());
    fill(&server, &order, &mut Filling::default()).await?;
    answer(now(&server).await?)
}

/// Writes an order and that it was given.
async fn note(
    connection: &mut PgConnection,
    origin: &Origin,
    caller: Caller,
    order: &PipelineOrder,
) -> Result<(), ApiError> {
    pipeline::write(connection, order, caller.user).await?;
    let detail = json!({
        "state": order.state, "election_type": order.election_type, "copy_type": order.copy_type,
        "ocr_workers": order.ocr_workers,
    });
    let action = Action::PipelineChanged;
    audit::write(connection, Some(origin), Some(caller.user), action, None, detail).await?;
    Ok(())
}

/// Changes the state where it is one of those given.
async fn change(
    server: &Server,
    origin: &Origin,
    caller: Caller,
    from: &[PipelineState],
    to: PipelineState,
) -> Answer<Pipeline> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let mut order = pipeline::hold(&mut transaction).await?;
    if !from.contains(&order.state) {
        let text = "the pipeline is not in a state for this; /api/pipeline/status says how it is";
        return Err(ApiError::new(ErrorCode::PipelineNotRunning, text));
    }
    order.state = to;
    note(&mut transaction, origin, caller, &order).await?;
    transaction.commit().await?;
    answer(now(server).await?)
}

/// Ends the run: no job is taken until it is started again. Readings under way are finished.
#[utoipa::path(post, path = "/api/pipeline/stop", tag = "pipeline", responses((status = 200, body = Success<Pipeline>)))]
async fn stop(State(server): State<Server>, origin: Origin, caller: Caller) -> Answer<Pipeline> {
    let from = [PipelineState::Idle, PipelineState::Running, PipelineState::Paused];
    change(&server, &origin, caller, &from, PipelineState::Stopped).await
}

/// Holds the run: no job is taken until it goes on. Readings under way are finished.
#[utoipa::path(post, path = "/api/pipeline/pause", tag = "pipeline", responses((status = 200, body = Success<Pipeline>)))]
async fn pause(State(server): State<Server>, origin: Origin, caller: Caller) -> Answer<Pipeline> {
    let from = [PipelineState::Idle, PipelineState::Running];
    change(&server, &origin, caller, &from, PipelineState::Paused).await
}

/// Lets a paused run go on.
#[utoipa::path(post, path = "/api/pipeline/resume", tag = "pipeline", responses((status = 200, body = Success<Pipeline>)))]
async fn resume(State(server): State<Server>, origin: Origin, caller: Caller) -> Answer<Pipeline> {
    change(
        &server,
        &origin,
        caller,
        &[PipelineState::Paused],
        PipelineState::Running,
    )
    .await
}
