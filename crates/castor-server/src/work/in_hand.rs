//! Jobs that this process carries out at the moment: the ones for which it gives signs of life.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A reading takes seconds. What takes so long hangs, and goes to another worker until it has had its attempts.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Jobs, and since when.
#[derive(Debug, Default)]
pub(crate) struct InHand(Mutex<HashMap<Uuid, Instant>>);

impl InHand {
    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job is carried out as long as the answer lives.
    pub(crate) fn take(&self, job: Uuid) -> Taken<'_> {
        self.held().insert(job, Instant::now());
        Taken { all: self, job }
    }

    /// Those that are carried out and do not hang.
    pub(crate) fn jobs(&self) -> Vec<Uuid> {
        let held = self.held();
        let alive = held.iter().filter(|(_, since)| since.elapsed() < LONGEST);
        alive.map(|(job, _)| *job).collect()
    }
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    all: &'a InHand,
    job: Uuid,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.all.held().remove(&self.job);
    }
}
