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
use serde::Serialize;
use std::pin::Pin;
use std::time::{Duration, Instant};
use utoipa::ToSchema;
use utoipa_axum::routes;

/// What takes longer than this to answer is not ready.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Access::Public, Limit::None, routes!(health))
        .add(Access::Public, Limit::None, routes!(live))
        .add(Access::Public, Limit::None, routes!(ready))
        .add(Access::Public, Limit::None, routes!(dependencies))
        .add(Access::Public, Limit::None, routes!(metrics_page))
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
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
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Check {
    /// Its name, such as `database:core`.
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

/// Databases are needed; without the rest the work goes on. All are asked at once, so that one that hangs holds up no more than
/// itself.
pub(crate) async fn checks(server: &Server) -> Vec<Check> {
    let mut asked: Vec<Pin<Box<dyn Future<Output = Check> + Send + '_>>> = Vec::new();
    for (service, database) in server.databases() {
        asked.push(Box::pin(async move {
            let began = Instant::now();
            let reason = unready(database).await;
            check(format!("database:{}", service.name()), reason, State::Down, began)
        }));
    }
    if server.config.runs(Service::E14) {
        asked.push(Box::pin(async {
            let began = Instant::now();
            let looked = tokio::time::timeout(PATIENCE, server.objects.exists(&ContentHash::of(b""))).await;
            let reason = (!matches!(looked, Ok(Ok(_))))
                .then(|| "does not answer; files are neither taken in nor read".to_owned());
            check("objects".to_owned(), reason, State::Degraded, began)
        }));
    }
    asked.push(Box::pin(async {
        let began = Instant::now();
        let reason = (!server.shared.alive().await).then(|| "does not answer; this process goes on alone".to_owned());
        let name = format!("shared:{}", server.shared.name());
        check(name, reason, State::Degraded, began)
    }));
    join_all(asked).await
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

fn check(name: String, reason: Option<String>, otherwise: State, began: Instant) -> Check {
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

/// Work can be done here: send requests.
#[utoipa::path(get, path = "/api/health/ready", tag = "health",
    responses((status = 200, body = Success<State>), (status = 503, description = "Not now", body = Success<State>)))]
async fn ready(Of(server): Of<Server>) -> Response {
    let closing = *server.closing.borrow();
    let state = if closing {
        State::Down
    } else {
        worst(&checks(&server).await)
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
