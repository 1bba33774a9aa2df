//! Processes that are killed: a server, and a laptop at work.

use super::laptop::{Laptop, Person};
use super::line::Line;
use crate::world::{PASSWORD, World};
use castor_server::{Config, Service};
use castor_store::Store;
use castor_sync::{HttpTransport, ServerUrl, SignIn, round};
use castor_testkit::line::Faults;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// Variable that makes this test binary a server.
const SERVER: &str = "CASTOR_SIM_SERVER";
/// Variable that makes it a laptop: [`Task`] as JSON.
const LAPTOP: &str = "CASTOR_SIM_LAPTOP";

/// Ends this process when the one that started it has ended.
fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0; 1]);
        std::process::exit(0);
    });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// The server that is killed; the variables say everything.
#[test]
fn server() {
    if std::env::var_os(SERVER).is_none() {
        return;
    }
    end_with_parent();
    block_on(async {
        let config = Config::from_env(Service::ALL.into()).unwrap();
        castor_server::serve(config, |_| {}, std::future::pending())
            .await
            .unwrap();
    });
}

/// What a laptop's process is to do.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    folder: PathBuf,
    url: String,
    email: String,
    seed: u64,
    badness: f64,
    person: Person,
}

/// The laptop that is killed: works and syncs without end and says each event once it is acknowledged.
#[test]
fn laptop() {
    let Ok(task) = std::env::var(LAPTOP) else { return };
    end_with_parent();
    block_on(at_work(serde_json::from_str(&task).unwrap()));
}

async fn at_work(mut task: Task) {
    let store = Store::open(&task.folder).await.unwrap();
    let mut draw = ChaCha8Rng::seed_from_u64(task.seed);
    let under_way = Mutex::default();
    let mut server = None;
    loop {
        if draw.random_bool(0.75) {
            match task.person.works(&store, &mut draw).await {
                Ok(ids) => say(&ids),
                // The disk is full: what is on it is to be there afterwards.
                Err(error) if error.starts_with("STO_005") || error.starts_with("STO_011") => return,
                Err(error) => panic!("{error}"),
            }
            continue;
        }
        if server.is_none() {
            server = signed_in(&task.url, &task.email).await.ok();
        }
        if let Some(server) = &server {
            let line = Line::new(server, Faults::new(draw.random(), task.badness), &under_way);
            let _ = round(&store, &line).await;
        }
    }
}

fn say(ids: &[u64]) {
    let mut out = std::io::stdout().lock();
    for id in ids {
        writeln!(out, "acknowledged {id}").unwrap();
    }
    out.flush().unwrap();
}

/// Signs an account in.
pub(crate) async fn signed_in(url: &str, email: &str) -> Result<HttpTransport, castor_sync::SyncError> {
    let sign_in = SignIn {
        email,
        password: PASSWORD,
    };
    HttpTransport::sign_in(
        ServerUrl::parse(url)?,
        &sign_in,
        Box::new(|_| Box::pin(async { Ok(()) })),
    )
    .await
}

fn of_this_binary(test: &str, limit: Option<u64>) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match limit {
        None => Command::new(this),
        Some(limit) => {
            // Files of the process may grow so far; writing beyond gives an error, as on a disk that is full.
            let mut command = Command::new("sh");
            command
                .args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"")])
                .arg(this);
            command
        }
    };
    command
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Lets a laptop work in a process of its own for a while and kills it. With `full`, its disk is nearly full.
pub(crate) async fn killed_at_work(laptop: &mut Laptop, url: &str, email: &str, full: bool, draw: &mut ChaCha8Rng) {
    laptop.stop();
    let task = Task {
        folder: laptop.folder.path().to_owned(),
        url: url.to_owned(),
        email: email.to_owned(),
        seed: draw.random(),
        badness: 0.3,
        person: laptop.person.clone(),
    };
    let limit = full.then(|| (largest(&task.folder) + draw.random_range(8_192..65_536)) / 512);
    let mut child = of_this_binary("sim::process::laptop", limit)
        .env(LAPTOP, serde_json::to_string(&task).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let heard = tokio::task::spawn_blocking(move || {
        let lines = lines.map_while(Result::ok);
        lines
            .filter_map(|line| line.split("acknowledged ").nth(1)?.trim().parse().ok())
            .collect::<Vec<u64>>()
    });
    tokio::time::sleep(Duration::from_millis(draw.random_range(30..300))).await;
    child.kill().unwrap();
    child.wait().unwrap();
    laptop.acknowledged.extend(heard.await.unwrap());
    // Numbers that the process may have used, acknowledged or not, are not used again.
    laptop.person.next += 1_000_000;
    laptop.start().await;
}

fn largest(folder: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    // A file of the store that was stopped may still go.
    let sizes = files.filter_map(|file| Some(file.metadata().ok()?.len()));
    sizes.max().unwrap_or(0)
}

/// A server in a process of its own, beside the one in this process, on the same database.
pub(crate) struct ServerProcess {
    child: Child,
}

impl ServerProcess {
    pub(crate) fn start(world: &World, port: u16) -> Self {
        let child = of_this_binary("sim::process::server", None)
            .env(SERVER, "1")
            .env("DATABASE_URL", &world.database)
            .env("CASTOR_DATA", world.data.path())
            .env("CASTOR_PORT", port.to_string())
            .envs(super::LIMITS)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
