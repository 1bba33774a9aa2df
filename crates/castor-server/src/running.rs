//! A server's parts put together: the private cluster where one is needed, the databases, and what uses them.

use crate::cluster::{Cluster, ClusterError};
use crate::config::{Config, Secret, Service};
use crate::database::Database;
use crate::error::ApiError;
use crate::server::{Server, ServerError};
use castor_ingest::fetch::{Network, System};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the server, or a command beside it, does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its parts.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The private cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A database URL.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] sqlx::Error),
    /// A database's tables.
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The address.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The reader of forms.
    #[error("forms cannot be read here: {0}")]
    Reader(String),
    /// The data folder.
    #[error("the data folder cannot be used: {0}")]
    Data(io::Error),
    /// What was asked for is refused.
    #[error(transparent)]
    Refused(#[from] ApiError),
}

/// One database and the services whose tables are in it.
pub(crate) struct Store {
    pub(crate) services: Vec<Service>,
    pub(crate) url: Secret,
    pub(crate) database: Database,
}

/// The parts of a server, and the private cluster under it where there is one.
pub struct Running {
    /// The parts.
    pub server: Server,
    pub(crate) stores: Vec<Store>,
    pub(crate) cluster: Option<Arc<Cluster>>,
}

impl Running {
    /// Starts the private cluster where a service has no database URL, and opens the databases without reaching them.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn open(config: Config) -> Result<Self, ServeError> {
        Self::open_with(config, Arc::new(System)).await
    }

    /// The same, with another way to the hosts from which files are fetched.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn open_with(config: Config, network: Arc<dyn Network>) -> Result<Self, ServeError> {
        std::fs::create_dir_all(&config.data).map_err(ServeError::Data)?;
        let cluster = private_cluster(&config).await?;
        Self::put_together(config, cluster, network)
    }

    /// The same where what is missing in the data folder is not made: a service whose database would be in a cluster that
    /// is not there has none.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub(crate) async fn look(config: Config) -> Result<Self, ServeError> {
        let cluster = if Cluster::is_made(&cluster_folder(&config)) {
            private_cluster(&config).await?
        } else {
            None
        };
        Self::put_together(config, cluster, Arc::new(System))
    }

    fn put_together(
        config: Config,
        cluster: Option<Arc<Cluster>>,
        network: Arc<dyn Network>,
    ) -> Result<Self, ServeError> {
        // Services with the same URL share their connections.
        let mut stores: Vec<Store> = Vec::new();
        for service in &config.services {
            let own = cluster.as_ref().map(|cluster| cluster.url("postgres"));
            let Some(url) = config.databases.of(*service).cloned().or(own) else {
                continue;
            };
            match stores.iter_mut().find(|store| store.url == url) {
                Some(store) => store.services.push(*service),
                None => {
                    let database = Database::open(url.reveal(), config.connections)?;
                    stores.push(Store {
                        services: vec![*service],
                        url,
                        database,
                    });
                }
            }
        }
        let of = |store: &Store| {
            store
                .services
                .iter()
                .map(|service| (*service, store.database.clone()))
                .collect::<Vec<_>>()
        };
        let server = Server::new(config, stores.iter().flat_map(of).collect(), network)?;
        Ok(Self {
            server,
            stores,
            cluster,
        })
    }

    /// Brings every database up to date, now.
    ///
    /// # Errors
    /// One cannot be.
    pub async fn migrate(&self) -> Result<(), ServeError> {
        for store in &self.stores {
            store.database.migrate().await?;
        }
        Ok(())
    }

    /// Ends the private cluster, unless another process uses it.
    ///
    /// # Errors
    /// It does not end.
    pub async fn close(self) -> Result<(), ServeError> {
        match self.cluster {
            Some(cluster) => Ok(cluster.leave().await?),
            None => Ok(()),
        }
    }
}

/// Where the private cluster is.
pub(crate) fn cluster_folder(config: &Config) -> PathBuf {
    config.data.join("postgres")
}

/// Whether a service has no database of its own, so that the private cluster is needed.
pub(crate) fn needs_cluster(config: &Config) -> bool {
    let of_its_own = |service: &Service| config.databases.of(*service).is_some();
    !config.services.iter().all(of_its_own)
}

async fn private_cluster(config: &Config) -> Result<Option<Arc<Cluster>>, ServeError> {
    if !needs_cluster(config) {
        return Ok(None);
    }
    let cluster = Cluster::start(&cluster_folder(config), config.postgres_bin.as_deref(), &[]).await?;
    tracing::warn!(
        port = cluster.port(),
        "no database URL is set: PostgreSQL runs in the data folder"
    );
    Ok(Some(Arc::new(cluster)))
}
