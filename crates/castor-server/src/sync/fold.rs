//! Applying events to their forms.

use super::cases::{Cases, Folded};
use super::tally::Tally;
use super::work::{Read, names};
use crate::error::ApiError;
use crate::guard::Caller;
use crate::repo::{form as rows, sync};
use crate::role::Permission;
use castor_domain::review::{Act, Case, Event, MACHINE, Recorded, Refusal};
use castor_wire::event::kind;
use castor_wire::sync::{Outcome, READ_BY_SERVER, Settled, SyncEvent};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Events of one writer that are to be folded.
pub(super) struct Batch<'a> {
    pub(super) client: Uuid,
    pub(super) caller: &'a Caller,
    pub(super) events: &'a [Read],
}

/// An event that counts.
pub(crate) struct Accepted<'a> {
    pub(crate) client: Uuid,
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

/// Where an accepted event stands.
#[derive(Clone, Copy)]
enum Place {
    /// It was in the log before, here.
    Known(i64),
    /// It is new, and this one of those.
    New(usize),
}

/// An event's counter, and where it stands or code and message of why it does not count.
type Judged = (i64, Result<Place, (String, String)>);

/// What the log held of events and forms when it was asked.
struct Found {
    ids: Vec<Uuid>,
    places: HashMap<Uuid, i64>,
    forms: Vec<String>,
    versions: HashMap<String, i64>,
}

/// What is written when its moment comes.
pub(super) type Statement = Query<'static, Postgres, PgArguments>;

/// What events make of their forms, wherever in the order they will stand.
pub(super) struct Fold<'a> {
    accepted: Vec<Accepted<'a>>,
    /// What writes the new events, where there are any.
    pub(super) events: Option<Statement>,
    pub(super) refused: Vec<RefusedEvent>,
    /// Of each batch, what became of each event.
    judged: Vec<Vec<Judged>>,
    forms: Changed,
    found: Found,
}

impl Fold<'_> {
    /// Code and message of the first event that does not fit.
    pub(super) fn first_refusal(&self) -> Option<(String, String)> {
        self.refused
            .first()
            .map(|refused| (refused.code.clone(), refused.message.clone()))
    }

    /// What it takes in, for the figures.
    pub(super) fn tally(&self) -> Tally {
        let knew = |form: &str| self.found.versions.contains_key(form);
        Tally::of(&self.accepted, self.refused.len(), knew)
    }

    /// The place of a form's last event before these.
    pub(super) fn version(&self, form: &str) -> Option<i64> {
        self.found.versions.get(form).copied()
    }

    /// Whether nobody has written these events or others of the same forms since. The log is asked: the rows of the forms may be
    /// written anew by now.
    pub(super) async fn holds(&self, connection: &mut PgConnection) -> Result<bool, ApiError> {
        let Found {
            ids,
            places,
            forms,
            versions,
        } = &self.found;
        Ok(sync::newest(connection, forms).await? == *versions && sync::places(connection, ids).await? == *places)
    }

    /// What writes the rows of the forms, where there are any, when the new events come behind the last place. They are in the
    /// order of their ids, in which all writers take them. Forms without a new event are among them: whoever has written the
    /// rows is the only one who can, until the transaction ends.
    pub(super) fn rows(&self, last: i64) -> Option<Statement> {
        let news = self.accepted.iter().map(|accepted| accepted.event.form.as_str());
        let places: HashMap<&str, i64> = news.zip(last + 1..).collect();
        let mut forms: Vec<_> = self
            .forms
            .0
            .iter()
            .map(|(id, folded)| {
                let place = places.get(id.as_str()).copied().unwrap_or(folded.version);
                (id.as_str(), place, &folded.case)
            })
            .filter(|(_, place, _)| *place > 0)
            .collect();
        forms.sort_unstable_by_key(|(id, ..)| *id);
        (!forms.is_empty()).then(|| rows::write(forms.into_iter()))
    }

    /// Forms that have events, in the log or among the new ones: those that [`Self::rows`] writes.
    fn existing(&self) -> HashSet<&str> {
        let news = self.accepted.iter().map(|accepted| accepted.event.form.as_str());
        let known = self.forms.0.iter().filter(|(_, folded)| folded.version > 0);
        news.chain(known.map(|(id, _)| id.as_str())).collect()
    }

    /// Whether each form of which this one writes a row has events in another fold too.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.existing().is_subset(&other.existing())
    }

    /// Gives the new events the places after the last one; what each batch is told.
    pub(super) fn placed(&mut self, last: i64) -> Vec<Vec<Settled>> {
        for (accepted, place) in self.accepted.iter().zip(last + 1..) {
            if let Some(folded) = self.forms.0.get_mut(&accepted.event.form) {
                folded.version = place;
            }
        }
        let settled = |(counter, judged): Judged| Settled {
            counter: whole(counter),
            outcome: match judged {
                Ok(Place::Known(place)) => Outcome::Accepted { global: whole(place) },
                Ok(Place::New(n)) => Outcome::Accepted {
                    global: whole(last + 1) + n as u64,
                },
                Err((code, message)) => Outcome::Refused { code, message },
            },
        };
        let judged = std::mem::take(&mut self.judged).into_iter();
        judged.map(|batch| batch.into_iter().map(settled).collect()).collect()
    }

    /// The last place once they are written.
    pub(super) fn newest(&self, last: i64) -> i64 {
        (last..).nth(self.accepted.len()).unwrap_or(last)
    }

    /// The forms, to be kept after the commit.
    pub(super) fn forms(self) -> Changed {
        self.forms
    }
}

/// Places and counters are never negative.
pub(super) fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
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

fn good<'a>(batches: &'a [Batch<'a>]) -> impl Iterator<Item = (&'a Batch<'a>, &'a Read, &'a Recorded)> {
    let all = batches
        .iter()
        .flat_map(|batch| batch.events.iter().map(move |read| (batch, read)));
    all.filter_map(|(batch, read)| read.recorded.as_ref().ok().map(|recorded| (batch, read, recorded)))
}

/// To which accounts the names beside events belong, after names that nobody had were given to who writes under them. To be
/// asked before the order is held: names are waited for.
pub(super) async fn authors(
    connection: &mut PgConnection,
    batches: &[Batch<'_>],
) -> Result<HashMap<String, Uuid>, ApiError> {
    let names = names(good(batches).map(|(batch, _, recorded)| (batch.caller, recorded)));
    Ok(sync::authors(connection, &names).await?)
}

/// How the log is asked before events are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// For what forms' rows say. It is taken for granted that no event is in the log already: the database refuses to write it
    /// again. Only a store that was copied makes any, and to ask is a good part of the work.
    Quick,
    /// For every event, which is answered with its place, and for the last one of each form, whatever the forms' rows say.
    Careful,
}

/// Applies events, one after the other, to their forms.
pub(super) async fn fold<'a>(
    connection: &mut PgConnection,
    cases: &Cases,
    authors: &HashMap<String, Uuid>,
    batches: &[Batch<'a>],
    look: Look,
) -> Result<Fold<'a>, ApiError> {
    let ids: Vec<Uuid> = good(batches).map(|(_, _, r)| Uuid::from_u128(r.id.0)).collect();
    let forms: BTreeSet<&str> = good(batches).map(|(_, read, _)| read.event.form.as_str()).collect();
    let forms: Vec<String> = forms.into_iter().map(ToOwned::to_owned).collect();
    let (places, versions) = match look {
        Look::Quick => (HashMap::new(), sync::versions(connection, &forms).await?),
        Look::Careful => (
            sync::places(connection, &ids).await?,
            sync::newest(connection, &forms).await?,
        ),
    };
    let found = Found {
        places,
        versions,
        ids,
        forms,
    };
    let mut forms = standing(connection, cases, &found.versions).await?;
    for form in &found.forms {
        if !found.versions.contains_key(form) {
            forms.0.insert(form.clone(), Folded::default());
        }
    }
    let mut places: HashMap<Uuid, Place> = found.places.iter().map(|(id, at)| (*id, Place::Known(*at))).collect();

    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    let mut judged = Vec::with_capacity(batches.len());
    for Batch { client, caller, events } in batches {
        let mut outcomes = Vec::with_capacity(events.len());
        for read in *events {
            let taken = read.recorded.as_ref().map_err(Clone::clone).and_then(|recorded| {
                let id = Uuid::from_u128(recorded.id.0);
                if let Some(place) = places.get(&id) {
                    return Ok(*place);
                }
                allowed(recorded, caller, authors)?;
                let refusal = |refusal: Refusal| (refusal.code().to_owned(), refusal.to_string());
                let folded = forms
                    .0
                    .get_mut(&read.event.form)
                    .ok_or_else(|| ("SYNC_FORM".to_owned(), "the form is not at hand".to_owned()))?;
                folded.case.admits(&recorded.event).map_err(refusal)?;
                folded.case.apply(recorded).map_err(refusal)?;
                let place = Place::New(accepted.len());
                places.insert(id, place);
                accepted.push(Accepted {
                    client: *client,
                    counter: read.counter,
                    id,
                    kind: kind(&recorded.event),
                    event: &read.event,
                });
                Ok(place)
            });
            let judged = taken.map_err(|(code, message)| {
                let not = as_kept(*client, read, code, message);
                let said = (not.code.clone(), not.message.clone());
                refused.push(not);
                said
            });
            outcomes.push((read.counter, judged));
        }
        judged.push(outcomes);
    }
    Ok(Fold {
        events: (!accepted.is_empty()).then(|| sync::insert(&accepted)),
        accepted,
        refused,
        judged,
        forms,
        found,
    })
}

/// A refused event as it can be kept.
fn as_kept(client: Uuid, read: &Read, code: String, mut message: String) -> RefusedEvent {
    let mut event = read.event.clone();
    for text in [
        &mut event.id,
        &mut event.form,
        &mut event.by,
        &mut event.body,
        &mut message,
    ] {
        if text.contains('\0') {
            *text = text.replace('\0', "\u{fffd}");
        }
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
        Event::Imported { demo, .. } => {
            if *demo {
                let message = "generated forms stay on the laptop that made them";
                return Err(("SYNC_DEMO".to_owned(), message.to_owned()));
            }
            false
        }
        Event::Unreadable { .. } | Event::Read { .. } | Event::Act(Act::AskSecond) => {
            if !caller.role.may(Permission::ProcessE14) {
                let message = "your role does not read forms: the server reads this one from its file";
                return Err((READ_BY_SERVER.to_owned(), message.to_owned()));
            }
            false
        }
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
    standing(connection, cases, &versions).await
}

/// Forms as of their last events, whose places are given.
async fn standing(
    connection: &mut PgConnection,
    cases: &Cases,
    versions: &HashMap<String, i64>,
) -> Result<Changed, ApiError> {
    let mut forms = HashMap::with_capacity(versions.len());
    let mut missing = Vec::new();
    for (id, version) in versions {
        let folded = cases.take(id, *version).unwrap_or_else(|| {
            missing.push(id.clone());
            Folded {
                version: *version,
                case: Case::default(),
            }
        });
        forms.insert(id.clone(), folded);
    }
    if !missing.is_empty() {
        for event in sync::of_forms(connection, &missing).await? {
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
