//! Laptops that sync over a bad line end with the same forms as the server, whatever was cut, repeated or lost.
//! `CASTOR_SYNC_RUNS=10000 cargo test -p castor-sync` for a night; `CASTOR_SYNC_SEED=n` plays one run again.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model;

use castor_domain::review::{Event, EventId};
use castor_store::{LogQuery, NewEvent, Store};
use castor_sync::{Backoff, SyncError, round};
use castor_testkit::review::{begun, event, says};
use model::{Line, Model};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LAPTOPS: usize = 3;
const FORMS: usize = 3;
const STEPS: usize = 40;

fn form(n: usize) -> String {
    format!("{n:064x}")
}

/// A laptop with the person who works on it.
struct Laptop {
    folder: tempfile::TempDir,
    store: Option<Store>,
    person: String,
    next: u128,
}

impl Laptop {
    async fn new(n: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Some(Store::open(folder.path()).await.unwrap());
        let next = u128::try_from(n).unwrap() * 1_000_000 + 1;
        Self {
            folder,
            store,
            person: format!("p{n}"),
            next,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Ends as a power cut ends it, and starts again.
    async fn restart(&mut self) {
        drop(self.store.take());
        self.store = Some(Store::open(self.folder.path()).await.unwrap());
    }

    fn of_person(&mut self, mut event: NewEvent) -> NewEvent {
        event.id = EventId(self.next);
        event.by.clone_from(&self.person);
        self.next += 1;
        event
    }

    /// Something that a person does. What does not fit is refused at once and is no event.
    async fn works(&mut self, draw: &mut ChaCha8Rng) {
        let form = form(draw.random_range(0..FORMS));
        let known = self.store().case(&form).await.is_ok();
        let events: Vec<NewEvent> = if known {
            let digit = draw.random_range(0..10);
            let act = match draw.random_range(0..10) {
                0 => castor_domain::review::Act::Complete,
                1 => castor_domain::review::Act::Escalate("no se lee".to_owned()),
                2 => castor_domain::review::Act::Reopen("otra vez".to_owned()),
                3 => castor_domain::review::Act::Reject("otra elección".to_owned()),
                candidate => {
                    let said = says(0, 1 + candidate % 4, digit);
                    let said = self.of_person(said);
                    let _ = self.store().append(&form, &[said]).await;
                    return;
                }
            };
            let act = self.of_person(event(0, Event::Act(act)));
            let undo = draw.random_bool(0.3);
            let undone = self.of_person(event(0, Event::Undone(act.id)));
            if undo { vec![act, undone] } else { vec![act] }
        } else {
            begun(0).into_iter().map(|event| self.of_person(event)).collect()
        };
        let _ = self.store().append(&form, &events).await;
    }
}

async fn run(seed: u64) {
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let model = Arc::new(Mutex::new(Model::default()));
    let mut laptops = Vec::new();
    for n in 1..=LAPTOPS {
        laptops.push(Laptop::new(n).await);
    }
    for _ in 0..STEPS {
        let at = draw.random_range(0..LAPTOPS);
        let laptop = &mut laptops[at];
        match draw.random_range(0..10) {
            0..=5 => laptop.works(&mut draw).await,
            6 => laptop.restart().await,
            _ => {
                let line = Line::bad(Arc::clone(&model), draw.random());
                match round(laptop.store(), &line).await {
                    Ok(_) => {}
                    Err(error) => assert!(error.passes(), "seed {seed}: {error}"),
                }
            }
        }
    }
    // The line is good again: two rounds each are enough for everyone to have everything.
    for _ in 0..2 {
        for laptop in &laptops {
            let line = Line::good(Arc::clone(&model));
            round(laptop.store(), &line)
                .await
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
    for laptop in &laptops {
        judged(seed, laptop, &model).await;
    }
}

/// Nothing waits, nothing is lost, and every form is what the server has.
async fn judged(seed: u64, laptop: &Laptop, model: &Arc<Mutex<Model>>) {
    let store = laptop.store();
    assert_eq!(store.sync_count().await.unwrap().pending, 0, "seed {seed}: events wait");
    assert!(
        store.verify().await.unwrap().broken_at.is_none(),
        "seed {seed}: the chain is broken"
    );
    let log = store
        .log(&LogQuery {
            limit: 10_000,
            ..LogQuery::default()
        })
        .await
        .unwrap();
    let written = log.iter().filter(|row| row.by == laptop.person).count();
    let client = store.client().await.unwrap();
    let forms = {
        let model = model.lock().unwrap();
        assert_eq!(
            model.of(&client),
            written,
            "seed {seed}: an event of {} was lost",
            laptop.person
        );
        model.forms()
    };
    for (form, case) in forms {
        assert_eq!(
            store.case(&form).await.unwrap(),
            case,
            "seed {seed}: {form} differs at {}",
            laptop.person
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn laptops_and_server_end_alike_whatever_the_line_does() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("CASTOR_SYNC_SEED") {
        Some(seed) => run(seed).await,
        None => {
            for seed in 0..number("CASTOR_SYNC_RUNS").unwrap_or(40) {
                run(seed).await;
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_was_restored_gets_back_what_it_forgot() {
    let model = Arc::new(Mutex::new(Model::default()));
    let mut laptop = Laptop::new(1).await;
    let mut draw = ChaCha8Rng::seed_from_u64(7);
    laptop.works(&mut draw).await;
    round(laptop.store(), &Line::good(Arc::clone(&model))).await.unwrap();
    let backup = model.lock().unwrap().clone();
    for _ in 0..6 {
        laptop.works(&mut draw).await;
    }
    round(laptop.store(), &Line::good(Arc::clone(&model))).await.unwrap();
    *model.lock().unwrap() = backup;
    round(laptop.store(), &Line::good(Arc::clone(&model))).await.unwrap();
    judged(7, &laptop, &model).await;
}

#[tokio::test]
async fn a_server_of_another_version_is_told_apart_and_nothing_is_sent() {
    let model = Arc::new(Mutex::new(Model::of_version(9)));
    let mut laptop = Laptop::new(1).await;
    laptop.works(&mut ChaCha8Rng::seed_from_u64(1)).await;
    let error = round(laptop.store(), &Line::good(Arc::clone(&model)))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SyncError::Refused(message) if message.contains("SYNC_VERSION")),
        "{error}"
    );
    assert!(laptop.store().sync_count().await.unwrap().pending > 0);
}

#[test]
fn waits_double_up_to_a_limit_and_heed_the_server() {
    let mut backoff = Backoff::default();
    let waits: Vec<u64> = (0..12).map(|_| backoff.wait(1.0, None).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    backoff.reset();
    assert_eq!(backoff.wait(0.0, Some(90)), Duration::from_secs(90));
}
