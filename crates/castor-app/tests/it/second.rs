//! Forms read twice: by whom, what they are shown, who decides, and the figures that come of it.

use crate::desk::{call, desk, doubtful, forms};
use castor_app::Desk;
use castor_domain::checks::FieldRef;
use castor_domain::form::FieldPath;
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, ReviewReason};
use castor_domain::review::{Event, EventId, Moment, Recorded};
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};
use serde_json::{Value, json};
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

const POLICY: ReviewPolicy = ReviewPolicy {
    threshold: 0.9,
    overwritten_threshold: 0.5,
    cross_threshold: 0.5,
};

/// A cell that the machine read as one digit; the first three candidates wait for a person.
fn read_as(candidate: u16, digit: u8) -> FieldReading {
    let boxes = [Symbol::Blank, Symbol::Blank, Symbol::Digit(digit)].map(|symbol| {
        let mut probabilities = [0.0; SYMBOL_CLASSES];
        probabilities[symbol.class()] = 1.0;
        BoxReading {
            probabilities,
            cross: 0.0,
            overwritten: 0.0,
        }
    });
    let decision = read_field(&boxes, MarkConvention::FILLERS, &POLICY);
    let waits = candidate <= 3;
    FieldReading {
        path: FieldPath::Candidato(candidate),
        page: 1,
        boxes,
        marks: decision.marks,
        value: decision.value,
        confidence: if waits { 0.75 } else { 0.999 },
        needs_review: waits,
        reasons: if waits {
            vec![ReviewReason::LowConfidence]
        } else {
            Vec::new()
        },
        alternatives: vec![(Some(u16::from(digit) + 1), 0.2)],
        bbox: PixelRect {
            x: 10,
            y: 20,
            width: 90,
            height: 30,
        },
    }
}

fn reading() -> FormReading {
    let mut form = FormReading::default();
    form.pages.push(PageReading {
        page: 1,
        size: (120, 80),
        registration: 1.0,
        layout: Some("drawn".to_owned()),
        ..PageReading::default()
    });
    form.fields = (1..=5)
        .zip([3, 4, 5, 6, 8])
        .map(|(n, digit)| read_as(n, digit))
        .collect();
    form
}

/// A page image of its own shade, so that each form is a file of its own.
fn page(shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::GrayImage::from_pixel(120, 80, image::Luma([shade]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A desk that reads every form twice, with two forms that have doubtful cells; Ana sits at it.
async fn drawn(folder: &Path) -> Arc<Desk> {
    let desk = desk(folder).await;
    for shade in [200, 210] {
        let id = desk.store().put_blob(&page(shade)).unwrap();
        let event = |n: u8, event: Event| Recorded {
            id: EventId(u128::from(shade) * 2 + u128::from(n)),
            at: Moment(1000),
            by: "castor".to_owned(),
            event,
        };
        let imported = Event::Imported {
            name: format!("acta-{shade}.png"),
            demo: false,
        };
        let read = Event::Read {
            reading: Box::new(reading()),
            model: "m1".to_owned(),
        };
        desk.store()
            .append(&id, &[event(0, imported), event(1, read)])
            .await
            .unwrap();
    }
    sit_down(&desk, "ana", 100, 0).await;
    desk
}

/// Another person takes the keyboard.
async fn sit_down(desk: &Arc<Desk>, person: &str, second: u8, known: u8) {
    let mut settings = call(desk, "settings", json!({})).await;
    settings["person"] = json!(person);
    settings["sampling"] = json!({ "second_percent": second, "known_percent": known, "seed": "prueba" });
    call(desk, "settings_save", json!({ "settings": settings })).await;
}

async fn form(desk: &Arc<Desk>, id: &str) -> Value {
    call(desk, "form", json!({ "id": id })).await
}

async fn next(desk: &Arc<Desk>) -> Option<String> {
    let next = call(desk, "next", json!({ "query": { "limit": 1 }, "after": null })).await;
    next.as_str().map(str::to_owned)
}

async fn types(desk: &Arc<Desk>, id: &str, cell: &Value, marks: &Value) -> Value {
    let action = json!({ "kind": "correct", "marks": marks });
    call(
        desk,
        "decide",
        json!({ "id": id, "cell": cell["key"], "action": action }),
    )
    .await
}

async fn refused(desk: &Arc<Desk>, command: &str, arguments: Value) -> String {
    desk.call(command, arguments).await.unwrap_err().code
}

/// Ana settles every cell as the machine read it and ends the form; the form's id with its cells as Ana said them.
async fn first_reading(desk: &Arc<Desk>) -> (String, Vec<Value>) {
    let query = json!({ "states": ["PENDING"], "limit": 100 });
    let queue = call(desk, "queue", json!({ "query": query })).await;
    let pending = forms(&queue).into_iter().find(|i| i["doubtful"].as_u64() > Some(1));
    // A drawn form with two doubtful cells is among them.
    let id = pending.unwrap()["id"].as_str().unwrap().to_owned();
    let mut view = form(desk, &id).await;
    let asked = doubtful(&view);
    for cell in &asked {
        view = types(desk, &id, cell, &cell["machine"]["marks"]).await;
    }
    if view["item"]["state"] == "IN_PROGRESS" {
        view = call(desk, "act", json!({ "id": id, "action": { "kind": "complete" } })).await;
    }
    assert_eq!(view["item"]["state"], "SECOND_READING");
    (id, asked)
}

fn cell<'a>(view: &'a Value, key: &Value) -> &'a Value {
    view["cells"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["key"] == *key)
        .unwrap()
}

/// Bea reads the first cell as 7 and the others as Ana did; Caro decides for Ana.
async fn read_twice(desk: &Arc<Desk>, id: &str, asked: &[Value]) {
    sit_down(desk, "bea", 100, 0).await;
    for (n, cell) in asked.iter().enumerate() {
        let marks = if n == 0 {
            json!(["_", "_", "7"])
        } else {
            cell["machine"]["marks"].clone()
        };
        types(desk, id, cell, &marks).await;
    }
    sit_down(desk, "caro", 100, 0).await;
    types(desk, id, &asked[0], &asked[0]["machine"]["marks"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_again_blindly_by_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    let desk = drawn(folder.path()).await;
    let (id, asked) = first_reading(&desk).await;

    // It is not for who read it first.
    let view = form(&desk, &id).await;
    assert_eq!(
        (&view["item"]["barred"], &view["sight"]),
        (&json!(true), &json!("open"))
    );
    assert_ne!(next(&desk).await.as_deref(), Some(id.as_str()));
    let typed = json!({ "kind": "correct", "marks": ["_", "_", "7"] });
    let own = json!({ "id": id, "cell": asked[0]["key"], "action": typed });
    assert_eq!(refused(&desk, "decide", own).await, "REV_SAME_PERSON");

    // Another is shown nothing of what was said, wherever they look.
    sit_down(&desk, "bea", 100, 0).await;
    let view = form(&desk, &id).await;
    assert_eq!(
        (&view["sight"], &view["checks"], &view["item"]["finding"]),
        (&json!("blind"), &json!([]), &Value::Null)
    );
    for one in &asked {
        let shown = cell(&view, &one["key"]);
        assert_eq!(shown["machine"]["marks"], json!(["?", "?", "?"]));
        for name in ["decision", "value", "suggestion"] {
            assert_eq!(shown[name], Value::Null, "{name}");
        }
        for name in ["alternatives", "reasons", "readings"] {
            assert_eq!(shown[name], json!([]), "{name}");
        }
    }
    let history = view["history"].as_array().unwrap();
    assert!(
        history.iter().all(|e| e["cell"].is_null() && e["reason"].is_null()),
        "{history:?}"
    );
    let log = call(&desk, "audit", json!({ "query": { "form": id, "limit": 100 } })).await;
    let said: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["event"]["event"] == "cell")
        .collect();
    assert_eq!(said.len(), asked.len());
    assert!(
        said.iter()
            .all(|r| r["event"]["after"].is_null() && r["event"]["before"].is_null())
    );

    // Every cell is typed.
    let enter = json!({ "id": id, "cell": asked[0]["key"], "action": { "kind": "confirm" } });
    assert_eq!(refused(&desk, "decide", enter).await, "REV_BLIND");
    let view = types(&desk, &id, &asked[0], &json!(["_", "_", "7"])).await;
    assert_eq!(cell(&view, &asked[0]["key"])["value"], 7);
    assert_eq!(view["can_undo"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_readings_that_differ_are_decided_without_names_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let desk = drawn(folder.path()).await;
    let (id, asked) = first_reading(&desk).await;
    sit_down(&desk, "bea", 100, 0).await;
    let mut view = Value::Null;
    for (n, one) in asked.iter().enumerate() {
        let marks = if n == 0 {
            json!(["_", "_", "7"])
        } else {
            one["machine"]["marks"].clone()
        };
        view = types(&desk, &id, one, &marks).await;
    }
    assert_eq!(view["item"]["state"], "ADJUDICATION");
    assert_eq!(
        (&view["item"]["barred"], &view["can_undo"]),
        (&json!(true), &json!(false))
    );

    sit_down(&desk, "caro", 100, 0).await;
    let view = form(&desk, &id).await;
    assert_eq!(doubtful(&view).len(), 1);
    let readings = cell(&view, &asked[0]["key"])["readings"].as_array().unwrap().clone();
    let values: Vec<_> = readings.iter().map(|r| r["value"].clone()).collect();
    assert!(
        values.contains(&json!(7)) && values.contains(&asked[0]["machine"]["value"]),
        "{values:?}"
    );
    let text = view.to_string();
    assert!(!text.contains("\"ana\"") && !text.contains("\"bea\""), "{text}");

    let view = types(&desk, &id, &asked[0], &asked[0]["machine"]["marks"]).await;
    assert_eq!(view["item"]["state"], "COMPLETED");
    let names: std::collections::BTreeSet<_> = view["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["by"].as_str().unwrap())
        .collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["ana", "bea", "caro", "castor"]);

    // One of the pairs differs; κ is defined as far as the numbers read are not all the same.
    let quality = call(&desk, "quality", json!({})).await;
    let of = |person: &str| {
        quality
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["person"] == person)
            .unwrap()
    };
    for person in ["ana", "bea"] {
        let agreement = &of(person)["agreement"];
        assert_eq!(agreement["n"], asked.len());
        assert_eq!(agreement["hits"], asked.len() - 1);
        assert_eq!(
            of(person)["kappa"]["value"].is_null(),
            !of(person)["kappa"]["missing"].is_null()
        );
    }
    assert_eq!(of("caro")["agreement"], Value::Null);
    assert_eq!(of("caro")["kappa"]["missing"], "NO_PAIRS");
    assert_eq!(of("ana")["confirmed"], asked.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_cell_comes_back_as_any_doubtful_one_and_counts_only_in_figures() {
    let folder = tempfile::tempdir().unwrap();
    let desk = drawn(folder.path()).await;
    let (id, asked) = first_reading(&desk).await;
    read_twice(&desk, &id, &asked).await;
    let before = form(&desk, &id).await;

    // Who had a part in the form is never asked.
    sit_down(&desk, "caro", 0, 100).await;
    let queue = call(&desk, "queue", json!({ "query": { "limit": 500 } })).await;
    let real: Vec<_> = forms(&queue)
        .iter()
        .map(|i| i["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(real.contains(&next(&desk).await.unwrap()));

    sit_down(&desk, "dora", 0, 100).await;
    let given = next(&desk).await.unwrap();
    assert!(!real.contains(&given));
    assert_eq!(next(&desk).await.unwrap(), given);
    let view = form(&desk, &given).await;
    assert_eq!(
        (doubtful(&view).len(), &view["item"]["state"]),
        (1, &json!("IN_PROGRESS"))
    );
    assert_eq!(view["item"]["mesa"], before["item"]["mesa"]);
    let task = doubtful(&view)[0].clone();
    assert_ne!(task["reasons"], json!([]));
    assert_eq!((&task["decision"], &task["value"]), (&Value::Null, &Value::Null));
    let kinds: Vec<_> = view["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["cell"].clone())
        .collect();
    assert!(!kinds.contains(&task["key"]));
    assert!(
        desk.page_png(&given, 1)
            .await
            .unwrap()
            .starts_with(&[0x89, b'P', b'N', b'G'])
    );

    let confirm = json!({ "id": given, "cell": task["key"], "action": { "kind": "confirm" } });
    let view = call(&desk, "decide", confirm).await;
    assert_eq!(
        (&view["item"]["state"], &view["can_undo"]),
        (&json!("COMPLETED"), &json!(true))
    );
    let view = call(&desk, "act", json!({ "id": given, "action": { "kind": "undo" } })).await;
    assert_eq!((doubtful(&view).len(), &view["can_redo"]), (1, &json!(true)));
    call(&desk, "act", json!({ "id": given, "action": { "kind": "redo" } })).await;

    // Nothing of the form changed, and nobody is told.
    sit_down(&desk, "caro", 0, 0).await;
    assert_eq!(form(&desk, &id).await, before);
    let log = call(&desk, "audit", json!({ "query": { "form": id, "limit": 200 } })).await;
    let probes: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["event"]["event"] == "probe")
        .collect();
    assert_eq!(probes.len(), 1);
    assert_eq!(probes[0]["event"]["after"], Value::Null);
    let quality = call(&desk, "quality", json!({})).await;
    let dora = quality
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["person"] == "dora")
        .unwrap();
    assert_eq!(
        (&dora["confirmed"], &dora["known"]["n"], &dora["known"]["hits"]),
        (&json!(0), &json!(1), &json!(1))
    );
    assert_eq!(call(&desk, "audit_verify", json!({})).await["whole"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_a_person_gave_at_another_desk_ends_the_question_here() {
    let folder = tempfile::tempdir().unwrap();
    let desk = drawn(folder.path()).await;
    let (id, asked) = first_reading(&desk).await;
    read_twice(&desk, &id, &asked).await;
    sit_down(&desk, "dora", 0, 100).await;
    let given = next(&desk).await.unwrap();
    let key = doubtful(&form(&desk, &given).await)[0]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = key.split_once('/').unwrap().1.parse().unwrap();
    let event = Event::Probe {
        field: FieldRef { page: 1, path },
        marks: [Symbol::Blank, Symbol::Blank, Symbol::Digit(7)],
    };
    let answer = Recorded {
        id: EventId(5000),
        at: Moment(2000),
        by: "dora".to_owned(),
        event,
    };
    desk.store().append(&id, &[answer]).await.unwrap();
    assert_ne!(next(&desk).await, Some(given));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_asks_for_a_second_reading_and_nobody_has_the_machines_name() {
    let folder = tempfile::tempdir().unwrap();
    let desk = drawn(folder.path()).await;
    let (id, asked) = first_reading(&desk).await;
    let undone = call(&desk, "act", json!({ "id": id, "action": { "kind": "undo" } })).await;
    assert_eq!(undone["item"]["state"], "IN_PROGRESS");
    let again = call(&desk, "act", json!({ "id": id, "action": { "kind": "redo" } })).await;
    assert_eq!(again["item"]["state"], "SECOND_READING");
    read_twice(&desk, &id, &asked).await;
    let asks = json!({ "id": id, "action": { "kind": "ask_second" } });
    assert_eq!(call(&desk, "act", asks).await["item"]["state"], "SECOND_READING");
    let mut settings = call(&desk, "settings", json!({})).await;
    settings["person"] = json!("castor");
    assert_eq!(
        refused(&desk, "settings_save", json!({ "settings": settings })).await,
        "APP_001"
    );
}
