//! Failed sign-ins in the database.

use sqlx::{PgConnection, query, query_scalar};
use std::time::Duration;
use time::OffsetDateTime;

/// Failures older than this are forgotten.
const FORGET_AFTER: time::Duration = time::Duration::hours(24);

/// The latest end of the locks of these keys that lies ahead.
pub(crate) async fn locked_until(
    connection: &mut PgConnection,
    keys: &[Vec<u8>],
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    query_scalar!(
        "SELECT max(locked_until) FROM sign_in_guard WHERE key = ANY($1) AND locked_until > now()",
        keys
    )
    .fetch_one(connection)
    .await
}

/// Counts a failure. From `free` failures on, each locks twice as long as the one before, up to `longest`.
pub(crate) async fn failed(
    connection: &mut PgConnection,
    key: &[u8],
    free: i32,
    first: Duration,
    longest: Duration,
) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO sign_in_guard AS g (key, failures, failed_at, locked_until) VALUES ($1, 1, now(), now())
         ON CONFLICT (key) DO UPDATE SET
             failures = CASE WHEN g.failed_at < $5 THEN 1 ELSE g.failures + 1 END,
             failed_at = now(),
             locked_until = now() + make_interval(secs =>
                 CASE WHEN g.failed_at < $5 OR g.failures + 1 < $2 THEN 0
                      ELSE least($4, $3 * power(2, least(g.failures + 1 - $2, 20))) END)",
        key,
        free,
        first.as_secs_f64(),
        longest.as_secs_f64(),
        OffsetDateTime::now_utc() - FORGET_AFTER
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A good sign-in forgets the failures.
pub(crate) async fn forget(connection: &mut PgConnection, keys: &[Vec<u8>]) -> Result<(), sqlx::Error> {
    query!("DELETE FROM sign_in_guard WHERE key = ANY($1)", keys)
        .execute(connection)
        .await?;
    Ok(())
}

/// Clears away what is forgotten anyway.
pub(crate) async fn forget_old(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let before = OffsetDateTime::now_utc() - FORGET_AFTER;
    let done = query!("DELETE FROM sign_in_guard WHERE failed_at < $1", before)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
