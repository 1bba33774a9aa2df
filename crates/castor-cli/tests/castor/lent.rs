//! What a desk holds of the shared queue, and what becomes of it when nobody sits there.

use crate::former::folder;
use castor_app::{Desk, open_reader};
use castor_domain::review::Moment;
use castor_server::cluster::Cluster;
use castor_server::config::{Config, Service};
use castor_server::role::Role;
use castor_server::user::NewUser;
use castor_testkit::review::{begun, says};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, query_scalar};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Minutes that the desk's clock is ahead.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Moment {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Moment(i64::try_from(now.as_millis()).unwrap() + AHEAD.load(Ordering::SeqCst) * 60_000)
}

async fn call(desk: &Arc<Desk>, command: &str, arguments: Value) -> Value {
    desk.call(command, arguments).await.unwrap()
}

/// Syncs so many minutes after the beginning; until when the server has lent the form then, in microseconds.
async fn synced(desk: &Arc<Desk>, database: &mut PgConnection, minutes: i64) -> i64 {
    AHEAD.store(minutes, Ordering::SeqCst);
    call(desk, "server_sync", json!({})).await;
    let until = "SELECT (extract(epoch FROM until) * 1000000)::bigint FROM lease";
    query_scalar(until).fetch_one(database).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_nobody_sits_at_lets_what_it_took_run_out() {
    let data = folder();
    let settings = ["fsync=off", "full_page_writes=off"];
    let cluster = Cluster::start(&data.path().join("postgres"), None, &settings)
        .await
        .unwrap();
    let database = cluster.url("postgres").reveal().to_owned();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let config = || {
        let mut config = Config::from_variables(Service::ALL.into(), |name| match name {
            "DATABASE_URL" => Some(database.clone()),
            "CASTOR_DATA" => Some(data.path().display().to_string()),
            "E14_WORKERS" => Some("0".to_owned()),
            _ => None,
        })
        .unwrap();
        config.listen = address;
        config
    };
    let ana = NewUser {
        email: "ana@example.org".to_owned(),
        password: "un acta tiene tres casillas".to_owned(),
        first_name: "Ana".to_owned(),
        last_name: "Gómez".to_owned(),
        ..NewUser::default()
    };
    castor_server::add_user(config(), ana, Role::Validator).await.unwrap();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(castor_server::serve(config(), |_| (), async { ended.await.unwrap() }));
    let address = format!("http://{address}");

    let reader = open_reader(None).unwrap();
    let desk = Desk::with(&data.path().join("desk"), reader, clock, data.path().join("settings"))
        .await
        .unwrap();
    let form = desk.store().put_blob(b"an acta").unwrap();
    desk.store().append(&form, &begun(1)).await.unwrap();
    desk.store().append(&form, &[says(3, 1, 4)]).await.unwrap();
    let who = json!({ "address": address, "email": "ana@example.org", "password": "un acta tiene tres casillas" });
    for tries in 0.. {
        match desk.call("server_sign_in", who.clone()).await {
            Ok(_) => break,
            Err(error) => assert!(tries < 600, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    call(&desk, "server_sync", json!({})).await;
    let lent = call(&desk, "server_lease", json!({ "count": 1, "departamento": null })).await;
    assert_eq!(lent, 1);

    let mut connection = PgConnection::connect(&database).await.unwrap();
    let taken = synced(&desk, &mut connection, 1).await;
    let renewed = synced(&desk, &mut connection, 8).await;
    assert!(renewed > taken, "who took it a while ago keeps it");
    let alone = synced(&desk, &mut connection, 16).await;
    assert_eq!(alone, renewed, "nobody was there for a quarter of an hour");
    call(&desk, "here", json!({})).await;
    let back = synced(&desk, &mut connection, 17).await;
    assert!(back > alone, "who comes back in time keeps it");
    let gone = synced(&desk, &mut connection, 40).await;
    assert_eq!(gone, back);
    let status = call(&desk, "status", json!({})).await;
    assert_eq!(status["server"]["lent"], 0, "{status}");

    drop((desk, connection));
    end.send(()).unwrap();
    server.await.unwrap().unwrap();
    cluster.leave().await.unwrap();
}
