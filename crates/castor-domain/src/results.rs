//! What a form adds to the results of its contest.

use crate::checks::{Finding, Tally};
use crate::form::{Copia, FieldPath};
use crate::reading::FormReading;
use crate::review::{Case, State};
use std::collections::BTreeMap;

/// The votes of one form, and what puts it before another copy of its table: legal rank, then that a person validated it,
/// then that its checks hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// [`Copia::legal_rank`].
    pub rank: i16,
    /// A person ended its review.
    pub validated: bool,
    /// No check failed.
    pub consistent: bool,
    /// Votes by row of the ballot; `None` where a cell is unread or waits for a person. Rows that a form prints once per
    /// circunscripción are added up.
    pub votes: BTreeMap<FieldPath, Option<u32>>,
}

impl Counted {
    /// What a form adds, of which [`Case::listed`] is at hand; nothing when it was not read or was set aside.
    #[must_use]
    pub fn of(case: &Case, listed: &FormReading) -> Option<Self> {
        match case.state() {
            State::Waiting | State::Unreadable | State::Rejected => return None,
            State::Accepted
            | State::Pending
            | State::InProgress
            | State::Escalated
            | State::SecondReading
            | State::Adjudication
            | State::Completed => {}
        }
        let mut votes: BTreeMap<FieldPath, Option<u32>> = BTreeMap::new();
        for (field, state) in Tally::settled(listed).states() {
            if field.path.counts_votes() {
                let found = state.votes().map(u32::from);
                votes
                    .entry(field.path.clone())
                    .and_modify(|sum| *sum = sum.zip(found).map(|(a, b)| a + b))
                    .or_insert(found);
            }
        }
        Some(Self {
            rank: Copia::legal_rank(listed.header.copia.value().copied()),
            validated: case.state() == State::Completed,
            consistent: !listed.findings.iter().any(Finding::failed),
            votes,
        })
    }
}
