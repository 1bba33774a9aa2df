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
pub(crate) struct Accepted<'a> {
    pub(crate) client: Uuid,
    pub(crate) global: i64,
    pub(crate) counter: i64,
    pub(crate) id: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) event: &'a SyncEvent,
}

/// An event that does not, with the reason.
pub(crate) struct RefusedEvent {
    pub(crate) client: Uuid,
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

/// A laptop's push, understood.
pub(crate) struct Work {
    pub(super) caller: Caller,
    pub(super) client: Uuid,
    /// The counter of the first event.
    first: i64,
    events: Vec<Read>,
}

impl Work {
    /// What a push says.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for one that is no push.
    pub(crate) fn of(caller: Caller, push: Push) -> Result<Self, ApiError> {
        let client =
            Uuid::parse_str(&push.client).map_err(|_| ApiError::new(ErrorCode::InvalidRequest, "client is no UUID"))?;
        let (first, events) = in_row(push.events)?;
        Ok(Self {
            caller,
            client,
            first,
            events,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Forms that its events are about.
    fn forms(&self) -> BTreeSet<&str> {
        self.events
            .iter()
            .filter(|read| read.recorded.is_ok())
            .map(|read| read.event.form.as_str())
            .collect()
    }
}

/// Events of one writer that are to be folded.
pub(super) struct Batch<'a> {
    pub(super) client: Uuid,
    pub(super) caller: &'a Caller,
    pub(super) events: &'a [Read],
}

/// What pushes made of forms and events, to be written.
#[derive(Default)]
pub(super) struct Taken<'a> {
    accepted: Vec<Accepted<'a>>,
    refused: Vec<RefusedEvent>,
}

impl Taken<'_> {
    /// Code and message of the first event that does not fit.
    pub(super) fn first_refusal(&self) -> Option<(String, String)> {
        self.refused
            .first()
            .map(|refused| (refused.code.clone(), refused.message.clone()))
    }
}

/// Has the forms of a push in memory, so that they need not be fetched while everybody else waits for the order.
pub(super) async fn warm(connection: &mut PgConnection, cases: &Cases, work: &Work) -> Result<(), ApiError> {
    let ids: Vec<String> = work
        .forms()
        .into_iter()
        .filter(|form| !cases.has(form))
        .map(ToOwned::to_owned)
        .collect();
    if !ids.is_empty() {
        loaded(connection, cases, &ids).await?.keep(cases);
    }
    Ok(())
}

/// Takes the pushes of several laptops in, one transaction for all; the answer to each. The forms that changed are put back
/// into `cases` by [`Changed::keep`] after the commit.
pub(super) async fn push(
    connection: &mut PgConnection,
    cases: &Cases,
    pushes: &[&Work],
) -> Result<(Vec<Result<PushAnswer, ApiError>>, Changed), ApiError> {
    let who: Vec<(Uuid, Uuid)> = pushes.iter().map(|work| (work.client, work.caller.user)).collect();
    let waited = sync::clients(connection, &who).await?;
    let mut answers = Vec::with_capacity(pushes.len());
    let mut batches = Vec::with_capacity(pushes.len());
    for (n, work) in pushes.iter().enumerate() {
        answers.push(match waited.get(&work.client) {
            Some((account, next)) if *account == work.caller.user => {
                let (answer, fresh) = before(connection, work, *next).await?;
                if answer.is_ok() && !fresh.is_empty() {
                    batches.push((n, fresh));
                }
                answer
            }
            _ => Err(ApiError::new(
                ErrorCode::Forbidden,
                "SYNC_CLIENT this laptop signed in with another account before",
            )),
        });
    }
    if batches.is_empty() {
        return Ok((answers, Changed::default()));
    }
    let fresh: Vec<Batch<'_>> = batches
        .iter()
        .map(|(n, events)| Batch {
            client: pushes[*n].client,
            caller: &pushes[*n].caller,
            events,
        })
        .collect();
    // From here on nobody else writes events.
    let last = sync::hold_order(connection).await?;
    let (taken, settled, changed) = fold(connection, cases, last, &fresh).await?;
    let next: Vec<(Uuid, i64)> = fresh
        .iter()
        .filter_map(|batch| Some((batch.client, batch.events.last()?.counter + 1)))
        .collect();
    write(connection, last, &next, &taken, &changed).await?;
    for (((n, _), settled), (_, next)) in batches.iter().zip(settled).zip(next) {
        if let Ok(answer) = &mut answers[*n] {
            answer.settled.extend(settled);
            answer.next = whole(next);
        }
    }
    Ok((answers, changed))
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

    /// One of them, to be changed; one without events when it is new.
    fn of(&mut self, form: &str) -> &mut Folded {
        self.0.entry(form.to_owned()).or_default()
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

/// Applies events, one after the other, to their forms; what is to be written, and what became of each writer's events.
pub(super) async fn fold<'a>(
    connection: &mut PgConnection,
    cases: &Cases,
    last: i64,
    batches: &[Batch<'a>],
) -> Result<(Taken<'a>, Vec<Vec<Settled>>, Changed), ApiError> {
    let good = || {
        let all = batches
            .iter()
            .flat_map(|batch| batch.events.iter().map(move |read| (batch, read)));
        all.filter_map(|(batch, read)| read.recorded.as_ref().ok().map(|recorded| (batch, read, recorded)))
    };
    let ids: Vec<Uuid> = good().map(|(_, _, r)| Uuid::from_u128(r.id.0)).collect();
    let names: BTreeSet<(&str, Uuid)> = good()
        .filter(|(_, _, r)| r.by != MACHINE)
        .map(|(batch, _, r)| (r.by.as_str(), batch.caller.user))
        .collect();
    let forms: BTreeSet<&str> = good().map(|(_, read, _)| read.event.form.as_str()).collect();
    let forms: Vec<String> = forms.into_iter().map(ToOwned::to_owned).collect();
    let mut places = sync::places(connection, &ids).await?;
    let authors = sync::authors(connection, &names).await?;
    let mut forms = loaded(connection, cases, &forms).await?;

    let mut taken = Taken::default();
    let mut settled = Vec::with_capacity(batches.len());
    let mut global = last;
    for Batch { client, caller, events } in batches {
        let mut outcomes = Vec::with_capacity(events.len());
        for read in *events {
            let judged = read.recorded.as_ref().map_err(Clone::clone).and_then(|recorded| {
                let id = Uuid::from_u128(recorded.id.0);
                if let Some(place) = places.get(&id) {
                    return Ok(*place);
                }
                allowed(recorded, caller, &authors)?;
                let folded = forms.of(&read.event.form);
                let refused =
                    |refusal: castor_domain::review::Refusal| (refusal.code().to_owned(), refusal.to_string());
                folded.case.apply(recorded).map_err(refused)?;
                global += 1;
                folded.version = global;
                places.insert(id, global);
                taken.accepted.push(Accepted {
                    client: *client,
                    global,
                    counter: read.counter,
                    id,
                    kind: kind(&recorded.event),
                    event: &read.event,
                });
                Ok(global)
            });
            let outcome = match judged {
                Ok(place) => Outcome::Accepted { global: whole(place) },
                Err((code, message)) => {
                    let refused = refused(*client, read, code, message);
                    let (code, message) = (refused.code.clone(), refused.message.clone());
                    taken.refused.push(refused);
                    Outcome::Refused { code, message }
                }
            };
            outcomes.push(Settled {
                counter: whole(read.counter),
                outcome,
            });
        }
        settled.push(outcomes);
    }
    Ok((taken, settled, forms))
}

/// A refused event as it can be kept.
fn refused(client: Uuid, read: &Read, code: String, mut message: String) -> RefusedEvent {
    let mut event = read.event.clone();
    for text in [
        &mut event.id,
        &mut event.form,
        &mut event.by,
        &mut event.body,
        &mut message,
    ] {
        kept(text);
    }
    RefusedEvent {
        client,
        counter: read.counter,
        event,
        code,
        message,
    }
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

/// Writes what pushes made, and the counters that are waited for from now on.
pub(super) async fn write(
    connection: &mut PgConnection,
    last: i64,
    next: &[(Uuid, i64)],
    taken: &Taken<'_>,
    changed: &Changed,
) -> Result<(), ApiError> {
    if !taken.refused.is_empty() {
        sync::refuse(connection, &taken.refused).await?;
    }
    if let Some(newest) = taken.accepted.last() {
        // While the database writes the events, which begins when it is first asked, the rows are made.
        let touched = changed.0.iter().filter(|(_, folded)| folded.version > last);
        let (inserted, rows) = futures_util::join!(sync::insert(connection, &taken.accepted), async {
            forms::rows(touched)
        });
        inserted?;
        forms::write(connection, &rows).await?;
        sync::set_last(connection, newest.global).await?;
    }
    Ok(sync::set_next(connection, next).await?)
}
