//! What sync needs of the store: own events that the server has not settled, places in its order, events of others.

use crate::attachment::{IMPORTED, offer_again, send_again, to_send};
use crate::log::{Tail, append, loads};
use crate::queue::write_form;
use crate::{Store, StoreError};
use castor_domain::review::Moment;
use castor_wire::sync::{Outcome, Pulled, Pushed, READ_BY_SERVER, Settled, SyncEvent};
use sqlx::SqliteConnection;
use std::collections::BTreeSet;

/// Setting: the identity of this store.
const CLIENT: &str = "sync.client";
/// Setting: the place up to which events of others are here.
const UPTO: &str = "sync.upto";

/// How much of the log the server has not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncCount {
    /// Events that wait to be sent or answered.
    pub pending: i64,
    /// Events that the server refused.
    pub refused: i64,
    /// Forms that the server reads itself, since the account may not: it takes no reading of them from here.
    pub read_by_server: i64,
}

/// An event that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its place in the log.
    pub seq: i64,
    /// The form.
    pub form: String,
    /// Name of the form's file.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// When it was written.
    pub at: Moment,
    /// Stable code of the reason.
    pub code: String,
    /// The reason in plain words.
    pub message: String,
}

/// Counters and places fit the database's integers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl Store {
    /// The identity of this store, drawn once. A restored copy draws its own.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn client(&self) -> Result<String, StoreError> {
        let drawn = sqlx::query_scalar!("SELECT lower(hex(randomblob(16))) AS \"id!: String\"")
            .fetch_one(&self.pool)
            .await?;
        self.setting_or(CLIENT, drawn).await
    }

    /// Forgets the identity: a copy of a store goes on under one of its own, and sends everything again under it, which the
    /// server knows by the ids of the events.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn forget_client(&self) -> Result<(), StoreError> {
        self.forget_setting(CLIENT).await
    }

    /// The place up to which the server's events are here; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn received_upto(&self) -> Result<u64, StoreError> {
        let kept = self.setting(UPTO).await?;
        Ok(kept.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// The id of the event at a place of the server's order, if it is here.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn at_place(&self, place: u64) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar("SELECT e.id FROM placed p JOIN event e ON e.seq = p.seq WHERE p.global = ?");
        Ok(id.bind(signed(place)).fetch_optional(&self.pool).await?)
    }

    /// How much is not settled.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn sync_count(&self) -> Result<SyncCount, StoreError> {
        Ok(sqlx::query_as!(
            SyncCount,
            "SELECT (SELECT COUNT(*) FROM own WHERE state = 'pending') AS \"pending!: i64\",
                    (SELECT COUNT(*) FROM own WHERE state = 'refused' AND code IS NOT ?1) AS \"refused!: i64\",
                    (SELECT COUNT(DISTINCT e.form) FROM own o JOIN event e ON e.seq = o.seq
                     WHERE o.state = 'refused' AND o.code = ?1) AS \"read_by_server!: i64\"",
            READ_BY_SERVER
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Events that the server refused, latest first, without those of forms that it reads itself.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn refused(&self, limit: u32) -> Result<Vec<RefusedRow>, StoreError> {
        let limit = i64::from(limit);
        let rows = sqlx::query!(
            "SELECT e.seq, e.form, e.kind, e.at, coalesce(f.name, '') AS \"name!: String\",
                    coalesce(o.code, '') AS \"code!: String\", coalesce(o.message, '') AS \"message!: String\"
             FROM own o JOIN event e ON e.seq = o.seq LEFT JOIN form f ON f.id = e.form
             WHERE o.state = 'refused' AND o.code IS NOT ? ORDER BY o.counter DESC LIMIT ?",
            READ_BY_SERVER,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| RefusedRow {
                seq: row.seq,
                form: row.form,
                name: row.name,
                kind: row.kind,
                at: Moment(row.at),
                code: row.code,
                message: row.message,
            })
            .collect())
    }

    /// Own events from the first that is not settled, or from the counter that the server waits for where that is less.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn unsettled(&self, next: u64, limit: u32) -> Result<Vec<Pushed>, StoreError> {
        let (next, limit) = (signed(next), i64::from(limit));
        let rows = sqlx::query!(
            "SELECT o.counter, e.id, e.form, e.at, e.by, e.body FROM own o JOIN event e ON e.seq = o.seq
             WHERE o.counter >= min(?1, coalesce((SELECT min(counter) FROM own WHERE state = 'pending'), ?1))
             ORDER BY o.counter LIMIT ?2",
            next,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Pushed {
                counter: whole(row.counter),
                event: SyncEvent {
                    id: row.id,
                    form: row.form,
                    at: row.at,
                    by: row.by,
                    body: row.body,
                },
            })
            .collect())
    }

    /// Notes what the server made of own events; how many were newly accepted, and how many refused.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; nothing is changed then.
    pub async fn settle(&self, settled: &[Settled]) -> Result<(usize, usize), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let (mut accepted, mut refused) = (0, 0);
        let mut touched = BTreeSet::new();
        for Settled { counter, outcome } in settled {
            let counter = signed(*counter);
            let own = sqlx::query!(
                "SELECT o.seq, o.state, e.form, e.kind FROM own o JOIN event e ON e.seq = o.seq WHERE o.counter = ?",
                counter
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(own) = own else { continue };
            let (state, code, message) = match outcome {
                Outcome::Accepted { global } => {
                    place(&mut transaction, own.seq, *global).await?;
                    accepted += usize::from(own.state != "accepted");
                    ("accepted", None, None)
                }
                Outcome::Refused { code, message } => {
                    refused += usize::from(own.state != "refused");
                    ("refused", Some(code), Some(message))
                }
            };
            sqlx::query!(
                "UPDATE own SET state = ?, code = ?, message = ? WHERE counter = ?",
                state,
                code,
                message,
                counter
            )
            .execute(&mut *transaction)
            .await?;
            // Another laptop may have brought the same file in before and not sent it yet.
            if own.kind == IMPORTED {
                to_send(&mut transaction, &own.form).await?;
                // What is settled twice the server had forgotten, and the file with it.
                if own.state == "accepted" {
                    offer_again(&mut transaction, &own.form).await?;
                }
            }
            touched.insert(own.form);
        }
        rewrite(&mut transaction, touched).await?;
        transaction.commit().await?;
        Ok((accepted, refused))
    }

    /// Takes events of the server's order in, up to a place; how many were new here.
    ///
    /// # Errors
    /// [`StoreError::Event`] when one cannot be read; nothing is changed then.
    pub async fn receive(&self, events: &[Pulled], upto: u64) -> Result<usize, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut tail = Tail::of(&mut transaction).await?;
        let start = tail.seq;
        let mut touched = BTreeSet::new();
        for Pulled { global, event } in events {
            let known = sqlx::query_scalar!("SELECT seq FROM event WHERE id = ?", event.id)
                .fetch_optional(&mut *transaction)
                .await?;
            let seq = match known {
                Some(seq) => seq,
                None => append(&mut transaction, &mut tail, event).await?,
            };
            if place(&mut transaction, seq, *global).await? {
                touched.insert(event.form.clone());
            }
        }
        rewrite(&mut transaction, touched).await?;
        let text = upto.to_string();
        sqlx::query!("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", UPTO, text)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(usize::try_from(tail.seq - start).unwrap_or_default())
    }

    /// Forgets places behind the server's last: it was restored from a backup and will give new ones.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; nothing is changed then.
    pub async fn forget_after(&self, last: u64) -> Result<(), StoreError> {
        if self.received_upto().await? <= last {
            return Ok(());
        }
        let (global, text) = (signed(last), last.to_string());
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let forms = sqlx::query_scalar!(
            "SELECT DISTINCT e.form FROM placed p JOIN event e ON e.seq = p.seq WHERE p.global > ?",
            global
        )
        .fetch_all(&mut *transaction)
        .await?;
        sqlx::query!("DELETE FROM placed WHERE global > ?", global)
            .execute(&mut *transaction)
            .await?;
        sqlx::query!(
            "UPDATE own SET state = 'pending' WHERE state = 'accepted' AND seq NOT IN (SELECT seq FROM placed)"
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", UPTO, text)
            .execute(&mut *transaction)
            .await?;
        send_again(&mut transaction).await?;
        rewrite(&mut transaction, forms.into_iter().collect()).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Gives an event its place; whether that is new.
async fn place(connection: &mut SqliteConnection, seq: i64, global: u64) -> Result<bool, StoreError> {
    let global = signed(global);
    let there = sqlx::query_scalar!("SELECT global FROM placed WHERE seq = ?", seq)
        .fetch_optional(&mut *connection)
        .await?;
    if there == Some(global) {
        return Ok(false);
    }
    sqlx::query!("INSERT OR REPLACE INTO placed (seq, global) VALUES (?, ?)", seq, global)
        .execute(connection)
        .await?;
    Ok(true)
}

/// Writes the rows of forms afresh, as their events make them now.
async fn rewrite(connection: &mut SqliteConnection, forms: BTreeSet<String>) -> Result<(), StoreError> {
    const STRETCH: usize = 64;
    let forms: Vec<String> = forms.into_iter().collect();
    for stretch in forms.chunks(STRETCH) {
        for (form, log) in loads(connection, stretch).await? {
            let seq = sqlx::query_scalar!("SELECT max(seq) AS \"seq!: i64\" FROM event WHERE form = ?", form)
                .fetch_one(&mut *connection)
                .await?;
            write_form(connection, &form, seq, &log.case).await?;
        }
    }
    Ok(())
}
