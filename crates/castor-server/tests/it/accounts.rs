//! Registration, sign-in, tokens, administration.

use crate::world::{PASSWORD, World, connect, waiting};
use castor_server::role::Role;
use castor_sync::{HttpTransport, Keep, Kept, ServerUrl, SignIn, SyncError, Tokens, Transport};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

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
async fn a_renewal_whose_answer_was_lost_is_asked_for_again() {
    let world = World::new().await;
    let user = world.user(Role::Validator).await;
    let refresh = |token: &str, next: &str| {
        let body = json!({ "refresh_token": token, "next": next });
        world.post("/api/auth/refresh", "", body)
    };
    let [second, third, foreign] = ["a", "b", "c"].map(|digit| digit.repeat(64));
    assert_eq!(refresh(&user.refresh, "short").await.code(), "INVALID_REQUEST");
    assert_eq!(refresh(&user.refresh, &user.refresh).await.code(), "INVALID_REQUEST");
    for _ in 0..3 {
        let again = refresh(&user.refresh, &second).await.signed();
        assert_eq!(again.refresh, second);
        assert_eq!(world.get("/api/auth/me", &again.access).await.status, 200);
    }
    let last = refresh(&second, &third).await.signed();
    assert_eq!(last.refresh, third);
    // What came of the first one has been used: whoever shows it now is somebody else.
    assert_eq!(refresh(&user.refresh, &second).await.code(), "UNAUTHENTICATED");
    assert_eq!(
        refresh(&third, &foreign).await.code(),
        "UNAUTHENTICATED",
        "the session has ended"
    );
    assert_eq!(world.get("/api/auth/me", &last.access).await.code(), "UNAUTHENTICATED");
    let (one, two) = (world.user(Role::Validator).await, world.user(Role::Validator).await);
    assert_eq!(refresh(&one.refresh, &foreign).await.status, 200);
    assert_eq!(
        refresh(&two.refresh, &foreign).await.status,
        409,
        "a token of another session is none to name"
    );
}

/// A laptop that is killed after the server renewed its sign-in and before it could keep that.
#[tokio::test]
async fn a_laptop_goes_on_with_the_tokens_of_before_a_renewal_that_it_could_not_keep() {
    let world = World::new().await;
    let user = world.user(Role::Validator).await;
    let client = Uuid::now_v7().to_string();
    let url = ServerUrl::parse(&world.url).unwrap();
    let kept: Arc<Mutex<Option<Kept>>> = Arc::default();
    let keeper = || -> Keep {
        let kept = Arc::clone(&kept);
        Box::new(move |now| {
            *kept.lock().unwrap() = Some(now);
            Box::pin(async { Ok(()) })
        })
    };
    let sign_in = SignIn {
        email: &user.email,
        password: PASSWORD,
    };
    let transport = HttpTransport::sign_in(url.clone(), &sign_in, keeper()).await.unwrap();
    let before = transport.kept().await;
    for _ in 0..2 {
        // What is kept is lost with the laptop.
        let lost: Keep = Box::new(|_| Box::pin(async { Ok(()) }));
        let killed = HttpTransport::resume(url.clone(), before.clone(), lost).unwrap();
        killed.state(&client).await.unwrap();
    }
    let text = before.tokens.text();
    let again = Kept {
        tokens: Tokens::parse(&text),
        account: before.account.clone(),
    };
    let resumed = HttpTransport::resume(url.clone(), again, keeper()).unwrap();
    resumed.state(&client).await.unwrap();
    let after = kept.lock().unwrap().clone().unwrap();
    assert_ne!(after.tokens.text(), text);
    let next = HttpTransport::resume(url.clone(), after, keeper()).unwrap();
    next.state(&client).await.unwrap();
    // Once they were used, the former ones are somebody else's.
    let stolen = HttpTransport::resume(url, before, keeper()).unwrap();
    assert!(matches!(stolen.state(&client).await, Err(SyncError::SignedOut(_))));
    assert!(next.state(&client).await.is_err(), "the session has ended");
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
    let mut connection = connect(&world.database).await;
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
    let mut connection = connect(&world.database).await;
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
    let due = [60, 120, 240, 480, 900, 900, 900];
    // They run from before the password was looked at, which takes its time.
    let fits = |(waits, due): (&i64, &i64)| (due - 10..=*due).contains(waits);
    assert!(
        waits.len() == due.len() && waits.iter().zip(&due).all(fits),
        "{waits:?}"
    );
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
async fn guesses_at_the_same_moment_count_as_those_one_after_the_other() {
    let world = World::with(&[("CASTOR_DATABASE_CONNECTIONS", "40")]).await;
    let user = world.user(Role::Viewer).await;
    let guesses = (0..30).map(|_| world.login(&user.email, "not the password"));
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(looked_at, 5, "passwords that were looked at");
    assert!(answers.iter().all(|answer| [401, 429].contains(&answer.status)));
    let admin = world.user(Role::Admin).await;
    let path = format!("/api/users/{}/password", user.id);
    let given = "una frase para empezar";
    let reset = world.post(&path, &admin.access, json!({ "password": given })).await;
    assert_eq!(reset.status, 200);
    assert_eq!(
        world.login(&user.email, given).await.code(),
        "PASSWORD_CHANGE_REQUIRED",
        "the administrator's password opens the account to all addresses"
    );
}

#[tokio::test]
async fn right_passwords_at_the_same_moment_are_not_taken_for_guesses() {
    let world = World::new().await;
    let user = world.user(Role::Viewer).await;
    for _ in 0..25 {
        let both = tokio::join!(world.login(&user.email, PASSWORD), world.login(&user.email, PASSWORD));
        assert_eq!((both.0.status, both.1.status), (200, 200), "{both:?}");
    }
}

#[tokio::test]
async fn the_present_password_cannot_be_guessed_with_a_stolen_token() {
    let world = World::new().await;
    let user = world.user(Role::Viewer).await;
    let change = |current: &'static str| {
        let body = json!({ "current": current, "new": "otra frase muy larga" });
        world.post("/api/auth/password", &user.access, body)
    };
    for _ in 0..5 {
        assert_eq!(change("not the password").await.code(), "INVALID_CREDENTIALS");
    }
    assert_eq!(change(PASSWORD).await.code(), "TOO_MANY_ATTEMPTS");
    let auditor = world.user(Role::Auditor).await;
    let log = world.get("/api/audit?limit=100", &auditor.access).await.data();
    let failed = log.as_array().unwrap().iter();
    assert_eq!(
        failed.filter(|entry| entry["action"] == "auth.sign_in_failed").count(),
        5
    );
}

#[tokio::test]
async fn letters_of_any_alphabet_are_one_in_capitals_and_small() {
    let world = World::new().await;
    let made = world
        .post("/api/auth/register", "", registration("Ñandú@example.org", PASSWORD))
        .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(world.login("ñANDÚ@example.org", PASSWORD).await.status, 200);
    let again = registration("ÑANDÚ@example.org", PASSWORD);
    assert_eq!(world.post("/api/auth/register", "", again).await.status, 409);
}

#[tokio::test]
async fn an_unknown_account_takes_as_long_as_a_wrong_password() {
    let world = World::new().await;
    let user = world.user(Role::Viewer).await;
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..8 {
        let unknown = format!("nobody{round}@example.org");
        for (email, times) in [user.email.as_str(), unknown.as_str()].into_iter().zip(&mut times) {
            let mut connection = connect(&world.database).await;
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
    // Whatever else the machine does only adds to it.
    let [known, unknown] = times.map(|times| times.into_iter().fold(f64::INFINITY, f64::min));
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

/// Holds an account as somebody who changes it does: what is committed with it comes before whoever waits.
async fn held<'a>(holder: &'a mut sqlx::PgConnection, email: &str) -> sqlx::Transaction<'a, sqlx::Postgres> {
    let mut transaction = sqlx::Connection::begin(holder).await.unwrap();
    sqlx::query("SELECT FROM users WHERE email = $1 FOR UPDATE")
        .bind(email)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    transaction
}

#[tokio::test]
async fn no_session_begins_with_a_password_that_was_replaced_while_it_was_verified() {
    let world = World::new().await;
    let user = world.user(Role::Operator).await;
    let (mut holder, mut watcher) = (connect(&world.database).await, connect(&world.database).await);
    for replaced in ["password_hash = 'another'", "active = false"] {
        let original: String = sqlx::query_scalar("SELECT password_hash FROM users WHERE email = $1")
            .bind(&user.email)
            .fetch_one(&mut watcher)
            .await
            .unwrap();
        let mut transaction = held(&mut holder, &user.email).await;
        let replace = async {
            waiting(&mut watcher, 1).await;
            let change = format!("UPDATE users SET {replaced} WHERE email = $1");
            let change = sqlx::query(sqlx::AssertSqlSafe(change)).bind(&user.email);
            change.execute(&mut *transaction).await.unwrap();
            let ended = "UPDATE session SET revoked_at = now(), revoked_why = 'administrator' WHERE revoked_at IS NULL";
            sqlx::query(ended).execute(&mut *transaction).await.unwrap();
            transaction.commit().await.unwrap();
        };
        let (answer, ()) = tokio::join!(world.login(&user.email, PASSWORD), replace);
        assert_eq!(answer.code(), "INVALID_CREDENTIALS", "{replaced}");
        let standing: i64 = sqlx::query_scalar("SELECT count(*) FROM session WHERE revoked_at IS NULL")
            .fetch_one(&mut watcher)
            .await
            .unwrap();
        assert_eq!(standing, 0, "{replaced}");
        sqlx::query("UPDATE users SET password_hash = $1 WHERE email = $2")
            .bind(original)
            .bind(&user.email)
            .execute(&mut watcher)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_temporary_password_is_spent_once_also_by_two_at_the_same_moment() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Operator).await);
    let given = json!({ "password": "temporal-9f3k-2x7q" });
    let path = format!("/api/users/{}/password", user.id);
    assert_eq!(world.post(&path, &admin.access, given).await.status, 200);
    let login = |next: &'static str| {
        let body = json!({ "email": user.email, "password": "temporal-9f3k-2x7q", "new_password": next });
        world.post("/api/auth/login", "", body)
    };
    let (mut holder, mut watcher) = (connect(&world.database).await, connect(&world.database).await);
    let transaction = held(&mut holder, &user.email).await;
    let release = async {
        waiting(&mut watcher, 2).await;
        transaction.commit().await.unwrap();
    };
    let (one, other, ()) = tokio::join!(login("una frase que es mía"), login("una frase que es suya"), release);
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{one:?} {other:?}");
    let sessions = world
        .get(&format!("/api/users/{}/sessions", user.id), &admin.access)
        .await;
    assert_eq!(sessions.data().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_changes_of_a_password_at_the_same_moment_one_counts() {
    let world = World::new().await;
    let user = world.user(Role::Operator).await;
    let change = |next: &'static str| {
        let body = json!({ "current": PASSWORD, "new": next });
        world.post("/api/auth/password", &user.access, body)
    };
    let (mut holder, mut watcher) = (connect(&world.database).await, connect(&world.database).await);
    let transaction = held(&mut holder, &user.email).await;
    let release = async {
        waiting(&mut watcher, 2).await;
        transaction.commit().await.unwrap();
    };
    let nexts = ["una frase que es mía", "una frase que es suya"];
    let (one, other, ()) = tokio::join!(change(nexts[0]), change(nexts[1]), release);
    let (good, bad) = if one.status == 200 {
        (nexts[0], &other)
    } else {
        (nexts[1], &one)
    };
    assert_eq!(bad.code(), "INVALID_CREDENTIALS");
    assert_eq!(world.login(&user.email, good).await.status, 200);
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
    let mut connection = connect(&world.database).await;
    for statement in ["UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit"] {
        assert!(
            sqlx::query(statement).execute(&mut connection).await.is_err(),
            "{statement}"
        );
    }
}

#[tokio::test]
async fn a_person_corrects_their_own_data_and_the_log_says_which_and_not_what() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Validator).await);
    let change = json!({ "last_name": "Peña", "phone": "+57 300 123 45 67", "whatsapp_opt_in": true });
    let corrected = world.patch("/api/auth/me", &user.access, change).await.data();
    assert_eq!(
        [
            &corrected["first_name"],
            &corrected["last_name"],
            &corrected["phone"],
            &corrected["whatsapp_opt_in"]
        ],
        [&json!("Ana"), &json!("Peña"), &json!("+57 300 123 45 67"), &json!(true)]
    );
    let taken_away = json!({ "phone": "", "last_name": "Peña" });
    let corrected = world.patch("/api/auth/me", &user.access, taken_away).await.data();
    assert_eq!(corrected["phone"], Value::Null);
    assert_eq!(world.get("/api/auth/me", &user.access).await.data(), corrected);
    assert_eq!(world.patch("/api/auth/me", &user.access, json!({})).await.status, 200);
    let log = world
        .get("/api/audit?action=auth.account_corrected", &admin.access)
        .await
        .data();
    let fields: Vec<&Value> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["detail"]["fields"])
        .collect();
    assert_eq!(fields, [&json!("phone"), &json!("last_name, phone, whatsapp_opt_in")]);
    for (field, value) in [
        ("first_name", json!("")),
        ("last_name", json!("x".repeat(101))),
        ("phone", json!("123")),
        ("whatsapp_number", json!("no number")),
        ("campaign_role", json!(" ")),
    ] {
        let refused = world.patch("/api/auth/me", &user.access, json!({ field: value })).await;
        assert_eq!(refused.code(), "INVALID_REQUEST", "{field}");
        assert_eq!(refused.body["error"]["fields"][0]["field"], field);
    }
    assert_eq!(world.get("/api/auth/me", &user.access).await.data(), corrected);
}

#[tokio::test]
async fn a_closed_account_is_deleted_once_its_last_tokens_have_ended() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Validator).await);
    let path = format!("/api/users/{}", user.id);
    assert_eq!(
        world.delete(&path, &admin.access).await.code(),
        "CONFLICT",
        "it is open"
    );
    let closed = world.patch(&path, &admin.access, json!({ "active": false })).await;
    assert_eq!(closed.status, 200);
    let early = world.delete(&path, &admin.access).await;
    assert_eq!(early.code(), "CONFLICT", "services apart may not know yet");
    let mut database = connect(&world.database).await;
    sqlx::query("UPDATE session SET revoked_at = revoked_at - interval '2 hours' WHERE revoked_at IS NOT NULL")
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(world.delete(&path, &admin.access).await.data()["id"], user.id.as_str());
    assert_eq!(world.delete(&path, &admin.access).await.code(), "NOT_FOUND");
    assert_eq!(world.get("/api/auth/me", &user.access).await.code(), "UNAUTHENTICATED");
    for table in ["users WHERE email", "session WHERE user_id::text"] {
        let sql = format!("SELECT count(*) FROM {table} IN ($1, $2)");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(&user.email)
            .bind(&user.id)
            .fetch_one(&mut database)
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let log = world
        .get("/api/audit?action=admin.user_deleted", &admin.access)
        .await
        .data();
    assert_eq!(log[0]["subject"], user.id.as_str());
    assert_eq!(log[0]["subject_email"], Value::Null);
}
