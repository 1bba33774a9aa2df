//! Sign-ins of everybody, for administrators.

use super::auth::Ended;
use super::user::limit;
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Params, Segment, Success, answer};
use crate::error::ApiError;
use crate::guard::{Caller, Origin};
use crate::repo::{audit, session};
use crate::revoked;
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::session::{Revocation, SessionOfUser};
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    let administer = Access::Needs(Permission::Administer);
    Routes::new()
        .add(administer, Limit::Work, routes!(list))
        .add(administer, Limit::Work, routes!(end))
}

/// Which sessions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this account alone.
    user: Option<Uuid>,
    /// The id of the last one of the page before.
    before: Option<Uuid>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// Who is signed in, the newest sign-in first.
#[utoipa::path(get, path = "/api/sessions", tag = "users", params(Which),
    responses((status = 200, body = Success<Vec<SessionOfUser>>)))]
async fn list(State(server): State<Server>, Params(which): Params<Which>) -> Answer<Vec<SessionOfUser>> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(session::standing(&mut connection, which.user, which.before, limit(which.limit)).await?)
}

/// Ends one session of anybody.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "users", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Ended>)))]
async fn end(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
) -> Answer<Ended> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let user = session::revoke_any(&mut transaction, id, Revocation::Administrator)
        .await?
        .ok_or_else(|| ApiError::not_found("session"))?;
    let detail = json!({ "ended": 1, "session": id });
    ended(&server, transaction, &origin, caller, user, &[id], detail).await
}

/// Notes that an administrator ended sessions of an account, which is done with this, and tells the other services.
pub(super) async fn ended(
    server: &Server,
    mut transaction: Transaction<'_, Postgres>,
    origin: &Origin,
    caller: Caller,
    user: Uuid,
    sessions: &[Uuid],
    detail: Value,
) -> Answer<Ended> {
    audit::write(
        &mut transaction,
        Some(origin),
        Some(caller.user),
        Action::SessionsEnded,
        Some(user),
        detail,
    )
    .await?;
    transaction.commit().await?;
    revoked::tell_ended(server, sessions).await;
    answer(Ended { ended: sessions.len() })
}
