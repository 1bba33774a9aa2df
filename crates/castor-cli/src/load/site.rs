//! A scratch cluster with servers of this program, each in a process of its own.

use anyhow::{Context, Result, bail};
use castor_server::cluster::Cluster;
use castor_server::role::Role;
use castor_server::user::NewUser;
use castor_server::{Config, Service};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const EMAIL: &str = "bench@example.org";
/// Of an account in a cluster that this program makes, and removes when it ends.
const PASSWORD: &str = "una base que se borra";

/// The cluster, its folder, and how servers on it are started.
pub(crate) struct Site {
    folder: TempDir,
    cluster: Option<Cluster>,
    url: String,
    redis: Option<String>,
}

/// A server of the site; it ends with the value.
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) url: String,
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

impl ServerProcess {
    /// Ends it as a power cut does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Deserialize)]
struct Success<T> {
    data: T,
}

/// A port that nobody has at the moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Site {
    /// A cluster with the durability of a real one: an answer is given when it is on the disk.
    pub(crate) async fn start(settings: &[&str], redis: Option<String>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("castor-bench").tempdir_in("/tmp")?;
        // As root the cluster runs as another user, who must get there.
        #[cfg(unix)]
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let cluster = Cluster::start(&folder.path().join("postgres"), None, settings).await?;
        let url = cluster.url("postgres").reveal().to_owned();
        Ok(Self {
            folder,
            cluster: Some(cluster),
            url,
            redis,
        })
    }

    /// The database's URL.
    pub(crate) fn database(&self) -> &str {
        &self.url
    }

    /// The cluster's log.
    pub(crate) fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("postgres/log")
    }

    fn variables(&self, port: u16) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("DATABASE_URL", self.url.clone()),
            ("CASTOR_DATA", self.folder.path().join("data").display().to_string()),
            ("CASTOR_PORT", port.to_string()),
            ("RATE_LIMIT_DEFAULT", "1000000/minute".to_owned()),
            ("RATE_LIMIT_AUTH", "1000000/minute".to_owned()),
            ("RATE_LIMIT_WORK", "100000000/minute".to_owned()),
            ("RATE_LIMIT_READ", "1000000/minute".to_owned()),
            // Who measures readings starts workers, and a killed one is noticed soon.
            ("E14_WORKERS", "0".to_owned()),
            ("E14_LEASE", "5".to_owned()),
            ("E14_RETRY_PAUSE", "1".to_owned()),
            ("JWT_ACCESS_TOKEN_EXPIRES", "86400".to_owned()),
            ("CASTOR_LOG", "error".to_owned()),
        ];
        variables.extend(self.redis.clone().map(|url| ("REDIS_URL", url)));
        variables
    }

    /// Runs this program with the site's variables.
    pub(crate) fn command(&self, arguments: &[&str], port: u16) -> Result<Child> {
        Ok(Command::new(std::env::current_exe()?)
            .args(arguments)
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| ["PATH", "HOME", "CASTOR_HOME"].contains(&name.as_str())))
            .envs(self.variables(port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?)
    }

    /// Starts a server and waits until it is ready.
    pub(crate) async fn serve(&self, port: u16) -> Result<ServerProcess> {
        let process = ServerProcess {
            child: self.command(&["serve", "--services", "core,e14"], port)?,
            url: format!("http://127.0.0.1:{port}"),
        };
        let client = client()?;
        for _ in 0..600 {
            let ready = client.get(format!("{}/api/health/ready", process.url)).send().await;
            if ready.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return Ok(process);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        bail!("the server does not get ready")
    }

    /// Makes the account of the site, which the laptops sign in with.
    pub(crate) async fn account(&self, role: Role) -> Result<()> {
        self.account_of(EMAIL, role).await
    }

    /// Makes another one, with the same password.
    pub(crate) async fn account_of(&self, email: &str, role: Role) -> Result<()> {
        let variables = self.variables(free_port()?);
        let of = |name: &str| {
            variables
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value.clone())
        };
        let config = Config::from_variables([Service::Core, Service::E14].into(), of)?;
        let new = NewUser {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            first_name: "Generada".to_owned(),
            last_name: "Generada".to_owned(),
            ..NewUser::default()
        };
        castor_server::add_user(config, new, role).await?;
        Ok(())
    }

    /// Ends the cluster and removes its folder.
    pub(crate) async fn end(mut self) -> Result<()> {
        if let Some(cluster) = self.cluster.take() {
            cluster.leave().await?;
        }
        Ok(())
    }
}

/// What signs the bench's account in.
pub(crate) fn sign_in() -> castor_sync::SignIn<'static> {
    castor_sync::SignIn {
        email: EMAIL,
        password: PASSWORD,
    }
}

/// A client that keeps its connections.
pub(crate) fn client() -> Result<Client> {
    // Another part of the program may have installed it already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(60));
    Ok(client.pool_max_idle_per_host(usize::MAX).build()?)
}

/// An access token of the site's account.
pub(crate) async fn token(client: &Client, url: &str) -> Result<String> {
    token_of(client, url, EMAIL).await
}

/// An access token of another one.
pub(crate) async fn token_of(client: &Client, url: &str, email: &str) -> Result<String> {
    let body = json!({ "email": email, "password": PASSWORD });
    let data: Value = asked(client.post(format!("{url}/api/auth/login")).json(&body)).await?;
    let token = data["access_token"].as_str().context("no access token in the answer")?;
    Ok(token.to_owned())
}

/// What a server answers; an error for anything but success.
pub(crate) async fn asked<T: DeserializeOwned>(request: RequestBuilder) -> Result<T> {
    let answer = request.send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    if !status.is_success() {
        bail!("{status} {}", String::from_utf8_lossy(&body));
    }
    Ok(serde_json::from_slice::<Success<T>>(&body)?.data)
}
