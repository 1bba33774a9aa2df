//! Failed sign-ins in the database.

use sqlx::{PgConnection, query, query_scalar};
use std::time::Duration;
use time::OffsetDateTime;

/// Failures older than this are forgotten.
const FORGET_AFTER: time::Duration = time::Duration::hours(24);

/// Until when there is a lock.
pub(crate) async fn locked_until(
    connection: &mut PgConnection,
    key: &[u8],
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    query_scalar!("SELECT locked_until FROM sign_in_guard WHERE key = $1", key)
        .fetch_optional(connection)
        .await
}

/// Counts a try as failed until [`forget`] says otherwise, so that tries at the same moment count too; whether it may be made:
/// it may not while there is a lock. From `free` failures on, each locks twice as long as the one before, up to `longest`.
/// The time is that at which the row is held: a try that had to wait for another one may have begun before it.
pub(crate) async fn admit(
    connection: &mut PgConnection,
    key: &[u8],
    free: i32,
    first: Duration,
    longest: Duration,
) -> Result<bool, sqlx::Error> {
    let counted = query!(
        "INSERT INTO sign_in_guard AS g (key, failures, failed_at, locked_until) VALUES ($1, 1, clock_timestamp(), clock_timestamp())
         ON CONFLICT (key) DO UPDATE SET
             failures = CASE WHEN g.failed_at < $5 THEN 1 ELSE g.failures + 1 END,
             failed_at = clock_timestamp(),
             locked_until = clock_timestamp() + make_interval(secs =>
                 CASE WHEN g.failed_at < $5 OR g.failures + 1 < $2 THEN 0
                      ELSE least($4, $3 * power(2, least(g.failures + 1 - $2, 20))) END)
             WHERE g.locked_until <= clock_timestamp()",
        key,
        free,
        first.as_secs_f64(),
        longest.as_secs_f64(),
        OffsetDateTime::now_utc() - FORGET_AFTER
    )
    .execute(connection)
    .await?;
    Ok(counted.rows_affected() > 0)
}

/// Writes what is there already: as much work as an entry of the audit log.
pub(crate) async fn touch(connection: &mut PgConnection, key: &[u8]) -> Result<(), sqlx::Error> {
    query!("UPDATE sign_in_guard SET failed_at = now() WHERE key = $1", key)
        .execute(connection)
        .await?;
    Ok(())
}

/// A good sign-in forgets the failures, in the order of the keys given: in the order in which they are counted, so that
/// nobody waits for somebody who waits for them.
pub(crate) async fn forget(connection: &mut PgConnection, keys: &[&[u8]]) -> Result<(), sqlx::Error> {
    for key in keys {
        query!("DELETE FROM sign_in_guard WHERE key = $1", key)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Forgets the failures at an account from all addresses, the account's own last, as they are counted.
pub(crate) async fn forget_account(connection: &mut PgConnection, account: &[u8]) -> Result<(), sqlx::Error> {
    query!(
        "DELETE FROM sign_in_guard WHERE substr(key, 1, length($1::bytea)) = $1::bytea AND key <> $1::bytea",
        account
    )
    .execute(&mut *connection)
    .await?;
    forget(connection, &[account]).await
}

/// Clears away what is forgotten anyway.
pub(crate) async fn forget_old(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let before = OffsetDateTime::now_utc() - FORGET_AFTER;
    let done = query!("DELETE FROM sign_in_guard WHERE failed_at < $1", before)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
