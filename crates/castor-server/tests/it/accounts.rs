//! Registration, sign-in, tokens, administration.

use crate::world::{PASSWORD, World};
use castor_server::role::Role;
use serde_json::json;

fn registration(email: &str, password: &str) -> serde_json::Value {
    json!({ "email": email, "password": password, "first_name": "Ana", "last_name": "Gómez", "phone": "+57 300 123 4567" })
}

#[tokio::test]
async fn a_registered_person_is_a_viewer_and_signed_in() {
    let world = World::new().await;
    let answer = world
        .post("/api/auth/register", "", registration("Ana@Example.org", PASSWORD))
        .await;
    assert_eq!(answer.status, 201);
    let signed = answer.signed();
    let me = world.get("/api/auth/me", &signed.access).await.data();
    assert_eq!(me["email"], "Ana@Example.org");
    assert_eq!(me["role"], "VIEWER");
    assert_eq!(me["permissions"], json!(["view_results", "view_stats"]));
    assert_eq!(world.login("ana@example.ORG", PASSWORD).await.status, 200);
    let again = world
        .post("/api/auth/register", "", registration("ana@example.org", PASSWORD))
        .await;
    assert_eq!((again.status, again.code()), (409, "ALREADY_EXISTS"));
}

#[tokio::test]
async fn a_registration_hears_of_all_its_faults_at_once() {
    let world = World::new().await;
    let mut new = registration("ana.example.org", "corta");
    new["first_name"] = json!(" ");
    new["phone"] = json!("call me");
    let answer = world.post("/api/auth/register", "", new).await;
    assert_eq!((answer.status, answer.code()), (400, "INVALID_REQUEST"));
    let fields: Vec<&str> = answer.body["error"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["email", "password", "first_name", "phone"]);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let world = World::new().await;
    let first = world.user(Role::Operator).await;
    let refresh = |token: &str| world.post("/api/auth/refresh", "", json!({ "refresh_token": token }));
    let second = refresh(&first.refresh).await.signed();
    assert_eq!(world.get("/api/auth/me", &second.access).await.status, 200);
    assert_eq!(refresh(&first.refresh).await.code(), "UNAUTHENTICATED");
    assert_eq!(refresh(&second.refresh).await.code(), "UNAUTHENTICATED");
    assert_eq!(
        world.get("/api/auth/me", &second.access).await.code(),
        "UNAUTHENTICATED"
    );
    assert_eq!(world.login(&first.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn two_uses_of_one_refresh_token_at_once_do_not_both_work() {
    let world = World::new().await;
    let signed = world.user(Role::Operator).await;
    let body = json!({ "refresh_token": signed.refresh });
    let both = tokio::join!(
        world.post("/api/auth/refresh", "", body.clone()),
        world.post("/api/auth/refresh", "", body.clone())
    );
    let good = [both.0.status, both.1.status]
        .iter()
        .filter(|status| **status == 200)
        .count();
    assert_eq!(good, 1);
    assert_eq!(
        world.get("/api/auth/me", &signed.access).await.code(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn refresh_tokens_and_passwords_are_not_in_the_database() {
    let world = World::new().await;
    let signed = world.user(Role::Operator).await;
    let mut connection = crate::world::connect(&world.database).await;
    let tables = ["users", "session", "encode(hash, 'hex') FROM refresh_token", "audit"];
    for table in tables {
        let query = if table.contains("FROM") {
            format!("SELECT {table}")
        } else {
            format!("SELECT t::text FROM {table} t")
        };
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert!(!rows.is_empty(), "{table}");
        for row in rows {
            assert!(
                !row.contains(&signed.refresh) && !row.contains(PASSWORD),
                "{table}: {row}"
            );
            assert!(table != "audit" || !row.contains(&signed.email), "{row}");
        }
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once_and_everywhere_ends_all() {
    let world = World::new().await;
    let one = world.user(Role::Operator).await;
    let two = world.login(&one.email, PASSWORD).await.signed();
    assert_eq!(
        world
            .get("/api/auth/sessions", &one.access)
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        world.post("/api/auth/logout", &one.access, json!({})).await.data(),
        json!({ "ended": 1 })
    );
    assert_eq!(world.get("/api/auth/me", &one.access).await.code(), "UNAUTHENTICATED");
    let refreshed = world
        .post("/api/auth/refresh", "", json!({ "refresh_token": one.refresh }))
        .await;
    assert_eq!(refreshed.code(), "UNAUTHENTICATED");
    let three = world.login(&one.email, PASSWORD).await.signed();
    assert_eq!(
        world
            .post("/api/auth/logout-all", &three.access, json!({}))
            .await
            .data(),
        json!({ "ended": 2 })
    );
    for token in [two.access, three.access] {
        assert_eq!(world.get("/api/auth/me", &token).await.code(), "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn guessing_passwords_has_to_wait_longer_and_longer_and_tells_nothing() {
    let world = World::new().await;
    let user = world.user(Role::Viewer).await;
    for email in [user.email.as_str(), "nobody@example.org"] {
        for attempt in 1..=5 {
            let answer = world.login(email, "not the password").await;
            assert_eq!(
                (answer.status, answer.code()),
                (401, "INVALID_CREDENTIALS"),
                "{email} {attempt}"
            );
        }
        let answer = world.login(email, PASSWORD).await;
        assert_eq!((answer.status, answer.code()), (429, "TOO_MANY_ATTEMPTS"), "{email}");
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((25..=30).contains(&wait), "{wait}");
    }
    let mut connection = crate::world::connect(&world.database).await;
    let over = "UPDATE sign_in_guard SET locked_until = now() - interval '1 second'";
    let locked = "SELECT round(extract(epoch FROM max(locked_until) - now()))::bigint FROM sign_in_guard";
    let mut waits = Vec::new();
    for _ in 0..7 {
        sqlx::query(over).execute(&mut connection).await.unwrap();
        assert_eq!(
            world.login(&user.email, "not the password").await.code(),
            "INVALID_CREDENTIALS"
        );
        waits.push(
            sqlx::query_scalar::<_, i64>(locked)
                .fetch_one(&mut connection)
                .await
                .unwrap(),
        );
    }
    assert_eq!(waits, [60, 120, 240, 480, 900, 900, 900]);
    sqlx::query(over).execute(&mut connection).await.unwrap();
    assert_eq!(world.login(&user.email, PASSWORD).await.status, 200);
    assert_eq!(
        world.login(&user.email, "not the password").await.code(),
        "INVALID_CREDENTIALS"
    );
    assert_eq!(
        world.login(&user.email, PASSWORD).await.status,
        200,
        "a good sign-in forgets the failures"
    );
}

#[tokio::test]
async fn an_unknown_account_takes_as_long_as_a_wrong_password() {
    let world = World::new().await;
    let user = world.user(Role::Viewer).await;
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..8 {
        let unknown = format!("nobody{round}@example.org");
        for (email, times) in [user.email.as_str(), unknown.as_str()].into_iter().zip(&mut times) {
            let mut connection = crate::world::connect(&world.database).await;
            sqlx::query("DELETE FROM sign_in_guard")
                .execute(&mut connection)
                .await
                .unwrap();
            let began = std::time::Instant::now();
            assert_eq!(
                world.login(email, "not the password").await.code(),
                "INVALID_CREDENTIALS"
            );
            times.push(began.elapsed().as_secs_f64());
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let [known, unknown] = &mut times;
    let (known, unknown) = (median(known), median(unknown));
    assert!(
        unknown > known * 0.5 && known > unknown * 0.5,
        "{known} s against {unknown} s"
    );
}

#[tokio::test]
async fn an_administrator_makes_changes_and_closes_accounts_and_it_is_written_down() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let mut new = registration("luz@example.org", PASSWORD);
    new["role"] = json!("OPERATOR");
    let made = world.post("/api/users", &admin.access, new).await;
    assert_eq!(made.status, 201);
    let id = made.data()["id"].as_str().unwrap().to_owned();
    let luz = world.login("luz@example.org", PASSWORD).await.signed();
    let path = format!("/api/users/{id}");
    let changed = world
        .patch(&path, &admin.access, json!({ "role": "VALIDATOR" }))
        .await
        .data();
    assert_eq!(changed["role"], "VALIDATOR");
    assert_eq!(
        world.get("/api/auth/me", &luz.access).await.data()["role"],
        "VALIDATOR",
        "at once"
    );
    assert_eq!(
        world
            .get("/api/users", &admin.access)
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let page = world
        .get(&format!("/api/users?limit=1&before={id}"), &admin.access)
        .await
        .data();
    assert_eq!(page[0]["id"], admin.id.as_str());
    assert_eq!(
        world
            .patch(&path, &admin.access, json!({ "active": false }))
            .await
            .data()["active"],
        false
    );
    assert_eq!(world.get("/api/auth/me", &luz.access).await.code(), "UNAUTHENTICATED");
    assert_eq!(
        world.login("luz@example.org", PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );
    let auditor = world.user(Role::Auditor).await;
    let log = world.get("/api/audit?limit=100", &auditor.access).await.data();
    let of = |action: &str| {
        log.as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["action"] == action)
            .count()
    };
    assert_eq!(
        (
            of("admin.user_changed"),
            of("auth.registered"),
            of("auth.sign_in_failed")
        ),
        (2, 3, 1)
    );
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let path = format!("/api/users/{}", admin.id);
    for change in [json!({ "role": "VIEWER" }), json!({ "active": false })] {
        assert_eq!(world.patch(&path, &admin.access, change).await.code(), "CONFLICT");
    }
    world.user(Role::Admin).await;
    assert_eq!(
        world
            .patch(&path, &admin.access, json!({ "role": "VIEWER" }))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn changing_the_password_needs_the_present_one_and_ends_every_session() {
    let world = World::new().await;
    let user = world.user(Role::Operator).await;
    let change = |current: &str, new: &str| {
        world.post(
            "/api/auth/password",
            &user.access,
            json!({ "current": current, "new": new }),
        )
    };
    assert_eq!(
        change("not the password", "otra frase muy larga").await.code(),
        "INVALID_CREDENTIALS"
    );
    assert_eq!(change(PASSWORD, "corta").await.code(), "INVALID_REQUEST");
    assert_eq!(
        change(PASSWORD, "otra frase muy larga").await.data(),
        json!({ "ended": 1 })
    );
    assert_eq!(world.get("/api/auth/me", &user.access).await.code(), "UNAUTHENTICATED");
    assert_eq!(world.login(&user.email, "otra frase muy larga").await.status, 200);
}

#[tokio::test]
async fn a_closed_server_takes_no_registrations() {
    let world = World::with(&[("CASTOR_REGISTRATION", "closed")]).await;
    let answer = world
        .post("/api/auth/register", "", registration("ana@example.org", PASSWORD))
        .await;
    assert_eq!((answer.status, answer.code()), (403, "REGISTRATION_CLOSED"));
}

#[tokio::test]
async fn the_audit_log_cannot_be_changed() {
    let world = World::new().await;
    world.user(Role::Viewer).await;
    let mut connection = crate::world::connect(&world.database).await;
    for statement in ["UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit"] {
        assert!(
            sqlx::query(statement).execute(&mut connection).await.is_err(),
            "{statement}"
        );
    }
}
