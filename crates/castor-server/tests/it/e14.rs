//! Reading one form while the asker waits.

use crate::objects::Bucket;
use crate::paper::{Trickle, draw, drawn, multipart, page};
use crate::review::pushed;
use crate::world::{Answer, World, send};
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use castor_server::role::Role;
use castor_server::{Network, Service};
use castor_testkit::form::Family;
use castor_testkit::review::form as settled_form;
use castor_wire::write;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

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
    let extraction = &first["reading"];
    let header = &extraction["header"];
    let codes = ["departamento", "municipio", "zona", "puesto", "mesa"].map(|code| header[code].as_str());
    let mesa = codes
        .iter()
        .copied()
        .collect::<Option<Vec<_>>>()
        .map(|codes| codes.join("-"));
    assert_eq!(first["mesa_id"].as_str().map(str::to_owned), mesa);
    let urn = |path: &str| {
        let mut fields = extraction["fields"].as_array().unwrap().iter();
        let field = fields.find(|field| field["path"] == path).unwrap();
        // One that waits for a person is no number yet.
        if field["needs_review"] == true {
            Value::Null
        } else {
            field["value"].clone()
        }
    };
    assert_eq!(first["total_urna"], urn("nivelacion.urna"));
    assert_eq!(first["total_sufragantes"], urn("nivelacion.sufragantes"));
    if let (Some(urn), Some(sum)) = (first["total_urna"].as_i64(), first["total_computado"].as_i64()) {
        assert_eq!(first["delta"], urn - sum);
    } else {
        assert_eq!(first["delta"], Value::Null, "what is not known is null");
    }
    // The same as the original's extraction.
    let former = &first["extraction"];
    assert_eq!(
        (&former["nivelacion"]["total_votos_urna"], &former["total_computado"]),
        (&first["total_urna"], &first["total_computado"])
    );
    assert_eq!(
        (&former["header"]["mesa_id"], &former["meta"]["extraction_id"]),
        (&first["mesa_id"], &first["extraction_id"])
    );
    assert!(former["meta"]["processing_time_ms"].as_u64().unwrap() > 0);
    let failed: u64 = first["validation_report"]["failed"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(first["alerts_count"], failed);

    // Whoever did not wait for it finds it at its job.
    let job = format!("/api/queue/jobs/{}/reading", first["extraction_id"].as_str().unwrap());
    let mut found = world.get(&job, token).await.data();
    found["extraction"]["meta"]["extracted_at"] = former["meta"]["extracted_at"].clone();
    assert_eq!(found, first);

    // The same file and model are the same job, whatever the file is called.
    let mut again = world.upload(PROCESS, token, "copia.pdf", drawn(), &[]).await.data();
    for changes in ["source_file", "extracted_at"] {
        again["extraction"]["meta"][changes] = former["meta"][changes].clone();
    }
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
    let document = &payload["payload"]["input_document"];
    assert_eq!(document["sha256"], form);
    assert_eq!(document["source_type"], "WITNESS_UPLOAD");
    let file = world.request(Method::GET, document["object_uri"].as_str().unwrap());
    let file = file.bearer_auth(token).send().await.unwrap();
    assert_eq!(file.bytes().await.unwrap(), drawn(), "it leads to the file");
    assert_eq!(payload["summary"]["mesa_id"], first["mesa_id"]);
    assert_eq!(
        (&header["corporacion"], &payload["summary"]["corporacion"]),
        (&json!("PRESIDENTE"), &json!("PRESIDENCIA"))
    );
    assert_eq!(
        payload["payload"]["document_header_extracted"]["corporacion"],
        "PRESIDENCIA"
    );
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
    assert_eq!(checked["valid"], first["validation_passed"]);
    let checked = world
        .post("/api/e14/validate", token, json!({ "extraction": former }))
        .await
        .data();
    assert_eq!(checked["mesa_id"], first["mesa_id"]);
    let findings = checked["validation_report"]["findings"].as_array().unwrap();
    assert!(!findings.is_empty(), "the original's extraction can be checked too");
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

#[test]
fn the_handbook_leads_from_the_originals_routes_to_routes_that_are_there() {
    let handbook = include_str!("../../../../docs/SERVER.md");
    let (_, section) = handbook.split_once("## What the original's routes are here").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let there = castor_server::routes(&Service::ALL.into()).table();
    let rows = section.lines().filter_map(|line| line.split(" | ").nth(1));
    let named: Vec<&str> = rows
        .flat_map(|row| row.split('`').filter(|text| text.starts_with("/api/")))
        .collect();
    assert!(named.len() > 15, "{named:?}");
    for path in named {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let known = match path.strip_suffix('…') {
            Some(beginning) => there.iter().any(|route| route.path.starts_with(beginning)),
            None => there.iter().any(|route| route.path == path),
        };
        assert!(known, "{path}");
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
    for other in [&b, &c] {
        assert_eq!(
            (&other["extraction_id"], &other["reading"]),
            (&a["extraction_id"], &a["reading"])
        );
    }
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

#[tokio::test]
async fn a_reading_is_valid_when_every_check_of_it_is_known_to_hold() {
    let world = World::new().await;
    let operator = world.user(Role::Operator).await;
    let validate = async |reading: &Value| {
        let body = json!({ "extraction": reading });
        world.post("/api/e14/validate", &operator.access, body).await.data()
    };
    let mut unread = Value::Object(write::reading(&settled_form()));
    let answer = validate(&unread).await;
    assert_eq!(answer["valid"], false, "cells wait for a person: {answer}");
    for field in unread["fields"].as_array_mut().unwrap() {
        field["needs_review"] = json!(false);
    }
    let answer = validate(&unread).await;
    assert_eq!(answer["valid"], Value::Null, "no urn was read: {answer}");
    let report = &answer["validation_report"];
    assert_eq!((&report["all_passed"], &report["failed"]), (&Value::Null, &json!({})));
    let unknown = report["findings"].as_array().unwrap().iter();
    let unknown = unknown.filter(|finding| finding["outcome"] == "not_evaluable");
    let codes: Vec<&str> = unknown.map(|finding| finding["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"SUM_001"), "{codes:?}");
    let beside = ["HDR_001", "DUP_001", "CPY_001", "E24_001"];
    let of_the_form = codes.iter().filter(|code| !beside.contains(code)).count();
    assert_eq!(report["not_evaluable"], of_the_form, "{codes:?}");
    let file = world
        .upload("/api/e14/validate", &operator.access, "acta.png", &page(1), &[])
        .await
        .data();
    assert_eq!(
        (&file["valid"], &file["validation_report"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_another_time_when_the_moment_was_to_blame() {
    let bucket = Bucket::default();
    let variables = bucket.open().await;
    let endpoint = variables
        .iter()
        .find(|(name, _)| *name == "AWS_ENDPOINT")
        .unwrap()
        .1
        .clone();
    let mut variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.push(("E14_ATTEMPTS", "1"));
    let world = World::with(&variables).await;
    let operator = world.user(Role::Validator).await;
    let file = page(4);
    let ask = || world.upload(PROCESS, &operator.access, "foto.png", &file, &[]);
    bucket.closed.store(true, Ordering::Relaxed);
    for attempt in 1..=2 {
        let answer = ask().await;
        assert_eq!(
            (answer.status, answer.code()),
            (503, "READER_UNAVAILABLE"),
            "{answer:?}"
        );
        assert!(answer.headers.contains_key("retry-after"));
        let dead = world.get("/api/queue/jobs?status=DEAD", &operator.access).await.data();
        assert_eq!(
            (&dead[0]["code"], &dead[0]["attempts"]),
            (&json!("OBJ_003"), &json!(attempt)),
            "{dead}"
        );
        let host = endpoint.trim_start_matches("http://");
        for told in [answer.body.to_string(), dead.to_string()] {
            assert!(
                !told.contains(host) && !told.contains("actas"),
                "the cause belongs in the log: {told}"
            );
        }
    }
    bucket.closed.store(false, Ordering::Relaxed);
    let read = ask().await.data();
    assert_eq!(
        kinds(&world, &operator.access, read["form_id"].as_str().unwrap()).await,
        ["imported", "read"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_worker_left_is_no_unreadable_form() {
    let world = World::new().await;
    let operator = world.user(Role::Operator).await;
    let file = page(5);
    let ask = || world.upload(PROCESS, &operator.access, "foto.png", &file, &[]);
    let first = ask().await.data();
    let mut database = crate::world::connect(&world.database).await;
    let lost = "UPDATE job SET state = 'DEAD', code = 'JOB_001', message = 'JOB_001 lost', attempts = 3, event = NULL";
    sqlx::query(lost).execute(&mut database).await.unwrap();
    assert_eq!(ask().await.data()["extraction_id"], first["extraction_id"]);
    // What lies with the file stays so.
    let failed = "UPDATE job SET state = 'DEAD', code = 'RUN_002', message = 'RUN_002 the reader failed'";
    sqlx::query(failed).execute(&mut database).await.unwrap();
    assert_eq!(ask().await.code(), "UNREADABLE_FORM");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_settled_stands_before_a_reading_that_does_not_have_it() {
    let world = World::new().await;
    let validator = world.user(Role::Validator).await;
    let file = page(6);
    let form: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    pushed(&world, &validator, &form).await;
    let pending = world.get("/api/review/pending", &validator.access).await.data();
    let cells = pending[0]["cells"].as_array().unwrap().iter();
    let corrections: Vec<Value> = cells
        .map(|cell| json!({ "cell_id": cell["cell_id"], "new_value": 7 }))
        .collect();
    let said = json!({ "review_id": form, "corrections": corrections, "action": "complete" });
    let said = world.post("/api/review/submit", &validator.access, said).await.data();
    assert_eq!(said["status"], "COMPLETED");
    let ask = |fields: &'static [(&str, &str)]| world.upload(PROCESS, &validator.access, "foto.png", &file, fields);
    // The reading upon which they did so is the answer.
    let stands = ask(&[]).await.data();
    assert_eq!(
        (&stands["form_id"], &stands["model_version"]),
        (&json!(form), &json!("m1"))
    );
    for _ in 0..2 {
        let refused = ask(&[("force_reprocess", "true")]).await;
        assert_eq!((refused.status, refused.code()), (409, "CONFLICT"), "{refused:?}");
        assert!(refused.body.to_string().contains("REV_WORKED_ON"), "{refused:?}");
        assert_eq!(
            ask(&[]).await.data()["reading"],
            stands["reading"],
            "nothing of it has changed"
        );
    }
    let jobs = world.get("/api/queue/jobs", &validator.access).await.data();
    assert_eq!(
        (&jobs[0]["state"], &jobs[0]["code"]),
        (&json!("DONE"), &json!("REV_WORKED_ON"))
    );
    assert_eq!(
        kinds(&world, &validator.access, &form)
            .await
            .iter()
            .filter(|kind| *kind == "read")
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_a_file_byte_by_byte_keeps_no_place_from_others() {
    let world = World::with(&[("CASTOR_REQUEST_TIMEOUT", "30")]).await;
    let operator = world.user(Role::Operator).await;
    let slow: Vec<Trickle> = futures_util::future::join_all((0..16).map(|n| {
        // Half of them have been refused already, and go on sending.
        let file: &[u8] = if n % 2 == 0 { b"%PDF-1.7" } else { &[b'M'; 4_000] };
        Trickle::begin(&world, &operator.access, file, Duration::from_millis(100))
    }))
    .await;
    let ask = || world.upload(PROCESS, &operator.access, "acta.pdf", &[b'M'; 4_000], &[]);
    assert_eq!(ask().await.code(), "QUEUE_FULL", "all places are taken");
    let looked_over = world.upload("/api/e14/validate", &operator.access, "acta.pdf", &[b'M'; 4_000], &[]);
    assert_eq!(looked_over.await.code(), "QUEUE_FULL", "it takes a place too");
    let answers = futures_util::future::join_all(slow.into_iter().map(Trickle::answer)).await;
    let late =
        |answer: &&String| answer.starts_with("HTTP/1.1 408") && answer.contains("the file did not arrive in time");
    assert!(answers.iter().filter(late).count() > 4, "{answers:?}");
    assert!(
        answers.iter().any(|answer| answer.contains("INVALID_FILE")),
        "{answers:?}"
    );
    assert_eq!(ask().await.code(), "INVALID_FILE", "there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_sending_hears_that_it_took_too_long() {
    let world = World::new().await;
    let operator = world.user(Role::Operator).await;
    let silent = Trickle::begin(&world, &operator.access, b"%PDF-1.7", Duration::from_secs(3_600)).await;
    let answer = silent.answer().await;
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("\"TIMEOUT\""),
        "{answer}"
    );
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
    let admin = world.user(Role::Admin).await;
    let discard = format!("/api/queue/jobs/{}/discard", dead[0]["id"].as_str().unwrap());
    world.post(&discard, &admin.access, json!({})).await.data();
    let file = damaged();
    let ask = |fields: &'static [(&str, &str)]| world.upload(PROCESS, &validator.access, "foto.png", &file, fields);
    assert_eq!(ask(&[]).await.code(), "CONFLICT");
    assert_eq!(ask(&[("force_reprocess", "true")]).await.code(), "UNREADABLE_FORM");
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
