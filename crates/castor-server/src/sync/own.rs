//! Events that the server itself writes: what a worker read, and corrections that come without a laptop. They go through the
//! same fold into the same log as what laptops push, so that every desk hears of them.

use super::Cases;
use super::draft::{Draft, Stretch};
use super::fold::{Batch, Changed, Look, loaded};
use super::work::Read;
use crate::error::{ApiError, ErrorCode};
use crate::guard::Caller;
use crate::repo::sync;
use crate::server::Server;
use crate::work::recorded;
use castor_domain::review::{Act, Case, Event, MACHINE, Recorded};
use castor_wire::sync::SyncEvent;
use sqlx::PgConnection;
use uuid::Uuid;

/// The server's place among the laptops. Nobody can push under it: it belongs to no account.
pub(crate) const OWN: Uuid = Uuid::from_u128(0x0ca5_7040_0000_8000_8000_0000_0000_0001);

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

/// Appends events of one form, all or none, and behind them that a second reading is asked for where they make it due. What
/// changed is to be kept after the commit. Where the events are an answer to the form as it was shown, `shown` is the place of
/// its last event then: if it has another one, nothing is written.
pub(crate) async fn append(
    connection: &mut PgConnection,
    server: &Server,
    writer: &Caller,
    form: &str,
    shown: Option<i64>,
    mut events: Vec<Recorded>,
) -> Result<Result<Changed, NotTaken>, ApiError> {
    let cases = &server.cases;
    let fault = |error: &dyn std::fmt::Display| {
        tracing::error!(form, %error, "an event of the server's own cannot be written");
        ApiError::internal()
    };
    let own = sync::clients(connection, &[(OWN, Uuid::nil())]).await?;
    let (_, next) = own
        .get(&OWN)
        .filter(|(account, _)| account.is_nil())
        .ok_or_else(|| fault(&"its place among the laptops is taken"))?;
    // The server's own place is held by now: no other append of its own comes in between.
    let seen = ask_second(connection, server, form, &mut events).await?;
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
        if draft.version(form) != seen {
            return Err(changed_meanwhile());
        }
        return Ok(Err(NotTaken { code, message }));
    }
    draft.write_forms(connection, draft.seen()).await?;
    let (last, _) = draft.hold(connection, cases, Stretch::default()).await?;
    let changed = shown.is_some_and(|shown| draft.version(form) != Some(shown));
    if changed || draft.first_refusal().is_some() {
        return Err(changed_meanwhile());
    }
    let done = draft.write(connection, last, Stretch::default()).await?;
    Ok(Ok(done.changed))
}

fn changed_meanwhile() -> ApiError {
    let message = "the form was changed at the same moment; look at it and try again";
    ApiError::new(ErrorCode::Conflict, message)
}

/// Adds that a second reading is asked for, where the events make it due: the rule of the desks. The place of the form's last
/// event that was looked at.
async fn ask_second(
    connection: &mut PgConnection,
    server: &Server,
    form: &str,
    events: &mut Vec<Recorded>,
) -> Result<Option<i64>, ApiError> {
    let stands = loaded(connection, &server.cases, &[form.to_owned()]).await?;
    let (seen, due) = {
        let (folded, new) = (stands.get(form), Case::default());
        let case = folded.map_or(&new, |folded| &folded.case);
        let due = case.wants_second_after(events, form, &server.config.work.second);
        (folded.map(|folded| folded.version), due)
    };
    stands.keep(&server.cases);
    // What does not fit is refused with its reason where the events are folded.
    if due.unwrap_or(false) {
        events.push(recorded(MACHINE, Event::Act(Act::AskSecond)));
    }
    Ok(seen)
}
