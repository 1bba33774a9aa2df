//! What `castor serve --check` says: whether the server would start, and how what it depends on is. Nothing is made or
//! changed for it; what `serve` would make is named.

use crate::api::{self, Check, State};
use crate::cluster::Cluster;
use crate::config::{Config, Secret, Service};
use crate::elsewhere;
use crate::objects::ObjectsAt;
use crate::running::{Running, ServeError, cluster_folder, needs_cluster};
use crate::secret::random_token;
use crate::token::Keys;
use std::path::Path;
use std::time::Instant;
use tokio::net::TcpListener;

/// One line for each thing that the server depends on. A private PostgreSQL that was made before is started for it, and ends
/// with it unless a server uses it.
///
/// # Errors
/// The server would not start at all.
pub async fn check(config: Config) -> Result<Vec<Check>, ServeError> {
    let mut own = vec![address(&config).await];
    let config = without_making(config, &mut own)?;
    let running = Running::look(config).await?;
    for store in &running.stores {
        // What is wrong shows in the check of the database.
        let _ = store.database.look().await;
    }
    let server = &running.server;
    elsewhere::look(server).await;
    let mut reader = None;
    if server.config.runs(Service::E14) {
        reader = server.readers.reader().await.err().map(|problem| problem.to_string());
    }
    let mut checks = api::checks(server).await;
    if let Some(check) = checks.iter_mut().find(|check| check.name == "reader") {
        check.reason = reader.or(check.reason.take());
    }
    running.close().await?;
    // Of what is not made yet that is all there is to say.
    checks.retain(|check| own.iter().all(|made| made.name != check.name));
    checks.append(&mut own);
    Ok(checks)
}

/// Whether the server could listen.
async fn address(config: &Config) -> Check {
    let began = Instant::now();
    let bound = TcpListener::bind(config.listen).await;
    let reason = bound.err().map(|error| format!("{}: {error}", config.listen));
    api::check("address".to_owned(), reason, State::Down, began)
}

/// The configuration with something in the place of all that would be made, which is named.
fn without_making(mut config: Config, checks: &mut Vec<Check>) -> Result<Config, ServeError> {
    let mut to_be_made = |name: &str, place: &Path| {
        checks.push(Check {
            name: name.to_owned(),
            state: State::Ok,
            reason: Some(format!("is not there yet; serve makes {}", place.display())),
            milliseconds: 0,
        });
    };
    if !config.data.exists() {
        to_be_made("data", &config.data);
    } else if !config.data.is_dir() {
        let not_a_folder = std::io::Error::from(std::io::ErrorKind::NotADirectory);
        return Err(ServeError::Data(not_a_folder));
    }
    let objects = config.data.join("objects");
    if config.objects == ObjectsAt::Folder && !objects.exists() {
        to_be_made("objects", &objects);
        config.objects = ObjectsAt::Unmade;
    }
    let key = Keys::made_in(&config.data);
    let own_key = config.runs(Service::Core) && config.jwt_secret.is_none() && config.jwt_key_file.is_none();
    if own_key && !key.exists() {
        to_be_made("signing key", &key);
        config.jwt_secret = Some(Secret::new(random_token()));
    }
    let cluster = cluster_folder(&config);
    if needs_cluster(&config) && !Cluster::is_made(&cluster) {
        Cluster::could_be_made(config.postgres_bin.as_deref())?;
        to_be_made("database", &cluster);
    }
    Ok(config)
}
