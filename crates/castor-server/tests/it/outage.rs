//! The database down at the start or in flight, of a newer program, in the data folder; the end of the server.

use crate::world::{PASSWORD, World, connect, database, folder, free_port, send};
use castor_server::cluster::Cluster;
use castor_server::role::Role;
use castor_server::shared::Event;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A way to the database that can be cut and closed.
struct Way {
    port: u16,
    open: watch::Sender<bool>,
}

impl Way {
    async fn to(url: &str, open: bool) -> (Self, String) {
        let rest = url.split_once("@127.0.0.1:").unwrap().1;
        let target: u16 = rest.split('/').next().unwrap().parse().unwrap();
        let port = free_port();
        let way = Self {
            port,
            open: watch::Sender::new(open),
        };
        let through = url.replace(&format!(":{target}/"), &format!(":{port}/"));
        let open = way.open.subscribe();
        tokio::spawn(async move {
            loop {
                let mut state = open.clone();
                if state.wait_for(|open| *open).await.is_err() {
                    return;
                }
                let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
                loop {
                    let accepted = tokio::select! {
                        accepted = listener.accept() => accepted.unwrap().0,
                        _ = state.wait_for(|open| !*open) => break,
                    };
                    let mut cut = open.clone();
                    tokio::spawn(async move {
                        let mut near = accepted;
                        let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            _ = cut.wait_for(|open| !*open) => {}
                        }
                    });
                }
            }
        });
        (way, through)
    }
}

async fn until(world: &World, path: &str, status: u16) {
    let began = Instant::now();
    while send(world.request(Method::GET, path)).await.status != status {
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "{path} does not answer {status}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_database_that_is_down_at_the_start_is_waited_for() {
    let (way, url) = Way::to(&database().await, false).await;
    let nowhere = url.replace("127.0.0.1", "localhost"); // does not wait for readiness
    let world = World::with(&[("DATABASE_URL", &nowhere)]).await;
    let answer = world.login("ana@example.org", PASSWORD).await;
    assert_eq!((answer.status, answer.code()), (503, "DATABASE_UNAVAILABLE"));
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(send(world.request(Method::GET, "/api/health/live")).await.status, 200);
    assert_eq!(send(world.request(Method::GET, "/api/health/ready")).await.status, 503);
    let dependencies = send(world.request(Method::GET, "/api/health/dependencies"))
        .await
        .data();
    assert_eq!(dependencies[0]["state"], "down");
    way.open.send_replace(true);
    until(&world, "/api/health/ready", 200).await;
    assert_eq!(
        world.login("ana@example.org", PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );
    assert!(way.port > 0);
}

#[tokio::test]
async fn a_database_that_is_lost_in_flight_comes_back_without_a_restart() {
    let (way, url) = Way::to(&database().await, true).await;
    let world = World::with(&[("DATABASE_URL", &url)]).await;
    let user = world.user(Role::Admin).await;
    way.open.send_replace(false);
    for _ in 0..3 {
        let began = Instant::now();
        let answer = world.get("/api/users", &user.access).await;
        assert_eq!((answer.status, answer.code()), (503, "DATABASE_UNAVAILABLE"));
        assert!(began.elapsed() < Duration::from_secs(45));
    }
    assert_eq!(send(world.request(Method::GET, "/api/health")).await.status, 503);
    way.open.send_replace(true);
    until(&world, "/api/health/ready", 200).await;
    assert_eq!(world.get("/api/users", &user.access).await.status, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_transaction_open() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let body = json!({ "client": "00000000-0000-7000-8000-000000000001", "count": 1, "departamento": null });
    for n in 0..300 {
        let request = world
            .request(Method::POST, "/api/sync/lease")
            .bearer_auth(&admin.access)
            .json(&body);
        let _ = tokio::time::timeout(Duration::from_micros(n * 37), request.send()).await;
    }
    let mut connection = connect(&world.database).await;
    let open =
        "SELECT count(*), count(*) FILTER (WHERE now() - state_change > interval '20 seconds') FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    // What is still at work ends. The database ends what is left open after 30 seconds: it is not waited for.
    loop {
        let (open, left): (i64, i64) = sqlx::query_as(open).fetch_one(&mut connection).await.unwrap();
        assert_eq!(left, 0, "a transaction is left open");
        if open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone() {
    let world = World::new().await;
    let mut connection = connect(&world.database).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, '\\x00', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    let url = world.database.replace("127.0.0.1", "localhost");
    let old = World::with(&[("DATABASE_URL", &url)]).await;
    for _ in 0..1200 {
        let answer = old.login("ana@example.org", PASSWORD).await;
        assert_eq!((answer.status, answer.code()), (503, "DATABASE_UNAVAILABLE"));
        if answer.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("newer CASTOR (migration 9999)")
        {
            let checks = castor_server::check(old.config()).await.unwrap();
            assert!(checks[0].reason.as_ref().unwrap().contains("newer CASTOR"));
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody is told why");
}

#[tokio::test]
async fn migrations_have_as_much_time_as_they_need() {
    let world = World::with(&[("DATABASE_URL", &database().await)]).await;
    let fresh = database().await;
    let mut connection = connect(&fresh).await;
    let note = "CREATE TABLE seen (timeout text);
        CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.seen VALUES (current_setting('statement_timeout')); END $$;
        CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION note();";
    sqlx::raw_sql(note).execute(&mut connection).await.unwrap();
    castor_server::migrate(in_databases(&world, &fresh, &fresh))
        .await
        .unwrap();
    let seen: Vec<String> = sqlx::query_scalar("SELECT DISTINCT timeout FROM seen")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(seen, ["0"]);
}

#[tokio::test]
async fn the_check_names_the_migrations_that_serve_would_not_go_on_from() {
    let world = World::new().await;
    let mut connection = connect(&world.database).await;
    let reason = async || {
        let checks = castor_server::check(world.config()).await.unwrap();
        checks[0].reason.clone()
    };
    assert_eq!(reason().await, None);
    let wrong = [
        (
            "SET success = false",
            "SET success = true",
            "migration 2 of the database was interrupted",
        ),
        (
            "SET checksum = checksum || '\\x00'",
            "SET version = version",
            "migration 2 of the database is not the one of this",
        ),
    ];
    for (set, back, expected) in wrong {
        for (n, set) in [set, back].into_iter().enumerate() {
            let set = sqlx::AssertSqlSafe(format!("UPDATE _sqlx_migrations {set} WHERE version = 2"));
            sqlx::query(set).execute(&mut connection).await.unwrap();
            if n == 0 {
                let (told, error) = (
                    reason().await.unwrap(),
                    castor_server::migrate(world.config()).await.unwrap_err(),
                );
                assert!(told.contains(expected), "{told}");
                assert!(error.to_string().contains('2'), "serve does not go on either: {error}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_database_url_a_private_cluster_runs_in_the_data_folder_and_ends_with_the_server() {
    let mut world = World::with(&[("DATABASE_URL", "")]).await;
    world.until_ready().await;
    let user = world.user(Role::Admin).await;
    let pid = world.data.path().join("postgres/data/postmaster.pid");
    assert!(
        pid.exists(),
        "the command that made the account did not end the server's cluster"
    );
    world.stop().await;
    assert!(!pid.exists());
    world.start().await;
    world.until_ready().await;
    assert_eq!(
        world.login(&user.email, PASSWORD).await.status,
        200,
        "accounts are still there"
    );
    world.stop().await;
}

#[tokio::test]
async fn a_private_cluster_that_ends_by_itself_is_started_again() {
    let mut world = World::with(&[("DATABASE_URL", "")]).await;
    world.until_ready().await;
    let user = world.user(Role::Admin).await;
    let pid = world.data.path().join("postgres/data/postmaster.pid");
    let postmaster = || std::fs::read_to_string(&pid).ok()?.lines().next().map(str::to_owned);
    let first = postmaster().unwrap();
    let killed = std::process::Command::new("kill")
        .args(["-9", &first])
        .status()
        .unwrap();
    assert!(killed.success());
    let began = Instant::now();
    while world.login(&user.email, PASSWORD).await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(120), "it does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_ne!(postmaster().unwrap(), first);
    world.stop().await;
    assert!(!pid.exists(), "and it ends with the server");
}

#[tokio::test]
async fn a_cluster_that_a_killed_server_left_is_taken_over() {
    let folder = folder();
    let first = Cluster::start(&folder.path().join("postgres"), None, &[])
        .await
        .unwrap();
    let port = first.port();
    drop(first);
    let second = Cluster::start(&folder.path().join("postgres"), None, &[])
        .await
        .unwrap();
    assert_eq!(second.port(), port);
    connect(second.url("postgres").reveal()).await;
    second.leave().await.unwrap();
}

#[tokio::test]
async fn events_reach_those_who_may_know_and_the_stream_ends_with_the_server() {
    use castor_server::role::Permission;
    let mut world = World::new().await;
    let (validator, viewer) = (world.user(Role::Validator).await, world.user(Role::Viewer).await);
    let redis = crate::shared::RedisServer::start().await;
    let url = redis.url();
    let mut sharing = World::with(&[
        ("DATABASE_URL", &world.database),
        ("REDIS_URL", &url),
        ("CASTOR_DATA", world.data.path().to_str().unwrap()),
    ])
    .await;
    let open = async |token: &str| {
        let answer = sharing
            .request(Method::GET, "/api/events")
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        answer
    };
    let (mut one, two) = (open(&validator.access).await, open(&viewer.access).await);
    let other = sharing.parts().await;
    let event = Event {
        kind: "review.changed".into(),
        audience: Permission::CorrectE14,
        body: json!({ "form": "1" }),
    };
    let mut heard = String::new();
    for _ in 0..1_200 {
        other.server.shared.publish(&event).await;
        if let Ok(chunk) = tokio::time::timeout(Duration::from_millis(100), one.chunk()).await {
            heard = std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap().to_owned();
            if !heard.starts_with(':') {
                break;
            }
        }
    }
    assert!(
        heard.starts_with("event: review.changed\ndata: {\"form\":\"1\"}\n\n"),
        "{heard}"
    );
    sharing.stop().await;
    let heard = two.text().await.unwrap();
    // Lines of a stream that is only kept open begin with a colon.
    let told = heard.lines().any(|line| !line.is_empty() && !line.starts_with(':'));
    assert!(!told, "a viewer does not hear of corrections: {heard}");
    world.stop().await;
}

#[tokio::test]
async fn a_backup_comes_back_whole_into_an_empty_database_and_nowhere_else() {
    use castor_server::backup::BackupError;
    use castor_server::{backup, restore};
    let world = World::new().await;
    let user = world.user(Role::Admin).await;
    let place = folder();
    let target = place.path().join("backup");
    let manifest = backup(world.config(), &target).await.unwrap();
    assert_eq!(manifest.files[0].services, "core+e14+dashboard");
    let mode = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(&target), 0o700);
    for file in [manifest.files[0].name.as_str(), "manifest.json"] {
        assert_eq!(mode(&target.join(file)), 0o600, "{file}");
    }
    assert!(matches!(
        backup(world.config(), &target).await,
        Err(BackupError::NotEmpty(_))
    ));
    assert!(matches!(
        restore(world.config(), &target).await,
        Err(BackupError::HasData(_))
    ));
    let empty = database().await;
    let mut config = world.config();
    let url = Some(castor_server::config::Secret::new(&*empty));
    config.databases = castor_server::config::DatabaseUrls {
        core: url.clone(),
        e14: url.clone(),
        dashboard: url,
    };
    let dump = target.join(&manifest.files[0].name);
    let content = std::fs::read(&dump).unwrap();
    std::fs::write(&dump, &content[..content.len() - 1]).unwrap();
    assert!(matches!(
        restore(config.clone(), &target).await,
        Err(BackupError::Changed(_))
    ));
    std::fs::write(&dump, content).unwrap();
    assert_eq!(restore(config, &target).await.unwrap(), manifest);
    let restored = World::with(&[("DATABASE_URL", &empty)]).await;
    assert_eq!(restored.login(&user.email, PASSWORD).await.status, 200);
}

/// The configuration of a world with the core's tables in one database and the others' in another.
fn in_databases(world: &World, core: &str, others: &str) -> castor_server::Config {
    use castor_server::config::{DatabaseUrls, Secret};
    let mut config = world.config();
    config.databases = DatabaseUrls {
        core: Some(Secret::new(core)),
        e14: Some(Secret::new(others)),
        dashboard: Some(Secret::new(others)),
    };
    config
}

#[tokio::test]
async fn a_backup_of_several_databases_comes_back_whole_or_says_what_did_not() {
    use castor_server::backup::BackupError;
    use castor_server::{backup, migrate, restore};
    let (core, others) = (database().await, database().await);
    let world = World::with(&[
        ("DATABASE_URL", &core),
        ("E14_DATABASE_URL", &others),
        ("DASHBOARD_DATABASE_URL", &others),
    ])
    .await;
    let user = world.user(Role::Admin).await;
    let place = folder();
    let target = place.path().join("backup");
    let manifest = backup(world.config(), &target).await.unwrap();
    assert_eq!(manifest.files.len(), 2);

    let (fresh, used) = (database().await, database().await);
    migrate(in_databases(&world, &used, &used)).await.unwrap();
    let error = restore(in_databases(&world, &fresh, &used), &target).await.unwrap_err();
    assert!(
        matches!(&error, BackupError::HasData(which) if which == "e14+dashboard"),
        "{error}"
    );
    let made = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let made: bool = sqlx::query_scalar(made)
        .fetch_one(&mut connect(&fresh).await)
        .await
        .unwrap();
    assert!(!made, "nothing was changed");

    let foreign = database().await;
    let table = "CREATE TABLE form (id text)";
    sqlx::query(table).execute(&mut connect(&foreign).await).await.unwrap();
    let error = restore(in_databases(&world, &fresh, &foreign), &target)
        .await
        .unwrap_err();
    let told = error.to_string();
    assert!(matches!(error, BackupError::Partly { .. }), "{told}");
    assert!(
        told.contains("of e14+dashboard was not restored")
            && told.contains("that of core is restored")
            && told.contains("dropdb"),
        "{told}"
    );

    let (fresh, empty) = (database().await, database().await);
    assert_eq!(
        restore(in_databases(&world, &fresh, &empty), &target).await.unwrap(),
        manifest
    );
    let restored = World::with(&[
        ("DATABASE_URL", &fresh),
        ("E14_DATABASE_URL", &empty),
        ("DASHBOARD_DATABASE_URL", &empty),
    ])
    .await;
    assert_eq!(restored.login(&user.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_manifest_of_elsewhere_or_of_a_newer_program_changes_nothing() {
    use castor_server::backup::BackupError;
    use castor_server::{backup, restore};
    let world = World::new().await;
    let place = folder();
    let target = place.path().join("backup");
    let manifest = backup(world.config(), &target).await.unwrap();
    let dump = &manifest.files[0].name;
    std::fs::copy(target.join(dump), place.path().join(dump)).unwrap();
    let empty = database().await;
    let restored = async |change: &dyn Fn(&mut castor_server::backup::Manifest)| {
        let mut changed = manifest.clone();
        change(&mut changed);
        std::fs::write(target.join("manifest.json"), serde_json::to_vec(&changed).unwrap()).unwrap();
        restore(in_databases(&world, &empty, &empty), &target).await
    };
    for name in [
        format!("../{dump}"),
        format!("./{dump}"),
        "..".to_owned(),
        place.path().join(dump).display().to_string(),
    ] {
        let error = restored(&|manifest| manifest.files[0].name.clone_from(&name))
            .await
            .unwrap_err();
        assert!(matches!(error, BackupError::Manifest { .. }), "{name}: {error}");
    }
    for version in ["0.1.10000", "0.10.0", "1.0.0-rc.1"] {
        let error = restored(&|manifest| version.clone_into(&mut manifest.version))
            .await
            .unwrap_err();
        assert!(matches!(error, BackupError::Newer { .. }), "{version}: {error}");
    }
    let later = restored(&|manifest| manifest.migration += 1).await.unwrap_err();
    assert!(matches!(later, BackupError::Newer { .. }), "{later}");
    let older = restored(&|manifest| {
        "0.0.9".clone_into(&mut manifest.version);
        manifest.migration = 0;
    });
    assert_eq!(older.await.unwrap().version, "0.0.9");
}
