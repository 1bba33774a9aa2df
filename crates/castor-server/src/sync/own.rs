//! Events that the server itself writes: what a worker read, and corrections that come without a laptop. They go through the
//! same fold into the same log as what laptops push, so that every desk hears of them.

use super::Cases;
use super::draft::{Draft, Stretch};
use super::fold::{Batch, Changed, Look, loaded};
use super::work::Read;
use crate::error::{ApiError, ErrorCode};
use crate::guard::Caller;
use crate::repo::sync;
use castor_domain::review::Recorded;
use castor_wire::sync::SyncEvent;
use sqlx::PgConnection;
use uuid::Uuid;

/// The server's place among the laptops. Nobody can push under it: it belongs to no account.
const OWN: Uuid = Uuid::from_u128(0x0ca5_7040_0000_8000_8000_0000_0000_0001);

/// Why events were not taken; none of them was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotTaken {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A form as its events make it, without changing it.
pub(crate) async fn form(connection: &mut PgConnection, cases: &Cases, forms: &[String]) -> Result<Changed, ApiError> {
    loaded(connection, cases, forms).await
}

/// Appends events of one form, all or none. What changed is to be kept after the commit. Where the events are an answer to the
/// form as it was shown, `shown` is the place of its last event then: if it has another one, nothing is written.
pub(crate) async fn append(
    connection: &mut PgConnection,
    cases: &Cases,
    writer: &Caller,
    form: &str,
    shown: Option<i64>,
    events: Vec<Recorded>,
) -> Result<Result<Changed, NotTaken>, ApiError> {
    let fault = |error: &dyn std::fmt::Display| {
        tracing::error!(form, %error, "an event of the server's own cannot be written");
        ApiError::internal()
    };
    let own = sync::clients(connection, &[(OWN, Uuid::nil())]).await?;
    let (_, next) = own
        .get(&OWN)
        .filter(|(account, _)| account.is_nil())
        .ok_or_else(|| fault(&"its place among the laptops is taken"))?;
    let mut read = Vec::with_capacity(events.len());
    for (counter, recorded) in (*next..).zip(events) {
        read.push(Read {
            counter,
            event: SyncEvent::of(form, &recorded).map_err(|error| fault(&error))?,
            recorded: Ok(recorded),
        });
    }
    let batch = Batch {
        client: OWN,
        caller: writer,
        events: &read,
    };
    let mut draft = Draft::of(connection, cases, vec![batch], Look::Quick).await?;
    if let Some((code, message)) = draft.first_refusal() {
        return Ok(Err(NotTaken { code, message }));
    }
    draft.write_forms(connection, draft.seen()).await?;
    let (last, _) = draft.hold(connection, cases, Stretch::default()).await?;
    let changed = shown.is_some_and(|shown| draft.version(form) != Some(shown));
    if changed || draft.first_refusal().is_some() {
        let message = "the form was changed at the same moment; look at it and try again";
        return Err(ApiError::new(ErrorCode::Conflict, message));
    }
    let done = draft.write(connection, last, Stretch::default()).await?;
    Ok(Ok(done.changed))
}
