//! The audit log in the database.

use crate::audit::{Action, AuditEntry};
use crate::guard::Origin;
use sqlx::{PgConnection, query, query_as};
use time::OffsetDateTime;
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

/// Which entries a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sought {
    /// Who did it.
    pub(crate) actor: Option<Uuid>,
    /// What it was done to.
    pub(crate) subject: Option<String>,
    /// The action, or the first part of its name with its dot, such as `admin.`.
    pub(crate) action: Option<String>,
    pub(crate) from: Option<OffsetDateTime>,
    pub(crate) to: Option<OffsetDateTime>,
}

/// The newest first, before the given entry. Addresses of mail are looked up now: the log itself holds none.
pub(crate) async fn list(
    connection: &mut PgConnection,
    sought: &Sought,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditEntry>, sqlx::Error> {
    query_as!(
        AuditEntry,
        r#"SELECT a.id, a.at, a.actor, a.action, a.subject, a.detail, a.address, a.request_id,
                  by.email AS "actor_email?", of.email AS "subject_email?"
           FROM audit a LEFT JOIN users by ON by.id = a.actor LEFT JOIN users of ON of.id::text = a.subject
           WHERE ($1::uuid IS NULL OR a.actor = $1) AND ($2::text IS NULL OR a.subject = $2)
             AND ($3::text IS NULL OR a.action = $3 OR (right($3, 1) = '.' AND starts_with(a.action, $3)))
             AND ($4::timestamptz IS NULL OR a.at >= $4) AND ($5::timestamptz IS NULL OR a.at < $5)
             AND ($6::bigint IS NULL OR a.id < $6)
           ORDER BY a.id DESC LIMIT $7"#,
        sought.actor,
        sought.subject,
        sought.action,
        sought.from,
        sought.to,
        before,
        limit
    )
    .fetch_all(connection)
    .await
}
