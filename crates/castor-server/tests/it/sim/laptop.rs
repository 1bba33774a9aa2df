//! A laptop with the person who works on it.

use super::line::UnderWay;
use castor_domain::checks::FieldRef;
use castor_domain::form::FieldPath;
use castor_domain::review::{Act, Event, EventId, MACHINE, Moment, Round, State};
use castor_domain::symbol::Symbol;
use castor_store::{NewEvent, Store, StoreError};
use castor_testkit::review::form as reading;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

/// A name that more than one laptop uses, against the rule: it belongs to the first account that wrote under it.
const BORROWED: &str = "prestado";

/// A person at a laptop, with a clock that goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    /// The number of the next event.
    pub(crate) next: u64,
    /// Milliseconds that the laptop's clock is wrong by.
    pub(crate) skew: i64,
    /// Own acts, for taking back.
    acts: Vec<(String, u64)>,
    /// Names of the forms of this run.
    pub(crate) forms: Vec<String>,
}

impl Person {
    pub(crate) fn new(n: usize, skew: i64, forms: Vec<String>) -> Self {
        Self {
            name: format!("p{n}"),
            next: n as u64 * 1_000_000_000 + 1,
            skew,
            acts: Vec::new(),
            forms,
        }
    }

    fn event(&mut self, draw: &mut ChaCha8Rng, by: &str, event: Event) -> NewEvent {
        let id = self.next;
        self.next += 1;
        // The clock is wrong and jumps.
        let at = 1_767_000_000_000 + self.skew + draw.random_range(-90_000..90_000);
        NewEvent {
            id: EventId(u128::from(id)),
            at: Moment(at),
            by: by.to_owned(),
            event,
        }
    }

    /// Something that a person does; the numbers of the events that the store acknowledged. What does not fit is refused
    /// at once and is no event.
    pub(crate) async fn works(&mut self, store: &Store, draw: &mut ChaCha8Rng) -> Result<Vec<u64>, String> {
        let form = self.forms[draw.random_range(0..self.forms.len())].clone();
        let (form, events) = self.thinks(store, draw, form).await;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        match store.append(&form, &events).await {
            Ok(_) => {
                let ids: Vec<u64> = events.iter().filter_map(|e| u64::try_from(e.id.0).ok()).collect();
                for (event, id) in events.iter().zip(&ids) {
                    if matches!(event.event, Event::Act(_) | Event::Probe { .. }) && event.by == self.name {
                        self.acts.push((form.clone(), *id));
                    }
                }
                Ok(ids)
            }
            Err(error) if error.code().starts_with("REV_") => Ok(Vec::new()),
            Err(error) => Err(format!("{} {error}", error.code())),
        }
    }

    async fn thinks(&mut self, store: &Store, draw: &mut ChaCha8Rng, form: String) -> (String, Vec<NewEvent>) {
        let Ok(case) = store.case(&form).await else {
            return (form, self.imports(draw));
        };
        let name = if draw.random_bool(0.02) {
            BORROWED.to_owned()
        } else {
            self.name.clone()
        };
        let event = match draw.random_range(0..24) {
            0 | 1 => Event::Act(Act::Complete),
            2 => Event::Act(Act::Escalate("no se lee".to_owned())),
            3 => Event::Act(Act::Return("se lee".to_owned())),
            4 => Event::Act(Act::Reopen("otra vez".to_owned())),
            5 => Event::Act(Act::Reject("otra elección".to_owned())),
            6 => Event::Act(Act::AskSecond),
            7 => return (form, self.imports(draw)),
            8..=10 => return self.takes_back(draw, form),
            11 => Event::Probe {
                field: cell(draw),
                marks: marks(draw),
            },
            12 => Event::Unreadable {
                code: "INP_006".to_owned(),
                message: "cifrado".to_owned(),
            },
            _ => Event::Act(Act::Cell {
                field: cell(draw),
                marks: marks(draw),
                round: case.state().round().unwrap_or(Round::First),
            }),
        };
        // The end of a review brings an act of the machine with it, as at the desk.
        let ends = event == Event::Act(Act::Complete);
        let mut events = vec![self.event(draw, &name, event)];
        if ends && case.state() != State::Completed && draw.random_bool(0.5) {
            events.push(self.event(draw, MACHINE, Event::Act(Act::AskSecond)));
        }
        (form, events)
    }

    /// The form is taken in and read: by each laptop that has the file, by models of different age.
    fn imports(&mut self, draw: &mut ChaCha8Rng) -> Vec<NewEvent> {
        let name = format!("acta {}.pdf", self.name);
        let imported = Event::Imported { name, demo: false };
        let read = Event::Read {
            reading: Box::new(reading()),
            model: format!("m{}", draw.random_range(0..3)),
        };
        vec![self.event(draw, MACHINE, imported), self.event(draw, MACHINE, read)]
    }

    fn takes_back(&mut self, draw: &mut ChaCha8Rng, form: String) -> (String, Vec<NewEvent>) {
        let recent = self.acts.len().min(6);
        if recent == 0 {
            return (form, Vec::new());
        }
        let (form, id) = self.acts[self.acts.len() - 1 - draw.random_range(0..recent)].clone();
        let (id, name) = (EventId(u128::from(id)), self.name.clone());
        let event = if draw.random_bool(0.6) {
            Event::Undone(id)
        } else {
            Event::Redone(id)
        };
        (form, vec![self.event(draw, &name, event)])
    }
}

fn cell(draw: &mut ChaCha8Rng) -> FieldRef {
    FieldRef {
        page: 1,
        path: FieldPath::Candidato(draw.random_range(1..=4)),
    }
}

fn marks(draw: &mut ChaCha8Rng) -> [Symbol; 3] {
    [Symbol::Blank, Symbol::Blank, Symbol::Digit(draw.random_range(0..10))]
}

/// The laptop.
pub(crate) struct Laptop {
    pub(crate) folder: TempDir,
    store: Option<Store>,
    pub(crate) person: Person,
    /// Which account it is signed in with.
    pub(crate) account: usize,
    /// Numbers of the events that the store acknowledged.
    pub(crate) acknowledged: Vec<u64>,
    pub(crate) under_way: Mutex<UnderWay>,
}

impl Laptop {
    /// With a store that is new: a copy of an empty one, which is quicker than making it.
    pub(crate) async fn new(account: usize, person: Person, empty: &Path) -> Self {
        let folder = tempfile::tempdir_in(memory()).unwrap();
        std::fs::copy(empty.join("castor.db"), folder.path().join("castor.db")).unwrap();
        let mut laptop = Self {
            folder,
            store: None,
            person,
            account,
            acknowledged: Vec::new(),
            under_way: Mutex::default(),
        };
        laptop.start().await;
        laptop
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    pub(crate) async fn works(&mut self, draw: &mut ChaCha8Rng) {
        let store = self.store.take().unwrap();
        let done = self.person.works(&store, draw).await;
        self.store = Some(store);
        self.acknowledged.extend(done.unwrap());
    }

    /// Ends as a power cut ends it.
    pub(crate) fn stop(&mut self) {
        drop(self.store.take());
    }

    pub(crate) async fn start(&mut self) {
        // A process that another run starts at this moment holds what this one has open until it becomes another program.
        for _ in 0..6_000 {
            match Store::open(self.folder.path()).await {
                Err(StoreError::Busy(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
                opened => {
                    self.store = Some(opened.unwrap());
                    return;
                }
            }
        }
        panic!("the store is never free");
    }
}

/// A folder in memory where there is one: the disk is not what is tried here.
pub(crate) fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new("/tmp") }
}
