//! Limits of requests, sizes and times, through the server.

use crate::shared::RedisServer;
use crate::world::{PASSWORD, World, send};
use castor_server::address::{Network, client_address, counted};
use castor_server::limit::Rate;
use castor_server::role::Role;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn above_the_limit_the_answer_says_when_to_come_back() {
    let redis = RedisServer::start().await;
    let redis = redis.url();
    for extra in [None, Some(("REDIS_URL", redis.as_str()))] {
        let mut variables = vec![("RATE_LIMIT_AUTH", "3/hour"), ("RATE_LIMIT_DEFAULT", "2/hour")];
        variables.extend(extra);
        let world = World::with(&variables).await;
        for left in ["2", "1", "0"] {
            let answer = world.login("nobody@example.org", PASSWORD).await;
            assert_eq!(answer.code(), "INVALID_CREDENTIALS");
            assert_eq!(answer.headers["ratelimit-limit"], "3");
            assert_eq!(answer.headers["ratelimit-remaining"], left);
        }
        let answer = world.login("nobody@example.org", PASSWORD).await;
        assert_eq!((answer.status, answer.code()), (429, "RATE_LIMITED"));
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1_100..=1_200).contains(&wait), "{wait}");
        assert_eq!(
            world.get("/api/leads", "").await.code(),
            "UNAUTHENTICATED",
            "another class of routes"
        );
        assert_eq!(
            send(world.request(Method::GET, "/api/health/live")).await.status,
            200,
            "probes are not limited"
        );
    }
}

#[tokio::test]
async fn an_account_buys_no_more_tries_at_signing_in() {
    let world = World::with(&[("RATE_LIMIT_AUTH", "4/hour")]).await;
    let user = world.user(Role::Viewer).await;
    let login = |token: Option<&str>| {
        let body = json!({ "email": "nobody@example.org", "password": PASSWORD });
        let request = world.request(Method::POST, "/api/auth/login").json(&body);
        send(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    };
    let mut codes = Vec::new();
    for token in [None, Some(user.access.as_str()), None, Some(&user.access), None] {
        codes.push(login(token).await.code().to_owned());
    }
    assert!(codes.iter().any(|code| code == "RATE_LIMITED"), "{codes:?}");
    assert_eq!(login(Some(&user.access)).await.code(), "RATE_LIMITED");
}

#[tokio::test]
async fn a_user_has_one_limit_wherever_he_signs_in_from() {
    let world = World::with(&[("RATE_LIMIT_WORK", "2/hour"), ("CASTOR_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let (one, two) = (world.user(Role::Viewer).await, world.user(Role::Viewer).await);
    let ask = |token: &str, from: &str| {
        send(
            world
                .request(Method::GET, "/api/roles")
                .bearer_auth(token)
                .header("X-Forwarded-For", from),
        )
    };
    assert_eq!(ask(&one.access, "198.51.100.1").await.status, 200);
    assert_eq!(ask(&one.access, "198.51.100.2").await.status, 200);
    assert_eq!(ask(&one.access, "198.51.100.3").await.code(), "RATE_LIMITED");
    assert_eq!(ask(&two.access, "198.51.100.1").await.status, 200);
}

#[tokio::test]
async fn each_route_that_reads_forms_has_a_limit_of_its_own() {
    let world = World::with(&[("RATE_LIMIT_READ", "2/hour")]).await;
    let user = world.user(Role::Operator).await;
    for path in ["/api/e14/process", "/api/e14/process-v2", "/api/e14/validate"] {
        for _ in 0..2 {
            let answer = world.post(path, &user.access, json!({})).await;
            assert_eq!(answer.code(), "MISSING_INPUT", "{path}");
            assert_eq!(answer.headers["ratelimit-limit"], "2", "{path}");
        }
        let answer = world.post(path, &user.access, json!({})).await;
        assert_eq!((answer.status, answer.code()), (429, "RATE_LIMITED"), "{path}");
    }
    assert_eq!(
        world.get("/api/queue/jobs", &user.access).await.status,
        200,
        "other work goes on"
    );
}

#[tokio::test]
async fn addresses_of_one_ipv6_connection_count_as_one() {
    let world = World::with(&[("RATE_LIMIT_AUTH", "7/hour"), ("CASTOR_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let user = world.user(Role::Viewer).await;
    let login = |from: String| {
        let body = json!({ "email": user.email, "password": "not the password" });
        let request = world.request(Method::POST, "/api/auth/login").json(&body);
        send(request.header("X-Forwarded-For", from))
    };
    let mut codes = Vec::new();
    for host in 1..=8 {
        let answer = login(format!("2001:db8:0:1:{host}::{host}")).await;
        codes.push(answer.code().to_owned());
    }
    assert_eq!(codes[..5], ["INVALID_CREDENTIALS"; 5], "the lock of sign-ins");
    assert_eq!(codes[5..7], ["TOO_MANY_ATTEMPTS"; 2]);
    assert_eq!(codes[7], "RATE_LIMITED");
    let neighbour = login("2001:db8:0:2::1".to_owned()).await;
    assert_eq!(neighbour.code(), "INVALID_CREDENTIALS", "another connection");
}

#[test]
fn what_an_address_counts_as() {
    for (address, counts) in [
        ("203.0.113.5", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ] {
        assert_eq!(counted(address.parse().unwrap()), counts, "{address}");
    }
}

#[tokio::test]
async fn forwarded_addresses_of_strangers_do_not_count() {
    let world = World::with(&[("RATE_LIMIT_WORK", "2/hour")]).await;
    let ask = |from: &str| send(world.request(Method::GET, "/api/roles").header("X-Forwarded-For", from));
    let codes = [
        ask("198.51.100.1").await,
        ask("198.51.100.2").await,
        ask("198.51.100.3").await,
    ];
    let codes: Vec<&str> = codes.iter().map(|answer| answer.code()).collect();
    assert_eq!(codes, ["UNAUTHENTICATED", "UNAUTHENTICATED", "RATE_LIMITED"]);
}

#[test]
fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
    let trusted: Vec<Network> = ["10.0.0.0/8", "::1", "192.0.2.7"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let cases = [
        ("203.0.113.5", &["1.2.3.4"][..], "203.0.113.5"),
        ("10.1.1.1", &[], "10.1.1.1"),
        ("10.1.1.1", &["203.0.113.5"], "203.0.113.5"),
        ("10.1.1.1", &["6.6.6.6, 203.0.113.5"], "203.0.113.5"),
        ("10.1.1.1", &["6.6.6.6, 203.0.113.5, 192.0.2.7"], "203.0.113.5"),
        ("10.1.1.1", &["6.6.6.6", "203.0.113.5, 10.9.9.9"], "203.0.113.5"),
        ("10.1.1.1", &["203.0.113.5, nonsense"], "10.1.1.1"),
        ("::ffff:10.1.1.1", &["2001:db8::1"], "2001:db8::1"),
        ("192.0.2.8", &["203.0.113.5"], "192.0.2.8"),
    ];
    for (peer, lines, client) in cases {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let peer: IpAddr = peer.parse().unwrap();
        assert_eq!(
            client_address(peer, &headers, &trusted).to_string(),
            client,
            "{peer} {lines:?}"
        );
    }
    for text in ["10.0.0.0/33", "::/129", "10.0.0", "x", "10.0.0.0/-1", ""] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
    let all: Network = "0.0.0.0/0".parse().unwrap();
    assert!(all.contains([255, 1, 2, 3].into()));
}

#[test]
fn rates_are_read_as_written() {
    let hour = Duration::from_secs(3_600);
    assert_eq!("100/hour".parse(), Ok(Rate::new(100, hour)));
    assert_eq!(" 20 / minute".parse(), Ok(Rate::new(20, Duration::from_secs(60))));
    for text in ["100", "0/hour", "-1/hour", "x/hour", "5/fortnight", "/", ""] {
        assert!(text.parse::<Rate>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::with(&[("CASTOR_BODY_LIMIT", "2000")]).await;
    let answer = world.login("nobody@example.org", &"x".repeat(3_000)).await;
    assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE"));
    let answer = world.login("nobody@example.org", &"x".repeat(1_000)).await;
    assert_eq!(answer.code(), "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn a_body_that_trickles_in_is_cut_off() {
    let world = World::with(&[("CASTOR_BODY_TIMEOUT", "1")]).await;
    let address = world.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head =
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut answer = vec![0; 4_096];
    let length = tokio::time::timeout(Duration::from_secs(60), read.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    trickle.abort();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"TIMEOUT\""), "{answer}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_the_servers_fault_and_says_when_to_come_back() {
    let world = World::with(&[("CASTOR_REQUEST_TIMEOUT", "5")]).await;
    let user = world.user(Role::Admin).await;
    let mut connection = crate::world::connect(&world.database).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        .execute(&mut connection)
        .await
        .unwrap();
    let answer = world.login(&user.email, PASSWORD).await;
    assert_eq!((answer.status, answer.code()), (503, "TOO_SLOW"));
    assert_eq!(answer.headers["retry-after"], "5");
    sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
    let began = Instant::now();
    while world.login(&user.email, PASSWORD).await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not recover");
    }
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off() {
    let world = World::with(&[("CASTOR_BODY_TIMEOUT", "1")]).await;
    let mut stream = TcpStream::connect(world.url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    stream
        .write_all(b"GET /api/health HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    let (mut read, mut write) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while write.write_all(b"X: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(60), read.read_to_end(&mut answer)).await;
    trickle.abort();
    assert!(ended.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn what_is_not_json_or_not_there_is_told_by_code() {
    let world = World::new().await;
    let post = |path: &str, kind: &str, body: &'static str| {
        send(
            world
                .request(Method::POST, path)
                .header("content-type", kind)
                .body(body),
        )
    };
    assert_eq!(
        post("/api/auth/login", "text/plain", "x").await.code(),
        "UNSUPPORTED_MEDIA_TYPE"
    );
    assert_eq!(
        post("/api/auth/login", "application/json", "{").await.code(),
        "INVALID_REQUEST"
    );
    assert_eq!(
        post("/api/auth/login", "application/json", "{\"email\": 1}")
            .await
            .code(),
        "INVALID_REQUEST"
    );
    assert_eq!(post("/api/nothing", "application/json", "{}").await.code(), "NOT_FOUND");
    assert_eq!(
        post("/api/auth/me", "application/json", "{}").await.code(),
        "METHOD_NOT_ALLOWED"
    );
    let admin = world.user(Role::Admin).await;
    assert_eq!(
        world.get("/api/users/not-an-id", &admin.access).await.code(),
        "INVALID_REQUEST"
    );
    assert_eq!(
        world.get("/api/users?limit=many", &admin.access).await.code(),
        "INVALID_REQUEST"
    );
    let unknown = "/api/users/00000000-0000-7000-8000-000000000000";
    assert_eq!(world.get(unknown, &admin.access).await.code(), "NOT_FOUND");
    assert_eq!(
        world
            .patch(unknown, &admin.access, json!({ "active": true }))
            .await
            .code(),
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn every_answer_carries_its_headers_and_a_request_id() {
    let world = World::new().await;
    for path in ["/api/health", "/api/nothing", "/api/auth/me"] {
        let answer = send(world.request(Method::GET, path)).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        assert_eq!(answer.headers["x-request-id"].len(), 36, "{path}");
    }
    let with = |id: &'static str| {
        send(
            world
                .request(Method::GET, "/api/health/live")
                .header("x-request-id", id),
        )
    };
    assert_eq!(with("abc-123").await.headers["x-request-id"], "abc-123");
    assert_eq!(with("<script>").await.headers["x-request-id"].len(), 36);
}
