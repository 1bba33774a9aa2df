//! Registration, sign-in, refresh, sign-out, and tokens for other services.

use crate::audit::Action;
use crate::config::{Registration, Service};
use crate::envelope::{Answer, Payload, Success, answer, answer_with};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin, current, tell_ended};
use crate::repo::{audit, session, sign_in_guard, user as users};
use crate::role::{Permission, Role};
use crate::route::{Access, Limit, Routes};
use crate::secret::{fingerprint, random_token};
use crate::server::Server;
use crate::session::Revocation;
use crate::user::{NewUser, User};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use metrics::{counter, histogram};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

/// Failures of one address at one account before it has to wait.
const FREE_PER_PAIR: i32 = 5;
/// Failures at one account from anywhere before everyone has to wait. High: it is also a way to keep the owner out.
const FREE_PER_ACCOUNT: i32 = 50;
/// The first wait; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Access::Public, Limit::Auth, routes!(register))
        .add(Access::Public, Limit::Auth, routes!(login))
        .add(Access::Public, Limit::Auth, routes!(refresh))
        .add(Access::SignedIn, Limit::Default, routes!(logout))
        .add(Access::SignedIn, Limit::Default, routes!(logout_all))
        .add(Access::SignedIn, Limit::Work, routes!(me))
        .add(Access::Public, Limit::Work, routes!(validate))
        .add(Access::Public, Limit::Work, routes!(jwks))
}

/// What a sign-in gives.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedIn {
    /// For `Authorization: Bearer …`.
    access_token: String,
    /// For `/api/auth/refresh`, once.
    refresh_token: String,
    /// Always `bearer`.
    token_type: String,
    /// Life of the access token, in seconds.
    expires_in: u64,
    /// The account.
    user: Account,
}

/// The account and what it may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Account {
    #[serde(flatten)]
    user: User,
    /// What it may do.
    permissions: Vec<Permission>,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            permissions: user.role.permissions().to_vec(),
            user,
        }
    }
}

/// Makes an account for a viewer and signs it in.
#[utoipa::path(post, path = "/api/auth/register", tag = "auth", request_body = NewUser,
    responses((status = 201, body = Success<SignedIn>)))]
async fn register(
    State(server): State<Server>,
    origin: Origin,
    headers: HeaderMap,
    Payload(new): Payload<NewUser>,
) -> Result<Response, ApiError> {
    if server.config.registration == Registration::Closed {
        return Err(ApiError::new(
            ErrorCode::RegistrationClosed,
            "ask an administrator for an account",
        ));
    }
    let user = register_user(&server, new, Role::Viewer, Some(&origin), None).await?;
    let signed_in = sign_in(&server, user.id, &headers, &origin).await?;
    Ok(answer_with(StatusCode::CREATED, signed_in))
}

/// Checks and stores a new account.
pub(crate) async fn register_user(
    server: &Server,
    mut new: NewUser,
    role: Role,
    origin: Option<&Origin>,
    by: Option<Uuid>,
) -> Result<User, ApiError> {
    check(&new)?;
    let hash = server.passwords.hash(std::mem::take(&mut new.password)).await?;
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let user = users::insert(&mut transaction, &new, &hash, role)
        .await
        .map_err(|error| {
            let error = ApiError::from(error);
            if error.code() == ErrorCode::AlreadyExists {
                ApiError::new(ErrorCode::AlreadyExists, "there is an account with this e-mail address")
            } else {
                error
            }
        })?;
    let detail = json!({ "role": role });
    audit::write(
        &mut transaction,
        origin,
        by.or(Some(user.id)),
        Action::Registered,
        Some(user.id),
        detail,
    )
    .await?;
    transaction.commit().await?;
    Ok(user)
}

fn check(new: &NewUser) -> Result<(), ApiError> {
    let mut check = Check::default();
    check.email("email", &new.email);
    check.add(crate::password::problem(&new.password, &new.email));
    check.text("first_name", &new.first_name, 100);
    check.text("last_name", &new.last_name, 100);
    for (field, number) in [("phone", &new.phone), ("whatsapp_number", &new.whatsapp_number)] {
        if let Some(number) = number {
            check.phone(field, number, 10..=15, 10..=24);
        }
    }
    check.optional_text("campaign_role", new.campaign_role.as_deref(), 100);
    check.optional_text("candidate_position", new.candidate_position.as_deref(), 100);
    check.done()
}

/// An e-mail address and its password.
#[derive(Deserialize, ToSchema)]
pub(super) struct Login {
    email: String,
    password: String,
}

/// Signs in. Every failure has the same answer and takes the same time; after five, each next one must wait longer.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = Login,
    responses((status = 200, body = Success<SignedIn>)))]
async fn login(
    State(server): State<Server>,
    origin: Origin,
    headers: HeaderMap,
    Payload(login): Payload<Login>,
) -> Answer<SignedIn> {
    let began = Instant::now();
    let signed_in = verified(&server, &origin, login).await;
    let outcome = if signed_in.is_ok() { "ok" } else { "refused" };
    counter!("castor_auth_attempts_total", "outcome" => outcome).increment(1);
    histogram!("castor_auth_duration_seconds").record(began.elapsed());
    answer(sign_in(&server, signed_in?, &headers, &origin).await?)
}

/// The account whose password this is.
async fn verified(server: &Server, origin: &Origin, login: Login) -> Result<Uuid, ApiError> {
    let database = server.database(Service::Core)?;
    let email = login.email.to_lowercase();
    let pair = fingerprint(&format!("{email}|{}", origin.address));
    let keys = [pair.clone(), fingerprint(&email)];
    let known = {
        let mut connection = database.connection().await?;
        if let Some(until) = sign_in_guard::locked_until(&mut connection, &keys).await? {
            let wait = Duration::try_from(until - OffsetDateTime::now_utc()).unwrap_or_default();
            let error = ApiError::new(
                ErrorCode::TooManyAttempts,
                "too many failed sign-ins; wait and try again",
            );
            return Err(error.retry_after(wait));
        }
        // A NUL cannot be part of a text in the database, so no account has it.
        if email.contains('\0') {
            None
        } else {
            users::credentials(&mut connection, &email).await?
        }
    };
    // No connection is held while hashing.
    let stored = known.as_ref().map(|known| known.password_hash.clone());
    let right = server.passwords.verify(login.password, stored).await?;
    let mut transaction = database.begin().await?;
    if let Some(known) = known.filter(|known| right && known.active) {
        sign_in_guard::forget(&mut transaction, &keys).await?;
        transaction.commit().await?;
        return Ok(known.id);
    }
    sign_in_guard::failed(&mut transaction, &pair, FREE_PER_PAIR, FIRST_WAIT, LONGEST_WAIT).await?;
    sign_in_guard::failed(&mut transaction, &keys[1], FREE_PER_ACCOUNT, FIRST_WAIT, LONGEST_WAIT).await?;
    audit::write(
        &mut transaction,
        Some(origin),
        None,
        Action::SignInFailed,
        None,
        json!({}),
    )
    .await?;
    transaction.commit().await?;
    Err(ApiError::new(
        ErrorCode::InvalidCredentials,
        "e-mail address or password is wrong",
    ))
}

/// Begins a session.
async fn sign_in(server: &Server, user: Uuid, headers: &HeaderMap, origin: &Origin) -> Result<SignedIn, ApiError> {
    let device = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or("unknown");
    let device: String = device.chars().take(200).collect();
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let account = users::get(&mut transaction, user)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let until = OffsetDateTime::now_utc() + server.config.refresh_ttl;
    let session = session::insert(&mut transaction, user, &device, &origin.address.to_string(), until).await?;
    let refresh_token = issue_refresh_token(&mut transaction, session).await?;
    audit::write(
        &mut transaction,
        Some(origin),
        Some(user),
        Action::SignedIn,
        Some(session),
        json!({}),
    )
    .await?;
    let signed_in = signed_in(server, account, session, refresh_token)?;
    transaction.commit().await?;
    Ok(signed_in)
}

async fn issue_refresh_token(connection: &mut PgConnection, session: Uuid) -> Result<String, ApiError> {
    let token = random_token();
    session::add_refresh_token(connection, session, &fingerprint(&token)).await?;
    Ok(token)
}

fn signed_in(server: &Server, user: User, session: Uuid, refresh_token: String) -> Result<SignedIn, ApiError> {
    let life = server.config.access_ttl;
    Ok(SignedIn {
        access_token: server.keys.access(user.id, session, user.role, life)?,
        refresh_token,
        token_type: "bearer".to_owned(),
        expires_in: life.as_secs(),
        user: user.into(),
    })
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
pub(super) struct Refresh {
    refresh_token: String,
}

/// Gives a new pair of tokens for a refresh token, once. A token that comes a second time ends its whole session: either
/// the second or the first was stolen.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", request_body = Refresh,
    responses((status = 200, body = Success<SignedIn>)))]
async fn refresh(
    State(server): State<Server>,
    origin: Origin,
    Payload(Refresh { refresh_token }): Payload<Refresh>,
) -> Answer<SignedIn> {
    let hash = fingerprint(&refresh_token);
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let token = session::present(&mut transaction, &hash)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    if !token.alive {
        return Err(ApiError::unauthenticated());
    }
    if token.used {
        session::revoke(&mut transaction, token.user_id, token.session_id, Revocation::Reuse).await?;
        let (user, session) = (Some(token.user_id), Some(token.session_id));
        audit::write(
            &mut transaction,
            Some(&origin),
            user,
            Action::RefreshReused,
            session,
            json!({}),
        )
        .await?;
        transaction.commit().await?;
        tell_ended(&server, &[token.session_id]).await;
        return Err(ApiError::unauthenticated());
    }
    let until = OffsetDateTime::now_utc() + server.config.refresh_ttl;
    session::use_refresh_token(&mut transaction, token.session_id, &hash, until).await?;
    let next = issue_refresh_token(&mut transaction, token.session_id).await?;
    let user = users::get(&mut transaction, token.user_id)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let signed_in = signed_in(&server, user, token.session_id, next)?;
    transaction.commit().await?;
    answer(signed_in)
}

/// How many sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ended {
    /// So many.
    pub(super) ended: usize,
}

/// Ends this session: its refresh token and its access token are worth nothing from now on.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 200, body = Success<Ended>)))]
async fn logout(State(server): State<Server>, origin: Origin, caller: Caller) -> Answer<Ended> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let ended = session::revoke(&mut transaction, caller.user, caller.session, Revocation::Logout).await?;
    let (user, session) = (Some(caller.user), Some(caller.session));
    audit::write(
        &mut transaction,
        Some(&origin),
        user,
        Action::SignedOut,
        session,
        json!({}),
    )
    .await?;
    transaction.commit().await?;
    tell_ended(&server, &[caller.session]).await;
    answer(Ended {
        ended: usize::from(ended),
    })
}

/// Ends every session of the account, this one too.
#[utoipa::path(post, path = "/api/auth/logout-all", tag = "auth", responses((status = 200, body = Success<Ended>)))]
async fn logout_all(State(server): State<Server>, origin: Origin, caller: Caller) -> Answer<Ended> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let ended = session::revoke_all(&mut transaction, caller.user, Revocation::Logout).await?;
    let user = Some(caller.user);
    audit::write(
        &mut transaction,
        Some(&origin),
        user,
        Action::SignedOutEverywhere,
        user,
        json!({}),
    )
    .await?;
    transaction.commit().await?;
    tell_ended(&server, &ended).await;
    answer(Ended { ended: ended.len() })
}

/// The account that is signed in.
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", responses((status = 200, body = Success<Account>)))]
async fn me(State(server): State<Server>, caller: Caller) -> Answer<Account> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    let user = users::get(&mut connection, caller.user)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    answer(user.into())
}

/// An access token to look at.
#[derive(Deserialize, ToSchema)]
pub(super) struct Token {
    token: String,
}

/// What an access token is worth now.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Validity {
    /// Whether it opens anything. The rest is there only then.
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// What its bearer may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<Permission>>,
    /// Ends at, seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
}

/// Says what an access token is worth now, sessions that ended early included.
#[utoipa::path(post, path = "/api/auth/validate", tag = "auth", request_body = Token,
    responses((status = 200, body = Success<Validity>)))]
async fn validate(State(server): State<Server>, Payload(Token { token }): Payload<Token>) -> Answer<Validity> {
    let looked_at = match server.keys.verify_access(&token).await {
        Ok(claims) => current(&server, claims).await,
        Err(error) => Err(error),
    };
    match looked_at {
        Ok(caller) => answer(Validity {
            valid: true,
            user_id: Some(caller.user),
            role: Some(caller.role),
            permissions: Some(caller.role.permissions().to_vec()),
            exp: Some(caller.until),
        }),
        Err(error) if error.code() == ErrorCode::Unauthenticated => answer(Validity::default()),
        Err(error) => Err(error),
    }
}

/// The public keys that access tokens are verified with, as RFC 7517 has them (without the envelope).
#[utoipa::path(get, path = "/api/auth/jwks", tag = "auth", responses((status = 200, body = serde_json::Value)))]
async fn jwks(State(server): State<Server>) -> Json<jsonwebtoken::jwk::JwkSet> {
    Json(server.keys.published())
}
