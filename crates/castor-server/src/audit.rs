//! Who did what: the kinds of entries, and the entries as an auditor sees them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// What is written down. The list is closed; docs/SERVER.md names each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An account was made.
    Registered,
    /// Signed in.
    SignedIn,
    /// A sign-in failed.
    SignInFailed,
    /// Signed out.
    SignedOut,
    /// Signed out everywhere.
    SignedOutEverywhere,
    /// A used refresh token came back; its session was ended.
    RefreshReused,
    /// The password was changed.
    PasswordChanged,
    /// An administrator changed an account.
    UserChanged,
    /// An administrator ended the sessions of an account.
    SessionsEnded,
    /// An administrator gave an account a temporary password.
    PasswordReset,
    /// A lead's status was changed.
    LeadChanged,
    /// The log was taken out.
    LogExported,
    /// The pipeline was started, stopped, paused or let go on.
    PipelineChanged,
    /// The forms of a department were queued.
    DepartmentQueued,
    /// A job that was given up was tried again.
    JobRetried,
    /// Forms that were lent to a laptop were taken back before their time.
    LeasesTakenBack,
}

impl Action {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Registered,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::SignedOutEverywhere,
        Self::RefreshReused,
        Self::PasswordChanged,
        Self::UserChanged,
        Self::SessionsEnded,
        Self::PasswordReset,
        Self::LeadChanged,
        Self::LogExported,
        Self::PipelineChanged,
        Self::DepartmentQueued,
        Self::JobRetried,
        Self::LeasesTakenBack,
    ];

    /// As stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "auth.registered",
            Self::SignedIn => "auth.signed_in",
            Self::SignInFailed => "auth.sign_in_failed",
            Self::SignedOut => "auth.signed_out",
            Self::SignedOutEverywhere => "auth.signed_out_everywhere",
            Self::RefreshReused => "security.refresh_reused",
            Self::PasswordChanged => "auth.password_changed",
            Self::UserChanged => "admin.user_changed",
            Self::SessionsEnded => "admin.sessions_ended",
            Self::PasswordReset => "admin.password_reset",
            Self::LeadChanged => "admin.lead_changed",
            Self::LogExported => "admin.log_exported",
            Self::PipelineChanged => "pipeline.changed",
            Self::DepartmentQueued => "pipeline.department_queued",
            Self::JobRetried => "pipeline.job_retried",
            Self::LeasesTakenBack => "pipeline.leases_taken_back",
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its place in the log.
    pub id: i64,
    /// When.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: OffsetDateTime,
    /// Which account, if one.
    pub actor: Option<Uuid>,
    /// What.
    pub action: String,
    /// To what.
    pub subject: Option<String>,
    /// What belongs to it.
    pub detail: serde_json::Value,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// The present address of the account that did it.
    pub actor_email: Option<String>,
    /// The present address of the account that it was done to, if it was one.
    pub subject_email: Option<String>,
}
