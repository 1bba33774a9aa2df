//! What a laptop's push says, before anybody waits for it.

use crate::error::{ApiError, ErrorCode};
use crate::guard::Caller;
use crate::role::Permission;
use castor_domain::review::{MACHINE, Recorded};
use castor_wire::sync::{MOST_EVENTS, Push, Pushed, SyncEvent};
use std::collections::BTreeSet;
use uuid::Uuid;

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
    pub(super) first: i64,
    pub(super) events: Vec<Read>,
    /// Forms that its good events are about.
    pub(super) forms: BTreeSet<String>,
}

/// Names beside the good events of accounts that correct, each with the account. Whoever corrects nothing takes no name from
/// those who do.
pub(super) fn names<'a>(events: impl IntoIterator<Item = (&'a Caller, &'a Recorded)>) -> BTreeSet<(&'a str, Uuid)> {
    events
        .into_iter()
        .filter(|(caller, recorded)| recorded.by != MACHINE && caller.role.may(Permission::CorrectE14))
        .map(|(caller, recorded)| (recorded.by.as_str(), caller.user))
        .collect()
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
        let mut forms = BTreeSet::new();
        for read in events.iter().filter(|read| read.recorded.is_ok()) {
            if !forms.contains(&read.event.form) {
                forms.insert(read.event.form.clone());
            }
        }
        Ok(Self {
            caller,
            client,
            first,
            events,
            forms,
        })
    }

    /// Names under which its events were written.
    pub(super) fn names(&self) -> BTreeSet<(&str, Uuid)> {
        let good = self.events.iter().filter_map(|read| read.recorded.as_ref().ok());
        names(good.map(|recorded| (&self.caller, recorded)))
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
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

/// Whether a text can stand beside an event as its author's name.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 254 && !text.contains('\0')
}

/// The event itself, or why it is none.
fn understood(event: &SyncEvent) -> Result<Recorded, (String, String)> {
    let is_hash = event.form.len() == 64 && event.form.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash {
        return Err((
            "SYNC_FORM".to_owned(),
            "a form is named by the SHA-256 of its file".to_owned(),
        ));
    }
    if !is_name(&event.by) {
        return Err((
            "SYNC_AUTHOR".to_owned(),
            "a name of 1 to 254 characters stands beside an event".to_owned(),
        ));
    }
    if holds_nul(&event.body) {
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
