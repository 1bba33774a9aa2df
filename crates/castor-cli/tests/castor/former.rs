//! `castor import-sqlite` on a cluster of the test's own.

use castor_server::cluster::Cluster;
use castor_testkit::review::{begun, says};
use sqlx::{Connection, PgConnection, SqliteConnection, query_scalar, raw_sql};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Not under root's home: the cluster runs as another user there.
pub(crate) fn folder() -> TempDir {
    let open = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(open).tempdir_in("/tmp").unwrap()
}

fn castor(url: &str, data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_castor"))
        .args(arguments)
        .env("DATABASE_URL", url)
        .env("CASTOR_DATA", data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const ORIGINAL: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, password_hash TEXT, first_name TEXT, role TEXT, is_active BOOLEAN);
    INSERT INTO users VALUES (1, 'Ana@Example.org', 'scrypt:secreto', 'Ana', 'analyst', 1), (2, NULL, 'x', 'Nadie', 'viewer', 1),
        (3, 'luz@example.org', 'y', NULL, 'admin', 0);
    CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, phone INTEGER, interest TEXT, status TEXT);
    INSERT INTO leads VALUES (1, 'pedro@example.org', 'Pedro', '3001234567', 'campañas', 'contacted');
    CREATE TABLE tweets (id INTEGER PRIMARY KEY, text TEXT, score REAL, picture BLOB, bearer_token TEXT);
    INSERT INTO tweets VALUES (7, 'una \"frase\"', 0.5, x'00ff', 'AAAA'), (9, NULL, NULL, NULL, NULL);
    CREATE TABLE calls (model TEXT, max_tokens INTEGER, api_token TEXT);
    INSERT INTO calls VALUES ('m', 512, 'a'), ('m', 512, 'b'), ('m', 512, 'b'), ('n', 64, 'c');
    CREATE TABLE words (word TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
    INSERT INTO words VALUES ('acta', 3), ('mesa', 2);
    CREATE VIRTUAL TABLE sought USING fts5(text);
    PRAGMA writable_schema = ON;
    UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'unknown_module') WHERE name = 'sought';
    DELETE FROM sqlite_master WHERE name LIKE 'sought_%';";

async fn original(file: &Path) {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    raw_sql(ORIGINAL).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

async fn text(database: &mut PgConnection, sql: &'static str) -> String {
    let text: Option<String> = query_scalar(sql).fetch_one(database).await.unwrap();
    text.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_before_comes_in_once_and_without_secrets() {
    let data = folder();
    let settings = ["fsync=off", "full_page_writes=off"];
    let cluster = Cluster::start(&data.path().join("postgres"), None, &settings)
        .await
        .unwrap();
    let url = cluster.url("postgres").reveal().to_owned();
    let run = |arguments: &[&str], input: &str| castor(&url, data.path(), arguments, input);

    let file = data.path().join("dashboard.db");
    original(&file).await;
    let file = file.to_str().unwrap();
    let first = run(&["import-sqlite", file], "");
    assert_eq!(first.status.code(), Some(2), "{}", said(&first));
    assert_eq!(
        String::from_utf8_lossy(&first.stdout),
        "calls: 4 new, 0 known
calls: left behind as secrets: api_token
leads: 1 new, 0 known
sought: left out, it cannot be read: error returned from database: (code: 1) no such module: unknown_module
tweets: 2 new, 0 known
tweets: left behind as secrets: bearer_token
users: 2 new, 0 known
users: left behind as secrets: password_hash
users: 1 left out, without an e-mail address
words: 2 new, 0 known
"
    );
    let again = run(&["import-sqlite", file], "");
    for known in [
        "calls: 0 new, 4 known",
        "tweets: 0 new, 2 known",
        "users: 0 new, 2 known",
        "words: 0 new, 2 known",
    ] {
        assert!(said(&again).contains(known), "{known}: {}", said(&again));
    }

    let mut database = PgConnection::connect(&url).await.unwrap();
    let users = "SELECT string_agg(email || ' ' || role || ' ' || active || ' ' || password_hash || ' ' || first_name, ';' ORDER BY email) FROM users";
    assert_eq!(
        text(&mut database, users).await,
        "Ana@Example.org ANALYST true ! Ana;luz@example.org ADMIN false ! sin dato"
    );
    let leads = "SELECT string_agg(email || ' ' || phone || ' ' || interest || ' ' || status || ' ' || location, ';') FROM lead";
    assert_eq!(
        text(&mut database, leads).await,
        "pedro@example.org 3001234567 campañas contactado sin dato"
    );
    // What accounts and requests of ours have no place for is kept too.
    let rows =
        "SELECT string_agg(content::text, ';' ORDER BY content->>'id') FROM former_row WHERE table_name = 'users'";
    assert_eq!(
        text(&mut database, rows).await,
        r#"{"id": 1, "role": "analyst", "email": "Ana@Example.org", "is_active": 1, "first_name": "Ana"};{"id": 2, "role": "viewer", "email": null, "is_active": 1, "first_name": "Nadie"};{"id": 3, "role": "admin", "email": "luz@example.org", "is_active": 0, "first_name": null}"#
    );
    let rows =
        "SELECT string_agg(content::text, ';' ORDER BY content->>'id') FROM former_row WHERE table_name = 'tweets'";
    assert_eq!(
        text(&mut database, rows).await,
        r#"{"id": 7, "text": "una \"frase\"", "score": 0.5, "picture": "00FF"};{"id": 9, "text": null, "score": null, "picture": null}"#
    );
    let rows = "SELECT string_agg(content::text, ';' ORDER BY table_name, content::text) FROM former_row WHERE table_name IN ('calls', 'words')";
    assert_eq!(
        text(&mut database, rows).await,
        r#"{"model": "m", "max_tokens": 512};{"model": "m", "max_tokens": 512};{"model": "m", "max_tokens": 512};{"model": "n", "max_tokens": 64};{"n": 2, "word": "mesa"};{"n": 3, "word": "acta"}"#
    );

    for email in ["jefe@example.org", "otra@example.org"] {
        let who = [
            "user",
            "add",
            "--email",
            email,
            "--role",
            "VALIDATOR",
            "--first-name",
            "J",
            "--last-name",
            "F",
        ];
        let added = run(&who, "un acta tiene tres casillas\n");
        assert!(added.status.success(), "{}", said(&added));
    }
    let desk = data.path().join("desk");
    let store = castor_store::Store::open(&desk).await.unwrap();
    let form = store.put_blob(b"an acta").unwrap();
    store.append(&form, &begun(1)).await.unwrap();
    store.append(&form, &[says(3, 1, 4)]).await.unwrap();
    store.close().await;
    let setting = async || {
        let store = castor_store::Store::open(&desk).await.unwrap();
        let shared = castor_app::shared_as(&store).await.unwrap();
        store.close().await;
        shared.map(|account| account.email)
    };
    let folder = desk.to_str().unwrap();
    let import = |account: &str| run(&["import-sqlite", folder, "--account", account], "");
    let unnamed = run(&["import-sqlite", folder], "");
    assert!(said(&unnamed).contains("--account"), "{}", said(&unnamed));
    let analyst = import("ana@example.org");
    assert!(
        said(&analyst).contains("its role ANALYST sends no forms"),
        "{}",
        said(&analyst)
    );
    assert_eq!(setting().await, None);
    let events = import("jefe@example.org");
    assert!(events.status.success(), "{}", said(&events));
    assert_eq!(
        String::from_utf8_lossy(&events.stdout),
        "3 events accepted, 0 refused\n1 files brought in\n\
         the desk shares its forms under jefe@example.org from now on: that account signs in there, and no other\n"
    );
    let events = import("jefe@example.org");
    assert!(
        said(&events).contains("0 events accepted, 0 refused\n0 files brought in"),
        "{}",
        said(&events)
    );
    // A sign-in of another account is told whose forms they are, and so is another import.
    assert_eq!(setting().await.as_deref(), Some("jefe@example.org"));
    let other = import("otra@example.org");
    assert!(!other.status.success());
    assert!(
        said(&other).contains("are shared under the account jefe@example.org"),
        "{}",
        said(&other)
    );
    let store = castor_store::Store::open(&desk).await.unwrap();
    store.forget_setting("sync.account").await.unwrap();
    let lost = store.blob_path(&form);
    store.close().await;
    let other = import("otra@example.org");
    assert!(!other.status.success());
    assert!(
        said(&other).contains("SYNC_CLIENT the server has this desk's forms under jefe@example.org"),
        "{}",
        said(&other)
    );
    assert_eq!(setting().await, None, "nothing was changed");
    assert!(import("jefe@example.org").status.success());
    assert_eq!(setting().await.as_deref(), Some("jefe@example.org"));

    // A file that is gone is counted and keeps nothing else back.
    std::fs::remove_file(lost).unwrap();
    let store = castor_store::Store::open(&desk).await.unwrap();
    let whole = store.put_blob(b"another acta").unwrap();
    let gone = store.put_blob(b"a third acta").unwrap();
    store.append(&whole, &begun(11)).await.unwrap();
    store.append(&gone, &begun(21)).await.unwrap();
    std::fs::remove_file(store.blob_path(&gone)).unwrap();
    store.close().await;
    let left = import("jefe@example.org");
    assert_eq!(left.status.code(), Some(2));
    assert!(
        said(&left).contains("4 events accepted, 0 refused\n1 files brought in\n1 files are left"),
        "{}",
        said(&left)
    );
    let files = "SELECT string_agg(sha256, ' ' ORDER BY sha256) FROM blob WHERE whole";
    let mut both = [form, whole];
    both.sort();
    assert_eq!(text(&mut database, files).await, both.join(" "));
    let log = "SELECT string_agg(kind || ' ' || author, ';' ORDER BY global) FROM event";
    assert_eq!(
        text(&mut database, log).await,
        "imported ana;read ana;cell ana;imported ana;read ana;imported ana;read ana"
    );
    drop(database);

    let none = data.path().join("none.db");
    std::fs::write(&none, "nothing of the kind").unwrap();
    let refused = run(&["import-sqlite", none.to_str().unwrap()], "");
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("none.db cannot be read as a SQLite database"),
        "{}",
        said(&refused)
    );
    cluster.leave().await.unwrap();
}
