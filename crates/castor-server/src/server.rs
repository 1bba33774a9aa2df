//! What every request has at hand.

use crate::config::{Config, Service};
use crate::database::Database;
use crate::elsewhere::Elsewhere;
use crate::error::{ApiError, ErrorCode};
use crate::objects::{ObjectError, Objects};
use crate::password::{PasswordError, Passwords};
use crate::proxy::Circuits;
use crate::shared::{Local, Redis, Shared};
use crate::sync::{Cases, Line, Pages};
use crate::token::{KeyError, Keys};
use crate::work::{FormsByState, InHand, Readers};
use castor_ingest::Fetcher;
use castor_ingest::fetch::Network;
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

/// Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Parts>);

/// The parts of a server.
pub struct Parts {
    /// What it was told.
    pub config: Config,
    /// Keys of tokens.
    pub keys: Keys,
    /// Hashing of passwords.
    pub passwords: Passwords,
    /// Limits, cache, events.
    pub shared: Box<dyn Shared>,
    /// For questions to other services.
    pub client: reqwest::Client,
    /// For requests that are passed on to them: files take their time, silence does not.
    pub(crate) passing: reqwest::Client,
    /// The ways to them.
    pub circuits: Circuits,
    /// How they were when they were asked last.
    pub(crate) elsewhere: Elsewhere,
    /// Forms as their events make them, kept between pushes.
    pub(crate) cases: Cases,
    /// Pushes that wait for their turn.
    pub(crate) line: Line,
    /// Pages of the log as they were answered.
    pub(crate) pages: Pages,
    /// Files of forms.
    pub objects: Objects,
    /// What reads them.
    pub(crate) readers: Readers,
    /// Jobs that are carried out here.
    pub(crate) in_hand: InHand,
    /// What fetches them.
    pub(crate) fetcher: Fetcher,
    /// Places for files that are being taken in.
    pub(crate) uploads: Semaphore,
    /// Places for pieces of files that are being taken in: each holds a connection while the store of files answers.
    pub(crate) pieces: Semaphore,
    /// Tells what looks through the source folder and what fills the queue that a run was started.
    pub(crate) intake: watch::Sender<()>,
    /// Forms by state, as they were counted last.
    pub(crate) forms_by_state: Mutex<Option<FormsByState>>,
    /// This process among the workers.
    pub(crate) worker: Uuid,
    /// Figures.
    pub metrics: PrometheusHandle,
    /// Began at.
    pub started: Instant,
    /// True once the server is to end: streams end then.
    pub closing: watch::Sender<bool>,
    databases: BTreeMap<Service, Database>,
}

impl Deref for Server {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Why a server cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Passwords.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// Redis's URL.
    #[error("REDIS_URL: {0}")]
    Redis(#[from] redis::RedisError),
    /// The store of files.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// Figures.
    #[error("figures cannot be kept: {0}")]
    Metrics(String),
}

/// Time that another service has for an answer.
const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(30);
/// Time without a byte from it while a request is passed on: an upload and a reading at their slowest.
const UPSTREAM_SILENCE: Duration = Duration::from_secs(200);
/// Files that are taken in at a time, each in memory until it is stored.
const UPLOADS: usize = 16;
/// Pieces of files that are taken in at a time: a fraction of the connections.
const PIECES: usize = 4;
/// Time to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Server {
    /// Puts the parts together. Must be called within a runtime; nothing outside the process is reached yet.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn new(
        config: Config,
        databases: BTreeMap<Service, Database>,
        network: Arc<dyn Network>,
    ) -> Result<Self, ServerError> {
        // Another part of the program may have installed it already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let to_services = || {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
        };
        let client = to_services().timeout(UPSTREAM_TIMEOUT).build()?;
        let passing = to_services().read_timeout(UPSTREAM_SILENCE).build()?;
        let shared: Box<dyn Shared> = match &config.redis {
            Some(url) => Box::new(Redis::new(url.reveal())?),
            None => Box::new(Local::default()),
        };
        Ok(Self(Arc::new(Parts {
            keys: Keys::new(&config, &client)?,
            passwords: Passwords::new()?,
            shared,
            client,
            passing,
            circuits: Circuits::default(),
            elsewhere: Elsewhere::default(),
            cases: Cases::default(),
            line: Line::default(),
            pages: Pages::default(),
            objects: Objects::open(&config)?,
            readers: Readers::new(config.work.readers, config.work.files),
            in_hand: InHand::default(),
            fetcher: Fetcher::new(
                config.work.hosts.clone(),
                network,
                config.work.files.most_bytes,
                config.work.fetch_timeout,
            ),
            uploads: Semaphore::new(UPLOADS),
            pieces: Semaphore::new(PIECES),
            intake: watch::Sender::new(()),
            forms_by_state: Mutex::default(),
            worker: Uuid::now_v7(),
            metrics: crate::figures::recorder()?,
            started: Instant::now(),
            closing: watch::Sender::new(false),
            databases,
            config,
        })))
    }

    /// The database of a service of this process.
    ///
    /// # Errors
    /// `NOT_FOUND` when the service does not run here.
    pub fn database(&self, service: Service) -> Result<&Database, ApiError> {
        self.databases.get(&service).ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                format!("the {} service does not run here", service.name()),
            )
        })
    }

    /// The databases of this process.
    pub fn databases(&self) -> impl Iterator<Item = (Service, &Database)> {
        self.databases.iter().map(|(service, database)| (*service, database))
    }
}
