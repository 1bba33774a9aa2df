//! Taking events in.

use super::cases::{Cases, Folded};
use crate::error::{ApiError, ErrorCode};
use crate::guard::Caller;
use crate::repo::{form as forms, sync};
use crate::role::Permission;
use castor_domain::review::{Act, Event, MACHINE, Recorded};
use castor_wire::event::kind;
use castor_wire::sync::{MOST_EVENTS, Outcome, Push, PushAnswer, Pushed, Settled, SyncEvent};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// An event that counts.
pub(crate) struct Accepted {
    pub(crate) global: i64,
    pub(crate) counter: i64,
    pub(crate) id: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) event: SyncEvent,
}

/// An event that does not, with the reason.
pub(crate) struct RefusedEvent {
    pub(crate) counter: i64,
    pub(crate) event: SyncEvent,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A pushed event, understood.
pub(super) struct Read {
    pub(super) counter: i64,
    pub(super) event: SyncEvent,
    pub(super) recorded: Result<Recorded, (String, String)>,
}

/// What a push made of forms and events, to be written.
#[derive(Default)]
pub(super) struct Taken {
    accepted: Vec<Accepted>,
    refused: Vec<RefusedEvent>,
    settled: Vec<Settled>,
}

impl Taken {
    /// Code and message of the first event that does not fit.
    pub(super) fn first_refusal(&self) -> Option<(String, String)> {
        self.refused
            .first()
            .map(|refused| (refused.code.clone(), refused.message.clone()))
    }
}

/// Takes a laptop's events in. The forms that changed are put back into `cases` by [`Changed::keep`] after the commit.
pub(crate) async fn push(
    connection: &mut PgConnection,
    cases: &Cases,
    caller: &Caller,
    push: Push,
) -> Result<(PushAnswer, Changed), ApiError> {
    let client =
        Uuid::parse_str(&push.client).map_err(|_| ApiError::new(ErrorCode::InvalidRequest, "client is no UUID"))?;
    let (first, events) = in_row(push.events)?;
    let waited = sync::client(connection, client, caller.user).await?;
    let Some(next) = waited else {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "SYNC_CLIENT this laptop signed in with another account before",
        ));
    };
    if events.is_empty() || first > next {
        return Ok((
            PushAnswer {
                next: whole(next),
                settled: Vec::new(),
            },
            Changed::default(),
        ));
    }
    // What was sent before gets the answer of then.
    let before = usize::try_from(next - first).unwrap_or(usize::MAX).min(events.len());
    let mut events = events;
    let fresh = events.split_off(before);
    let mut settled = answered_before(connection, client, &events).await?;
    let upto = next + i64::try_from(fresh.len()).unwrap_or_default();
    let mut changed = Changed::default();
    if !fresh.is_empty() {
        // From here on nobody else writes events.
        let last = sync::hold_order(connection).await?;
        let (taken, forms) = fold(connection, cases, caller, last, fresh).await?;
        write(connection, client, last, upto, &taken, &forms).await?;
        settled.extend(taken.settled);
        changed = forms;
    }
    Ok((
        PushAnswer {
            next: whole(upto),
            settled,
        },
        changed,
    ))
}

fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// The events with their counters checked, and the first counter.
fn in_row(events: Vec<Pushed>) -> Result<(i64, Vec<Read>), ApiError> {
    if events.len() > MOST_EVENTS {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            format!("at most {MOST_EVENTS} events in one push"),
        ));
    }
    let counters = || ApiError::new(ErrorCode::InvalidRequest, "counters are consecutive, from 1");
    let first = events.first().map_or(1, |e| e.counter);
    let from = i64::try_from(first).map_err(|_| counters())?;
    let mut read = Vec::with_capacity(events.len());
    for (due, pushed) in (first..).zip(events) {
        let counter = i64::try_from(pushed.counter)
            .ok()
            .filter(|_| pushed.counter == due && due > 0);
        let Some(counter) = counter else {
            return Err(counters());
        };
        let recorded = understood(&pushed.event);
        read.push(Read {
            counter,
            event: pushed.event,
            recorded,
        });
    }
    Ok((from, read))
}

/// The event itself, or why it is none.
fn understood(event: &SyncEvent) -> Result<Recorded, (String, String)> {
    let is_hash = event.form.len() == 64 && event.form.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hash {
        return Err((
            "SYNC_FORM".to_owned(),
            "a form is named by the SHA-256 of its file".to_owned(),
        ));
    }
    if event.by.is_empty() || event.by.chars().count() > 254 {
        return Err((
            "SYNC_AUTHOR".to_owned(),
            "a name of 1 to 254 characters stands beside an event".to_owned(),
        ));
    }
    if event.by.contains('\0') || holds_nul(&event.body) {
        return Err((
            "SYNC_EVENT".to_owned(),
            "a text holds the character U+0000, which cannot be kept".to_owned(),
        ));
    }
    event
        .recorded()
        .map_err(|error| ("SYNC_EVENT".to_owned(), error.to_string()))
}

/// Whether a text of a JSON document holds U+0000, as such or written `\u0000`.
fn holds_nul(json: &str) -> bool {
    let escaped = |at: usize| {
        let before = json[..at].bytes().rev().take_while(|b| *b == b'\\').count();
        before % 2 == 1
    };
    json.contains('\0') || json.match_indices("u0000").any(|(at, _)| escaped(at))
}

/// A text that was refused, as it can be kept.
fn kept(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
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

/// Forms that a push changed, by id.
#[derive(Default)]
pub(crate) struct Changed(HashMap<String, Folded>);

impl Changed {
    /// Keeps them for the next push; to be called after the commit.
    pub(crate) fn keep(self, cases: &Cases) {
        for (form, folded) in self.0 {
            cases.put(form, folded);
        }
    }

    /// One of them.
    pub(crate) fn get(&self, form: &str) -> Option<&Folded> {
        self.0.get(form)
    }

    /// Their ids.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Applies events, one after the other, to their forms.
pub(super) async fn fold(
    connection: &mut PgConnection,
    cases: &Cases,
    caller: &Caller,
    last: i64,
    events: Vec<Read>,
) -> Result<(Taken, Changed), ApiError> {
    let good = || events.iter().filter_map(|e| e.recorded.as_ref().ok().map(|r| (e, r)));
    let ids: Vec<Uuid> = good().map(|(_, r)| Uuid::from_u128(r.id.0)).collect();
    let names: BTreeSet<&str> = good().map(|(_, r)| r.by.as_str()).filter(|by| *by != MACHINE).collect();
    let names: Vec<String> = names.into_iter().map(ToOwned::to_owned).collect();
    let ids_of_forms: BTreeSet<&str> = good().map(|(e, _)| e.event.form.as_str()).collect();
    let ids_of_forms: Vec<String> = ids_of_forms.into_iter().map(ToOwned::to_owned).collect();
    let mut places = sync::places(connection, &ids).await?;
    let authors = sync::authors(connection, &names, caller.user).await?;
    let mut forms = loaded(connection, cases, &ids_of_forms).await?;

    let mut taken = Taken::default();
    let mut global = last;
    for Read {
        counter,
        event,
        recorded,
    } in events
    {
        let judged = recorded.and_then(|recorded| {
            let id = Uuid::from_u128(recorded.id.0);
            if let Some(place) = places.get(&id) {
                return Ok(*place);
            }
            allowed(&recorded, caller, &authors)?;
            let folded = forms.0.entry(event.form.clone()).or_default();
            let refused = |refusal: castor_domain::review::Refusal| (refusal.code().to_owned(), refusal.to_string());
            folded.case.apply(&recorded).map_err(refused)?;
            global += 1;
            folded.version = global;
            places.insert(id, global);
            let kind = kind(&recorded.event);
            taken.accepted.push(Accepted {
                global,
                counter,
                id,
                kind,
                event: event.clone(),
            });
            Ok(global)
        });
        let outcome = match judged {
            Ok(place) => Outcome::Accepted { global: whole(place) },
            Err((code, message)) => {
                let (mut event, mut message) = (event, message);
                for text in [
                    &mut event.id,
                    &mut event.form,
                    &mut event.by,
                    &mut event.body,
                    &mut message,
                ] {
                    kept(text);
                }
                let outcome = Outcome::Refused {
                    code: code.clone(),
                    message: message.clone(),
                };
                taken.refused.push(RefusedEvent {
                    counter,
                    event,
                    code,
                    message,
                });
                outcome
            }
        };
        taken.settled.push(Settled {
            counter: whole(counter),
            outcome,
        });
    }
    Ok((taken, forms))
}

/// Whether the account may write this event under this name.
fn allowed(recorded: &Recorded, caller: &Caller, authors: &HashMap<String, Uuid>) -> Result<(), (String, String)> {
    let of_person = match &recorded.event {
        Event::Imported { .. } | Event::Unreadable { .. } | Event::Read { .. } | Event::Act(Act::AskSecond) => false,
        Event::Act(_) | Event::Probe { .. } | Event::Undone(_) | Event::Redone(_) => true,
    };
    if of_person && !caller.role.may(Permission::CorrectE14) {
        return Err(("SYNC_ROLE".to_owned(), "your role does not correct forms".to_owned()));
    }
    let machine = recorded.by == MACHINE;
    if machine && of_person {
        return Err((
            "SYNC_AUTHOR".to_owned(),
            "the machine's name stands beside no person's work".to_owned(),
        ));
    }
    if !machine && authors.get(&recorded.by) != Some(&caller.user) {
        let message = format!("\"{}\" is the name of another account", recorded.by);
        return Err(("SYNC_AUTHOR".to_owned(), message));
    }
    Ok(())
}

/// Forms as they stand, from memory where it is up to date.
pub(super) async fn loaded(connection: &mut PgConnection, cases: &Cases, ids: &[String]) -> Result<Changed, ApiError> {
    let versions = sync::versions(connection, ids).await?;
    let mut forms = HashMap::with_capacity(ids.len());
    let mut missing = Vec::new();
    for (id, version) in versions {
        match cases.take(&id, version) {
            Some(folded) => {
                forms.insert(id, folded);
            }
            None => missing.push((id, version)),
        }
    }
    let names: Vec<String> = missing.iter().map(|(id, _)| id.clone()).collect();
    for (id, version) in missing {
        forms.insert(
            id,
            Folded {
                version,
                case: castor_domain::review::Case::default(),
            },
        );
    }
    if !names.is_empty() {
        for event in sync::of_forms(connection, &names).await? {
            let fault = |error: &dyn std::fmt::Display| {
                tracing::error!(form = event.form, event = event.id, %error, "an event of the log does not fit");
                ApiError::internal()
            };
            let recorded = event.recorded().map_err(|error| fault(&error))?;
            let folded = forms.entry(event.form.clone()).or_default();
            folded.case.apply(&recorded).map_err(|error| fault(&error))?;
        }
    }
    Ok(Changed(forms))
}

/// Writes what a push made.
pub(super) async fn write(
    connection: &mut PgConnection,
    client: Uuid,
    last: i64,
    next: i64,
    taken: &Taken,
    changed: &Changed,
) -> Result<(), ApiError> {
    if !taken.refused.is_empty() {
        sync::refuse(connection, client, &taken.refused).await?;
    }
    if let Some(newest) = taken.accepted.last() {
        sync::insert(connection, client, &taken.accepted).await?;
        let touched: Vec<_> = changed.0.iter().filter(|(_, folded)| folded.version > last).collect();
        forms::write(connection, &touched).await?;
        sync::set_last(connection, newest.global).await?;
    }
    Ok(sync::set_next(connection, client, next).await?)
}
