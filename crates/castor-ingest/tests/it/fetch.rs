//! What is fetched, and everything that is not.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use castor_ingest::address::is_public;
use castor_ingest::fetch::{AllowedHost, FetchError, Network};
use castor_ingest::{Fetched, Fetcher, Hosts};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FILE: &[u8] = b"%PDF-1.7 and so on";

/// A name server that says what it is told, and public addresses that are this machine's.
#[derive(Default)]
struct Told {
    names: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    asked: AtomicU32,
    reached: Mutex<Vec<IpAddr>>,
}

impl Told {
    fn with(names: &[(&'static str, &[&str])]) -> Arc<Self> {
        let one = |(name, addresses): &(&'static str, &[&str])| {
            let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
            (*name, vec![addresses])
        };
        Arc::new(Self {
            names: names.iter().map(one).collect(),
            ..Self::default()
        })
    }
}

impl Network for Told {
    fn resolve<'a>(&'a self, host: &'a str, _: u16) -> BoxFuture<'a, Vec<IpAddr>> {
        let turn = usize::try_from(self.asked.fetch_add(1, Ordering::SeqCst)).unwrap();
        let answers = self.names.get(host).cloned().unwrap_or_default();
        let answer = answers.get(turn.min(answers.len().saturating_sub(1))).cloned();
        async move { answer.unwrap_or_default() }.boxed()
    }

    fn reach(&self, address: IpAddr) -> IpAddr {
        self.reached.lock().unwrap().push(address);
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    }
}

/// A site with files; its port.
async fn site() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let to = move |url: String| get(move || async move { Redirect::temporary(&url) });
    let app = Router::new()
        .route("/acta.pdf", get(|| async { FILE }))
        .route("/moved", to("/acta.pdf".to_owned()))
        .route("/loop", to("/loop".to_owned()))
        .route("/inside", to(format!("http://inside.example:{port}/acta.pdf")))
        .route("/loopback", to(format!("http://127.0.0.1:{port}/acta.pdf")))
        .route("/elsewhere", to(format!("http://elsewhere.example:{port}/acta.pdf")))
        .route("/file", to("file:///etc/passwd".to_owned()))
        .route("/nowhere", get(|| async { StatusCode::FOUND }))
        .route("/large", get(|| async { vec![0_u8; 100_000] }))
        .route(
            "/endless",
            get(|| async {
                Body::from_stream(stream::repeat_with(|| {
                    Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096]))
                }))
            }),
        )
        .route(
            "/slow",
            get(|| async { tokio::time::sleep(Duration::from_secs(600)).await }),
        )
        .route(
            "/gone",
            get(|| async {
                (
                    StatusCode::GONE,
                    [(header::CONTENT_TYPE, "text/plain")],
                    "secret of the network",
                )
                    .into_response()
            }),
        );
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    port
}

fn hosts(allowed: &[String]) -> Hosts {
    Hosts(allowed.iter().map(|host| host.parse().unwrap()).collect())
}

fn fetcher(network: Arc<Told>, allowed: &[String]) -> Fetcher {
    patient(network, allowed, Duration::from_secs(60))
}

fn patient(network: Arc<Told>, allowed: &[String], time: Duration) -> Fetcher {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Fetcher::new(hosts(allowed), network, 50_000, time)
}

const PUBLIC: &[&str] = &["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"];

#[tokio::test]
async fn a_file_comes_from_an_allowed_host_with_a_public_address() {
    let port = site().await;
    let told = Told::with(&[("actas.example", PUBLIC)]);
    let fetcher = fetcher(Arc::clone(&told), &[format!("actas.example:{port}")]);
    for path in ["acta.pdf", "moved"] {
        let Fetched { url, bytes } = fetcher
            .fetch(&format!("http://actas.example:{port}/{path}"))
            .await
            .unwrap();
        assert_eq!(bytes, FILE);
        assert_eq!(url.path(), "/acta.pdf");
    }
    let reached = told.reached.lock().unwrap();
    assert!(
        reached.iter().all(|address| is_public(*address)) && reached.len() == 6,
        "{reached:?}"
    );
}

#[tokio::test]
async fn nothing_else_is_fetched() {
    let port = site().await;
    let told = Told::with(&[
        ("actas.example", PUBLIC),
        ("inside.example", &["10.0.0.7"]),
        ("elsewhere.example", PUBLIC),
        ("mixed.example", &["93.184.215.14", "192.168.1.1"]),
        ("metadata.example", &["169.254.169.254"]),
        ("mapped.example", &["::ffff:127.0.0.1"]),
        ("local6.example", &["fe80::1"]),
        ("unique6.example", &["fd00::1"]),
        ("localhost", &["127.0.0.1", "::1"]),
    ]);
    let names = [
        "actas", "inside", "mixed", "metadata", "mapped", "local6", "unique6", "unknown",
    ];
    let mut allowed: Vec<String> = names.iter().map(|name| format!("{name}.example:{port}")).collect();
    allowed.push(format!("localhost:{port}"));
    let brief = patient(Arc::clone(&told), &allowed, Duration::from_secs(1));
    let fetcher = fetcher(told, &allowed);
    let cases = [
        ("file:///etc/passwd", "FET_001"),
        ("ftp://actas.example/acta.pdf", "FET_001"),
        ("gopher://actas.example/", "FET_001"),
        ("data:application/pdf,x", "FET_001"),
        ("acta.pdf", "FET_001"),
        ("", "FET_001"),
        ("http://user:pass@actas.example:PORT/acta.pdf", "FET_001"),
        ("http://actas.example@127.0.0.1:PORT/acta.pdf", "FET_001"),
        ("http://elsewhere.example:PORT/acta.pdf", "FET_002"),
        ("http://actas.example.evil.test:PORT/acta.pdf", "FET_002"),
        ("http://actas.example/acta.pdf", "FET_002"),
        ("http://actas.example:22/acta.pdf", "FET_002"),
        ("http://127.0.0.1:PORT/acta.pdf", "FET_002"),
        ("http://2130706433:PORT/acta.pdf", "FET_002"),
        ("http://0x7f.1:PORT/acta.pdf", "FET_002"),
        ("http://0177.0.0.1:PORT/acta.pdf", "FET_002"),
        ("http://[::1]:PORT/acta.pdf", "FET_002"),
        ("http://[::ffff:169.254.169.254]:PORT/latest/meta-data/", "FET_002"),
        ("http://169.254.169.254:PORT/latest/meta-data/", "FET_002"),
        ("http://localhost:PORT/acta.pdf", "FET_003"),
        ("http://LOCALHOST.:PORT/acta.pdf", "FET_003"),
        ("http://inside.example:PORT/acta.pdf", "FET_003"),
        ("http://mixed.example:PORT/acta.pdf", "FET_003"),
        ("http://metadata.example:PORT/", "FET_003"),
        ("http://mapped.example:PORT/", "FET_003"),
        ("http://local6.example:PORT/", "FET_003"),
        ("http://unique6.example:PORT/", "FET_003"),
        ("http://unknown.example:PORT/", "FET_004"),
        ("http://actas.example:PORT/inside", "FET_003"),
        ("http://actas.example:PORT/loopback", "FET_002"),
        ("http://actas.example:PORT/elsewhere", "FET_002"),
        ("http://actas.example:PORT/file", "FET_001"),
        ("http://actas.example:PORT/loop", "FET_006"),
        ("http://actas.example:PORT/nowhere", "FET_006"),
        ("http://actas.example:PORT/missing", "FET_005"),
        ("http://actas.example:PORT/gone", "FET_005"),
        ("http://actas.example:PORT/large", "FET_007"),
        ("http://actas.example:PORT/endless", "FET_007"),
        ("http://actas.example:PORT/slow", "FET_008"),
        ("https://actas.example:PORT/acta.pdf", "FET_004"),
    ];
    for (url, code) in cases {
        let fetcher = if url.ends_with("/slow") { &brief } else { &fetcher };
        let error = fetcher
            .fetch(&url.replace("PORT", &port.to_string()))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{url}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_after_a_redirect_is_refused() {
    let port = site().await;
    let public = vec![PUBLIC[0].parse().unwrap()];
    let told = Arc::new(Told {
        names: [("actas.example", vec![public, vec!["127.0.0.1".parse().unwrap()]])].into(),
        ..Told::default()
    });
    let fetcher = fetcher(told, &[format!("actas.example:{port}")]);
    let error = fetcher
        .fetch(&format!("http://actas.example:{port}/moved"))
        .await
        .unwrap_err();
    assert_eq!(error, FetchError::Address("actas.example".to_owned()));
}

#[test]
fn only_addresses_of_the_public_internet_are_public() {
    let public = [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.215.14",
        "172.15.255.255",
        "172.32.0.0",
        "100.128.0.1",
        "2606:4700::1111",
        "2a00:1450::1",
    ];
    let others = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:1.1.1.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "4000::1",
    ];
    for text in public {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
    for text in others {
        assert!(!is_public(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn hosts_are_names() {
    for good in [
        "actas.example.org",
        ".example.org",
        "actas.example.org:8443",
        "localhost",
    ] {
        assert!(good.parse::<AllowedHost>().is_ok(), "{good}");
    }
    for bad in [
        "",
        ".",
        "127.0.0.1",
        "[::1]",
        "::1",
        "http://a.example",
        "a.example/x",
        "a.example:port",
        "a.example:99999",
        "a b",
    ] {
        assert!(bad.parse::<AllowedHost>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_dot_before_a_host_allows_what_is_under_it() {
    let port = site().await;
    let told = Told::with(&[
        ("a.actas.example", PUBLIC),
        ("actas.example", PUBLIC),
        ("evilactas.example", PUBLIC),
    ]);
    let fetcher = fetcher(told, &[format!(".actas.example:{port}")]);
    let fetch = async |host: &str| {
        fetcher
            .fetch(&format!("http://{host}:{port}/acta.pdf"))
            .await
            .map_err(|error| error.code())
    };
    assert!(fetch("a.actas.example").await.is_ok());
    assert_eq!(fetch("actas.example").await.unwrap_err(), "FET_002");
    assert_eq!(fetch("evilactas.example").await.unwrap_err(), "FET_002");
}
