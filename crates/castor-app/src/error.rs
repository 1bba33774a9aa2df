//! What can go wrong at the desk.

use crate::view::FieldProblem;
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
    /// Nothing of what was given can be a form.
    #[error("APP_007 no PDF, image or ZIP in what was given; choose others")]
    NoForms,
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
    /// The server, or the way to it.
    #[error(transparent)]
    Sync(#[from] castor_sync::SyncError),
    /// The server answered a request with a failure.
    #[error("{message}")]
    Answered {
        /// The server's code.
        code: String,
        /// What it said.
        message: String,
        /// Which fields of the request break which rule.
        fields: Vec<FieldProblem>,
    },
    /// The desk's forms were shared under another account.
    #[error(
        "SYNC_007 this desk's forms are shared under the account {0}; sign in with that one, or choose another data folder for this account"
    )]
    OtherAccount(String),
    /// The name stands beside another account's corrections on the server.
    #[error("SYNC_AUTHOR that name belongs to another account; choose one of your own")]
    NameTaken,
    /// Nobody is signed in.
    #[error("SYNC_008 no server is signed in to; sign in under Settings")]
    NotSignedIn,
    /// A request that the desk does not pass on.
    #[error("SYNC_009 the desk does not pass this request on: {0}")]
    NotPassedOn(String),
    /// A form's file is on the server and not here.
    #[error("SYNC_010 the images of form {0} are not on this computer yet; they come when the server is reached")]
    FileAway(String),
    /// An archive holds more than the disk has room for.
    #[error("APP_008 {0}: what it holds does not fit on this disk; free some space and let it be tried again")]
    NoRoom(String),
    /// Work in the background ended unexpectedly.
    #[error("APP_004 the work was cut off ({0}); try again")]
    Cut(String),
}

impl AppError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Store(error) => error.code(),
            Self::Read(ReadError::Input(error)) => error.code(),
            Self::Read(ReadError::Runtime(_)) => "RUN_001",
            Self::Sync(error) => told_by_server(error).unwrap_or(error.code()),
            Self::Answered { code, .. } => code,
            Self::OtherAccount(_) => "SYNC_007",
            Self::NameTaken => "SYNC_AUTHOR",
            Self::NotSignedIn => "SYNC_008",
            Self::NotPassedOn(_) => "SYNC_009",
            Self::FileAway(_) => "SYNC_010",
            Self::Asked(_) => "APP_001",
            Self::NoSuchCommand(_) => "APP_002",
            Self::File { .. } => "APP_003",
            Self::Cut(_) => "APP_004",
            Self::Keyring(_) => "APP_005",
            Self::Backup(_) => "APP_006",
            Self::NoForms => "APP_007",
            Self::NoRoom(_) => "APP_008",
        }
    }

    /// Fields of a request that break a rule of the server.
    #[must_use]
    pub fn fields(&self) -> &[FieldProblem] {
        if let Self::Answered { fields, .. } = self {
            fields
        } else {
            &[]
        }
    }

    pub(crate) fn file(path: &std::path::Path, reason: &impl ToString) -> Self {
        Self::File {
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

/// What the server said where that tells a person more than how it was said.
const TOLD: [&str; 6] = [
    "INVALID_REQUEST",
    "INVALID_CREDENTIALS",
    "TOO_MANY_ATTEMPTS",
    "RATE_LIMITED",
    "SYNC_CLIENT",
    "SYNC_VERSION",
];

/// The server's own code in an error, where it is one of [`TOLD`].
fn told_by_server(error: &castor_sync::SyncError) -> Option<&'static str> {
    let text = error.to_string();
    TOLD.into_iter().find(|code| text.contains(code))
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
