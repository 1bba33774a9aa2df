//! Starting, running and ending a server; and what the commands beside `serve` need of it.

use crate::api;
use crate::blob;
use crate::config::{Config, Service};
use crate::error::ApiError;
use crate::http::wrapped;
use crate::listen::listen;
use crate::repo::{session, sign_in_guard};
use crate::revoked;
use crate::role::Role;
use crate::running::{Running, ServeError};
use crate::server::Server;
use crate::token;
use crate::user::{NewUser, User};
use crate::work;
use axum::Router;
use castor_ingest::fetch::{Network, System};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// How long requests under way may take once the server is to end.
const GRACE: Duration = Duration::from_secs(20);
/// Between two clearings of what has ended.
const CLEAR_EVERY: Duration = Duration::from_secs(600);
/// How long ended sessions are kept, so that a stolen refresh token that comes late is still noticed.
const SESSIONS_KEPT: time::Duration = time::Duration::days(7);

/// Runs until `end` is done, then lets requests under way finish. `ready` hears the address once the server listens.
///
/// # Errors
/// See [`ServeError`]. A database that does not answer is none: requests are told so until it does.
pub async fn serve(
    config: Config,
    ready: impl FnOnce(SocketAddr),
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    serve_with(config, Arc::new(System), ready, end).await
}

/// The same, with another way to the hosts from which files are fetched.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    config: Config,
    network: Arc<dyn Network>,
    ready: impl FnOnce(SocketAddr),
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = config.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| ServeError::Listen { address, error })?;
    let running = Running::open_with(config, network).await?;
    let server = running.server.clone();
    let mut tasks = JoinSet::new();
    for store in &running.stores {
        tasks.spawn(store.database.clone().migrate_when_reached());
    }
    if let Some(cluster) = running.cluster.clone() {
        tasks.spawn(async move { cluster.keep().await });
    }
    tasks.spawn(clear_ended(server.clone()));
    tell_others(&server, &mut tasks);
    tasks.spawn(crate::figures::keep_small(server.clone()));
    tasks.spawn(crate::elsewhere::keep_looking(server.clone()));
    if server.config.runs(Service::E14) {
        tasks.spawn(crate::results::keep_up(server.clone()));
    }
    let jobs = read_forms(&server, &mut tasks);
    let closing = server.closing.clone();
    tasks.spawn(async move {
        end.await;
        tracing::info!("ending; requests under way may finish");
        closing.send_replace(true);
    });
    ready(address);
    tracing::info!(%address, services = ?server.config.services, "listening");
    listen(
        listener,
        router(&server),
        server.config.body_timeout,
        GRACE,
        server.closing.subscribe(),
    )
    .await;
    if let Some(jobs) = jobs {
        // The readings that this process has are finished; it has ended when they are.
        let _ = jobs.await;
    }
    tasks.shutdown().await;
    running.close().await
}

/// What is told between services that run apart: the core tells, the others ask it for its keys.
fn tell_others(server: &Server, tasks: &mut JoinSet<()>) {
    if server.config.runs(Service::Core) && server.config.redis.is_some() {
        tasks.spawn(revoked::keep_telling(server.clone()));
    }
    if server.keys.are_the_cores() {
        let server = server.clone();
        tasks.spawn(async move { server.keys.keep_fresh(token::FETCH_AGAIN).await });
    }
}

/// What the E-14 service does beside answering: signs of life, the source folder, and jobs of its own.
fn read_forms(server: &Server, tasks: &mut JoinSet<()>) -> Option<JoinHandle<()>> {
    if !server.config.runs(Service::E14) {
        return None;
    }
    tasks.spawn(work::keep(server.clone()));
    tasks.spawn(work::keep_source(server.clone()));
    tasks.spawn(work::keep_filling(server.clone()));
    let places = server.config.work.workers;
    (places > 0).then(|| tokio::spawn(work::take_jobs_when_any(server.clone(), places)))
}

/// Every route of the server behind everything that requests pass through.
pub fn router(server: &Server) -> Router {
    let (mut router, mut document) = api::routes(&server.config.services).build(server);
    let mut elsewhere = Router::new();
    if server.config.runs(Service::Core) {
        // Every path works at the core's address, wherever its service runs.
        document = api::routes(&Service::ALL.into()).openapi();
        elsewhere = crate::proxy::routes(server);
        if let Some(folder) = &server.config.ui {
            router = router.merge(crate::ui::routes(folder));
        }
    }
    wrapped(router.merge(crate::docs::routes(document)), elsewhere, server)
}

/// Health and figures alone, for a worker.
pub(crate) fn probes(server: &Server) -> Router {
    let (router, _) = api::probes().build(server);
    wrapped(router, Router::new(), server)
}

/// SIGINT or SIGTERM.
pub async fn signalled() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

/// Makes an account from the command line; the first administrator is made this way.
///
/// # Errors
/// The account breaks a rule or exists, or the database does not answer.
pub async fn add_user(config: Config, new: NewUser, role: Role) -> Result<User, ServeError> {
    let running = Running::open(config).await?;
    running.migrate().await?;
    let user = api::register_user(&running.server, api::NewAccount::of(new, role), None, None).await;
    running.close().await?;
    Ok(user?)
}

/// Brings the databases up to date and ends.
///
/// # Errors
/// One cannot be.
pub async fn migrate(config: Config) -> Result<(), ServeError> {
    let running = Running::open(config).await?;
    let done = running.migrate().await;
    running.close().await?;
    done
}

/// Clears away sessions that ended long ago and failures that are forgotten.
async fn clear_ended(server: Server) {
    let mut every = tokio::time::interval(CLEAR_EVERY);
    every.tick().await;
    loop {
        every.tick().await;
        if let Err(error) = clear_once(&server).await {
            tracing::warn!(%error, "what has ended could not be cleared away; trying again later");
        }
    }
}

async fn clear_once(server: &Server) -> Result<(), ApiError> {
    let now = OffsetDateTime::now_utc();
    if server.config.runs(Service::Core) {
        let mut connection = server.database(Service::Core)?.connection().await?;
        let sessions = session::forget_ended(&mut connection, now - SESSIONS_KEPT).await?;
        let failures = sign_in_guard::forget_old(&mut connection).await?;
        tracing::debug!(sessions, failures, "cleared away");
    }
    if server.config.runs(Service::E14) {
        let files = clear_files(server, now - blob::LEFT).await?;
        tracing::debug!(files, "files that nobody went on with thrown away");
    }
    Ok(())
}

/// Throws away what came of files that nobody went on with since a moment; how many.
///
/// # Errors
/// The database or the store of files does not answer.
pub async fn clear_files(server: &Server, before: OffsetDateTime) -> Result<usize, ApiError> {
    blob::clear_left(server, before).await
}
