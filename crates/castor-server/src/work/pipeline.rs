//! The pipeline as a whole: whether jobs are taken, and who takes them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// What was ordered of the pipeline, and in answers how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PipelineState {
    /// Nothing is under way; jobs that come are taken.
    Idle,
    /// A run is under way.
    Running,
    /// Held: jobs wait until it goes on.
    Paused,
    /// Ended: jobs wait until it is started.
    Stopped,
    /// Jobs wait and no worker is there.
    Error,
}

/// What an administrator ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PipelineOrder {
    pub(crate) state: PipelineState,
    pub(crate) election_type: Option<String>,
    pub(crate) copy_type: Option<String>,
    pub(crate) ocr_workers: Option<i16>,
}

impl PipelineOrder {
    /// How the pipeline is, by what was ordered and what there is to do.
    pub(crate) fn shown(&self, queued: i64, running: i64, workers: usize) -> PipelineState {
        match self.state {
            PipelineState::Paused | PipelineState::Stopped => self.state,
            PipelineState::Idle | PipelineState::Running | PipelineState::Error => {
                if queued > 0 && workers == 0 && running == 0 {
                    PipelineState::Error
                } else if queued + running > 0 {
                    PipelineState::Running
                } else {
                    PipelineState::Idle
                }
            }
        }
    }
}

/// Forms by state, when the log had its last event at a place.
#[derive(Debug, Clone)]
pub(crate) struct FormsByState {
    pub(crate) last: i64,
    pub(crate) forms: BTreeMap<String, i64>,
}

/// A process that takes jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkerView {
    /// Its id.
    pub id: Uuid,
    /// Where it runs.
    pub name: String,
    /// The model that it reads with.
    pub model: String,
    /// Jobs that it takes at a time.
    pub slots: i16,
    /// Jobs that it has.
    pub running: i64,
    /// Whether it gave a sign of life lately.
    pub alive: bool,
    /// When it began.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: OffsetDateTime,
    /// Its last sign of life.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: OffsetDateTime,
    /// When it ended by itself.
    #[serde(serialize_with = "crate::instant::rfc3339_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<OffsetDateTime>,
}
