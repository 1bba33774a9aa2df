//! Many writers at the same forms at the same moment: laptops at two servers, and corrections without a laptop.

use crate::sim::books_are_right;
use crate::world::{PASSWORD, Signed, World, connect};
use castor_domain::review::{Act, Event, EventId, MACHINE, Moment, Recorded};
use castor_server::role::Role;
use castor_testkit::review::{form, says};
use castor_wire::sync::SyncEvent;
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

/// A laptop of an account.
struct Laptop {
    who: Signed,
    client: Uuid,
    next: u64,
}

impl Laptop {
    async fn of(world: &World) -> Self {
        Self {
            who: world.user(Role::Validator).await,
            client: Uuid::now_v7(),
            next: 1,
        }
    }

    fn event(&self, form: &str, by: &str, event: Event) -> SyncEvent {
        let recorded = Recorded {
            id: EventId(Uuid::now_v7().as_u128()),
            at: Moment(1_000),
            by: by.to_owned(),
            event,
        };
        SyncEvent::of(form, &recorded).unwrap()
    }

    fn read(&self, form_id: &str) -> [SyncEvent; 2] {
        let (name, demo) = ("acta.pdf".to_owned(), false);
        let (reading, model) = (Box::new(form()), "m1".to_owned());
        [
            self.event(form_id, MACHINE, Event::Imported { name, demo }),
            self.event(form_id, MACHINE, Event::Read { reading, model }),
        ]
    }

    fn says(&self, form_id: &str, candidate: u16, digit: u8) -> SyncEvent {
        self.event(form_id, &self.who.id, says(0, candidate, digit).event)
    }

    /// Sends events; what became of each.
    async fn pushes(&mut self, world: &World, events: &[SyncEvent]) -> Vec<Value> {
        let numbered: Vec<Value> = (self.next..)
            .zip(events)
            .map(|(counter, event)| {
                let mut pushed = serde_json::to_value(event).unwrap();
                pushed["counter"] = json!(counter);
                pushed
            })
            .collect();
        let push = json!({ "protocol": 1, "client": self.client, "events": numbered });
        let answer = world.post("/api/sync/push", &self.who.access, push).await.data();
        self.next += events.len() as u64;
        assert_eq!(answer["next"], self.next);
        answer["settled"].as_array().unwrap().clone()
    }
}

fn places(settled: &[Value]) -> Vec<i64> {
    settled
        .iter()
        .map(|one| one["global"].as_i64().unwrap_or_else(|| panic!("{one}")))
        .collect()
}

#[tokio::test]
async fn events_of_a_copied_store_are_answered_with_their_places() {
    let world = World::new().await;
    let mut laptop = Laptop::of(&world).await;
    let (known, other) = ("a".repeat(64), "b".repeat(64));
    let mut events = laptop.read(&known).to_vec();
    events.push(laptop.says(&known, 1, 4));
    let first = places(&laptop.pushes(&world, &events).await);
    assert_eq!(first, [1, 2, 3]);
    // The copy has another identity and sends everything again, and something new.
    let mut copy = Laptop {
        who: world.login(&laptop.who.email, PASSWORD).await.signed(),
        client: Uuid::now_v7(),
        next: 1,
    };
    assert_eq!(places(&copy.pushes(&world, &events[..2]).await), [1, 2]);
    let more = copy.says(&known, 2, 5);
    assert_eq!(
        places(&copy.pushes(&world, &[events[2].clone(), more.clone()]).await),
        [3, 4]
    );
    // So does one beside it, whose events fit no form as it stands now.
    let mut third = Laptop {
        who: world.login(&laptop.who.email, PASSWORD).await.signed(),
        client: Uuid::now_v7(),
        next: 1,
    };
    let [imported, read] = third.read(&other);
    let mixed = [events.as_slice(), &[imported, more, read]].concat();
    assert_eq!(places(&third.pushes(&world, &mixed).await), [1, 2, 3, 5, 4, 6]);
    books_are_right(&mut connect(&world.database).await).await;
}

/// Works on forms that others work on too.
async fn works(mut laptop: Laptop, servers: [&World; 2], forms: &[String], seed: u64) -> (usize, usize) {
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..25 {
        let events: Vec<SyncEvent> = (0..draw.random_range(1..6))
            .map(|_| {
                let form = &forms[draw.random_range(0..forms.len())];
                match draw.random_range(0..80) {
                    0 => laptop.event(form, &laptop.who.id, Event::Act(Act::Complete)),
                    _ => laptop.says(form, draw.random_range(1..5), draw.random_range(0..10)),
                }
            })
            .collect();
        let server = servers[draw.random_range(0..2)];
        for one in laptop.pushes(server, &events).await {
            match one["outcome"].as_str() {
                Some("accepted") => accepted += 1,
                _ => refused += 1,
            }
        }
    }
    (accepted, refused)
}

/// Corrects the same forms without a laptop.
async fn submits(world: &World, who: &Signed, forms: &[String], seed: u64) -> usize {
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let mut taken = 0;
    for _ in 0..25 {
        let form = &forms[draw.random_range(0..forms.len())];
        let correction = json!({ "cell_id": format!("1/candidato.{}", draw.random_range(1..5)), "new_value": draw.random_range(0..10) });
        let body = json!({ "review_id": form, "corrections": [correction] });
        let answer = world.post("/api/review/submit", &who.access, body).await;
        match answer.status {
            200 => taken += 1,
            _ => assert!(
                ["CONFLICT", "REVIEW_REFUSED", "NOT_FOUND"].contains(&answer.code()),
                "{:?}",
                answer.body
            ),
        }
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn laptops_at_two_servers_and_people_without_one_write_one_log() {
    let one = World::new().await;
    let two = World::with(&[
        ("DATABASE_URL", &one.database),
        ("CASTOR_DATA", one.data.path().to_str().unwrap()),
    ])
    .await;
    let forms: Vec<String> = (0..6).map(|n| format!("{n:064x}")).collect();
    let mut laptops = Vec::new();
    for _ in 0..6 {
        laptops.push(Laptop::of(&one).await);
    }
    for form in &forms {
        let events = laptops[0].read(form);
        laptops[0].pushes(&one, &events).await;
    }
    let clerk = one.user(Role::Validator).await;
    let pushing = (0..)
        .zip(laptops)
        .map(|(seed, laptop)| works(laptop, [&one, &two], &forms, seed));
    let submitting = [(&one, 100), (&two, 101)].map(|(world, seed)| submits(world, &clerk, &forms, seed));
    let (pushed, submitted) = futures_util::join!(join_all(pushing), join_all(submitting));
    let (accepted, refused) = pushed.into_iter().fold((0, 0), |(a, r), (b, s)| (a + b, r + s));
    assert!(accepted > 100 && refused > 0, "{accepted} accepted, {refused} refused");
    assert!(submitted.iter().sum::<usize>() > 0, "no submission was taken");
    books_are_right(&mut connect(&one.database).await).await;
}
