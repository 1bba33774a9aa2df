//! What the console in a browser needs: its files, its cookie, and what administrators look at.

use crate::world::{Answer, PASSWORD, Signed, World, send};
use castor_server::exposition::{Histogram, Within, read};
use castor_server::role::Role;
use reqwest::Method;
use serde_json::{Value, json};

const OWN: &str = "una frase que es solo mía";

/// The first part of the cookie that an answer sets, and its attributes.
fn cookie(answer: &Answer) -> (String, String) {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    let (pair, attributes) = set.split_once("; ").unwrap();
    (pair.to_owned(), attributes.to_owned())
}

/// A request of a page of this server, with the cookie.
async fn from_page(world: &World, path: &str, cookie: &str, body: Value) -> Answer {
    let request = world
        .request(Method::POST, path)
        .header("sec-fetch-site", "same-origin");
    send(request.header("cookie", cookie).json(&body)).await
}

async fn browser_login(world: &World, user: &Signed) -> Answer {
    let body = json!({ "email": user.email, "password": PASSWORD });
    from_page(world, "/api/auth/browser/login", "", body).await
}

#[tokio::test]
async fn a_browser_gets_its_refresh_token_in_a_cookie_that_scripts_cannot_read() {
    let world = World::new().await;
    let user = world.user(Role::Admin).await;
    let answer = browser_login(&world, &user).await;
    let (first, attributes) = cookie(&answer);
    assert_eq!(
        attributes,
        "Path=/api/auth/browser; HttpOnly; SameSite=Strict; Max-Age=604800"
    );
    let data = answer.data();
    assert_eq!(data["user"]["email"], user.email.as_str());
    assert!(data["access_token"].is_string() && data.get("refresh_token").is_none());

    let again = from_page(&world, "/api/auth/browser/refresh", &first, json!({})).await;
    let (second, _) = cookie(&again);
    assert_ne!(first, second);
    let access = again.data()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get("/api/auth/me", &access).await.status, 200);

    let out = from_page(&world, "/api/auth/browser/logout", &second, json!({})).await;
    assert!(cookie(&out).1.contains("Max-Age=0"));
    assert_eq!(out.data(), json!({ "ended": 1 }));
    assert_eq!(world.get("/api/auth/me", &access).await.code(), "UNAUTHENTICATED");
    let twice = from_page(&world, "/api/auth/browser/logout", &second, json!({})).await;
    assert_eq!(twice.data(), json!({ "ended": 0 }));
}

#[tokio::test]
async fn a_cookie_whose_answer_was_lost_is_asked_with_again() {
    let world = World::new().await;
    let user = world.user(Role::Admin).await;
    let (mut held, _) = cookie(&browser_login(&world, &user).await);
    for _ in 0..3 {
        // The page is loaded anew twice before an answer comes.
        for _ in 0..2 {
            let lost = from_page(&world, "/api/auth/browser/refresh", &held, json!({})).await;
            assert_eq!(lost.status, 200, "{lost:?}");
        }
        let heard = from_page(&world, "/api/auth/browser/refresh", &held, json!({})).await;
        (held, _) = cookie(&heard);
        let access = heard.data()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(world.get("/api/auth/me", &access).await.status, 200);
    }
    let log = world.get("/api/audit?action=security.", &user.access).await.data();
    assert_eq!(log, json!([]), "nobody is taken for a thief");
}

#[tokio::test]
async fn a_cookie_of_a_former_version_is_good_once() {
    let world = World::new().await;
    let user = world.user(Role::Admin).await;
    let former = format!("castor_refresh={}", user.refresh);
    let (second, _) = cookie(&from_page(&world, "/api/auth/browser/refresh", &former, json!({})).await);
    let third = from_page(&world, "/api/auth/browser/refresh", &second, json!({})).await;
    assert_eq!(third.status, 200);
    let stale = from_page(&world, "/api/auth/browser/refresh", &former, json!({})).await;
    assert_eq!(stale.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_cookie_that_comes_back_once_its_next_was_used_ends_the_session() {
    let world = World::new().await;
    let user = world.user(Role::Admin).await;
    let (first, _) = cookie(&browser_login(&world, &user).await);
    let (second, _) = cookie(&from_page(&world, "/api/auth/browser/refresh", &first, json!({})).await);
    // A thief who had the first cookie before it was used shows it after its owner did.
    let (stolen, _) = cookie(&from_page(&world, "/api/auth/browser/refresh", &first, json!({})).await);
    let (third, _) = cookie(&from_page(&world, "/api/auth/browser/refresh", &second, json!({})).await);
    for stale in [&stolen, &third, &first] {
        let answer = from_page(&world, "/api/auth/browser/refresh", stale, json!({})).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"));
    }
}

#[tokio::test]
async fn other_sites_cannot_use_the_cookie_and_tls_keeps_it_on_tls() {
    let world = World::new().await;
    let user = world.user(Role::Admin).await;
    let (first, _) = cookie(&browser_login(&world, &user).await);
    for site in ["cross-site", "same-site", "none"] {
        let request = world.request(Method::POST, "/api/auth/browser/refresh");
        let request = request.header("sec-fetch-site", site).header("cookie", &first);
        assert_eq!(send(request.json(&json!({}))).await.code(), "FORBIDDEN", "{site}");
    }
    // What a form of another site can send is not JSON.
    let request = world
        .request(Method::POST, "/api/auth/browser/refresh")
        .header("cookie", &first);
    let request = request.header("content-type", "text/plain").body("{}");
    assert_eq!(send(request).await.code(), "UNSUPPORTED_MEDIA_TYPE");
    let request = world
        .request(Method::POST, "/api/auth/browser/refresh")
        .header("cookie", &first);
    let answer = send(request.header("origin", "https://castor.example.org").json(&json!({}))).await;
    assert!(cookie(&answer).1.ends_with("; Secure"), "{answer:?}");
}

#[tokio::test]
async fn a_temporary_password_opens_nothing_but_its_change() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Operator).await);
    let path = format!("/api/users/{}/password", user.id);
    let short = world.post(&path, &admin.access, json!({ "password": "corta" })).await;
    assert_eq!(short.code(), "INVALID_REQUEST");
    let reset = world
        .post(&path, &admin.access, json!({ "password": "temporal-9f3k-2x7q" }))
        .await;
    assert!(reset.data()["password_until"].is_string());
    assert_eq!(world.get("/api/auth/me", &user.access).await.code(), "UNAUTHENTICATED");
    assert_eq!(world.login(&user.email, PASSWORD).await.code(), "INVALID_CREDENTIALS");

    let login = |password: &str, next: Option<&str>| {
        let body = json!({ "email": user.email, "password": password, "new_password": next });
        world.post("/api/auth/login", "", body)
    };
    let told = login("temporal-9f3k-2x7q", None).await;
    assert_eq!((told.status, told.code()), (403, "PASSWORD_CHANGE_REQUIRED"));
    for next in ["corta", "temporal-9f3k-2x7q"] {
        let refused = login("temporal-9f3k-2x7q", Some(next)).await;
        assert_eq!(
            refused.body["error"]["fields"][0]["field"], "new_password",
            "{refused:?}"
        );
    }
    assert_eq!(login("not the password", Some(OWN)).await.code(), "INVALID_CREDENTIALS");
    assert_eq!(login("temporal-9f3k-2x7q", Some(OWN)).await.status, 200);
    assert_eq!(
        login("temporal-9f3k-2x7q", Some(OWN)).await.code(),
        "INVALID_CREDENTIALS"
    );
    let own = login(OWN, None).await;
    assert_eq!(own.data()["user"]["password_until"], Value::Null);
    assert_eq!(login(OWN, Some("otra frase muy larga")).await.code(), "INVALID_REQUEST");
}

#[tokio::test]
async fn a_temporary_password_runs_out() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let new = json!({ "email": "luz@example.org", "password": PASSWORD, "first_name": "Luz", "last_name": "Díaz",
                      "role": "VALIDATOR", "temporary": true });
    let made = world.post("/api/users", &admin.access, new).await.data();
    assert!(made["password_until"].is_string());
    assert_eq!(
        world.login("luz@example.org", PASSWORD).await.code(),
        "PASSWORD_CHANGE_REQUIRED"
    );
    let mut connection = crate::world::connect(&world.database).await;
    let over = "UPDATE users SET password_until = now() - interval '1 second' WHERE password_until IS NOT NULL";
    sqlx::query(over).execute(&mut connection).await.unwrap();
    let body = json!({ "email": "luz@example.org", "password": PASSWORD, "new_password": OWN });
    assert_eq!(
        world.post("/api/auth/login", "", body).await.code(),
        "INVALID_CREDENTIALS"
    );
}

#[tokio::test]
async fn accounts_are_found_by_part_of_their_name_without_accents() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    for (email, last, role) in [
        ("a@example.org", "Núñez", "OPERATOR"),
        ("b@example.org", "Nunes", "VIEWER"),
    ] {
        let new =
            json!({ "email": email, "password": PASSWORD, "first_name": "Inés", "last_name": last, "role": role });
        assert_eq!(world.post("/api/users", &admin.access, new).await.status, 201);
    }
    for (query, count) in [
        ("", 3),
        ("?search=nun", 2),
        ("?search=INES%20NU%C3%91EZ", 1),
        ("?search=B@EX", 1),
        ("?search=%25", 0),
        ("?search=nun&role=VIEWER", 1),
        ("?active=false", 0),
        ("?role=ADMIN&active=true", 1),
    ] {
        let listed = world.get(&format!("/api/users{query}"), &admin.access).await.data();
        assert_eq!(listed.as_array().unwrap().len(), count, "{query}");
        let counted = world
            .get(&format!("/api/users/count{query}"), &admin.access)
            .await
            .data();
        assert_eq!(counted["count"], count, "{query}");
    }
    assert_eq!(
        world.get("/api/users?search=%00", &admin.access).await.code(),
        "INVALID_REQUEST"
    );
}

#[tokio::test]
async fn one_session_is_ended_by_its_owner_or_an_administrator() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Operator).await);
    let second = world.login(&user.email, PASSWORD).await.signed();
    let own = world.get("/api/auth/sessions", &second.access).await.data();
    let current: Vec<bool> = own
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["current"].as_bool().unwrap())
        .collect();
    assert_eq!(current, [true, false]);
    let delete = |path: &str, token: &str| send(world.request(Method::DELETE, path).bearer_auth(token));
    let everybody = world.get("/api/sessions", &admin.access).await.data();
    assert_eq!(everybody.as_array().unwrap().len(), 3);
    let of = world
        .get(&format!("/api/sessions?user={}", user.id), &admin.access)
        .await
        .data();
    assert_eq!(
        (of.as_array().unwrap().len(), of[0]["email"].as_str()),
        (2, Some(user.email.as_str()))
    );

    let first = own[1]["id"].as_str().unwrap().to_owned();
    let stranger = everybody
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["user_id"] == admin.id.as_str())
        .unwrap();
    let strange = format!("/api/auth/sessions/{}", stranger["id"].as_str().unwrap());
    assert_eq!(delete(&strange, &second.access).await.code(), "NOT_FOUND");
    assert_eq!(
        delete(&format!("/api/auth/sessions/{first}"), &second.access)
            .await
            .status,
        200
    );
    assert_eq!(world.get("/api/auth/me", &user.access).await.code(), "UNAUTHENTICATED");
    let own = format!("/api/sessions/{}", own[0]["id"].as_str().unwrap());
    assert_eq!(delete(&own, &admin.access).await.data(), json!({ "ended": 1 }));
    assert_eq!(delete(&own, &admin.access).await.code(), "NOT_FOUND");
    assert_eq!(
        world.get("/api/auth/me", &second.access).await.code(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn the_log_is_filtered_and_taken_out_whole() {
    let world = World::new().await;
    let (admin, user) = (world.user(Role::Admin).await, world.user(Role::Operator).await);
    let path = format!("/api/users/{}", user.id);
    for role in ["VALIDATOR", "OPERATOR"] {
        world.patch(&path, &admin.access, json!({ "role": role })).await.data();
    }
    let log = |query: String| {
        send(
            world
                .request(Method::GET, &format!("/api/audit{query}"))
                .bearer_auth(&admin.access),
        )
    };
    let changed = log("?action=admin.user_changed".to_owned()).await.data();
    assert_eq!(changed.as_array().unwrap().len(), 2);
    assert_eq!(changed[0]["actor_email"], admin.email.as_str());
    assert_eq!(changed[0]["subject_email"], user.email.as_str());
    for (query, count) in [
        ("?action=admin.".to_owned(), 2),
        ("?action=admin".to_owned(), 0),
        (format!("?actor={}&action=auth.", user.id), 2),
        (format!("?subject={}&action=admin.user_changed&limit=1", user.id), 1),
        ("?from=2020-01-01T00:00:00-05:00&action=admin.".to_owned(), 2),
        ("?to=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        assert_eq!(
            log(query.clone()).await.data().as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    for query in ["?from=ayer", "?action=%00", "?actor=ana"] {
        assert_eq!(log(query.to_owned()).await.code(), "INVALID_REQUEST", "{query}");
    }
    let file = world.get("/api/audit/export", &admin.access).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let text = file.body.as_str().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("id,at,actor,actor_email,action,"));
    assert!(lines[1].contains("admin.log_exported"), "{text}");
    let entries = log("?limit=100".to_owned()).await.data();
    assert_eq!(lines.len() - 1, entries.as_array().unwrap().len());
}

#[tokio::test]
async fn the_figures_count_what_happened() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let before = world.get("/api/health/figures", &admin.access).await.data();
    world.login(&admin.email, "not the password").await;
    let after = world.get("/api/health/figures", &admin.access).await.data();
    let grew = |name: &str| after[name].as_u64().unwrap() - before[name].as_u64().unwrap();
    // Other tests of the process count in the same recorder.
    assert!(
        grew("requests") >= 2 && grew("sign_ins_refused") >= 1,
        "{before} {after}"
    );
    assert!(after["p95"]["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(after["connections"][0]["most"], 16);
}

#[test]
fn prometheus_figures_are_read_back() {
    let page = "# TYPE took_seconds histogram
took_seconds_bucket{route=\"/a\",le=\"0.005\"} 90
took_seconds_bucket{route=\"/a\",le=\"0.1\"} 97
took_seconds_bucket{route=\"/a\",le=\"+Inf\"} 98
took_seconds_bucket{route=\"/b\",le=\"0.005\"} 0
took_seconds_bucket{route=\"/b\",le=\"0.1\"} 1
took_seconds_bucket{route=\"/b\",le=\"+Inf\"} 2
requests_total{status=\"200\",route=\"/a\"} 99
bare 3
";
    let samples = read(page);
    assert_eq!(samples.len(), 8);
    let found = samples.iter().find(|sample| sample.name == "requests_total").unwrap();
    assert_eq!(found.label("status"), Some("200"));
    assert_eq!(
        samples.last().map(|sample| (sample.name, sample.value)),
        Some(("bare", "3"))
    );
    let took = Histogram::of(&samples, "took_seconds");
    let within = |seconds, beyond| Some(Within { seconds, beyond });
    assert_eq!(took.within(0.90), within(0.005, false));
    assert_eq!(took.within(0.95), within(0.1, false));
    assert_eq!(took.within(0.99), within(0.1, true));
    assert_eq!(Histogram::of(&[], "took_seconds").within(0.95), None, "of nothing");
}

/// A folder as the interface's build leaves it.
fn built() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    for (name, text) in [
        ("server.html", "<!doctype html><title>CASTOR</title>"),
        ("index.html", "the desk's page"),
        ("castor.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("assets/server-1a2b.js", "export {};"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[tokio::test]
async fn the_console_is_served_under_a_policy_that_lets_nothing_else_in() {
    let folder = built();
    let world = World::with(&[("CASTOR_UI", folder.path().to_str().unwrap())]).await;
    let page = send(world.request(Method::GET, "/")).await;
    assert_eq!(
        (page.status, page.headers["content-type"].to_str().unwrap()),
        (200, "text/html")
    );
    let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    assert!(
        !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert_eq!(header("cache-control"), "no-cache");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin");
    let script = send(world.request(Method::GET, "/assets/server-1a2b.js")).await;
    assert!(script.headers["cache-control"].to_str().unwrap().contains("immutable"));
    for path in [
        "/assets/absent.js",
        "/assets/",
        "/assets/..%2findex.html",
        "/index.html",
        "/../Cargo.toml",
    ] {
        assert_eq!(
            send(world.request(Method::GET, path)).await.code(),
            "NOT_FOUND",
            "{path}"
        );
    }
}

#[tokio::test]
async fn without_a_folder_nothing_is_served_at_the_root() {
    let world = World::new().await;
    assert_eq!(send(world.request(Method::GET, "/")).await.code(), "NOT_FOUND");
}
