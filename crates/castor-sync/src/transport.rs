//! How the server is reached.

use castor_wire::sync::{Lease, LeaseRequest, PullAnswer, Push, PushAnswer, SyncState};
use std::future::Future;

/// Why sync did not get on. Nothing is lost by it: what was not settled is sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The server was not reached, or did not answer in time.
    #[error("SYNC_001 the server was not reached: {0}; it is tried again by itself")]
    Unreachable(String),
    /// The sign-in has ended.
    #[error("SYNC_002 the sign-in has ended: {0}; sign in again")]
    SignedOut(String),
    /// The server refuses: another version, another account's store, a role without this right.
    #[error("SYNC_003 the server refuses: {0}")]
    Refused(String),
    /// The server asks to come back later.
    #[error("SYNC_004 the server is busy: {message}")]
    Busy {
        /// What it said.
        message: String,
        /// Seconds to wait, where it said so.
        wait: Option<u64>,
    },
    /// What came is not what the protocol says.
    #[error("SYNC_005 the answer is not understood: {0}; server or laptop must be brought up to date")]
    Unexpected(String),
    /// The laptop's own store.
    #[error("{0}")]
    Store(String),
}

impl SyncError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "SYNC_001",
            Self::SignedOut(_) => "SYNC_002",
            Self::Refused(_) => "SYNC_003",
            Self::Busy { .. } => "SYNC_004",
            Self::Unexpected(_) => "SYNC_005",
            Self::Store(_) => "SYNC_006",
        }
    }

    /// Whether trying again by itself can help.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy { .. } | Self::Store(_) => true,
            Self::SignedOut(_) | Self::Refused(_) | Self::Unexpected(_) => false,
        }
    }
}

impl From<castor_store::StoreError> for SyncError {
    fn from(error: castor_store::StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// The server's sync routes.
pub trait Transport: Send + Sync {
    /// Where sync stands for a store.
    fn state(&self, client: &str) -> impl Future<Output = Result<SyncState, SyncError>> + Send;
    /// Sends events.
    fn push(&self, push: &Push) -> impl Future<Output = Result<PushAnswer, SyncError>> + Send;
    /// Events after a place.
    fn pull(&self, client: &str, after: u64, limit: u16) -> impl Future<Output = Result<PullAnswer, SyncError>> + Send;
    /// Asks for forms to work on.
    fn lease(&self, request: &LeaseRequest) -> impl Future<Output = Result<Vec<Lease>, SyncError>> + Send;
}
