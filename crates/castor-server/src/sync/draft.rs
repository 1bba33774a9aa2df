//! What is to be written, from the reading of its forms to the moment when its place in the order is certain.
//!
//! Rows of forms are written before the order is held, so that the order is held for the events alone: with the places that the
//! events will have if nobody comes in between, and again if somebody does. Whoever writes does it in this way: nobody who holds
//! the order waits for a form.

use super::cases::Cases;
use super::fold::{Batch, Changed, Fold, Look, authors, fold};
use super::tally::Tally;
use crate::error::{ApiError, ErrorCode};
use crate::repo::sync;
use castor_wire::sync::Settled;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Places of the order that this process wrote without another one in between: after the first, up to the second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stretch {
    after: i64,
    upto: i64,
}

impl Stretch {
    /// Whether all events after a place are of this process.
    fn is_all_since(self, place: i64, last: i64) -> bool {
        place == last || (self.upto == last && self.after <= place)
    }

    /// With events that were written behind the last place.
    fn with(self, last: i64, newest: i64) -> Self {
        let after = if self.upto == last { self.after } else { last };
        Self { after, upto: newest }
    }
}

/// Events that are folded.
pub(super) struct Draft<'a> {
    batches: Vec<Batch<'a>>,
    authors: HashMap<String, Uuid>,
    fold: Fold<'a>,
    /// The last place of the order before the log was asked for the forms.
    seen: i64,
    /// The place behind which the rows of forms expect the events, once they are written.
    expected: Option<i64>,
}

/// What was written.
pub(super) struct Done {
    /// What is told of each batch.
    pub(super) settled: Vec<Vec<Settled>>,
    /// To be kept after the commit.
    pub(super) changed: Changed,
    /// To be counted after the commit.
    pub(super) tally: Tally,
    /// What this process has written in a row, once it is committed.
    pub(super) ours: Stretch,
}

impl<'a> Draft<'a> {
    /// Folds events. Others may write meanwhile.
    pub(super) async fn of(
        connection: &mut PgConnection,
        cases: &Cases,
        batches: Vec<Batch<'a>>,
        look: Look,
    ) -> Result<Self, ApiError> {
        let authors = authors(connection, &batches).await?;
        let seen = sync::last(connection).await?;
        let mut folded = fold(connection, cases, &authors, &batches, look).await?;
        if look == Look::Quick && folded.first_refusal().is_some() {
            // What does not fit may be in the log already.
            folded = fold(connection, cases, &authors, &batches, Look::Careful).await?;
        }
        Ok(Self {
            batches,
            authors,
            fold: folded,
            seen,
            expected: None,
        })
    }

    /// Code and message of the first event that does not fit.
    pub(super) fn first_refusal(&self) -> Option<(String, String)> {
        self.fold.first_refusal()
    }

    /// The place of a form's last event before these.
    pub(super) fn version(&self, form: &str) -> Option<i64> {
        self.fold.version(form)
    }

    /// Writes the rows of the forms, for events behind the place that is expected.
    pub(super) async fn write_forms(&mut self, connection: &mut PgConnection, expected: i64) -> Result<(), ApiError> {
        if let Some(rows) = self.fold.rows(expected) {
            rows.execute(connection).await?;
        }
        self.expected = Some(expected);
        Ok(())
    }

    /// The last place of the order before the log was asked for the forms.
    pub(super) fn seen(&self) -> i64 {
        self.seen
    }

    /// Holds the order, so that nobody else writes events until the transaction ends. Events that others wrote since the forms
    /// were read are taken in; those of this process must be of other forms. The last place, and the one after the draft's own
    /// events.
    pub(super) async fn hold(
        &mut self,
        connection: &mut PgConnection,
        cases: &Cases,
        ours: Stretch,
    ) -> Result<(i64, i64), ApiError> {
        let last = sync::hold_order(connection).await?;
        if !ours.is_all_since(self.seen, last) && !self.fold.holds(connection).await? {
            let again = fold(connection, cases, &self.authors, &self.batches, Look::Careful).await?;
            if self.expected.take().is_some() && !self.fold.is_within(&again) {
                // An event that made a form is in the log already, of another form. The row must not stay.
                let message = "the log was written to at the same moment; nothing was changed, try again";
                return Err(ApiError::new(ErrorCode::Conflict, message));
            }
            self.fold = again;
        }
        Ok((last, self.fold.newest(last)))
    }

    /// Writes what is left to write, behind the last place of the order, which is held.
    pub(super) async fn write(
        mut self,
        connection: &mut PgConnection,
        last: i64,
        ours: Stretch,
    ) -> Result<Done, ApiError> {
        if self.expected != Some(last) {
            self.write_forms(connection, last).await?;
        }
        if !self.fold.refused.is_empty() {
            sync::refuse(connection, &self.fold.refused).await?;
        }
        let newest = self.fold.newest(last);
        if let Some(events) = self.fold.events.take() {
            events.execute(&mut *connection).await?;
            sync::set_last(connection, newest).await?;
        }
        let next: Vec<(Uuid, i64)> = self
            .batches
            .iter()
            .filter_map(|batch| Some((batch.client, batch.events.last()?.counter + 1)))
            .collect();
        sync::set_next(connection, &next).await?;
        Ok(Done {
            tally: self.fold.tally(),
            settled: self.fold.placed(last),
            changed: self.fold.forms(),
            ours: ours.with(last, newest),
        })
    }
}
