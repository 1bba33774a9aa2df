//! Forms as their events make them, kept between pushes.

use castor_domain::review::Case;
use lru::LruCache;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};

/// Forms kept; a reading takes some tens of kilobytes.
const KEPT: NonZero<usize> = NonZero::new(4096).unwrap();

/// A form up to a place of the order.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// The place of its last event; 0 without events.
    pub(crate) version: i64,
    /// What its events make of it.
    pub(crate) case: Case,
}

/// Forms by id. A form is taken out by who changes it and put back once that is on the disk; another process may have
/// changed it in between, which its version tells.
#[derive(Debug)]
pub(crate) struct Cases(Mutex<LruCache<String, Folded>>);

impl Default for Cases {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Cases {
    /// Takes a form out, if it is here as of a version.
    pub(crate) fn take(&self, form: &str, version: i64) -> Option<Folded> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop(form).filter(|folded| folded.version == version)
    }

    /// Puts a form back.
    pub(crate) fn put(&self, form: String, folded: Folded) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.put(form, folded);
    }
}
