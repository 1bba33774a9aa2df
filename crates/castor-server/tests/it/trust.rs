//! Whose word counts: what a laptop may say depends on its account, and what people have looked at stands.

use crate::world::{Answer, Signed, World};
use castor_domain::checks::FieldRef;
use castor_domain::form::FieldPath;
use castor_domain::review::{Act, Event, MACHINE, Round};
use castor_domain::symbol::Symbol;
use castor_server::role::Role;
use castor_testkit::review::{event, form};
use castor_wire::sync::SyncEvent;
use serde_json::{Value, json};
use uuid::Uuid;

/// A laptop of an account.
struct Laptop<'a> {
    world: &'a World,
    who: &'a Signed,
    client: Uuid,
    sent: u64,
}

impl<'a> Laptop<'a> {
    fn new(world: &'a World, who: &'a Signed) -> Self {
        Self {
            world,
            who,
            client: Uuid::new_v4(),
            sent: 0,
        }
    }

    /// Says something of a form; the code of its refusal, or "accepted".
    async fn says(&mut self, id: &str, by: &str, what: Event) -> String {
        self.sent += 1;
        let mut recorded = event(Uuid::now_v7().as_u128(), what);
        by.clone_into(&mut recorded.by);
        let mut pushed = serde_json::to_value(SyncEvent::of(id, &recorded).unwrap()).unwrap();
        pushed["counter"] = json!(self.sent);
        let push = json!({ "protocol": 1, "client": self.client, "events": [pushed] });
        let answer: Answer = self.world.post("/api/sync/push", &self.who.access, push).await;
        let settled = answer.data()["settled"][0].clone();
        let outcome = if settled["outcome"] == "refused" {
            &settled["code"]
        } else {
            &settled["outcome"]
        };
        outcome.as_str().unwrap().to_owned()
    }
}

fn imported(name: &str, demo: bool) -> Event {
    let name = name.to_owned();
    Event::Imported { name, demo }
}

fn read(change: impl FnOnce(&mut castor_domain::reading::FormReading)) -> Event {
    let mut reading = form();
    change(&mut reading);
    Event::Read {
        reading: Box::new(reading),
        model: "m2".to_owned(),
    }
}

fn cell(digit: u8) -> Event {
    Event::Act(Act::Cell {
        field: FieldRef {
            page: 1,
            path: FieldPath::Candidato(1),
        },
        marks: [Symbol::Blank, Symbol::Blank, Symbol::Digit(digit)],
        round: Round::First,
    })
}

async fn shown(world: &World, who: &Signed) -> Value {
    world.get("/api/review/pending", &who.access).await.data()[0].clone()
}

#[tokio::test]
async fn who_only_uploads_says_nothing_of_what_a_form_says() {
    let world = World::new().await;
    let (watches, validates) = (world.user(Role::Observer).await, world.user(Role::Validator).await);
    let id = "a".repeat(64);
    let mut observer = Laptop::new(&world, &watches);
    assert_eq!(
        observer.says(&id, MACHINE, imported("acta.pdf", true)).await,
        "SYNC_DEMO"
    );
    assert_eq!(
        observer.says(&id, MACHINE, imported("acta.pdf", false)).await,
        "accepted"
    );
    assert_eq!(observer.says(&id, MACHINE, read(|_| ())).await, "SYNC_READER");
    let unreadable = Event::Unreadable {
        code: "PDF_001".to_owned(),
        message: "no".to_owned(),
    };
    assert_eq!(observer.says(&id, MACHINE, unreadable).await, "SYNC_READER");
    assert_eq!(
        observer.says(&id, MACHINE, Event::Act(Act::AskSecond)).await,
        "SYNC_READER"
    );
    // Nor does it take a name from somebody who corrects.
    assert_eq!(observer.says(&id, "ana", cell(7)).await, "SYNC_ROLE");
    let mut validator = Laptop::new(&world, &validates);
    assert_eq!(validator.says(&id, MACHINE, read(|_| ())).await, "accepted");
    assert_eq!(validator.says(&id, "ana", cell(7)).await, "accepted");
    // A form that is known stays what it is.
    assert_eq!(
        observer.says(&id, MACHINE, imported("otra.pdf", false)).await,
        "accepted"
    );
    assert_eq!(shown(&world, &validates).await["name"], "acta.pdf");
    let upper = "A".repeat(64);
    assert_eq!(
        observer.says(&upper, MACHINE, imported("acta.pdf", false)).await,
        "SYNC_FORM"
    );
}

#[tokio::test]
async fn a_name_is_one_accounts_and_who_comes_later_takes_another() {
    let world = World::new().await;
    let (ana, luz) = (world.user(Role::Validator).await, world.user(Role::Validator).await);
    let ask = async |who: &Signed, names: &[&str]| {
        world
            .post("/api/sync/name", &who.access, json!({ "names": names }))
            .await
    };
    let name = async |who: &Signed, names: &[&str]| ask(who, names).await.data()["name"].clone();
    assert_eq!(name(&ana, &["Ana Paz"]).await, "Ana Paz");
    assert_eq!(name(&ana, &["Ana Paz"]).await, "Ana Paz", "asked again");
    assert_eq!(name(&luz, &["Ana Paz"]).await, Value::Null);
    assert_eq!(name(&luz, &["Ana Paz", "Ana Paz (luz)"]).await, "Ana Paz (luz)");
    let id = "c".repeat(64);
    let mut laptop = Laptop::new(&world, &luz);
    laptop.says(&id, MACHINE, imported("acta.pdf", false)).await;
    laptop.says(&id, MACHINE, read(|_| ())).await;
    assert_eq!(laptop.says(&id, "Ana Paz", cell(7)).await, "SYNC_AUTHOR");
    assert_eq!(laptop.says(&id, "Ana Paz (luz)", cell(7)).await, "accepted");
    for names in [&[][..], &[""], &[MACHINE], &["a\0"], &["x"; 9]] {
        assert_eq!(ask(&luz, names).await.code(), "INVALID_REQUEST", "{names:?}");
    }
    let watches = world.user(Role::Observer).await;
    assert_eq!(ask(&watches, &["Eva"]).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn a_later_reading_with_other_numbers_does_not_come_beside_a_persons_word() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let id = "b".repeat(64);
    let mut first = Laptop::new(&world, &who);
    let other = |reading: &mut castor_domain::reading::FormReading| {
        let sure = reading.fields.iter_mut().find(|field| !field.needs_review).unwrap();
        sure.marks = [Symbol::Digit(9); 3];
        sure.value = Some(999);
    };
    first.says(&id, MACHINE, imported("acta.pdf", false)).await;
    assert_eq!(first.says(&id, MACHINE, read(other)).await, "accepted");
    // Nobody has looked yet: the later reading counts.
    let mut second = Laptop::new(&world, &who);
    assert_eq!(second.says(&id, MACHINE, read(|_| ())).await, "accepted");
    assert_eq!(second.says(&id, "ana", cell(7)).await, "accepted");
    let stands = shown(&world, &who).await;
    assert_eq!(first.says(&id, MACHINE, read(other)).await, "REV_WORKED_ON");
    let moved = |reading: &mut castor_domain::reading::FormReading| reading.header = Default::default();
    assert_eq!(first.says(&id, MACHINE, read(moved)).await, "REV_WORKED_ON");
    assert_eq!(shown(&world, &who).await, stands);
    assert_eq!(
        first.says(&id, MACHINE, read(|_| ())).await,
        "accepted",
        "the same once more"
    );
}

#[tokio::test]
async fn a_page_of_large_events_ends_early_and_travels_packed() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let mut laptop = Laptop::new(&world, &who);
    for n in 0..4 {
        let reading = Box::new(form());
        let model = format!("{n}").repeat(5 << 20);
        let id = format!("{n}").repeat(64);
        assert_eq!(
            laptop.says(&id, MACHINE, Event::Read { reading, model }).await,
            "accepted"
        );
    }
    let (mut after, mut sizes) = (0, Vec::new());
    loop {
        let page = world
            .get(&format!("/api/sync/pull?after={after}"), &who.access)
            .await
            .data();
        let events = page["events"].as_array().unwrap();
        let places: Vec<u64> = events.iter().map(|event| event["global"].as_u64().unwrap()).collect();
        assert_eq!(places, (after + 1..=page["upto"].as_u64().unwrap()).collect::<Vec<_>>());
        sizes.push(events.len());
        after = page["upto"].as_u64().unwrap();
        // Kept or not, packed or not: the same.
        let path = format!("/api/sync/pull?after={}", after - events.len() as u64);
        for coding in ["gzip", "br, gzip;q=0.5", "gzip;q=0", "identity"] {
            let asked = world.request(reqwest::Method::GET, &path).bearer_auth(&who.access);
            let answer = asked.header("accept-encoding", coding).send().await.unwrap();
            let packed = answer
                .headers()
                .get("content-encoding")
                .is_some_and(|coding| coding == "gzip");
            assert_eq!(packed, coding == "gzip" || coding.starts_with("br"), "{coding}");
            let bytes = answer.bytes().await.unwrap();
            let said: Value = if packed {
                assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
                serde_json::from_reader(flate2::read::GzDecoder::new(&*bytes)).unwrap()
            } else {
                serde_json::from_slice(&bytes).unwrap()
            };
            assert_eq!(said["data"], page, "{coding}");
        }
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(sizes, [2, 2]);
}
