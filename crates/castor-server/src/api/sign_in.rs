//! What every way of signing in shares: the password, its lock, the session and its tokens.

use crate::address::counted;
use crate::audit::{Action, has_room};
use crate::config::Service;
use crate::database::Database;
use crate::error::{ApiError, ErrorCode, FieldProblem};
use crate::field::Check;
use crate::guard::Origin;
use crate::password;
use crate::repo::user::Credentials;
use crate::repo::{audit, session, sign_in_guard, user as users};
use crate::revoked;
use crate::role::Permission;
use crate::secret::{fingerprint, is_token, random_token};
use crate::server::Server;
use crate::session::Revocation;
use crate::user::User;
use axum::http::{HeaderMap, header};
use metrics::{counter, histogram};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// Failures of one address at one account before it has to wait.
const FREE_PER_PAIR: i32 = 5;
/// Failures at one account from anywhere before everyone has to wait. High: it is also a way to keep the owner out.
const FREE_PER_ACCOUNT: i32 = 50;
/// The first wait; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// What a sign-in gives.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedIn {
    /// For `Authorization: Bearer …`.
    pub(super) access_token: String,
    /// For `/api/auth/refresh`, once.
    pub(super) refresh_token: String,
    /// Always `bearer`.
    pub(super) token_type: String,
    /// Life of the access token, in seconds.
    pub(super) expires_in: u64,
    /// The account.
    pub(super) user: Account,
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

/// An e-mail address and its password.
#[derive(Deserialize, ToSchema)]
pub(super) struct Login {
    email: String,
    password: String,
    /// The next password, where the present one is temporary: 12 to 256 characters.
    new_password: Option<String>,
}

/// Signs in with a password and counts how it went.
pub(super) async fn by_password(
    server: &Server,
    origin: &Origin,
    headers: &HeaderMap,
    login: Login,
) -> Result<SignedIn, ApiError> {
    let began = Instant::now();
    let signed_in = attempted(server, origin, headers, login).await;
    let outcome = if signed_in.is_ok() { "ok" } else { "refused" };
    counter!("castor_auth_attempts_total", "outcome" => outcome).increment(1);
    histogram!("castor_auth_duration_seconds").record(began.elapsed());
    signed_in
}

async fn attempted(server: &Server, origin: &Origin, headers: &HeaderMap, login: Login) -> Result<SignedIn, ApiError> {
    let database = server.database(Service::Core)?;
    let tries = Tries::of(&login.email, origin);
    tries.admit(database).await?;
    // A NUL cannot be part of a text in the database, so no account has it.
    let known = if login.email.contains('\0') {
        None
    } else {
        let mut connection = database.connection().await?;
        users::credentials(&mut connection, &login.email).await?
    };
    // No connection is held while hashing.
    let stored = known.as_ref().map(|known| known.password_hash.clone());
    let right = server.passwords.verify(login.password.clone(), stored).await?;
    let account = known.as_ref().map(|known| known.id);
    if let Some(known) = known.filter(|known| right && may_sign_in(known)) {
        tries.forget(&mut *database.connection().await?).await?;
        let next = next_password(server, &known, &login).await?;
        if let Some(signed_in) = let_in(server, origin, headers, known, next).await? {
            return Ok(signed_in);
        }
    }
    tries.note_failure(server, origin, None, account).await?;
    Err(ApiError::new(
        ErrorCode::InvalidCredentials,
        "e-mail address or password is wrong",
    ))
}

/// Begins a session with the password that was right, its change first where it is temporary; none where it is the account's
/// no longer.
async fn let_in(
    server: &Server,
    origin: &Origin,
    headers: &HeaderMap,
    known: Credentials,
    next: Option<String>,
) -> Result<Option<SignedIn>, ApiError> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let hash = match next {
        Some(next) if change_temporary(&mut transaction, origin, &known, &next).await? => next,
        Some(_) => return Ok(None),
        None => known.password_hash,
    };
    let signed_in = begin_session(server, &mut transaction, (known.id, &hash), headers, origin).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// What is counted when a password is tried: an address at an account, and everybody at that account.
pub(super) struct Tries {
    pair: Vec<u8>,
    account: Vec<u8>,
}

impl Tries {
    pub(super) fn of(email: &str, origin: &Origin) -> Self {
        let account = Self::account(email);
        // It begins with the account's, so that an administrator can open all ways to one account.
        let pair = [account.clone(), fingerprint(&counted(origin.address))].concat();
        Self { pair, account }
    }

    fn account(email: &str) -> Vec<u8> {
        fingerprint(&email.to_lowercase())
    }

    /// Ends the waits of an account, from all addresses.
    pub(super) async fn forget_all(connection: &mut PgConnection, email: &str) -> Result<(), sqlx::Error> {
        sign_in_guard::forget_account(connection, &Self::account(email)).await
    }

    /// Counts a try as failed until [`Self::forget`] says otherwise.
    ///
    /// # Errors
    /// `TOO_MANY_ATTEMPTS` while no password is looked at.
    pub(super) async fn admit(&self, database: &Database) -> Result<(), ApiError> {
        let mut transaction = database.begin().await?;
        let keys = [(&self.pair, FREE_PER_PAIR), (&self.account, FREE_PER_ACCOUNT)];
        for (key, free) in keys {
            if sign_in_guard::admit(&mut transaction, key, free, FIRST_WAIT, LONGEST_WAIT).await? {
                continue;
            }
            let until = sign_in_guard::locked_until(&mut transaction, key).await?;
            let wait = until.and_then(|until| Duration::try_from(until - OffsetDateTime::now_utc()).ok());
            let error = ApiError::new(
                ErrorCode::TooManyAttempts,
                "too many failed sign-ins; wait and try again",
            );
            return Err(error.retry_after(wait.unwrap_or_default()));
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Writes down that a password was wrong, and the wait that follows. What names no account is written as long as there is
    /// room in the log, and otherwise takes as long: time must not tell whether there is one.
    pub(super) async fn note_failure(
        &self,
        server: &Server,
        origin: &Origin,
        actor: Option<Uuid>,
        account: Option<Uuid>,
    ) -> Result<(), ApiError> {
        let room = has_room(server, Action::SignInFailed, &counted(origin.address)).await;
        let mut connection = server.database(Service::Core)?.connection().await?;
        let mut failed = vec![(Action::SignInFailed, json!({}))];
        for (key, everywhere) in [(&self.pair, false), (&self.account, true)] {
            let until = sign_in_guard::locked_until(&mut connection, key).await?;
            let wait = until.map_or(0, |until| (until - OffsetDateTime::now_utc()).whole_seconds());
            if wait > 0 {
                let detail = json!({ "seconds": wait, "everywhere": everywhere });
                failed.push((Action::SignInLocked, detail));
            }
        }
        for (action, detail) in failed {
            if account.is_some() || room {
                audit::write(&mut connection, Some(origin), actor, action, account, detail).await?;
            } else {
                sign_in_guard::touch(&mut connection, &self.pair).await?;
            }
        }
        Ok(())
    }

    /// The password was right.
    pub(super) async fn forget(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sign_in_guard::forget(connection, &[&self.pair, &self.account]).await
    }
}

/// The account is open, and a temporary password has not run out.
fn may_sign_in(known: &Credentials) -> bool {
    known.active
        && known
            .password_until
            .is_none_or(|until| until > OffsetDateTime::now_utc())
}

/// The hash of the next password, where the present one is temporary: no session ever begins with such a one.
async fn next_password(server: &Server, known: &Credentials, login: &Login) -> Result<Option<String>, ApiError> {
    let problem = |rule: &str| {
        ApiError::fields(vec![FieldProblem {
            field: "new_password".to_owned(),
            rule: rule.to_owned(),
        }])
    };
    match (known.password_until, &login.new_password) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(problem(
            "is for temporary passwords; sign in without it and change the password then",
        )),
        (Some(_), None) => Err(ApiError::new(
            ErrorCode::PasswordChangeRequired,
            "the password is temporary; sign in with `new_password` beside it",
        )),
        (Some(_), Some(next)) if *next == login.password => Err(problem("differs from the temporary one")),
        (Some(_), Some(next)) => match password::problem(next, &login.email) {
            Some(found) => Err(problem(&found.rule)),
            None => server.passwords.hash(next.clone()).await.map(Some),
        },
    }
}

/// Puts the person's own password in the place of the temporary one, which can be spent once.
async fn change_temporary(
    connection: &mut PgConnection,
    origin: &Origin,
    known: &Credentials,
    hash: &str,
) -> Result<bool, ApiError> {
    if !users::change_password(connection, known.id, &known.password_hash, hash).await? {
        return Ok(false);
    }
    let who = Some(known.id);
    let detail = json!({ "temporary": true });
    audit::write(connection, Some(origin), who, Action::PasswordChanged, who, detail).await?;
    Ok(true)
}

/// The program that asks, as far as it says so.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or("unknown");
    agent.chars().take(200).collect()
}

/// Begins a session, unless the account has been closed or its password replaced since it was looked at.
pub(super) async fn begin_session(
    server: &Server,
    connection: &mut PgConnection,
    (user, password_hash): (Uuid, &str),
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Option<SignedIn>, ApiError> {
    // Whoever replaces the password ends every session, and does it before this or after: then this one too.
    let Some(account) = users::hold_proven(connection, user, password_hash).await? else {
        return Ok(None);
    };
    let device = agent(headers);
    let until = OffsetDateTime::now_utc() + server.config.refresh_ttl;
    let session = session::insert(connection, user, &device, &origin.address.to_string(), until).await?;
    let refresh_token = issue_refresh_token(connection, session, None).await?;
    let (who, what) = (Some(user), Some(session));
    audit::write(connection, Some(origin), who, Action::SignedIn, what, json!({})).await?;
    signed_in(server, account, session, refresh_token).map(Some)
}

/// The session's next token: the one that is named, else one drawn here.
async fn issue_refresh_token(
    connection: &mut PgConnection,
    session: Uuid,
    named: Option<&str>,
) -> Result<String, ApiError> {
    let token = named.map_or_else(random_token, ToOwned::to_owned);
    if session::add_refresh_token(connection, session, &fingerprint(&token)).await? {
        return Ok(token);
    }
    Err(ApiError::new(
        ErrorCode::Conflict,
        "there is such a token already; draw another one",
    ))
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

/// Gives a new pair of tokens for a refresh token, once. A token that comes a second time ends its whole session, unless who
/// shows it knows the unused token that came of it: then the answer was lost.
pub(super) async fn rotated(
    server: &Server,
    origin: &Origin,
    refresh_token: &str,
    next: Option<&str>,
) -> Result<SignedIn, ApiError> {
    let mut check = Check::default();
    check.rule(
        next.is_none_or(|next| is_token(next) && next != refresh_token),
        "next",
        "is 64 hexadecimal digits in small letters, other than the present token",
    );
    check.done()?;
    let hash = fingerprint(refresh_token);
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let token = session::present(&mut transaction, &hash)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    if !token.alive {
        return Err(ApiError::unauthenticated());
    }
    if token.used {
        if let Some(next) = next
            && session::is_unused(&mut transaction, token.session_id, &fingerprint(next)).await?
        {
            let user = users::get(&mut transaction, token.user_id).await?;
            let user = user.ok_or_else(ApiError::unauthenticated)?;
            return signed_in(server, user, token.session_id, next.to_owned());
        }
        session::revoke(&mut transaction, token.user_id, token.session_id, Revocation::Reuse).await?;
        let (user, session) = (Some(token.user_id), Some(token.session_id));
        audit::write(
            &mut transaction,
            Some(origin),
            user,
            Action::RefreshReused,
            session,
            json!({}),
        )
        .await?;
        transaction.commit().await?;
        revoked::tell_ended(server, &[token.session_id]).await;
        return Err(ApiError::unauthenticated());
    }
    let until = OffsetDateTime::now_utc() + server.config.refresh_ttl;
    session::use_refresh_token(&mut transaction, token.session_id, &hash, until).await?;
    let next = issue_refresh_token(&mut transaction, token.session_id, next).await?;
    let user = users::get(&mut transaction, token.user_id)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let signed_in = signed_in(server, user, token.session_id, next)?;
    transaction.commit().await?;
    Ok(signed_in)
}
