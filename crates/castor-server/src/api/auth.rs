//! Registration, sign-in, refresh, sign-out, and tokens for other services.

use super::sign_in::{Login, SignedIn, begin_session, by_password, rotated};
use crate::audit::Action;
use crate::config::{Registration, Service};
use crate::envelope::{Answer, Payload, Success, answer, answer_with};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin, current};
use crate::repo::{audit, session, user as users};
use crate::revoked;
use crate::role::{Permission, Role};
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::session::Revocation;
use crate::user::{NewUser, User};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Access::Public, Limit::Auth, routes!(register))
        .add(Access::Public, Limit::Auth, routes!(login))
        .add(Access::Public, Limit::Auth, routes!(refresh))
        .add(Access::SignedIn, Limit::Default, routes!(logout))
        .add(Access::SignedIn, Limit::Default, routes!(logout_all))
        .add(Access::Public, Limit::Work, routes!(validate))
        .add(Access::Public, Limit::Work, routes!(jwks))
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
    let new = Hashed::of(&server, NewAccount::of(new, Role::Viewer)).await?;
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let user = new.insert(&mut transaction, Some(&origin), None).await?;
    let signed_in = begin_session(&server, &mut transaction, (user.id, &new.hash), &headers, &origin).await?;
    transaction.commit().await?;
    Ok(answer_with(
        StatusCode::CREATED,
        signed_in.ok_or_else(ApiError::internal)?,
    ))
}

/// An account to be made.
pub(crate) struct NewAccount {
    pub(crate) user: NewUser,
    pub(crate) role: Role,
    /// Until when its password must be changed into the person's own; none where it is that already.
    pub(crate) password_until: Option<OffsetDateTime>,
}

impl NewAccount {
    /// With a password that the person chose.
    pub(crate) fn of(user: NewUser, role: Role) -> Self {
        Self {
            user,
            role,
            password_until: None,
        }
    }
}

/// Checks and stores a new account.
pub(crate) async fn register_user(
    server: &Server,
    new: NewAccount,
    origin: Option<&Origin>,
    by: Option<Uuid>,
) -> Result<User, ApiError> {
    let new = Hashed::of(server, new).await?;
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let user = new.insert(&mut transaction, origin, by).await?;
    transaction.commit().await?;
    Ok(user)
}

/// A new account that keeps the rules, its password hashed.
struct Hashed {
    account: NewAccount,
    hash: String,
}

impl Hashed {
    async fn of(server: &Server, mut account: NewAccount) -> Result<Self, ApiError> {
        check(&account.user)?;
        let password = std::mem::take(&mut account.user.password);
        let hash = server.passwords.hash(password).await?;
        Ok(Self { account, hash })
    }

    async fn insert(
        &self,
        connection: &mut PgConnection,
        origin: Option<&Origin>,
        by: Option<Uuid>,
    ) -> Result<User, ApiError> {
        let NewAccount {
            user,
            role,
            password_until,
        } = &self.account;
        let user = users::insert(connection, user, &self.hash, *password_until, *role)
            .await
            .map_err(|error| {
                let error = ApiError::from(error);
                if error.code() == ErrorCode::AlreadyExists {
                    ApiError::new(ErrorCode::AlreadyExists, "there is an account with this e-mail address")
                } else {
                    error
                }
            })?;
        let (by, detail) = (by.or(Some(user.id)), json!({ "role": role }));
        audit::write(connection, origin, by, Action::Registered, Some(user.id), detail).await?;
        Ok(user)
    }
}

fn check(new: &NewUser) -> Result<(), ApiError> {
    let mut check = Check::default();
    check.email("email", &new.email);
    check.add(crate::password::problem(&new.password, &new.email));
    check.text("first_name", &new.first_name, 100);
    check.text("last_name", &new.last_name, 100);
    check_optional(
        &mut check,
        [
            &new.phone,
            &new.whatsapp_number,
            &new.campaign_role,
            &new.candidate_position,
        ]
        .map(Option::as_deref),
    );
    check.done()
}

/// What an account may have: telephone, WhatsApp, what the person does and what they stand for.
pub(super) fn check_optional(check: &mut Check, [phone, whatsapp, role, position]: [Option<&str>; 4]) {
    for (field, number) in [("phone", phone), ("whatsapp_number", whatsapp)] {
        if let Some(number) = number {
            check.phone(field, number, 10..=15, 10..=24);
        }
    }
    check.optional_text("campaign_role", role, 100);
    check.optional_text("candidate_position", position, 100);
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
    answer(by_password(&server, &origin, &headers, login).await?)
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
pub(super) struct Refresh {
    refresh_token: String,
    /// What the next one is to be: 64 hexadecimal digits drawn at random, kept before they are sent. Whoever has named it may ask
    /// again when the answer was lost. Without it the server draws one.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    next: Option<String>,
}

/// Gives a new pair of tokens for a refresh token, once. A token that comes a second time ends its whole session: either
/// the second or the first was stolen; unless it names the token that came of it, which nobody has used.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", request_body = Refresh,
    responses((status = 200, body = Success<SignedIn>)))]
async fn refresh(
    State(server): State<Server>,
    origin: Origin,
    Payload(Refresh { refresh_token, next }): Payload<Refresh>,
) -> Answer<SignedIn> {
    answer(rotated(&server, &origin, &refresh_token, next.as_deref()).await?)
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
    let transaction = server.database(Service::Core)?.begin().await?;
    let ended = end_session(&server, transaction, &origin, caller.user, caller.session).await?;
    answer(Ended { ended })
}

/// Ends one session at its own wish; how many that were, none when it had ended before.
pub(super) async fn end_session(
    server: &Server,
    mut transaction: Transaction<'_, Postgres>,
    origin: &Origin,
    user: Uuid,
    session: Uuid,
) -> Result<usize, ApiError> {
    if !session::revoke(&mut transaction, user, session, Revocation::Logout).await? {
        return Ok(0);
    }
    audit::write(
        &mut transaction,
        Some(origin),
        Some(user),
        Action::SignedOut,
        Some(session),
        json!({}),
    )
    .await?;
    transaction.commit().await?;
    revoked::tell_ended(server, &[session]).await;
    Ok(1)
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
    revoked::tell_ended(&server, &ended).await;
    answer(Ended { ended: ended.len() })
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
    email: Option<String>,
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
            email: email_of(&server, caller.user).await?,
            role: Some(caller.role),
            permissions: Some(caller.role.permissions().to_vec()),
            exp: Some(caller.until),
        }),
        Err(error) if error.code() == ErrorCode::Unauthenticated => answer(Validity::default()),
        Err(error) => Err(error),
    }
}

async fn email_of(server: &Server, user: Uuid) -> Result<Option<String>, ApiError> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    Ok(users::get(&mut connection, user).await?.map(|user| user.email))
}

/// The public keys that access tokens are verified with, as RFC 7517 has them (without the envelope).
#[utoipa::path(get, path = "/api/auth/jwks", tag = "auth", responses((status = 200, body = serde_json::Value)))]
async fn jwks(State(server): State<Server>) -> Json<jsonwebtoken::jwk::JwkSet> {
    Json(server.keys.published())
}
