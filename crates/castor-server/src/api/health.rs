//! Whether the server lives, whether it can work, and on what that depends.

use crate::config::Service;
use crate::database::{Database, Schema};
use crate::envelope::{Answer, Success, answer, answer_with};
use crate::objects::ContentHash;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::extract::State as Of;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use metrics::gauge;
use serde::{Deserialize, Serialize};
use std::pin::Pin;
use std::time::{Duration, Instant};
use utoipa::ToSchema;
use utoipa_axum::routes;

/// What takes longer than this to answer is not ready.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of 1000: so much of a disk that is used is too much.
const FULL: u32 = 950;

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Access::Public, Limit::None, routes!(health))
        .add(Access::Public, Limit::None, routes!(live))
        .add(Access::Public, Limit::None, routes!(ready))
        .add(Access::Public, Limit::None, routes!(dependencies))
        .add(Access::Public, Limit::None, routes!(metrics_page))
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Work goes on, with less.
    Degraded,
    /// No work can be done.
    Down,
}

/// One thing that the server depends on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Its name, such as `database:core`; `objects@e14` is what the e14 service, which runs elsewhere, depends on.
    pub name: String,
    /// How it is.
    pub state: State,
    /// What is wrong, without addresses or passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Time of its answer.
    pub milliseconds: u64,
}

/// The state of the whole.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// The worst that matters.
    status: State,
    /// The program's version.
    version: String,
    /// What runs here.
    services: Vec<String>,
    /// Seconds since the start.
    uptime: u64,
}

type Asked<'a> = Pin<Box<dyn Future<Output = Check> + Send + 'a>>;

/// What this process depends on, and how the services that run elsewhere were when they were asked last.
pub(crate) async fn checks(server: &Server) -> Vec<Check> {
    let mut checks = own_checks(server).await;
    checks.extend(server.elsewhere.checks());
    checks
}

/// Databases are needed; without the rest the work goes on. All are asked at once, so that one that hangs holds up no more than
/// itself.
pub(crate) async fn own_checks(server: &Server) -> Vec<Check> {
    let mut asked = databases(server);
    if server.config.runs(Service::E14) {
        asked.push(Box::pin(objects(server)));
        asked.push(Box::pin(reader(server)));
    }
    asked.push(Box::pin(async {
        let began = Instant::now();
        let reason = (!server.shared.alive().await).then(|| "does not answer; this process goes on alone".to_owned());
        let name = format!("shared:{}", server.shared.name());
        check(name, reason, State::Degraded, began)
    }));
    asked.push(Box::pin(disk(server)));
    join_all(asked).await
}

/// What no work can be done without.
fn databases(server: &Server) -> Vec<Asked<'_>> {
    let of_one = |(service, database): (Service, _)| -> Asked<'_> {
        Box::pin(async move {
            let began = Instant::now();
            let reason = unready(database).await;
            check(format!("database:{}", service.name()), reason, State::Down, began)
        })
    };
    server.databases().map(of_one).collect()
}

async fn objects(server: &Server) -> Check {
    let began = Instant::now();
    let looked = tokio::time::timeout(PATIENCE, server.objects.exists(&ContentHash::of(b""))).await;
    let reason =
        (!matches!(looked, Ok(Ok(_)))).then(|| "does not answer; files are neither taken in nor read".to_owned());
    check("objects".to_owned(), reason, State::Degraded, began)
}

/// Whether forms can be read here. The reader is not opened for it: a process whose forms others read may never need it.
async fn reader(server: &Server) -> Check {
    let began = Instant::now();
    let reason = match server.readers.model() {
        Some(_) => None,
        None if server.readers.has_failed() => Some("does not work; forms are not read here"),
        None => on_disk(|| !castor_ingest::missing().is_empty())
            .await
            .unwrap_or(true)
            .then_some("a library or a model is missing; forms are not read here"),
    };
    check(
        "reader".to_owned(),
        reason.map(ToOwned::to_owned),
        State::Degraded,
        began,
    )
}

/// Room in the data folder. Where the system does not say there is nothing to complain of.
async fn disk(server: &Server) -> Check {
    let began = Instant::now();
    let folder = server.config.data.clone();
    let used = on_disk(move || crate::disk::used(&folder)).await;
    if let Some(Some(used)) = used {
        gauge!("castor_disk_used_ratio").set(f64::from(used) / 1_000.0);
    }
    let reason = match used {
        Some(Some(used)) if used > FULL => Some("less than 5 % of the disk is free"),
        Some(_) => None,
        None => Some("does not answer"),
    };
    check("disk".to_owned(), reason.map(ToOwned::to_owned), State::Degraded, began)
}

/// A look at the disk, which may hang as a network's does; none when it takes too long.
async fn on_disk<T: Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let looked = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(look)).await;
    looked.ok()?.ok()
}

/// Why a database cannot be worked with now.
async fn unready(database: &Database) -> Option<String> {
    match database.schema() {
        Schema::Unusable(reason) => Some(reason),
        Schema::Unknown => Some("not reached yet".to_owned()),
        Schema::Current => {
            let asked = tokio::time::timeout(PATIENCE, database.ping()).await;
            (!matches!(asked, Ok(Ok(())))).then(|| "does not answer".to_owned())
        }
    }
}

/// One check, for the answer and for the figures.
pub(crate) fn check(name: String, reason: Option<String>, otherwise: State, began: Instant) -> Check {
    gauge!("castor_dependency_up", "name" => name.clone()).set(if reason.is_none() { 1.0 } else { 0.0 });
    let state = if reason.is_none() { State::Ok } else { otherwise };
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Check {
        name,
        state,
        reason,
        milliseconds,
    }
}

fn worst(checks: &[Check]) -> State {
    checks.iter().map(|check| check.state).max().unwrap_or(State::Ok)
}

/// In short: the state, the version, what runs here.
#[utoipa::path(get, path = "/api/health", tag = "health",
    responses((status = 200, body = Success<Health>), (status = 503, description = "A database does not answer", body = Success<Health>)))]
async fn health(Of(server): Of<Server>) -> Response {
    let status = worst(&checks(&server).await);
    let health = Health {
        status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        services: server
            .config
            .services
            .iter()
            .map(|service| service.name().to_owned())
            .collect(),
        uptime: server.started.elapsed().as_secs(),
    };
    answer_with(code(status), health)
}

fn code(state: State) -> StatusCode {
    match state {
        State::Ok | State::Degraded => StatusCode::OK,
        State::Down => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The process answers: do not restart it.
#[utoipa::path(get, path = "/api/health/live", tag = "health", responses((status = 200, body = Success<State>)))]
async fn live() -> Answer<State> {
    answer(State::Ok)
}

/// Work can be done here: send requests. Only what no work can be done without is asked.
#[utoipa::path(get, path = "/api/health/ready", tag = "health",
    responses((status = 200, body = Success<State>), (status = 503, description = "Not now", body = Success<State>)))]
async fn ready(Of(server): Of<Server>) -> Response {
    let closing = *server.closing.borrow();
    let state = if closing {
        State::Down
    } else {
        worst(&join_all(databases(&server)).await)
    };
    answer_with(code(state), state)
}

/// Everything the server depends on, one by one.
#[utoipa::path(get, path = "/api/health/dependencies", tag = "health", responses((status = 200, body = Success<Vec<Check>>)))]
async fn dependencies(Of(server): Of<Server>) -> Answer<Vec<Check>> {
    answer(checks(&server).await)
}

/// Figures in Prometheus's text format.
#[utoipa::path(get, path = "/api/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics_page(Of(server): Of<Server>) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        crate::figures::page(&server).await,
    )
        .into_response()
}
