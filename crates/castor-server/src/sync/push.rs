//! Taking pushes in: what can be done before the order is held, and what cannot.

use super::cases::Cases;
use super::draft::{Draft, Stretch};
use super::fold::{Batch, Changed, Look, loaded, whole};
use super::tally::Tally;
use super::work::{Read, Work};
use crate::database::Database;
use crate::error::{ApiError, ErrorCode};
use crate::repo::sync;
use castor_wire::sync::{Outcome, PushAnswer, Settled};
use sqlx::PgConnection;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// Has the forms of a push in memory, so that they need not be fetched while others wait.
pub(super) async fn warm(database: &Database, cases: &Cases, work: &Work) -> Result<(), ApiError> {
    let ids: Vec<String> = work.forms.iter().filter(|form| !cases.has(form)).cloned().collect();
    if !ids.is_empty() {
        let mut connection = database.connection().await?;
        loaded(&mut connection, cases, &ids).await?.keep(cases);
    }
    Ok(())
}

/// What is said to an account that speaks for a laptop of another one.
pub(crate) fn other_account() -> ApiError {
    let message = "SYNC_CLIENT this laptop signed in with another account before";
    ApiError::new(ErrorCode::Forbidden, message)
}

/// Pushes that are ready to be written.
pub(super) struct Prepared<'a> {
    /// To each push, without what is new.
    answers: Vec<Result<PushAnswer, ApiError>>,
    /// Which pushes have new events.
    fresh: Vec<usize>,
    draft: Option<Draft<'a>>,
}

/// Pushes of several laptops in one transaction, up to where the order must be held. Others may write meanwhile; where the
/// order will end then is expected.
pub(super) async fn prepare<'a>(
    connection: &mut PgConnection,
    cases: &Cases,
    pushes: &[&'a Work],
    look: Look,
    expected: &AtomicI64,
) -> Result<Prepared<'a>, ApiError> {
    let who: Vec<(Uuid, Uuid)> = pushes.iter().map(|work| (work.client, work.caller.user)).collect();
    let waited = sync::clients(connection, &who).await?;
    let mut answers = Vec::with_capacity(pushes.len());
    let (mut fresh, mut batches) = (Vec::new(), Vec::new());
    for (n, work) in pushes.iter().enumerate() {
        answers.push(match waited.get(&work.client) {
            Some((account, next)) if *account == work.caller.user => {
                let (answer, events) = before(connection, work, *next).await?;
                if answer.is_ok() && !events.is_empty() {
                    fresh.push(n);
                    batches.push(Batch {
                        client: work.client,
                        caller: &work.caller,
                        events,
                    });
                }
                answer
            }
            Some(_) | None => Err(other_account()),
        });
    }
    let mut draft = None;
    if !batches.is_empty() {
        let mut folded = Draft::of(connection, cases, batches, look).await?;
        let expected = expected.load(Ordering::Relaxed).max(folded.seen());
        folded.write_forms(connection, expected).await?;
        draft = Some(folded);
    }
    Ok(Prepared { answers, fresh, draft })
}

/// What was written.
pub(super) struct Written {
    /// To each push.
    pub(super) answers: Vec<Result<PushAnswer, ApiError>>,
    /// To be kept after the commit.
    pub(super) changed: Changed,
    /// To be counted after the commit.
    pub(super) tally: Tally,
    /// What this process has written in a row, once it is committed.
    pub(super) ours: Stretch,
}

/// Holds the order and writes, within the transaction of [`prepare`]. Events that this process wrote since then must be of
/// other laptops and other forms. Whoever prepares meanwhile learns where the order will end.
pub(super) async fn finish(
    connection: &mut PgConnection,
    cases: &Cases,
    prepared: Prepared<'_>,
    ours: Stretch,
    expected: &AtomicI64,
) -> Result<Written, ApiError> {
    let Prepared {
        mut answers,
        fresh,
        draft,
    } = prepared;
    let Some(mut draft) = draft else {
        return Ok(Written {
            answers,
            changed: Changed::default(),
            tally: Tally::default(),
            ours,
        });
    };
    let (last, newest) = draft.hold(connection, cases, ours).await?;
    expected.store(newest, Ordering::Relaxed);
    let done = draft.write(connection, last, ours).await?;
    for (n, settled) in fresh.into_iter().zip(done.settled) {
        if let Ok(answer) = &mut answers[n] {
            answer.next = settled.last().map_or(answer.next, |last| last.counter + 1);
            answer.settled.extend(settled);
        }
    }
    Ok(Written {
        answers,
        changed: done.changed,
        tally: done.tally,
        ours: done.ours,
    })
}

/// The answer to what of a push was sent before, and the events that are new. A push behind a gap has none.
async fn before<'a>(
    connection: &mut PgConnection,
    work: &'a Work,
    next: i64,
) -> Result<(Result<PushAnswer, ApiError>, &'a [Read]), ApiError> {
    let mut answer = PushAnswer {
        next: whole(next),
        settled: Vec::new(),
    };
    if work.first > next {
        return Ok((Ok(answer), &[]));
    }
    let sent = usize::try_from(next - work.first)
        .unwrap_or(usize::MAX)
        .min(work.events.len());
    let (sent, fresh) = work.events.split_at(sent);
    match answered_before(connection, work.client, sent).await {
        Ok(settled) => {
            answer.settled = settled;
            Ok((Ok(answer), fresh))
        }
        Err(refused) if refused.code() == ErrorCode::Conflict => Ok((Err(refused), &[])),
        Err(error) => Err(error),
    }
}

async fn answered_before(
    connection: &mut PgConnection,
    client: Uuid,
    events: &[Read],
) -> Result<Vec<Settled>, ApiError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = events
        .iter()
        .filter_map(|e| Uuid::parse_str(&e.event.id).ok())
        .collect();
    let counters: Vec<i64> = events.iter().map(|e| e.counter).collect();
    let places = sync::places(connection, &ids).await?;
    let mut refusals = sync::refusals(connection, client, &counters).await?;
    events
        .iter()
        .map(|read| {
            let global = Uuid::parse_str(&read.event.id).ok().and_then(|id| places.get(&id));
            let outcome = match (refusals.remove(&read.counter), global) {
                (Some((code, message)), _) => Outcome::Refused { code, message },
                (None, Some(global)) => Outcome::Accepted { global: whole(*global) },
                // A counter that was settled with another event: two stores go under one identity.
                (None, None) => {
                    let message = "SYNC_CLIENT another event was sent under this counter; this store was copied";
                    return Err(ApiError::new(ErrorCode::Conflict, message));
                }
            };
            Ok(Settled {
                counter: whole(read.counter),
                outcome,
            })
        })
        .collect()
}
