//! Files of forms, in pieces, between laptops and the server.

use crate::objects::Bucket;
use crate::world::{Answer, PASSWORD, World, send};
use castor_domain::review::MACHINE;
use castor_server::role::Role;
use castor_store::{NewEvent, Store, sha256};
use castor_sync::{
    BlobTransport, Content, FetchedPiece, Find, HttpTransport, Page, ServerUrl, SignIn, SyncError, fetch_files, round,
    send_files,
};
use castor_testkit::review::begun;
use castor_wire::sync::{BlobKind, BlobState};
use reqwest::Method;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use time::OffsetDateTime;

static NEXT_EVENT: AtomicU64 = AtomicU64::new(1);

/// A laptop that is signed in.
struct Laptop {
    store: Arc<Store>,
    transport: HttpTransport,
    _folder: TempDir,
}

impl Laptop {
    async fn new(world: &World, role: Role) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).await.unwrap());
        let email = world.user(role).await.email;
        let sign_in = SignIn {
            email: &email,
            password: PASSWORD,
        };
        let keep = Box::new(|_| Box::pin(async { Ok(()) }) as _);
        let transport = HttpTransport::sign_in(ServerUrl::parse(&world.url).unwrap(), &sign_in, keep);
        Self {
            store,
            transport: transport.await.unwrap(),
            _folder: folder,
        }
    }

    /// Takes a form in under its hash.
    async fn begins(&self, form: &str) {
        let first = u128::from(NEXT_EVENT.fetch_add(10, Ordering::Relaxed));
        let events: Vec<NewEvent> = begun(first)
            .into_iter()
            .map(|event| NewEvent {
                by: MACHINE.to_owned(),
                ..event
            })
            .collect();
        self.store.append(form, &events).await.unwrap();
    }

    /// Takes a form in, and tells the server.
    async fn takes_in(&self, form: &str) {
        self.begins(form).await;
        round(&self.store, &self.transport).await.unwrap();
    }

    fn find(&self) -> Find {
        let store = Arc::clone(&self.store);
        Arc::new(move |form| Ok(Content::File(store.blob_path(form))))
    }
}

/// Bytes that no two places of a file have alike.
fn file(bytes: usize, seed: u8) -> Vec<u8> {
    let mut file = vec![seed];
    let mut block = Sha256::digest([seed]);
    while file.len() < bytes {
        file.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    file.truncate(bytes);
    file
}

/// A line that is cut at every other request: before it gets there, or before its answer gets back.
struct Cut<'a> {
    transport: &'a HttpTransport,
    count: AtomicU32,
}

impl Cut<'_> {
    async fn cut<T>(&self, ask: impl Future<Output = Result<T, SyncError>>) -> Result<T, SyncError> {
        let cut = || Err(SyncError::Unreachable("cut".to_owned()));
        match self.count.fetch_add(1, Ordering::Relaxed) % 4 {
            1 => cut(),
            3 => {
                ask.await?;
                cut()
            }
            _ => ask.await,
        }
    }
}

impl BlobTransport for Cut<'_> {
    async fn blob_state(&self, hash: &str) -> Result<BlobState, SyncError> {
        self.cut(self.transport.blob_state(hash)).await
    }

    async fn send_piece(
        &self,
        hash: &str,
        kind: BlobKind,
        offset: u64,
        total: u64,
        piece: Vec<u8>,
    ) -> Result<BlobState, SyncError> {
        self.cut(self.transport.send_piece(hash, kind, offset, total, piece))
            .await
    }

    async fn fetch_piece(&self, hash: &str, offset: u64) -> Result<FetchedPiece, SyncError> {
        self.cut(self.transport.fetch_piece(hash, offset)).await
    }
}

#[tokio::test]
async fn files_arrive_whole_on_a_line_that_is_cut_again_and_again() {
    let world = World::new().await;
    let (brings, reviews) = (
        Laptop::new(&world, Role::Validator).await,
        Laptop::new(&world, Role::Validator).await,
    );
    let bytes = file(1_700_000, 1);
    let form = brings.store.put_blob(&bytes).unwrap();
    brings.takes_in(&form).await;
    let line = Cut {
        transport: &brings.transport,
        count: AtomicU32::new(0),
    };
    let mut attempts = 0;
    while send_files(&brings.store, &line, &brings.find()).await.is_err() {
        attempts += 1;
        assert!(attempts < 40, "it does not get on");
    }
    assert!(attempts >= 2, "the line was not cut");
    let state = brings.transport.blob_state(&form).await.unwrap();
    assert_eq!(
        state,
        BlobState {
            bytes: 1_700_000,
            whole: true
        }
    );
    assert_eq!(brings.store.attachment_count().await.unwrap().to_send, 0);

    round(&reviews.store, &reviews.transport).await.unwrap();
    reviews.store.want_files(std::slice::from_ref(&form)).await.unwrap();
    let line = Cut {
        transport: &reviews.transport,
        count: AtomicU32::new(0),
    };
    let mut attempts = 0;
    while fetch_files(&reviews.store, &line).await.is_err() {
        attempts += 1;
        assert!(attempts < 40, "it does not get on");
    }
    assert!(attempts >= 2, "the line was not cut");
    assert_eq!(reviews.store.blob(&form).unwrap(), bytes);
    assert_eq!(reviews.store.attachment_count().await.unwrap().to_fetch, 0);
}

#[tokio::test]
async fn a_file_that_the_store_lost_is_taken_in_anew() {
    let world = World::new().await;
    let laptop = Laptop::new(&world, Role::Validator).await;
    let bytes = file(5_000_000, 3);
    let form = laptop.store.put_blob(&bytes).unwrap();
    laptop.takes_in(&form).await;
    send_files(&laptop.store, &laptop.transport, &laptop.find())
        .await
        .unwrap();
    let kept = world.data.path().join("objects").join(&form[..2]).join(&form);
    std::fs::remove_file(&kept).unwrap();
    let gone = laptop.transport.blob_state(&form).await.unwrap();
    assert_eq!((gone.bytes, gone.whole), (0, false));
    // A piece that would go on with what was there changes nothing.
    let late = laptop
        .transport
        .send_piece(&form, BlobKind::File, 4_000_000, 5_000_000, bytes[4_000_000..].to_vec());
    assert!(!late.await.unwrap().whole);
    laptop.store.forget_after(0).await.unwrap();
    laptop.takes_in(&form).await;
    send_files(&laptop.store, &laptop.transport, &laptop.find())
        .await
        .unwrap();
    assert_eq!(std::fs::read(&kept).unwrap(), bytes);
    assert!(laptop.transport.blob_state(&form).await.unwrap().whole);
}

#[tokio::test]
async fn a_folder_of_pages_arrives_as_its_pages() {
    let world = World::new().await;
    let (brings, reviews) = (
        Laptop::new(&world, Role::Operator).await,
        Laptop::new(&world, Role::Validator).await,
    );
    let folder = tempfile::tempdir().unwrap();
    let pages: Vec<Page> = [file(600_000, 3), file(70_000, 4)]
        .iter()
        .zip(["1.png", "2.png"])
        .map(|(bytes, name)| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Page {
                sha256: sha256(bytes),
                path,
            }
        })
        .collect();
    let mut hash = Sha256::new();
    for page in &pages {
        hash.update(Sha256::digest(std::fs::read(&page.path).unwrap()));
    }
    let form = castor_store::hex(&hash.finalize());
    // An operator sends, and does not see the work of others.
    brings.begins(&form).await;
    castor_sync::sending(&brings.store, &brings.transport).await.unwrap();
    let given = pages.clone();
    let find: Find = Arc::new(move |_| Ok(Content::Pages(given.clone())));
    let sent = send_files(&brings.store, &brings.transport, &find).await.unwrap();
    assert_eq!((sent.arrived, sent.failed), (1, 0));
    let refused = brings.transport.fetch_piece(&form, 0).await.unwrap_err();
    assert!(refused.to_string().contains("FORBIDDEN"), "{refused}");

    round(&reviews.store, &reviews.transport).await.unwrap();
    reviews.store.want_files(std::slice::from_ref(&form)).await.unwrap();
    let got = fetch_files(&reviews.store, &reviews.transport).await.unwrap();
    assert_eq!((got.arrived, got.failed), (1, 0));
    let there = reviews.store.blob_path(&form);
    for (page, name) in pages.iter().zip(["0001.png", "0002.png"]) {
        assert_eq!(sha256(&std::fs::read(there.join(name)).unwrap()), page.sha256);
    }

    // An older backup is restored, which knows nothing of the files that are in the store.
    sqlx::raw_sql("DELETE FROM blob_page; DELETE FROM blob")
        .execute(&mut crate::world::connect(&world.database).await)
        .await
        .unwrap();
    let later = Laptop::new(&world, Role::Validator).await;
    round(&later.store, &later.transport).await.unwrap();
    later.store.want_files(std::slice::from_ref(&form)).await.unwrap();
    let got = fetch_files(&later.store, &later.transport).await.unwrap();
    assert_eq!((got.arrived, got.failed), (1, 0));
    let there = later.store.blob_path(&form);
    assert_eq!(sha256(&std::fs::read(there.join("0002.png")).unwrap()), pages[1].sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_files_that_stalls_leaves_connections_to_others() {
    let bucket = Bucket::default();
    let variables = bucket.open().await;
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let world = World::with(&variables).await;
    let laptop = Laptop::new(&world, Role::Validator).await;
    let user = world.user(Role::Validator).await;
    let files: Vec<Vec<u8>> = (0..20).map(|n| file(1_000, 100 + n)).collect();
    for bytes in &files {
        laptop.takes_in(&sha256(bytes)).await;
    }
    bucket.stalled.store(true, Ordering::Relaxed);
    let sends = files.iter().map(|bytes| {
        let (hash, part) = (sha256(bytes), bytes[..600].to_vec());
        let (world, token) = (&world, &user.access);
        async move {
            loop {
                let answer = piece(world, token, &hash, "offset=0&total=1000&kind=file", part.clone()).await;
                // Who has waited long for its turn is told to come back.
                if answer.status != 503 {
                    return answer;
                }
            }
        }
    });
    let others = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        for _ in 0..5 {
            let began = Instant::now();
            let answer = world.get("/api/queue/jobs", &user.access).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(began.elapsed() < Duration::from_secs(20), "it waits for a connection");
        }
        bucket.stalled.store(false, Ordering::Relaxed);
    };
    let (sent, ()) = tokio::join!(futures_util::future::join_all(sends), others);
    for answer in sent {
        assert_eq!(answer.data()["bytes"], 600);
    }
}

/// A piece as anyone may send it.
async fn piece(world: &World, token: &str, hash: &str, place: &str, bytes: Vec<u8>) -> Answer {
    let path = format!("/api/blobs/{hash}?{place}");
    let request = world.request(Method::POST, &path).bearer_auth(token);
    send(request.header("content-type", "application/octet-stream").body(bytes)).await
}

#[tokio::test]
async fn bytes_of_another_hash_are_thrown_away_and_the_right_ones_taken() {
    let world = World::new().await;
    let laptop = Laptop::new(&world, Role::Validator).await;
    let token = world.user(Role::Validator).await.access;
    let right = file(1000, 5);
    let form = sha256(&right);
    laptop.takes_in(&form).await;
    let half = piece(&world, &token, &form, "offset=0&total=1000&kind=file", file(600, 6)).await;
    assert_eq!(half.data()["bytes"], 600);
    let wrong = piece(&world, &token, &form, "offset=600&total=1000&kind=file", file(400, 6)).await;
    assert_eq!((wrong.status, wrong.code()), (409, "CONFLICT"));
    let state = world.get(&format!("/api/blobs/{form}/state"), &token).await.data();
    assert_eq!((&state["bytes"], &state["whole"]), (&0.into(), &false.into()));
    let missing = world.get(&format!("/api/blobs/{form}"), &token).await;
    assert_eq!((missing.status, missing.code()), (404, "NOT_FOUND"));

    let taken = piece(
        &world,
        &token,
        &form,
        "offset=0&total=1000&kind=file",
        right[..600].to_vec(),
    )
    .await;
    assert_eq!(taken.data()["bytes"], 600);
    // A piece that comes twice, and one that leaves a gap, change nothing and are told where to go on.
    for place in ["offset=0&total=1000&kind=file", "offset=900&total=1000&kind=file"] {
        let told = piece(&world, &token, &form, place, right[900..].to_vec()).await.data();
        assert_eq!(
            (&told["bytes"], &told["whole"]),
            (&600.into(), &false.into()),
            "{place}"
        );
    }
    let whole = piece(
        &world,
        &token,
        &form,
        "offset=600&total=1000&kind=file",
        right[600..].to_vec(),
    )
    .await;
    assert_eq!(whole.data()["whole"], true);
    let again = piece(&world, &token, &form, "offset=0&total=1000&kind=file", right.clone()).await;
    assert_eq!(again.data()["whole"], true);

    let path = format!("/api/blobs/{form}");
    let part = world.request(Method::GET, &path).bearer_auth(&token);
    let part = part.header("range", "bytes=990-").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 990-999/1000");
    assert_eq!(part.bytes().await.unwrap(), right[990..]);
    let behind = world.request(Method::GET, &path).bearer_auth(&token);
    let behind = behind.header("range", "bytes=1000-").send().await.unwrap();
    assert_eq!(behind.status(), 416);
    assert_eq!(behind.headers()["content-range"], "bytes */1000");
    assert_eq!(behind.headers()["castor-kind"], "file");
    assert_eq!(behind.headers()["content-type"], "application/json");
    let told: serde_json::Value = behind.json().await.unwrap();
    assert_eq!(
        (&told["ok"], &told["error"]["code"]),
        (&false.into(), &"RANGE_NOT_SATISFIABLE".into())
    );
    let all = world
        .request(Method::GET, &path)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(all.status(), 200);
    assert_eq!(all.bytes().await.unwrap(), right);
}

#[tokio::test]
async fn what_no_event_names_and_what_is_too_large_is_refused() {
    let world = World::new().await;
    let laptop = Laptop::new(&world, Role::Validator).await;
    let token = world.user(Role::Validator).await.access;
    let form = sha256(b"named");
    laptop.takes_in(&form).await;
    let unnamed = sha256(b"unnamed");
    for (hash, place, bytes, due) in [
        (&unnamed, "offset=0&total=7&kind=file", 7, (404, "NOT_FOUND")),
        (&form, "offset=0&total=200000001&kind=file", 7, (413, "TOO_LARGE")),
        (&form, "offset=0&total=32032&kind=pages", 7, (413, "TOO_LARGE")),
        (
            &form,
            "offset=0&total=5000000&kind=file",
            (4 << 20) + 1,
            (413, "TOO_LARGE"),
        ),
        (&form, "offset=0&total=5&kind=file", 7, (400, "INVALID_REQUEST")),
        (
            &form,
            "offset=18446744073709551615&total=5&kind=file",
            7,
            (400, "INVALID_REQUEST"),
        ),
        (&form, "offset=0&total=0&kind=file", 0, (400, "INVALID_REQUEST")),
        (&form, "offset=0&total=7&kind=other", 7, (400, "INVALID_REQUEST")),
        (
            &"..%2F..%2Fkeys".to_owned(),
            "offset=0&total=7&kind=file",
            7,
            (400, "INVALID_REQUEST"),
        ),
    ] {
        let answer = piece(&world, &token, hash, place, file(bytes, 9)).await;
        assert_eq!((answer.status, answer.code()), due, "{place}");
    }
    for path in [format!("/api/blobs/{unnamed}"), format!("/api/blobs/{unnamed}/state")] {
        assert_eq!(world.get(&path, &token).await.code(), "NOT_FOUND", "{path}");
    }
}

#[tokio::test]
async fn what_came_of_a_file_that_nobody_goes_on_with_is_thrown_away() {
    let world = World::new().await;
    let laptop = Laptop::new(&world, Role::Validator).await;
    let token = world.user(Role::Validator).await.access;
    let right = file(900, 11);
    let form = sha256(&right);
    laptop.takes_in(&form).await;
    piece(
        &world,
        &token,
        &form,
        "offset=0&total=900&kind=file",
        right[..300].to_vec(),
    )
    .await
    .data();
    let pieces = world.data.path().join("objects/pieces").join(&form);
    assert_eq!(std::fs::read_dir(&pieces).unwrap().count(), 1);
    let parts = world.parts().await;
    let clear = async |before| castor_server::serve::clear_files(&parts.server, before).await;
    parts.migrate().await.unwrap();
    let now = OffsetDateTime::now_utc();
    assert_eq!(clear(now - time::Duration::hours(1)).await.unwrap(), 0);
    // Two that nobody goes on with, and one that is whole, whose pieces were left when a server was killed.
    let other = file(900, 12);
    let form_of_other = sha256(&other);
    laptop.takes_in(&form_of_other).await;
    let (place, part) = ("offset=0&total=900&kind=file", other[..300].to_vec());
    piece(&world, &token, &form_of_other, place, part).await.data();
    let whole = file(900, 13);
    laptop.takes_in(&sha256(&whole)).await;
    let sent = piece(&world, &token, &sha256(&whole), place, whole.clone()).await;
    assert_eq!(sent.data()["whole"], true);
    let left = world.data.path().join("objects/pieces").join(sha256(&whole));
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("000000000000"), &whole).unwrap();
    assert_eq!(
        clear(now - time::Duration::hours(1)).await.unwrap(),
        1,
        "pieces of what is whole are of no use"
    );
    assert_eq!(clear(now + time::Duration::hours(1)).await.unwrap(), 2);
    for pieces in [pieces, left] {
        assert!(std::fs::read_dir(&pieces).map_or(0, Iterator::count) == 0);
    }
    let state = world.get(&format!("/api/blobs/{form}/state"), &token).await.data();
    assert_eq!(state["bytes"], 0);
    let kept = world.request(Method::GET, &format!("/api/blobs/{}", sha256(&whole)));
    let kept = kept.bearer_auth(&token).send().await.unwrap();
    assert_eq!(kept.bytes().await.unwrap(), whole);
    parts.close().await.unwrap();
}
