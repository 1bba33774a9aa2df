//! The second, blind reading without a desk: asked for by the server, shown nothing, decided by a third person.

use crate::paper::clear;
use crate::review::{pushed_with, submit};
use crate::world::{Signed, World};
use castor_server::role::Role;
use castor_testkit::review::form;
use serde_json::{Value, json};

/// No form is drawn: a second reading is due of critical ones alone.
const NONE_DRAWN: [(&str, &str); 1] = [("E14_SECOND_PERCENT", "0")];

/// A form of two doubtful cells, as unsure as given.
async fn brought(world: &World, by: &Signed, id: &str, confidence: f32) {
    let mut form = form();
    let waiting = form.fields.iter_mut().filter(|field| field.needs_review);
    waiting.for_each(|field| field.confidence = confidence);
    pushed_with(world, by, id, form).await;
}

async fn cells(world: &World, by: &Signed, id: &str) -> Vec<Value> {
    let items = world.get("/api/review/pending", &by.access).await.data();
    let mut items = items.as_array().unwrap().iter();
    let item = items.find(|item| item["review_id"] == id);
    item.map_or_else(Vec::new, |item| item["cells"].as_array().unwrap().clone())
}

/// A person says what they read in the cells that wait.
fn reading(id: &str, cells: &[Value], values: &[u16], action: Option<&str>) -> Value {
    let corrections: Vec<Value> = cells
        .iter()
        .zip(values)
        .map(|(cell, value)| json!({ "cell_id": cell["cell_id"], "new_value": value }))
        .collect();
    json!({ "review_id": id, "corrections": corrections, "action": action })
}

/// Kind and author of each event of the log, in order.
async fn log(world: &World, by: &Signed) -> Vec<(String, String)> {
    let pulled = world.get("/api/sync/pull?after=0", &by.access).await.data();
    let events = pulled["events"].as_array().unwrap().iter();
    events
        .map(|event| {
            let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&body["kind"]), text(&event["by"]))
        })
        .collect()
}

#[tokio::test]
async fn a_critical_form_is_read_again_blindly_and_a_third_person_decides() {
    let world = World::with(&NONE_DRAWN).await;
    let (ana, bea, caro) = (
        world.user(Role::Validator).await,
        world.user(Role::Validator).await,
        world.user(Role::Validator).await,
    );
    let id = "c".repeat(64);
    brought(&world, &ana, &id, 0.2).await;
    let first = cells(&world, &ana, &id).await;
    let done = submit(&world, &ana, reading(&id, &first, &[48, 7], Some("complete")))
        .await
        .data();
    assert_eq!(done["status"], "SECOND_READING");
    assert_eq!(
        log(&world, &ana).await.last().unwrap(),
        &("second_asked".to_owned(), "castor".to_owned())
    );
    assert!(
        !done["findings"].as_array().unwrap().is_empty(),
        "the sums of what she read herself"
    );

    let blind = cells(&world, &bea, &id).await;
    assert_eq!(blind.len(), 2);
    for cell in &blind {
        assert_eq!(
            (&cell["ocr_value"], &cell["readings"]),
            (&Value::Null, &json!([])),
            "{cell}"
        );
    }
    let again = submit(&world, &ana, reading(&id, &blind, &[48], None)).await;
    assert!(
        again.body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("REV_SAME_PERSON")
    );
    let one = submit(&world, &bea, reading(&id, &blind, &[43], None)).await.data();
    assert_eq!(one["status"], "SECOND_READING");
    assert_eq!(
        (&one["findings"], &one["alerts_count"]),
        (&json!([]), &Value::Null),
        "a sum would tell what was read first"
    );
    let auditor = world.user(Role::Auditor).await;
    let path = format!("/api/review/events?form={id}");
    let sealed = world.get(&path, &auditor.access).await.data();
    for event in sealed.as_array().unwrap() {
        assert_eq!(
            (&event["before"], &event["after"]),
            (&Value::Null, &Value::Null),
            "{event}"
        );
    }

    let two = submit(&world, &bea, reading(&id, &blind[1..], &[7], None)).await.data();
    assert_eq!(two["status"], "ADJUDICATION");
    let differing = cells(&world, &caro, &id).await;
    assert_eq!(differing.len(), 1);
    let mut both: Vec<u64> = differing[0]["readings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|said| said["value"].as_u64().unwrap())
        .collect();
    both.sort_unstable();
    assert_eq!(both, [43, 48]);
    assert_eq!(differing[0]["ocr_value"], Value::Null);
    let text = differing[0].to_string();
    assert!(!text.contains(&ana.id) && !text.contains(&bea.id), "{text}");
    let decided = submit(&world, &caro, reading(&id, &differing, &[43], None))
        .await
        .data();
    assert_eq!(decided["status"], "COMPLETED");
    assert!(decided["alerts_count"].is_u64());
    let told = world.get(&path, &auditor.access).await.data();
    assert_eq!(told[0]["after"]["value"], 43);
}

#[tokio::test]
async fn of_other_forms_those_that_are_drawn_are_read_again() {
    for (percent, status) in [("0", "COMPLETED"), ("100", "SECOND_READING")] {
        let world = World::with(&[("E14_SECOND_PERCENT", percent)]).await;
        let ana = world.user(Role::Validator).await;
        let id = "d".repeat(64);
        brought(&world, &ana, &id, 0.6).await;
        let first = cells(&world, &ana, &id).await;
        let done = submit(&world, &ana, reading(&id, &first, &[1, 2], Some("complete")))
            .await
            .data();
        assert_eq!(done["status"], status, "{percent}");
    }
}

#[tokio::test]
async fn what_a_worker_reads_without_a_doubt_is_drawn_too_and_asked_for_once() {
    let world = World::with(&[("E14_SECOND_PERCENT", "100")]).await;
    let ana = world.user(Role::Validator).await;
    let file = clear();
    let process = async |fields: &[(&str, &str)]| {
        let path = "/api/e14/process";
        world.upload(path, &ana.access, "acta.pdf", &file, fields).await.data()
    };
    process(&[]).await;
    process(&[]).await;
    process(&[("force_reprocess", "true")]).await;
    let log = log(&world, &ana).await;
    let kinds: Vec<&str> = log.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["imported", "read", "second_asked", "read"]);
    assert!(log.iter().all(|(_, by)| by == "castor"));
}
