//! The audit log in the database.

use crate::audit::{Action, AuditEntry};
use crate::guard::Origin;
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

/// Writes an entry, in the transaction of what it tells of. Nothing personal belongs in `detail`.
pub(crate) async fn write(
    connection: &mut PgConnection,
    origin: Option<&Origin>,
    actor: Option<Uuid>,
    action: Action,
    subject: Option<Uuid>,
    detail: serde_json::Value,
) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO audit (actor, action, subject, detail, address, request_id) VALUES ($1, $2, $3, $4, $5, $6)",
        actor,
        action.name(),
        subject.map(|subject| subject.to_string()),
        detail,
        origin.map(|origin| origin.address.to_string()),
        origin.map(|origin| origin.request_id.clone()),
    )
    .execute(connection)
    .await?;
    metrics::counter!("castor_audit_events_total", "action" => action.name()).increment(1);
    Ok(())
}

/// The newest first, before the given entry.
pub(crate) async fn list(
    connection: &mut PgConnection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditEntry>, sqlx::Error> {
    query_as!(
        AuditEntry,
        "SELECT id, at, actor, action, subject, detail, address, request_id FROM audit
         WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
        before,
        limit
    )
    .fetch_all(connection)
    .await
}
