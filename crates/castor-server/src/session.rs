//! Sign-ins.

use crate::role::Role;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// One sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// The account.
    pub user_id: Uuid,
    /// What the client called itself.
    pub device: String,
    /// The client's address at sign-in.
    pub address: String,
    /// Signed in at.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// Last refreshed at.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub used_at: OffsetDateTime,
    /// Ends at, unless refreshed.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: OffsetDateTime,
}

/// One of the caller's own sign-ins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnSession {
    /// The sign-in.
    #[serde(flatten)]
    pub session: Session,
    /// Whether this very request came in it.
    pub current: bool,
}

/// A sign-in of anybody, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionOfUser {
    /// Its id.
    pub id: Uuid,
    /// The account.
    pub user_id: Uuid,
    /// The account's address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// What the account is for.
    pub role: Role,
    /// What the client called itself.
    pub device: String,
    /// The client's address at sign-in.
    pub address: String,
    /// Signed in at.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// Last refreshed at.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub used_at: OffsetDateTime,
    /// Ends at, unless refreshed.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: OffsetDateTime,
}

/// Why a session ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revocation {
    Logout,
    Reuse,
    Administrator,
    Password,
}

impl Revocation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Reuse => "reuse",
            Self::Administrator => "administrator",
            Self::Password => "password",
        }
    }
}
