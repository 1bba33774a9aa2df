//! What can go wrong at the desk.

use castor_store::StoreError;
use castor_vision::input::InputError;
use castor_vision::read::ReadError;
use castor_wire::event::EventError;

/// Why the desk did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reader of forms.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What was asked is not understood.
    #[error("APP_001 {0}")]
    Asked(String),
    /// There is no such command.
    #[error("APP_002 there is no command \"{0}\"")]
    NoSuchCommand(String),
    /// A file could not be written or read.
    #[error("APP_003 {path}: {reason}; check the path, its permissions and the free space")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The system's keyring did not do what was asked.
    #[error("APP_005 the system's keyring: {0}; unlock it and try again")]
    Keyring(String),
    /// A backup is not whole.
    #[error("APP_006 the backup is not whole: {0}; use another one, nothing was changed")]
    Backup(String),
    /// Work in the background ended unexpectedly.
    #[error("APP_004 the work was cut off ({0}); try again")]
    Cut(String),
}

impl AppError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Read(ReadError::Input(error)) => error.code(),
            Self::Read(ReadError::Runtime(_)) => "RUN_001",
            Self::Asked(_) => "APP_001",
            Self::NoSuchCommand(_) => "APP_002",
            Self::File { .. } => "APP_003",
            Self::Cut(_) => "APP_004",
            Self::Keyring(_) => "APP_005",
            Self::Backup(_) => "APP_006",
        }
    }

    pub(crate) fn file(path: &std::path::Path, reason: &impl ToString) -> Self {
        Self::File {
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

impl From<InputError> for AppError {
    fn from(error: InputError) -> Self {
        Self::Read(error.into())
    }
}

impl From<EventError> for AppError {
    fn from(error: EventError) -> Self {
        Self::Asked(error.to_string())
    }
}

impl From<castor_domain::review::Refusal> for AppError {
    fn from(refusal: castor_domain::review::Refusal) -> Self {
        Self::Store(refusal.into())
    }
}
