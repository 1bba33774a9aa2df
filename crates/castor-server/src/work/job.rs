//! A job: one reading of one file by one model.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// How soon a job is wanted. Waiting raises it: a job waits at most one step of ageing for each level more than one that is
/// queued after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobPriority {
    /// Someone waits for the answer.
    #[serde(alias = "urgent")]
    Urgent,
    /// A table that is asked for.
    #[serde(alias = "high")]
    High,
    /// The usual.
    #[serde(alias = "normal")]
    Normal,
    /// Whole departments.
    #[serde(alias = "low")]
    Low,
    /// When there is nothing else.
    #[serde(alias = "background")]
    Background,
}

impl JobPriority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Urgent, Self::High, Self::Normal, Self::Low, Self::Background];

    /// 1 to 5.
    #[must_use]
    pub fn rank(self) -> i16 {
        match self {
            Self::Urgent => 1,
            Self::High => 2,
            Self::Normal => 3,
            Self::Low => 4,
            Self::Background => 5,
        }
    }

    /// The priority of a rank; the least urgent for any other number.
    #[must_use]
    pub fn of_rank(rank: i16) -> Self {
        Self::ALL
            .into_iter()
            .find(|one| one.rank() == rank)
            .unwrap_or(Self::Background)
    }

    /// As written in figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Urgent => "URGENT",
            Self::High => "HIGH",
            Self::Normal => "NORMAL",
            Self::Low => "LOW",
            Self::Background => "BACKGROUND",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// The form was read.
    Done,
    /// Given up: the reason stands beside it. It can be tried again.
    Dead,
    /// Given up, and set aside by an administrator: nothing tries it again by itself, a person may.
    Discarded,
}

/// Codes of failures of the store of files: a file that is gone or damaged there, a store that did not answer.
pub(crate) const OF_THE_STORE: [&str; 5] = ["OBJ_001", "OBJ_002", "OBJ_003", "OBJ_004", "OBJ_005"];

/// Codes of failures that lie with the moment: the store of files, a worker that was lost, a library or a model that did not
/// answer. A reader that failed on a file or hung in every attempt (`RUN_002`, `RUN_003`) lies with the file.
pub(crate) const OF_THE_MOMENT: [&str; 8] = [
    "OBJ_001", "OBJ_002", "OBJ_003", "OBJ_004", "OBJ_005", "JOB_001", "RUN_001", "INP_015",
];

/// Whether a job that was given up with this code may be read at another moment.
pub(crate) fn of_the_moment(code: &str) -> bool {
    OF_THE_MOMENT.contains(&code)
}

/// A job as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// SHA-256 of the file, which is the form's id too.
    pub sha256: String,
    /// Name of the file.
    pub name: String,
    /// Version of the model.
    pub model: String,
    /// How soon it is wanted.
    pub priority: JobPriority,
    /// Where it stands.
    pub state: JobState,
    /// Attempts so far.
    pub attempts: i16,
    /// When it was queued.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub queued_at: OffsetDateTime,
    /// When the last attempt began.
    #[serde(serialize_with = "crate::instant::rfc3339_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(serialize_with = "crate::instant::rfc3339_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<OffsetDateTime>,
    /// When it is tried next, where it waits after a failure.
    #[serde(serialize_with = "crate::instant::rfc3339_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<OffsetDateTime>,
    /// The worker that has it or had it last.
    pub worker: Option<Uuid>,
    /// Code of the last failure.
    pub code: Option<String>,
    /// The last failure in plain words; of a job that is done, why what was read last was not taken.
    pub message: Option<String>,
}

/// A job that this process has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its id.
    pub id: Uuid,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Name of the file.
    pub name: String,
    /// Version of the model that is to read it.
    pub model: String,
    /// Which attempt this is, from 1.
    pub attempt: i16,
    /// Read again although the model has read it before.
    pub forced: bool,
    /// Whether its pages are files of their own, and the file is their list.
    pub in_pages: bool,
    /// How long it waited.
    pub waited: Duration,
}

/// Rules of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRules {
    /// Most jobs that wait.
    pub limit: u32,
    /// Without a sign of life for so long, a worker's jobs go to others.
    pub lease: Duration,
    /// Attempts before a job is given up.
    pub attempts: u16,
    /// Pause before the second attempt; it doubles with each further one.
    pub pause: Duration,
    /// Waiting so long is worth one level of priority.
    pub ageing: Duration,
}

impl QueueRules {
    /// Pause after a failed attempt, from 1; spread by a share from 0 to 1, so that what failed together is not tried together.
    #[must_use]
    pub fn pause_after(&self, attempt: i16, share: f64) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(10);
        self.pause
            .saturating_mul(1 << doublings)
            .mul_f64(1.0 + share.clamp(0.0, 1.0) / 2.0)
    }
}
