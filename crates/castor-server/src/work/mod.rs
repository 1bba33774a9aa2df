//! Reading forms: jobs in Postgres, the bounded pool that reads, and the workers that take jobs. docs/SERVER.md says what
//! holds; docs/adr/0006-jobs.md why the queue is as it is.

mod backend;
mod carry;
mod fill;
mod in_hand;
mod intake;
mod job;
mod pipeline;
mod readers;
mod store;
mod worker;

pub(crate) use carry::{Carried, announce, carry_out, recorded, tell};
pub(crate) use fill::{Run, fill, keep_filling, model};
pub(crate) use in_hand::InHand;
pub(crate) use intake::keep_source;
pub use job::{Claimed, Job, JobPriority, JobState, QueueRules};
pub(crate) use job::{OF_THE_MOMENT, OF_THE_STORE, of_the_moment};
pub(crate) use pipeline::{FormsByState, PipelineOrder};
pub use pipeline::{PipelineState, WorkerView};
pub(crate) use readers::Readers;
pub(crate) use store::{Given, keep_file};
pub use worker::work;
pub(crate) use worker::{keep, take_jobs_when_any};

use castor_domain::review::Sampling;
use castor_ingest::{FileRules, Hosts};
use std::path::PathBuf;
use std::time::Duration;

/// What is told of reading forms.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkSettings {
    /// What files may be.
    pub files: FileRules,
    /// Hosts from which files are fetched.
    pub hosts: Hosts,
    /// Time to fetch one.
    pub fetch_timeout: Duration,
    /// The queue.
    pub queue: QueueRules,
    /// Which forms are read a second time although they were not critical.
    pub second: Sampling,
    /// Readings at a time in one process.
    pub readers: usize,
    /// Jobs that `serve` takes at a time itself.
    pub workers: usize,
    /// A folder whose forms are taken in.
    pub source: Option<PathBuf>,
}
