//! A server on a free port with a database of its own, and a client that talks to it.

use castor_server::Network;
use castor_server::cluster::Cluster;
use castor_server::config::{Config, Service};
use castor_server::role::Role;
use castor_server::running::Running;
use castor_server::serve::serve_with;
use castor_server::user::NewUser;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;
use tokio::sync::{OnceCell, oneshot};
use tokio::task::JoinHandle;

pub(crate) const PASSWORD: &str = "un acta tiene tres casillas";

/// One cluster for all tests of the binary.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static FOLDER: OnceLock<TempDir> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) fn folder() -> TempDir {
    // Not under the home of root: the cluster runs as another user there.
    tempfile::Builder::new()
        .prefix("castor-it")
        .permissions(open_to_all())
        .tempdir_in("/tmp")
        .unwrap()
}

fn open_to_all() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o755)
}

pub(crate) async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let settings = ["fsync=off", "full_page_writes=off", "max_connections=300"];
            let folder = FOLDER.get_or_init(folder).path().join("postgres");
            watch_over(&folder);
            Cluster::start(&folder, None, &settings).await.unwrap()
        })
        .await
}

/// Ends the cluster and removes its folder when this process has ended, however it ends.
#[expect(clippy::zombie_processes, reason = "it outlives the process that it watches")]
fn watch_over(folder: &std::path::Path) {
    let script = "while kill -0 $1 2>/dev/null; do sleep 0.2; done
        pid=$(head -n 1 \"$2/data/postmaster.pid\" 2>/dev/null) && kill -QUIT $pid
        while kill -0 $pid 2>/dev/null; do sleep 0.1; done; rm -rf \"${2%/postgres}\"";
    std::process::Command::new("sh")
        .args(["-c", script, "sh", &std::process::id().to_string()])
        .arg(folder)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
}

/// The URL of a new, empty database.
pub(crate) async fn database() -> String {
    let cluster = cluster().await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = connect(cluster.url("postgres").reveal()).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    cluster.url(&name).reveal().to_owned()
}

pub(crate) async fn connect(url: &str) -> sqlx::PgConnection {
    <sqlx::PgConnection as sqlx::Connection>::connect(url).await.unwrap()
}

/// Waits until so many statements on a database wait for somebody else's lock.
pub(crate) async fn waiting(watcher: &mut sqlx::PgConnection, count: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..6_000 {
        let waiting: i64 = sqlx::query_scalar(sql).fetch_one(&mut *watcher).await.unwrap();
        if waiting >= count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}

/// A running server.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) database: String,
    pub(crate) data: TempDir,
    pub(crate) client: reqwest::Client,
    variables: HashMap<String, String>,
    services: BTreeSet<Service>,
    network: Arc<dyn Network>,
    end: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl World {
    /// All services, with limits so high that they do not disturb.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With variables set as given.
    pub(crate) async fn with(variables: &[(&str, &str)]) -> Self {
        Self::of("core,e14,dashboard", variables).await
    }

    pub(crate) async fn of(services: &str, variables: &[(&str, &str)]) -> Self {
        Self::reaching(Arc::new(castor_ingest::fetch::System), services, variables).await
    }

    /// With another way to the hosts from which files are fetched.
    pub(crate) async fn reaching(network: Arc<dyn Network>, services: &str, variables: &[(&str, &str)]) -> Self {
        let given = |name: &str| variables.iter().any(|(given, _)| *given == name);
        let database = if given("DATABASE_URL") {
            String::new()
        } else {
            database().await
        };
        let data = folder();
        let usual = [
            ("DATABASE_URL", database.as_str()),
            ("CASTOR_DATA", data.path().to_str().unwrap()),
            ("RATE_LIMIT_DEFAULT", "100000/minute"),
            ("RATE_LIMIT_AUTH", "100000/minute"),
            ("RATE_LIMIT_WORK", "100000/minute"),
            ("RATE_LIMIT_READ", "100000/minute"),
            // The first reading opens the models, which takes its time on a busy machine.
            ("CASTOR_REQUEST_TIMEOUT", "300"),
            // Who tests workers starts them.
            ("E14_WORKERS", "0"),
        ];
        let all = usual
            .iter()
            .chain(variables)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut world = Self {
            url: String::new(),
            database,
            data,
            client: client(),
            variables: all,
            services: Service::parse_list(services).unwrap(),
            network,
            end: None,
            task: None,
        };
        world.start().await;
        world
    }

    pub(crate) fn config(&self) -> Config {
        let mut config =
            Config::from_variables(self.services.clone(), |name| self.variables.get(name).cloned()).unwrap();
        config.listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
        config
    }

    pub(crate) async fn start(&mut self) {
        let (end, ended) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let config = self.config();
        let network = Arc::clone(&self.network);
        self.task = Some(tokio::spawn(async move {
            let ended = async {
                let _ = ended.await;
            };
            serve_with(config, network, |address| ready.send(address).unwrap(), ended)
                .await
                .unwrap();
        }));
        self.url = format!("http://{}", is_ready.await.unwrap());
        self.end = Some(end);
        if self.variables["DATABASE_URL"].contains("127.0.0.1") {
            self.until_ready().await;
        }
    }

    pub(crate) async fn until_ready(&self) {
        for _ in 0..4_000 {
            let answer = self.client.get(format!("{}/api/health/ready", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("the server does not get ready");
    }

    pub(crate) async fn stop(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
        self.task.take().unwrap().await.unwrap();
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).json(&body);
        send(if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        })
        .await
    }

    pub(crate) async fn patch(&self, path: &str, token: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).bearer_auth(token).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    /// Makes an account with a role, as the command line does, and signs it in.
    pub(crate) async fn user(&self, role: Role) -> Signed {
        let email = format!(
            "{}{}@example.org",
            role.name().to_lowercase(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let new = NewUser {
            email: email.clone(),
            password: PASSWORD.to_owned(),
            first_name: "Ana".to_owned(),
            last_name: "Gómez".to_owned(),
            ..NewUser::default()
        };
        let user = castor_server::add_user(self.config(), new, role).await.unwrap();
        let mut signed = self.login(&email, PASSWORD).await.signed();
        signed.email = email;
        assert_eq!(signed.id, user.id.to_string());
        signed
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/login", "", json!({ "email": email, "password": password }))
            .await
    }

    /// The server's parts without a socket, for what is not a route.
    pub(crate) async fn parts(&self) -> Running {
        Running::open(self.config()).await.unwrap()
    }
}

pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A port for who listens later: none that the system gives to others meanwhile.
pub(crate) fn free_port() -> u16 {
    static PORT: AtomicU32 = AtomicU32::new(0);
    let ports = 10_000..30_000_u32;
    loop {
        let offset = std::process::id() + PORT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(ports.start + offset % (ports.end - ports.start)).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// An address at which nobody listens.
pub(crate) const NOBODY: &str = "127.0.0.1:1";

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

impl Answer {
    pub(crate) fn data(self) -> Value {
        assert_eq!(self.body["ok"], true, "{self:?}");
        self.body["data"].clone()
    }

    pub(crate) fn code(&self) -> &str {
        assert_eq!(self.body["ok"], false, "{self:?}");
        self.body["error"]["code"].as_str().unwrap()
    }

    pub(crate) fn signed(self) -> Signed {
        let data = self.data();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Signed {
            id: text(&data["user"]["id"]),
            email: text(&data["user"]["email"]),
            access: text(&data["access_token"]),
            refresh: text(&data["refresh_token"]),
        }
    }
}

/// A signed-in account.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}
