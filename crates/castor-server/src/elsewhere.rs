//! How the services that run in other processes are. They are asked again and again, so that who asks for this one's health
//! waits for none of them.

use crate::api::{Check, State, check};
use crate::config::Service;
use crate::server::Server;
use futures_util::future::join_all;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks at the others.
const EVERY: Duration = Duration::from_secs(10);
/// A little more than a service itself waits for what it depends on.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the others said last.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(Mutex<BTreeMap<Service, Vec<Check>>>);

impl Elsewhere {
    fn held(&self) -> MutexGuard<'_, BTreeMap<Service, Vec<Check>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the others were when they were asked last. This process works without them, so that none counts as down.
    pub(crate) fn checks(&self) -> Vec<Check> {
        self.held().values().flatten().cloned().collect()
    }
}

/// The core passes requests on to the others; each of them has the keys of tokens from the core.
fn others(server: &Server) -> impl Iterator<Item = Service> {
    let is_core = server.config.runs(Service::Core);
    let all = Service::ALL.into_iter();
    all.filter(move |service| !server.config.runs(*service) && (is_core || *service == Service::Core))
}

/// Looks at the others until the server ends.
pub(crate) async fn keep_looking(server: Server) {
    for service in others(&server) {
        let unknown = name(service, Some("not reached yet".to_owned()), Instant::now());
        server.elsewhere.held().entry(service).or_insert_with(|| vec![unknown]);
    }
    loop {
        look(&server).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// Looks at the others once.
pub(crate) async fn look(server: &Server) {
    let asked = others(server).map(|service| async move { (service, seen(server, service).await) });
    let seen = join_all(asked).await;
    server.elsewhere.held().extend(seen);
}

/// One of them: whether it answers, and to the core what it says of its own dependencies.
async fn seen(server: &Server, service: Service) -> Vec<Check> {
    let began = Instant::now();
    let told = ask(server, service).await;
    let reason = match &told {
        Err(error) => {
            tracing::debug!(%error, service = service.name(), "it does not say how it is");
            Some("does not answer")
        }
        Ok(_) if server.circuits.is_open(service) => Some("keeps failing; it is left alone for a minute"),
        Ok(_) => None,
    };
    let mut checks = vec![name(service, reason.map(ToOwned::to_owned), began)];
    checks.extend(told.unwrap_or_default().into_iter().map(|told| Check {
        name: format!("{}@{}", told.name, service.name()),
        state: told.state.min(State::Degraded),
        ..told
    }));
    checks
}

fn name(service: Service, reason: Option<String>, began: Instant) -> Check {
    check(format!("service:{}", service.name()), reason, State::Degraded, began)
}

#[derive(Deserialize)]
struct Told {
    data: Vec<Check>,
}

/// What depends on this one says so itself: the core is asked only whether it lives, since it asks the others in turn.
async fn ask(server: &Server, service: Service) -> Result<Vec<Check>, reqwest::Error> {
    let path = if service == Service::Core {
        "live"
    } else {
        "dependencies"
    };
    let url = format!("{}/api/health/{path}", server.config.discovery.of(service));
    let answer = server
        .client
        .get(url)
        .timeout(PATIENCE)
        .send()
        .await?
        .error_for_status()?;
    if service == Service::Core {
        return Ok(Vec::new());
    }
    Ok(answer.json::<Told>().await?.data)
}
