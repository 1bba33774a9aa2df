//! Files that laptops send of forms that nobody has read: the server has them read.

use crate::paper::{draw, drawn, page, pages};
use crate::queue::until;
use crate::world::{Signed, World, connect, send};
use castor_domain::reading::FormReading;
use castor_domain::review::{Event, MACHINE, Moment};
use castor_ingest::file::look;
use castor_ingest::{FileRules, open_reader};
use castor_server::objects::ContentHash;
use castor_server::role::Role;
use castor_testkit::form::Family;
use castor_testkit::review::event;
use castor_wire::sync::SyncEvent;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

fn sha256(bytes: &[u8]) -> String {
    ContentHash::of(bytes).to_string()
}

/// Says of a file that it was taken in, and nothing of what stands in it; its hash.
async fn imported(world: &World, by: &Signed, file: &[u8]) -> String {
    let form = sha256(file);
    let what = Event::Imported {
        name: "acta.pdf".to_owned(),
        demo: false,
    };
    let mut recorded = event(Uuid::now_v7().as_u128(), what);
    MACHINE.clone_into(&mut recorded.by);
    recorded.at = Moment(1_000);
    let mut pushed = serde_json::to_value(SyncEvent::of(&form, &recorded).unwrap()).unwrap();
    pushed["counter"] = json!(1);
    let push = json!({ "protocol": 1, "client": Uuid::now_v7(), "events": [pushed] });
    let answer = world.post("/api/sync/push", &by.access, push).await.data();
    assert_eq!(answer["settled"][0]["outcome"], "accepted", "{answer}");
    form
}

/// Sends a file whole.
async fn sent(world: &World, by: &Signed, form: &str, file: &[u8]) {
    sent_as(world, by, "file", form, file).await;
}

async fn sent_as(world: &World, by: &Signed, kind: &str, hash: &str, file: &[u8]) {
    let path = format!("/api/blobs/{hash}?offset=0&total={}&kind={kind}", file.len());
    let request = world.request(Method::POST, &path).bearer_auth(&by.access);
    let request = request.header("content-type", "application/octet-stream");
    let state = send(request.body(file.to_vec())).await.data();
    assert_eq!(state["whole"], true);
}

async fn kinds(world: &World) -> Vec<String> {
    let log = "SELECT kind FROM event ORDER BY global";
    sqlx::query_scalar(log)
        .fetch_all(&mut connect(&world.database).await)
        .await
        .unwrap()
}

async fn jobs(world: &World, admin: &Signed) -> Vec<Value> {
    let jobs = world.get("/api/queue/jobs", &admin.access).await.data();
    jobs.as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_from_who_may_not_read_forms_is_read_here() {
    let world = World::with(&[("E14_WORKERS", "1")]).await;
    let (observer, admin) = (world.user(Role::Observer).await, world.user(Role::Admin).await);
    let form = imported(&world, &observer, drawn()).await;
    sent(&world, &observer, &form, drawn()).await;
    until(&world, &admin, |now| now["completed"] == 1).await;
    assert_eq!(kinds(&world).await, ["imported", "read"]);
    let jobs = jobs(&world, &admin).await;
    assert_eq!(
        (jobs.len(), &jobs[0]["sha256"], &jobs[0]["priority"], &jobs[0]["name"]),
        (1, &json!(form), &json!("NORMAL"), &json!("acta.pdf"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_whose_pages_are_files_is_read_once_all_of_them_are_here() {
    let world = World::with(&[("E14_WORKERS", "1")]).await;
    let (observer, admin) = (world.user(Role::Observer).await, world.user(Role::Admin).await);
    let validator = world.user(Role::Validator).await;
    let pages = pages(7, Family::Camara2022);
    assert!(pages.len() > 1);
    let list: Vec<u8> = pages.iter().flat_map(Sha256::digest).collect();
    let form = imported(&world, &observer, &list).await;
    sent_as(&world, &observer, "pages", &form, &list).await;
    let (last, others) = pages.split_last().unwrap();
    for page in others {
        sent(&world, &observer, &sha256(page), page).await;
    }
    // A whole form that comes later is read: the queue was filled without the one that is not.
    let whole = imported(&world, &observer, drawn()).await;
    sent(&world, &observer, &whole, drawn()).await;
    until(&world, &admin, |now| now["completed"] == 1).await;
    assert_eq!(jobs(&world, &admin).await[0]["sha256"], json!(whole));
    sent(&world, &observer, &sha256(last), last).await;
    until(&world, &admin, |now| now["completed"] == 2).await;
    assert_eq!(kinds(&world).await, ["imported", "imported", "read", "read"]);
    let pulled = world
        .get("/api/sync/pull?after=0&limit=100", &validator.access)
        .await
        .data();
    let events = pulled["events"].as_array().unwrap();
    let event = events.iter().rfind(|event| event["form"] == form).unwrap();
    let read: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(read["reading"]["pages"].as_array().unwrap().len(), pages.len());
    let (whole, _) = look("acta.pdf", draw(7, Family::Camara2022), &FileRules::default()).unwrap();
    let whole = open_reader(None).unwrap().read(&whole).unwrap().reading;
    let values = |reading: &FormReading| -> Vec<_> { reading.fields.iter().map(|field| field.value).collect() };
    let read = castor_wire::parse::reading(&read["reading"].to_string()).unwrap();
    assert_eq!(values(&read), values(&whole), "as from one file");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_files_beyond_the_rules_are_told_as_such() {
    let world = World::with(&[("E14_WORKERS", "1"), ("E14_PAGE_LIMIT", "1")]).await;
    let (observer, admin) = (world.user(Role::Observer).await, world.user(Role::Admin).await);
    let pages = [page(1), page(2)];
    let list: Vec<u8> = pages.iter().flat_map(Sha256::digest).collect();
    let form = imported(&world, &observer, &list).await;
    sent_as(&world, &observer, "pages", &form, &list).await;
    for page in &pages {
        sent(&world, &observer, &sha256(page), page).await;
    }
    until(&world, &admin, |now| now["failed"] == 1).await;
    assert_eq!(jobs(&world, &admin).await[0]["code"], "INP_007");
    assert_eq!(kinds(&world).await, ["imported", "unreadable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_found_no_room_or_whose_desk_did_not_read_it_is_read_later() {
    let world = World::with(&[("E14_WORKERS", "1"), ("E14_QUEUE_LIMIT", "1")]).await;
    let (observer, admin) = (world.user(Role::Observer).await, world.user(Role::Admin).await);
    let validator = world.user(Role::Validator).await;
    let held = world.post("/api/pipeline/pause", &admin.access, json!({})).await;
    assert_eq!(held.status, 200);
    let first = imported(&world, &observer, &page(1)).await;
    sent(&world, &observer, &first, &page(1)).await;
    until(&world, &admin, |now| now["queued"] == 1).await;
    let (second, own) = (
        imported(&world, &observer, &page(2)).await,
        imported(&world, &validator, &page(3)).await,
    );
    sent(&world, &observer, &second, &page(2)).await;
    sent(&world, &validator, &own, &page(3)).await;
    // Not resumed, which would read everything.
    let mut database = connect(&world.database).await;
    let idle = sqlx::query("UPDATE pipeline SET state = 'IDLE'");
    idle.execute(&mut database).await.unwrap();
    until(&world, &admin, |now| now["completed"] == 2).await;
    // Desks have some time for their own files.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(jobs(&world, &admin).await.len(), 2);
    let earlier = "UPDATE blob SET touched_at = touched_at - interval '1 hour'";
    sqlx::query(earlier).execute(&mut database).await.unwrap();
    until(&world, &admin, |now| now["completed"] == 3).await;
    let mut kinds = kinds(&world).await;
    kinds.sort();
    assert_eq!(kinds, ["imported", "imported", "imported", "read", "read", "read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_in_what_laptops_sent_and_reads_nothing_twice() {
    let world = World::with(&[("E14_WORKERS", "1")]).await;
    let (operator, admin) = (world.user(Role::Operator).await, world.user(Role::Admin).await);
    let read = world
        .upload("/api/e14/process", &operator.access, "acta.pdf", drawn(), &[])
        .await
        .data();
    // As if a desk with the same model had read it and sent its file to a server of an earlier version.
    sqlx::raw_sql("DELETE FROM job; DELETE FROM stored_file")
        .execute(&mut connect(&world.database).await)
        .await
        .unwrap();
    world.post("/api/pipeline/start", &admin.access, json!({})).await.data();
    until(&world, &admin, |now| now["completed"] == 1).await;
    let jobs = jobs(&world, &admin).await;
    assert_eq!(
        (jobs.len(), &jobs[0]["sha256"], &jobs[0]["priority"]),
        (1, &read["form_id"], &json!("LOW"))
    );
    assert_eq!(kinds(&world).await, ["imported", "read"], "the desk's reading stands");
}
