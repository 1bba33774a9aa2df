//! One database: its connections, its schema, and the clear answer when either is missing.

use crate::error::{ApiError, ErrorCode};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/server");

/// How long a request, or who migrates, waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts to reach the database at the start.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What is known of the database's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schema {
    /// Not reached yet.
    Unknown,
    /// As this program needs it.
    Current,
    /// Not to be used by this program; the reason says why.
    Unusable(String),
}

/// A pool of connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    writer: PgPool,
    /// Of the connection that migrates: it has no limit of time.
    patient: PgConnectOptions,
    schema: Arc<watch::Sender<Schema>>,
}

impl Database {
    /// Opens lazily: nothing is reached yet.
    ///
    /// # Errors
    /// The URL is not one of a database.
    pub fn open(url: &str, connections: u32) -> Result<Self, sqlx::Error> {
        let plain = PgConnectOptions::from_str(url)?.application_name("castor");
        let options = plain.clone().options([
            ("statement_timeout", "15000"),
            // No statement here takes as long as it takes to compile one.
            ("jit", "off"),
            ("idle_in_transaction_session_timeout", "30000"),
        ]);
        let of = |connections| {
            let pool = PgPoolOptions::new().max_connections(connections);
            pool.acquire_timeout(PATIENCE).connect_lazy_with(options.clone())
        };
        Ok(Self {
            pool: of(connections),
            writer: of(2),
            patient: plain.options([("statement_timeout", "0")]),
            schema: Arc::new(watch::Sender::new(Schema::Unknown)),
        })
    }

    /// Brings the tables up to date, once. Another process that does so is waited for.
    ///
    /// # Errors
    /// The database does not answer, or was made by a newer program.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let done = self.migrate_alone().await;
        match &done {
            Ok(()) => {
                self.schema.send_replace(Schema::Current);
            }
            Err(error) => {
                if let Some(reason) = unusable(error) {
                    self.schema.send_replace(Schema::Unusable(reason));
                }
            }
        }
        done
    }

    /// On a connection of its own: a long migration, or waiting for another process's, is no request that takes too long; and
    /// the lock of one that failed ends with the connection instead of going back into the pool.
    async fn migrate_alone(&self) -> Result<(), MigrateError> {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let pool = pool.connect_lazy_with(self.patient.clone());
        let done = MIGRATIONS.run(&pool).await;
        pool.close().await;
        done
    }

    /// Looks whether the database answers and this program may use its tables, as [`Self::migrate`] does, and changes nothing.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn look(&self) -> Result<(), sqlx::Error> {
        let applied = if self.is_made().await? {
            sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
                .fetch_all(&self.pool)
                .await?
        } else {
            Vec::new()
        };
        let reason = problem(&applied).as_ref().and_then(unusable);
        self.schema
            .send_replace(reason.map_or(Schema::Current, Schema::Unusable));
        Ok(())
    }

    /// Whether a CASTOR has made its tables in it.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn is_made(&self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
            .fetch_one(&self.pool)
            .await
    }

    /// Brings the tables up to date as soon as the database can be reached.
    pub async fn migrate_when_reached(self) {
        let mut told = false;
        while let Err(error) = self.migrate().await {
            if !told {
                tracing::error!(%error, "the database cannot be used yet; trying again every second");
                told = true;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        tracing::info!("the database is ready");
    }

    /// A connection for one request.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`, with the reason where it will not pass by itself.
    pub async fn connection(&self) -> Result<PoolConnection<Postgres>, ApiError> {
        self.usable()?;
        Ok(self.pool.acquire().await?)
    }

    /// A transaction for one request: what is not committed is undone.
    ///
    /// # Errors
    /// As [`Self::connection`].
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, ApiError> {
        self.usable()?;
        Ok(self.pool.begin().await?)
    }

    /// A transaction whose statements all see the database as it was at the first of them. What another one changed
    /// meanwhile it cannot change too: it is refused, to be tried again.
    ///
    /// # Errors
    /// As [`Self::connection`].
    pub(crate) async fn begin_still(&self) -> Result<Transaction<'static, Postgres>, ApiError> {
        self.usable()?;
        Ok(self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?)
    }

    /// A transaction for who writes into the order of events: one writes, one prepares. They have connections of their own,
    /// since one that has written before knows the statements, tables and pages.
    ///
    /// # Errors
    /// As [`Self::connection`].
    pub(crate) async fn begin_writing(&self) -> Result<Transaction<'static, Postgres>, ApiError> {
        self.usable()?;
        Ok(self.writer.begin().await?)
    }

    fn usable(&self) -> Result<(), ApiError> {
        let reason = match &*self.schema.borrow() {
            Schema::Current => return Ok(()),
            Schema::Unknown => "the database has not been reached yet; try again shortly".to_owned(),
            Schema::Unusable(reason) => reason.clone(),
        };
        Err(ApiError::new(ErrorCode::DatabaseUnavailable, reason).retry_after(TRY_AGAIN))
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// It does not give one.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        sqlx::Connection::ping(&mut *connection).await
    }

    /// What is known of the tables.
    #[must_use]
    pub fn schema(&self) -> Schema {
        self.schema.borrow().clone()
    }

    /// Connections open and idle now.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        (
            self.pool.size(),
            u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX),
        )
    }

    /// The pool itself, for what brings its own queries (the job queue).
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// The newest migration that this program has.
pub(crate) fn newest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// What is wrong with migrations that were applied (version, checksum, whether it came to its end), in the order in which
/// [`Migrator::run`] finds it.
fn problem(applied: &[(i64, Vec<u8>, bool)]) -> Option<MigrateError> {
    let known = |version: i64| MIGRATIONS.iter().find(|migration| migration.version == version);
    let dirty = applied.iter().find(|(.., ended)| !ended);
    let missing = applied.iter().find(|(version, ..)| known(*version).is_none());
    let other = applied
        .iter()
        .find(|(version, checksum, _)| known(*version).is_some_and(|migration| *migration.checksum != **checksum));
    dirty
        .map(|(version, ..)| MigrateError::Dirty(*version))
        .or_else(|| missing.map(|(version, ..)| MigrateError::VersionMissing(*version)))
        .or_else(|| other.map(|(version, ..)| MigrateError::VersionMismatch(*version)))
}

fn newer(version: i64) -> String {
    format!("the database was written by a newer CASTOR (migration {version}); install that version")
}

/// Why this program must not use the tables, where trying again does not help.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "sqlx says that it will add kinds: what is not named here is tried again"
)]
fn unusable(error: &MigrateError) -> Option<String> {
    match error {
        MigrateError::VersionMissing(version) => Some(newer(*version)),
        MigrateError::VersionMismatch(version) => Some(format!(
            "migration {version} of the database is not the one of this CASTOR; restore a backup or install the version that made it"
        )),
        MigrateError::Dirty(version) => Some(format!(
            "migration {version} of the database was interrupted; restore a backup"
        )),
        _ => None,
    }
}
