//! The same tests on the process's own memory and on Redis.

use crate::world::free_port;
use castor_server::limit::Rate;
use castor_server::role::Permission;
use castor_server::shared::{Event, Local, Redis, Shared, cached};
use serde_json::json;
use std::cell::Cell;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A Redis of the test's own; it ends with the value.
pub(crate) struct RedisServer {
    child: Child,
    pub(crate) port: u16,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::on(free_port()).await
    }

    pub(crate) async fn on(port: u16) -> Self {
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port };
        for _ in 0..5_000 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Redis does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Runs on both.
async fn on_both(check: impl AsyncFn(&dyn Shared)) {
    check(&Local::default()).await;
    let server = RedisServer::start().await;
    // However busy the machine is, it is Redis that answers.
    let redis = Redis::with_patience(&server.url(), Duration::from_secs(30)).unwrap();
    check(&redis).await;
    assert!(
        redis.alive().await,
        "the checks ran on Redis, not on what stands in for it"
    );
}

#[tokio::test]
async fn a_bucket_grants_its_count_at_once_and_then_one_each_interval() {
    on_both(async |shared| {
        let rate = Rate::new(5, Duration::from_secs(20));
        let mut remaining = Vec::new();
        for _ in 0..5 {
            let taken = shared.take("one", rate).await;
            assert!(taken.granted, "{}", shared.name());
            remaining.push(taken.remaining);
        }
        assert_eq!(remaining, [4, 3, 2, 1, 0], "{}", shared.name());
        let refused = shared.take("one", rate).await;
        assert!(
            !refused.granted && refused.wait > Duration::ZERO && refused.wait <= rate.interval(),
            "{refused:?}"
        );
        assert!(shared.take("another", rate).await.granted, "{}", shared.name());
        tokio::time::sleep(refused.wait + Duration::from_millis(20)).await;
        assert!(shared.take("one", rate).await.granted, "{}", shared.name());
        assert!(!shared.take("one", rate).await.granted, "{}", shared.name());
    })
    .await;
}

#[tokio::test]
async fn many_takers_at_once_get_no_more_than_the_count() {
    on_both(async |shared| {
        let rate = Rate::new(50, Duration::from_secs(3_600));
        let takers = (0..200).map(|_| shared.take("many", rate));
        let granted = futures_util::future::join_all(takers)
            .await
            .iter()
            .filter(|taken| taken.granted)
            .count();
        assert_eq!(granted, 50, "{}", shared.name());
    })
    .await;
}

#[tokio::test]
async fn a_value_stands_until_its_time_or_its_removal() {
    on_both(async |shared| {
        assert_eq!(shared.get("a").await, None);
        shared.put("a", vec![0, 159, 146, 150], Duration::from_secs(10)).await;
        shared.put("b", b"b".to_vec(), Duration::from_secs(60)).await;
        assert_eq!(shared.get("a").await, Some(vec![0, 159, 146, 150]), "{}", shared.name());
        tokio::time::sleep(Duration::from_millis(10_100)).await;
        assert_eq!(shared.get("a").await, None, "{}", shared.name());
        assert_eq!(shared.get("b").await, Some(b"b".to_vec()), "{}", shared.name());
        shared.remove("b").await;
        assert_eq!(shared.get("b").await, None, "{}", shared.name());
    })
    .await;
}

#[tokio::test]
async fn a_cached_value_is_made_once_in_its_time_and_a_fault_is_not_kept() {
    on_both(async |shared| {
        let made = Cell::new(0);
        let make = async |good: bool| {
            made.set(made.get() + 1);
            if good {
                Ok(json!({ "made": made.get() }))
            } else {
                Err("no")
            }
        };
        let ttl = Duration::from_secs(10);
        assert_eq!(cached(shared, "k", ttl, make(false)).await, Err("no"));
        for _ in 0..3 {
            assert_eq!(
                cached(shared, "k", ttl, make(true)).await,
                Ok(json!({ "made": 2 })),
                "{}",
                shared.name()
            );
        }
        tokio::time::sleep(ttl + Duration::from_millis(50)).await;
        assert_eq!(
            cached(shared, "k", ttl, make(true)).await,
            Ok(json!({ "made": 3 })),
            "{}",
            shared.name()
        );
    })
    .await;
}

fn event(number: u32) -> Event {
    Event {
        kind: "review.changed".to_owned(),
        audience: Permission::CorrectE14,
        body: json!({ "number": number }),
    }
}

#[tokio::test]
async fn what_is_published_is_heard_in_order() {
    on_both(async |shared| {
        let mut heard = shared.subscribe();
        // Redis is listened to a moment after the start.
        let mut first = Err(());
        for _ in 0..1_200 {
            shared.publish(&event(0)).await;
            let next = tokio::time::timeout(Duration::from_millis(100), heard.recv()).await;
            first = next.map(drop).map_err(drop);
            if first.is_ok() {
                break;
            }
        }
        assert!(first.is_ok(), "nothing is heard: {}", shared.name());
        for number in 1..=10 {
            shared.publish(&event(number)).await;
        }
        let mut numbers = Vec::new();
        while numbers.last() != Some(&10) {
            let event = tokio::time::timeout(Duration::from_secs(60), heard.recv())
                .await
                .unwrap()
                .unwrap();
            numbers.push(event.body["number"].as_u64().unwrap());
        }
        numbers.retain(|number| *number != 0);
        assert_eq!(numbers, (1..=10).collect::<Vec<_>>(), "{}", shared.name());
    })
    .await;
}

#[tokio::test]
async fn two_processes_share_one_redis() {
    let server = RedisServer::start().await;
    let patient = || Redis::with_patience(&server.url(), Duration::from_secs(30)).unwrap();
    let (one, two) = (patient(), patient());
    let rate = Rate::new(2, Duration::from_secs(60));
    assert!(one.take("shared", rate).await.granted && two.take("shared", rate).await.granted);
    assert!(!one.take("shared", rate).await.granted && !two.take("shared", rate).await.granted);
    one.put("key", b"value".to_vec(), Duration::from_secs(60)).await;
    assert_eq!(two.get("key").await, Some(b"value".to_vec()));
}

#[tokio::test]
async fn without_redis_the_process_goes_on_alone_and_comes_back_by_itself() {
    let server = RedisServer::start().await;
    let (port, url) = (server.port, server.url());
    let redis = Redis::new(&url).unwrap();
    assert!(redis.alive().await);
    drop(server);
    assert!(!redis.alive().await);
    let rate = Rate::new(1, Duration::from_secs(60));
    assert!(redis.take("a", rate).await.granted);
    assert!(!redis.take("a", rate).await.granted, "limits hold meanwhile");
    let mut heard = redis.subscribe();
    redis.publish(&event(1)).await;
    assert_eq!(heard.recv().await.unwrap(), event(1));
    let _server = RedisServer::on(port).await;
    for _ in 0..1200 {
        if redis.alive().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("Redis is back, and is not used");
}

/// A way to Redis that can be silenced: what was connected then stays so, and nothing comes through any more.
struct Silent {
    port: u16,
    silenced: watch::Sender<u32>,
}

impl Silent {
    async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silenced = watch::Sender::new(0);
        let count = silenced.subscribe();
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut count = count.clone();
                count.mark_unchanged();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = count.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { port, silenced }
    }
}

#[tokio::test]
async fn a_way_to_redis_that_falls_silent_is_noticed_by_who_only_listens() {
    let server = RedisServer::start().await;
    let way = Silent::to(server.port).await;
    let listens = Redis::new(&format!("redis://127.0.0.1:{}/0", way.port)).unwrap();
    let tells = Redis::new(&server.url()).unwrap();
    let mut heard = listens.subscribe();
    for round in 0..2 {
        let began = Instant::now();
        loop {
            tells.publish(&event(round)).await;
            let next = tokio::time::timeout(Duration::from_millis(100), heard.recv()).await;
            if next.is_ok_and(|next| next.unwrap() == event(round)) {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "round {round}: nothing is heard"
            );
        }
        way.silenced.send_modify(|count| *count += 1);
    }
}

#[tokio::test]
async fn nobody_waits_for_a_redis_that_is_known_to_be_away() {
    let server = RedisServer::start().await;
    let way = Silent::to(server.port).await;
    let redis = Redis::new(&format!("redis://127.0.0.1:{}/0", way.port)).unwrap();
    assert!(redis.alive().await);
    drop(server);
    way.silenced.send_modify(|count| *count += 1);
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(redis.get("a").await, None);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
