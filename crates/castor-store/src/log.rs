//! The event log: appended to in one transaction with what follows from it, chained by hashes.

use crate::import::{ImportOutcome, settle};
use crate::probe::set_open;
use crate::queue::write_form;
use crate::{Store, StoreError};
use castor_domain::review::{Case, Moment, Recorded};
use castor_wire::event::{from_text, id, id_text, kind};
use castor_wire::sync::SyncEvent;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

/// What is written in one go with events of a form: both, or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// What became of the file that they come from, by its place among those given.
    Import(i64, ImportOutcome),
    /// Whether the settled cell that they answer still waits for the person.
    Probe {
        /// Its name.
        id: String,
        /// Whether it waits.
        open: bool,
    },
}

/// An event of a form with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place, from 1.
    pub seq: i64,
    /// The event.
    pub recorded: Recorded,
}

/// A form as it stands with the events that made it so.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FormLog {
    /// What follows from the events.
    pub case: Case,
    /// The events, in order.
    pub entries: Vec<Entry>,
}

impl FormLog {
    fn take(&mut self, seq: i64, recorded: Recorded) -> Result<(), StoreError> {
        self.case.apply(&recorded)?;
        self.entries.push(Entry { seq, recorded });
        Ok(())
    }

    /// Takes an event of the log if it fits. Each did when it was written; where events of others have come before it
    /// since, it may not, and waits for what the server says of it.
    fn take_fitting(&mut self, seq: i64, recorded: Recorded) {
        if self.case.apply(&recorded).is_ok() {
            self.entries.push(Entry { seq, recorded });
        }
    }
}

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its place, from 1.
    pub seq: i64,
    /// Its identity.
    pub id: String,
    /// The form that it is of.
    pub form: String,
    /// When.
    pub at: Moment,
    /// Who.
    pub by: String,
    /// Its kind.
    pub kind: String,
    /// Itself as JSON.
    pub body: String,
    /// SHA-256 over the hash before and this event.
    pub hash: Vec<u8>,
    /// Name of the form's file; empty for a form that is no longer shown.
    pub name: String,
    /// Stable name of the form's state; empty for a form that is no longer shown.
    pub state: String,
}

/// What part of the log is asked for, latest first.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Only this form's.
    pub form: Option<String>,
    /// Only this person's.
    pub by: Option<String>,
    /// Only events before this one.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// What verifying the chain says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainReport {
    /// Events looked at.
    pub events: i64,
    /// The first whose hash does not follow, or whose place is not the next.
    pub broken_at: Option<i64>,
    /// Hash of the last event.
    pub head: Vec<u8>,
}

/// SHA-256 over the hash before and the parts of an event, each with its length before it.
fn chained(before: &[u8], parts: [&[u8]; 5]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(before);
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

impl Store {
    /// Appends events of one form, all or none, and returns the form as it stands then. An event whose id is in the log
    /// already is passed over: writing twice is writing once.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when an event does not fit the form; nothing is written then.
    pub async fn append(&self, form: &str, events: &[Recorded]) -> Result<Case, StoreError> {
        let log = self.append_with(form, |_| Ok::<_, StoreError>(events.to_vec())).await?;
        Ok(log.case)
    }

    /// Appends the events that `make` gives for the form as it stands; nobody else changes the form between.
    ///
    /// # Errors
    /// As [`Store::append`], and whatever `make` refuses; nothing is written then.
    pub async fn append_with<E, F>(&self, form: &str, make: F) -> Result<FormLog, E>
    where
        E: From<StoreError>,
        F: FnOnce(&Case) -> Result<Vec<Recorded>, E> + Send,
    {
        self.append_beside(form, |case| Ok((make(case)?, Beside::Nothing)))
            .await
    }

    /// The same with what `make` wants written beside the events.
    ///
    /// # Errors
    /// As [`Store::append_with`].
    pub async fn append_beside<E, F>(&self, form: &str, make: F) -> Result<FormLog, E>
    where
        E: From<StoreError>,
        F: FnOnce(&Case) -> Result<(Vec<Recorded>, Beside), E> + Send,
    {
        let begun = self.pool.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(StoreError::from)?;
        let mut log = load(&mut transaction, form).await?;
        let (events, beside) = make(&log.case)?;
        write(&mut transaction, form, &mut log, events).await?;
        match beside {
            Beside::Nothing => {}
            Beside::Import(seq, outcome) => settle(&mut transaction, seq, &outcome).await?,
            Beside::Probe { id, open } => set_open(&mut transaction, &id, open).await?,
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(log)
    }

    /// A form with everything that happened to it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchForm`] when nothing did.
    pub async fn case(&self, form: &str) -> Result<Case, StoreError> {
        Ok(self.form_log(form).await?.case)
    }

    /// The same with its events.
    ///
    /// # Errors
    /// [`StoreError::NoSuchForm`] when nothing happened to it.
    pub async fn form_log(&self, form: &str) -> Result<FormLog, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let known = sqlx::query_scalar!("SELECT 1 FROM form WHERE id = ?", form)
            .fetch_optional(&mut *connection)
            .await?;
        match known {
            Some(_) => load(&mut connection, form).await,
            None => Err(StoreError::NoSuchForm(form.to_owned())),
        }
    }

    /// Forms with everything that happened to them, shown or not, in the order of their ids; forms without events are
    /// left out.
    ///
    /// # Errors
    /// [`StoreError`] when an event cannot be read or the database fails.
    pub async fn logs(&self, forms: &[String]) -> Result<Vec<(String, FormLog)>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        loads(&mut connection, forms).await
    }

    /// Events of the log, latest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn log(&self, query: &LogQuery) -> Result<Vec<LogRow>, StoreError> {
        let before = query.before.unwrap_or(i64::MAX);
        let limit = i64::from(query.limit);
        let rows = sqlx::query!(
            "SELECT e.seq, e.id, e.form, e.at, e.by, e.kind, e.body, e.hash,
                    coalesce(f.name, '') AS \"name!: String\", coalesce(f.state, '') AS \"state!: String\"
             FROM event e LEFT JOIN form f ON f.id = e.form
             WHERE e.seq < ?1 AND (?2 IS NULL OR e.form = ?2) AND (?3 IS NULL OR e.by = ?3)
             ORDER BY e.seq DESC LIMIT ?4",
            before,
            query.form,
            query.by,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| LogRow {
                seq: row.seq,
                id: row.id,
                form: row.form,
                at: Moment(row.at),
                by: row.by,
                kind: row.kind,
                body: row.body,
                hash: row.hash,
                name: row.name,
                state: row.state,
            })
            .collect())
    }

    /// Follows the chain from its beginning.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; a broken chain is no error but a report.
    pub async fn verify(&self) -> Result<ChainReport, StoreError> {
        let mut report = ChainReport {
            events: 0,
            broken_at: None,
            head: Vec::new(),
        };
        loop {
            let rows = sqlx::query!(
                "SELECT seq, id, form, at, by, body, hash FROM event WHERE seq > ? ORDER BY seq LIMIT 1000",
                report.events
            )
            .fetch_all(&self.pool)
            .await?;
            if rows.is_empty() {
                return Ok(report);
            }
            for row in rows {
                let due = chained(
                    &report.head,
                    [
                        row.id.as_bytes(),
                        row.form.as_bytes(),
                        &row.at.to_be_bytes(),
                        row.by.as_bytes(),
                        row.body.as_bytes(),
                    ],
                );
                if due != row.hash || row.seq != report.events + 1 {
                    report.broken_at = Some(row.seq);
                    return Ok(report);
                }
                report.events = row.seq;
                report.head = row.hash;
            }
        }
    }

    /// Writes every form's row afresh from the log.
    ///
    /// # Errors
    /// [`StoreError`] when an event cannot be read or the database fails; nothing is changed then.
    pub async fn rebuild(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        rebuild_in(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Cells that a person settled or answered since a moment.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn cells_since(&self, by: &str, since: Moment) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT COUNT(*) FROM event WHERE by = ? AND at >= ? AND kind IN ('cell', 'probe')",
            by,
            since.0
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Shows every form of which a person settled or answered a cell, in one pass over the log.
    ///
    /// # Errors
    /// [`StoreError`] when an event cannot be read or the database fails.
    pub async fn each_worked<F: FnMut(&str, &Case) + Send>(&self, mut show: F) -> Result<(), StoreError> {
        // Readings are large: so many forms at a time.
        const STRETCH: i64 = 16;
        let mut after = String::new();
        loop {
            let forms = sqlx::query_scalar!(
                "SELECT id FROM form WHERE id > ?1
                     AND EXISTS (SELECT 1 FROM event WHERE form = form.id AND kind IN ('cell', 'probe'))
                 ORDER BY id LIMIT ?2",
                after,
                STRETCH
            )
            .fetch_all(&self.pool)
            .await?;
            let Some(last) = forms.last() else { return Ok(()) };
            after.clone_from(last);
            let mut connection = self.pool.acquire().await?;
            for (form, log) in loads(&mut connection, &forms).await? {
                show(&form, &log.case);
            }
        }
    }
}

/// An event as the database has it.
struct RawEvent {
    seq: i64,
    id: String,
    form: String,
    at: i64,
    by: String,
    body: String,
}

impl RawEvent {
    fn recorded(&self) -> Result<Recorded, StoreError> {
        recorded(self.seq, &self.id, Moment(self.at), &self.by, &self.body)
    }
}

impl LogRow {
    /// The event that it holds.
    ///
    /// # Errors
    /// [`StoreError::Event`] when its text says none.
    pub fn recorded(&self) -> Result<Recorded, StoreError> {
        recorded(self.seq, &self.id, self.at, &self.by, &self.body)
    }
}

fn recorded(seq: i64, name: &str, at: Moment, by: &str, body: &str) -> Result<Recorded, StoreError> {
    let broken = |error| StoreError::Event { seq, error };
    Ok(Recorded {
        id: id(name).map_err(broken)?,
        at,
        by: by.to_owned(),
        event: from_text(body).map_err(broken)?,
    })
}

/// A form's events and what follows from them; nothing where there are none.
async fn load(connection: &mut SqliteConnection, form: &str) -> Result<FormLog, StoreError> {
    let mut loaded = loads(connection, &[form.to_owned()]).await?;
    Ok(loaded.pop().map(|(_, log)| log).unwrap_or_default())
}

/// The same for several forms, in the order of their ids: those that have events. Refused events count for nothing.
pub(crate) async fn loads(
    connection: &mut SqliteConnection,
    forms: &[String],
) -> Result<Vec<(String, FormLog)>, StoreError> {
    let asked = serde_json::Value::from(forms).to_string();
    let rows = sqlx::query_as!(
        RawEvent,
        "SELECT e.seq, e.id, e.form, e.at, e.by, e.body
         FROM event e LEFT JOIN placed p ON p.seq = e.seq LEFT JOIN own o ON o.seq = e.seq
         WHERE e.form IN (SELECT value FROM json_each(?)) AND coalesce(o.state, '') <> 'refused'
         ORDER BY e.form, p.global IS NULL, p.global, e.seq",
        asked
    )
    .fetch_all(connection)
    .await?;
    let mut loaded: Vec<(String, FormLog)> = Vec::with_capacity(forms.len());
    for row in rows {
        let recorded = row.recorded()?;
        if loaded.last().is_none_or(|(form, _)| *form != row.form) {
            loaded.push((row.form, FormLog::default()));
        }
        if let Some((_, log)) = loaded.last_mut() {
            log.take_fitting(row.seq, recorded);
        }
    }
    Ok(loaded)
}

/// The end of the log.
pub(crate) struct Tail {
    /// Place of the last event.
    pub(crate) seq: i64,
    hash: Vec<u8>,
}

impl Tail {
    pub(crate) async fn of(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let last = sqlx::query!("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
            .fetch_optional(connection)
            .await?;
        Ok(last.map_or(
            Self {
                seq: 0,
                hash: Vec::new(),
            },
            |row| Self {
                seq: row.seq,
                hash: row.hash,
            },
        ))
    }
}

/// Writes one event behind the last; its place.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    tail: &mut Tail,
    event: &SyncEvent,
) -> Result<i64, StoreError> {
    let seq = tail.seq + 1;
    // What cannot be read never comes into the log.
    let recorded = event.recorded().map_err(|error| StoreError::Event { seq, error })?;
    let kind = kind(&recorded.event);
    let hash = chained(
        &tail.hash,
        [
            event.id.as_bytes(),
            event.form.as_bytes(),
            &event.at.to_be_bytes(),
            event.by.as_bytes(),
            event.body.as_bytes(),
        ],
    );
    sqlx::query!(
        "INSERT INTO event (seq, id, form, at, by, kind, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        seq,
        event.id,
        event.form,
        event.at,
        event.by,
        kind,
        event.body,
        hash
    )
    .execute(connection)
    .await?;
    *tail = Tail { seq, hash };
    Ok(seq)
}

/// Writes every form's row afresh.
pub(crate) async fn rebuild_in(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM form").execute(&mut *connection).await?;
    // Forms are written in the order in which they were read, since each looks for the sheets of those before it.
    let forms = sqlx::query!(
        "SELECT form AS \"form!\", MAX(seq) AS \"seq!: i64\" FROM event GROUP BY form
         ORDER BY MIN(CASE kind WHEN 'read' THEN seq END)"
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in forms {
        let case = load(&mut *connection, &row.form).await?.case;
        write_form(&mut *connection, &row.form, row.seq, &case).await?;
    }
    Ok(())
}

/// Writes events behind the log's last, and the form's row as it stands then.
async fn write(
    connection: &mut SqliteConnection,
    form: &str,
    log: &mut FormLog,
    events: Vec<Recorded>,
) -> Result<(), StoreError> {
    let mut tail = Tail::of(connection).await?;
    let start = tail.seq;
    for new in events {
        let id = id_text(new.id);
        let known = sqlx::query_scalar!("SELECT 1 FROM event WHERE id = ?", id)
            .fetch_optional(&mut *connection)
            .await?;
        if known.is_some() {
            continue;
        }
        let due = tail.seq + 1;
        let event = SyncEvent::of(form, &new).map_err(|error| StoreError::Event { seq: due, error })?;
        log.take(due, new)?;
        let seq = append(connection, &mut tail, &event).await?;
        // Generated forms stay on this laptop.
        if !log.case.demo() {
            sqlx::query!(
                "INSERT INTO own (counter, seq) SELECT coalesce(max(counter), 0) + 1, ? FROM own",
                seq
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    if tail.seq > start {
        write_form(connection, form, tail.seq, &log.case).await?;
    }
    Ok(())
}
