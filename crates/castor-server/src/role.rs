//! One role model for accounts and for E-14 work, and what each role may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account is for. The core's `admin`, `analyst`, `observer`, `viewer` and the E-14 roles are the same list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Everything.
    Admin,
    /// Analyses, forecasts and reports of a campaign.
    Analyst,
    /// Brings forms in and has them read.
    Operator,
    /// Corrects and validates forms.
    Validator,
    /// Sees everything done, changes nothing.
    Auditor,
    /// Testigo: sends forms from the polling station.
    Observer,
    /// Sees results.
    Viewer,
}

/// One thing that a route may demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Results of forms.
    ViewResults,
    /// Counts, states and figures of the work.
    ViewStats,
    /// Have forms read.
    ProcessE14,
    /// Bring forms in.
    UploadE14,
    /// Check forms, take review work.
    ValidateE14,
    /// Correct cells.
    CorrectE14,
    /// The audit log.
    ViewAudit,
    /// Take data out.
    ExportData,
    /// Analyses of the conversation, forecasts, advice.
    UseAnalysis,
    /// Start and stop the pipeline, enqueue departments, see what is lent to whom and take it back.
    ManagePipeline,
    /// Users, roles, sessions, leads.
    Administer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::Analyst,
        Self::Operator,
        Self::Validator,
        Self::Auditor,
        Self::Observer,
        Self::Viewer,
    ];

    /// What the role may do. A validator is an operator who may also correct.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::Admin => &Permission::ALL,
            Self::Analyst => &[P::ViewResults, P::ViewStats, P::ExportData, P::UseAnalysis],
            Self::Operator => &[P::ViewResults, P::ViewStats, P::ProcessE14, P::UploadE14],
            Self::Validator => &[
                P::ViewResults,
                P::ViewStats,
                P::ProcessE14,
                P::UploadE14,
                P::ValidateE14,
                P::CorrectE14,
            ],
            Self::Auditor => &[P::ViewResults, P::ViewStats, P::ViewAudit, P::ExportData],
            Self::Observer => &[P::ViewResults, P::ViewStats, P::UploadE14],
            Self::Viewer => &[P::ViewResults, P::ViewStats],
        }
    }

    /// Whether the role may do it.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    /// As written in tokens, the database and the documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Analyst => "ANALYST",
            Self::Operator => "OPERATOR",
            Self::Validator => "VALIDATOR",
            Self::Auditor => "AUDITOR",
            Self::Observer => "OBSERVER",
            Self::Viewer => "VIEWER",
        }
    }

    /// Reads [`Self::name`], in any letter case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.name().eq_ignore_ascii_case(text))
    }
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 11] = [
        Self::ViewResults,
        Self::ViewStats,
        Self::ProcessE14,
        Self::UploadE14,
        Self::ValidateE14,
        Self::CorrectE14,
        Self::ViewAudit,
        Self::ExportData,
        Self::UseAnalysis,
        Self::ManagePipeline,
        Self::Administer,
    ];
}
