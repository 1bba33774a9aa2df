//! Events that the server itself writes: what a worker read, and corrections that come without a laptop. They go through the
//! same fold into the same log as what laptops push, so that every desk hears of them.

use super::Cases;
use super::push::{Batch, Changed, Read, fold, loaded, write};
use crate::error::ApiError;
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

/// Appends events of one form, all or none. What changed is to be kept after the commit.
pub(crate) async fn append(
    connection: &mut PgConnection,
    cases: &Cases,
    writer: &Caller,
    form: &str,
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
    let last = sync::hold_order(connection).await?;
    let mut read = Vec::with_capacity(events.len());
    for (counter, recorded) in (*next..).zip(events) {
        read.push(Read {
            counter,
            event: SyncEvent::of(form, &recorded).map_err(|error| fault(&error))?,
            recorded: Ok(recorded),
        });
    }
    let upto = next + i64::try_from(read.len()).unwrap_or_default();
    let batch = Batch {
        client: OWN,
        caller: writer,
        events: &read,
    };
    let (taken, _, changed) = fold(connection, cases, last, &[batch]).await?;
    if let Some((code, message)) = taken.first_refusal() {
        return Ok(Err(NotTaken { code, message }));
    }
    write(connection, last, &[(OWN, upto)], &taken, &changed).await?;
    Ok(Ok(changed))
}
