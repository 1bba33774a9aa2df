//! Accounts, for administrators.

use super::auth::{Ended, NewAccount, register_user};
use super::lead::{Count, Deleted};
use super::session::ended;
use super::sign_in::Tries;
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Params, Payload, Segment, Success, answer, answer_with};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin};
use crate::repo::user::Sought;
use crate::repo::{audit, session, user as users};
use crate::revoked;
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
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

/// How long a temporary password may be changed.
const TEMPORARY: time::Duration = time::Duration::days(7);

pub(super) fn routes() -> Routes {
    let administer = Access::Needs(Permission::Administer);
    Routes::new()
        .add(administer, Limit::Work, routes!(list, create))
        .add(administer, Limit::Work, routes!(count))
        .add(administer, Limit::Work, routes!(get, change, delete))
        .add(administer, Limit::Work, routes!(reset_password))
        .add(administer, Limit::Work, routes!(sessions, end_sessions))
        .add(Access::SignedIn, Limit::Work, routes!(roles))
}

/// Which accounts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Part of the name or of the address, letter case and accents aside.
    search: Option<String>,
    /// Those of this role alone.
    role: Option<Role>,
    /// Those that may sign in, or those that may not.
    active: Option<bool>,
    /// The id of the last one of the page before.
    before: Option<Uuid>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// Of which accounts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Of {
    /// Part of the name or of the address, letter case and accents aside.
    search: Option<String>,
    /// Those of this role alone.
    role: Option<Role>,
    /// Those that may sign in, or those that may not.
    active: Option<bool>,
}

impl Of {
    fn sought(self) -> Result<Sought, ApiError> {
        let text = self
            .search
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        let mut check = Check::default();
        check.optional_text("search", text.as_deref(), 100);
        check.done()?;
        Ok(Sought {
            text,
            role: self.role,
            active: self.active,
        })
    }
}

pub(super) fn limit(asked: Option<u8>) -> i64 {
    i64::from(asked.unwrap_or(50).clamp(1, 100))
}

/// Accounts, the newest first.
#[utoipa::path(get, path = "/api/users", tag = "users", params(Which), responses((status = 200, body = Success<Vec<User>>)))]
async fn list(State(server): State<Server>, Params(which): Params<Which>) -> Answer<Vec<User>> {
    let (before, limit) = (which.before, limit(which.limit));
    let of = Of {
        search: which.search,
        role: which.role,
        active: which.active,
    };
    let sought = of.sought()?;
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(users::list(&mut connection, &sought, before, limit).await?)
}

/// How many accounts there are of those.
#[utoipa::path(get, path = "/api/users/count", tag = "users", params(Of), responses((status = 200, body = Success<Count>)))]
async fn count(State(server): State<Server>, Params(of): Params<Of>) -> Answer<Count> {
    let sought = of.sought()?;
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(Count {
        count: users::count(&mut connection, &sought).await?,
    })
}

/// A new account with its role.
#[derive(Deserialize, ToSchema)]
pub(super) struct UserWithRole {
    #[serde(flatten)]
    user: NewUser,
    role: Role,
    /// The password is temporary: it opens nothing but its own change, for seven days.
    #[serde(default)]
    temporary: bool,
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
    let account = NewAccount {
        password_until: new.temporary.then(|| OffsetDateTime::now_utc() + TEMPORARY),
        ..NewAccount::of(new.user, new.role)
    };
    let user = register_user(&server, account, Some(&origin), Some(caller.user)).await?;
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
    let before = users::get(&mut transaction, id).await?;
    let before = before.ok_or_else(|| ApiError::not_found("account"))?;
    let user = users::update(&mut transaction, id, change.role, change.active)
        .await?
        .ok_or_else(|| ApiError::not_found("account"))?;
    let ended = if user.active {
        Vec::new()
    } else {
        session::revoke_all(&mut transaction, id, Revocation::Administrator).await?
    };
    let was = json!({ "role": before.role, "active": before.active });
    let detail = json!({ "role": change.role, "active": change.active, "was": was });
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
    revoked::tell_ended(&server, &ended).await;
    if user.role != before.role {
        revoked::tell_role(&server, id).await;
    }
    answer(user)
}

/// Deletes a closed account with its personal data and its sessions, for good. What it wrote stays under the name that it
/// wrote under. An account that was closed while it was signed in waits until its last access tokens have ended.
#[utoipa::path(delete, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Deleted>)))]
async fn delete(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
) -> Answer<Deleted> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let user = users::hold(&mut transaction, id).await?;
    let user = user.ok_or_else(|| ApiError::not_found("account"))?;
    if user.active {
        return Err(ApiError::new(ErrorCode::Conflict, "close the account first"));
    }
    // Services that run apart are told of its ended sessions until then, from the sessions themselves.
    if session::was_revoked_since(&mut transaction, id, revoked::still_told(&server)).await? {
        let message = "the account was closed a moment ago, and its last access tokens have not ended; delete it later";
        return Err(ApiError::new(ErrorCode::Conflict, message));
    }
    users::delete(&mut transaction, id).await?;
    Tries::forget_all(&mut transaction, &user.email).await?;
    let (by, action, detail) = (Some(caller.user), Action::UserDeleted, json!({ "role": user.role }));
    audit::write(&mut transaction, Some(&origin), by, action, Some(id), detail).await?;
    transaction.commit().await?;
    answer(Deleted { id })
}

/// A password that an administrator gives.
#[derive(Deserialize, ToSchema)]
pub(super) struct TemporaryPassword {
    /// 12 to 256 characters.
    #[schema(min_length = 12, max_length = 256)]
    password: String,
}

/// Gives an account a temporary password, ends its sessions and forgets its failed sign-ins. At the next sign-in, within
/// seven days, the person must change it.
#[utoipa::path(post, path = "/api/users/{id}/password", tag = "users", params(("id" = Uuid, Path)),
    request_body = TemporaryPassword, responses((status = 200, body = Success<User>)))]
async fn reset_password(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
    Payload(TemporaryPassword { password }): Payload<TemporaryPassword>,
) -> Answer<User> {
    let database = server.database(Service::Core)?;
    let found = {
        let mut connection = database.connection().await?;
        users::get(&mut connection, id).await?
    };
    let user = found.ok_or_else(|| ApiError::not_found("account"))?;
    let mut check = Check::default();
    check.add(crate::password::problem(&password, &user.email));
    check.done()?;
    // No connection is held while hashing.
    let hash = server.passwords.hash(password).await?;
    let until = OffsetDateTime::now_utc() + TEMPORARY;
    let mut transaction = database.begin().await?;
    users::give_password(&mut transaction, id, &hash, until).await?;
    let ended = session::revoke_all(&mut transaction, id, Revocation::Administrator).await?;
    Tries::forget_all(&mut transaction, &user.email).await?;
    let (by, detail) = (Some(caller.user), json!({ "ended": ended.len() }));
    audit::write(
        &mut transaction,
        Some(&origin),
        by,
        Action::PasswordReset,
        Some(id),
        detail,
    )
    .await?;
    let user = users::get(&mut transaction, id)
        .await?
        .ok_or_else(|| ApiError::not_found("account"))?;
    transaction.commit().await?;
    revoked::tell_ended(&server, &ended).await;
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
    let sessions = session::revoke_all(&mut transaction, id, Revocation::Administrator).await?;
    let detail = json!({ "ended": sessions.len() });
    ended(&server, transaction, &origin, caller, id, &sessions, detail).await
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
