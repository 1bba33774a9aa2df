//! Review without a desk.

use crate::paper::page;
use crate::world::{Signed, World, connect, waiting};
use castor_domain::review::{Event, MACHINE, Moment};
use castor_server::role::Role;
use castor_testkit::review::{event, form};
use castor_wire::sync::SyncEvent;
use serde_json::{Value, json};
use uuid::Uuid;

/// A form with doubtful cells, pushed as a desk pushes it.
pub(crate) async fn pushed(world: &World, by: &Signed, id: &str) {
    let read = Event::Read {
        reading: Box::new(form()),
        model: "m1".to_owned(),
    };
    let imported = Event::Imported {
        name: "acta.pdf".to_owned(),
        demo: false,
    };
    let events = [imported, read].into_iter().zip(1_u64..).map(|(what, counter)| {
        let mut recorded = event(Uuid::now_v7().as_u128(), what);
        MACHINE.clone_into(&mut recorded.by);
        recorded.at = Moment(1_000);
        let mut pushed = serde_json::to_value(SyncEvent::of(id, &recorded).unwrap()).unwrap();
        pushed["counter"] = json!(counter);
        pushed
    });
    let push = json!({ "protocol": 1, "client": Uuid::now_v7(), "events": events.collect::<Vec<_>>() });
    let answer = world.post("/api/sync/push", &by.access, push).await.data();
    let settled = answer["settled"].as_array().unwrap();
    assert!(settled.iter().all(|one| one["outcome"] == "accepted"), "{answer}");
}

async fn world_with_a_form() -> (World, Signed, String) {
    let world = World::new().await;
    let validator = world.user(Role::Validator).await;
    let id = "a".repeat(64);
    pushed(&world, &validator, &id).await;
    (world, validator, id)
}

async fn submit(world: &World, by: &Signed, body: Value) -> crate::world::Answer {
    world.post("/api/review/submit", &by.access, body).await
}

#[tokio::test]
async fn corrections_become_events_of_the_log_and_the_checks_run_again() {
    let (world, validator, id) = world_with_a_form().await;
    let pending = world.get("/api/review/pending", &validator.access).await.data();
    let item = &pending[0];
    assert_eq!((&item["review_id"], &item["status"]), (&json!(id), &json!("PENDING")));
    let cells = item["cells"].as_array().unwrap();
    assert!(!cells.is_empty(), "{item}");
    let corrections: Vec<Value> = cells
        .iter()
        .map(|cell| json!({ "cell_id": cell["cell_id"], "new_value": 7 }))
        .collect();
    let body = json!({ "review_id": id, "version": item["version"], "corrections": corrections, "action": "complete" });
    let done = submit(&world, &validator, body.clone()).await.data();
    assert_eq!((&done["status"], &done["cells"]), (&json!("COMPLETED"), &json!([])));
    assert!(done["version"].as_i64() > item["version"].as_i64());
    assert!(done["findings"].as_array().unwrap().len() > 3, "the checks ran");
    // Desks hear of it in order, under the account.
    let pulled = world.get("/api/sync/pull?after=2", &validator.access).await.data();
    let events = pulled["events"].as_array().unwrap();
    assert_eq!(events.len(), corrections.len() + 1);
    assert!(
        events.iter().all(|event| event["by"] == validator.id.as_str()),
        "{events:?}"
    );
    let body_of = |at: usize| serde_json::from_str::<Value>(events[at]["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&body_of(0)["kind"], &body_of(0)["marks"]),
        (&json!("cell"), &json!(["", "", "7"]))
    );
    assert_eq!(body_of(corrections.len())["kind"], "completed");
    assert_eq!(
        world.get("/api/review/pending", &validator.access).await.data(),
        json!([])
    );
    // Once more: what was seen is not how it is.
    assert_eq!(submit(&world, &validator, body).await.code(), "CONFLICT");
}

#[tokio::test]
async fn of_two_answers_to_one_state_of_a_form_one_counts() {
    let (world, validator, id) = world_with_a_form().await;
    let item = world.get("/api/review/pending", &validator.access).await.data()[0].clone();
    let body = |value: u16| {
        let corrections = json!([{ "cell_id": item["cells"][0]["cell_id"], "new_value": value }]);
        json!({ "review_id": id, "version": item["version"], "corrections": corrections })
    };
    // Both have looked at the form before either writes.
    let (mut holder, mut watcher) = (connect(&world.database).await, connect(&world.database).await);
    let mut held = sqlx::Connection::begin(&mut holder).await.unwrap();
    let sql = "SELECT FROM sync_order FOR UPDATE";
    sqlx::query(sql).execute(&mut *held).await.unwrap();
    let release = async {
        waiting(&mut watcher, 2).await;
        held.rollback().await.unwrap();
    };
    let (one, two, ()) = tokio::join!(
        submit(&world, &validator, body(3)),
        submit(&world, &validator, body(5)),
        release
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.body, two.body);
}

#[tokio::test]
async fn a_submission_that_does_not_fit_changes_nothing() {
    let (world, validator, id) = world_with_a_form().await;
    let pending = async || world.get("/api/review/pending", &validator.access).await.data();
    let before = pending().await;
    let cell = before[0]["cells"][0]["cell_id"].clone();
    let good = json!({ "cell_id": cell, "new_value": 7 });
    for (case, body, code) in [
        (
            "cells wait",
            json!({ "review_id": id, "action": "complete" }),
            "REVIEW_REFUSED",
        ),
        (
            "good and bad",
            json!({ "review_id": id, "corrections": [good, { "cell_id": "9/candidato.1", "new_value": 1 }] }),
            "REVIEW_REFUSED",
        ),
        (
            "not escalated",
            json!({ "review_id": id, "corrections": [good], "action": "return", "reason": "x" }),
            "REVIEW_REFUSED",
        ),
        (
            "no reason",
            json!({ "review_id": id, "action": "escalate" }),
            "INVALID_REQUEST",
        ),
        (
            "no cell",
            json!({ "review_id": id, "corrections": [{ "cell_id": "candidato.1", "new_value": 1 }] }),
            "INVALID_REQUEST",
        ),
        (
            "too large",
            json!({ "review_id": id, "corrections": [{ "cell_id": cell, "new_value": 1000 }] }),
            "INVALID_REQUEST",
        ),
        (
            "no mark",
            json!({ "review_id": id, "corrections": [{ "cell_id": cell, "marks": ["x", "1", "2"] }] }),
            "INVALID_REQUEST",
        ),
        (
            "another author",
            json!({ "review_id": id, "corrections": [good], "user_id": "someone" }),
            "INVALID_REQUEST",
        ),
        ("nothing", json!({ "review_id": id }), "INVALID_REQUEST"),
        (
            "no form",
            json!({ "review_id": "b".repeat(64), "corrections": [good] }),
            "NOT_FOUND",
        ),
        (
            "an old version",
            json!({ "review_id": id, "version": 1, "corrections": [good] }),
            "CONFLICT",
        ),
    ] {
        assert_eq!(submit(&world, &validator, body).await.code(), code, "{case}");
        assert_eq!(pending().await, before, "{case}");
    }
    let operator = world.user(Role::Operator).await;
    assert_eq!(
        submit(&world, &operator, json!({ "review_id": id, "corrections": [good] }))
            .await
            .code(),
        "FORBIDDEN"
    );
    let escalated = submit(
        &world,
        &validator,
        json!({ "review_id": id, "action": "escalate", "reason": "no se lee" }),
    )
    .await
    .data();
    assert_eq!(escalated["status"], "ESCALATED");
    let back = submit(
        &world,
        &validator,
        json!({ "review_id": id, "action": "return", "reason": "con lupa" }),
    )
    .await
    .data();
    assert_eq!(back["status"], "IN_PROGRESS");
    let away = submit(
        &world,
        &validator,
        json!({ "review_id": id, "action": "reject", "reason": "no es de esta elección" }),
    )
    .await
    .data();
    assert_eq!(away["status"], "REJECTED");
    let again = submit(
        &world,
        &validator,
        json!({ "review_id": id, "action": "reopen", "reason": "sí es" }),
    )
    .await
    .data();
    assert_eq!(again["status"], "IN_PROGRESS");
}

#[tokio::test]
async fn pending_forms_are_found_by_what_they_are() {
    let (world, validator, id) = world_with_a_form().await;
    let photo = world
        .upload("/api/e14/process", &validator.access, "foto.png", &page(3), &[])
        .await
        .data();
    let get = async |query: &str| {
        let answer = world
            .get(&format!("/api/review/pending?{query}"), &validator.access)
            .await
            .data();
        let ids = answer
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["review_id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<String>>()
    };
    let all = get("").await;
    assert_eq!(all.len(), 2);
    assert!(all.contains(&id) && all.contains(&photo["form_id"].as_str().unwrap().to_owned()));
    assert_eq!(get("limit=1").await, all[..1]);
    assert_eq!(get(&format!("limit=1&after={}", all[0])).await, all[1..]);
    assert_eq!(get(&format!("after={}", all[1])).await, Vec::<String>::new());
    assert_eq!(get("status=ESCALATED").await, Vec::<String>::new());
    assert_eq!(get("status=PENDING").await, all);
    for (wrong, field) in [
        ("priority=SOON", Some("priority")),
        ("status=pending", Some("status")),
        ("status=COMPLETED", Some("status")),
        ("department=%00", Some("department")),
        ("department=100", Some("department")),
        ("after=a%00", None),
        (&format!("after={}", "b".repeat(64)), Some("after")),
        ("limit=300", None),
    ] {
        let answer = world
            .get(&format!("/api/review/pending?{wrong}"), &validator.access)
            .await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{wrong}");
        assert_eq!(answer.body["error"]["fields"][0]["field"].as_str(), field, "{wrong}");
    }
}
