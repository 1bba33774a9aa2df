//! Services that run apart: the proxy, its circuit, and tokens.

use crate::shared::RedisServer;
use crate::world::{World, client, send};
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::any;
use castor_server::breaker::{Circuit, FAILURES, OPEN_FOR, Outcome};
use castor_server::role::Role;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Another service: answers with the status that it is told to, and counts.
struct Other {
    url: String,
    status: Arc<AtomicU32>,
    asked: Arc<AtomicU32>,
}

impl Other {
    async fn start() -> Self {
        let (status, asked) = (Arc::new(AtomicU32::new(200)), Arc::new(AtomicU32::new(0)));
        let told = (Arc::clone(&status), Arc::clone(&asked));
        let app = Router::new().fallback(any(move |request: Request| {
            let (status, asked) = told.clone();
            async move {
                asked.fetch_add(1, Ordering::SeqCst);
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
        Self { url, status, asked }
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
    let nowhere = format!("http://127.0.0.1:{}", crate::world::free_port());
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
    assert_eq!(
        e14.get(forms, &user.access).await.code(),
        "FORBIDDEN",
        "with the token of the former role"
    );
    assert_eq!(core.post("/api/auth/logout", &user.access, json!({})).await.status, 200);
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
async fn a_service_alone_says_when_the_core_is_away() {
    let nowhere = format!("http://127.0.0.1:{}", crate::world::free_port());
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
