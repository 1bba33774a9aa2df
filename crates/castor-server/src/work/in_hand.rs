//! Jobs that this process carries out at the moment: the ones for which it gives signs of life.

use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Jobs, each as often as it is carried out: one that was lost may have been taken again here.
#[derive(Debug, Default)]
pub(crate) struct InHand(Mutex<Vec<Uuid>>);

impl InHand {
    fn held(&self) -> MutexGuard<'_, Vec<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job is carried out as long as the answer lives.
    pub(crate) fn take(&self, job: Uuid) -> Taken<'_> {
        self.held().push(job);
        Taken { all: self, job }
    }

    /// Those that are carried out.
    pub(crate) fn jobs(&self) -> Vec<Uuid> {
        self.held().clone()
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
        let mut held = self.all.held();
        if let Some(at) = held.iter().position(|job| *job == self.job) {
            held.swap_remove(at);
        }
    }
}
