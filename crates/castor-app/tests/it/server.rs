//! Signing in and out where something fails, against a server of a few answers.

use crate::desk::{call, once_free};
use castor_app::{Desk, open_reader};
use castor_domain::review::Moment;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What the server knows.
#[derive(Default)]
struct Known {
    /// Requests, in order.
    asked: Vec<String>,
    /// The refresh token that is good.
    refresh: String,
    /// Access tokens that have ended.
    ended: Vec<String>,
    /// Sign-ins and renewals so far.
    given: usize,
    /// Forms that are lent, and whether it refuses to lend more.
    lent: Vec<&'static str>,
    /// Names of other accounts.
    taken: Vec<&'static str>,
    refuses: bool,
}

impl Known {
    fn signed_in(&mut self, refresh: String) -> (u16, Value) {
        self.given += 1;
        self.refresh = refresh;
        let data = json!({
            "access_token": format!("access-{}", self.given),
            "refresh_token": self.refresh,
            "user": ana(),
        });
        (200, json!({ "ok": true, "data": data }))
    }

    fn answer(&mut self, request: &str, token: &str, body: &Value) -> (u16, Value) {
        self.asked.push(format!("{request} {token}").trim().to_owned());
        let refused = |status, code: &str| {
            (
                status,
                json!({ "ok": false, "error": { "code": code, "message": "no" } }),
            )
        };
        match request {
            "POST /api/auth/login" => {
                let refresh = format!("refresh-{}", self.given);
                self.signed_in(refresh)
            }
            "POST /api/auth/refresh" if body["refresh_token"] == self.refresh.as_str() => {
                self.signed_in(body["next"].as_str().unwrap().to_owned())
            }
            _ if self.ended.iter().any(|ended| ended == token) || token.is_empty() => refused(401, "UNAUTHENTICATED"),
            "GET /api/auth/me" => (200, json!({ "ok": true, "data": ana() })),
            "POST /api/sync/lease" if self.refuses => refused(400, "INVALID_REQUEST"),
            "POST /api/sync/lease" => {
                let lease = |form: &&str| json!({ "form": form, "until": 0 });
                let leases: Vec<Value> = self.lent.iter().map(lease).collect();
                (200, json!({ "ok": true, "data": leases }))
            }
            "POST /api/sync/name" => {
                let names = body["names"].as_array().unwrap();
                let free = names.iter().find(|name| !self.taken.contains(&name.as_str().unwrap()));
                (200, json!({ "ok": true, "data": { "name": free } }))
            }
            "POST /api/users" => {
                let fields = json!([{ "field": "email", "rule": "not an e-mail address" }]);
                let error =
                    json!({ "code": "INVALID_REQUEST", "message": "some fields are not valid", "fields": fields });
                (400, json!({ "ok": false, "error": error }))
            }
            "POST /api/auth/logout" => (200, json!({ "ok": true, "data": null })),
            _ => refused(404, "NOT_FOUND"),
        }
    }
}

fn ana() -> Value {
    json!({
        "id": "018f", "email": "ana@example.org", "first_name": "Ana", "last_name": "G",
        "role": "VIEWER", "permissions": [],
    })
}

fn serve(stream: TcpStream, known: &Mutex<Known>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut request, mut token, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => token = value.trim_start_matches("Bearer ").to_owned(),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let request = request.rsplit_once(' ').map_or("", |(request, _)| request);
    let (status, answer) = known.lock().unwrap().answer(request, &token, &body);
    let answer = answer.to_string();
    let length = answer.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
    )
}

/// The server, and its address. It ends with the tests.
fn server() -> (Arc<Mutex<Known>>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let known = Arc::<Mutex<Known>>::default();
    let served = Arc::clone(&known);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let served = Arc::clone(&served);
            std::thread::spawn(move || serve(stream.unwrap(), &served));
        }
    });
    (known, address)
}

async fn desk(folder: &Path) -> Arc<Desk> {
    let (data, settings) = (folder.join("data"), folder.join("settings"));
    once_free(|| Desk::with(&data, open_reader(None).unwrap(), || Moment(1), settings.clone())).await
}

async fn sign_in(desk: &Arc<Desk>, address: &str) -> Result<Value, String> {
    let who = json!({ "address": address, "email": "ana@example.org", "password": "secreto" });
    desk.call("server_sign_in", who).await.map_err(|failure| failure.code)
}

async fn database(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("data/castor.db"));
    options.connect().await.unwrap()
}

/// From now on what is remembered of a sign-in cannot be written nor forgotten.
async fn spoilt(database: &mut SqliteConnection) {
    for what in ["INSERT", "DELETE"] {
        let trigger = format!(
            "CREATE TRIGGER no_{what} BEFORE {what} ON setting WHEN {}.name = 'server'
             BEGIN SELECT RAISE(ABORT, 'the disk says no'); END",
            if what == "INSERT" { "new" } else { "old" }
        );
        sqlx::query(sqlx::AssertSqlSafe(trigger))
            .execute(&mut *database)
            .await
            .unwrap();
    }
}

async fn mended(database: &mut SqliteConnection) {
    sqlx::raw_sql("DROP TRIGGER no_INSERT; DROP TRIGGER no_DELETE")
        .execute(database)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_that_fails_leaves_the_desk_signed_in() {
    let work = tempfile::tempdir().unwrap();
    let (known, address) = server();
    let desk = desk(work.path()).await;
    sign_in(&desk, &address).await.unwrap();
    let mut database = database(work.path()).await;
    spoilt(&mut database).await;
    let failed = desk.call("server_sign_out", json!({})).await.unwrap_err();
    assert_eq!(failed.code, "STO_010");
    mended(&mut database).await;
    assert_eq!(call(&desk, "server_sync", json!({})).await["state"], "online");
    let me = json!({ "method": "GET", "path": "/api/auth/me", "body": null });
    call(&desk, "server_request", me.clone()).await;

    // The same after a restart: the token is there.
    drop(desk);
    let desk = self::desk(work.path()).await;
    assert_eq!(call(&desk, "server_sync", json!({})).await["state"], "online");
    call(&desk, "server_sign_out", json!({})).await;
    assert_eq!(call(&desk, "status", json!({})).await["server"], Value::Null);
    assert_eq!(desk.call("server_request", me).await.unwrap_err().code, "SYNC_008");
    assert!(known.lock().unwrap().asked.iter().any(|asked| asked.contains("logout")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_says_which_fields_are_wrong() {
    let work = tempfile::tempdir().unwrap();
    let (_, address) = server();
    let desk = desk(work.path()).await;
    sign_in(&desk, &address).await.unwrap();
    let request = |path: &str| json!({ "method": "POST", "path": path, "body": { "email": "luz@example" } });
    let failed = desk.call("server_request", request("/api/users")).await.unwrap_err();
    assert_eq!(
        serde_json::to_value(failed).unwrap(),
        json!({
            "code": "INVALID_REQUEST",
            "message": "some fields are not valid",
            "fields": [{ "field": "email", "rule": "not an e-mail address" }],
        })
    );
    // What names no field has none.
    let failed = desk.call("server_request", request("/api/leads")).await.unwrap_err();
    assert_eq!(
        serde_json::to_value(failed).unwrap(),
        json!({ "code": "NOT_FOUND", "message": "no" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_fails_leaves_the_one_before_and_ends_at_the_server() {
    let work = tempfile::tempdir().unwrap();
    let (known, address) = server();
    let desk = desk(work.path()).await;
    sign_in(&desk, &address).await.unwrap();
    let former = known.lock().unwrap().refresh.clone();
    let mut database = database(work.path()).await;
    spoilt(&mut database).await;
    assert_eq!(sign_in(&desk, &address).await.unwrap_err(), "STO_010");
    mended(&mut database).await;
    {
        let mut known = known.lock().unwrap();
        assert!(
            known.asked.contains(&"POST /api/auth/logout access-2".to_owned()),
            "{:?}",
            known.asked
        );
        // The first sign-in goes on, and renews itself.
        known.refresh = former;
        known.ended.push("access-1".to_owned());
    }
    assert_eq!(call(&desk, "server_sync", json!({})).await["state"], "online");
    assert_eq!(known.lock().unwrap().given, 3);
    // What it renewed itself to is kept for the next run.
    drop(desk);
    let desk = self::desk(work.path()).await;
    assert_eq!(call(&desk, "server_sync", json!({})).await["state"], "online");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_keeps_what_was_lent_when_the_server_refuses_to_lend_more() {
    let work = tempfile::tempdir().unwrap();
    let (known, address) = server();
    let desk = desk(work.path()).await;
    sign_in(&desk, &address).await.unwrap();
    known.lock().unwrap().lent = vec!["a", "b"];
    let asked = |departamento: &str| json!({ "count": 2, "departamento": departamento });
    assert_eq!(call(&desk, "server_lease", asked("01")).await, 2);
    known.lock().unwrap().refuses = true;
    let refused = desk.call("server_lease", asked("Antioquia")).await.unwrap_err();
    assert_eq!(refused.code, "INVALID_REQUEST");
    assert_eq!(call(&desk, "status", json!({})).await["server"]["lent"], 2);
    // What it answers is all that is lent then.
    known.lock().unwrap().refuses = false;
    known.lock().unwrap().lent = vec!["a", "b", "c"];
    assert_eq!(call(&desk, "server_lease", asked("05")).await, 3);
    assert_eq!(call(&desk, "status", json!({})).await["server"]["lent"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_of_one_name_get_two() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path()).await;
    let person = async || call(&desk, "status", json!({})).await["person"].clone();
    let drawn = person().await;
    assert_eq!(person().await, drawn, "it is drawn once");
    let other = tempfile::tempdir().unwrap();
    assert_ne!(
        call(&self::desk(other.path()).await, "status", json!({})).await["person"],
        drawn
    );

    let (known, address) = server();
    known.lock().unwrap().taken = vec!["Ana G", "Luz"];
    sign_in(&desk, &address).await.unwrap();
    assert_eq!(person().await, "Ana G (ana@example.org)");
    let mut settings = call(&desk, "settings", json!({})).await;
    settings["person"] = json!("Luz");
    let refused = desk
        .call("settings_save", json!({ "settings": settings }))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), person().await),
        ("SYNC_AUTHOR", json!("Ana G (ana@example.org)"))
    );
    settings["person"] = json!("Ana María");
    call(&desk, "settings_save", json!({ "settings": settings })).await;
    // A name that was chosen stays.
    sign_in(&desk, &address).await.unwrap();
    assert_eq!(person().await, "Ana María");
}
