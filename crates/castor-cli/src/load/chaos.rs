//! `castor bench chaos`.

use super::site::{ServerProcess, Site, free_port, sign_in};
use super::uploads;
use anyhow::{Context, Result, ensure};
use castor_server::role::Role;
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
    /// Drawn forms that are sent to be read meanwhile.
    #[arg(long, default_value_t = 24)]
    forms: usize,
}

/// Time of one turn of the killing, about.
const TURN: Duration = Duration::from_secs(15);
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

/// A worker of the site; it ends with the value.
struct Worker(Child);

impl Worker {
    fn start(site: &Site) -> Result<Self> {
        Ok(Self(site.command(&["worker", "--jobs", "1"], free_port()?)?))
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Worker {
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

/// Runs the laptops, the sending and the killing, then counts. An error is what a client still hears after it has tried again
/// as it usually does: a round of sync that fails for 30 seconds, or at once with an answer that does not pass; a form that could
/// not be sent, or for whose reading nobody could wait, in two minutes. Answers before that are counted as tries again.
pub(crate) async fn bench(arguments: &ChaosArguments) -> Result<ExitCode> {
    let mut redis = RedisProcess::start(free_port()?)?;
    let files = tokio::task::spawn_blocking({
        let forms = arguments.forms;
        move || uploads::draw(forms)
    });
    let files = files.await??;
    let site = Site::start(&[], Some(format!("redis://127.0.0.1:{}/0", redis.port))).await?;
    let ports = [free_port()?, free_port()?];
    let mut servers = [site.serve(ports[0]).await?, site.serve(ports[1]).await?];
    site.account(Role::Validator).await?;
    let urls = [servers[0].url.clone(), servers[1].url.clone()];
    let sender = uploads::Sender::sign_in(&site, urls).await?;
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
    let whole = TURN * u32::try_from(arguments.turns)?;
    let apart = whole / u32::try_from(arguments.forms)?.max(1);
    let sends = tokio::spawn(sender.send(files, apart));
    let mut worker = Worker::start(&site)?;
    let killed = killing(arguments.turns, &site, &mut redis, &mut servers, ports, &mut worker).await;
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
    let sent = sends.await??;
    let read = uploads::read(&site, &sent.forms).await?;
    drop(worker);
    all.errors.extend(sent.errors.iter().cloned());
    let lost = lost(&site, &stores, &sent.forms, all.written).await?;
    println!(
        "killed in turn: {killed}; {} laptops wrote {} events in {} rounds of sync; rounds tried again by themselves {}, \
         the longest until one went well {:.1?}; events lost {lost}",
        arguments.laptops, all.written, all.rounds, all.retries, all.longest,
    );
    println!(
        "{} forms sent to be read, tried again by themselves {}, the longest until one was answered {:.1?}; jobs done {}, each \
         form once {}, readings begun again {}",
        sent.forms.len(),
        sent.retries,
        sent.longest,
        read.done,
        read.once,
        read.again,
    );
    println!(
        "errors seen by clients that had tried again as usual (rounds 30 s, forms 2 min): {}",
        all.errors.len()
    );
    for error in &all.errors {
        println!("{error}");
    }
    drop(servers);
    site.end().await?;
    let forms = i64::try_from(sent.forms.len())?;
    let met = all.errors.is_empty() && lost == 0 && read.done == forms && read.once == forms;
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
    worker: &mut Worker,
) -> Result<String> {
    let pause = || tokio::time::sleep(TURN / 5);
    let mut reading = 0;
    for turn in 0..turns {
        pause().await;
        ensure!(worker.0.try_wait()?.is_none(), "the worker ended by itself");
        reading += usize::from(until_reading(site).await?);
        worker.kill();
        *worker = Worker::start(site)?;
        pause().await;
        redis.kill();
        pause().await;
        *redis = RedisProcess::start(redis.port)?;
        pause().await;
        let at = turn % 2;
        servers[at].kill();
        pause().await;
        servers[at] = site.serve(ports[at]).await?;
    }
    Ok(format!(
        "a worker {turns} times ({reading} of them while it read a form), Redis {turns}, one of two servers {turns}"
    ))
}

/// Waits for a while until the worker reads a form that the server does not read itself; whether it does.
async fn until_reading(site: &Site) -> Result<bool> {
    let mut database = PgConnection::connect(site.database()).await?;
    for _ in 0..100 {
        let reads: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM job j JOIN worker w ON w.id = j.worker WHERE j.state = 'RUNNING'
                 AND w.ended_at IS NULL AND w.seen_at > now() - interval '5 seconds')",
        )
        .fetch_one(&mut database)
        .await?;
        if reads {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(false)
}

/// Events that a laptop wrote and the server does not have, and events that a laptop lacks.
async fn lost(site: &Site, stores: &[Store], sent: &[String], written: usize) -> Result<usize> {
    let mut database = PgConnection::connect(site.database()).await?;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM event WHERE form <> ALL($1)")
        .bind(sent)
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
