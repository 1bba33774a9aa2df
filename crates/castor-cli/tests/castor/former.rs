//! `castor import-sqlite` on a cluster of the test's own.

use castor_server::cluster::Cluster;
use castor_testkit::review::{begun, says};
use sqlx::{Connection, PgConnection, SqliteConnection, query_scalar, raw_sql};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Not under root's home: the cluster runs as another user there.
fn folder() -> TempDir {
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
    CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, phone TEXT, interest TEXT, status TEXT);
    INSERT INTO leads VALUES (1, 'pedro@example.org', 'Pedro', '3001234567', 'campañas', 'contacted');
    CREATE TABLE tweets (id INTEGER PRIMARY KEY, text TEXT, score REAL, picture BLOB, bearer_token TEXT);
    INSERT INTO tweets VALUES (7, 'una \"frase\"', 0.5, x'00ff', 'AAAA'), (9, NULL, NULL, NULL, NULL);";

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
        "leads: 1 new, 0 known\ntweets: 2 new, 0 known\nusers: 2 new, 0 known\nusers: 1 left out, without an e-mail address\n"
    );
    let again = run(&["import-sqlite", file], "");
    assert!(
        said(&again).contains("tweets: 0 new, 2 known\nusers: 0 new, 2 known"),
        "{}",
        said(&again)
    );

    let mut database = PgConnection::connect(&url).await.unwrap();
    let users = "SELECT string_agg(email || ' ' || role || ' ' || active || ' ' || password_hash || ' ' || first_name, ';' ORDER BY email) FROM users";
    assert_eq!(
        text(&mut database, users).await,
        "Ana@Example.org ANALYST true ! Ana;luz@example.org ADMIN false ! sin dato"
    );
    let leads = "SELECT string_agg(email || ' ' || interest || ' ' || status || ' ' || location, ';') FROM lead";
    assert_eq!(
        text(&mut database, leads).await,
        "pedro@example.org campañas contactado sin dato"
    );
    let rows =
        "SELECT string_agg(content::text, ';' ORDER BY content->>'id') FROM former_row WHERE table_name = 'tweets'";
    assert_eq!(
        text(&mut database, rows).await,
        r#"{"id": 7, "text": "una \"frase\"", "score": 0.5, "picture": "00FF"};{"id": 9, "text": null, "score": null, "picture": null}"#
    );

    let added = run(
        &[
            "user",
            "add",
            "--email",
            "jefe@example.org",
            "--role",
            "ADMIN",
            "--first-name",
            "J",
            "--last-name",
            "F",
        ],
        "un acta tiene tres casillas\n",
    );
    assert!(added.status.success(), "{}", said(&added));
    let desk = data.path().join("desk");
    let store = castor_store::Store::open(&desk).await.unwrap();
    let form = "ab".repeat(32);
    store.append(&form, &begun(1)).await.unwrap();
    store.append(&form, &[says(3, 1, 4)]).await.unwrap();
    store.close().await;
    let desk = desk.to_str().unwrap();
    let unnamed = run(&["import-sqlite", desk], "");
    assert!(said(&unnamed).contains("--account"), "{}", said(&unnamed));
    let events = run(&["import-sqlite", desk, "--account", "jefe@example.org"], "");
    assert!(
        said(&events).contains("3 events accepted, 0 refused"),
        "{}",
        said(&events)
    );
    let events = run(&["import-sqlite", desk, "--account", "jefe@example.org"], "");
    assert!(
        said(&events).contains("0 events accepted, 0 refused"),
        "{}",
        said(&events)
    );
    let log = "SELECT string_agg(kind || ' ' || author, ';' ORDER BY global) FROM event";
    assert_eq!(text(&mut database, log).await, "imported ana;read ana;cell ana");
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
