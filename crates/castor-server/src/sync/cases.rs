//! Forms as their events make them, kept between pushes.

use super::kept::Kept;
use castor_domain::review::Case;

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
pub(crate) struct Cases(Kept<String, Folded>);

impl Default for Cases {
    fn default() -> Self {
        Self(Kept::new(CELLS, Folded::cells))
    }
}

impl Cases {
    /// Whether a form is here, of whatever version.
    pub(crate) fn has(&self, form: &str) -> bool {
        self.0.has(form)
    }

    /// Takes a form out, if it is here as of a version.
    pub(crate) fn take(&self, form: &str, version: i64) -> Option<Folded> {
        self.0.take(form).filter(|folded| folded.version == version)
    }

    /// Puts a form back.
    pub(crate) fn put(&self, form: String, folded: Folded) {
        self.0.put(form, folded);
    }
}
