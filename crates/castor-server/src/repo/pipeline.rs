//! Whether jobs are taken, by whom, and how far they are.

use crate::work::{PipelineOrder, PipelineState, QueueRules, WorkerView};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

/// The pipeline's row, held until the transaction ends.
pub(crate) async fn hold(connection: &mut PgConnection) -> Result<PipelineOrder, sqlx::Error> {
    query_as!(
        PipelineOrder,
        r#"SELECT state AS "state: PipelineState", election_type, copy_type, ocr_workers FROM pipeline FOR UPDATE"#
    )
    .fetch_one(connection)
    .await
}

/// The pipeline's row.
pub(crate) async fn read(connection: &mut PgConnection) -> Result<PipelineOrder, sqlx::Error> {
    query_as!(
        PipelineOrder,
        r#"SELECT state AS "state: PipelineState", election_type, copy_type, ocr_workers FROM pipeline"#
    )
    .fetch_one(connection)
    .await
}

/// Changes it.
pub(crate) async fn write(
    connection: &mut PgConnection,
    order: &PipelineOrder,
    account: Uuid,
) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE pipeline SET state = $1, election_type = $2, copy_type = $3, ocr_workers = $4, account = $5, changed_at = now()",
        order.state as PipelineState,
        order.election_type,
        order.copy_type,
        order.ocr_workers,
        account
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Jobs by where they stand.
pub(crate) struct JobCount {
    pub(crate) queued: i64,
    pub(crate) running: i64,
    pub(crate) done: i64,
    pub(crate) dead: i64,
}

/// Counts jobs.
pub(crate) async fn count(connection: &mut PgConnection) -> Result<JobCount, sqlx::Error> {
    query_as!(
        JobCount,
        r#"WITH by_state AS (SELECT state, count(*) AS jobs FROM job GROUP BY state)
           SELECT coalesce(sum(jobs) FILTER (WHERE state = 'QUEUED'), 0)::bigint AS "queued!",
             coalesce(sum(jobs) FILTER (WHERE state = 'RUNNING'), 0)::bigint AS "running!",
             coalesce(sum(jobs) FILTER (WHERE state = 'DONE'), 0)::bigint AS "done!",
             coalesce(sum(jobs) FILTER (WHERE state = 'DEAD'), 0)::bigint AS "dead!" FROM by_state"#
    )
    .fetch_one(connection)
    .await
}

/// Forms by state.
pub(crate) async fn forms(connection: &mut PgConnection) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = query!(r#"SELECT state, count(*) AS "count!" FROM form GROUP BY state"#)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}

/// A worker begins.
pub(crate) async fn join(
    connection: &mut PgConnection,
    id: Uuid,
    name: &str,
    model: &str,
    slots: usize,
) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO worker (id, name, model, slots) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, model = excluded.model, slots = excluded.slots, seen_at = now(),
             ended_at = NULL",
        id,
        name,
        model,
        i16::try_from(slots).unwrap_or(i16::MAX)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A worker ends.
pub(crate) async fn leave(connection: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    query!("UPDATE worker SET ended_at = now(), seen_at = now() WHERE id = $1", id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Workers of the last day, the latest sign of life first.
pub(crate) async fn workers(connection: &mut PgConnection, rules: &QueueRules) -> Result<Vec<WorkerView>, sqlx::Error> {
    query_as!(
        WorkerView,
        r#"SELECT w.id, w.name, w.model, w.slots, w.started_at, w.seen_at, w.ended_at,
             w.ended_at IS NULL AND w.seen_at > now() - make_interval(secs => $1) AS "alive!",
             (SELECT count(*) FROM job j WHERE j.worker = w.id AND j.state = 'RUNNING') AS "running!"
           FROM worker w WHERE w.seen_at > now() - interval '1 day' ORDER BY w.seen_at DESC LIMIT 500"#,
        rules.lease.as_secs_f64()
    )
    .fetch_all(connection)
    .await
}

/// A model that workers read with.
pub(crate) struct WorkersModel {
    pub(crate) model: String,
    /// Whether one of them gave a sign of life lately.
    pub(crate) alive: bool,
}

/// The model of the worker that began last, of those that are there before those that are gone.
pub(crate) async fn model(
    connection: &mut PgConnection,
    rules: &QueueRules,
) -> Result<Option<WorkersModel>, sqlx::Error> {
    query_as!(
        WorkersModel,
        r#"SELECT model, ended_at IS NULL AND seen_at > now() - make_interval(secs => $1) AS "alive!" FROM worker
           WHERE slots > 0 ORDER BY 2 DESC, started_at DESC LIMIT 1"#,
        rules.lease.as_secs_f64()
    )
    .fetch_optional(connection)
    .await
}
