//! The event log: appended to in one transaction with what follows from it, chained by hashes.

use crate::queue::write_form;
use crate::{Store, StoreError};
use castor_domain::checks::FieldRef;
use castor_domain::review::{Act, Case, Event, EventId, Moment, Recorded, Round};
use castor_wire::event::{from_text, id, id_text, kind, to_text};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

/// An event to be written.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its identity, chosen by the writer.
    pub id: EventId,
    /// When, by the writer's clock.
    pub at: Moment,
    /// Who.
    pub by: String,
    /// What.
    pub event: Event,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Events looked at.
    pub events: i64,
    /// The first whose hash does not follow, or whose place is not the next.
    pub broken_at: Option<i64>,
    /// Hash of the last event.
    pub head: Vec<u8>,
}

/// What a person said of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellWord {
    /// The form.
    pub form: String,
    /// The cell.
    pub field: FieldRef,
    /// In which reading.
    pub round: Round,
    /// Who.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Whether the machine had read the same marks.
    pub agrees: bool,
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
    pub async fn append(&self, form: &str, events: &[NewEvent]) -> Result<Case, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut case = load(&mut transaction, form).await?;
        let last = sqlx::query!("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut *transaction)
            .await?;
        let (mut seq, mut hash) = last.map_or((0, Vec::new()), |row| (row.seq, row.hash));
        let start = seq;
        for new in events {
            let id = id_text(new.id);
            let known = sqlx::query_scalar!("SELECT 1 FROM event WHERE id = ?", id)
                .fetch_optional(&mut *transaction)
                .await?;
            if known.is_some() {
                continue;
            }
            case.apply(&Recorded {
                id: new.id,
                at: new.at,
                by: new.by.clone(),
                event: new.event.clone(),
            })?;
            seq += 1;
            let body = to_text(&new.event).map_err(|error| StoreError::Event { seq, error })?;
            let kind = kind(&new.event);
            let at = new.at.0;
            hash = chained(
                &hash,
                [
                    id.as_bytes(),
                    form.as_bytes(),
                    &at.to_be_bytes(),
                    new.by.as_bytes(),
                    body.as_bytes(),
                ],
            );
            sqlx::query!(
                "INSERT INTO event (seq, id, form, at, by, kind, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                seq,
                id,
                form,
                at,
                new.by,
                kind,
                body,
                hash
            )
            .execute(&mut *transaction)
            .await?;
            sqlx::query!("INSERT INTO outbox (seq) VALUES (?)", seq)
                .execute(&mut *transaction)
                .await?;
        }
        if seq > start {
            write_form(&mut transaction, form, seq, &case).await?;
        }
        transaction.commit().await?;
        Ok(case)
    }

    /// A form with everything that happened to it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchForm`] when nothing did.
    pub async fn case(&self, form: &str) -> Result<Case, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let known = sqlx::query_scalar!("SELECT 1 FROM form WHERE id = ?", form)
            .fetch_optional(&mut *connection)
            .await?;
        match known {
            Some(_) => load(&mut connection, form).await,
            None => Err(StoreError::NoSuchForm(form.to_owned())),
        }
    }

    /// Events of the log, latest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn log(&self, query: &LogQuery) -> Result<Vec<LogRow>, StoreError> {
        let before = query.before.unwrap_or(i64::MAX);
        let limit = i64::from(query.limit);
        let rows = sqlx::query!(
            "SELECT seq, id, form, at, by, kind, body, hash FROM event
             WHERE seq < ?1 AND (?2 IS NULL OR form = ?2) AND (?3 IS NULL OR by = ?3)
             ORDER BY seq DESC LIMIT ?4",
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
        sqlx::query!("DELETE FROM form").execute(&mut *transaction).await?;
        let demo_removed = self.demo_removed().await?;
        let forms = sqlx::query!("SELECT form AS \"form!\", MAX(seq) AS \"seq!: i64\" FROM event GROUP BY form")
            .fetch_all(&mut *transaction)
            .await?;
        for row in forms {
            let case = load(&mut transaction, &row.form).await?;
            if !(case.demo() && demo_removed) {
                write_form(&mut transaction, &row.form, row.seq, &case).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Cells that a person settled since a moment.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn cells_since(&self, by: &str, since: Moment) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT COUNT(*) FROM event WHERE by = ? AND at >= ? AND kind = 'cell'",
            by,
            since.0
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// What people said of cells, in the order of the log.
    ///
    /// # Errors
    /// [`StoreError`] when an event cannot be read or the database fails.
    pub async fn cell_words(&self) -> Result<Vec<CellWord>, StoreError> {
        let rows = sqlx::query!("SELECT seq, form, at, by, body FROM event WHERE kind = 'cell' ORDER BY seq")
            .fetch_all(&self.pool)
            .await?;
        let mut words = Vec::new();
        let mut case: Option<(String, Case)> = None;
        for row in rows {
            let event = from_text(&row.body).map_err(|error| StoreError::Event { seq: row.seq, error })?;
            let Event::Act(Act::Cell { field, marks, round }) = event else {
                continue;
            };
            if case.as_ref().is_none_or(|(form, _)| *form != row.form) {
                case = Some((row.form.clone(), self.case(&row.form).await?));
            }
            let machine = case.as_ref().and_then(|(_, case)| case.machine(&field));
            words.push(CellWord {
                agrees: machine.is_some_and(|m| m.marks == marks),
                form: row.form,
                field,
                round,
                by: row.by,
                at: Moment(row.at),
            });
        }
        Ok(words)
    }

    /// Events that no server has taken yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn unsent(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!("SELECT COUNT(*) FROM outbox")
            .fetch_one(&self.pool)
            .await?)
    }
}

/// The case of a form's events; an empty one where there are none.
async fn load(connection: &mut SqliteConnection, form: &str) -> Result<Case, StoreError> {
    let rows = sqlx::query!(
        "SELECT seq, id, at, by, body FROM event WHERE form = ? ORDER BY seq",
        form
    )
    .fetch_all(connection)
    .await?;
    let mut case = Case::default();
    for row in rows {
        let broken = |error| StoreError::Event { seq: row.seq, error };
        case.apply(&Recorded {
            id: id(&row.id).map_err(broken)?,
            at: Moment(row.at),
            by: row.by,
            event: from_text(&row.body).map_err(broken)?,
        })?;
    }
    Ok(case)
}
