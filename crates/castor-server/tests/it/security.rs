//! What a hostile laptop or stranger sends: told by a code, never a fault of the server, and in nobody's way.

use crate::world::{Signed, World, send};
use castor_server::role::Role;
use castor_wire::event::id_text;
use reqwest::Method;
use serde_json::{Value, json};

const FORM: &str = "00000000000000000000000000000000000000000000000000000000000000aa";

fn event(counter: u64, by: &str, body: &Value) -> Value {
    let id = id_text(castor_domain::review::EventId(uuid::Uuid::new_v4().as_u128()));
    json!({ "counter": counter, "id": id, "form": FORM, "at": 1, "by": by, "body": body.to_string() })
}

async fn pushed(world: &World, who: &Signed, client: uuid::Uuid, events: &[Value]) -> crate::world::Answer {
    let push = json!({ "protocol": 1, "client": client, "events": events });
    world.post("/api/sync/push", &who.access, push).await
}

#[tokio::test]
async fn texts_of_events_with_sql_in_them_are_texts() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let texts = [
        "'; DROP TABLE event; --",
        "\\'; SELECT pg_sleep(9); --",
        "$1",
        "{a,b}",
        "\"",
        "a\\",
        "NULL",
        "🗳",
    ];
    let client = uuid::Uuid::new_v4();
    let mut events = vec![event(
        1,
        "castor",
        &json!({ "kind": "imported", "name": texts[0], "demo": false }),
    )];
    for (text, counter) in texts.iter().zip(2..) {
        events.push(event(counter, text, &json!({ "kind": "rejected", "reason": text })));
    }
    let answer = pushed(&world, &who, client, &events).await.data();
    assert_eq!(answer["settled"][0]["outcome"], "accepted");
    // A form that was not read cannot be set aside: refused for that, not for its text.
    for settled in &answer["settled"].as_array().unwrap()[1..] {
        assert_eq!(settled["code"], "REV_STATE", "{settled}");
    }
    let pulled = world.get("/api/sync/pull?after=0", &who.access).await.data();
    assert!(pulled["events"][0]["body"].as_str().unwrap().contains("DROP TABLE"));
    for text in texts {
        let body = json!({ "client": client, "count": 1, "departamento": text });
        let answer = world.post("/api/sync/lease", &who.access, body).await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{text}");
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_kept_is_refused_alone_and_what_follows_goes_on() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let client = uuid::Uuid::new_v4();
    let name = |name: &str| json!({ "kind": "imported", "name": name, "demo": false });
    let mut odd = vec![
        event(1, "castor", &name("a\0b")),
        event(2, "an\0a", &name("a")),
        event(3, "castor", &json!({ "kind": "imported" })),
        event(4, "castor", &json!("\0")),
        event(5, "", &name("a")),
        event(6, &"a".repeat(300), &name("a")),
    ];
    for (counter, (field, text)) in (7..).zip([
        ("form", "\0"),
        ("form", "../../etc/passwd"),
        ("id", "\0"),
        ("body", "\0{"),
        ("body", "[["),
    ]) {
        let mut event = event(counter, "castor", &name("a"));
        event[field] = json!(text);
        odd.push(event);
    }
    let count = odd.len() as u64;
    let mut last = event(count + 1, "castor", &name("a \\u0000 b"));
    last["at"] = json!(i64::MAX);
    odd.push(last);
    let answer = pushed(&world, &who, client, &odd).await.data();
    assert_eq!(answer["next"], count + 2);
    let outcomes: Vec<&str> = answer["settled"]
        .as_array()
        .unwrap()
        .iter()
        .map(|settled| settled["outcome"].as_str().unwrap())
        .collect();
    let (accepted, refused) = outcomes.split_last().unwrap();
    assert_eq!(*accepted, "accepted", "{answer}");
    assert!(refused.iter().all(|outcome| *outcome == "refused"), "{answer}");
    // The same push again has the same answer.
    assert_eq!(
        pushed(&world, &who, client, &odd).await.data()["settled"],
        answer["settled"]
    );
}

#[tokio::test]
async fn a_push_that_breaks_the_protocol_changes_nothing() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let client = uuid::Uuid::new_v4();
    let body = json!({ "kind": "imported", "name": "a", "demo": false });
    let at = |counters: &[u64]| {
        counters
            .iter()
            .map(|counter| event(*counter, "castor", &body))
            .collect::<Vec<_>>()
    };
    let many: Vec<u64> = (1..=1_001).collect();
    for counters in [
        &[0][..],
        &[1, 3],
        &[2, 1],
        &[u64::MAX],
        &[u64::MAX, 0],
        &[1 << 63],
        &many,
    ] {
        let answer = pushed(&world, &who, client, &at(counters)).await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{counters:?}");
    }
    let gap = pushed(&world, &who, client, &at(&[7])).await.data();
    assert_eq!(gap, json!({ "next": 1, "settled": [] }));
    let other = world.user(Role::Validator).await;
    pushed(&world, &who, client, &at(&[1])).await.data();
    let stolen = pushed(&world, &other, client, &at(&[2])).await;
    assert_eq!(stolen.code(), "FORBIDDEN", "another account's laptop");
    let state = world
        .get(&format!("/api/sync/state?client={client}"), &who.access)
        .await
        .data();
    assert_eq!((state["next"].clone(), state["last"].clone()), (json!(2), json!(1)));
}

#[tokio::test]
async fn bodies_beyond_the_size_of_their_route_are_refused() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let large = json!({ "kind": "imported", "name": "a".repeat(17 << 20), "demo": false });
    let answer = pushed(&world, &who, uuid::Uuid::new_v4(), &[event(1, "castor", &large)]).await;
    assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE"));
    let blob = format!("/api/blobs/{FORM}?offset=0&total=9000000&kind=file");
    let request = world.request(Method::POST, &blob).bearer_auth(&who.access);
    let answer = send(
        request
            .header("content-type", "application/octet-stream")
            .body(vec![0; (4 << 20) + 1]),
    )
    .await;
    assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE"));
    let body = json!({ "client": uuid::Uuid::new_v4(), "count": 1, "departamento": "a".repeat(2 << 20) });
    let answer = world.post("/api/sync/lease", &who.access, body).await;
    assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE"));
}

#[tokio::test]
async fn a_path_leads_nowhere_but_to_its_route() {
    let world = World::new().await;
    let who = world.user(Role::Admin).await;
    for path in [
        "/api/blobs/..%2f..%2f..%2fetc%2fpasswd/state",
        "/api/blobs/%2fetc%2fpasswd",
        "/api/blobs/..%5c..%5cwindows",
        "/api/blobs/%00",
        "/api/blobs/....%2f%2f....%2f%2fetc",
        "/api/../../etc/passwd",
        "/api/docs/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
    ] {
        let answer = send(world.request(Method::GET, path).bearer_auth(&who.access)).await;
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.body.to_string().contains("root:"), "{path}");
    }
}

#[tokio::test]
async fn a_character_that_no_text_keeps_is_the_callers_fault_everywhere() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let client = uuid::Uuid::new_v4();
    let nul = "a\0b";
    let lead = json!({ "first_name": nul, "last_name": nul, "email": "a@example.org", "phone": "3001234567", "interest": "otro",
                       "location": nul });
    let account = json!({ "email": "b@example.org", "password": "un acta tiene tres casillas", "first_name": nul, "last_name": nul });
    for (path, body) in [
        (
            "/api/sync/lease",
            json!({ "client": client, "count": 1, "departamento": nul }),
        ),
        ("/api/sync/release", json!({ "client": client, "forms": [nul] })),
        ("/api/leads/demo-request", lead),
        ("/api/auth/register", account),
        ("/api/auth/login", json!({ "email": nul, "password": nul })),
    ] {
        let answer = world.post(path, &admin.access, body).await;
        assert!(answer.status < 500, "{path}: {answer:?}");
    }
}
