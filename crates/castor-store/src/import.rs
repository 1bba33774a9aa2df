//! Files given to the import: remembered before they are read, so that a restart goes on where the last run ended.

use crate::queue::demo_removed;
use crate::{Store, StoreError};
use castor_domain::review::Moment;
use sqlx::SqliteConnection;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// Not looked at yet.
    Waiting,
    /// Read as a form.
    Read,
    /// Could not be read.
    Failed,
    /// The same file was taken in before.
    Duplicate,
    /// An archive whose files are rows of their own now.
    Unpacked,
}

impl ImportState {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Duplicate => "duplicate",
            Self::Unpacked => "unpacked",
        }
    }
}

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImport {
    /// Path of the file, or of a folder of page images.
    pub source: String,
    /// Where it comes from in people's words, where the path does not say it.
    pub origin: Option<String>,
}

/// What became of a file, to be written beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOutcome {
    /// What became of it.
    pub state: ImportState,
    /// Hash of its content, where it was opened.
    pub sha256: Option<String>,
    /// Code and words of why it failed.
    pub failure: Option<(String, String)>,
    /// When.
    pub at: Moment,
}

/// One file given to the import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// Its place in the order given.
    pub seq: i64,
    /// Path as given.
    pub source: String,
    /// Where it comes from in people's words, where the path does not say it.
    pub origin: Option<String>,
    /// Hash of its content, once it was opened.
    pub sha256: Option<String>,
    /// Stable name of what became of it.
    pub state: String,
    /// Code of why it failed.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// Generated, not a real form.
    pub demo: bool,
    /// When it was given or dealt with.
    pub at: Moment,
    /// Another form, read before, that shows the same sheet.
    pub same_sheet: Option<String>,
}

/// How many files are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportCount {
    /// Not looked at yet.
    pub waiting: i64,
    /// Dealt with.
    pub done: i64,
    /// Failed among those.
    pub failed: i64,
}

impl Store {
    /// Remembers files to be read.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn add_imports(&self, files: &[NewImport], demo: bool, at: Moment) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        add(&mut transaction, files, demo, at).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Puts the files of an archive behind all others and settles the archive, both or neither.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn unpack_import(
        &self,
        seq: i64,
        files: &[NewImport],
        demo: bool,
        outcome: &ImportOutcome,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        add(&mut transaction, files, demo, outcome.at).await?;
        settle(&mut transaction, seq, outcome).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The next files to be read, in the order given.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn waiting_imports(&self, limit: u32) -> Result<Vec<ImportRow>, StoreError> {
        let rows = sqlx::query_as!(
            RawImport,
            "SELECT seq, source, origin, sha256, state, code, message, demo AS \"demo: bool\", at,
                    NULL AS \"same_sheet?: String\"
             FROM import WHERE state = 'waiting' ORDER BY seq LIMIT ?",
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(ImportRow::from).collect())
    }

    /// Paths of the files that wait or that failed, which may be tried again.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn sources_unread(&self) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar!("SELECT source FROM import WHERE state IN ('waiting', 'failed')")
                .fetch_all(&self.pool)
                .await?,
        )
    }

    /// Files given, latest first, with the number of all; `trouble` asks for those alone that failed or repeat another.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn imports(&self, offset: u32, limit: u32, trouble: bool) -> Result<(i64, Vec<ImportRow>), StoreError> {
        let total = sqlx::query_scalar!(
            "SELECT COUNT(*) FROM import i LEFT JOIN form f ON f.id = i.sha256
             WHERE NOT ? OR i.state IN ('failed', 'duplicate') OR f.same_sheet IS NOT NULL",
            trouble
        )
        .fetch_one(&self.pool)
        .await?;
        let rows = sqlx::query_as!(
            RawImport,
            "SELECT i.seq AS \"seq!\", i.source AS \"source!\", i.origin, i.sha256, i.state AS \"state!\", i.code, i.message,
                    i.demo AS \"demo!: bool\", i.at AS \"at!\",
                    f.same_sheet AS \"same_sheet?: String\"
             FROM import i LEFT JOIN form f ON f.id = i.sha256
             WHERE NOT ?1 OR i.state IN ('failed', 'duplicate') OR f.same_sheet IS NOT NULL
             ORDER BY i.seq DESC LIMIT ?2 OFFSET ?3",
            trouble,
            limit,
            offset
        )
        .fetch_all(&self.pool)
        .await?;
        Ok((total, rows.into_iter().map(ImportRow::from).collect()))
    }

    /// Every file that was taken in as one form, first given first: the form's provenance.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn imports_of(&self, form: &str) -> Result<Vec<ImportRow>, StoreError> {
        let rows = sqlx::query_as!(
            RawImport,
            "SELECT seq, source, origin, sha256, state, code, message, demo AS \"demo: bool\", at,
                    NULL AS \"same_sheet?: String\"
             FROM import WHERE sha256 = ? ORDER BY seq LIMIT 20",
            form
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(ImportRow::from).collect())
    }

    /// Says what became of a file.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn settle_import(&self, seq: i64, outcome: &ImportOutcome) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        settle(&mut connection, seq, outcome).await
    }

    /// Lets files that failed wait for their turn again; how many.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn retry_imports(&self) -> Result<u64, StoreError> {
        let done =
            sqlx::query!("UPDATE import SET state = 'waiting', code = NULL, message = NULL WHERE state = 'failed'")
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected())
    }

    /// How many files wait and how many are done.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn import_count(&self) -> Result<ImportCount, StoreError> {
        let row = sqlx::query!(
            "SELECT coalesce(sum(state = 'waiting'), 0) AS \"waiting!: i64\",
                    coalesce(sum(state <> 'waiting'), 0) AS \"done!: i64\",
                    coalesce(sum(state = 'failed'), 0) AS \"failed!: i64\" FROM import"
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(ImportCount {
            waiting: row.waiting,
            done: row.done,
            failed: row.failed,
        })
    }
}

async fn add(connection: &mut SqliteConnection, files: &[NewImport], demo: bool, at: Moment) -> Result<(), StoreError> {
    if demo && demo_removed(connection).await? {
        return Ok(());
    }
    for file in files {
        sqlx::query!(
            "INSERT INTO import (source, origin, state, demo, at) VALUES (?, ?, 'waiting', ?, ?)",
            file.source,
            file.origin,
            demo,
            at.0
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(crate) async fn settle(
    connection: &mut SqliteConnection,
    seq: i64,
    outcome: &ImportOutcome,
) -> Result<(), StoreError> {
    let state = outcome.state.name();
    let (code, message) = outcome.failure.as_ref().map(|(code, message)| (code, message)).unzip();
    sqlx::query!(
        "UPDATE import SET state = ?, sha256 = ?, code = ?, message = ?, at = ? WHERE seq = ?",
        state,
        outcome.sha256,
        code,
        message,
        outcome.at.0,
        seq
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct RawImport {
    seq: i64,
    source: String,
    origin: Option<String>,
    sha256: Option<String>,
    state: String,
    code: Option<String>,
    message: Option<String>,
    demo: bool,
    at: i64,
    same_sheet: Option<String>,
}

impl From<RawImport> for ImportRow {
    fn from(raw: RawImport) -> Self {
        Self {
            seq: raw.seq,
            source: raw.source,
            origin: raw.origin,
            sha256: raw.sha256,
            state: raw.state,
            code: raw.code,
            message: raw.message,
            demo: raw.demo,
            at: Moment(raw.at),
            same_sheet: raw.same_sheet,
        }
    }
}
