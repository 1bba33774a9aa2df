//! `castor bench server`.

use super::Times;
use super::forms::{Author, form, reading};
use super::site::{Site, asked, client, free_port, token};
use anyhow::{Result, ensure};
use castor_wire::sync::{Outcome, PROTOCOL, PullAnswer, Push, PushAnswer, Pushed};
use clap::Args;
use reqwest::Client;
use sqlx::{Connection, PgConnection, Row};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Events in one push: what a laptop sends at most.
const BATCH: usize = 500;
/// Rows of a page that a laptop pulls.
const PAGE: u16 = 500;

/// How much.
#[derive(Args)]
pub(crate) struct ServerArguments {
    /// Laptops that push at the same time.
    #[arg(long, default_value_t = 8)]
    laptops: usize,
    /// Forms of each, with six review events each.
    #[arg(long, default_value_t = 1_000)]
    forms: usize,
    /// Times that pushes and bare inserts take turns.
    #[arg(long, default_value_t = 3)]
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
    async fn push(&self, author: Uuid, events: &[Pushed]) -> Result<PushAnswer> {
        let push = Push {
            protocol: PROTOCOL,
            client: author.to_string(),
            events: events.to_vec(),
        };
        let request = self.client.post(format!("{}/api/sync/push", self.url));
        asked(request.bearer_auth(&self.token).json(&push)).await
    }

    async fn pull(&self, after: u64) -> Result<PullAnswer> {
        let path = format!(
            "{}/api/sync/pull?client={}&after={after}&limit={PAGE}",
            self.url,
            Uuid::nil()
        );
        asked(self.client.get(path).bearer_auth(&self.token)).await
    }
}

/// One laptop's events, in pushes.
struct Work {
    author: Uuid,
    pushes: Vec<Vec<Pushed>>,
}

fn pushes(events: &[Pushed], most: usize) -> Vec<Vec<Pushed>> {
    events.chunks(most).map(<[Pushed]>::to_vec).collect()
}

/// Sends everything, all laptops at the same time; how long it took.
async fn send(way: &Way, work: Vec<Work>) -> Result<(usize, Duration)> {
    let began = Instant::now();
    let tasks: Vec<_> = work
        .into_iter()
        .map(|work| {
            let way = way.clone();
            tokio::spawn(async move {
                let mut accepted = 0;
                for events in &work.pushes {
                    let answer = way.push(work.author, events).await?;
                    ensure!(answer.settled.len() == events.len(), "not every event was settled");
                    let counts = |s: &&castor_wire::sync::Settled| matches!(s.outcome, Outcome::Accepted { .. });
                    accepted += answer.settled.iter().filter(counts).count();
                    ensure!(
                        accepted % events.len() == 0 || events.len() < BATCH,
                        "an event was refused"
                    );
                }
                Ok(accepted)
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
    site.account().await?;
    let client = client()?;
    let way = Way {
        token: token(&client, &server.url).await?,
        url: server.url.clone(),
        client,
    };
    let ratio = events(arguments, &site, &way).await?;
    let well = pulls(arguments, &way, ratio.peak).await?;
    drop(server);
    site.end().await?;
    let met = ratio.ratio >= 0.5 && well;
    println!("{}", if met { "all goals met" } else { "NOT all goals met" });
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Review events a second, and what that is of bare inserts.
struct Ratio {
    peak: f64,
    ratio: f64,
}

async fn events(arguments: &ServerArguments, site: &Site, way: &Way) -> Result<Ratio> {
    let mut authors: Vec<Author> = (0..arguments.laptops).map(Author::new).collect();
    let read = reading(None, true);
    let mut imports = Vec::new();
    for (n, author) in authors.iter_mut().enumerate() {
        let mut events = Vec::new();
        for f in 0..arguments.forms {
            events.extend(author.imports(&form(n, f), &read)?);
        }
        imports.push(Work {
            author: author.client,
            pushes: pushes(&events, 100),
        });
    }
    let (taken, took) = send(way, imports).await?;
    println!("set up: {taken} events of {} forms in {took:.1?}", taken / 2);
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
            work.push(Work {
                author: author.client,
                pushes: pushes(&events, BATCH),
            });
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
    let best = one.max(many);
    println!(
        "events accepted a second {peak:.0}; bare multi-row inserts of {BATCH} rows {one:.0} over one connection, {many:.0} over {}; \
         ratio {:.2} to one connection, {:.2} to the better of the two (goal 0.50)",
        arguments.laptops,
        peak / one,
        peak / best
    );
    Ok(Ratio {
        peak,
        ratio: peak / best,
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
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

async fn written(connection: &mut PgConnection, rows: &Rows) -> Result<()> {
    sqlx::query(
        "INSERT INTO bare_event (global, id, client, counter, form, at, author, kind, body)
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[], $7::text[],
             $8::text[], $9::text[])",
    )
    .bind(&rows.global)
    .bind(&rows.id)
    .bind(&rows.client)
    .bind(&rows.counter)
    .bind(&rows.form)
    .bind(&rows.at)
    .bind(&rows.author)
    .bind(&rows.kind)
    .bind(&rows.body)
    .execute(connection)
    .await?;
    Ok(())
}

/// Laptops that pull as fast as they are answered, then at half of that rate beside pushes; whether the goal is met.
async fn pulls(arguments: &ServerArguments, way: &Way, peak_events: f64) -> Result<bool> {
    let span = Duration::from_secs(arguments.seconds);
    let (mut times, rate) = pulling(arguments, way, None, span).await?;
    println!(
        "{} laptops pulling pages of {PAGE} without a pause: {rate:.0} pulls a second, p50 {:.0} ms, p99 {:.0} ms",
        arguments.pulling,
        times.percentile(50),
        times.percentile(99),
    );
    let pause = Duration::from_secs_f64(arguments.pulling as f64 / (rate / 2.0));
    let (mut times, half) = pulling(arguments, way, Some(pause), span).await?;
    let p99 = times.percentile(99);
    println!(
        "{} laptops pulling at half of that, {half:.0} pulls a second: {} pulls, p50 {:.1} ms, p99 {p99:.1} ms (goal 250)",
        arguments.pulling,
        times.count(),
        times.percentile(50),
    );
    let (mut push_times, mut pull_times, events) = half_of_all(arguments, way, peak_events / 2.0, span).await?;
    let (push99, pull99) = (push_times.percentile(99), pull_times.percentile(99));
    println!(
        "pushes at half of the peak, {events:.0} events a second, beside {} laptops that each look for news every 5 s: \
         push p50 {:.1} ms, p99 {push99:.1} ms; pull p50 {:.1} ms, p99 {pull99:.1} ms (goal 250)",
        arguments.pulling,
        push_times.percentile(50),
        pull_times.percentile(50),
    );
    Ok(p99 < 250.0 && push99 < 250.0 && pull99 < 250.0)
}

/// Each laptop has its own connection and place; with a pause one pull in that time, begun at its moment whether or not the
/// one before was late.
async fn pulling(
    arguments: &ServerArguments,
    way: &Way,
    pause: Option<Duration>,
    span: Duration,
) -> Result<(Times, f64)> {
    let (end, began) = (Instant::now() + span, Instant::now());
    let tasks: Vec<_> = (0..arguments.pulling)
        .map(|n| {
            let way = way.clone();
            let wait = pause.map(|pause| pause.mul_f64(n as f64 / arguments.pulling as f64));
            tokio::spawn(async move {
                let (mut after, mut times) = (n as u64 * 97, Times::default());
                let mut due = Instant::now() + wait.unwrap_or_default();
                while due < end {
                    tokio::time::sleep_until(due.into()).await;
                    let answer = way.pull(after).await?;
                    times.add(due.elapsed());
                    after = if answer.more { answer.upto } else { 0 };
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

/// Pushes of review events at a rate, small as laptops that are online send them, beside laptops that pull what is new.
async fn half_of_all(arguments: &ServerArguments, way: &Way, rate: f64, span: Duration) -> Result<(Times, Times, f64)> {
    const EVENTS: u32 = 60;
    // As many as all laptops push at the rate, and some more.
    let every = Duration::from_secs_f64(6.0 / rate);
    let forms_needed = usize::try_from(span.as_nanos() / every.as_nanos().max(1))? / arguments.laptops + 10;
    let read = reading(None, true);
    let (mut imports, mut work) = (Vec::new(), Vec::new());
    for n in 0..arguments.laptops {
        let mut author = Author::new(1_000 + n);
        let (mut first, mut then) = (Vec::new(), Vec::new());
        for f in 0..forms_needed {
            first.extend(author.imports(&form(1_000 + n, f), &read)?);
        }
        for f in 0..forms_needed {
            then.extend(author.reviews(&form(1_000 + n, f))?);
        }
        imports.push(Work {
            author: author.client,
            pushes: pushes(&first, 100),
        });
        work.push(Work {
            author: author.client,
            pushes: pushes(&then, usize::try_from(EVENTS)?),
        });
    }
    send(way, imports).await?;
    let news = Arc::new(AtomicBool::new(true));
    let pullers: Vec<_> = (0..arguments.pulling)
        .map(|n| tokio::spawn(looking(way.clone(), n, arguments.pulling, Arc::clone(&news))))
        .collect();
    let began = Instant::now();
    let pause = Duration::from_secs_f64(f64::from(EVENTS) * arguments.laptops as f64 / rate);
    let pushers: Vec<_> = work
        .into_iter()
        .map(|work| {
            let way = way.clone();
            tokio::spawn(async move {
                let (mut due, mut times, mut sent) = (Instant::now(), Times::default(), 0);
                for events in &work.pushes {
                    if began.elapsed() > span {
                        break;
                    }
                    tokio::time::sleep_until(due.into()).await;
                    way.push(work.author, events).await?;
                    times.add(due.elapsed());
                    sent += events.len();
                    due += pause;
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

/// A laptop that asks for what is new every five seconds.
async fn looking(way: Way, n: usize, of: usize, on: Arc<AtomicBool>) -> Result<Times> {
    const EVERY: Duration = Duration::from_secs(5);
    let mut due = Instant::now() + EVERY.mul_f64(n as f64 / of as f64);
    let (mut times, mut after) = (Times::default(), way.pull(0).await?.upto);
    while on.load(Ordering::Relaxed) {
        tokio::time::sleep_until(due.into()).await;
        after = way.pull(after).await?.upto;
        times.add(due.elapsed());
        due += EVERY;
    }
    Ok(times)
}
