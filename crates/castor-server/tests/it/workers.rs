//! Workers as processes of their own: killed, ended, and left with files that bring trouble.

use crate::paper::{draw, page};
use crate::queue::until;
use crate::world::{Signed, World, client, folder, free_port};
use castor_server::role::Role;
use castor_testkit::form::Family;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const NAME: &str = "1_E14_CAM_X_01_001_003_XX_02_001_X_XXX.pdf";

/// A worker that takes one job at a time, and is killed with the test.
struct Worker(Child);

impl Worker {
    fn start(world: &World, variables: &[(&str, &str)]) -> Self {
        Self::answering(world, variables, free_port())
    }

    /// With its health at a port.
    fn answering(world: &World, variables: &[(&str, &str)], port: u16) -> Self {
        let test = std::env::current_exe().unwrap();
        let program = test.parent().unwrap().parent().unwrap().join("examples/worker");
        assert!(
            program.exists(),
            "{} is not built: run `cargo test` without a target",
            program.display()
        );
        let mut child = Command::new(program)
            .arg(format!("127.0.0.1:{port}"))
            .env("E14_DATABASE_URL", &world.database)
            .env("CASTOR_DATA", world.data.path())
            .env("E14_LEASE", "8")
            .env("E14_WORKERS", "1")
            .env("CASTOR_LOG", "warn")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim(), "1");
        Self(child)
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM; its exit code.
    fn end(mut self) -> i32 {
        let told = Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        self.0.wait().unwrap().code().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A world whose source folder holds one file, queued.
async fn queued(file: &[u8], variables: &[(&str, &str)]) -> (World, Signed, TempDir, String) {
    let source = folder();
    std::fs::write(source.path().join(NAME), file).unwrap();
    let mut all = vec![("E14_SOURCE", source.path().to_str().unwrap()), ("E14_LEASE", "8")];
    all.extend_from_slice(variables);
    let world = World::with(&all).await;
    let admin = world.user(Role::Admin).await;
    until(&world, &admin, |now| now["source_taken"] == 1).await;
    let table = json!({ "department_code": "01", "municipality_code": "001", "zone_code": "03", "station_code": "02", "table_code": "001" });
    let queued = world.post("/api/queue/table", &admin.access, table).await.data();
    let job = queued["jobs"][0]["job_id"].as_str().unwrap().to_owned();
    (world, admin, source, job)
}

async fn job(world: &World, admin: &Signed, id: &str) -> Value {
    world.get(&format!("/api/queue/jobs/{id}"), &admin.access).await.data()
}

async fn until_state(world: &World, admin: &Signed, id: &str, state: &str) -> Value {
    for _ in 0..15_000 {
        let now = job(world, admin, id).await;
        if now["state"] == state {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not get {state}: {}", job(world, admin, id).await);
}

async fn events(world: &World) -> Vec<String> {
    let mut database = crate::world::connect(&world.database).await;
    sqlx::query_scalar("SELECT kind FROM event ORDER BY global")
        .fetch_all(&mut database)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing() {
    let (world, admin, _source, id) = queued(&draw(5, Family::Camara2022), &[]).await;
    let worker = Worker::start(&world, &[]);
    until_state(&world, &admin, &id, "RUNNING").await;
    worker.kill();
    let left = job(&world, &admin, &id).await;
    assert_eq!(
        (&left["state"], &left["attempts"]),
        (&json!("RUNNING"), &json!(1)),
        "it was killed in the middle"
    );
    assert_eq!(events(&world).await, Vec::<String>::new());
    let _second = Worker::start(&world, &[]);
    let done = until_state(&world, &admin, &id, "DONE").await;
    assert_eq!(done["attempts"], 2);
    assert_ne!(done["worker"], left["worker"]);
    assert_eq!(events(&world).await, ["imported", "read"]);
    let validator = world.user(Role::Validator).await;
    let status = world.get("/api/pipeline/status", &validator.access).await.data();
    assert_eq!(status["workers"].as_array().unwrap().len(), 2);
    assert_eq!((&status["completed"], &status["failed"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_end_cannot_be_written_down_comes_back() {
    const FULL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION full_disk()";
    let pause = [("E14_RETRY_PAUSE", "5")];
    let (world, admin, _source, id) = queued(&draw(7, Family::Camara2022), &pause).await;
    let mut database = crate::world::connect(&world.database).await;
    sqlx::raw_sql(FULL).execute(&mut database).await.unwrap();
    let _worker = Worker::start(&world, &pause);
    until_state(&world, &admin, &id, "RUNNING").await;
    let waits = until_state(&world, &admin, &id, "QUEUED").await;
    assert_eq!(
        (&waits["code"], &waits["attempts"]),
        (&json!("JOB_001"), &json!(1)),
        "the worker lives and no longer says that it has it"
    );
    sqlx::raw_sql("DROP TRIGGER full_disk ON event")
        .execute(&mut database)
        .await
        .unwrap();
    let done = until_state(&world, &admin, &id, "DONE").await;
    assert!(done["attempts"].as_i64().unwrap() >= 2, "{done}");
    assert_eq!(events(&world).await, ["imported", "read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_finishes_what_it_has() {
    let (world, admin, _source, id) = queued(&draw(6, Family::Presidente2022), &[]).await;
    let port = free_port();
    let worker = Worker::answering(&world, &[], port);
    let get = async |path: &str| {
        let answer = client()
            .get(format!("http://127.0.0.1:{port}{path}"))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get("/api/health/live").await.0, 200);
    assert_eq!(
        get("/api/queue/jobs").await.0,
        404,
        "a worker answers for its health alone"
    );
    until_state(&world, &admin, &id, "RUNNING").await;
    assert!(get("/api/metrics").await.1.contains("castor_ocr_queue_depth"));
    let ended = tokio::task::spawn_blocking(move || worker.end()).await.unwrap();
    assert_eq!(ended, 0);
    let done = job(&world, &admin, &id).await;
    assert_eq!((&done["state"], &done["attempts"]), (&json!("DONE"), &json!(1)));
    let status = world.get("/api/pipeline/status", &admin.access).await.data();
    assert_eq!(status["workers"][0]["alive"], false);
    assert!(status["workers"][0]["ended_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_brings_workers_down_is_given_up_and_can_be_tried_again() {
    let (world, admin, _source, id) = queued(&draw(8, Family::Camara2022), &[("E14_ATTEMPTS", "1")]).await;
    let worker = Worker::start(&world, &[("E14_ATTEMPTS", "1")]);
    until_state(&world, &admin, &id, "RUNNING").await;
    worker.kill();
    let dead = until_state(&world, &admin, &id, "DEAD").await;
    assert_eq!(dead["code"], "JOB_001");
    let listed = world.get("/api/queue/jobs?status=DEAD", &admin.access).await.data();
    assert_eq!(listed[0]["id"], id.as_str());
    let operator = world.user(Role::Operator).await;
    let retry = format!("/api/queue/jobs/{id}/retry");
    assert_eq!(
        world.post(&retry, &operator.access, json!({})).await.code(),
        "FORBIDDEN"
    );
    let again = world.post(&retry, &admin.access, json!({})).await.data();
    assert_eq!((&again["state"], &again["attempts"]), (&json!("QUEUED"), &json!(0)));
    let audit = world.get("/api/audit", &admin.access).await.data();
    let (action, subject) = (&audit[0]["action"], &audit[0]["subject"]);
    assert_eq!(
        (action, subject),
        (&json!("pipeline.job_retried"), &json!(id)),
        "{audit}"
    );
    let _worker = Worker::start(&world, &[]);
    until_state(&world, &admin, &id, "DONE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_with_the_store_of_files_is_tried_again_and_never_said_of_the_form() {
    let trouble = [("E14_ATTEMPTS", "2"), ("E14_RETRY_PAUSE", "1")];
    let (world, admin, _source, id) = queued(&page(1), &trouble).await;
    let sha256 = job(&world, &admin, &id).await["sha256"].as_str().unwrap().to_owned();
    // A store that fails: a file stands where the folder was.
    let folder = world.data.path().join("objects").join(&sha256[..2]);
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, b"").unwrap();
    let worker = Worker::start(&world, &trouble);
    let dead = until_state(&world, &admin, &id, "DEAD").await;
    assert_eq!(
        (&dead["attempts"], &dead["code"]),
        (&json!(2), &json!("OBJ_003")),
        "{dead}"
    );
    assert_eq!(
        events(&world).await,
        Vec::<String>::new(),
        "the form is not said to be unreadable"
    );
    // The store works again: nobody needs to say so.
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    until_state(&world, &admin, &id, "DONE").await;
    drop(worker);

    // A file that is gone, and comes back from a backup.
    let (world, admin, _source, id) = queued(&page(2), &trouble).await;
    let sha256 = job(&world, &admin, &id).await["sha256"].as_str().unwrap().to_owned();
    let place = world.data.path().join("objects").join(&sha256[..2]).join(&sha256);
    let aside = world.data.path().join("aside");
    std::fs::rename(&place, &aside).unwrap();
    let _worker = Worker::start(&world, &trouble);
    let dead = until_state(&world, &admin, &id, "DEAD").await;
    assert_eq!((&dead["attempts"], &dead["code"]), (&json!(2), &json!("OBJ_001")));
    assert_eq!(
        events(&world).await,
        Vec::<String>::new(),
        "the form is not said to be unreadable"
    );
    std::fs::rename(&aside, &place).unwrap();
    until_state(&world, &admin, &id, "DONE").await;
    assert_eq!(events(&world).await, ["imported", "read"]);
}
