//! What laptops say to the server; docs/SYNC.md.

use super::queue::code;
use crate::config::Service;
use crate::envelope::{Answer, Params, Payload, Success, answer};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::Caller;
use crate::repo::{form as forms, sync as log};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::sync::{self, Page, Work};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use castor_domain::codes::DepartamentoCode;
use castor_domain::review::MACHINE;
use castor_wire::sync::{
    Lease, LeaseRequest, MOST_EVENTS, MOST_NAMES, NameRequest, Named, PROTOCOL, PullAnswer, Push, PushAnswer, SyncState,
};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use utoipa::{IntoParams, ToSchema};
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
        .add(Access::Needs(Permission::CorrectE14), Limit::Work, routes!(name))
}

/// Bytes of a push: readings are large.
const PUSH: usize = 16 << 20;

/// Bytes of events in one page, but for the last of them.
const PAGE: i64 = 8 << 20;

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
#[utoipa::path(get, path = "/api/sync/state", tag = "sync", params(Which), responses((status = 200, body = Success<SyncState>)))]
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
#[utoipa::path(post, path = "/api/sync/push", tag = "sync", request_body = Push,
    responses((status = 200, body = Success<PushAnswer>)))]
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
/// pages whatever they have already, or earlier where its events are large.
#[utoipa::path(get, path = "/api/sync/pull", tag = "sync", params(From), responses((status = 200, body = Success<PullAnswer>)))]
async fn pull(
    State(server): State<Server>,
    headers: HeaderMap,
    Params(from): Params<From>,
) -> Result<Response, ApiError> {
    let packed = takes_gzip(&headers);
    let size = usize::from(from.limit.unwrap_or(500)).clamp(1, MOST_EVENTS);
    let mut connection = server.database(Service::E14)?.connection().await?;
    if let Some(page) = server.pages.get(from.after, size)
        && log::stamp(&mut connection, page.last.0).await? == Some(page.last.1)
    {
        return json(page.body, packed).await;
    }
    let limit = size - usize::try_from(from.after).unwrap_or_default() % size;
    let limit = i64::try_from(limit).unwrap_or(1);
    let (events, more) = log::after(&mut connection, i64::from(from.after), limit, PAGE).await?;
    let upto = events.last().map_or(u64::from(from.after), |e| e.global);
    let answer = Success {
        ok: true,
        data: PullAnswer { events, upto, more },
    };
    let body = gzipped(answer).await?;
    // What is not at the end of the order stays as it is.
    let end = i64::try_from(upto).unwrap_or_default();
    if more && let Some(stamp) = log::stamp(&mut connection, end).await? {
        let page = Page {
            body: body.clone(),
            last: (end, stamp),
        };
        server.pages.put(from.after, size, page);
    }
    json(body, packed).await
}

/// Whether a client takes an answer as gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| {
            let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
            coding.trim().eq_ignore_ascii_case("gzip") && weight.replace(' ', "") != "q=0"
        })
}

/// An answer as gzip: readings shrink to less than a third. Made off the threads that answer others.
async fn gzipped(answer: Success<PullAnswer>) -> Result<Bytes, ApiError> {
    let pack = move || -> std::io::Result<Bytes> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&serde_json::to_vec(&answer)?)?;
        Ok(packed.finish()?.into())
    };
    let packed = tokio::task::spawn_blocking(pack).await;
    packed
        .map_err(|_| ApiError::internal())?
        .map_err(|_| ApiError::internal())
}

/// JSON that is at hand as gzip, as the client takes it.
async fn json(body: Bytes, packed: bool) -> Result<Response, ApiError> {
    let kind = (header::CONTENT_TYPE, "application/json");
    let vary = (header::VARY, "accept-encoding");
    if packed {
        return Ok(([kind, vary, (header::CONTENT_ENCODING, "gzip")], body).into_response());
    }
    let unpack = move || -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(&*body).read_to_end(&mut plain)?;
        Ok(plain)
    };
    let plain = tokio::task::spawn_blocking(unpack).await;
    let plain = plain
        .map_err(|_| ApiError::internal())?
        .map_err(|_| ApiError::internal())?;
    Ok(([kind, vary], plain).into_response())
}

/// Lends forms of the queue that nobody works on to a laptop of the caller's, the most urgent first, of one department where
/// it is given. What the laptop has already is lent on, wherever it is from; the answer is all that it has then.
#[utoipa::path(post, path = "/api/sync/lease", tag = "sync", request_body = LeaseRequest,
    responses((status = 200, body = Success<Vec<Lease>>)))]
async fn lease(
    State(server): State<Server>,
    caller: Caller,
    Payload(asked): Payload<LeaseRequest>,
) -> Answer<Vec<Lease>> {
    let mut check = Check::default();
    let departamento = asked.departamento.as_deref();
    let departamento = departamento.and_then(|text| code::<DepartamentoCode>(&mut check, "departamento", text));
    check.done()?;
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let client = own(&mut transaction, &caller, &asked.client).await?;
    let lent = forms::lend(
        &mut transaction,
        client,
        caller.user,
        i64::from(asked.count.min(100)),
        departamento.as_deref(),
    )
    .await?;
    transaction.commit().await?;
    answer(lent)
}

/// Gives the account the first of some names that is nobody else's. What a person says stands under it from then on, whatever
/// desk it was said at.
#[utoipa::path(post, path = "/api/sync/name", tag = "sync", request_body = NameRequest,
    responses((status = 200, body = Success<Named>)))]
async fn name(State(server): State<Server>, caller: Caller, Payload(asked): Payload<NameRequest>) -> Answer<Named> {
    let mut check = Check::default();
    let good = |name: &String| sync::is_name(name) && name != MACHINE;
    check.rule(
        (1..=MOST_NAMES).contains(&asked.names.len()) && asked.names.iter().all(good),
        "names",
        &format!("has 1 to {MOST_NAMES} names of 1 to 254 characters, none of them the machine's"),
    );
    check.done()?;
    let mut connection = server.database(Service::E14)?.connection().await?;
    for name in asked.names {
        let owners = log::authors(&mut connection, &BTreeSet::from([(name.as_str(), caller.user)])).await?;
        if owners.get(&name) == Some(&caller.user) {
            return answer(Named { name: Some(name) });
        }
    }
    answer(Named { name: None })
}

/// Which forms are given back.
#[derive(Deserialize, ToSchema)]
struct Release {
    /// Identity of the laptop's store.
    client: String,
    /// SHA-256 of their files.
    forms: Vec<String>,
}

/// Takes forms back before their time, from a laptop of the caller's.
#[utoipa::path(post, path = "/api/sync/release", tag = "sync", request_body = Release,
    responses((status = 200, body = Success<u64>)))]
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
