//! What a transaction of pushes took in, for the figures.

use super::fold::Accepted;
use metrics::counter;
use std::collections::BTreeSet;

/// Events of laptops and what they say. Counted once they are committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    accepted: u64,
    refused: u64,
    forms: u64,
    corrections: u64,
    validated: u64,
}

impl Tally {
    /// Of new events and so many refused ones; forms that the log did not know before are new.
    pub(super) fn of(accepted: &[Accepted<'_>], refused: usize, knew: impl Fn(&str) -> bool) -> Self {
        let forms: BTreeSet<&str> = accepted.iter().map(|one| one.event.form.as_str()).collect();
        let kind = |kind: &str| whole(accepted.iter().filter(|one| one.kind == kind).count());
        Self {
            accepted: whole(accepted.len()),
            refused: whole(refused),
            forms: whole(forms.into_iter().filter(|form| !knew(form)).count()),
            corrections: kind("cell"),
            validated: kind("completed"),
        }
    }

    /// Adds it to the figures.
    pub(super) fn count(self) {
        counter!("castor_sync_events_total", "outcome" => "accepted").increment(self.accepted);
        counter!("castor_sync_events_total", "outcome" => "refused").increment(self.refused);
        counter!("castor_forms_received_total").increment(self.forms);
        counter!("castor_corrections_total").increment(self.corrections);
        counter!("castor_forms_validated_total").increment(self.validated);
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
