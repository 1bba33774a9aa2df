//! Forms as their events make them, kept between pushes.

use castor_domain::review::Case;
use lru::LruCache;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Cells of the forms kept, about a kilobyte each.
const CELLS: usize = 250_000;

/// A form up to a place of the order.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// The place of its last event; 0 without events.
    pub(crate) version: i64,
    /// What its events make of it.
    pub(crate) case: Case,
}

impl Folded {
    /// What it weighs: a form without cells weighs as one.
    fn cells(&self) -> usize {
        self.case.reading().map_or(0, |reading| reading.fields.len()) + 1
    }
}

/// Forms by id. A form is taken out by who changes it and put back once that is on the disk; another process may have
/// changed it in between, which its version tells.
#[derive(Debug)]
pub(crate) struct Cases(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    forms: LruCache<String, Folded>,
    cells: usize,
}

impl Default for Cases {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            forms: LruCache::unbounded(),
            cells: 0,
        }))
    }
}

impl Cases {
    /// Whether a form is here, of whatever version.
    pub(crate) fn has(&self, form: &str) -> bool {
        self.kept().forms.contains(form)
    }

    /// Takes a form out, if it is here as of a version.
    pub(crate) fn take(&self, form: &str, version: i64) -> Option<Folded> {
        let mut kept = self.kept();
        let folded = kept.forms.pop(form)?;
        kept.cells -= folded.cells();
        (folded.version == version).then_some(folded)
    }

    /// Puts a form back, and lets go of those that were not asked for longest where there is no room.
    pub(crate) fn put(&self, form: String, folded: Folded) {
        let mut kept = self.kept();
        kept.cells += folded.cells();
        if let Some(before) = kept.forms.put(form, folded) {
            kept.cells -= before.cells();
        }
        while kept.cells > CELLS
            && let Some((_, oldest)) = kept.forms.pop_lru()
        {
            kept.cells -= oldest.cells();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
