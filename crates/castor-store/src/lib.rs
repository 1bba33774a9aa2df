//! What a laptop keeps: the event log, what follows from it, and files by their hash.
//!
//! One folder holds everything. `castor.db` is an SQLite database in WAL mode with full synchronisation: an event that
//! was acknowledged survives the end of the process and of the power. `blobs/` holds files by their SHA-256. `lock`
//! keeps a second program out.

mod attachment;
mod blobs;
mod error;
mod import;
mod integrity;
mod lease;
mod log;
mod probe;
mod queue;
mod settings;
mod sheets;
mod snapshot;
mod sync;
mod tables;

pub use attachment::{AttachmentCount, Page};
pub use blobs::{hex, sha256, sync_names};
pub use castor_domain::review::Recorded as NewEvent;
pub use error::StoreError;
pub use import::{ImportCount, ImportOutcome, ImportRow, ImportState, NewImport};
pub use log::{Beside, ChainReport, Entry, FormLog, LogQuery, LogRow};
pub use probe::ProbeTask;
pub use queue::{FormCounts, FormRow, Order, QueueFilter};
pub use snapshot::{Filed, Snapshot};
pub use sync::{RefusedRow, SyncCount};
pub use tables::TableKey;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Setting that says by which rules the rows of forms were written, and the rules of this version: rows of another one are
/// written afresh from the log.
const ROWS: &str = "rows_version";
const ROWS_VERSION: &str = "4";

/// How long a program that was closed or killed a moment ago may take to end.
const ENDING: Duration = Duration::from_secs(3);

/// The store of one data folder.
#[derive(Debug)]
pub struct Store {
    pool: SqlitePool,
    folder: PathBuf,
    /// One folder of pages takes the place of another at a time.
    replacing: Mutex<()>,
    /// Held as long as the store lives.
    _lock: File,
}

impl Store {
    /// Opens the store of a folder, making it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another program has it open and does not end within three seconds, [`StoreError::Newer`]
    /// when a newer version of the program wrote it, [`StoreError::Damaged`] when the database is no database.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let made = std::fs::create_dir_all(folder.join("blobs"));
        made.map_err(|e| StoreError::folder(folder, &e))?;
        let lock = locked(folder).await?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join("castor.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(20));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await?;
        sqlx::migrate!("../../migrations/local").run(&pool).await?;
        let store = Self {
            pool,
            folder: folder.to_owned(),
            replacing: Mutex::default(),
            _lock: lock,
        };
        if store.setting(ROWS).await?.as_deref() != Some(ROWS_VERSION) {
            store.rebuild().await?;
            store.set_setting(ROWS, ROWS_VERSION).await?;
        }
        Ok(store)
    }

    /// Opens the store of a folder that has one.
    ///
    /// # Errors
    /// Those of [`Store::open`], and [`StoreError::Folder`] when there is none: nothing is made then.
    pub async fn open_existing(folder: &Path) -> Result<Self, StoreError> {
        if !folder.join("castor.db").is_file() {
            return Err(StoreError::Folder {
                path: folder.to_owned(),
                reason: "no desk keeps its data there".to_owned(),
            });
        }
        Self::open(folder).await
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a copy of the database, whole and consistent, to a file that must not exist.
    ///
    /// # Errors
    /// [`StoreError`] when the file exists or cannot be written.
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        let name = file.display().to_string();
        sqlx::query("VACUUM INTO ?").bind(name).execute(&self.pool).await?;
        Ok(())
    }

    /// Closes the database.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

/// The folder's lock, held by no other program.
async fn locked(folder: &Path) -> Result<File, StoreError> {
    let failed = |e| StoreError::folder(folder, &e);
    let lock = File::create(folder.join("lock")).map_err(failed)?;
    let until = Instant::now() + ENDING;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(folder.to_owned())),
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
    }
}
