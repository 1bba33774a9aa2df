//! Review without a desk.

use crate::paper::page;
use crate::world::{Signed, World, connect, send, waiting};
use castor_domain::reading::FormReading;
use castor_domain::review::{Event, MACHINE, Moment};
use castor_server::role::Role;
use castor_testkit::review::{event, form};
use castor_wire::sync::SyncEvent;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A form with doubtful cells, pushed as a desk pushes it.
pub(crate) async fn pushed(world: &World, by: &Signed, id: &str) {
    pushed_with(world, by, id, form()).await;
}

/// The same of a form with such a reading.
pub(crate) async fn pushed_with(world: &World, by: &Signed, id: &str, form: FormReading) {
    let read = Event::Read {
        reading: Box::new(form),
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

pub(crate) async fn submit(world: &World, by: &Signed, body: Value) -> crate::world::Answer {
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

#[tokio::test]
async fn a_form_is_found_under_the_priority_that_its_cells_give_it() {
    let world = World::new().await;
    let validator = world.user(Role::Validator).await;
    // The least sure cell that waits decides.
    let priorities = [(0.2, "CRITICAL"), (0.4, "HIGH"), (0.6, "MEDIUM"), (0.8, "LOW")];
    for ((confidence, _), n) in priorities.iter().zip(1..) {
        let mut form = form();
        let waiting = form.fields.iter_mut().filter(|field| field.needs_review);
        waiting.for_each(|field| field.confidence = *confidence);
        pushed_with(&world, &validator, &format!("{n:064x}"), form).await;
    }
    let shown = async |query: &str| {
        let path = format!("/api/review/pending{query}");
        let items = world.get(&path, &validator.access).await.data();
        let items = items.as_array().unwrap().iter();
        items
            .map(|item| {
                (
                    item["review_id"].as_str().unwrap().to_owned(),
                    item["priority"].as_str().unwrap().to_owned(),
                )
            })
            .collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for ((_, priority), n) in priorities.iter().zip(1..) {
        let form = (format!("{n:064x}"), (*priority).to_owned());
        for asked in [(*priority).to_owned(), priority.to_lowercase()] {
            let found = shown(&format!("?priority={asked}")).await;
            assert_eq!(found, std::slice::from_ref(&form), "{asked}");
        }
        all.push(form);
    }
    assert_eq!(shown("").await, all, "the most urgent first");
}

#[tokio::test]
async fn notes_and_reasons_are_kept_beside_what_they_are_about() {
    let (world, validator, id) = world_with_a_form().await;
    let auditor = world.user(Role::Auditor).await;
    let cells = world.get("/api/review/pending", &validator.access).await.data()[0]["cells"].clone();
    let cell = |n: usize, value: u16, notes: &str| {
        let id = &cells[n]["cell_id"];
        json!({ "cell_id": id, "new_value": value, "notes": notes })
    };
    let corrections = json!([cell(0, 7, " un siete con raya "), cell(1, 9, "")]);
    let body = json!({ "review_id": id, "corrections": corrections, "resolution_notes": "con lupa" });
    assert_eq!(submit(&world, &validator, body).await.data()["status"], "IN_PROGRESS");
    let corrections = json!([cell(1, 8, "era un ocho")]);
    let body = json!({ "review_id": id, "corrections": corrections, "resolution_notes": "segunda vez" });
    submit(&world, &validator, body).await.data();
    let body = json!({ "review_id": id, "action": "complete", "reason": "todo visto" });
    submit(&world, &validator, body).await.data();
    let path = format!("/api/review/events?form={id}");
    let events = world.get(&path, &auditor.access).await.data();
    let told: Vec<(&str, &Value)> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["event"].as_str().unwrap(), &event["note"]))
        .collect();
    assert_eq!(
        told,
        [
            ("completed", &json!("todo visto")),
            ("cell", &json!("era un ocho\nsegunda vez")),
            ("cell", &json!("con lupa")),
            ("cell", &json!("un siete con raya")),
            ("read", &Value::Null),
            ("imported", &Value::Null),
        ]
    );
    for (body, field) in [
        (
            json!({ "corrections": [cell(0, 1, &"x".repeat(1_001))] }),
            "corrections[0].notes",
        ),
        (json!({ "corrections": [cell(0, 1, "a\0")] }), "corrections[0].notes"),
        (
            json!({ "corrections": [cell(0, 1, "")], "resolution_notes": "a\0" }),
            "reason",
        ),
    ] {
        let mut body = body;
        body["review_id"] = json!(id);
        let answer = submit(&world, &validator, body).await;
        assert_eq!(answer.code(), "INVALID_REQUEST");
        assert_eq!(answer.body["error"]["fields"][0]["field"], field);
    }
    let pushed = "UPDATE event_note SET note = 'otra'";
    let error = sqlx::query(pushed).execute(&mut connect(&world.database).await).await;
    assert!(error.unwrap_err().to_string().contains("only ever added to"));
}

#[tokio::test]
async fn a_correction_stands_in_the_audit_and_its_form_can_be_followed_event_by_event() {
    let (world, validator, id) = world_with_a_form().await;
    let auditor = world.user(Role::Auditor).await;
    let cell = world.get("/api/review/pending", &validator.access).await.data()[0]["cells"][0].clone();
    let corrections = json!([{ "cell_id": cell["cell_id"], "new_value": 7 }]);
    let refused = json!({ "review_id": id, "corrections": corrections, "action": "complete" });
    assert_eq!(submit(&world, &validator, refused).await.code(), "REVIEW_REFUSED");
    let body = json!({ "review_id": id, "corrections": corrections, "action": "escalate", "reason": "no se lee" });
    let request = world.request(Method::POST, "/api/review/submit");
    let request = request.header("user-agent", "reviewer/1").json(&body);
    send(request.bearer_auth(&validator.access)).await.data();

    let path = format!("/api/review/events?form={id}");
    let events = world.get(&path, &auditor.access).await.data();
    assert_eq!(events.as_array().unwrap().len(), 4, "{events}");
    let (escalated, corrected) = (&events[0], &events[1]);
    assert_eq!(
        (&escalated["event"], &escalated["reason"]),
        (&json!("escalated"), &json!("no se lee"))
    );
    assert_eq!(corrected["cell_id"], cell["cell_id"]);
    assert_eq!(corrected["before"], json!({ "value": 3, "raw_mark": ["", "", "3"] }));
    assert_eq!(corrected["after"], json!({ "value": 7, "raw_mark": ["", "", "7"] }));
    assert_eq!(
        (&corrected["account"], &corrected["laptop"]),
        (&json!(validator.id), &Value::Null)
    );
    assert!(events[3]["laptop"].is_string(), "a laptop brought the form in");
    let page = world
        .get(
            &format!("{path}&limit=1&before={}", escalated["place"]),
            &auditor.access,
        )
        .await
        .data();
    assert_eq!(page, json!([corrected]));

    let entries = world
        .get("/api/audit?action=data.form_corrected", &auditor.access)
        .await
        .data();
    assert_eq!(
        entries.as_array().unwrap().len(),
        1,
        "what was refused is not said to be done: {entries}"
    );
    let entry = &entries[0];
    assert_eq!(
        (&entry["actor"], &entry["address"]),
        (&json!(validator.id), &json!("127.0.0.1"))
    );
    let ids = json!([corrected["event_id"], escalated["event_id"]]);
    assert_eq!(
        entry["detail"],
        json!({ "form": id, "events": ids, "agent": "reviewer/1" })
    );
    let unknown = format!("/api/review/events?form={}", "b".repeat(64));
    assert_eq!(world.get(&unknown, &auditor.access).await.code(), "NOT_FOUND");
    assert_eq!(world.get(&path, &validator.access).await.code(), "FORBIDDEN");
}
