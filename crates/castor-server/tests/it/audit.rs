//! What is written down of who did what, and that nobody can fill the log.

use crate::world::{Answer, PASSWORD, World, send};
use castor_server::role::Role;
use reqwest::Method;
use serde_json::{Value, json};

/// The entries of an action, the newest first.
async fn log(world: &World, token: &str, action: &str) -> Vec<Value> {
    let path = format!("/api/audit?limit=100&action={action}");
    world.get(&path, token).await.data().as_array().unwrap().clone()
}

#[tokio::test]
async fn a_failed_sign_in_is_written_with_the_account_that_there_is_and_nothing_that_was_typed() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Viewer).await);
    world.login(&user.email, "not the password").await;
    world.login("nobody-at-all@example.org", "not the password").await;
    let failed = log(&world, &admin.access, "auth.sign_in_failed").await;
    let subjects: Vec<&Value> = failed.iter().map(|entry| &entry["subject"]).collect();
    assert_eq!(subjects, [&Value::Null, &json!(user.id)]);
    assert!(failed.iter().all(|entry| entry["actor"] == Value::Null));
    let text = Value::from(failed).to_string();
    assert!(
        !text.contains("nobody-at-all") && !text.contains("not the password"),
        "{text}"
    );
}

#[tokio::test]
async fn a_wait_at_an_account_is_written_when_it_begins() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Viewer).await);
    for _ in 0..8 {
        world.login(&user.email, "not the password").await;
    }
    let locked = log(&world, &admin.access, "security.sign_in_locked").await;
    assert_eq!(locked.len(), 1, "{locked:?}");
    assert_eq!(locked[0]["subject"], user.id.as_str());
    assert_eq!(locked[0]["detail"]["everywhere"], false);
    assert!((25..=30).contains(&locked[0]["detail"]["seconds"].as_u64().unwrap()));
    assert_eq!(log(&world, &admin.access, "auth.sign_in_failed").await.len(), 5);
}

#[tokio::test]
async fn guesses_at_accounts_that_are_not_there_do_not_fill_the_log() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Viewer).await);
    for n in 0..30 {
        let email = format!("nobody{n}@example.org");
        assert_eq!(world.login(&email, "x").await.code(), "INVALID_CREDENTIALS");
    }
    assert_eq!(log(&world, &admin.access, "auth.sign_in_failed").await.len(), 20);
    world.login(&user.email, "not the password").await;
    let failed = log(&world, &admin.access, "auth.sign_in_failed").await;
    assert_eq!(failed.len(), 21, "what concerns an account is written all the same");
}

#[tokio::test]
async fn what_a_role_does_not_allow_is_written_within_bounds() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Viewer).await);
    let path = format!("/api/users/{}", admin.id);
    for _ in 0..30 {
        assert_eq!(world.get(&path, &user.access).await.code(), "FORBIDDEN");
    }
    let denied = log(&world, &admin.access, "security.denied").await;
    assert_eq!(denied.len(), 20, "of one account in an hour");
    assert_eq!(denied[0]["actor"], user.id.as_str());
    assert_eq!(
        denied[0]["detail"],
        json!({ "role": "VIEWER", "method": "GET", "route": "/api/users/{id}" })
    );
}

async fn sent(world: &World, token: &str, hash: &str, bytes: &[u8]) -> Answer {
    let path = format!("/api/blobs/{hash}?offset=0&total={}&kind=file", bytes.len());
    let request = world.request(Method::POST, &path).bearer_auth(token);
    send(
        request
            .header("content-type", "application/octet-stream")
            .body(bytes.to_vec()),
    )
    .await
}

#[tokio::test]
async fn files_that_come_and_go_and_looks_at_leads_are_written_once_an_hour() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Validator).await);
    let bytes = b"the bytes of a form";
    let hash = castor_store::sha256(bytes);
    let body = json!({ "kind": "imported", "name": "a.pdf", "demo": false }).to_string();
    let event =
        json!({ "counter": 1, "id": uuid::Uuid::now_v7(), "form": hash, "at": 1, "by": "castor", "body": body });
    let push = json!({ "protocol": 1, "client": uuid::Uuid::new_v4(), "events": [event] });
    let pushed = world.post("/api/sync/push", &user.access, push).await.data();
    assert_eq!(pushed["settled"][0]["outcome"], "accepted", "{pushed}");
    for _ in 0..3 {
        assert_eq!(sent(&world, &user.access, &hash, bytes).await.data()["whole"], true);
        let file = world.get(&format!("/api/blobs/{hash}"), &user.access).await;
        assert_eq!(file.body, json!(String::from_utf8_lossy(bytes)));
        assert_eq!(world.get("/api/leads", &admin.access).await.status, 200);
    }
    for (action, actor, detail) in [
        ("data.file_uploaded", &user.id, json!({ "file": hash })),
        ("data.file_fetched", &user.id, json!({ "file": hash })),
        ("data.leads_viewed", &admin.id, json!({})),
    ] {
        let entries = log(&world, &admin.access, action).await;
        assert_eq!(entries.len(), 1, "{action}");
        assert_eq!((&entries[0]["actor"], &entries[0]["detail"]), (&json!(actor), &detail));
    }
    assert_eq!(world.login(&user.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn what_the_e14_service_wrote_down_is_read_and_taken_out_at_the_core_too() {
    let secret = ("JWT_SECRET_KEY", "a passphrase of more than 32 characters");
    let e14 = World::of("e14", &[secret]).await;
    let core = World::of("core", &[secret, ("E14_SERVICE_URL", &e14.url)]).await;
    let (admin, auditor) = (core.user(Role::Admin).await, core.user(Role::Auditor).await);
    let started = core.post("/api/pipeline/start", &admin.access, json!({})).await;
    assert_eq!(started.status, 200, "{started:?}");
    let actions = async |path: &str| -> Vec<String> {
        let entries = core.get(path, &auditor.access).await.data();
        let name = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(actions("/api/audit?action=pipeline.").await, [""; 0]);
    assert_eq!(actions("/api/e14/audit?action=pipeline.").await, ["pipeline.changed"]);
    assert_eq!(core.get("/api/queue/jobs", &auditor.access).await.code(), "FORBIDDEN");
    assert_eq!(
        actions("/api/e14/audit").await,
        ["security.denied", "pipeline.changed"],
        "what a role does not allow there"
    );
    let analyst = core.user(Role::Analyst).await;
    assert_eq!(core.get("/api/e14/audit", &analyst.access).await.code(), "FORBIDDEN");
    let file = core
        .get("/api/e14/audit/export?action=pipeline.", &auditor.access)
        .await;
    let lines: Vec<&str> = file.body.as_str().unwrap().lines().collect();
    assert!(lines[0].starts_with("id,at,actor,"), "{lines:?}");
    assert!(lines.len() == 2 && lines[1].contains("pipeline.changed"), "{lines:?}");
    assert_eq!(
        file.headers["content-disposition"],
        "attachment; filename=\"castor-audit-e14.csv\""
    );
    assert_eq!(
        actions("/api/e14/audit?limit=1&action=admin.").await,
        ["admin.log_exported"]
    );
    assert_eq!(actions("/api/audit?action=admin.log_exported").await, [""; 0]);
}

/// Every action has its place in the handbook and in the interface.
#[test]
fn every_action_is_told_of() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (handbook, spanish, english) = (
        text("docs/SERVER.md"),
        text("ui/src/text/admin.es.ts"),
        text("ui/src/text/admin.en.ts"),
    );
    for action in castor_server::audit::Action::ALL {
        let name = action.name();
        assert!(handbook.contains(&format!("`{name}`")), "{name}");
        for page in [&spanish, &english] {
            assert!(page.contains(&format!("'action.{name}'")), "{name}");
        }
    }
}
