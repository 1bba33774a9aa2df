//! Requests for a demonstration.

use crate::world::World;
use castor_server::role::Role;
use serde_json::{Value, json};

fn lead() -> Value {
    json!({ "first_name": "Ana", "last_name": "Gómez", "email": "ana@example.org", "phone": "300 123 45 67",
            "interest": "campañas", "location": "Tunja", "candidacy_type": "regionales" })
}

#[tokio::test]
async fn a_lead_comes_in_once_and_administrators_follow_it_up() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let answer = world.post("/api/leads/demo-request", "", lead()).await;
    assert_eq!(answer.status, 201);
    let id = answer.data()["id"].as_str().unwrap().to_owned();
    let mut again = lead();
    again["email"] = json!("ANA@example.org");
    assert_eq!(
        world.post("/api/leads/demo-request", "", again).await.code(),
        "ALREADY_EXISTS"
    );
    let leads = world.get("/api/leads", &admin.access).await.data();
    assert_eq!(
        (leads[0]["interest"].as_str(), leads[0]["status"].as_str()),
        (Some("campañas"), Some("nuevo"))
    );
    let changed = world
        .patch(
            &format!("/api/leads/{id}"),
            &admin.access,
            json!({ "status": "contactado" }),
        )
        .await;
    assert_eq!(changed.data()["status"], "contactado");
    for (query, count) in [("", 1), ("?status=contactado", 1), ("?status=nuevo", 0)] {
        let counted = world
            .get(&format!("/api/leads/count{query}"), &admin.access)
            .await
            .data();
        assert_eq!(counted["count"], count, "{query}");
    }
}

#[tokio::test]
async fn each_field_of_a_lead_has_its_rule() {
    let world = World::new().await;
    let long = "x".repeat(121);
    let cases = [
        ("first_name", json!("")),
        ("first_name", json!("x".repeat(101))),
        ("last_name", json!(" \t ")),
        ("last_name", json!("a\u{0}b")),
        ("email", json!("ana")),
        ("email", json!("ana@localhost")),
        ("email", json!("ana@@example.org")),
        ("phone", json!("123456")),
        ("phone", json!("123456789012345678901")),
        ("phone", json!("300x1234567")),
        ("interest", json!("campanas")),
        ("location", json!(long)),
        ("candidacy_type", json!("alcaldia")),
    ];
    for (field, value) in cases {
        let mut lead = lead();
        lead[field] = value.clone();
        let answer = world.post("/api/leads/demo-request", "", lead).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "INVALID_REQUEST"),
            "{field} = {value}"
        );
    }
    for field in ["first_name", "last_name", "email", "phone", "interest", "location"] {
        let mut lead = lead();
        lead.as_object_mut().unwrap().remove(field);
        assert_eq!(
            world.post("/api/leads/demo-request", "", lead).await.code(),
            "INVALID_REQUEST",
            "{field}"
        );
    }
}

#[tokio::test]
async fn a_lead_is_deleted_for_good_and_the_log_keeps_its_id_alone() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let asked = world.post("/api/leads/demo-request", "", lead()).await.data();
    let path = format!("/api/leads/{}", asked["id"].as_str().unwrap());
    let deleted = world.delete(&path, &admin.access).await;
    assert_eq!(deleted.data()["id"], asked["id"]);
    assert_eq!(world.delete(&path, &admin.access).await.code(), "NOT_FOUND");
    assert_eq!(world.get("/api/leads", &admin.access).await.data(), json!([]));
    let log = world
        .get("/api/audit?action=admin.lead_deleted", &admin.access)
        .await
        .data();
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!(
        (&log[0]["subject"], &log[0]["actor"], &log[0]["detail"]),
        (&asked["id"], &json!(admin.id), &json!({}))
    );
    let again = world.post("/api/leads/demo-request", "", lead()).await;
    assert_eq!(again.status, 201, "the address is free again");
}

#[tokio::test]
async fn one_address_is_one_lead_in_whatever_letters() {
    let world = World::new().await;
    for (email, status) in [("josé@peña.example.org", 201), ("JOSÉ@PEÑA.example.org", 409)] {
        let mut lead = lead();
        lead["email"] = json!(email);
        assert_eq!(
            world.post("/api/leads/demo-request", "", lead).await.status,
            status,
            "{email}"
        );
    }
}
