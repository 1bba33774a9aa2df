//! Forms of the shared queue, and to whom they are lent.

use super::of;
use castor_domain::results::Counted;
use castor_domain::review::{Case, Summary};
use castor_wire::sync::{LEASE_MINUTES, Lease};
use serde_json::Value;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, query};
use time::OffsetDateTime;
use uuid::Uuid;

/// A form as its events make it, for the queue and the results.
struct Row<'a> {
    id: &'a str,
    version: i64,
    case: &'a Case,
    summary: Summary,
    counted: Option<Counted>,
}

/// What writes rows of forms, all in one statement: each form comes with its id and the place of its last event.
pub(crate) fn write<'a>(
    forms: impl Iterator<Item = (&'a str, i64, &'a Case)>,
) -> Query<'static, Postgres, PgArguments> {
    let rows: Vec<Row<'_>> = forms
        .map(|(id, version, case)| {
            let listed = case.listed();
            Row {
                id,
                version,
                case,
                counted: Counted::of(case, &listed),
                summary: case.summary(&listed),
            }
        })
        .collect();
    let code = |i: usize| of(&rows, |r| r.summary.codes[i].as_deref());
    let reasons = |s: &Summary| s.reasons.iter().map(|r| r.name()).collect::<Vec<_>>().join(" ");
    query!(
        "INSERT INTO form (id, version, name, demo, state, waits, priority, reasons, departamento, municipio, zona, puesto, mesa,
             place, corporacion, copia, doubtful, finding, confidence, impact, imported_at, due_at, copy_rank, consistent, votes)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::boolean[], $5::text[], $6::boolean[], $7::smallint[],
             $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
             $17::integer[], $18::text[], $19::real[], $20::bigint[], $21::bigint[], $22::bigint[], $23::smallint[], $24::boolean[],
             $25::jsonb[])
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, name = excluded.name, demo = excluded.demo,
             state = excluded.state, waits = excluded.waits, priority = excluded.priority, reasons = excluded.reasons,
             departamento = excluded.departamento, municipio = excluded.municipio, zona = excluded.zona,
             puesto = excluded.puesto, mesa = excluded.mesa, place = excluded.place, corporacion = excluded.corporacion,
             copia = excluded.copia, doubtful = excluded.doubtful, finding = excluded.finding,
             confidence = excluded.confidence, impact = excluded.impact, imported_at = excluded.imported_at,
             due_at = excluded.due_at, copy_rank = excluded.copy_rank, consistent = excluded.consistent,
             votes = excluded.votes",
        &of(&rows, |r| r.id) as &[&str],
        &of(&rows, |r| r.version),
        &of(&rows, |r| r.case.name()) as &[&str],
        &of(&rows, |r| r.case.demo()),
        &of(&rows, |r| r.summary.state.name()) as &[&str],
        &of(&rows, |r| r.summary.state.waits()),
        &of(&rows, |r| r.summary.priority.rank()),
        &of(&rows, |r| reasons(&r.summary)),
        &code(0) as &[Option<&str>],
        &code(1) as &[Option<&str>],
        &code(2) as &[Option<&str>],
        &code(3) as &[Option<&str>],
        &code(4) as &[Option<&str>],
        &of(&rows, |r| r.summary.place.as_str()) as &[&str],
        &of(&rows, |r| r.summary.corporacion) as &[Option<&str>],
        &of(&rows, |r| r.summary.copia) as &[Option<&str>],
        &of(&rows, |r| i32::try_from(r.summary.doubtful).unwrap_or(i32::MAX)),
        &of(&rows, |r| r.summary.finding.as_deref()) as &[Option<&str>],
        &of(&rows, |r| r.summary.confidence),
        &of(&rows, |r| r.summary.impact),
        &of(&rows, |r| r.case.imported().0),
        &of(&rows, |r| r.summary.due.0),
        &of(&rows, |r| r.counted.as_ref().map_or(0, |c| c.rank)),
        &of(&rows, |r| r.counted.as_ref().is_some_and(|c| c.consistent)),
        &of(&rows, |r| r.counted.as_ref().map(votes)) as &[Option<Value>],
    )
}

/// Votes by row of the ballot, null where a cell is not known.
fn votes(counted: &Counted) -> Value {
    let votes = counted
        .votes
        .iter()
        .map(|(path, votes)| (path.to_string(), (*votes).into()));
    Value::Object(votes.collect())
}

/// Lends forms that wait and that nobody has, the most urgent first and of one department where it is given, after all those
/// that this laptop has already, wherever they are from.
pub(crate) async fn lend(
    connection: &mut PgConnection,
    client: Uuid,
    account: Uuid,
    count: i64,
    departamento: Option<&str>,
) -> Result<Vec<Lease>, sqlx::Error> {
    let rows = query!(
        r#"WITH mine AS (
             SELECT f.id FROM lease l JOIN form f ON f.id = l.form
             WHERE l.client = $1 AND l.until > now() AND f.waits
             ORDER BY f.priority, f.imported_at, f.id LIMIT $3
             FOR UPDATE OF l
           ), free AS (
             SELECT f.id FROM form f
             WHERE f.waits AND ($4::text IS NULL OR f.departamento = $4)
                 AND NOT EXISTS (SELECT FROM lease l WHERE l.form = f.id AND l.until > now())
             ORDER BY f.priority, f.imported_at, f.id LIMIT $3 - (SELECT count(*) FROM mine)
             FOR UPDATE OF f SKIP LOCKED
           ), due AS (SELECT id FROM mine UNION ALL SELECT id FROM free)
           INSERT INTO lease (form, client, account, until)
           SELECT id, $1, $2, now() + make_interval(mins => $5::double precision::integer) FROM due
           ON CONFLICT (form) DO UPDATE SET client = excluded.client, account = excluded.account, until = excluded.until
             -- Another laptop may have got it since this statement began.
             WHERE lease.client = excluded.client OR lease.until <= now()
           RETURNING form, (extract(epoch FROM until) * 1000)::bigint AS "until!""#,
        client,
        account,
        count,
        departamento,
        f64::from(LEASE_MINUTES)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            form: row.form,
            until: row.until,
        })
        .collect())
}

/// Takes forms back before their time; how many.
pub(crate) async fn give_back(
    connection: &mut PgConnection,
    client: Uuid,
    forms: &[String],
) -> Result<u64, sqlx::Error> {
    let done = query!("DELETE FROM lease WHERE client = $1 AND form = ANY($2)", client, forms)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// A form that is lent to a laptop.
pub(crate) struct Lent {
    pub(crate) form: String,
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) departamento: Option<String>,
    pub(crate) municipio: Option<String>,
    pub(crate) zona: Option<String>,
    pub(crate) puesto: Option<String>,
    pub(crate) mesa: Option<String>,
    pub(crate) corporacion: Option<String>,
    pub(crate) copia: Option<String>,
    pub(crate) client: Uuid,
    pub(crate) account: Uuid,
    /// The name that stands beside the account's events, if it has written any.
    pub(crate) author: Option<String>,
    pub(crate) until: OffsetDateTime,
}

/// What is lent now, laptop by laptop, behind a laptop and a form: a lease that ended meanwhile leaves no gap.
pub(crate) async fn lent(
    connection: &mut PgConnection,
    after: Option<(Uuid, &str)>,
    limit: i64,
) -> Result<Vec<Lent>, sqlx::Error> {
    sqlx::query_as!(
        Lent,
        r#"SELECT l.form, f.name, f.place, f.departamento, f.municipio, f.zona, f.puesto, f.mesa, f.corporacion, f.copia,
             l.client, l.account, (SELECT min(a.name) FROM sync_author a WHERE a.account = l.account) AS author, l.until
           FROM lease l JOIN form f ON f.id = l.form
           WHERE l.until > now() AND ($1::uuid IS NULL OR (l.client, l.form) > ($1, $2::text))
           ORDER BY l.client, l.form LIMIT $3"#,
        after.map(|(client, _)| client),
        after.map(|(_, form)| form),
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Whose work a lease was that is taken back.
pub(crate) struct TakenBack {
    pub(crate) client: Uuid,
    pub(crate) account: Uuid,
}

/// Takes a form back that is lent now; from whom.
pub(crate) async fn take_back(connection: &mut PgConnection, form: &str) -> Result<Option<TakenBack>, sqlx::Error> {
    sqlx::query_as!(
        TakenBack,
        "DELETE FROM lease WHERE form = $1 AND until > now() RETURNING client, account",
        form
    )
    .fetch_optional(connection)
    .await
}

/// Takes everything back that is lent to a laptop now; from whom, once for each form.
pub(crate) async fn take_all_back(connection: &mut PgConnection, client: Uuid) -> Result<Vec<TakenBack>, sqlx::Error> {
    sqlx::query_as!(
        TakenBack,
        "DELETE FROM lease WHERE client = $1 AND until > now() RETURNING client, account",
        client
    )
    .fetch_all(connection)
    .await
}

/// Which forms wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingFilter<'a> {
    pub(crate) priority: Option<i16>,
    pub(crate) state: Option<&'a str>,
    pub(crate) departamento: Option<&'a str>,
    /// Those behind this one.
    pub(crate) after: Option<&'a str>,
    pub(crate) limit: i64,
}

/// A form that waits for a person.
pub(crate) struct Pending {
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) priority: i16,
    pub(crate) reasons: String,
    pub(crate) departamento: Option<String>,
    pub(crate) municipio: Option<String>,
    pub(crate) zona: Option<String>,
    pub(crate) puesto: Option<String>,
    pub(crate) mesa: Option<String>,
    pub(crate) place: String,
    pub(crate) corporacion: Option<String>,
    pub(crate) copia: Option<String>,
    pub(crate) finding: Option<String>,
    pub(crate) imported_at: i64,
    pub(crate) due_at: i64,
    pub(crate) lent_until: Option<i64>,
}

/// Forms that wait for a person, the most urgent first.
pub(crate) async fn pending(
    connection: &mut PgConnection,
    filter: &PendingFilter<'_>,
) -> Result<Vec<Pending>, sqlx::Error> {
    sqlx::query_as!(
        Pending,
        r#"SELECT f.id, f.version, f.name, f.state, f.priority, f.reasons, f.departamento, f.municipio, f.zona, f.puesto, f.mesa,
             f.place, f.corporacion, f.copia, f.finding, f.imported_at, f.due_at,
             (extract(epoch FROM l.until) * 1000)::bigint AS lent_until
           FROM form f LEFT JOIN lease l ON l.form = f.id AND l.until > now()
           WHERE f.waits AND ($1::smallint IS NULL OR f.priority = $1) AND ($2::text IS NULL OR f.state = $2)
             AND ($3::text IS NULL OR f.departamento = $3)
             AND ($4::text IS NULL OR (f.priority, f.imported_at, f.id) > (SELECT b.priority, b.imported_at, b.id FROM form b WHERE b.id = $4))
           ORDER BY f.priority, f.imported_at, f.id LIMIT $5"#,
        filter.priority,
        filter.state,
        filter.departamento,
        filter.after,
        filter.limit,
    )
    .fetch_all(connection)
    .await
}

/// How many forms wait for a person.
pub(crate) async fn waiting(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM form WHERE waits"#)
        .fetch_one(connection)
        .await
}
