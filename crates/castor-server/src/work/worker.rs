//! Taking jobs until told to end: in `castor worker`, and in `castor serve` for the jobs that it takes itself.

use super::backend::Queue;
use super::carry::{beat, carry_out};
use super::job::Claimed;
use crate::config::{Config, Service};
use crate::error::ApiError;
use crate::listen::listen;
use crate::repo::{job as jobs, pipeline};
use crate::running::{Running, ServeError};
use crate::server::Server;
use apalis_core::error::BoxDynError;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use sqlx::PgConnection;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::limit::ConcurrencyLimitLayer;

/// Between two attempts at what the database or an installation prevents.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// How long readings under way may take once the worker is to end.
const GRACE: Duration = Duration::from_secs(60);

/// `castor worker`: takes jobs until `end` is done, then finishes those that it has. `ready` hears the number of places once
/// jobs are taken. At `probes` it answers for its health and figures.
///
/// # Errors
/// See [`ServeError`]; a model or library that is missing is told at once.
pub async fn work(
    config: Config,
    probes: Option<SocketAddr>,
    ready: impl FnOnce(usize),
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let listener = match probes {
        None => None,
        Some(address) => {
            let bound = TcpListener::bind(address).await;
            Some(bound.map_err(|error| ServeError::Listen { address, error })?)
        }
    };
    let running = Running::open(config).await?;
    let server = running.server.clone();
    server
        .readers
        .reader()
        .await
        .map_err(|problem| ServeError::Reader(problem.to_string()))?;
    for store in &running.stores {
        store.database.clone().migrate_when_reached().await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(keep(server.clone()));
    tasks.spawn(crate::figures::keep_small(server.clone()));
    let closing = server.closing.clone();
    tasks.spawn(async move {
        end.await;
        tracing::info!("ending; readings under way may finish");
        closing.send_replace(true);
    });
    if let Some(listener) = listener {
        let (router, time) = (crate::serve::probes(&server), server.config.body_timeout);
        tasks.spawn(listen(
            listener,
            router,
            time,
            Duration::ZERO,
            server.closing.subscribe(),
        ));
    }
    let places = server.config.work.workers.max(1);
    ready(places);
    take_jobs(server, places).await;
    tasks.shutdown().await;
    running.close().await
}

/// The same once there is a job at all: a server whose forms others read does not open a model.
pub(crate) async fn take_jobs_when_any(server: Server, places: usize) {
    let mut closing = server.closing.subscribe();
    loop {
        let waiting = async {
            let mut connection = server.database(Service::E14)?.connection().await?;
            Ok::<_, ApiError>(jobs::waiting(&mut connection).await?)
        };
        if waiting.await.is_ok_and(|waiting| waiting > 0) {
            return take_jobs(server, places).await;
        }
        tokio::select! {
            () = ended(&mut closing) => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Takes jobs, so many at a time, until the server is closing; then those that it has are finished.
pub(crate) async fn take_jobs(server: Server, places: usize) {
    let mut closing = server.closing.subscribe();
    let Some(model) = until_joined(&server, places, &mut closing).await else {
        return;
    };
    tracing::info!(places, model, worker = %server.worker, "taking jobs");
    let worker = WorkerBuilder::new(format!("{}", server.worker))
        .backend(Queue::new(server.clone(), &model))
        .data(server.clone())
        .layer(ConcurrencyLimitLayer::new(places))
        .build(carried);
    let mut late = closing.clone();
    let signal = async move {
        ended(&mut closing).await;
        Ok::<_, io::Error>(())
    };
    let too_late = async {
        ended(&mut late).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        outcome = worker.run_until(signal) => {
            if let Err(error) = outcome {
                tracing::error!(%error, "taking jobs ended");
            }
        }
        () = too_late => tracing::warn!("readings under way are left; their jobs come back by themselves"),
    }
    if let Err(error) = leave(&server).await {
        tracing::warn!(%error, "the end of this worker could not be noted");
    }
}

async fn ended(closing: &mut watch::Receiver<bool>) {
    // The sender lives as long as the server.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// One job. What went wrong stands with the job; an error here is the database's, and the job comes back with its lease.
async fn carried(claimed: Claimed, server: Data<Server>) -> Result<(), BoxDynError> {
    let server = server.0.clone();
    // On a task of its own: a panic is this job's alone.
    tokio::spawn(async move { carry_out(&server, &claimed).await }).await??;
    Ok(())
}

/// Opens the reader and joins the workers, as often as it takes; the model, or none when the server ends before.
async fn until_joined(server: &Server, places: usize, closing: &mut watch::Receiver<bool>) -> Option<String> {
    let mut told = false;
    loop {
        let reason = match server.readers.reader().await {
            Ok(reader) => match join(server, reader.model_version(), places).await {
                Ok(()) => return Some(reader.model_version().to_owned()),
                Err(error) => error.to_string(),
            },
            Err(problem) => problem.to_string(),
        };
        if !told {
            tracing::error!(reason, "no jobs can be taken; trying again");
            told = true;
        }
        tokio::select! {
            () = ended(closing) => return None,
            () = tokio::time::sleep(TRY_AGAIN) => {}
        }
    }
}

async fn join(server: &Server, model: &str, places: usize) -> Result<(), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    pipeline::join(&mut connection, server.worker, &host(), model, places).await?;
    adopt(server, &mut connection, model).await
}

async fn adopt(server: &Server, connection: &mut PgConnection, model: &str) -> Result<(), ApiError> {
    let adopted = jobs::adopt(connection, model, &server.config.work.queue).await?;
    if adopted > 0 {
        tracing::info!(adopted, "jobs of a model that no worker has are read with this one");
    }
    Ok(())
}

async fn leave(server: &Server) -> Result<(), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    Ok(pipeline::leave(&mut connection, server.worker).await?)
}

/// Name of this machine and process.
fn host() -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    format!("{}:{}", name.trim(), std::process::id())
}

/// Gives signs of life for the jobs of this process, and lets those of processes that gave none wait again.
pub(crate) async fn keep(server: Server) {
    let rules = &server.config.work.queue;
    let mut every = tokio::time::interval(beat(rules.lease));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = keep_once(&server).await {
            tracing::debug!(%error, "no sign of life could be given; trying again");
        }
    }
}

async fn keep_once(server: &Server) -> Result<(), ApiError> {
    let rules = &server.config.work.queue;
    let mut connection = server.database(Service::E14)?.connection().await?;
    jobs::alive(&mut connection, server.worker, &server.in_hand.jobs(), rules).await?;
    let lost = jobs::reclaim(&mut connection, rules).await?;
    if lost > 0 {
        tracing::warn!(lost, "jobs of workers that stopped without a word wait again");
    }
    let waiting = jobs::again(&mut connection, rules).await?;
    if waiting > 0 {
        tracing::info!(waiting, "jobs that the store of files had no file for wait again");
    }
    // The last worker of another model may have ended since this one joined. Who takes no jobs asks for none.
    if server.config.work.workers > 0
        && let Some(model) = server.readers.model()
    {
        adopt(server, &mut connection, &model).await?;
    }
    Ok(())
}
