//! Accounts, for administrators.

use super::auth::{Ended, register_user};
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Params, Payload, Segment, Success, answer, answer_with};
use crate::error::{ApiError, ErrorCode};
use crate::guard::{Caller, Origin, tell_ended};
use crate::repo::{audit, session, user as users};
use crate::role::{Permission, Role};
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::session::{Revocation, Session};
use crate::user::{NewUser, User};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    let administer = Access::Needs(Permission::Administer);
    Routes::new()
        .add(administer, Limit::Default, routes!(list, create))
        .add(administer, Limit::Default, routes!(get, change))
        .add(administer, Limit::Default, routes!(sessions, end_sessions))
        .add(Access::SignedIn, Limit::Default, routes!(roles))
}

/// Which page of a list whose order is newest first.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The id of the last one of the page before.
    before: Option<Uuid>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

impl Page {
    pub(super) fn before(&self) -> Option<Uuid> {
        self.before
    }

    pub(super) fn limit(&self) -> i64 {
        limit(self.limit)
    }
}

pub(super) fn limit(asked: Option<u8>) -> i64 {
    i64::from(asked.unwrap_or(50).clamp(1, 100))
}

/// Accounts, the newest first.
#[utoipa::path(get, path = "/api/users", tag = "users", params(Page), responses((status = 200, body = Success<Vec<User>>)))]
async fn list(State(server): State<Server>, Params(page): Params<Page>) -> Answer<Vec<User>> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(users::list(&mut connection, page.before(), page.limit()).await?)
}

/// A new account with its role.
#[derive(Deserialize, ToSchema)]
pub(super) struct UserWithRole {
    #[serde(flatten)]
    user: NewUser,
    role: Role,
}

/// Makes an account with a role.
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = UserWithRole,
    responses((status = 201, body = Success<User>)))]
async fn create(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Payload(new): Payload<UserWithRole>,
) -> Result<Response, ApiError> {
    let user = register_user(&server, new.user, new.role, Some(&origin), Some(caller.user)).await?;
    Ok(answer_with(StatusCode::CREATED, user))
}

/// One account.
#[utoipa::path(get, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<User>)))]
async fn get(State(server): State<Server>, Segment(id): Segment<Uuid>) -> Answer<User> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(
        users::get(&mut connection, id)
            .await?
            .ok_or_else(|| ApiError::not_found("account"))?,
    )
}

/// What an administrator may change; what is left out stays.
#[derive(Deserialize, ToSchema)]
pub(super) struct UserChange {
    role: Option<Role>,
    /// False keeps the account from signing in and ends its sessions.
    active: Option<bool>,
}

/// Changes a role or closes an account. The last administrator stays one.
#[utoipa::path(patch, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path)), request_body = UserChange,
    responses((status = 200, body = Success<User>)))]
async fn change(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
    Payload(change): Payload<UserChange>,
) -> Answer<User> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let demotes = change.role.is_some_and(|role| role != Role::Admin) || change.active == Some(false);
    if demotes && users::hold_administrators(&mut transaction).await? == [id] {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            "this is the last administrator; make another one first",
        ));
    }
    let user = users::update(&mut transaction, id, change.role, change.active)
        .await?
        .ok_or_else(|| ApiError::not_found("account"))?;
    let ended = if user.active {
        Vec::new()
    } else {
        session::revoke_all(&mut transaction, id, Revocation::Administrator).await?
    };
    let detail = json!({ "role": change.role, "active": change.active });
    audit::write(
        &mut transaction,
        Some(&origin),
        Some(caller.user),
        Action::UserChanged,
        Some(id),
        detail,
    )
    .await?;
    transaction.commit().await?;
    tell_ended(&server, &ended).await;
    answer(user)
}

/// The sessions of an account.
#[utoipa::path(get, path = "/api/users/{id}/sessions", tag = "users", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Vec<Session>>)))]
async fn sessions(State(server): State<Server>, Segment(id): Segment<Uuid>) -> Answer<Vec<Session>> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(session::list(&mut connection, id).await?)
}

/// Ends the sessions of an account.
#[utoipa::path(delete, path = "/api/users/{id}/sessions", tag = "users", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Ended>)))]
async fn end_sessions(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
) -> Answer<Ended> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let ended = session::revoke_all(&mut transaction, id, Revocation::Administrator).await?;
    let detail = json!({ "ended": ended.len() });
    audit::write(
        &mut transaction,
        Some(&origin),
        Some(caller.user),
        Action::SessionsEnded,
        Some(id),
        detail,
    )
    .await?;
    transaction.commit().await?;
    tell_ended(&server, &ended).await;
    answer(Ended { ended: ended.len() })
}

/// A role and what it may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoleInfo {
    role: Role,
    permissions: Vec<Permission>,
}

/// Every role and what it may do.
#[utoipa::path(get, path = "/api/roles", tag = "users", responses((status = 200, body = Success<Vec<RoleInfo>>)))]
async fn roles() -> Answer<Vec<RoleInfo>> {
    answer(
        Role::ALL
            .into_iter()
            .map(|role| RoleInfo {
                role,
                permissions: role.permissions().to_vec(),
            })
            .collect(),
    )
}
