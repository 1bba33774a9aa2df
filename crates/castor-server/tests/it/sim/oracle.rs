//! What must hold once everything has come to rest; docs/SYNC.md says it in words.

use super::laptop::Laptop;
use castor_domain::review::{Case, Moment, Recorded};
use castor_store::LogQuery;
use castor_wire::event;
use castor_wire::sync::SyncEvent;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use uuid::Uuid;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// An acknowledged event is on no disk, or not on the server.
    Lost,
    /// A laptop and the server have different states of a form.
    Diverged,
    /// Something waits that nobody will bring on.
    Stalled,
    /// An event counts twice, or the order has a gap.
    Twice,
    /// A refused event is not shown to its author with its reason.
    Hidden,
    /// A fault of server or laptop beside these.
    Fault,
}

/// A run that went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) wrong: Wrong,
    pub(crate) what: String,
}

impl Failure {
    pub(crate) fn new(wrong: Wrong, what: impl fmt::Display) -> Self {
        Self {
            wrong,
            what: what.to_string(),
        }
    }
}

fn sure(holds: bool, wrong: Wrong, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds {
        Ok(())
    } else {
        Err(Failure::new(wrong, what()))
    }
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) acknowledged: usize,
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
}

/// The server's own books.
struct Books {
    events: Vec<(i64, Uuid, i64, SyncEvent)>,
    refused: HashMap<(Uuid, i64), (String, String)>,
    rows: HashMap<String, (i64, String, i16, i32, i64)>,
    last: i64,
}

impl Books {
    async fn read(connection: &mut PgConnection) -> Self {
        let events =
            sqlx::query("SELECT global, client, counter, id, form, at, author, body FROM event ORDER BY global");
        let events = events.fetch_all(&mut *connection).await.unwrap();
        let refused = sqlx::query("SELECT client, counter, id, code FROM refused_event");
        let refused = refused.fetch_all(&mut *connection).await.unwrap();
        let rows = sqlx::query("SELECT id, version, state, priority, doubtful, due_at FROM form");
        let rows = rows.fetch_all(&mut *connection).await.unwrap();
        let last = sqlx::query_scalar("SELECT last FROM sync_order");
        Self {
            events: events
                .iter()
                .map(|row| {
                    let event = SyncEvent {
                        id: row.get::<Uuid, _>("id").to_string(),
                        form: row.get("form"),
                        at: row.get("at"),
                        by: row.get("author"),
                        body: row.get("body"),
                    };
                    (row.get("global"), row.get("client"), row.get("counter"), event)
                })
                .collect(),
            refused: refused
                .iter()
                .map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3))))
                .collect(),
            rows: rows
                .iter()
                .map(|row| {
                    let values = (row.get(1), row.get(2), row.get(3), row.get(4), row.get(5));
                    (row.get(0), values)
                })
                .collect(),
            last: last.fetch_one(connection).await.unwrap(),
        }
    }

    /// Each place once, none left out, and every event fits the form as the events before made it.
    fn forms(&self) -> Result<BTreeMap<String, Case>, Failure> {
        let mut forms: BTreeMap<String, Case> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for (due, (global, _, _, event)) in (1..).zip(&self.events) {
            sure(*global == due, Wrong::Twice, || {
                format!("place {due} is taken by {global}")
            })?;
            sure(ids.insert(event.id.clone()), Wrong::Twice, || {
                format!("event {} counts twice", event.id)
            })?;
            let recorded = event.recorded().map_err(|e| Failure::new(Wrong::Fault, e))?;
            let applied = forms.entry(event.form.clone()).or_default().apply(&recorded);
            applied.map_err(|e| Failure::new(Wrong::Diverged, format!("place {global} does not fit: {e}")))?;
        }
        let last = i64::try_from(self.events.len()).unwrap();
        sure(self.last == last, Wrong::Twice, || {
            format!("the order ends at {}, not {last}", self.last)
        })?;
        Ok(forms)
    }

    /// The queue's rows are what the events make of them.
    fn rows_follow(&self, forms: &BTreeMap<String, Case>) -> Result<(), Failure> {
        for (id, case) in forms {
            let summary = case.summary(&case.listed());
            let version = self.events.iter().rev().find(|(_, _, _, event)| event.form == *id);
            let due = (
                version.map_or(0, |(global, ..)| *global),
                summary.state.name().to_owned(),
                summary.priority.rank(),
                i32::try_from(summary.doubtful).unwrap(),
                summary.due.0,
            );
            let row = self.rows.get(id);
            sure(row == Some(&due), Wrong::Diverged, || {
                format!("the queue's row of {id} is {row:?}, its events make {due:?}")
            })?;
        }
        sure(self.rows.len() == forms.len(), Wrong::Diverged, || {
            "rows without events".to_owned()
        })
    }
}

/// Panics unless the log has no gap and the rows of the queue follow from it.
pub(crate) async fn books_are_right(connection: &mut PgConnection) {
    let books = Books::read(connection).await;
    let forms = books.forms().unwrap();
    books.rows_follow(&forms).unwrap();
}

/// Judges a run.
pub(crate) async fn judge(connection: &mut PgConnection, laptops: &[Laptop]) -> Result<Figures, Failure> {
    let books = Books::read(connection).await;
    let forms = books.forms()?;
    books.rows_follow(&forms)?;
    let mut figures = Figures::default();
    for laptop in laptops {
        let of_laptop = judged(laptop, &books).await?;
        figures.acknowledged += laptop.acknowledged.len();
        figures.accepted += of_laptop.accepted;
        figures.refused += of_laptop.refused;
        for (form, case) in &forms {
            let here = laptop.store().case(form).await;
            let here = here.map_err(|e| Failure::new(Wrong::Diverged, format!("{}: {e}", laptop.person.name)))?;
            sure(here == *case, Wrong::Diverged, || {
                format!(
                    "{form} at {} is\n{here:?}\nbut on the server\n{case:?}",
                    laptop.person.name
                )
            })?;
            row_follows(laptop, form, case).await?;
        }
    }
    Ok(figures)
}

/// The row that the desk shows is what the server's is.
async fn row_follows(laptop: &Laptop, form: &str, case: &Case) -> Result<(), Failure> {
    let summary = case.summary(&case.listed());
    let row = laptop
        .store()
        .form_row(form)
        .await
        .map_err(|e| Failure::new(Wrong::Diverged, e))?;
    let here = (row.state.as_str(), row.doubtful, row.due_at, row.codes.clone());
    let due = (
        summary.state.name(),
        i64::try_from(summary.doubtful).unwrap(),
        Moment(summary.due.0),
        summary.codes,
    );
    sure(here == due, Wrong::Diverged, || {
        format!("the row of {form} at {} is {here:?}, not {due:?}", laptop.person.name)
    })
}

/// Nothing of a laptop waits, nothing is lost, nothing was refused in silence.
async fn judged(laptop: &Laptop, books: &Books) -> Result<Figures, Failure> {
    let (store, name) = (laptop.store(), &laptop.person.name);
    let fault = |e: castor_store::StoreError| Failure::new(Wrong::Fault, format!("{name}: {e}"));
    let count = store.sync_count().await.map_err(fault)?;
    sure(count.pending == 0, Wrong::Stalled, || {
        format!("{} events wait at {name}", count.pending)
    })?;
    let upto = store.received_upto().await.map_err(fault)?;
    sure(i64::try_from(upto) == Ok(books.last), Wrong::Stalled, || {
        format!("{name} has the server's events up to {upto} of {}", books.last)
    })?;
    let chain = store.verify().await.map_err(fault)?;
    sure(chain.broken_at.is_none(), Wrong::Fault, || {
        format!("the chain of {name} is broken")
    })?;
    let all = LogQuery {
        limit: 100_000,
        ..LogQuery::default()
    };
    let log: HashMap<u128, Recorded> = store
        .log(&all)
        .await
        .map_err(fault)?
        .iter()
        .map(|row| (event::id(&row.id).unwrap().0, row.recorded().unwrap()))
        .collect();
    for (global, _, _, event) in &books.events {
        let there = event.recorded().map_err(|e| Failure::new(Wrong::Fault, e))?;
        let here = log.get(&there.id.0);
        sure(here == Some(&there), Wrong::Diverged, || {
            format!("the event at place {global} is another one at {name}")
        })?;
    }
    let client = Uuid::parse_str(&store.client().await.map_err(fault)?).unwrap();
    let accepted: HashMap<String, i64> = books
        .events
        .iter()
        .filter(|(_, of, _, _)| *of == client)
        .map(|(_, _, counter, event)| (event.id.clone(), *counter))
        .collect();
    let refused: HashMap<&str, i64> = books
        .refused
        .iter()
        .filter(|((of, _), _)| *of == client)
        .map(|((_, counter), (id, _))| (id.as_str(), *counter))
        .collect();
    for id in &laptop.acknowledged {
        let here = log.contains_key(&u128::from(*id));
        sure(here, Wrong::Lost, || {
            format!("event {id} that {name} saw acknowledged is not on the laptop")
        })?;
        let id = event::id_text(castor_domain::review::EventId(u128::from(*id)));
        let there = accepted.contains_key(&id) || refused.contains_key(id.as_str());
        sure(there, Wrong::Lost, || {
            format!("event {id} that {name} saw acknowledged is not on the server")
        })?;
    }
    let counters: BTreeSet<i64> = accepted.values().chain(refused.values()).copied().collect();
    let settled = accepted.len() + refused.len();
    let whole = counters.len() == settled && counters.last().copied().unwrap_or(0) == i64::try_from(settled).unwrap();
    sure(whole, Wrong::Twice, || {
        format!("the counters of {name} on the server: {counters:?}")
    })?;
    let shown = store.refused(u32::MAX).await.map_err(fault)?;
    sure(shown.len() == refused.len(), Wrong::Hidden, || {
        format!(
            "{} events of {name} are refused on the server, {} at the laptop",
            refused.len(),
            shown.len()
        )
    })?;
    let mut codes: Vec<&str> = shown.iter().map(|row| row.code.as_str()).collect();
    let of_client = books.refused.iter().filter(|((of, _), _)| *of == client);
    let mut due: Vec<&str> = of_client.map(|(_, (_, code))| code.as_str()).collect();
    codes.sort_unstable();
    due.sort_unstable();
    let told = codes == due && shown.iter().all(|row| !row.message.is_empty());
    sure(told, Wrong::Hidden, || {
        format!("reasons at {name}: {codes:?}, on the server: {due:?}")
    })?;
    Ok(Figures {
        acknowledged: 0,
        accepted: accepted.len(),
        refused: refused.len(),
    })
}
