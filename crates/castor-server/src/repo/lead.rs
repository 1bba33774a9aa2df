//! Leads in the database.

use crate::lead::{Lead, LeadStatus, NewLead, word};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

pub(crate) async fn insert(connection: &mut PgConnection, new: &NewLead) -> Result<Lead, sqlx::Error> {
    query_as!(
        Lead,
        "INSERT INTO lead (id, first_name, last_name, email, email_key, phone, interest, location, candidacy_type)
         VALUES ($1, $2, $3, $4, $9, $5, $6, $7, $8)
         RETURNING id, first_name, last_name, email, phone, interest, location, candidacy_type, status, created_at",
        Uuid::now_v7(),
        new.first_name,
        new.last_name,
        new.email,
        new.phone,
        word(new.interest),
        new.location,
        new.candidacy_type.and_then(word),
        // Whatever letters the database's language knows.
        new.email.to_lowercase(),
    )
    .fetch_one(connection)
    .await
}

/// The newest first, before the given one.
pub(crate) async fn list(
    connection: &mut PgConnection,
    status: Option<LeadStatus>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Lead>, sqlx::Error> {
    query_as!(
        Lead,
        "SELECT id, first_name, last_name, email, phone, interest, location, candidacy_type, status, created_at
         FROM lead WHERE ($1::text IS NULL OR status = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        status.and_then(word),
        before,
        limit
    )
    .fetch_all(connection)
    .await
}

pub(crate) async fn count(connection: &mut PgConnection, status: Option<LeadStatus>) -> Result<i64, sqlx::Error> {
    query_scalar!(
        r#"SELECT count(*) AS "count!" FROM lead WHERE $1::text IS NULL OR status = $1"#,
        status.and_then(word)
    )
    .fetch_one(connection)
    .await
}

pub(crate) async fn set_status(
    connection: &mut PgConnection,
    id: Uuid,
    status: LeadStatus,
) -> Result<Option<Lead>, sqlx::Error> {
    query_as!(
        Lead,
        "UPDATE lead SET status = $2 WHERE id = $1
         RETURNING id, first_name, last_name, email, phone, interest, location, candidacy_type, status, created_at",
        id,
        word(status)
    )
    .fetch_optional(connection)
    .await
}

/// Whether there was one.
pub(crate) async fn delete(connection: &mut PgConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    let done = query!("DELETE FROM lead WHERE id = $1", id).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}
