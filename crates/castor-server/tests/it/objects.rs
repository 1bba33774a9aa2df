//! Files by their hash, in a folder and in an S3-compatible store.

use crate::world::folder;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use castor_server::config::{Config, Service};
use castor_server::objects::{ContentHash, Objects};
use futures_util::stream;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a store of files must do, in a folder and elsewhere alike.
async fn keeps_files(objects: &Objects) {
    let bytes = Bytes::from(vec![7_u8; 100_000]);
    let hash = ContentHash::of(&bytes);
    let other = ContentHash::of(b"other");
    assert!(!objects.exists(&hash).await.unwrap());
    assert_eq!(objects.get(&hash).await.unwrap_err().code(), "OBJ_001");
    assert_eq!(objects.put(&other, bytes.clone()).await.unwrap_err().code(), "OBJ_002");
    assert!(
        !objects.exists(&other).await.unwrap(),
        "what is not of its hash is not kept"
    );
    objects.put(&hash, bytes.clone()).await.unwrap();
    objects.put(&hash, bytes.clone()).await.unwrap();
    assert_eq!(objects.size(&hash).await.unwrap(), Some(100_000));
    assert_eq!(objects.get(&hash).await.unwrap(), bytes);
    assert_eq!(objects.range(&hash, 99_990..100_000).await.unwrap(), bytes[99_990..]);
    let missing = objects.range(&other, 0..1).await.unwrap_err();
    assert_eq!(missing.code(), "OBJ_001");
}

#[tokio::test]
async fn a_folder_keeps_files_by_their_hash() {
    let folder = folder();
    let objects = Objects::folder(folder.path()).unwrap();
    keeps_files(&objects).await;
    let hash = ContentHash::of(&vec![7_u8; 100_000]);
    let place = folder.path().join(&hash.as_str()[..2]).join(hash.as_str());
    assert_eq!(std::fs::metadata(&place).unwrap().len(), 100_000);
    std::fs::write(place, b"damaged").unwrap();
    assert_eq!(
        objects.get(&hash).await.unwrap_err().code(),
        "OBJ_002",
        "damage is noticed"
    );
}

#[tokio::test]
async fn a_file_that_comes_in_pieces_counts_when_it_is_whole() {
    let folder = folder();
    let objects = Objects::folder(folder.path()).unwrap();
    let pieces: Vec<Bytes> = (0..12_u8).map(|n| Bytes::from(vec![n; 1 << 20])).collect();
    let hash = ContentHash::of(&pieces.concat());
    let all = || pieces.iter().cloned().map(Ok::<_, std::io::Error>);
    let cut = std::io::Error::other("the line was cut");
    let broken = stream::iter(all().take(7).chain([Err(cut)]));
    assert_eq!(objects.put_stream(&hash, broken).await.unwrap_err().code(), "OBJ_005");
    let short = stream::iter(all().take(11));
    assert_eq!(objects.put_stream(&hash, short).await.unwrap_err().code(), "OBJ_002");
    assert!(!objects.exists(&hash).await.unwrap());
    objects.put_stream(&hash, stream::iter(all())).await.unwrap();
    assert_eq!(objects.get(&hash).await.unwrap(), pieces.concat());
    let left = walk(folder.path());
    assert_eq!(left.len(), 1, "nothing half-written stays: {left:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

/// As much of S3 as the store uses: objects by key, to who signs; while it is closed it gives none out, and while it is stalled
/// it takes none and says nothing.
#[derive(Clone, Default)]
pub(crate) struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    pub(crate) closed: Arc<AtomicBool>,
    pub(crate) stalled: Arc<AtomicBool>,
}

impl Bucket {
    /// Answers at a port of its own; the variables that lead there.
    pub(crate) async fn open(&self) -> Vec<(&'static str, String)> {
        let app = Router::new().route("/{*key}", any(s3)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let own = |value: &str| value.to_owned();
        vec![
            ("E14_OBJECTS_URL", own("s3://actas/2026/senado")),
            ("AWS_ACCESS_KEY_ID", own("key")),
            ("AWS_SECRET_ACCESS_KEY", own("secret of the bucket")),
            ("AWS_REGION", own("us-east-1")),
            ("AWS_ENDPOINT", endpoint),
            ("AWS_ALLOW_HTTP", own("true")),
        ]
    }
}

async fn s3(
    State(bucket): State<Bucket>,
    Path(key): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signed = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=key/"));
    if !signed {
        return StatusCode::FORBIDDEN.into_response();
    }
    while method == Method::PUT && bucket.stalled.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut objects = bucket.objects.lock().unwrap();
    if method == Method::PUT {
        objects.insert(key, body);
        return ([(header::ETAG, "\"1\"")], StatusCode::OK).into_response();
    }
    let Some(bytes) = objects.get(&key).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if method == Method::GET && bucket.closed.load(Ordering::Relaxed) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let modified = (header::LAST_MODIFIED, "Wed, 21 Oct 2026 07:28:00 GMT".to_owned());
    let tag = (header::ETAG, "\"1\"".to_owned());
    if method == Method::HEAD {
        let length = (header::CONTENT_LENGTH, bytes.len().to_string());
        return ([modified, tag, length], StatusCode::OK).into_response();
    }
    let Some(range) = headers.get(header::RANGE) else {
        return ([modified, tag], bytes).into_response();
    };
    let (from, to) = range
        .to_str()
        .unwrap()
        .trim_start_matches("bytes=")
        .split_once('-')
        .unwrap();
    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
    let part = (header::CONTENT_RANGE, format!("bytes {from}-{to}/{}", bytes.len()));
    (
        StatusCode::PARTIAL_CONTENT,
        [modified, tag, part],
        bytes.slice(from..=to),
    )
        .into_response()
}

#[tokio::test]
async fn a_bucket_keeps_files_under_its_path() {
    let bucket = Bucket::default();
    let variables: HashMap<&str, String> = bucket.open().await.into_iter().collect();
    let _ = crate::world::client();
    let config = Config::from_variables([Service::E14].into(), |name| variables.get(name).cloned()).unwrap();
    assert!(!format!("{config:?}").contains("secret of the bucket"));
    let objects = Objects::open(&config).unwrap();
    keeps_files(&objects).await;
    let hash = ContentHash::of(&vec![7_u8; 100_000]);
    let keys: Vec<String> = bucket.objects.lock().unwrap().keys().cloned().collect();
    assert_eq!(keys, [format!("actas/2026/senado/{}/{hash}", &hash.as_str()[..2])]);
}

#[test]
fn a_hash_is_64_hexadecimal_digits() {
    let good = "a".repeat(64);
    assert_eq!(good.parse::<ContentHash>().unwrap().as_str(), good);
    for bad in [
        "",
        "../../etc/passwd",
        &"g".repeat(64),
        &"a".repeat(63),
        &"é".repeat(32),
    ] {
        assert!(bad.parse::<ContentHash>().is_err(), "{bad}");
    }
}
