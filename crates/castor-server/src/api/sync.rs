//! What laptops say to the server; docs/SYNC.md.

use crate::config::Service;
use crate::envelope::{Answer, Params, Payload, Success, answer};
use crate::error::{ApiError, ErrorCode};
use crate::guard::Caller;
use crate::repo::{form as forms, sync as log};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::sync::{self, Page, Work};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use castor_wire::sync::{Lease, LeaseRequest, MOST_EVENTS, PROTOCOL, PullAnswer, Push, PushAnswer, SyncState};
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::IntoParams;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    let upload = Access::Needs(Permission::UploadE14);
    let review = Access::Needs(Permission::ValidateE14);
    Routes::new()
        .add(upload, Limit::Work, routes!(state))
        .add(upload, Limit::Work, large(routes!(push)))
        .add(review, Limit::Work, routes!(pull))
        .add(review, Limit::Work, routes!(lease))
        .add(review, Limit::Work, routes!(release))
}

/// Bytes of a push: readings are large.
const PUSH: usize = 16 << 20;

fn large((schemas, paths, handlers): UtoipaMethodRouter<Server>) -> UtoipaMethodRouter<Server> {
    (schemas, paths, handlers.layer(DefaultBodyLimit::max(PUSH)))
}

/// Which laptop.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Identity of its store.
    client: Uuid,
}

/// Where sync stands for a laptop.
#[utoipa::path(get, path = "/api/sync/state", tag = "sync", params(Which), responses((status = 200, body = Success<serde_json::Value>)))]
async fn state(State(server): State<Server>, Params(which): Params<Which>) -> Answer<SyncState> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let (next, last) = log::state(&mut connection, which.client).await?;
    answer(SyncState {
        protocol: PROTOCOL,
        oldest: PROTOCOL,
        next,
        last,
    })
}

/// Takes events in, each once, and says what became of each.
#[utoipa::path(post, path = "/api/sync/push", tag = "sync", request_body = serde_json::Value,
    responses((status = 200, body = Success<serde_json::Value>)))]
async fn push(State(server): State<Server>, caller: Caller, Payload(push): Payload<Push>) -> Answer<PushAnswer> {
    answer(push_events(&server, &caller, push).await?)
}

/// Takes events in for an account and tells the desks that listen.
pub(crate) async fn push_events(server: &Server, caller: &Caller, push: Push) -> Result<PushAnswer, ApiError> {
    if push.protocol != PROTOCOL {
        let message =
            format!("SYNC_VERSION this server speaks version {PROTOCOL}; bring the older of the two up to date");
        return Err(ApiError::new(ErrorCode::Conflict, message));
    }
    sync::take(server, Work::of(*caller, push)?).await
}

/// From where.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct From {
    /// The place after which events are asked for; 0 for all.
    after: u32,
    /// How many, at most 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
}

/// Events after a place of the order. A page ends at a multiple of its size, so that laptops that catch up ask for the same
/// pages whatever they have already.
#[utoipa::path(get, path = "/api/sync/pull", tag = "sync", params(From), responses((status = 200, body = Success<serde_json::Value>)))]
async fn pull(State(server): State<Server>, Params(from): Params<From>) -> Result<Response, ApiError> {
    let size = usize::from(from.limit.unwrap_or(500)).clamp(1, MOST_EVENTS);
    let mut connection = server.database(Service::E14)?.connection().await?;
    if let Some(page) = server.pages.get(from.after, size)
        && log::stamp(&mut connection, page.last.0).await? == Some(page.last.1)
    {
        return Ok(json(page.body));
    }
    let limit = size - usize::try_from(from.after).unwrap_or_default() % size;
    let wanted = i64::try_from(limit).unwrap_or(1) + 1;
    let mut events = log::after(&mut connection, i64::from(from.after), wanted).await?;
    let more = events.len() > limit;
    events.truncate(limit);
    let upto = events.last().map_or(u64::from(from.after), |e| e.global);
    let answer = Success {
        ok: true,
        data: PullAnswer { events, upto, more },
    };
    let body = Bytes::from(serde_json::to_vec(&answer).map_err(|_| ApiError::internal())?);
    // What is not at the end of the order stays as it is.
    let end = i64::try_from(upto).unwrap_or_default();
    if more && let Some(stamp) = log::stamp(&mut connection, end).await? {
        let page = Page {
            body: body.clone(),
            last: (end, stamp),
        };
        server.pages.put(from.after, size, page);
    }
    Ok(json(body))
}

fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Lends forms of the queue that nobody works on to a laptop of the caller's, the most urgent first. What it has already is
/// lent on.
#[utoipa::path(post, path = "/api/sync/lease", tag = "sync", request_body = serde_json::Value,
    responses((status = 200, body = Success<serde_json::Value>)))]
async fn lease(
    State(server): State<Server>,
    caller: Caller,
    Payload(asked): Payload<LeaseRequest>,
) -> Answer<Vec<Lease>> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let client = own(&mut transaction, &caller, &asked.client).await?;
    let departamento = asked.departamento.as_deref();
    let lent = forms::lend(
        &mut transaction,
        client,
        caller.user,
        i64::from(asked.count.min(100)),
        departamento,
    )
    .await?;
    transaction.commit().await?;
    answer(lent)
}

/// Which forms are given back.
#[derive(Deserialize)]
struct Release {
    client: String,
    forms: Vec<String>,
}

/// Takes forms back before their time, from a laptop of the caller's.
#[utoipa::path(post, path = "/api/sync/release", tag = "sync", request_body = serde_json::Value,
    responses((status = 200, body = Success<serde_json::Value>)))]
async fn release(State(server): State<Server>, caller: Caller, Payload(given): Payload<Release>) -> Answer<u64> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let client = own(&mut transaction, &caller, &given.client).await?;
    let freed = forms::give_back(&mut transaction, client, &given.forms).await?;
    transaction.commit().await?;
    answer(freed)
}

/// A laptop, which must be the caller's: one that is new is from now on. It is locked for this transaction.
async fn own(connection: &mut PgConnection, caller: &Caller, client: &str) -> Result<Uuid, ApiError> {
    let client = Uuid::parse_str(client).map_err(|_| ApiError::new(ErrorCode::InvalidRequest, "client is no UUID"))?;
    let known = log::clients(connection, &[(client, caller.user)]).await?;
    match known.get(&client) {
        Some((account, _)) if *account == caller.user => Ok(client),
        Some(_) | None => Err(sync::other_account()),
    }
}
