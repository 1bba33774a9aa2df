//! What can go wrong with the store.

use castor_domain::review::Refusal;
use castor_wire::event::EventError;
use std::path::{Path, PathBuf};

/// Why the store did not do what was asked. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder cannot be used.
    #[error("STO_001 {path}: {reason}; choose another data folder or correct its permissions", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another program has the folder open.
    #[error("STO_002 {path} is open in another CASTOR; close that one first", path = .0.display())]
    Busy(PathBuf),
    /// A newer version of the program wrote the database.
    #[error("STO_003 this data was written by a newer version of CASTOR (format {0}); install that version")]
    Newer(i64),
    /// The database is damaged.
    #[error("STO_004 the database is damaged ({0}); restore a backup: nothing was changed")]
    Damaged(String),
    /// The disk is full.
    #[error("STO_005 the disk is full; free some space, nothing that was confirmed is lost")]
    Full,
    /// A file is not where its hash says.
    #[error("STO_006 the file {0} is missing from the data folder; import it again")]
    BlobMissing(String),
    /// A file's content is not what its hash says.
    #[error("STO_007 the file {0} was changed on the disk; import it again")]
    BlobChanged(String),
    /// The form is unknown.
    #[error("STO_008 there is no form {0}")]
    NoSuchForm(String),
    /// The event does not fit the form.
    #[error("{code} {refusal}", code = .0.code(), refusal = .0)]
    Refused(#[from] Refusal),
    /// A stored event cannot be read.
    #[error("STO_009 event {seq} of the log cannot be read ({error}); restore a backup")]
    Event {
        /// Its place in the log.
        seq: i64,
        /// What is wrong.
        error: EventError,
    },
    /// The disk does not take what is written.
    #[error(
        "STO_011 the disk does not take what is written ({0}); check it and its free space: nothing that was confirmed is lost"
    )]
    Unwritable(String),
    /// A file is not the one any more whose hash was taken.
    #[error("STO_012 {path} changed while it was copied; import it again", path = .0.display())]
    SourceChanged(PathBuf),
    /// Others use the database; that passes.
    #[error("STO_013 the database is busy ({0}); try again in a moment, nothing was changed")]
    Occupied(String),
    /// Anything else that the database says.
    #[error("STO_010 the database failed: {0}")]
    Database(String),
}

impl StoreError {
    /// Stable code; the message begins with it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "STO_001",
            Self::Busy(_) => "STO_002",
            Self::Newer(_) => "STO_003",
            Self::Damaged(_) => "STO_004",
            Self::Full => "STO_005",
            Self::BlobMissing(_) => "STO_006",
            Self::BlobChanged(_) => "STO_007",
            Self::NoSuchForm(_) => "STO_008",
            Self::Refused(refusal) => refusal.code(),
            Self::Event { .. } => "STO_009",
            Self::Database(_) => "STO_010",
            Self::Unwritable(_) => "STO_011",
            Self::SourceChanged(_) => "STO_012",
            Self::Occupied(_) => "STO_013",
        }
    }

    pub(crate) fn folder(path: &Path, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::Full;
        }
        Self::Folder {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Occupied(error.to_string());
        }
        // SQLITE_BUSY, SQLITE_FULL, SQLITE_CORRUPT, SQLITE_NOTADB and those of SQLITE_IOERR that writing gives, see
        // https://www.sqlite.org/rescode.html
        match error.as_database_error().and_then(|e| e.code()).as_deref() {
            Some("5" | "261" | "517" | "773") => Self::Occupied(error.to_string()),
            Some("13") => Self::Full,
            Some("11" | "26" | "267" | "523" | "779") => Self::Damaged(error.to_string()),
            Some("778" | "1034" | "1290" | "1546") => Self::Unwritable(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, VersionMissing};
        if let VersionMissing(version) = error {
            return Self::Newer(version);
        }
        if let Execute(error) = error {
            return error.into();
        }
        Self::Database(error.to_string())
    }
}
