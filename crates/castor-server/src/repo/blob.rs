//! How far files of forms have come.

use castor_wire::sync::BlobKind;
use sqlx::{PgConnection, query, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) kind: BlobKind,
    pub(crate) total: i64,
    pub(crate) bytes: i64,
    pub(crate) whole: bool,
}

impl Blob {
    /// The same without any bytes.
    pub(crate) fn begun_anew(self) -> Self {
        Self {
            bytes: 0,
            whole: false,
            ..self
        }
    }
}

/// What names a file: an event of its form, or the list of pages of one.
pub(crate) async fn named(connection: &mut PgConnection, hash: &str) -> Result<bool, sqlx::Error> {
    query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM form WHERE id = $1)
             OR EXISTS (SELECT 1 FROM blob_page WHERE page = $1) AS "named!""#,
        hash
    )
    .fetch_one(connection)
    .await
}

/// A file as it stands.
pub(crate) async fn get(connection: &mut PgConnection, hash: &str) -> Result<Option<Blob>, sqlx::Error> {
    let row = query!("SELECT kind, total, bytes, whole FROM blob WHERE sha256 = $1", hash)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| Blob {
        kind: BlobKind::parse(&row.kind).unwrap_or(BlobKind::File),
        total: row.total,
        bytes: row.bytes,
        whole: row.whole,
    }))
}

/// A file as it stands, begun where there is none, and held until the transaction ends.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    hash: &str,
    kind: BlobKind,
    total: i64,
    account: Uuid,
) -> Result<Blob, sqlx::Error> {
    query!(
        "INSERT INTO blob (sha256, kind, total, account) VALUES ($1, $2, $3, $4) ON CONFLICT (sha256) DO NOTHING",
        hash,
        kind.name(),
        total,
        account
    )
    .execute(&mut *connection)
    .await?;
    let row = query!(
        "SELECT kind, total, bytes, whole FROM blob WHERE sha256 = $1 FOR UPDATE",
        hash
    )
    .fetch_one(connection)
    .await?;
    Ok(Blob {
        kind: BlobKind::parse(&row.kind).unwrap_or(BlobKind::File),
        total: row.total,
        bytes: row.bytes,
        whole: row.whole,
    })
}

/// Writes how far a file has come.
pub(crate) async fn set(connection: &mut PgConnection, hash: &str, blob: &Blob) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE blob SET kind = $2, total = $3, bytes = $4, whole = $5, touched_at = now() WHERE sha256 = $1",
        hash,
        blob.kind.name(),
        blob.total,
        blob.bytes,
        blob.whole
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says of a whole file that no desk is to be waited for to read it.
pub(crate) async fn is_read_here(connection: &mut PgConnection, hash: &str) -> Result<(), sqlx::Error> {
    query!("UPDATE blob SET touched_at = 'epoch' WHERE sha256 = $1 AND whole", hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes the pages that a form's list names.
pub(crate) async fn name_pages(connection: &mut PgConnection, form: &str, pages: &[String]) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO blob_page (form, page) SELECT $1, page FROM unnest($2::text[]) AS page ON CONFLICT DO NOTHING",
        form,
        pages
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A file that nobody went on with since a moment, held until the transaction ends.
pub(crate) async fn hold_left(
    connection: &mut PgConnection,
    before: OffsetDateTime,
) -> Result<Option<String>, sqlx::Error> {
    query_scalar!(
        "SELECT sha256 FROM blob WHERE NOT whole AND touched_at < $1 ORDER BY touched_at LIMIT 1
         FOR UPDATE SKIP LOCKED",
        before
    )
    .fetch_optional(connection)
    .await
}

/// Forgets a file of which not all bytes came.
pub(crate) async fn forget(connection: &mut PgConnection, hash: &str) -> Result<(), sqlx::Error> {
    query!("DELETE FROM blob WHERE NOT whole AND sha256 = $1", hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes a file that the store of files has whole although nothing is noted of it, as after an older backup was restored.
pub(crate) async fn survived(
    connection: &mut PgConnection,
    hash: &str,
    kind: BlobKind,
    total: i64,
) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO blob (sha256, kind, total, bytes, whole, account) VALUES ($1, $2, $3, $3, true, $4)
         ON CONFLICT (sha256) DO NOTHING",
        hash,
        kind.name(),
        total,
        Uuid::nil()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets the transaction wait for the store of files while a large file is put together.
pub(crate) async fn take_time(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    query!("SET LOCAL idle_in_transaction_session_timeout = '10min'")
        .execute(connection)
        .await?;
    Ok(())
}
