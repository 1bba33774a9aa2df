//! Files of the source folder, the queue with its priorities, and the pipeline.

use crate::paper::{drawn, page};
use crate::world::{Signed, World, folder};
use castor_server::role::Role;
use castor_server::work::{JobPriority, QueueRules};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The Registraduría's name of a table's file.
fn name(departamento: &str, mesa: u8) -> String {
    format!("{mesa}_E14_SEN_X_{departamento}_001_003_XX_02_{mesa:03}_X_XXX.png")
}

/// A source folder with the tables 1 to `forms` of department 01.
fn source(forms: u8) -> TempDir {
    let folder = folder();
    for mesa in 1..=forms {
        std::fs::write(folder.path().join(name("01", mesa)), page(mesa)).unwrap();
    }
    folder
}

async fn world_of(source: &Path, variables: &[(&str, &str)]) -> (World, Signed) {
    let mut all = vec![("E14_SOURCE", source.to_str().unwrap())];
    all.extend_from_slice(variables);
    let world = World::with(&all).await;
    let admin = world.user(Role::Admin).await;
    (world, admin)
}

async fn status(world: &World, admin: &Signed) -> Value {
    world.get("/api/pipeline/status", &admin.access).await.data()
}

/// Waits until the pipeline's status fits.
pub(crate) async fn until(world: &World, admin: &Signed, fits: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..3_000 {
        let now = status(world, admin).await;
        if fits(&now) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the pipeline stays as it is: {}", status(world, admin).await);
}

fn table(mesa: u8, more: Value) -> Value {
    let mut body = json!({ "department_code": "01", "municipality_code": "001", "zone_code": "003", "station_code": "02", "table_code": mesa.to_string() });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_queued_from_the_source_folder() {
    let source = source(2);
    std::fs::create_dir(source.path().join("more")).unwrap();
    std::fs::write(source.path().join("more").join(name("03", 9)), page(9)).unwrap();
    std::fs::write(source.path().join("nada.pdf"), vec![b'x'; 4_000]).unwrap();
    std::fs::write(source.path().join("leeme.txt"), "no form").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", source.path().join("enlace.pdf")).unwrap();
    let (world, admin) = world_of(source.path(), &[]).await;
    let looked = |now: &Value| now["source_taken"] == 3 && now["source_refused"] == 1;
    let now = until(&world, &admin, looked).await;
    assert_eq!(now["status"], "IDLE");
    let operator = world.user(Role::Operator).await;
    let queued = world
        .post(
            "/api/queue/table",
            &operator.access,
            table(2, json!({ "priority": "HIGH" })),
        )
        .await;
    assert_eq!(queued.status, 202);
    let queued = queued.data();
    assert_eq!(
        (&queued["files"], &queued["jobs"][0]["state"]),
        (&json!(1), &json!("QUEUED"))
    );
    assert_eq!(queued["job_id"], queued["jobs"][0]["job_id"]);
    let job = world
        .get(
            &format!("/api/queue/jobs/{}", queued["jobs"][0]["job_id"].as_str().unwrap()),
            &operator.access,
        )
        .await
        .data();
    assert_eq!(
        (&job["name"], &job["priority"], &job["attempts"]),
        (&json!(name("01", 2)), &json!("HIGH"), &json!(0))
    );
    // Under the names of the seed's other table too, and the same job again, more urgent.
    let again = json!({ "dept_code": "1", "muni_code": "1", "zone_code": "3", "station_code": "2", "table_number": "2", "priority": "urgent" });
    let again = world.post("/api/queue/table", &operator.access, again).await.data();
    assert_eq!(again["jobs"][0]["job_id"], queued["jobs"][0]["job_id"]);
    let job = world
        .get(
            &format!("/api/queue/jobs/{}", queued["jobs"][0]["job_id"].as_str().unwrap()),
            &operator.access,
        )
        .await
        .data();
    assert_eq!(job["priority"], "URGENT");
    assert_eq!(
        status(&world, &admin).await["status"],
        "ERROR",
        "jobs wait and no worker is there"
    );
    for (body, code) in [
        (table(7, json!({})), "NOTHING_TO_READ"),
        (table(2, json!({ "corporacion": "JAL" })), "NOTHING_TO_READ"),
        (table(2, json!({ "corporacion": "NADA" })), "INVALID_REQUEST"),
        (table(2, json!({ "priority": "SOON" })), "INVALID_REQUEST"),
        (table(2, json!({ "station_code": "2_%" })), "INVALID_REQUEST"),
        (table(2, json!({ "file_path": "/etc" })), "INVALID_REQUEST"),
        (json!({}), "INVALID_REQUEST"),
    ] {
        assert_eq!(
            world
                .post("/api/queue/table", &operator.access, body.clone())
                .await
                .code(),
            code,
            "{body}"
        );
    }
    let jobs = world
        .get("/api/queue/jobs?dept=01&limit=5", &operator.access)
        .await
        .data();
    assert_eq!(jobs.as_array().unwrap().len(), 1);
    assert_eq!(
        world.get("/api/queue/jobs?dept=1", &operator.access).await.data(),
        jobs,
        "a code needs no zeros before it"
    );
    assert_eq!(
        world.get("/api/queue/jobs?dept=03", &operator.access).await.data(),
        json!([])
    );
    for wrong in ["x", "001", ""] {
        let answer = world
            .get(&format!("/api/queue/jobs?dept={wrong}"), &operator.access)
            .await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{wrong}");
        assert_eq!(answer.body["error"]["fields"][0]["field"], "dept");
    }
    let unknown = "/api/queue/jobs/00000000-0000-7000-8000-000000000000";
    assert_eq!(world.get(unknown, &operator.access).await.code(), "NOT_FOUND");
    assert_eq!(
        world
            .post(&format!("{unknown}/retry"), &admin.access, json!({}))
            .await
            .code(),
        "NOT_FOUND"
    );
    let waiting = format!(
        "/api/queue/jobs/{}/retry",
        queued["jobs"][0]["job_id"].as_str().unwrap()
    );
    assert_eq!(world.post(&waiting, &admin.access, json!({})).await.code(), "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_uploaded_or_sent_by_laptops_are_found_by_what_their_forms_say() {
    let world = World::new().await;
    let operator = world.user(Role::Operator).await;
    let read = world
        .upload("/api/e14/process", &operator.access, "acta.pdf", drawn(), &[])
        .await
        .data();
    let mesa: Vec<&str> = read["mesa_id"]
        .as_str()
        .expect("the drawn form's header is read")
        .split('-')
        .collect();
    let table = json!({ "department_code": mesa[0], "municipality_code": mesa[1], "zone_code": mesa[2], "station_code": mesa[3], "table_code": mesa[4] });
    let queued = world
        .post("/api/queue/table", &operator.access, table.clone())
        .await
        .data();
    assert_eq!(
        (&queued["jobs"][0]["job_id"], &queued["jobs"][0]["state"]),
        (&read["extraction_id"], &json!("DONE"))
    );
    // The same form as if a laptop had read it and sent its file: no job, no note of the file.
    let mut database = crate::world::connect(&world.database).await;
    sqlx::raw_sql("DELETE FROM job; DELETE FROM stored_file")
        .execute(&mut database)
        .await
        .unwrap();
    let queued = world.post("/api/queue/table", &operator.access, table).await.data();
    assert_eq!(
        (&queued["jobs"][0]["sha256"], &queued["jobs"][0]["state"]),
        (&read["form_id"], &json!("QUEUED"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_jobs_queues_for_the_model_of_the_workers() {
    let source = source(2);
    let (world, admin) = world_of(source.path(), &[]).await;
    until(&world, &admin, |now| now["source_taken"] == 2).await;
    let mut database = crate::world::connect(&world.database).await;
    let joined = "INSERT INTO worker (id, name, model, slots, seen_at) VALUES (gen_random_uuid(), 'other', 'other model', 1, $1)";
    sqlx::query(joined)
        .bind(time::OffsetDateTime::now_utc() + time::Duration::hours(1))
        .execute(&mut database)
        .await
        .unwrap();
    let queued = world.post("/api/queue/table", &admin.access, table(1, json!({}))).await;
    assert_eq!(queued.status, 202);
    world.post("/api/pipeline/start", &admin.access, json!({})).await.data();
    let models = async |database: &mut sqlx::PgConnection| {
        let models = sqlx::query_scalar("SELECT model FROM job ORDER BY id");
        models.fetch_all(database).await.unwrap()
    };
    let both: Vec<String> = models(&mut database).await;
    assert_eq!(both, ["other model", "other model"]);
    // Without a worker the server says which model reads.
    sqlx::raw_sql("DELETE FROM job; UPDATE worker SET seen_at = now() - interval '1 day'")
        .execute(&mut database)
        .await
        .unwrap();
    world
        .post("/api/queue/table", &admin.access, table(1, json!({})))
        .await
        .data();
    let own: Vec<String> = models(&mut database).await;
    // The run may have queued one more for the other before it heard of this.
    assert!(own.iter().any(|model| model != "other model"), "{own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_store_does_not_take_keeps_no_other_from_being_taken_in() {
    let source = folder();
    let (world, admin) = world_of(source.path(), &[]).await;
    let first = page(1);
    let hash: String = Sha256::digest(&first)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Where its folder should be in the store stands a file.
    let place = world.data.path().join("objects").join(&hash[..2]);
    std::fs::write(&place, b"").unwrap();
    for mesa in 1..=3 {
        std::fs::write(source.path().join(name("01", mesa)), page(mesa)).unwrap();
    }
    world.post("/api/pipeline/start", &admin.access, json!({})).await.data();
    let now = until(&world, &admin, |now| now["source_taken"] == 2).await;
    assert_eq!(now["source_refused"], 0, "nothing is wrong with the first one");
    world.post("/api/pipeline/stop", &admin.access, json!({})).await.data();
    std::fs::remove_file(&place).unwrap();
    world.post("/api/pipeline/start", &admin.access, json!({})).await.data();
    until(&world, &admin, |now| now["source_taken"] == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_needs_a_word_more_and_stops_where_the_queue_is_full() {
    let source = source(3);
    let (world, admin) = world_of(source.path(), &[("E14_QUEUE_LIMIT", "2")]).await;
    until(&world, &admin, |now| now["source_taken"] == 3).await;
    let ask = async |body: Value| world.post("/api/queue/department", &admin.access, body).await;
    assert_eq!(
        ask(json!({ "department_code": "01" })).await.code(),
        "CONFIRMATION_REQUIRED"
    );
    assert_eq!(
        ask(json!({ "department_code": "99", "confirm": true })).await.code(),
        "NOTHING_TO_READ"
    );
    assert_eq!(
        ask(json!({ "department_code": "x", "confirm": true })).await.code(),
        "INVALID_REQUEST"
    );
    let operator = world.user(Role::Operator).await;
    let not_his = world
        .post(
            "/api/queue/department",
            &operator.access,
            json!({ "department_code": "01", "confirm": true }),
        )
        .await;
    assert_eq!(not_his.code(), "FORBIDDEN");
    let queued = ask(json!({ "department_code": "01", "confirm": true })).await;
    assert_eq!(queued.status, 202);
    let queued = queued.data();
    assert_eq!(
        (
            queued["files"].as_i64(),
            queued["left"].as_i64(),
            queued["jobs"].as_array().unwrap().len()
        ),
        (Some(3), Some(1), 2)
    );
    for full in [
        ask(json!({ "department_code": "01", "confirm": true })).await,
        world.post("/api/queue/table", &admin.access, table(3, json!({}))).await,
    ] {
        assert_eq!((full.status, full.code()), (429, "QUEUE_FULL"));
        assert!(full.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    }
    let known = world.post("/api/queue/table", &admin.access, table(1, json!({}))).await;
    assert_eq!(known.status, 202, "what waits already is answered all the same");
}

const RETRY: &str = "/api/queue/jobs/retry";

/// Three jobs that were given up, the first for the store of files, and two that wait in a queue with room for one more.
async fn given_up() -> (World, Signed, TempDir) {
    let source = source(5);
    let (world, admin) = world_of(source.path(), &[("E14_QUEUE_LIMIT", "3")]).await;
    until(&world, &admin, |now| now["source_taken"] == 5).await;
    let department = json!({ "department_code": "01", "confirm": true });
    world
        .post("/api/queue/department", &admin.access, department.clone())
        .await
        .data();
    let mut database = crate::world::connect(&world.database).await;
    let dead = "UPDATE job SET state = 'DEAD', attempts = 3, finished_at = now(), message = 'failed', code =
        CASE WHEN id = (SELECT id FROM job ORDER BY id LIMIT 1) THEN 'OBJ_003' ELSE 'RUN_003' END";
    sqlx::raw_sql(dead).execute(&mut database).await.unwrap();
    world
        .post("/api/queue/department", &admin.access, department)
        .await
        .data();
    (world, admin, source)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_is_tried_again_together_as_the_queue_has_room() {
    let (world, admin, _source) = given_up().await;
    let retry = async |body: Value| world.post(RETRY, &admin.access, body).await;
    let operator = world.user(Role::Operator).await;
    assert_eq!(world.post(RETRY, &operator.access, json!({})).await.code(), "FORBIDDEN");
    for wrong in [
        json!({ "code": "" }),
        json!({ "state": "DONE" }),
        json!({ "department_code": "x" }),
    ] {
        assert_eq!(retry(wrong.clone()).await.code(), "INVALID_REQUEST", "{wrong}");
    }
    let none = json!({ "retried": 0, "left": 0 });
    assert_eq!(retry(json!({ "department_code": 3 })).await.data(), none);
    assert_eq!(retry(json!({ "code": "JOB_001" })).await.data(), none);
    let of_the_store = retry(json!({ "code": "OBJ_003", "department_code": "1" })).await.data();
    assert_eq!(of_the_store, json!({ "retried": 1, "left": 0 }));
    let audit = world.get("/api/audit", &admin.access).await.data();
    assert_eq!(
        (&audit[0]["action"], &audit[0]["detail"]),
        (
            &json!("pipeline.jobs_retried"),
            &json!({ "code": "OBJ_003", "department": "01", "queued": 1 })
        )
    );
    let full = retry(json!({ "code": null })).await;
    assert_eq!((full.status, full.code()), (429, "QUEUE_FULL"));
    let mut database = crate::world::connect(&world.database).await;
    let one_done =
        "UPDATE job SET state = 'DONE' WHERE id = (SELECT id FROM job WHERE state = 'QUEUED' ORDER BY id LIMIT 1)";
    sqlx::raw_sql(one_done).execute(&mut database).await.unwrap();
    assert_eq!(
        retry(json!({ "code": null })).await.data(),
        json!({ "retried": 1, "left": 1 })
    );
    let now = status(&world, &admin).await;
    assert_eq!((&now["queued"], &now["failed"]), (&json!(3), &json!(1)));
    let waiting = world.get("/api/queue/jobs?status=QUEUED", &admin.access).await.data();
    let attempts = waiting
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["attempts"].as_i64().unwrap());
    assert_eq!(attempts.sum::<i64>(), 0, "with all their attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_reading_says_why() {
    let (world, admin, _source) = given_up().await;
    let operator = world.user(Role::Operator).await;
    let jobs = world.get("/api/queue/jobs", &admin.access).await.data();
    for job in jobs.as_array().unwrap() {
        let path = format!("/api/queue/jobs/{}/reading", job["id"].as_str().unwrap());
        let answer = world.get(&path, &operator.access).await;
        let due = match job["code"].as_str() {
            Some("RUN_003") => (422, "UNREADABLE_FORM"),
            Some("OBJ_003") | None => (409, "NOT_READ_YET"),
            Some(code) => panic!("{code}"),
        };
        assert_eq!((answer.status, answer.code()), due, "{job}");
        let waits = job["state"] == "QUEUED";
        assert_eq!(answer.headers.contains_key("retry-after"), waits, "{job}");
    }
    let unknown = "/api/queue/jobs/00000000-0000-7000-8000-000000000000/reading";
    assert_eq!(world.get(unknown, &operator.access).await.code(), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_job_is_not_shown_as_given_up_and_not_queued_by_itself() {
    let (world, admin, _source) = given_up().await;
    let listed = async |state: &str| {
        let jobs = world
            .get(&format!("/api/queue/jobs?status={state}"), &admin.access)
            .await;
        jobs.data().as_array().unwrap().clone()
    };
    let dead = listed("DEAD").await;
    let id = dead[2]["id"].as_str().unwrap();
    let mesa = dead[2]["name"]
        .as_str()
        .unwrap()
        .split('_')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let discard = format!("/api/queue/jobs/{id}/discard");
    let operator = world.user(Role::Operator).await;
    assert_eq!(
        world.post(&discard, &operator.access, json!({})).await.code(),
        "FORBIDDEN"
    );
    let unknown = "/api/queue/jobs/00000000-0000-7000-8000-000000000000/discard";
    assert_eq!(world.post(unknown, &admin.access, json!({})).await.code(), "NOT_FOUND");
    let set_aside = world.post(&discard, &admin.access, json!({})).await.data();
    assert_eq!(
        (&set_aside["id"], &set_aside["state"]),
        (&json!(id), &json!("DISCARDED"))
    );
    assert_eq!(world.post(&discard, &admin.access, json!({})).await.code(), "CONFLICT");
    let audit = world.get("/api/audit", &admin.access).await.data();
    assert_eq!(
        (&audit[0]["action"], &audit[0]["subject"]),
        (&json!("pipeline.job_discarded"), &json!(id))
    );
    assert_eq!(
        (
            listed("DEAD").await.len(),
            status(&world, &admin).await["failed"].as_i64()
        ),
        (2, Some(2))
    );
    // It was the store of files that failed: what was not discarded would have one more attempt here.
    let asked = world
        .post("/api/queue/table", &admin.access, table(mesa, json!({})))
        .await
        .data();
    assert_eq!(
        (&asked["jobs"][0]["job_id"], &asked["jobs"][0]["state"]),
        (&json!(id), &json!("DISCARDED"))
    );
    assert_eq!(world.post(RETRY, &admin.access, json!({})).await.data()["retried"], 1);
    world.post("/api/pipeline/start", &admin.access, json!({})).await.data();
    assert_eq!(listed("DISCARDED").await.len(), 1);
    let retry = format!("/api/queue/jobs/{id}/retry");
    let again = world.post(&retry, &admin.access, json!({})).await.data();
    assert_eq!((&again["state"], &again["attempts"]), (&json!("QUEUED"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_other_lengths_are_taken_where_they_mean_one_place() {
    let source = source(1);
    let (world, admin) = world_of(source.path(), &[]).await;
    until(&world, &admin, |now| now["source_taken"] == 1).await;
    let ask = async |more: Value| world.post("/api/queue/table", &admin.access, table(1, more)).await;
    for same in [
        json!({ "municipality_code": "1" }),
        json!({ "municipality_code": "00001" }),
        json!({ "municipality_code": "01001" }),
        json!({ "municipality_code": 1001 }),
        json!({ "station_code": "002" }),
        json!({ "station_code": "0002" }),
        json!({ "table_code": 1, "department_code": 1, "zone_code": 3, "station_code": 2 }),
    ] {
        assert_eq!(ask(same.clone()).await.status, 202, "{same}");
    }
    for (other, field) in [
        // Medellín by DANE, which here would be of Bolívar or of nothing.
        (json!({ "municipality_code": "05001" }), "municipality_code"),
        (
            json!({ "department_code": "05", "municipality_code": "05001" }),
            "municipality_code",
        ),
        (
            json!({ "department_code": "05", "municipality_code": 5001 }),
            "municipality_code",
        ),
        (json!({ "municipality_code": "101001" }), "municipality_code"),
        (json!({ "station_code": "102" }), "station_code"),
        (json!({ "station_code": "1002" }), "station_code"),
        (json!({ "zone_code": "103" }), "zone_code"),
    ] {
        let answer = ask(other.clone()).await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{other}");
        assert_eq!(answer.body["error"]["fields"][0]["field"], field, "{other}");
    }
    for none in [json!(1.5), json!(-1), json!(null), json!(["1"])] {
        assert_eq!(
            ask(json!({ "table_code": none })).await.code(),
            "INVALID_REQUEST",
            "{none}"
        );
    }
}

/// Names of the jobs that were read, in the order in which they were begun.
async fn order(world: &World, admin: &Signed) -> Vec<String> {
    let jobs = world.get("/api/queue/jobs?status=DONE", &admin.access).await.data();
    let mut begun: Vec<(String, String)> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| {
            (
                job["started_at"].as_str().unwrap().to_owned(),
                job["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    begun.sort();
    begun.into_iter().map(|(_, name)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_urgent_come_first_and_who_waits_long_comes_before_them() {
    let source = source(5);
    let (world, admin) = world_of(source.path(), &[("E14_WORKERS", "1"), ("E14_AGEING", "2")]).await;
    until(&world, &admin, |now| now["source_taken"] == 5).await;
    let ask = async |mesa: u8, priority: &str| {
        let body = table(mesa, json!({ "priority": priority }));
        assert_eq!(world.post("/api/queue/table", &admin.access, body).await.status, 202);
    };
    assert_eq!(
        world.post("/api/pipeline/pause", &admin.access, json!({})).await.data()["status"],
        "PAUSED"
    );
    ask(1, "BACKGROUND").await;
    ask(2, "NORMAL").await;
    ask(3, "URGENT").await;
    ask(4, "URGENT").await;
    // Eight seconds and more: four levels of two seconds.
    tokio::time::sleep(Duration::from_millis(8_500)).await;
    ask(5, "URGENT").await;
    assert_eq!(
        status(&world, &admin).await["queued"],
        5,
        "nothing is taken while it is held"
    );
    assert_eq!(
        world
            .post("/api/pipeline/resume", &admin.access, json!({}))
            .await
            .status,
        200
    );
    until(&world, &admin, |now| now["completed"] == 5).await;
    assert_eq!(
        order(&world, &admin).await,
        [3, 4, 2, 1, 5].map(|mesa| name("01", mesa))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reads_everything_that_nobody_has_read() {
    let source = source(3);
    let (world, admin) = world_of(source.path(), &[("E14_WORKERS", "2"), ("E14_QUEUE_LIMIT", "1")]).await;
    until(&world, &admin, |now| now["source_taken"] == 3).await;
    let post = async |path: &str, body: Value| world.post(&format!("/api/pipeline/{path}"), &admin.access, body).await;
    assert_eq!(post("resume", json!({})).await.code(), "PIPELINE_NOT_RUNNING");
    for wrong in [
        json!({ "election_type": "NADA" }),
        json!({ "copy_type": "X" }),
        json!({ "ocr_workers": 0 }),
        json!({ "download_workers": 0 }),
        json!({ "pdf_dir": "/" }),
    ] {
        assert_eq!(post("start", wrong.clone()).await.code(), "INVALID_REQUEST", "{wrong}");
    }
    assert_eq!(post("stop", json!({})).await.data()["status"], "STOPPED");
    assert_eq!(post("stop", json!({})).await.code(), "PIPELINE_NOT_RUNNING");
    assert_eq!(post("pause", json!({})).await.code(), "PIPELINE_NOT_RUNNING");
    let seed =
        json!({ "election_type": "PRESIDENCIA", "copy_type": "DELEGADOS", "download_workers": 2, "ocr_workers": 4 });
    let started = post("start", seed).await.data();
    assert_eq!(
        (&started["election_type"], &started["download_workers"]),
        (&json!("PRESIDENTE"), &Value::Null),
        "files are downloaded by no worker"
    );
    assert_eq!(post("stop", json!({})).await.data()["status"], "STOPPED");
    let started = post("start", json!({ "election_type": "SENADO", "ocr_workers": 1 }))
        .await
        .data();
    assert_eq!(
        (&started["election_type"], &started["ocr_workers"]),
        (&json!("SENADO"), &json!(1))
    );
    assert_eq!(post("start", json!({})).await.code(), "ALREADY_RUNNING");
    // The queue has room for one at a time; the run goes on by itself.
    let done = until(&world, &admin, |now| now["completed"] == 3 && now["status"] == "IDLE").await;
    assert_eq!(
        done["forms"]
            .as_object()
            .unwrap()
            .values()
            .map(|n| n.as_i64().unwrap())
            .sum::<i64>(),
        3
    );
    std::fs::write(source.path().join(name("05", 8)), page(8)).unwrap();
    assert_eq!(
        post("start", json!({})).await.status,
        200,
        "a run that has come to its end is started again"
    );
    let done = until(&world, &admin, |now| now["completed"] == 4).await;
    assert_eq!(done["workers"].as_array().unwrap().len(), 1);
    assert_eq!(done["workers"][0]["alive"], true);
}

#[test]
fn pauses_double_and_spread() {
    let rules = QueueRules {
        limit: 1,
        lease: Duration::from_secs(60),
        attempts: 3,
        pause: Duration::from_secs(10),
        ageing: Duration::from_secs(900),
    };
    let pauses = [1, 2, 3, 4].map(|attempt| rules.pause_after(attempt, 0.0).as_secs());
    assert_eq!(pauses, [10, 20, 40, 80]);
    assert_eq!(rules.pause_after(1, 1.0).as_secs(), 15);
    assert!(
        rules.pause_after(i16::MAX, 1.0) <= Duration::from_secs(10 * 1024 * 2),
        "it does not grow without end"
    );
    for priority in JobPriority::ALL {
        assert_eq!(JobPriority::of_rank(priority.rank()), priority);
    }
}
