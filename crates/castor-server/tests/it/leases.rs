//! Who holds forms of the shared queue, who may say so, and taking them back.

use crate::world::{Answer, Signed, World, connect, send};
use castor_server::Service;
use castor_server::role::{Permission, Role};
use castor_server::route::Access;
use castor_server::routes;
use castor_testkit::review::{begun, says};
use castor_wire::event::{id_text, to_text};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn form(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

/// Sends forms that wait, from a laptop of its own; the laptop.
async fn forms(world: &World, who: &Signed, count: u8) -> Uuid {
    let client = Uuid::new_v4();
    let mut events = Vec::new();
    for n in 1..=count {
        let recorded = begun(u128::from(n) * 10)
            .into_iter()
            .chain([says(u128::from(n) * 10 + 5, 1, 4)]);
        for one in recorded {
            events.push(
                json!({ "counter": events.len() + 1, "id": id_text(one.id), "form": form(n), "at": one.at.0,
                                "by": one.by, "body": to_text(&one.event).unwrap() }),
            );
        }
    }
    let push = json!({ "protocol": 1, "client": client, "events": events });
    let answer = world.post("/api/sync/push", &who.access, push).await.data();
    for settled in answer["settled"].as_array().unwrap() {
        assert_eq!(settled["outcome"], "accepted", "{settled}");
    }
    client
}

async fn lease(world: &World, who: &Signed, client: Uuid, count: u8) -> Answer {
    let asked = json!({ "client": client, "count": count });
    world.post("/api/sync/lease", &who.access, asked).await
}

async fn listed(world: &World, who: &Signed, query: &str) -> Vec<Value> {
    let answer = world
        .get(&format!("/api/queue/leases{query}"), &who.access)
        .await
        .data();
    answer.as_array().unwrap().clone()
}

async fn delete(world: &World, who: &Signed, path: &str) -> Answer {
    send(world.request(Method::DELETE, path).bearer_auth(&who.access)).await
}

#[tokio::test]
async fn a_laptop_takes_and_gives_back_for_its_own_account_alone() {
    let world = World::new().await;
    let (ana, luz) = (world.user(Role::Validator).await, world.user(Role::Validator).await);
    let laptop = forms(&world, &ana, 2).await;
    assert_eq!(lease(&world, &ana, laptop, 2).await.data().as_array().unwrap().len(), 2);
    let is_refused = |answer: &Answer| {
        assert_eq!((answer.status, answer.code()), (403, "FORBIDDEN"));
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("SYNC_CLIENT"), "{message}");
    };
    is_refused(&lease(&world, &luz, laptop, 2).await);
    let back = json!({ "client": laptop, "forms": [form(1)] });
    is_refused(&world.post("/api/sync/release", &luz.access, back.clone()).await);
    assert_eq!(world.post("/api/sync/release", &ana.access, back).await.data(), 1);
    // A laptop that took before it sent anything is its account's from then on.
    let new = Uuid::new_v4();
    assert_eq!(lease(&world, &luz, new, 2).await.data().as_array().unwrap().len(), 1);
    assert_eq!(lease(&world, &ana, new, 2).await.code(), "FORBIDDEN");
    let push = json!({ "protocol": 1, "client": new, "events": [] });
    assert_eq!(
        world.post("/api/sync/push", &ana.access, push).await.code(),
        "FORBIDDEN"
    );
}

#[tokio::test]
async fn what_a_laptop_has_stays_with_it_when_it_asks_for_forms_of_elsewhere() {
    let world = World::new().await;
    let ana = world.user(Role::Validator).await;
    let laptop = forms(&world, &ana, 3).await;
    let of = async |departamento: &str, count: u8| {
        let asked = json!({ "client": laptop, "count": count, "departamento": departamento });
        world.post("/api/sync/lease", &ana.access, asked).await
    };
    let held = lease(&world, &ana, laptop, 2).await.data();
    let elsewhere = of("31", 3).await.data();
    let ids = |leases: &Value| -> Vec<String> {
        let mut ids: Vec<String> = leases
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["form"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&elsewhere), ids(&held), "nothing new there, nothing lost here");
    let wrong = of("5x", 3).await;
    assert_eq!(wrong.code(), "INVALID_REQUEST");
    assert_eq!(wrong.body["error"]["fields"][0]["field"], "departamento");
}

#[tokio::test]
async fn administrators_see_who_holds_what_and_until_when() {
    let world = World::new().await;
    let (admin, ana) = (world.user(Role::Admin).await, world.user(Role::Validator).await);
    assert!(listed(&world, &admin, "").await.is_empty());
    let laptop = forms(&world, &ana, 3).await;
    lease(&world, &ana, laptop, 2).await.data();
    let held = listed(&world, &admin, "").await;
    assert_eq!(held.len(), 2);
    let first = &held[0];
    assert_eq!(first["id"], form(1).as_str());
    assert_eq!(first["laptop"], laptop.to_string().as_str());
    assert_eq!(first["account"], ana.id.as_str());
    assert_eq!(
        (first["person"].as_str(), first["email"].as_str()),
        (Some("Ana Gómez"), Some(ana.email.as_str()))
    );
    assert_eq!(
        (first["name"].as_str(), first["corporacion"].as_str()),
        (Some("acta.pdf"), Some("ALCALDE"))
    );
    assert!(first["until"].is_string());

    let luz = world.user(Role::Validator).await;
    lease(&world, &luz, Uuid::new_v4(), 5).await.data();
    let all = listed(&world, &admin, "").await;
    assert_eq!(all.len(), 3);
    let mut paged = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let page = listed(&world, &admin, &query).await;
        let Some(last) = page.last() else { break };
        let text = |name: &str| last[name].as_str().unwrap().to_owned();
        query = format!("?limit=1&after_laptop={}&after_form={}", text("laptop"), text("id"));
        paged.extend(page);
    }
    assert_eq!(paged, all);

    let over = "UPDATE lease SET until = now() - interval '1 second'";
    sqlx::query(over)
        .execute(&mut connect(&world.database).await)
        .await
        .unwrap();
    assert!(
        listed(&world, &admin, "").await.is_empty(),
        "what has ended is lent to nobody"
    );
}

#[tokio::test]
async fn what_is_taken_back_is_free_for_the_next_and_written_down() {
    let world = World::new().await;
    let (admin, ana, luz) = (
        world.user(Role::Admin).await,
        world.user(Role::Validator).await,
        world.user(Role::Validator).await,
    );
    let laptop = forms(&world, &ana, 3).await;
    lease(&world, &ana, laptop, 3).await.data();
    let other = Uuid::new_v4();
    assert_eq!(lease(&world, &luz, other, 3).await.data(), json!([]));
    let of_form = format!("/api/queue/leases/form/{}", form(2));
    assert_eq!(delete(&world, &admin, &of_form).await.data(), json!({ "freed": 1 }));
    assert_eq!(delete(&world, &admin, &of_form).await.code(), "NOT_FOUND");
    assert_eq!(lease(&world, &luz, other, 3).await.data()[0]["form"], form(2).as_str());
    let of_laptop = format!("/api/queue/leases/laptop/{laptop}");
    assert_eq!(delete(&world, &admin, &of_laptop).await.data(), json!({ "freed": 2 }));
    assert_eq!(delete(&world, &admin, &of_laptop).await.code(), "NOT_FOUND");
    let held = listed(&world, &admin, "").await;
    assert_eq!((held.len(), held[0]["account"].as_str()), (1, Some(luz.id.as_str())));

    let log = world
        .get("/api/audit?action=pipeline.leases_taken_back", &admin.access)
        .await
        .data();
    let entries = log.as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["detail"], json!({ "laptop": laptop, "forms": 2 }));
    assert_eq!(entries[1]["detail"], json!({ "laptop": laptop, "form": form(2) }));
    for entry in entries {
        assert_eq!(entry["actor"], admin.id.as_str());
        assert_eq!(entry["subject_email"], ana.email.as_str());
    }
}

#[test]
fn seeing_and_taking_back_leases_is_for_who_manages_the_queue() {
    let table = routes(&Service::ALL.into()).table();
    let of_leases: Vec<_> = table
        .iter()
        .filter(|route| route.path.starts_with("/api/queue/leases"))
        .collect();
    assert_eq!(of_leases.len(), 3);
    for route in of_leases {
        assert_eq!(
            route.rule.access,
            Access::Needs(Permission::ManagePipeline),
            "{}",
            route.path
        );
    }
    assert!(
        Role::ALL
            .iter()
            .all(|role| role.may(Permission::ManagePipeline) == (*role == Role::Admin))
    );
}
