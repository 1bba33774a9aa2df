//! Events of all laptops, in order.

use super::of;
use crate::sync::{Accepted, RefusedEvent};
use castor_wire::sync::{Pulled, SyncEvent};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, query, query_scalar};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use time::OffsetDateTime;
use uuid::Uuid;

/// Places and counters are never negative.
fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// The accounts of laptops and the counters that are waited for from them, given each laptop with the account that it belongs
/// to if it is new. The laptops are locked for this transaction, always in the same order.
pub(crate) async fn clients(
    connection: &mut PgConnection,
    laptops: &[(Uuid, Uuid)],
) -> Result<HashMap<Uuid, (Uuid, i64)>, sqlx::Error> {
    let (mut ids, mut accounts) = (Vec::new(), Vec::new());
    let sorted: BTreeMap<Uuid, Uuid> = laptops.iter().copied().collect();
    for (id, account) in sorted {
        ids.push(id);
        accounts.push(account);
    }
    query!(
        "INSERT INTO sync_client (id, account) SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT (id) DO NOTHING",
        &ids,
        &accounts
    )
    .execute(&mut *connection)
    .await?;
    let rows = query!(
        "SELECT id, account, next FROM sync_client WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.account, row.next))).collect())
}

/// What the counter of a laptop is and the last place of the order, without a lock.
pub(crate) async fn state(connection: &mut PgConnection, id: Uuid) -> Result<(u64, u64), sqlx::Error> {
    let row = query!(
        r#"SELECT coalesce((SELECT next FROM sync_client WHERE id = $1), 1) AS "next!", last FROM sync_order"#,
        id
    )
    .fetch_one(connection)
    .await?;
    Ok((whole(row.next), whole(row.last)))
}

/// Notes the counters that are waited for from now on.
pub(crate) async fn set_next(connection: &mut PgConnection, next: &[(Uuid, i64)]) -> Result<(), sqlx::Error> {
    let (ids, next): (Vec<Uuid>, Vec<i64>) = next.iter().copied().unzip();
    query!(
        "UPDATE sync_client c SET next = n.next, seen_at = now() FROM unnest($1::uuid[], $2::bigint[]) AS n (id, next)
         WHERE c.id = n.id",
        &ids,
        &next
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The last place of the order, held until the transaction ends: nobody else writes events meanwhile.
pub(crate) async fn hold_order(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    query_scalar!("SELECT last FROM sync_order FOR UPDATE")
        .fetch_one(connection)
        .await
}

/// The last place of the order, which may move at once.
pub(crate) async fn last(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    query_scalar!("SELECT last FROM sync_order").fetch_one(connection).await
}

/// Moves the last place of the order, which is held.
pub(crate) async fn set_last(connection: &mut PgConnection, last: i64) -> Result<(), sqlx::Error> {
    query!("UPDATE sync_order SET last = $1", last)
        .execute(connection)
        .await?;
    Ok(())
}

/// Places of events that are there already, by id.
pub(crate) async fn places(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let rows = query!("SELECT id, global FROM event WHERE id = ANY($1)", ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.global)).collect())
}

/// Why a laptop's events were refused, by counter: code and message.
pub(crate) async fn refusals(
    connection: &mut PgConnection,
    client: Uuid,
    counters: &[i64],
) -> Result<HashMap<i64, (String, String)>, sqlx::Error> {
    let rows = query!(
        "SELECT counter, code, message FROM refused_event WHERE client = $1 AND counter = ANY($2)",
        client,
        counters
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.counter, (row.code, row.message)))
        .collect())
}

/// The accounts to which names belong, after names that nobody had were given to the account that wrote under them.
pub(crate) async fn authors(
    connection: &mut PgConnection,
    names: &BTreeSet<(&str, Uuid)>,
) -> Result<HashMap<String, Uuid>, sqlx::Error> {
    let (names, accounts): (Vec<String>, Vec<Uuid>) = names
        .iter()
        .map(|(name, account)| ((*name).to_owned(), *account))
        .unzip();
    query!(
        "INSERT INTO sync_author (name, account) SELECT * FROM unnest($1::text[], $2::uuid[]) ON CONFLICT DO NOTHING",
        &names,
        &accounts
    )
    .execute(&mut *connection)
    .await?;
    let rows = query!("SELECT name, account FROM sync_author WHERE name = ANY($1)", &names)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.account)).collect())
}

/// Up to which place the rows of forms were made, where there are rows.
pub(crate) async fn versions(
    connection: &mut PgConnection,
    forms: &[String],
) -> Result<HashMap<String, i64>, sqlx::Error> {
    let rows = query!("SELECT id, version FROM form WHERE id = ANY($1)", forms)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

/// The places of the last events of forms, where there are any.
pub(crate) async fn newest(
    connection: &mut PgConnection,
    forms: &[String],
) -> Result<HashMap<String, i64>, sqlx::Error> {
    let rows = query!(
        r#"SELECT f.id AS "id!", e.global FROM unnest($1::text[]) AS f (id)
         CROSS JOIN LATERAL (SELECT global FROM event WHERE form = f.id ORDER BY global DESC LIMIT 1) e"#,
        forms
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.global)).collect())
}

/// All events of some forms, form by form, each in order.
pub(crate) async fn of_forms(connection: &mut PgConnection, forms: &[String]) -> Result<Vec<SyncEvent>, sqlx::Error> {
    let rows = query!(
        "SELECT id, form, at, author, body FROM event WHERE form = ANY($1) ORDER BY form, global",
        forms
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SyncEvent {
            id: row.id.to_string(),
            form: row.form,
            at: row.at,
            by: row.author,
            body: row.body,
        })
        .collect())
}

/// Events after a place, in order, and whether there are more: at most so many, and those behind so many bytes of their texts
/// are left for later.
pub(crate) async fn after(
    connection: &mut PgConnection,
    after: i64,
    limit: i64,
    bytes: i64,
) -> Result<(Vec<Pulled>, bool), sqlx::Error> {
    let rows = query!(
        r#"SELECT global, id, form, at, author, body, (found > $2::bigint OR found > count(*) OVER ()) AS "more!"
           FROM (
             SELECT *, count(*) OVER () AS found,
                 sum(octet_length(body)) OVER (ORDER BY global) - octet_length(body) AS before
             FROM (SELECT * FROM event WHERE global > $1 ORDER BY global LIMIT $2::bigint + 1) e
           ) e
           WHERE before < $3::bigint ORDER BY global LIMIT $2::bigint"#,
        after,
        limit,
        bytes
    )
    .fetch_all(connection)
    .await?;
    let more = rows.first().is_some_and(|row| row.more);
    let events = rows
        .into_iter()
        .map(|row| Pulled {
            global: whole(row.global),
            event: SyncEvent {
                id: row.id.to_string(),
                form: row.form,
                at: row.at,
                by: row.author,
                body: row.body,
            },
        })
        .collect();
    Ok((events, more))
}

/// The event at a place, and when this database received it.
pub(crate) async fn stamp(
    connection: &mut PgConnection,
    place: i64,
) -> Result<Option<(Uuid, OffsetDateTime)>, sqlx::Error> {
    let row = query!("SELECT id, received_at FROM event WHERE global = $1", place)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| (row.id, row.received_at)))
}

/// What writes accepted events behind the last place of the order, all in one statement, before that is moved.
pub(crate) fn insert(events: &[Accepted<'_>]) -> Query<'static, Postgres, PgArguments> {
    query!(
        "INSERT INTO event (global, client, id, counter, form, at, author, kind, body)
         SELECT (SELECT last FROM sync_order) + unnest($1::bigint[]), unnest($2::uuid[]), unnest($3::uuid[]),
             unnest($4::bigint[]), unnest($5::text[]), unnest($6::bigint[]), unnest($7::text[]), unnest($8::text[]),
             unnest($9::text[])",
        &(1..).take(events.len()).collect::<Vec<i64>>(),
        &of(events, |e| e.client),
        &of(events, |e| e.id),
        &of(events, |e| e.counter),
        &of(events, |e| e.event.form.as_str()) as &[&str],
        &of(events, |e| e.event.at),
        &of(events, |e| e.event.by.as_str()) as &[&str],
        &of(events, |e| e.kind) as &[&str],
        &of(events, |e| e.event.body.as_str()) as &[&str],
    )
}

/// Keeps refused events with their reasons.
pub(crate) async fn refuse(connection: &mut PgConnection, events: &[RefusedEvent]) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO refused_event (client, counter, id, form, at, author, body, code, message)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
             $9::text[])",
        &of(events, |e| e.client),
        &of(events, |e| e.counter),
        &of(events, |e| e.event.id.as_str()) as &[&str],
        &of(events, |e| e.event.form.as_str()) as &[&str],
        &of(events, |e| e.event.at),
        &of(events, |e| e.event.by.as_str()) as &[&str],
        &of(events, |e| e.event.body.as_str()) as &[&str],
        &of(events, |e| e.code.as_str()) as &[&str],
        &of(events, |e| e.message.as_str()) as &[&str],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The last event that holds what the machine read of a form, and the model that read it.
pub(crate) async fn last_read(
    connection: &mut PgConnection,
    form: &str,
) -> Result<Option<(Uuid, String)>, sqlx::Error> {
    let row = query!(
        r#"SELECT id, body::jsonb ->> 'model' AS model FROM event WHERE form = $1 AND kind = 'read' ORDER BY global DESC LIMIT 1"#,
        form
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.id, row.model.unwrap_or_default())))
}

/// An event of a form, with what stands beside it on this server.
pub(crate) struct Logged {
    pub(crate) place: i64,
    pub(crate) event: SyncEvent,
    /// The laptop that sent it.
    pub(crate) client: Uuid,
    /// The account to which the author's name belongs.
    pub(crate) account: Option<Uuid>,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) note: Option<String>,
}

/// All events of a form, in order.
pub(crate) async fn log_of(connection: &mut PgConnection, form: &str) -> Result<Vec<Logged>, sqlx::Error> {
    let rows = query!(
        r#"SELECT e.global, e.id, e.client, e.at, e.author, e.body, e.received_at, a.account AS "account?", n.note AS "note?"
           FROM event e LEFT JOIN sync_author a ON a.name = e.author LEFT JOIN event_note n ON n.event = e.id
           WHERE e.form = $1 ORDER BY e.global"#,
        form
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Logged {
            place: row.global,
            event: SyncEvent {
                id: row.id.to_string(),
                form: form.to_owned(),
                at: row.at,
                by: row.author,
                body: row.body,
            },
            client: row.client,
            account: row.account,
            received_at: row.received_at,
            note: row.note,
        })
        .collect())
}

/// Keeps what a person wrote beside events, by their ids.
pub(crate) async fn note(connection: &mut PgConnection, notes: &[(Uuid, &str)]) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO event_note (event, note) SELECT * FROM unnest($1::uuid[], $2::text[])",
        &of(notes, |(event, _)| *event),
        &of(notes, |(_, note)| *note) as &[&str],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the log knows a form.
pub(crate) async fn knows(connection: &mut PgConnection, form: &str) -> Result<bool, sqlx::Error> {
    query_scalar!(r#"SELECT EXISTS (SELECT FROM event WHERE form = $1) AS "knows!""#, form)
        .fetch_one(connection)
        .await
}

/// The name that stands beside an account's events: the one it has written under, else its own id.
pub(crate) async fn name_of(connection: &mut PgConnection, account: Uuid) -> Result<String, sqlx::Error> {
    let name = query_scalar!(
        "SELECT name FROM sync_author WHERE account = $1 ORDER BY name LIMIT 1",
        account
    )
    .fetch_optional(connection)
    .await?;
    Ok(name.unwrap_or_else(|| account.to_string()))
}
