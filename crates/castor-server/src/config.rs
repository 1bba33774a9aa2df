//! Configuration from the environment. docs/SERVER.md documents every variable.

use crate::address::Network;
use crate::limit::Rate;
use crate::objects::{ObjectsAt, S3_VARIABLES};
use crate::work::{QueueRules, WorkSettings};
use castor_domain::review::Sampling;
use castor_ingest::{FileRules, Hosts};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A part of the server that may run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Accounts, leads, limits, the way to the other services.
    Core,
    /// Forms: reading, queue, review, sync.
    E14,
    /// Analyses of the conversation.
    Dashboard,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Core, Self::E14, Self::Dashboard];

    /// As written in `--services`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::E14 => "e14",
            Self::Dashboard => "dashboard",
        }
    }

    /// The port it stands on alone.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Core => 5001,
            Self::E14 => 5002,
            Self::Dashboard => 5003,
        }
    }

    /// Reads `core,e14`.
    ///
    /// # Errors
    /// The first name that is none of them.
    pub fn parse_list(text: &str) -> Result<BTreeSet<Self>, ConfigProblem> {
        let read = |name: &str| {
            Self::ALL
                .into_iter()
                .find(|service| service.name() == name.trim())
                .ok_or_else(|| ConfigProblem {
                    variable: "--services".to_owned(),
                    reason: format!("{name:?} is none of core, e14, dashboard"),
                })
        };
        text.split(',').map(read).collect()
    }

    fn variable(self, what: &str) -> String {
        format!("{}_{what}", self.name().to_ascii_uppercase())
    }
}

/// A value that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a value.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("(secret)")
    }
}

/// One variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigProblem {
    /// The variable.
    pub variable: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Everything that is wrong, so that it can be put right at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<ConfigProblem>);

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anyone, as a viewer.
    Open,
    /// Administrators alone.
    Closed,
}

/// Where services find each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// `CORE_SERVICE_URL`.
    pub core: String,
    /// `E14_SERVICE_URL`.
    pub e14: String,
    /// `DASHBOARD_SERVICE_URL`.
    pub dashboard: String,
}

impl Discovery {
    /// The address of a service, without a slash at its end.
    #[must_use]
    pub fn of(&self, service: Service) -> &str {
        match service {
            Service::Core => &self.core,
            Service::E14 => &self.e14,
            Service::Dashboard => &self.dashboard,
        }
    }
}

/// The database of each service; none means the private cluster in the data folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseUrls {
    /// `CORE_DATABASE_URL`.
    pub core: Option<Secret>,
    /// `E14_DATABASE_URL`.
    pub e14: Option<Secret>,
    /// `DASHBOARD_DATABASE_URL`.
    pub dashboard: Option<Secret>,
}

impl DatabaseUrls {
    /// The URL of a service.
    #[must_use]
    pub fn of(&self, service: Service) -> Option<&Secret> {
        match service {
            Service::Core => self.core.as_ref(),
            Service::E14 => self.e14.as_ref(),
            Service::Dashboard => self.dashboard.as_ref(),
        }
    }
}

/// How long answers of others are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheTtl {
    /// `TWITTER_CACHE_TTL`.
    pub twitter: Duration,
    /// `SENTIMENT_CACHE_TTL`.
    pub sentiment: Duration,
    /// `TRENDING_CACHE_TTL`.
    pub trending: Duration,
}

/// Providers outside the house; each is optional and off without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers {
    /// `ANTHROPIC_API_KEY`.
    pub anthropic_key: Option<Secret>,
    /// `OPENAI_API_KEY`.
    pub openai_key: Option<Secret>,
    /// `OPENAI_MODEL`.
    pub openai_model: String,
    /// `OPENAI_EMBEDDING_MODEL`.
    pub openai_embedding_model: String,
    /// `OLLAMA_BASE_URL`.
    pub ollama: Option<String>,
    /// `TWITTER_BEARER_TOKEN`.
    pub twitter_token: Option<Secret>,
    /// `TWITTER_DAILY_LIMIT`, posts.
    pub twitter_daily: u32,
    /// `TWITTER_MONTHLY_LIMIT`, posts.
    pub twitter_monthly: u32,
}

/// Requests allowed, by class of route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// `RATE_LIMIT_DEFAULT`.
    pub default: Rate,
    /// `RATE_LIMIT_AUTH`.
    pub auth: Rate,
    /// `RATE_LIMIT_WORK`: routes that a reviewer's desk calls all day.
    pub work: Rate,
    /// `RATE_LIMIT_READ`: reading a form while someone waits, each route by itself.
    pub read: Rate,
}

/// Everything the server is told from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What runs in this process.
    pub services: BTreeSet<Service>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Keys, the private cluster, stored files.
    pub data: PathBuf,
    /// Databases.
    pub databases: DatabaseUrls,
    /// Folder of PostgreSQL's programs for the private cluster; looked for when absent.
    pub postgres_bin: Option<PathBuf>,
    /// Files of forms.
    pub objects: ObjectsAt,
    /// Reading them.
    pub work: WorkSettings,
    /// Redis, or none: limits, cache and events stay in the process.
    pub redis: Option<Secret>,
    /// The other services.
    pub discovery: Discovery,
    /// A passphrase that all services share; the signing key is derived from it.
    pub jwt_secret: Option<Secret>,
    /// A PEM file with the signing key, in place of the data folder's.
    pub jwt_key_file: Option<PathBuf>,
    /// Life of an access token.
    pub access_ttl: Duration,
    /// Life of a session without use.
    pub refresh_ttl: Duration,
    /// Limits.
    pub rates: Rates,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Largest body in bytes, where a route sets no other.
    pub body_limit: usize,
    /// Time for a JSON body to arrive.
    pub body_timeout: Duration,
    /// Time for an answer to begin.
    pub request_timeout: Duration,
    /// Connections to each database.
    pub connections: u32,
    /// Who may make an account.
    pub registration: Registration,
    /// Cache lives.
    pub cache: CacheTtl,
    /// Providers.
    pub providers: Providers,
    /// Folder of the built interface, whose console the core then serves at `/`.
    pub ui: Option<PathBuf>,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every variable that cannot be used.
    pub fn from_env(services: BTreeSet<Service>) -> Result<Self, ConfigError> {
        Self::from_variables(services, |name| std::env::var(name).ok())
    }

    /// Reads variables from anywhere. An empty value counts as absent.
    ///
    /// # Errors
    /// Every variable that cannot be used.
    pub fn from_variables(
        services: BTreeSet<Service>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut read = Reader {
            variable: &variable,
            problems: Vec::new(),
        };
        let config = read.config(services);
        if read.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(read.problems))
        }
    }

    /// Whether a service runs in this process.
    #[must_use]
    pub fn runs(&self, service: Service) -> bool {
        self.services.contains(&service)
    }
}

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<ConfigProblem>,
}

impl Reader<'_> {
    fn config(&mut self, services: BTreeSet<Service>) -> Config {
        let services = if services.is_empty() {
            Service::ALL.into()
        } else {
            services
        };
        let port = self.port(&services);
        let host = self.value("CASTOR_HOST", IpAddr::V4(Ipv4Addr::LOCALHOST));
        Config {
            listen: SocketAddr::new(host, port),
            data: self
                .text("CASTOR_DATA")
                .map_or_else(|| PathBuf::from("castor-data"), PathBuf::from),
            databases: self.databases(&services),
            postgres_bin: self.text("CASTOR_POSTGRES_BIN").map(PathBuf::from),
            objects: self.objects(),
            work: self.work(),
            redis: self.url("REDIS_URL", &["redis://", "rediss://"]).map(Secret::new),
            discovery: Discovery {
                core: self.service_url(Service::Core),
                e14: self.service_url(Service::E14),
                dashboard: self.service_url(Service::Dashboard),
            },
            jwt_secret: self.jwt_secret(),
            jwt_key_file: self.text("JWT_PRIVATE_KEY_FILE").map(PathBuf::from),
            access_ttl: self.seconds("JWT_ACCESS_TOKEN_EXPIRES", 3_600),
            refresh_ttl: self.seconds("JWT_REFRESH_TOKEN_EXPIRES", 604_800),
            rates: Rates {
                default: self.value("RATE_LIMIT_DEFAULT", Rate::new(100, Duration::from_secs(3_600))),
                auth: self.value("RATE_LIMIT_AUTH", Rate::new(20, Duration::from_secs(60))),
                work: self.value("RATE_LIMIT_WORK", Rate::new(1_200, Duration::from_secs(60))),
                read: self.value("RATE_LIMIT_READ", Rate::new(60, Duration::from_secs(3_600))),
            },
            trusted_proxies: self.list("CASTOR_TRUSTED_PROXIES"),
            body_limit: self.value("CASTOR_BODY_LIMIT", 1 << 20),
            body_timeout: self.seconds("CASTOR_BODY_TIMEOUT", 15),
            request_timeout: self.seconds("CASTOR_REQUEST_TIMEOUT", 60),
            connections: self.at_least_one("CASTOR_DATABASE_CONNECTIONS", 16),
            registration: self.registration(),
            cache: CacheTtl {
                twitter: self.seconds("TWITTER_CACHE_TTL", 3_600),
                sentiment: self.seconds("SENTIMENT_CACHE_TTL", 86_400),
                trending: self.seconds("TRENDING_CACHE_TTL", 1_800),
            },
            providers: self.providers(),
            ui: self.ui(),
            services,
        }
    }

    /// One service alone stands on its own port, all of them on the core's.
    fn port(&mut self, services: &BTreeSet<Service>) -> u16 {
        let first = services.first().copied().unwrap_or(Service::Core);
        let own = self.value(&first.variable("SERVICE_PORT"), first.port());
        self.value("CASTOR_PORT", own)
    }

    fn databases(&mut self, services: &BTreeSet<Service>) -> DatabaseUrls {
        let every = self.database_url("DATABASE_URL");
        let mut of = |service: Service| {
            self.database_url(&service.variable("DATABASE_URL"))
                .or_else(|| every.clone())
        };
        let urls = DatabaseUrls {
            core: of(Service::Core),
            e14: of(Service::E14),
            dashboard: of(Service::Dashboard),
        };
        let without: Vec<Service> = services.iter().copied().filter(|s| urls.of(*s).is_none()).collect();
        if without.len() < services.len() {
            // A forgotten one would begin an empty database in silence.
            for service in without {
                let reason = "is not set, while another service here has its database; set it, or DATABASE_URL for all";
                self.problem(&service.variable("DATABASE_URL"), reason.to_owned());
            }
        }
        urls
    }

    fn database_url(&mut self, name: &str) -> Option<Secret> {
        let url = self.url(name, &["postgres://", "postgresql://"])?;
        if let Err(error) = sqlx::postgres::PgConnectOptions::from_str(&url) {
            self.problem(name, format!("is not a database URL: {error}"));
        }
        Some(Secret::new(url))
    }

    fn objects(&mut self) -> ObjectsAt {
        let Some(url) = self.url("E14_OBJECTS_URL", &["s3://"]) else {
            return ObjectsAt::Folder;
        };
        let given = |name: &&str| self.text(name).map(|value| ((*name).to_owned(), value));
        let settings = S3_VARIABLES.iter().filter_map(given).collect();
        ObjectsAt::S3 { url, settings }
    }

    fn work(&mut self) -> WorkSettings {
        let usual = FileRules::default();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        WorkSettings {
            files: FileRules {
                most_bytes: self.value("E14_FILE_LIMIT", usual.most_bytes),
                most_pages: self.value("E14_PAGE_LIMIT", usual.most_pages),
                ..usual
            },
            hosts: Hosts(self.list("E14_FETCH_HOSTS")),
            fetch_timeout: self.seconds("E14_FETCH_TIMEOUT", 30),
            queue: QueueRules {
                limit: self.at_least_one("E14_QUEUE_LIMIT", 1_000),
                lease: self.seconds("E14_LEASE", 60),
                attempts: self.at_least_one("E14_ATTEMPTS", 3),
                pause: self.seconds("E14_RETRY_PAUSE", 10),
                ageing: self.seconds("E14_AGEING", 900),
            },
            second: self.second(),
            readers: self.value("E14_READERS", cores).max(1),
            workers: self.value("E14_WORKERS", 1),
            source: self.source(),
        }
    }

    fn second(&mut self) -> Sampling {
        let percent = self.value("E14_SECOND_PERCENT", Sampling::PERCENT);
        if percent > 100 {
            self.problem("E14_SECOND_PERCENT", "is at most 100".to_owned());
        }
        let seed = self.text("E14_SECOND_SEED");
        Sampling::of_percent(seed.unwrap_or_else(|| Sampling::SEED.to_owned()), percent)
    }

    fn source(&mut self) -> Option<PathBuf> {
        let folder = self.text("E14_SOURCE").map(PathBuf::from)?;
        if !folder.is_dir() {
            self.problem("E14_SOURCE", format!("{} is no folder", folder.display()));
        }
        Some(folder)
    }

    fn jwt_secret(&mut self) -> Option<Secret> {
        let secret = self.text("JWT_SECRET_KEY")?;
        if secret.len() < 32 {
            self.problem("JWT_SECRET_KEY", "has fewer than 32 characters".to_owned());
        }
        Some(Secret::new(secret))
    }

    fn registration(&mut self) -> Registration {
        match self.text("CASTOR_REGISTRATION").as_deref() {
            None | Some("open") => Registration::Open,
            Some("closed") => Registration::Closed,
            Some(other) => {
                self.problem("CASTOR_REGISTRATION", format!("{other:?} is neither open nor closed"));
                Registration::Closed
            }
        }
    }

    fn ui(&mut self) -> Option<PathBuf> {
        let folder = self.text("CASTOR_UI").map(PathBuf::from)?;
        if !folder.join(crate::ui::PAGE).is_file() {
            let reason = format!(
                "{} holds no {}; build the interface first",
                folder.display(),
                crate::ui::PAGE
            );
            self.problem("CASTOR_UI", reason);
        }
        Some(folder)
    }

    fn providers(&mut self) -> Providers {
        Providers {
            anthropic_key: self.text("ANTHROPIC_API_KEY").map(Secret::new),
            openai_key: self.text("OPENAI_API_KEY").map(Secret::new),
            openai_model: self.text("OPENAI_MODEL").unwrap_or_else(|| "gpt-4o".to_owned()),
            openai_embedding_model: self
                .text("OPENAI_EMBEDDING_MODEL")
                .unwrap_or_else(|| "text-embedding-3-small".to_owned()),
            ollama: self.url("OLLAMA_BASE_URL", &["http://", "https://"]),
            twitter_token: self.text("TWITTER_BEARER_TOKEN").map(Secret::new),
            twitter_daily: self.value("TWITTER_DAILY_LIMIT", 500),
            twitter_monthly: self.value("TWITTER_MONTHLY_LIMIT", 15_000),
        }
    }

    fn service_url(&mut self, service: Service) -> String {
        let url = self.url(&service.variable("SERVICE_URL"), &["http://", "https://"]);
        let url = url.unwrap_or_else(|| {
            let port = self.value(&service.variable("SERVICE_PORT"), service.port());
            format!("http://localhost:{port}")
        });
        url.trim_end_matches('/').to_owned()
    }

    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    fn url(&mut self, name: &str, schemes: &[&str]) -> Option<String> {
        let url = self.text(name)?;
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            self.problem(name, format!("does not begin with {}", schemes.join(" or ")));
        }
        Some(url)
    }

    fn value<T: FromStr<Err: fmt::Display>>(&mut self, name: &str, otherwise: T) -> T {
        let Some(text) = self.text(name) else { return otherwise };
        match text.parse() {
            Ok(value) => value,
            Err(error) => {
                self.problem(name, format!("{text:?}: {error}"));
                otherwise
            }
        }
    }

    fn at_least_one<T: FromStr<Err: fmt::Display> + PartialOrd + From<u8>>(&mut self, name: &str, otherwise: T) -> T {
        let value = self.value(name, otherwise);
        if value < T::from(1) {
            self.problem(name, "must be at least 1".to_owned());
        }
        value
    }

    fn seconds(&mut self, name: &str, otherwise: u64) -> Duration {
        let seconds = self.value(name, otherwise);
        if seconds == 0 {
            self.problem(name, "must be at least one second".to_owned());
        }
        Duration::from_secs(seconds)
    }

    fn list<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Vec<T> {
        let text = self.text(name).unwrap_or_default();
        let mut items = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match item.parse() {
                Ok(value) => items.push(value),
                Err(error) => self.problem(name, format!("{item:?}: {error}")),
            }
        }
        items
    }

    fn problem(&mut self, name: &str, reason: String) {
        self.problems.push(ConfigProblem {
            variable: name.to_owned(),
            reason,
        });
    }
}
