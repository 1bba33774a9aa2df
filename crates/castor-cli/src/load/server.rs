//! `castor bench server`.

use super::Times;
use super::forms::{Author, form, reading, table};
use super::site::{Site, asked, client, free_port, token};
use anyhow::{Result, ensure};
use axum::body::Bytes;
use castor_server::role::Role;
use castor_wire::sync::{PROTOCOL, Push, Pushed, SyncState};
use clap::Args;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use sqlx::{Connection, PgConnection, QueryBuilder, Row};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Events in one push: what a laptop sends at most.
const BATCH: usize = 500;
/// Rows of a page that a laptop pulls.
const PAGE: u16 = 500;
/// Events in a push of a laptop that is online.
const SMALL: usize = 60;
/// Events a second that no run beside pulls has come near.
const MOST_EXPECTED: f64 = 30_000.0;

/// How much.
#[derive(Args)]
pub(crate) struct ServerArguments {
    /// Laptops that push at the same time. Each waits for the answer to its push before the next, so that few of them leave the
    /// server idle.
    #[arg(long, default_value_t = 16)]
    laptops: usize,
    /// Forms of each, with six review events each. Up to some 15,000 forms of all laptops together stay in the server's memory.
    #[arg(long, default_value_t = 900)]
    forms: usize,
    /// Times that pushes and bare inserts take turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Laptops that pull.
    #[arg(long, default_value_t = 500)]
    pulling: usize,
    /// Seconds of each measurement of pulling.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// The way to the server.
#[derive(Clone)]
struct Way {
    client: Client,
    url: String,
    token: String,
}

impl Way {
    async fn push(&self, push: &Prepared) -> Result<()> {
        let request = self.client.post(format!("{}/api/sync/push", self.url));
        let request = request.header(CONTENT_TYPE, "application/json").body(push.body.clone());
        let answer: Answered = asked(request.bearer_auth(&self.token)).await?;
        ensure!(
            answer.settled.len() == push.events && answer.settled.iter().all(|s| s.outcome == Word::Accepted),
            "an event of a push was not accepted"
        );
        Ok(())
    }

    async fn pull(&self, after: u64) -> Result<Pulled> {
        let path = format!(
            "{}/api/sync/pull?client={}&after={after}&limit={PAGE}",
            self.url,
            Uuid::nil()
        );
        asked(self.client.get(path).bearer_auth(&self.token)).await
    }

    /// The last place of the order.
    async fn last(&self) -> Result<u64> {
        let path = format!("{}/api/sync/state?client={}", self.url, Uuid::nil());
        let state: SyncState = asked(self.client.get(path).bearer_auth(&self.token)).await?;
        Ok(state.last)
    }
}

/// Of the answer to a push, what tells whether all is well: taking the rest apart is the laptop's work.
#[derive(Deserialize)]
struct Answered {
    settled: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    outcome: Word,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Word {
    Accepted,
    Refused,
}

/// Of a page, where the next one begins.
#[derive(Deserialize)]
struct Pulled {
    upto: u64,
    more: bool,
}

/// A push as it goes out: what a laptop does to make it is not the server's time.
struct Prepared {
    body: Bytes,
    events: usize,
}

/// One laptop's pushes, in order.
type Work = Vec<Prepared>;

fn prepared(author: Uuid, events: Vec<Pushed>, most: usize) -> Result<Work> {
    let mut events = events.into_iter().peekable();
    let mut work = Vec::new();
    while events.peek().is_some() {
        let events: Vec<Pushed> = events.by_ref().take(most).collect();
        let count = events.len();
        let push = Push {
            protocol: PROTOCOL,
            client: author.to_string(),
            events,
        };
        work.push(Prepared {
            body: serde_json::to_vec(&push)?.into(),
            events: count,
        });
    }
    Ok(work)
}

/// Sends everything, all laptops at the same time; how many events, and how long it took.
async fn send(way: &Way, work: Vec<Work>) -> Result<(usize, Duration)> {
    let began = Instant::now();
    let tasks: Vec<_> = work
        .into_iter()
        .map(|work| {
            let way = way.clone();
            tokio::spawn(async move {
                let mut accepted = 0;
                for push in &work {
                    way.push(push).await?;
                    accepted += push.events;
                }
                anyhow::Ok(accepted)
            })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        accepted += task.await??;
    }
    Ok((accepted, began.elapsed()))
}

/// Measures and prints.
pub(crate) async fn bench(arguments: &ServerArguments) -> Result<ExitCode> {
    let site = Site::start(&["shared_buffers=512MB", "max_wal_size=4GB"], None).await?;
    let server = site.serve(free_port()?).await?;
    site.account(Role::Validator).await?;
    let client = client()?;
    let way = Way {
        token: token(&client, &server.url).await?,
        url: server.url.clone(),
        client,
    };
    let (readings, ratio) = events(arguments, &site, &way).await?;
    let well = pulls(arguments, &way, readings).await?;
    drop(server);
    site.end().await?;
    let met = ratio >= 0.5 && well;
    println!("{}", if met { "all goals met" } else { "NOT all goals met" });
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// The last place of the readings, and review events accepted a second as a share of bare inserts of the same rows.
async fn events(arguments: &ServerArguments, site: &Site, way: &Way) -> Result<(u64, f64)> {
    let mut authors: Vec<Author> = (0..arguments.laptops).map(Author::new).collect();
    let mut imports = Vec::new();
    for (n, author) in authors.iter_mut().enumerate() {
        let mut events = Vec::new();
        for f in 0..arguments.forms {
            events.extend(author.imports(&form(n, f), &reading(&table(n, f), true))?);
        }
        imports.push(prepared(author.client, events, 100)?);
    }
    let (taken, took) = send(way, imports).await?;
    println!("set up: {taken} events of {} forms in {took:.1?}", taken / 2);
    let readings = way.last().await?;
    let mut bare = Bare::new(site.database(), arguments.laptops).await?;
    let (mut pushed, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    let share = arguments.forms / arguments.rounds.max(1);
    for round in 0..arguments.rounds {
        let mut work = Vec::new();
        for (n, author) in authors.iter_mut().enumerate() {
            let mut events = Vec::new();
            for f in round * share..(round + 1) * share {
                events.extend(author.reviews(&form(n, f))?);
            }
            work.push(prepared(author.client, events, BATCH)?);
        }
        let (accepted, took) = send(way, work).await?;
        let rate = |took: Duration| accepted as f64 / took.as_secs_f64();
        pushed.push(rate(took));
        let rows = bare.rows(accepted).await?;
        one.push(rate(bare.insert(&rows, 1).await?));
        many.push(rate(bare.insert(&rows, arguments.laptops).await?));
        println!(
            "round {}: {accepted} review events; through HTTP {:.0} a second, bare inserts {:.0} over one connection, {:.0} over {}",
            round + 1,
            pushed[round],
            one[round],
            many[round],
            arguments.laptops
        );
    }
    let (peak, one, many) = (median(pushed), median(one), median(many));
    // The log has one order, and so the goal is against one connection: several do not wait for each other.
    let ratio = peak / one;
    println!(
        "events accepted a second {peak:.0}; bare multi-row inserts of {BATCH} rows {one:.0} over one connection, {many:.0} over {}; \
         ratio {ratio:.2} to one connection (goal 0.50), {:.2} to {}",
        arguments.laptops,
        peak / many,
        arguments.laptops,
    );
    Ok((readings, ratio))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `INSERT … VALUES (…), (…), …`.
async fn written(connection: &mut PgConnection, rows: &Rows) -> Result<()> {
    let mut insert =
        QueryBuilder::new("INSERT INTO bare_event (global, id, client, counter, form, at, author, kind, body) ");
    insert.push_values(0..rows.global.len(), |mut row, i| {
        row.push_bind(rows.global[i])
            .push_bind(rows.id[i])
            .push_bind(rows.client[i])
            .push_bind(rows.counter[i])
            .push_bind(&rows.form[i])
            .push_bind(rows.at[i])
            .push_bind(&rows.author[i])
            .push_bind(&rows.kind[i])
            .push_bind(&rows.body[i]);
    });
    insert.build().execute(connection).await?;
    Ok(())
}

/// A table like the server's with the same keys and indexes, written without a server.
struct Bare {
    connections: Vec<PgConnection>,
}

/// Columns of rows of the log.
#[derive(Clone, Default)]
struct Rows {
    global: Vec<i64>,
    id: Vec<Uuid>,
    client: Vec<Uuid>,
    counter: Vec<i64>,
    form: Vec<String>,
    at: Vec<i64>,
    author: Vec<String>,
    kind: Vec<String>,
    body: Vec<String>,
}

impl Bare {
    async fn new(url: &str, connections: usize) -> Result<Self> {
        let mut all = Vec::new();
        for _ in 0..connections.max(1) {
            all.push(PgConnection::connect(url).await?);
        }
        sqlx::query("CREATE TABLE bare_event (LIKE event INCLUDING ALL)")
            .execute(&mut all[0])
            .await?;
        Ok(Self { connections: all })
    }

    /// The rows that the server wrote last, in batches of a push.
    async fn rows(&mut self, last: usize) -> Result<Vec<Rows>> {
        let rows = sqlx::query(
            "SELECT global, id, client, counter, form, at, author, kind, body FROM event
             WHERE global > (SELECT max(global) FROM event) - $1 ORDER BY global",
        )
        .bind(i64::try_from(last)?)
        .fetch_all(&mut self.connections[0])
        .await?;
        let batches = rows.chunks(BATCH).map(|chunk| {
            let mut batch = Rows::default();
            for row in chunk {
                batch.global.push(row.get(0));
                batch.id.push(row.get(1));
                batch.client.push(row.get(2));
                batch.counter.push(row.get(3));
                batch.form.push(row.get(4));
                batch.at.push(row.get(5));
                batch.author.push(row.get(6));
                batch.kind.push(row.get(7));
                batch.body.push(row.get(8));
            }
            batch
        });
        Ok(batches.collect())
    }

    /// Writes them into the empty table, one transaction a batch; how long it took.
    async fn insert(&mut self, batches: &[Rows], connections: usize) -> Result<Duration> {
        sqlx::query("TRUNCATE bare_event")
            .execute(&mut self.connections[0])
            .await?;
        let next = AtomicUsize::new(0);
        let began = Instant::now();
        let writers = self.connections.iter_mut().take(connections).map(|connection| async {
            while let Some(rows) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                written(connection, rows).await?;
            }
            anyhow::Ok(())
        });
        for done in futures_util::future::join_all(writers).await {
            done?;
        }
        Ok(began.elapsed())
    }
}

/// Laptops that pull as fast as they are answered, then at half of that rate; then pushes beside laptops that look for news,
/// as fast as they are answered and at half of that. Whether the goals are met.
async fn pulls(arguments: &ServerArguments, way: &Way, readings: u64) -> Result<bool> {
    let span = Duration::from_secs(arguments.seconds);
    let (mut times, rate) = pulling(arguments, way, readings, None, span).await?;
    println!(
        "{} laptops pulling pages of {PAGE} review events without a pause: {rate:.0} pulls a second, p50 {:.0} ms, p99 {:.0} ms",
        arguments.pulling,
        times.percentile(50),
        times.percentile(99),
    );
    let pause = Duration::from_secs_f64(arguments.pulling as f64 / (rate / 2.0));
    let (mut times, half) = pulling(arguments, way, readings, Some(pause), span).await?;
    let p99 = times.percentile(99);
    println!(
        "{} laptops pulling at half of that, {half:.0} pulls a second: {} pulls, p50 {:.1} ms, p99 {p99:.1} ms (goal 250)",
        arguments.pulling,
        times.count(),
        times.percentile(50),
    );
    let mut met = p99 < 250.0;
    let mut peak = None;
    for first in [1_000, 2_000] {
        let rate = peak.map(|peak: f64| peak / 2.0);
        let (mut pushed, mut pulled, events) = side_by_side(arguments, way, first, rate, span).await?;
        let (push99, pull99) = (pushed.percentile(99), pulled.percentile(99));
        println!(
            "pushes of {SMALL} events {} beside {} laptops that each look for news every 5 s: {events:.0} events a second, \
             push p50 {:.1} ms, p99 {push99:.1} ms; pull p50 {:.1} ms, p99 {pull99:.1} ms{}",
            if rate.is_some() {
                "at half of that"
            } else {
                "without a pause"
            },
            arguments.pulling,
            pushed.percentile(50),
            pulled.percentile(50),
            if rate.is_some() { " (goal 250)" } else { "" },
        );
        met &= rate.is_none() || (push99 < 250.0 && pull99 < 250.0);
        peak = Some(events);
    }
    Ok(met)
}

/// Laptops come within five seconds, each with its own connection and place; with a pause each pulls once in that time, at
/// its moment whether or not the one before was late.
async fn pulling(
    arguments: &ServerArguments,
    way: &Way,
    readings: u64,
    pause: Option<Duration>,
    span: Duration,
) -> Result<(Times, f64)> {
    let reviews = way.last().await? - readings;
    const COMING: Duration = Duration::from_secs(5);
    let began = Instant::now();
    let end = began + COMING + span;
    let tasks: Vec<_> = (0..arguments.pulling)
        .map(|n| {
            let way = way.clone();
            let mut due = began + COMING.mul_f64(n as f64 / arguments.pulling as f64);
            tokio::spawn(async move {
                let (mut after, mut times) = (readings + n as u64 * 97 % reviews, Times::default());
                while due < end {
                    tokio::time::sleep_until(due.into()).await;
                    let answer = way.pull(after).await?;
                    times.add(due.elapsed());
                    after = if answer.more { answer.upto } else { readings };
                    due = pause.map_or_else(Instant::now, |pause| due + pause);
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut all = Times::default();
    for task in tasks {
        all.extend(task.await??);
    }
    let rate = all.count() as f64 / began.elapsed().as_secs_f64();
    Ok((all, rate))
}

/// Pushes of review events, small as laptops that are online send them, beside laptops that pull what is new; at a rate of
/// events a second or as fast as they are answered.
async fn side_by_side(
    arguments: &ServerArguments,
    way: &Way,
    first: usize,
    rate: Option<f64>,
    span: Duration,
) -> Result<(Times, Times, f64)> {
    // Enough for the whole time; what is left over is not sent.
    let most = rate.unwrap_or(MOST_EXPECTED) * span.as_secs_f64() / 6.0 / arguments.laptops as f64;
    let forms = format!("{:.0}", most.ceil()).parse::<usize>()? + 10;
    let (mut imports, mut work) = (Vec::new(), Vec::new());
    for n in first..first + arguments.laptops {
        let mut author = Author::new(n);
        let (mut imported, mut reviewed) = (Vec::new(), Vec::new());
        for f in 0..forms {
            imported.extend(author.imports(&form(n, f), &reading(&table(n, f), true))?);
        }
        for f in 0..forms {
            reviewed.extend(author.reviews(&form(n, f))?);
        }
        imports.push(prepared(author.client, imported, 100)?);
        work.push(prepared(author.client, reviewed, SMALL)?);
    }
    send(way, imports).await?;
    let news = Arc::new(AtomicBool::new(true));
    let pullers: Vec<_> = (0..arguments.pulling)
        .map(|n| tokio::spawn(looking(way.clone(), n, arguments.pulling, Arc::clone(&news))))
        .collect();
    let began = Instant::now();
    let pause = rate.map(|rate| Duration::from_secs_f64(SMALL as f64 * arguments.laptops as f64 / rate));
    let pushers: Vec<_> = work
        .into_iter()
        .map(|work| {
            let way = way.clone();
            tokio::spawn(async move {
                let (mut due, mut times, mut sent) = (Instant::now(), Times::default(), 0);
                for push in &work {
                    if began.elapsed() > span {
                        break;
                    }
                    tokio::time::sleep_until(due.into()).await;
                    way.push(push).await?;
                    times.add(due.elapsed());
                    sent += push.events;
                    due = pause.map_or_else(Instant::now, |pause| due + pause);
                }
                anyhow::Ok((times, sent))
            })
        })
        .collect();
    let (mut pushed, mut sent) = (Times::default(), 0);
    for task in pushers {
        let (times, events) = task.await??;
        pushed.extend(times);
        sent += events;
    }
    let achieved = sent as f64 / began.elapsed().as_secs_f64();
    news.store(false, Ordering::Relaxed);
    let mut pulled = Times::default();
    for task in pullers {
        pulled.extend(task.await??);
    }
    Ok((pushed, pulled, achieved))
}

/// A laptop that is up to date and asks for a page of what is new every five seconds.
async fn looking(way: Way, n: usize, of: usize, on: Arc<AtomicBool>) -> Result<Times> {
    const EVERY: Duration = Duration::from_secs(5);
    let (mut times, mut after) = (Times::default(), way.last().await?);
    let mut due = Instant::now() + EVERY.mul_f64(n as f64 / of as f64);
    while on.load(Ordering::Relaxed) {
        tokio::time::sleep_until(due.into()).await;
        after = way.pull(after).await?.upto;
        times.add(due.elapsed());
        due += EVERY;
    }
    Ok(times)
}
