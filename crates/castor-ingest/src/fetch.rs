//! A file by its URL, without being led where this server reaches and the asker does not: only hosts that are allowed, only
//! addresses of the public internet, looked up here and used as looked up, and the same again after each redirect.

use crate::address::is_public;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use reqwest::header::{CONTENT_LENGTH, LOCATION};
use reqwest::{Client, Response, redirect};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Redirects that are followed.
pub const REDIRECTS: u8 = 3;
/// Time for a connection to stand.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest URL.
const URL_LENGTH: usize = 2_000;

/// Why a file is not fetched. No message repeats what an address answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is no URL of the web, or carries a name and a password.
    #[error("FET_001 this is no http or https URL without user name and password")]
    Url,
    /// The host is not among those that are allowed.
    #[error("FET_002 files are not fetched from {0}; an administrator allows hosts with E14_FETCH_HOSTS")]
    Host(String),
    /// The host's address is not of the public internet.
    #[error("FET_003 {0} does not lead to a public address")]
    Address(String),
    /// The host has no address, or does not answer.
    #[error("FET_004 {0} does not answer; try again")]
    Unreachable(String),
    /// It answers something else than the file.
    #[error("FET_005 {host} answered {status} instead of a file; check the URL")]
    Status {
        /// The host.
        host: String,
        /// The status of its answer.
        status: u16,
    },
    /// Too many redirects, or one that leads nowhere.
    #[error("FET_006 the URL redirects more than {REDIRECTS} times or to nowhere")]
    Redirects,
    /// The file is larger than allowed.
    #[error("FET_007 the file is larger than {limit} bytes")]
    TooLarge {
        /// The most that is allowed.
        limit: u64,
    },
    /// It took longer than allowed.
    #[error("FET_008 the file did not arrive within {0} seconds; try again")]
    TooSlow(u64),
}

impl FetchError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url => "FET_001",
            Self::Host(_) => "FET_002",
            Self::Address(_) => "FET_003",
            Self::Unreachable(_) => "FET_004",
            Self::Status { .. } => "FET_005",
            Self::Redirects => "FET_006",
            Self::TooLarge { .. } => "FET_007",
            Self::TooSlow(_) => "FET_008",
        }
    }
}

/// A host from which files are fetched: `actas.example.org` on the usual ports, `.example.org` with every host under it,
/// either with a port of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    name: String,
    under: bool,
    port: Option<u16>,
}

/// A text that is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no host such as actas.example.org, .example.org or actas.example.org:8443")]
pub struct NoHost;

impl FromStr for AllowedHost {
    type Err = NoHost;

    fn from_str(text: &str) -> Result<Self, NoHost> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.ends_with(':') && !name.contains(':') => {
                (name, Some(port.parse().map_err(|_| NoHost)?))
            }
            _ => (text, None),
        };
        let under = name.starts_with('.');
        // An address would be taken as a host that has it; a URL that is written with one is refused anyway.
        match Host::parse(name.trim_start_matches('.')) {
            Ok(Host::Domain(name)) if !name.is_empty() => Ok(Self { name, under, port }),
            _ => Err(NoHost),
        }
    }
}

/// The hosts from which files are fetched; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(pub Vec<AllowedHost>);

impl Hosts {
    fn allow(&self, name: &str, port: u16) -> bool {
        self.0.iter().any(|host| {
            let named = if host.under {
                name.strip_suffix(&host.name).is_some_and(|rest| rest.ends_with('.'))
            } else {
                name == host.name
            };
            named && host.port.map_or(port == 80 || port == 443, |own| own == port)
        })
    }
}

/// How names become addresses, and how addresses are reached. The system's own but in tests.
pub trait Network: Send + Sync {
    /// The addresses of a host.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Vec<IpAddr>>;

    /// Where an address that was found public is reached.
    fn reach(&self, address: IpAddr) -> IpAddr {
        address
    }
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Network for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Vec<IpAddr>> {
        let found = async move {
            let found = tokio::net::lookup_host((host, port)).await;
            found.map_or_else(|_| Vec::new(), |found| found.map(|address| address.ip()).collect())
        };
        found.boxed()
    }
}

/// A fetched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it came from in the end.
    pub url: Url,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Fetches files. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    hosts: Hosts,
    network: Arc<dyn Network>,
    most_bytes: u64,
    time: Duration,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Fetcher")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// A URL whose host is allowed and whose addresses are public.
struct Target {
    url: Url,
    host: String,
    addresses: Vec<SocketAddr>,
}

impl Fetcher {
    /// A fetcher from these hosts, for files of at most so many bytes, each within a time that counts redirects too.
    #[must_use]
    pub fn new(hosts: Hosts, network: Arc<dyn Network>, most_bytes: u64, time: Duration) -> Self {
        Self {
            hosts,
            network,
            most_bytes,
            time,
        }
    }

    /// Fetches the file at a URL.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(&self, url: &str) -> Result<Fetched, FetchError> {
        let late = || FetchError::TooSlow(self.time.as_secs());
        tokio::time::timeout(self.time, self.follow(url))
            .await
            .map_err(|_| late())?
    }

    async fn follow(&self, url: &str) -> Result<Fetched, FetchError> {
        if url.len() > URL_LENGTH {
            return Err(FetchError::Url);
        }
        let mut url = Url::parse(url).map_err(|_| FetchError::Url)?;
        for _ in 0..=REDIRECTS {
            let target = self.target(url).await?;
            let answer = ask(&target).await?;
            if !answer.status().is_redirection() {
                return self.body(target, answer).await;
            }
            let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            url = to
                .and_then(|to| target.url.join(to).ok())
                .ok_or(FetchError::Redirects)?;
        }
        Err(FetchError::Redirects)
    }

    /// What a URL leads to, if it may be fetched.
    async fn target(&self, url: Url) -> Result<Target, FetchError> {
        let web = matches!(url.scheme(), "http" | "https");
        if !web || !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Url);
        }
        let port = url.port_or_known_default().ok_or(FetchError::Url)?;
        // An address in place of a name, however it is written (0x7f.1, 017700000001, [::1]), is on no list of hosts.
        let Some(Host::Domain(host)) = url.host() else {
            return Err(FetchError::Host(url.host_str().unwrap_or_default().to_owned()));
        };
        let host = host.trim_end_matches('.').to_owned();
        if !self.hosts.allow(&host, port) {
            return Err(FetchError::Host(host));
        }
        let found = self.network.resolve(&host, port).await;
        if found.is_empty() {
            return Err(FetchError::Unreachable(host));
        }
        // One private address among public ones is as bad: which of them is used would be the name server's choice.
        if !found.iter().copied().all(is_public) {
            return Err(FetchError::Address(host));
        }
        let reached = found
            .into_iter()
            .map(|address| SocketAddr::new(self.network.reach(address), port));
        let addresses = reached.collect();
        Ok(Target { url, host, addresses })
    }

    /// The body, never more than allowed.
    async fn body(&self, target: Target, answer: Response) -> Result<Fetched, FetchError> {
        if !answer.status().is_success() {
            return Err(FetchError::Status {
                host: target.host,
                status: answer.status().as_u16(),
            });
        }
        let limit = self.most_bytes;
        let told = answer
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|told| told.to_str().ok()?.parse::<u64>().ok());
        if told.is_some_and(|told| told > limit) {
            return Err(FetchError::TooLarge { limit });
        }
        let mut bytes = Vec::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| FetchError::Unreachable(target.host.clone()))?;
            bytes.extend_from_slice(&piece);
            if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
                return Err(FetchError::TooLarge { limit });
            }
        }
        Ok(Fetched { url: target.url, bytes })
    }
}

/// Asks over a connection to the addresses that were found, and to no other.
async fn ask(target: &Target) -> Result<Response, FetchError> {
    let unreachable = || FetchError::Unreachable(target.host.clone());
    // Looked up by the name as the URL has it, which may end with a dot.
    let name = target.url.host_str().unwrap_or(&target.host);
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .resolve_to_addrs(name, &target.addresses)
        .build()
        .map_err(|_| unreachable())?;
    client.get(target.url.clone()).send().await.map_err(|_| unreachable())
}
