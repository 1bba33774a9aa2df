//! `castor bench chaos`.

use super::site::{ServerProcess, Site, free_port, sign_in};
use anyhow::{Context, Result, ensure};
use castor_store::Store;
use castor_sync::{HttpTransport, ServerUrl, SyncError, Transport, round};
use castor_wire::sync::{Lease, LeaseRequest, PullAnswer, Push, PushAnswer, SyncState};
use clap::Args;
use sqlx::{Connection, PgConnection};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How much.
#[derive(Args)]
pub(crate) struct ChaosArguments {
    /// Laptops at work.
    #[arg(long, default_value_t = 10)]
    laptops: usize,
    /// Times that each part is killed.
    #[arg(long, default_value_t = 3)]
    turns: usize,
}

/// How long a laptop tries again by itself before a person would see an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two servers behind one address, as the gateway has them: who cannot be reached is passed over.
struct Gateway {
    servers: [HttpTransport; 2],
    turn: AtomicUsize,
}

impl Gateway {
    async fn ask<'a, T, F>(&'a self, ask: impl Fn(&'a HttpTransport) -> F) -> Result<T, SyncError>
    where
        F: Future<Output = Result<T, SyncError>> + Send,
    {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        match ask(&self.servers[turn % 2]).await {
            Err(SyncError::Unreachable(_)) => ask(&self.servers[(turn + 1) % 2]).await,
            other => other,
        }
    }
}

impl Transport for Gateway {
    async fn state(&self, client: &str) -> Result<SyncState, SyncError> {
        self.ask(|server| server.state(client)).await
    }

    async fn push(&self, push: &Push) -> Result<PushAnswer, SyncError> {
        self.ask(|server| server.push(push)).await
    }

    async fn pull(&self, client: &str, after: u64, limit: u16) -> Result<PullAnswer, SyncError> {
        self.ask(|server| server.pull(client, after, limit)).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Vec<Lease>, SyncError> {
        self.ask(|server| server.lease(request)).await
    }
}

/// Redis of this bench's own; it ends with the value.
struct RedisProcess {
    child: Child,
    port: u16,
}

impl RedisProcess {
    fn start(port: u16) -> Result<Self> {
        let port_text = port.to_string();
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port_text,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server is not installed")?;
        Ok(Self { child, port })
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for RedisProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a laptop did.
#[derive(Debug, Default)]
struct Done {
    written: usize,
    rounds: usize,
    retries: usize,
    errors: Vec<String>,
    longest: Duration,
}

/// Runs the laptops and the killing, then counts.
pub(crate) async fn bench(arguments: &ChaosArguments) -> Result<ExitCode> {
    let mut redis = RedisProcess::start(free_port()?)?;
    let site = Site::start(&[], Some(format!("redis://127.0.0.1:{}/0", redis.port))).await?;
    let ports = [free_port()?, free_port()?];
    let mut servers = [site.serve(ports[0]).await?, site.serve(ports[1]).await?];
    site.account().await?;
    let folder = tempfile::tempdir()?;
    let on = Arc::new(AtomicBool::new(true));
    let mut laptops = Vec::new();
    for n in 0..arguments.laptops {
        let store = Store::open(&folder.path().join(n.to_string())).await?;
        let gateway = Gateway {
            servers: [way(&servers[0]).await?, way(&servers[1]).await?],
            turn: AtomicUsize::new(n),
        };
        laptops.push(tokio::spawn(at_work(n, store, gateway, Arc::clone(&on))));
    }
    let killed = killing(arguments.turns, &site, &mut redis, &mut servers, ports).await;
    on.store(false, Ordering::Relaxed);
    let mut all = Done::default();
    let mut stores = Vec::new();
    for laptop in laptops {
        let (store, done) = laptop.await??;
        all.written += done.written;
        all.rounds += done.rounds;
        all.retries += done.retries;
        all.longest = all.longest.max(done.longest);
        all.errors.extend(done.errors);
        stores.push(store);
    }
    let killed = killed?;
    let lost = lost(&site, &stores, all.written).await?;
    println!(
        "killed in turn: {killed}; {} laptops wrote {} events in {} rounds of sync; rounds tried again by themselves {}, \
         the longest until one went well {:.1?}; errors seen {}, events lost {lost}",
        arguments.laptops,
        all.written,
        all.rounds,
        all.retries,
        all.longest,
        all.errors.len(),
    );
    for error in &all.errors {
        println!("{error}");
    }
    drop(servers);
    site.end().await?;
    let met = all.errors.is_empty() && lost == 0;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

async fn way(server: &ServerProcess) -> Result<HttpTransport> {
    let keep: castor_sync::Keep = Box::new(|_| Box::pin(async { Ok(()) }));
    Ok(HttpTransport::sign_in(ServerUrl::parse(&server.url)?, &sign_in(), keep).await?)
}

/// Works through forms and syncs after each, trying again by itself.
async fn at_work(n: usize, store: Store, gateway: Gateway, on: Arc<AtomicBool>) -> Result<(Store, Done)> {
    let mut done = Done::default();
    let mut author = super::forms::Author::new(n);
    for f in 0.. {
        let last = !on.load(Ordering::Relaxed);
        let form = super::forms::form(n, f);
        let read = super::forms::reading(&super::forms::table(n, f), true);
        let mut events = author.imports(&form, &read)?.to_vec();
        events.extend(author.reviews(&form)?);
        let recorded = events
            .iter()
            .map(|pushed| pushed.event.recorded())
            .collect::<Result<Vec<_>, _>>()?;
        store.append(&form, &recorded).await?;
        done.written += recorded.len();
        synced(&store, &gateway, &mut done).await;
        if last {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok((store, done))
}

async fn synced(store: &Store, gateway: &Gateway, done: &mut Done) {
    let began = Instant::now();
    loop {
        match round(store, gateway).await {
            Ok(_) => break,
            Err(error) if error.passes() && began.elapsed() < PATIENCE => {
                done.retries += 1;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => {
                done.errors.push(error.to_string());
                break;
            }
        }
    }
    done.rounds += 1;
    done.longest = done.longest.max(began.elapsed());
}

/// Kills a worker, Redis and one of two servers in turn, each to come back before the next goes.
async fn killing(
    turns: usize,
    site: &Site,
    redis: &mut RedisProcess,
    servers: &mut [ServerProcess; 2],
    ports: [u16; 2],
) -> Result<String> {
    let pause = || tokio::time::sleep(Duration::from_secs(3));
    let mut counts = [0; 3];
    let mut worker = site.command(&["worker"], free_port()?)?;
    for turn in 0..turns {
        pause().await;
        ensure!(worker.try_wait()?.is_none(), "the worker ended by itself");
        worker.kill()?;
        worker.wait()?;
        counts[0] += 1;
        worker = site.command(&["worker"], free_port()?)?;
        pause().await;
        redis.kill();
        counts[1] += 1;
        pause().await;
        *redis = RedisProcess::start(redis.port)?;
        pause().await;
        let at = turn % 2;
        servers[at].kill();
        counts[2] += 1;
        pause().await;
        servers[at] = site.serve(ports[at]).await?;
    }
    let _ = worker.kill();
    let _ = worker.wait();
    Ok(format!(
        "a worker {} times, Redis {}, one of two servers {}",
        counts[0], counts[1], counts[2]
    ))
}

/// Events that a laptop wrote and the server does not have, and events that a laptop lacks.
async fn lost(site: &Site, stores: &[Store], written: usize) -> Result<usize> {
    let mut database = PgConnection::connect(site.database()).await?;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM event")
        .fetch_one(&mut database)
        .await?;
    let missing = written.saturating_sub(usize::try_from(there)?);
    let mut waiting = 0;
    for store in stores {
        let count = store.sync_count().await?;
        ensure!(count.refused == 0, "{} events were refused", count.refused);
        waiting += usize::try_from(count.pending)?;
    }
    Ok(missing + waiting)
}
