//! Reading one form while the asker waits.

use crate::paper::{draw, drawn, multipart, page};
use crate::world::{Answer, World, send};
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use castor_server::Network;
use castor_server::role::Role;
use castor_testkit::form::Family;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const PROCESS: &str = "/api/e14/process";

/// Events of a form in the log: kinds in order.
async fn kinds(world: &World, token: &str, form: &str) -> Vec<String> {
    let pulled = world.get("/api/sync/pull?after=0&limit=1000", token).await.data();
    let events = pulled["events"].as_array().unwrap().iter();
    let of_form = events.filter(|event| event["form"] == form);
    of_form
        .map(|event| {
            let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
            body["kind"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_once_and_stands_in_queue_and_log() {
    let world = World::new().await;
    let validator = world.user(Role::Validator).await;
    let token = &validator.access;
    let first = world
        .upload(PROCESS, token, "../../mesa 1.pdf", drawn(), &[])
        .await
        .data();
    assert_eq!(first["success"], true);
    assert_eq!(first["error_message"], Value::Null);
    let extraction = &first["extraction"];
    let header = &extraction["header"];
    let codes = ["departamento", "municipio", "zona", "puesto", "mesa"].map(|code| header[code].as_str());
    let mesa = codes
        .iter()
        .copied()
        .collect::<Option<Vec<_>>>()
        .map(|codes| codes.join("-"));
    assert_eq!(first["mesa_id"].as_str().map(str::to_owned), mesa);
    let urn = |path: &str| {
        let fields = extraction["fields"].as_array().unwrap();
        fields.iter().find(|field| field["path"] == path).unwrap()["value"].clone()
    };
    assert_eq!(first["total_urna"], urn("nivelacion.urna"));
    assert_eq!(first["total_sufragantes"], urn("nivelacion.sufragantes"));
    if let Some(sum) = first["total_computado"].as_i64() {
        assert_eq!(first["delta"], first["total_urna"].as_i64().unwrap() - sum);
    } else {
        assert_eq!(first["delta"], Value::Null, "what is not known is null");
    }
    let failed: u64 = first["validation_report"]["failed"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(first["alerts_count"], failed);

    // The same file and model are the same job, whatever the file is called.
    let again = world.upload(PROCESS, token, "copia.pdf", drawn(), &[]).await.data();
    assert_eq!(again, first);
    let form = first["form_id"].as_str().unwrap();
    assert_eq!(kinds(&world, token, form).await, ["imported", "read"]);
    let forced = world
        .upload(PROCESS, token, "acta.pdf", drawn(), &[("force_reprocess", "true")])
        .await
        .data();
    assert_eq!(forced["extraction_id"], first["extraction_id"]);
    assert_eq!(
        kinds(&world, token, form).await,
        ["imported", "read", "read"],
        "asked for, it is read anew"
    );

    let payload = world
        .upload(
            "/api/e14/process-v2",
            token,
            "acta.pdf",
            drawn(),
            &[("source_type", "WITNESS_UPLOAD")],
        )
        .await
        .data();
    assert_eq!(payload["payload"]["event_type"], "ocr.completed");
    assert_eq!(payload["payload"]["input_document"]["sha256"], form);
    assert_eq!(payload["summary"]["mesa_id"], first["mesa_id"]);
    assert_eq!(
        payload["summary"]["fields_needing_review"],
        first["fields_needing_review"]
    );
    assert_eq!(
        payload["summary"]["ocr_fields_count"],
        extraction["fields"].as_array().unwrap().len()
    );
    assert_eq!(kinds(&world, token, form).await.len(), 3);

    // The name is no path, and the job tells it.
    let job = world
        .get(
            &format!("/api/queue/jobs/{}", first["extraction_id"].as_str().unwrap()),
            token,
        )
        .await
        .data();
    assert_eq!(
        (job["name"].as_str(), job["state"].as_str()),
        (Some("mesa 1.pdf"), Some("DONE"))
    );

    // What was read can be checked again, also after a correction in it.
    let checked = world
        .post("/api/e14/validate", token, json!({ "extraction": extraction }))
        .await
        .data();
    assert_eq!(checked["validation_report"], first["validation_report"]);
    let figures = send(world.request(Method::GET, "/api/metrics")).await.body;
    for name in [
        "castor_ocr_pages_total",
        "castor_ingestion_file_size_bytes",
        "castor_ocr_queue_depth",
        "castor_forms_received_total",
    ] {
        assert!(figures.as_str().unwrap().contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_two_ask_for_at_once_is_read_once() {
    let world = World::new().await;
    let operator = world.user(Role::Validator).await;
    let file = draw(11, Family::Presidente2022);
    let ask = || world.upload(PROCESS, &operator.access, "acta.pdf", &file, &[]);
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    let (a, b, c) = (a.data(), b.data(), c.data());
    assert_eq!(a, b);
    assert_eq!(b, c);
    let form = a["form_id"].as_str().unwrap();
    assert_eq!(kinds(&world, &operator.access, form).await, ["imported", "read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_no_form_yields_nothing_and_goes_to_a_person() {
    let world = World::new().await;
    let operator = world.user(Role::Validator).await;
    let read = world
        .upload(PROCESS, &operator.access, "foto.png", &page(1), &[])
        .await
        .data();
    for unknown in ["mesa_id", "total_urna", "total_sufragantes", "total_computado", "delta"] {
        assert_eq!(read[unknown], Value::Null, "{unknown}");
    }
    assert_ne!(read["validation_passed"], true);
    let pending = world.get("/api/review/pending", &operator.access).await.data();
    assert_eq!(pending[0]["review_id"], read["form_id"]);
}

/// A file that is damaged in its inside.
fn damaged() -> Vec<u8> {
    let mut png = page(2);
    let middle = png.len() / 2;
    png[middle..].fill(0);
    png
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_a_form_is_refused_by_its_code() {
    let world = World::with(&[
        ("E14_FILE_LIMIT", "50000"),
        ("E14_PAGE_LIMIT", "1"),
        ("CASTOR_BODY_LIMIT", "1000"),
    ])
    .await;
    let operator = world.user(Role::Operator).await;
    let token = &operator.access;
    let many = draw(3, Family::Camara2022);
    let large = vec![b'x'; 60_000];
    let cases: [(&str, &[u8], u16, &str); 6] = [
        ("empty", b"", 422, "INVALID_FILE"),
        ("too small", b"%PDF-1.7 short", 422, "INVALID_FILE"),
        ("of another type", &[b'M'; 4_000], 422, "INVALID_FILE"),
        ("a program", b"MZ\x90\x00", 422, "INVALID_FILE"),
        ("too large", &large, 422, "INVALID_FILE"),
        (
            "large and of the right type",
            &[&page(1)[..], &large].concat(),
            413,
            "TOO_LARGE",
        ),
    ];
    for path in [PROCESS, "/api/e14/process-v2", "/api/e14/validate"] {
        for (case, bytes, status, code) in &cases {
            let answer = world.upload(path, token, "acta.pdf", bytes, &[]).await;
            assert_eq!(
                (answer.status, answer.code()),
                (*status, *code),
                "{path}: {case}: {answer:?}"
            );
        }
    }
    let small = World::with(&[("E14_PAGE_LIMIT", "1")]).await;
    let operator = small.user(Role::Operator).await;
    let answer = small.upload(PROCESS, &operator.access, "acta.pdf", &many, &[]).await;
    assert_eq!((answer.status, answer.code()), (422, "TOO_MANY_PAGES"));
    let jobs = world.get("/api/queue/jobs", token).await.data();
    assert_eq!(jobs, json!([]), "nothing of it is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_cannot_be_read_is_told_with_its_reason_and_stays_so() {
    let world = World::new().await;
    let validator = world.user(Role::Validator).await;
    for _ in 0..2 {
        let answer = world
            .upload(PROCESS, &validator.access, "foto.png", &damaged(), &[])
            .await;
        assert_eq!((answer.status, answer.code()), (422, "UNREADABLE_FORM"), "{answer:?}");
        assert!(
            answer.body["error"]["message"].as_str().unwrap().starts_with("INP_"),
            "{answer:?}"
        );
    }
    let dead = world.get("/api/queue/jobs?status=DEAD", &validator.access).await.data();
    assert_eq!(dead.as_array().unwrap().len(), 1);
    let form = dead[0]["sha256"].as_str().unwrap();
    assert_eq!(kinds(&world, &validator.access, form).await, ["imported", "unreadable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_are_refused_by_their_code() {
    let world = World::new().await;
    let operator = world.user(Role::Operator).await;
    let form = |file: Option<(&str, &[u8])>, fields: &[(&str, &str)]| {
        let (kind, body) = multipart(file, fields);
        let request = world.request(Method::POST, PROCESS).bearer_auth(&operator.access);
        send(request.header("content-type", kind).body(body))
    };
    assert_eq!(form(None, &[]).await.code(), "MISSING_FILE");
    assert_eq!(
        form(None, &[("force_reprocess", "perhaps")]).await.code(),
        "INVALID_REQUEST"
    );
    assert_eq!(form(None, &[("source_type", "NOBODY")]).await.code(), "INVALID_REQUEST");
    assert_eq!(form(None, &[("path", "/etc/passwd")]).await.code(), "INVALID_REQUEST");
    assert_eq!(
        form(None, &[("election_id", &"x".repeat(2_000))]).await.code(),
        "INVALID_REQUEST"
    );
    let cut = world.request(Method::POST, PROCESS).bearer_auth(&operator.access);
    let cut = cut
        .header("content-type", "multipart/form-data; boundary=limit")
        .body("--limit\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc");
    assert_eq!(send(cut).await.code(), "INVALID_REQUEST");
    let json = |body: Value| world.post(PROCESS, &operator.access, body);
    assert_eq!(json(json!({})).await.code(), "MISSING_INPUT");
    assert_eq!(
        json(json!({ "file_path": "/etc/passwd" })).await.code(),
        "INVALID_REQUEST"
    );
    assert_eq!(json(json!({ "file_url": 5 })).await.code(), "INVALID_REQUEST");
    let plain = world
        .request(Method::POST, PROCESS)
        .bearer_auth(&operator.access)
        .body("acta");
    assert_eq!(send(plain).await.code(), "UNSUPPORTED_MEDIA_TYPE");
    let wrong = world
        .post(
            "/api/e14/validate",
            &operator.access,
            json!({ "extraction": { "fields": 1 } }),
        )
        .await;
    assert_eq!(wrong.code(), "INVALID_REQUEST");
}

/// Names that are public addresses, which are this machine's; but one that is private.
struct Told;

impl Network for Told {
    fn resolve<'a>(&'a self, host: &'a str, _: u16) -> BoxFuture<'a, Vec<IpAddr>> {
        let address = if host == "inside.example" {
            "10.1.2.3"
        } else {
            "93.184.215.14"
        };
        async move { vec![address.parse().unwrap()] }.boxed()
    }

    fn reach(&self, _: IpAddr) -> IpAddr {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_fetched_from_an_allowed_host_and_from_nowhere_else() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let inside = format!("http://inside.example:{port}/acta.pdf");
    let site = Router::new()
        .route("/2026/acta%201.pdf", get(|| async { drawn() }))
        .route("/text", get(|| async { "no form at all ".repeat(200) }))
        .route("/inside", get(move || async move { Redirect::temporary(&inside) }));
    tokio::spawn(async move { axum::serve(listener, site).await.unwrap() });
    let hosts = format!("actas.example:{port},inside.example:{port}");
    let world = World::reaching(Arc::new(Told), "core,e14", &[("E14_FETCH_HOSTS", &hosts)]).await;
    let operator = world.user(Role::Operator).await;
    let ask = async |url: String| -> Answer { world.post(PROCESS, &operator.access, json!({ "file_url": url })).await };
    let read = ask(format!("http://actas.example:{port}/2026/acta%201.pdf?key=secret"))
        .await
        .data();
    assert_eq!(read["success"], true);
    let uploaded = world
        .upload(PROCESS, &operator.access, "acta.pdf", drawn(), &[])
        .await
        .data();
    assert_eq!(
        uploaded["extraction_id"], read["extraction_id"],
        "the same file, whichever way it came"
    );
    let mut database = crate::world::connect(&world.database).await;
    let url: Option<String> = sqlx::query_scalar("SELECT url FROM stored_file")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(
        url.unwrap(),
        format!("http://actas.example:{port}/2026/acta%201.pdf"),
        "what may be a key is not kept"
    );
    for (url, status, code) in [
        (format!("http://other.example:{port}/acta.pdf"), 403, "URL_NOT_ALLOWED"),
        (format!("http://127.0.0.1:{port}/text"), 403, "URL_NOT_ALLOWED"),
        (format!("http://inside.example:{port}/acta.pdf"), 403, "URL_NOT_ALLOWED"),
        (format!("http://actas.example:{port}/inside"), 403, "URL_NOT_ALLOWED"),
        ("file:///etc/passwd".to_owned(), 400, "INVALID_REQUEST"),
        (format!("http://actas.example:{port}/missing"), 502, "FETCH_FAILED"),
        (format!("http://actas.example:{port}/text"), 422, "INVALID_FILE"),
    ] {
        let answer = ask(url.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{url}");
    }
}
