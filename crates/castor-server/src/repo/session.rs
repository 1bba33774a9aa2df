//! Sign-ins and their refresh tokens in the database.

use crate::role::Role;
use crate::session::{Revocation, Session, SessionOfUser};
use sqlx::{PgConnection, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

/// A refresh token with what decides about it. Its session is held until the transaction ends.
pub(crate) struct Presented {
    pub(crate) session_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) used: bool,
    /// The session has neither ended nor been revoked, and the account is active.
    pub(crate) alive: bool,
}

pub(crate) async fn insert(
    connection: &mut PgConnection,
    user: Uuid,
    device: &str,
    address: &str,
    expires_at: OffsetDateTime,
) -> Result<Uuid, sqlx::Error> {
    query_scalar!(
        "INSERT INTO session (id, user_id, device, address, expires_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        Uuid::now_v7(),
        user,
        device,
        address,
        expires_at
    )
    .fetch_one(connection)
    .await
}

/// The role of the session's account, when the session still stands.
pub(crate) async fn role_of(
    connection: &mut PgConnection,
    session: Uuid,
    user: Uuid,
) -> Result<Option<Role>, sqlx::Error> {
    query_scalar!(
        r#"SELECT u.role AS "role: Role" FROM session s JOIN users u ON u.id = s.user_id
           WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > now() AND u.active"#,
        session,
        user
    )
    .fetch_optional(connection)
    .await
}

pub(crate) async fn present(connection: &mut PgConnection, hash: &[u8]) -> Result<Option<Presented>, sqlx::Error> {
    // Held first, read afterwards: what a second request with the same token sees is what the first one left.
    let Some(session) = query_scalar!("SELECT session_id FROM refresh_token WHERE hash = $1", hash)
        .fetch_optional(&mut *connection)
        .await?
    else {
        return Ok(None);
    };
    query!("SELECT id FROM session WHERE id = $1 FOR UPDATE", session)
        .fetch_optional(&mut *connection)
        .await?;
    query_as!(
        Presented,
        r#"SELECT s.id AS session_id, s.user_id, t.used_at IS NOT NULL AS "used!",
                  s.revoked_at IS NULL AND s.expires_at > now() AND u.active AS "alive!"
           FROM refresh_token t JOIN session s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
           WHERE t.hash = $1"#,
        hash
    )
    .fetch_optional(connection)
    .await
}

/// Adds a token; false when there is one like it.
pub(crate) async fn add_refresh_token(
    connection: &mut PgConnection,
    session: Uuid,
    hash: &[u8],
) -> Result<bool, sqlx::Error> {
    let added = query!(
        "INSERT INTO refresh_token (hash, session_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        hash,
        session
    )
    .execute(connection)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// Whether a session has this token and nobody has used it.
pub(crate) async fn is_unused(connection: &mut PgConnection, session: Uuid, hash: &[u8]) -> Result<bool, sqlx::Error> {
    query_scalar!(
        r#"SELECT EXISTS (SELECT FROM refresh_token WHERE hash = $1 AND session_id = $2 AND used_at IS NULL) AS "unused!""#,
        hash,
        session
    )
    .fetch_one(connection)
    .await
}

/// Marks the token used and moves the session's end.
pub(crate) async fn use_refresh_token(
    connection: &mut PgConnection,
    session: Uuid,
    hash: &[u8],
    expires_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    query!("UPDATE refresh_token SET used_at = now() WHERE hash = $1", hash)
        .execute(&mut *connection)
        .await?;
    query!(
        "UPDATE session SET used_at = now(), expires_at = $2 WHERE id = $1",
        session,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends one session of the account.
pub(crate) async fn revoke(
    connection: &mut PgConnection,
    user: Uuid,
    session: Uuid,
    why: Revocation,
) -> Result<bool, sqlx::Error> {
    let done = query!(
        "UPDATE session SET revoked_at = now(), revoked_why = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
        session,
        user,
        why.name()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends every session of the account, and says which.
pub(crate) async fn revoke_all(
    connection: &mut PgConnection,
    user: Uuid,
    why: Revocation,
) -> Result<Vec<Uuid>, sqlx::Error> {
    query_scalar!(
        "UPDATE session SET revoked_at = now(), revoked_why = $2
         WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() RETURNING id",
        user,
        why.name()
    )
    .fetch_all(connection)
    .await
}

/// Sessions that were ended early since a moment, in the order of their ids, after the given one.
pub(crate) async fn revoked_since(
    connection: &mut PgConnection,
    since: OffsetDateTime,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    query_scalar!(
        "SELECT id FROM session WHERE revoked_at > $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        since,
        after,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Whether a session of the account was ended early since a moment.
pub(crate) async fn was_revoked_since(
    connection: &mut PgConnection,
    user: Uuid,
    since: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    query_scalar!(
        r#"SELECT EXISTS (SELECT FROM session WHERE user_id = $1 AND revoked_at > $2) AS "was!""#,
        user,
        since
    )
    .fetch_one(connection)
    .await
}

/// The sessions of an account that still stand, the newest first.
pub(crate) async fn list(connection: &mut PgConnection, user: Uuid) -> Result<Vec<Session>, sqlx::Error> {
    query_as!(
        Session,
        "SELECT id, user_id, device, address, created_at, used_at, expires_at FROM session
         WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() ORDER BY created_at DESC LIMIT 100",
        user
    )
    .fetch_all(connection)
    .await
}

/// The sessions that still stand, of one account or of all, the newest first, after the given one.
pub(crate) async fn standing(
    connection: &mut PgConnection,
    user: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SessionOfUser>, sqlx::Error> {
    query_as!(
        SessionOfUser,
        r#"SELECT s.id, s.user_id, u.email, u.first_name, u.last_name, u.role AS "role: Role", s.device, s.address,
                  s.created_at, s.used_at, s.expires_at
           FROM session s JOIN users u ON u.id = s.user_id
           WHERE s.revoked_at IS NULL AND s.expires_at > now()
             AND ($1::uuid IS NULL OR s.user_id = $1) AND ($2::uuid IS NULL OR s.id < $2)
           ORDER BY s.id DESC LIMIT $3"#,
        user,
        after,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Ends one session of anybody that still stands, and says whose it was.
pub(crate) async fn revoke_any(
    connection: &mut PgConnection,
    session: Uuid,
    why: Revocation,
) -> Result<Option<Uuid>, sqlx::Error> {
    query_scalar!(
        "UPDATE session SET revoked_at = now(), revoked_why = $2
         WHERE id = $1 AND revoked_at IS NULL AND expires_at > now() RETURNING user_id",
        session,
        why.name()
    )
    .fetch_optional(connection)
    .await
}

/// Forgets sessions that ended before the given time, with their tokens.
pub(crate) async fn forget_ended(connection: &mut PgConnection, before: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = query!("DELETE FROM session WHERE expires_at < $1", before)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
