//! Who did what: the kinds of entries, the entries as an auditor sees them, and how many are written of what anybody can do
//! at will. The log is never cleared, so that nobody may fill the disk with it.

use crate::error::ApiError;
use crate::guard::Origin;
use crate::limit::Rate;
use crate::repo::audit;
use crate::server::Server;
use metrics::counter;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;
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
    /// Failed sign-ins made everybody, or one address, wait at an account.
    SignInLocked,
    /// Signed out.
    SignedOut,
    /// Signed out everywhere.
    SignedOutEverywhere,
    /// A used refresh token came back; its session was ended.
    RefreshReused,
    /// A role did not allow what its account asked for.
    Denied,
    /// The password was changed.
    PasswordChanged,
    /// A person corrected their own personal data.
    AccountCorrected,
    /// An administrator changed an account.
    UserChanged,
    /// An administrator deleted a closed account.
    UserDeleted,
    /// An administrator ended the sessions of an account.
    SessionsEnded,
    /// An administrator gave an account a temporary password.
    PasswordReset,
    /// A lead's status was changed.
    LeadChanged,
    /// A lead was deleted.
    LeadDeleted,
    /// Leads were looked at.
    LeadsViewed,
    /// The log was taken out.
    LogExported,
    /// A file of a form was brought in.
    FileUploaded,
    /// A file of a form was fetched.
    FileFetched,
    /// A form was corrected without a desk.
    FormCorrected,
    /// The pipeline was started, stopped, paused or let go on.
    PipelineChanged,
    /// The forms of a department were queued.
    DepartmentQueued,
    /// A job that was given up was tried again.
    JobRetried,
    /// Jobs that were given up were tried again together.
    JobsRetried,
    /// A job that was given up was set aside.
    JobDiscarded,
    /// Forms that were lent to a laptop were taken back before their time.
    LeasesTakenBack,
}

impl Action {
    /// Every kind.
    pub const ALL: [Self; 27] = [
        Self::Registered,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignInLocked,
        Self::SignedOut,
        Self::SignedOutEverywhere,
        Self::RefreshReused,
        Self::Denied,
        Self::PasswordChanged,
        Self::AccountCorrected,
        Self::UserChanged,
        Self::UserDeleted,
        Self::SessionsEnded,
        Self::PasswordReset,
        Self::LeadChanged,
        Self::LeadDeleted,
        Self::LeadsViewed,
        Self::LogExported,
        Self::FileUploaded,
        Self::FileFetched,
        Self::FormCorrected,
        Self::PipelineChanged,
        Self::DepartmentQueued,
        Self::JobRetried,
        Self::JobsRetried,
        Self::JobDiscarded,
        Self::LeasesTakenBack,
    ];

    /// As stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "auth.registered",
            Self::SignedIn => "auth.signed_in",
            Self::SignInFailed => "auth.sign_in_failed",
            Self::SignInLocked => "security.sign_in_locked",
            Self::SignedOut => "auth.signed_out",
            Self::SignedOutEverywhere => "auth.signed_out_everywhere",
            Self::RefreshReused => "security.refresh_reused",
            Self::Denied => "security.denied",
            Self::PasswordChanged => "auth.password_changed",
            Self::AccountCorrected => "auth.account_corrected",
            Self::UserChanged => "admin.user_changed",
            Self::UserDeleted => "admin.user_deleted",
            Self::SessionsEnded => "admin.sessions_ended",
            Self::PasswordReset => "admin.password_reset",
            Self::LeadChanged => "admin.lead_changed",
            Self::LeadDeleted => "admin.lead_deleted",
            Self::LeadsViewed => "data.leads_viewed",
            Self::LogExported => "admin.log_exported",
            Self::FileUploaded => "data.file_uploaded",
            Self::FileFetched => "data.file_fetched",
            Self::FormCorrected => "data.form_corrected",
            Self::PipelineChanged => "pipeline.changed",
            Self::DepartmentQueued => "pipeline.department_queued",
            Self::JobRetried => "pipeline.job_retried",
            Self::JobsRetried => "pipeline.jobs_retried",
            Self::JobDiscarded => "pipeline.job_discarded",
            Self::LeasesTakenBack => "pipeline.leases_taken_back",
        }
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
/// Entries of one kind that one source may cause.
const BY_ONE: Rate = Rate::new(20, HOUR);
/// And all of them together.
const BY_ALL: Rate = Rate::new(600, HOUR);

/// Whether an entry is still written of what anybody can do at will.
pub(crate) async fn has_room(server: &Server, action: Action, source: &str) -> bool {
    let name = action.name();
    let by_one = server.shared.take(&format!("audit:{name}:{source}"), BY_ONE).await;
    let room = by_one.granted && server.shared.take(&format!("audit:{name}"), BY_ALL).await.granted;
    if !room {
        counter!("castor_audit_left_out_total", "action" => name).increment(1);
    }
    room
}

/// Whether this was not written within the last hour.
pub(crate) async fn is_new(server: &Server, action: Action, what: &str) -> bool {
    let key = format!("audit:{}:{what}", action.name());
    server.shared.take(&key, Rate::new(1, HOUR)).await.granted
}

/// Notes that a file was brought in or fetched, once an hour for an account and a file.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn note_file(
    server: &Server,
    connection: &mut PgConnection,
    origin: Option<&Origin>,
    account: Uuid,
    (action, file): (Action, &str),
) -> Result<(), ApiError> {
    if is_new(server, action, &format!("{account}:{file}")).await {
        let detail = json!({ "file": file });
        audit::write(connection, origin, Some(account), action, None, detail).await?;
    }
    Ok(())
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
