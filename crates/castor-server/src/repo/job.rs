//! The queue of readings.

use crate::work::{Claimed, Job, JobPriority, JobState, OF_THE_MOMENT, OF_THE_STORE, QueueRules};
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, query, query_as, query_scalar};
use std::time::Duration;
use uuid::Uuid;

fn interval(time: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(time.as_micros()).unwrap_or(i64::MAX),
    }
}

/// A job that was asked for: new, or the one that is there.
pub(crate) struct Wanted {
    pub(crate) id: Uuid,
    pub(crate) sha256: String,
    pub(crate) state: JobState,
}

/// How files are queued.
pub(crate) struct Wish<'a> {
    pub(crate) model: &'a str,
    pub(crate) priority: JobPriority,
    pub(crate) account: Uuid,
    pub(crate) force: bool,
}

/// Queues readings of files, each once for a model: one that is there is the answer, made more urgent where it waits. With
/// `force` what has ended begins again. What was given up for a fault of the moment has one more attempt, unless it was discarded.
pub(crate) async fn enqueue(
    connection: &mut PgConnection,
    files: &[String],
    wish: &Wish<'_>,
    rules: &QueueRules,
) -> Result<Vec<Wanted>, sqlx::Error> {
    let ids: Vec<Uuid> = files.iter().map(|_| Uuid::now_v7()).collect();
    let wanted = query_as!(
        Wanted,
        r#"INSERT INTO job AS j (id, sha256, departamento, model, priority, account, forced, turn)
           SELECT given.id, sha256, f.departamento, $3, $4, $5, $6, now() + ($4::smallint - 1) * $7::interval
           FROM unnest($1::uuid[], $2::text[]) AS given (id, sha256) JOIN stored_file f USING (sha256) ORDER BY sha256
           ON CONFLICT (sha256, model) DO UPDATE SET
             forced = j.forced OR excluded.forced,
             (priority, turn, queued_at, run_at, attempts, finished_at, state) = (
               SELECT CASE WHEN waits THEN least(j.priority, excluded.priority) WHEN anew OR again THEN excluded.priority
                        ELSE j.priority END,
                 CASE WHEN waits THEN least(j.turn, j.queued_at + (excluded.priority - 1) * $7::interval)
                   WHEN anew OR again THEN excluded.turn ELSE j.turn END,
                 CASE WHEN anew OR again THEN now() ELSE j.queued_at END,
                 CASE WHEN anew OR again THEN now() ELSE j.run_at END,
                 CASE WHEN anew THEN 0 ELSE j.attempts END,
                 CASE WHEN anew OR again THEN NULL ELSE j.finished_at END,
                 CASE WHEN anew OR again THEN 'QUEUED' ELSE j.state END
               FROM (SELECT j.state IN ('QUEUED', 'RUNNING') AS waits,
                       j.state IN ('DONE', 'DEAD', 'DISCARDED') AND excluded.forced AS anew,
                       j.state = 'DEAD' AND j.code = ANY($8::text[]) AS again) AS stands)
           RETURNING id, sha256, state AS "state: JobState""#,
        &ids,
        files,
        wish.model,
        wish.priority.rank(),
        wish.account,
        wish.force,
        interval(rules.ageing),
        &OF_THE_MOMENT.map(str::to_owned),
    )
    .fetch_all(&mut *connection)
    .await?;
    query!(
        "WITH new AS (SELECT sha256 FROM stored_file WHERE sha256 = ANY($1) AND model IS DISTINCT FROM $2 ORDER BY sha256 FOR NO KEY UPDATE)
         UPDATE stored_file f SET model = $2 FROM new WHERE f.sha256 = new.sha256",
        files,
        wish.model
    )
    .execute(connection)
    .await?;
    Ok(wanted)
}

/// Jobs that wait.
pub(crate) async fn waiting(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    query_scalar!(r#"SELECT count(*) AS "count!" FROM job WHERE state = 'QUEUED'"#)
        .fetch_one(connection)
        .await
}

/// A worker that takes jobs.
pub(crate) struct Taker<'a> {
    pub(crate) worker: Uuid,
    pub(crate) model: &'a str,
}

struct Taken {
    id: Uuid,
    sha256: String,
    name: String,
    model: String,
    attempts: i16,
    forced: bool,
    in_pages: bool,
    waited: i64,
}

impl From<Taken> for Claimed {
    fn from(taken: Taken) -> Self {
        Self {
            id: taken.id,
            sha256: taken.sha256,
            name: taken.name,
            model: taken.model,
            attempt: taken.attempts,
            forced: taken.forced,
            in_pages: taken.in_pages,
            waited: Duration::from_millis(u64::try_from(taken.waited).unwrap_or(0)),
        }
    }
}

/// Takes the job whose turn it is, unless the pipeline holds jobs back or as many run as are allowed.
pub(crate) async fn take(
    connection: &mut PgConnection,
    taker: &Taker<'_>,
    rules: &QueueRules,
) -> Result<Option<Claimed>, sqlx::Error> {
    let taken = query_as!(
        Taken,
        r#"WITH due AS (
             SELECT id FROM job
             WHERE state = 'QUEUED' AND run_at <= now() AND model = $2
               AND EXISTS (SELECT FROM pipeline p WHERE p.state IN ('IDLE', 'RUNNING')
                 AND (p.ocr_workers IS NULL OR p.ocr_workers > (SELECT count(*) FROM job r WHERE r.state = 'RUNNING')))
             ORDER BY turn, id LIMIT 1 FOR UPDATE SKIP LOCKED
           )
           UPDATE job j SET state = 'RUNNING', worker = $1, lease_until = now() + $3, attempts = attempts + 1, started_at = now(),
             finished_at = NULL
           FROM due, stored_file f WHERE j.id = due.id AND f.sha256 = j.sha256
           RETURNING j.id, j.sha256, f.name, j.model, j.attempts, j.forced,
             EXISTS (SELECT FROM blob b WHERE b.sha256 = j.sha256 AND b.kind = 'pages') AS "in_pages!",
             (extract(epoch FROM now() - j.queued_at) * 1000)::bigint AS "waited!""#,
        taker.worker,
        taker.model,
        interval(rules.lease),
    )
    .fetch_optional(connection)
    .await?;
    Ok(taken.map(Into::into))
}

/// Takes one job, if it waits; whatever the pipeline says, since someone waits for it.
pub(crate) async fn take_one(
    connection: &mut PgConnection,
    id: Uuid,
    taker: &Taker<'_>,
    rules: &QueueRules,
) -> Result<Option<Claimed>, sqlx::Error> {
    let taken = query_as!(
        Taken,
        r#"UPDATE job j SET state = 'RUNNING', worker = $2, lease_until = now() + $4, attempts = attempts + 1, started_at = now(),
             finished_at = NULL
           FROM stored_file f WHERE j.id = $1 AND j.state = 'QUEUED' AND j.model = $3 AND f.sha256 = j.sha256
           RETURNING j.id, j.sha256, f.name, j.model, j.attempts, j.forced,
             EXISTS (SELECT FROM blob b WHERE b.sha256 = j.sha256 AND b.kind = 'pages') AS "in_pages!",
             (extract(epoch FROM now() - j.queued_at) * 1000)::bigint AS "waited!""#,
        id,
        taker.worker,
        taker.model,
        interval(rules.lease),
    )
    .fetch_optional(connection)
    .await?;
    Ok(taken.map(Into::into))
}

/// Holds a job until the transaction ends, if it is still this attempt of this worker: what is written then is written once.
pub(crate) async fn hold(connection: &mut PgConnection, claimed: &Claimed, worker: Uuid) -> Result<bool, sqlx::Error> {
    let held = query_scalar!(
        "SELECT id FROM job WHERE id = $1 AND state = 'RUNNING' AND worker = $2 AND attempts = $3 FOR UPDATE",
        claimed.id,
        worker,
        claimed.attempt
    )
    .fetch_optional(connection)
    .await?;
    Ok(held.is_some())
}

/// Ends a job that is held: the event says what was read.
pub(crate) async fn done(connection: &mut PgConnection, id: Uuid, event: Uuid) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE job SET state = 'DONE', event = $2, finished_at = now(), lease_until = NULL, code = NULL, message = NULL,
           forced = false WHERE id = $1",
        id,
        event
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a job that is held whose reading was not taken: with the event that it had, else with the one that stands.
pub(crate) async fn kept(
    connection: &mut PgConnection,
    id: Uuid,
    stands: Uuid,
    refused: &Failed<'_>,
) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE job SET state = 'DONE', event = coalesce(event, $2), finished_at = now(), lease_until = NULL, code = $3,
           message = $4, forced = false WHERE id = $1",
        id,
        stands,
        refused.code,
        refused.message,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What failed, and what becomes of the job.
pub(crate) struct Failed<'a> {
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    /// When it is tried again; never, without it.
    pub(crate) again: Option<Duration>,
}

/// Notes a failure of a job that is held.
pub(crate) async fn failed(connection: &mut PgConnection, id: Uuid, failed: &Failed<'_>) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE job SET state = CASE WHEN $4::interval IS NULL THEN 'DEAD' ELSE 'QUEUED' END, code = $2, message = $3,
           run_at = now() + coalesce($4, interval '0'), lease_until = NULL,
           finished_at = CASE WHEN $4::interval IS NULL THEN now() END
         WHERE id = $1",
        id,
        failed.code,
        failed.message,
        failed.again.map(interval),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a job back that was taken and not begun: it does not count as an attempt.
pub(crate) async fn give_back(
    connection: &mut PgConnection,
    claimed: &Claimed,
    worker: Uuid,
) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE job SET state = 'QUEUED', attempts = attempts - 1, lease_until = NULL, worker = NULL
         WHERE id = $1 AND state = 'RUNNING' AND worker = $2 AND attempts = $3",
        claimed.id,
        worker,
        claimed.attempt
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A sign of life of a worker: the jobs that it carries out stay its own.
pub(crate) async fn alive(
    connection: &mut PgConnection,
    worker: Uuid,
    carried: &[Uuid],
    rules: &QueueRules,
) -> Result<(), sqlx::Error> {
    query!(
        "WITH seen AS (UPDATE worker SET seen_at = now() WHERE id = $1)
         UPDATE job SET lease_until = now() + $2 WHERE worker = $1 AND state = 'RUNNING' AND id = ANY($3)",
        worker,
        interval(rules.lease),
        carried
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Jobs of workers that gave no sign of life wait again, after the pause of a failed attempt; what brought down as many workers
/// as it has attempts is given up.
pub(crate) async fn reclaim(connection: &mut PgConnection, rules: &QueueRules) -> Result<u64, sqlx::Error> {
    let done = query!(
        "WITH lost AS (SELECT id FROM job WHERE state = 'RUNNING' AND lease_until < now() FOR UPDATE SKIP LOCKED)
         UPDATE job j SET lease_until = NULL, run_at = now() + $2::interval * power(2, least(attempts - 1, 10)), code = 'JOB_001',
           state = CASE WHEN attempts >= $1 THEN 'DEAD' ELSE 'QUEUED' END,
           finished_at = CASE WHEN attempts >= $1 THEN now() END,
           message = 'JOB_001 the worker that had it stopped without a word'
         FROM lost WHERE j.id = lost.id",
        i16::try_from(rules.attempts).unwrap_or(i16::MAX),
        interval(rules.pause)
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Jobs that wait for a model that no worker has any more are of the model that is asked from now on; where there is such a
/// job of the file already, they are gone.
pub(crate) async fn adopt(connection: &mut PgConnection, model: &str, rules: &QueueRules) -> Result<u64, sqlx::Error> {
    let done = query!(
        "WITH left_over AS (
             SELECT id, EXISTS (SELECT FROM job o WHERE o.sha256 = j.sha256 AND o.model = $1) AS again FROM job j
             WHERE state = 'QUEUED' AND model <> $1
               AND NOT EXISTS (SELECT FROM worker w WHERE w.model = j.model AND w.ended_at IS NULL
                   AND w.seen_at > now() - $2::interval)
             FOR UPDATE SKIP LOCKED
         ), gone AS (DELETE FROM job j USING left_over l WHERE j.id = l.id AND l.again RETURNING j.sha256
         ), moved AS (UPDATE job j SET model = $1 FROM left_over l WHERE j.id = l.id AND NOT l.again RETURNING j.sha256)
         UPDATE stored_file f SET model = $1 FROM (SELECT sha256 FROM gone UNION SELECT sha256 FROM moved) m
         WHERE f.sha256 = m.sha256",
        model,
        interval(rules.lease)
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Jobs that were given up for a fault of the store of files wait again, as far as the queue has room: each attempt after twice
/// the pause of the one before it, so that what is gone for good is asked for a few times a day.
pub(crate) async fn again(connection: &mut PgConnection, rules: &QueueRules) -> Result<u64, sqlx::Error> {
    let done = query!(
        "WITH due AS (
             SELECT id FROM job WHERE state = 'DEAD' AND code = ANY($1)
               AND finished_at + $2::interval * power(2, least(attempts, 10)) < now()
             LIMIT greatest(0, $3 - (SELECT count(*) FROM job WHERE state = 'QUEUED')) FOR UPDATE SKIP LOCKED
         )
         UPDATE job j SET state = 'QUEUED', run_at = now(), finished_at = NULL FROM due WHERE j.id = due.id",
        &OF_THE_STORE.map(str::to_owned),
        interval(rules.pause),
        i64::from(rules.limit),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Which jobs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct JobFilter<'a> {
    pub(crate) state: Option<JobState>,
    pub(crate) departamento: Option<&'a str>,
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

struct Row {
    id: Uuid,
    sha256: String,
    name: String,
    model: String,
    priority: i16,
    state: JobState,
    attempts: i16,
    queued_at: time::OffsetDateTime,
    started_at: Option<time::OffsetDateTime>,
    finished_at: Option<time::OffsetDateTime>,
    next_at: Option<time::OffsetDateTime>,
    worker: Option<Uuid>,
    code: Option<String>,
    message: Option<String>,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            sha256: row.sha256,
            name: row.name,
            model: row.model,
            priority: JobPriority::of_rank(row.priority),
            state: row.state,
            attempts: row.attempts,
            queued_at: row.queued_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            next_at: row.next_at,
            worker: row.worker,
            code: row.code,
            message: row.message,
        }
    }
}

/// Jobs, the newest first.
pub(crate) async fn list(connection: &mut PgConnection, filter: &JobFilter<'_>) -> Result<Vec<Job>, sqlx::Error> {
    let rows = match filter.departamento {
        None => list_all(connection, filter).await?,
        Some(departamento) => list_of(connection, filter, departamento).await?,
    };
    Ok(rows.into_iter().map(Into::into).collect())
}

async fn list_all(connection: &mut PgConnection, filter: &JobFilter<'_>) -> Result<Vec<Row>, sqlx::Error> {
    query_as!(
        Row,
        r#"SELECT j.id, j.sha256, f.name, j.model, j.priority, j.state AS "state: JobState", j.attempts, j.queued_at, j.started_at,
             j.finished_at, CASE WHEN j.state = 'QUEUED' AND j.attempts > 0 THEN j.run_at END AS next_at, j.worker, j.code, j.message
           FROM job j JOIN stored_file f USING (sha256)
           WHERE ($1::text IS NULL OR j.state = $1) AND ($2::uuid IS NULL OR j.id < $2)
           ORDER BY j.id DESC LIMIT $3"#,
        filter.state as Option<JobState>,
        filter.before,
        filter.limit,
    )
    .fetch_all(connection)
    .await
}

/// Those of a department, as far as it is known of their files.
async fn list_of(
    connection: &mut PgConnection,
    filter: &JobFilter<'_>,
    departamento: &str,
) -> Result<Vec<Row>, sqlx::Error> {
    query_as!(
        Row,
        r#"SELECT j.id, j.sha256, f.name, j.model, j.priority, j.state AS "state: JobState", j.attempts, j.queued_at, j.started_at,
             j.finished_at, CASE WHEN j.state = 'QUEUED' AND j.attempts > 0 THEN j.run_at END AS next_at, j.worker, j.code, j.message
           FROM job j JOIN stored_file f USING (sha256)
           WHERE j.departamento = $2 AND ($1::text IS NULL OR j.state = $1) AND ($3::uuid IS NULL OR j.id < $3)
           ORDER BY j.id DESC LIMIT $4"#,
        filter.state as Option<JobState>,
        departamento,
        filter.before,
        filter.limit,
    )
    .fetch_all(connection)
    .await
}

/// One job.
pub(crate) async fn one(connection: &mut PgConnection, id: Uuid) -> Result<Option<Job>, sqlx::Error> {
    let row = query_as!(
        Row,
        r#"SELECT j.id, j.sha256, f.name, j.model, j.priority, j.state AS "state: JobState", j.attempts, j.queued_at, j.started_at,
             j.finished_at, CASE WHEN j.state = 'QUEUED' AND j.attempts > 0 THEN j.run_at END AS next_at, j.worker, j.code, j.message
           FROM job j JOIN stored_file f USING (sha256) WHERE j.id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Into::into))
}

/// Lets a job that was given up wait again with all its attempts, also one that was discarded; whether there was one.
pub(crate) async fn retry(connection: &mut PgConnection, id: Uuid, rules: &QueueRules) -> Result<bool, sqlx::Error> {
    let done = query!(
        "UPDATE job SET state = 'QUEUED', attempts = 0, queued_at = now(), run_at = now(), finished_at = NULL,
           turn = now() + (priority - 1) * $2::interval
         WHERE id = $1 AND state IN ('DEAD', 'DISCARDED')",
        id,
        interval(rules.ageing)
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Which of the jobs that were given up; all of them without a code and a department.
pub(crate) struct GivenUp<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) departamento: Option<&'a str>,
}

/// Lets so many jobs that were given up wait again as [`retry`] does, those that were queued first before others; how many.
pub(crate) async fn retry_all(
    connection: &mut PgConnection,
    which: &GivenUp<'_>,
    limit: i64,
    rules: &QueueRules,
) -> Result<u64, sqlx::Error> {
    let done = query!(
        "WITH due AS (
             SELECT id FROM job WHERE state = 'DEAD' AND ($1::text IS NULL OR code = $1)
               AND ($2::text IS NULL OR departamento = $2)
             ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
         )
         UPDATE job j SET state = 'QUEUED', attempts = 0, queued_at = now(), run_at = now(), finished_at = NULL,
           turn = now() + (priority - 1) * $4::interval
         FROM due WHERE j.id = due.id",
        which.code,
        which.departamento,
        limit,
        interval(rules.ageing)
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// How many jobs were given up.
pub(crate) async fn given_up(connection: &mut PgConnection, which: &GivenUp<'_>) -> Result<i64, sqlx::Error> {
    query_scalar!(
        r#"SELECT count(*) AS "count!" FROM job WHERE state = 'DEAD' AND ($1::text IS NULL OR code = $1)
           AND ($2::text IS NULL OR departamento = $2)"#,
        which.code,
        which.departamento,
    )
    .fetch_one(connection)
    .await
}

/// Sets a job aside that was given up; whether there was one.
pub(crate) async fn discard(connection: &mut PgConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    let done = query!(
        "UPDATE job SET state = 'DISCARDED' WHERE id = $1 AND state = 'DEAD'",
        id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What a job ended with: the text of the event that holds its reading, and the model.
pub(crate) async fn read_by(connection: &mut PgConnection, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    query_scalar!(
        "SELECT e.body FROM job j JOIN event e ON e.id = j.event WHERE j.id = $1",
        id
    )
    .fetch_optional(connection)
    .await
}
