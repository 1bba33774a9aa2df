//! Services that run apart: the proxy, its circuit, and tokens.

use crate::shared::RedisServer;
use crate::world::{NOBODY, Signed, World, client, send};
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::any;
use castor_server::breaker::{Circuit, FAILURES, OPEN_FOR, Outcome};
use castor_server::role::Role;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Another service: answers after a pause with the status that it is told to, and counts.
struct Other {
    url: String,
    status: Arc<AtomicU32>,
    /// Milliseconds.
    pause: Arc<AtomicU64>,
    asked: Arc<AtomicU32>,
}

impl Other {
    async fn start() -> Self {
        let (status, asked) = (Arc::new(AtomicU32::new(200)), Arc::new(AtomicU32::new(0)));
        let pause = Arc::new(AtomicU64::new(0));
        let told = (Arc::clone(&status), Arc::clone(&asked), Arc::clone(&pause));
        let app = Router::new().fallback(any(move |request: Request| {
            let (status, asked, pause) = told.clone();
            async move {
                // Only what is passed on counts.
                if request.uri().path().starts_with("/api/health") {
                    return (StatusCode::OK, axum::Json(json!({ "ok": true, "data": [] })));
                }
                asked.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(pause.load(Ordering::SeqCst))).await;
                let status = StatusCode::from_u16(u16::try_from(status.load(Ordering::SeqCst)).unwrap()).unwrap();
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
                let (forwarded, authorization) = (header("x-forwarded-for"), header("authorization"));
                let (id, head) = (header("x-request-id"), format!("{} {}", head.method, head.uri));
                let body = String::from_utf8(body.to_vec()).unwrap();
                let seen = json!({ "head": head, "forwarded": forwarded, "authorization": authorization, "id": id, "body": body });
                (status, axum::Json(seen))
            }
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            status,
            pause,
            asked,
        }
    }
}

#[tokio::test]
async fn paths_of_a_service_elsewhere_are_passed_on_with_token_address_and_id() {
    let other = Other::start().await;
    let world = World::of("core", &[("E14_SERVICE_URL", &other.url)]).await;
    let user = world.user(Role::Operator).await;
    let request = world
        .request(Method::POST, "/api/e14/validate?a=1")
        .bearer_auth(&user.access);
    let seen = send(
        request
            .header("x-request-id", "abc")
            .header("x-forwarded-for", "6.6.6.6")
            .body("{}"),
    )
    .await;
    assert_eq!(seen.body["head"], "POST /api/e14/validate?a=1");
    assert_eq!(seen.body["body"], "{}");
    assert_eq!(seen.body["forwarded"], "127.0.0.1");
    assert_eq!(seen.body["authorization"], format!("Bearer {}", user.access));
    assert_eq!(
        (seen.body["id"].as_str(), seen.headers["x-request-id"].to_str().unwrap()),
        (Some("abc"), "abc")
    );
    assert_eq!(
        world.post("/api/e14/validate", "", json!({})).await.code(),
        "UNAUTHENTICATED"
    );
    assert_eq!(other.asked.load(Ordering::SeqCst), 1, "strangers do not get through");
}

#[tokio::test]
async fn a_service_that_keeps_failing_is_left_alone() {
    let other = Other::start().await;
    let world = World::of("core", &[("E14_SERVICE_URL", &other.url)]).await;
    let user = world.user(Role::Operator).await;
    other.status.store(500, Ordering::SeqCst);
    assert_eq!(world.get("/api/review/pending", &user.access).await.status, 500);
    assert_eq!(other.asked.load(Ordering::SeqCst), 3, "GET is tried three times");
    assert_eq!(
        world.post("/api/review/submit", &user.access, json!({})).await.status,
        500
    );
    assert_eq!(other.asked.load(Ordering::SeqCst), 4, "POST once");
    assert_eq!(
        world.post("/api/review/submit", &user.access, json!({})).await.status,
        500
    );
    let answer = world.get("/api/review/pending", &user.access).await;
    assert_eq!((answer.status, answer.code()), (503, "UPSTREAM_UNAVAILABLE"));
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((55..=60).contains(&wait), "{wait}");
    assert_eq!(
        other.asked.load(Ordering::SeqCst),
        FAILURES,
        "it is not asked while the circuit is open"
    );
    let figures = send(world.request(Method::GET, "/api/metrics")).await.body;
    assert!(
        figures
            .as_str()
            .unwrap()
            .contains("castor_circuit_open{service=\"e14\"} 1")
    );
}

#[tokio::test]
async fn what_a_caller_does_to_a_request_does_not_close_the_way_for_others() {
    let other = Other::start().await;
    let world = World::of("core", &[("E14_SERVICE_URL", &other.url)]).await;
    let user = world.user(Role::Operator).await;
    // A host that a file was to come from does not answer.
    other.status.store(502, Ordering::SeqCst);
    for _ in 0..FAILURES {
        assert_eq!(
            world.post("/api/e14/process", &user.access, json!({})).await.status,
            502
        );
    }
    // A body that ends before its length.
    let port: u16 = world.url.rsplit(':').next().unwrap().parse().unwrap();
    for _ in 0..FAILURES {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let head = format!(
            "POST /api/e14/process HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 1000\r\n\r\n",
            user.access
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(b"some").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    other.status.store(200, Ordering::SeqCst);
    assert_eq!(world.get("/api/review/pending", &user.access).await.status, 200);
    assert_eq!(world.get("/api/results/totals", &user.access).await.status, 200);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_told_as_such() {
    let nowhere = format!("http://{NOBODY}");
    let world = World::of("core", &[("DASHBOARD_SERVICE_URL", &nowhere)]).await;
    let user = world.user(Role::Analyst).await;
    let answer = world.post("/api/media/analyze", &user.access, json!({})).await;
    assert_eq!((answer.status, answer.code()), (503, "UPSTREAM_UNAVAILABLE"));
}

#[test]
fn a_circuit_opens_after_five_failures_and_closes_after_two_good_answers() {
    let start = Instant::now();
    let mut circuit = Circuit::default();
    for _ in 0..FAILURES {
        circuit = circuit.admit(start).unwrap().after(Outcome::Failed, start);
    }
    assert_eq!(circuit, Circuit::Open { since: start });
    assert_eq!(
        circuit.admit(start + Duration::from_secs(59)),
        Err(Duration::from_secs(1))
    );
    let later = start + OPEN_FOR;
    let probing = circuit.admit(later).unwrap();
    assert!(probing.admit(later).is_err(), "one probe at a time");
    assert_eq!(probing.after(Outcome::Failed, later), Circuit::Open { since: later });
    let once = probing.after(Outcome::Answered, later);
    let twice = once.admit(later).unwrap().after(Outcome::Answered, later);
    assert_eq!(twice, Circuit::default());
    assert!(
        probing.admit(later + OPEN_FOR).is_ok(),
        "a probe that never ended does not block for ever"
    );
    let four = (1..FAILURES).fold(Circuit::default(), |circuit, _| circuit.after(Outcome::Failed, start));
    assert_eq!(
        four.after(Outcome::Answered, start),
        Circuit::default(),
        "failures in a row count"
    );
}

#[tokio::test]
async fn a_service_alone_takes_the_cores_tokens_and_hears_of_ended_sessions() {
    let redis = RedisServer::start().await;
    let redis = redis.url();
    let secret = ("JWT_SECRET_KEY", "a passphrase of more than 32 characters");
    let core = World::of("core", &[("REDIS_URL", &redis)]).await;
    let e14 = World::of("e14", &[("REDIS_URL", &redis), ("CORE_SERVICE_URL", &core.url)]).await;
    let user = core.user(Role::Validator).await;
    let events = async |world: &World, token: &str| {
        let answer = world
            .request(Method::GET, "/api/events")
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    assert_eq!(
        events(&e14, &user.access).await,
        200,
        "by the keys that the core publishes"
    );
    let admin = core.user(Role::Admin).await;
    let forms = "/api/sync/state?client=00000000-0000-7000-8000-000000000001";
    assert_eq!(e14.get(forms, &user.access).await.status, 200);
    let change = json!({ "role": "VIEWER" });
    let changed = core
        .patch(&format!("/api/users/{}", user.id), &admin.access, change)
        .await;
    assert_eq!(changed.status, 200);
    told(&e14, forms, &user, "FORBIDDEN").await;
    assert_eq!(core.post("/api/auth/logout", &user.access, json!({})).await.status, 200);
    told(&e14, forms, &user, "UNAUTHENTICATED").await;
    assert_eq!(events(&e14, &user.access).await, 401, "the session has ended");
    let (core, e14) = (World::of("core", &[secret]).await, World::of("e14", &[secret]).await);
    let user = core.user(Role::Validator).await;
    assert_eq!(
        events(&e14, &user.access).await,
        200,
        "by the shared secret, without asking the core"
    );
    assert!(client().get(&e14.url).send().await.is_ok());
}

#[tokio::test]
async fn what_ended_while_redis_was_away_is_told_when_it_is_back() {
    let redis = RedisServer::start().await;
    let (port, url) = (redis.port, redis.url());
    let core = World::of("core", &[("REDIS_URL", &url)]).await;
    let e14 = World::of("e14", &[("REDIS_URL", &url), ("CORE_SERVICE_URL", &core.url)]).await;
    let admin = core.user(Role::Admin).await;
    let (leaves, demoted) = (core.user(Role::Validator).await, core.user(Role::Validator).await);
    let forms = "/api/sync/state?client=00000000-0000-7000-8000-000000000001";
    for user in [&leaves, &demoted] {
        assert_eq!(e14.get(forms, &user.access).await.status, 200);
    }
    drop(redis);
    assert_eq!(
        core.post("/api/auth/logout", &leaves.access, json!({})).await.status,
        200
    );
    let path = format!("/api/users/{}", demoted.id);
    let changed = core.patch(&path, &admin.access, json!({ "role": "VIEWER" })).await;
    assert_eq!(changed.status, 200);
    let _redis = RedisServer::on(port).await;
    told(&e14, forms, &leaves, "UNAUTHENTICATED").await;
    told(&e14, forms, &demoted, "FORBIDDEN").await;
}

/// Waits until a service refuses a token for what has changed.
async fn told(service: &World, path: &str, user: &Signed, code: &str) {
    let began = Instant::now();
    loop {
        let answer = service.get(path, &user.access).await;
        if answer.status != 200 && answer.code() == code {
            return;
        }
        assert!([200, 403].contains(&answer.status), "{answer:?}");
        assert!(began.elapsed() < Duration::from_secs(120), "{code} is never told");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A way to Redis on which each message takes so many milliseconds more.
async fn slow_way(target: u16) -> (u16, watch::Sender<u64>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let slow = watch::Sender::new(0);
    let seen = slow.subscribe();
    tokio::spawn(async move {
        loop {
            let (mut near, mut near_out) = listener.accept().await.unwrap().0.into_split();
            let far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            let (mut far, mut far_out) = far.into_split();
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut piece = vec![0; 1 << 16];
                while let Ok(count @ 1..) = near.read(&mut piece).await {
                    let wait = Duration::from_millis(*seen.borrow());
                    tokio::time::sleep(wait).await;
                    far_out.write_all(&piece[..count]).await.unwrap();
                }
            });
            tokio::spawn(async move { tokio::io::copy(&mut far, &mut near_out).await });
        }
    });
    (port, slow)
}

/// Two cores change a role one after the other, and what the first one tells takes longer.
#[tokio::test]
async fn the_role_that_is_told_is_the_one_that_was_committed_last() {
    let redis = RedisServer::start().await;
    let (port, slow) = slow_way(redis.port).await;
    let (direct, through) = (redis.url(), format!("redis://127.0.0.1:{port}/0"));
    let secret = ("JWT_SECRET_KEY", "a passphrase of more than 32 characters");
    let one = World::of("core", &[secret, ("REDIS_URL", &through)]).await;
    let other = World::of(
        "core",
        &[secret, ("REDIS_URL", &direct), ("DATABASE_URL", &one.database)],
    )
    .await;
    let e14 = World::of("e14", &[secret, ("REDIS_URL", &direct)]).await;
    let (admin, user) = (one.user(Role::Admin).await, one.user(Role::Observer).await);
    let path = format!("/api/users/{}", user.id);
    let role = |role: &str| json!({ "role": role });
    // The ways are open.
    for core in [&one, &other] {
        assert_eq!(core.patch(&path, &admin.access, role("OBSERVER")).await.status, 200);
    }
    slow.send_replace(200);
    let mut watcher = crate::world::connect(&one.database).await;
    let then = async {
        loop {
            let now: String = sqlx::query_scalar("SELECT role FROM users WHERE email = $1")
                .bind(&user.email)
                .fetch_one(&mut watcher)
                .await
                .unwrap();
            if now == "VALIDATOR" {
                break other.patch(&path, &admin.access, role("VIEWER")).await;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let (first, second) = tokio::join!(one.patch(&path, &admin.access, role("VALIDATOR")), then);
    assert_eq!((first.status, second.status), (200, 200));
    let forms = "/api/sync/state?client=00000000-0000-7000-8000-000000000001";
    assert_eq!(e14.get(forms, &user.access).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn a_service_alone_says_when_the_core_is_away() {
    let nowhere = format!("http://{NOBODY}");
    let core = World::of("core", &[]).await;
    let user = core.user(Role::Validator).await;
    let e14 = World::of("e14", &[("CORE_SERVICE_URL", &nowhere)]).await;
    for _ in 0..3 {
        assert_eq!(
            e14.get("/api/events", &user.access).await.code(),
            "UPSTREAM_UNAVAILABLE"
        );
    }
}

/// The checks of a server by their names.
async fn dependencies(world: &World) -> BTreeMap<String, serde_json::Value> {
    let checks = send(world.request(Method::GET, "/api/health/dependencies"))
        .await
        .data();
    let checks = checks.as_array().unwrap().iter().cloned();
    checks
        .map(|check| (check["name"].as_str().unwrap().to_owned(), check))
        .collect()
}

/// The checks once one of them is as expected.
async fn once(world: &World, name: &str, state: &str) -> BTreeMap<String, serde_json::Value> {
    let began = Instant::now();
    loop {
        let checks = dependencies(world).await;
        if checks
            .get(name)
            .is_some_and(|check| check["state"] == state && check["reason"] != "not reached yet")
        {
            return checks;
        }
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "{name} is not {state}: {checks:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn the_core_shows_how_the_others_are_and_works_without_them() {
    let nowhere = format!("http://{NOBODY}");
    let mut e14 = World::of("e14", &[]).await;
    let urls = [
        ("E14_SERVICE_URL", e14.url.as_str()),
        ("DASHBOARD_SERVICE_URL", &nowhere),
    ];
    let core = World::of("core", &urls).await;
    let checks = once(&core, "service:e14", "ok").await;
    for of_e14 in ["database:e14@e14", "objects@e14", "reader@e14", "disk@e14"] {
        assert!(checks.contains_key(of_e14), "{of_e14}: {checks:?}");
    }
    let checks = once(&core, "service:dashboard", "degraded").await;
    assert_eq!(checks["service:dashboard"]["reason"], "does not answer");
    let health = send(core.request(Method::GET, "/api/health")).await;
    assert_eq!((health.status, &health.data()["status"]), (200, &json!("degraded")));
    for probe in ["live", "ready"] {
        let answer = send(core.request(Method::GET, &format!("/api/health/{probe}"))).await;
        assert_eq!(answer.status, 200, "{probe}");
    }
    e14.stop().await;
    let checks = once(&core, "service:e14", "degraded").await;
    assert!(
        !checks.contains_key("objects@e14"),
        "what it said before counts no more: {checks:?}"
    );
    let began = Instant::now();
    send(core.request(Method::GET, "/api/health")).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "nobody waits for a service that is away"
    );
}

#[tokio::test]
async fn a_service_alone_says_that_it_needs_the_core() {
    let nowhere = format!("http://{NOBODY}");
    let e14 = World::of("e14", &[("CORE_SERVICE_URL", &nowhere)]).await;
    let checks = once(&e14, "service:core", "degraded").await;
    assert!(
        !checks.contains_key("service:dashboard"),
        "that one it does not ask: {checks:?}"
    );
    assert_eq!(send(e14.request(Method::GET, "/api/health/ready")).await.status, 200);
    let together = World::new().await;
    let checks = dependencies(&together).await;
    assert!(checks.keys().all(|name| !name.starts_with("service:")), "{checks:?}");
}

#[tokio::test]
async fn the_core_alone_has_the_document_of_every_path_that_works_at_its_address() {
    let core = World::of("core", &[]).await;
    let document = send(core.request(Method::GET, "/api/docs/openapi.json")).await.body;
    let whole = castor_server::routes(&castor_server::Service::ALL.into()).openapi();
    let whole: serde_json::Value = serde_json::from_str(&whole.to_json().unwrap()).unwrap();
    assert!(document["paths"]["/api/e14/process"].is_object());
    assert_eq!(document, whole);
    let e14 = World::of("e14", &[]).await;
    let own = send(e14.request(Method::GET, "/api/docs/openapi.json")).await.body;
    assert!(own["paths"]["/api/e14/process"].is_object() && own["paths"]["/api/auth/login"].is_null());
}

#[tokio::test]
async fn a_service_that_is_asked_through_the_core_says_itself_what_was_late() {
    let other = Other::start().await;
    let world = World::of(
        "core",
        &[("E14_SERVICE_URL", &other.url), ("CASTOR_REQUEST_TIMEOUT", "5")],
    )
    .await;
    let user = world.user(Role::Operator).await;
    other.pause.store(6_000, Ordering::SeqCst);
    assert_eq!(world.get("/api/review/pending", &user.access).await.status, 200);
    assert_eq!(other.asked.load(Ordering::SeqCst), 1);
    // One that hangs is not waited for until its silence is over.
    other.pause.store(60_000, Ordering::SeqCst);
    let began = Instant::now();
    let answer = world.get("/api/review/pending", &user.access).await;
    assert_eq!((answer.status, answer.code()), (503, "TOO_SLOW"));
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_key_in_a_folder_that_others_write_to_signs_nothing_for_a_service_alone() {
    let core = World::of("core", &[]).await;
    let user = core.user(Role::Admin).await;
    let nowhere = format!("http://{NOBODY}");
    let data = crate::world::folder();
    let keys = data.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    std::fs::copy(core.data.path().join("keys/jwt.pem"), keys.join("jwt-previous.pem")).unwrap();
    let variables = [
        ("CASTOR_DATA", data.path().to_str().unwrap()),
        ("CORE_SERVICE_URL", &nowhere),
    ];
    let e14 = World::of("e14", &variables).await;
    let answer = e14.get("/api/events", &user.access).await;
    assert_eq!(
        (answer.status, answer.code()),
        (503, "UPSTREAM_UNAVAILABLE"),
        "the core is asked"
    );
}
