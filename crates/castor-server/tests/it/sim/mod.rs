//! The sync simulator: laptops with the real engine on real stores, the real server on a real PostgreSQL, and between them
//! lines that cut, delay, repeat and reorder; laptops and servers are killed, clocks are wrong, disks are full.
//!
//! `CASTOR_SYNC_RUNS=10000 cargo test -p castor-server --test it sim::runs -- --nocapture` for a night;
//! `CASTOR_SYNC_FIRST=n` begins at another seed, `CASTOR_SYNC_SEED=n` plays one run again.

mod laptop;
mod line;
mod oracle;
mod process;

use crate::world::{World, connect, free_port};
use castor_server::role::Role;
use castor_store::Store;
use castor_sync::{HttpTransport, SyncError, round};
use castor_testkit::line::Faults;
use futures_util::FutureExt;
use futures_util::future::join_all;
use laptop::{Laptop, Person};
use line::{Line, reached};
pub(crate) use oracle::books_are_right;
use oracle::{Failure, Figures, Wrong, judge};
use process::{ServerProcess, killed_at_work, signed_in};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sqlx::{Executor, PgConnection, Row};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Variables of every server here.
const LIMITS: [(&str, &str); 5] = [
    ("RATE_LIMIT_DEFAULT", "1000000/minute"),
    ("RATE_LIMIT_AUTH", "1000000/minute"),
    ("RATE_LIMIT_WORK", "1000000/minute"),
    ("JWT_ACCESS_TOKEN_EXPIRES", "864000"),
    ("CASTOR_LOG", "off"),
];

/// Most laptops in a run: so many accounts there are.
const LAPTOPS: usize = 4;

/// What a run tries, drawn from its seed.
#[derive(Debug, Clone, Copy)]
struct Plan {
    laptops: usize,
    forms: usize,
    steps: usize,
    badness: f64,
    /// A second server in a process of its own is killed again and again.
    kills_server: bool,
    /// Laptops work in processes of their own that are killed.
    kills_laptops: bool,
    /// The disk of the laptops that are killed is nearly full.
    full_laptop: bool,
    /// The server's disk is full for a while.
    full_server: bool,
}

impl Plan {
    fn of(draw: &mut ChaCha8Rng) -> Self {
        Self {
            laptops: draw.random_range(2..=LAPTOPS),
            forms: draw.random_range(1..=3),
            steps: draw.random_range(25..=45),
            badness: [0.1, 0.3, 0.5, 0.7][draw.random_range(0..4)],
            kills_server: draw.random_bool(0.05),
            kills_laptops: draw.random_bool(0.08),
            full_laptop: draw.random_bool(0.4),
            full_server: draw.random_bool(0.25),
        }
    }
}

/// A database with its server, used for one run after the other.
struct Site {
    world: World,
    database: PgConnection,
    emails: Vec<String>,
    /// The accounts' ways to the server in this process.
    near: Vec<HttpTransport>,
    /// The port of the server that is killed, and the accounts' ways to it.
    port: u16,
    far: Vec<HttpTransport>,
    /// A store in which nothing happened yet.
    empty: TempDir,
}

/// Statements that are refused as on a full disk while a table is named in `sim_disk`.
const FULL: &str = "
    CREATE TABLE sim_disk (full_at text);
    CREATE FUNCTION sim_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM sim_disk WHERE full_at = TG_TABLE_NAME) THEN
            RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
        END IF;
        RETURN NULL;
    END $$;";

const TABLES: [&str; 5] = ["event", "refused_event", "form", "sync_client", "sync_order"];

impl Site {
    async fn new() -> Self {
        let world = World::with(&LIMITS).await;
        let mut database = connect(&world.database).await;
        database.execute(FULL).await.unwrap();
        for table in TABLES {
            let trigger = format!(
                "CREATE TRIGGER sim_full AFTER INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION sim_full()"
            );
            database.execute(sqlx::AssertSqlSafe(trigger)).await.unwrap();
        }
        let (mut emails, mut near) = (Vec::new(), Vec::new());
        for _ in 0..LAPTOPS {
            let email = world.user(Role::Validator).await.email;
            near.push(signed_in(&world.url, &email).await.unwrap());
            emails.push(email);
        }
        let empty = tempfile::tempdir_in(laptop::memory()).unwrap();
        Store::open(empty.path()).await.unwrap().close().await;
        Self {
            world,
            database,
            emails,
            near,
            port: free_port(),
            far: Vec::new(),
            empty,
        }
    }

    /// As if nothing had happened yet.
    async fn clear(&mut self) {
        self.at_rest().await;
        let clear = "SET session_replication_role = replica;
            TRUNCATE event, refused_event, form, lease, sync_client, sync_author, sim_disk;
            UPDATE sync_order SET last = 0;
            SET session_replication_role = DEFAULT;";
        self.database.execute(clear).await.unwrap();
    }

    /// Waits until the database does nothing for the server any more.
    async fn at_rest(&mut self) {
        let busy = "SELECT concat(state, ' ', wait_event, ' ', now() - xact_start, ' ', query) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
        let mut doing = Vec::new();
        for _ in 0..20_000 {
            doing = self.database.fetch_all(busy).await.unwrap();
            if doing.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        let doing: Vec<String> = doing.iter().map(|row| row.get(0)).collect();
        panic!("the database is never at rest: {doing:?}");
    }

    async fn disk(&mut self, full_at: Option<&str>) {
        self.database.execute("DELETE FROM sim_disk").await.unwrap();
        if let Some(table) = full_at {
            let full = sqlx::query("INSERT INTO sim_disk VALUES ($1)").bind(table);
            full.execute(&mut self.database).await.unwrap();
        }
    }
}

/// Whether a round that did not get on did so for a reason that passes by itself.
fn passes(name: &str, error: &SyncError) -> Result<(), Failure> {
    let text = error.to_string();
    if error.passes() && !text.contains("INTERNAL") {
        return Ok(());
    }
    Err(Failure::new(Wrong::Fault, format!("{name}: {text}")))
}

struct Run<'a> {
    site: &'a mut Site,
    plan: Plan,
    draw: ChaCha8Rng,
    laptops: Vec<Laptop>,
    far: Option<ServerProcess>,
}

impl<'a> Run<'a> {
    async fn begin(site: &'a mut Site, seed: u64) -> Self {
        let mut draw = ChaCha8Rng::seed_from_u64(seed);
        let plan = Plan::of(&mut draw);
        site.clear().await;
        let forms: Vec<String> = (0..plan.forms).map(|n| format!("{seed:032x}{n:032x}")).collect();
        let mut laptops = Vec::new();
        for n in 0..plan.laptops {
            // Half a day to some years, either way.
            let skew = draw.random_range(-100_000_000_000_i64..100_000_000_000);
            let person = Person::new(n + 1, skew, forms.clone());
            laptops.push(Laptop::new(n, person, site.empty.path()).await);
        }
        let mut run = Self {
            site,
            plan,
            draw,
            laptops,
            far: None,
        };
        if plan.kills_server {
            run.start_far().await;
        }
        run
    }

    async fn start_far(&mut self) {
        let site = &mut *self.site;
        let port = site.port;
        self.far = Some(ServerProcess::start(&site.world, port));
        let url = format!("http://127.0.0.1:{port}");
        let mut tries = 0;
        while site.far.len() < LAPTOPS {
            match signed_in(&url, &site.emails[site.far.len()]).await {
                Ok(way) => site.far.push(way),
                Err(error) => {
                    tries += 1;
                    assert!(tries < 6_000, "{error}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    /// Plays until everything has come to rest.
    async fn play(&mut self) -> Result<(), Failure> {
        for _ in 0..self.plan.steps {
            let at = self.draw.random_range(0..self.laptops.len());
            match self.draw.random_range(0..20) {
                0..=8 => {
                    for _ in 0..self.draw.random_range(1..=6) {
                        self.laptops[at].works(&mut self.draw).await;
                    }
                }
                9 => self.two_at_one(at).await?,
                10 => {
                    self.laptops[at].stop();
                    self.laptops[at].start().await;
                }
                11 => self.cut_off(at).await?,
                12 | 13 => self.all_at_once().await?,
                14 if self.plan.full_server => {
                    let table = TABLES[self.draw.random_range(0..TABLES.len())];
                    let table = self.draw.random_bool(0.5).then_some(table);
                    self.site.disk(table).await;
                }
                15 if self.plan.kills_laptops => self.kill_laptop(at).await,
                16 if self.plan.kills_server => self.kill_server(at).await?,
                _ => self.sync(at).await?,
            }
        }
        self.rest().await?;
        self.site.at_rest().await;
        Ok(())
    }

    async fn judged(&mut self) -> Result<Figures, Failure> {
        judge(&mut self.site.database, &self.laptops).await
    }

    /// The way of a laptop to one of the servers.
    fn way(&mut self, account: usize) -> (bool, u64) {
        (
            self.far.is_some() && account < self.site.far.len() && self.draw.random_bool(0.6),
            self.draw.random(),
        )
    }

    fn line<'b>(&'b self, laptop: &'b Laptop, (far, seed): (bool, u64), badness: f64) -> Line<'b> {
        let ways = if far { &self.site.far } else { &self.site.near };
        Line::new(&ways[laptop.account], Faults::new(seed, badness), &laptop.under_way)
    }

    async fn sync(&mut self, at: usize) -> Result<(), Failure> {
        let way = self.way(at);
        let laptop = &self.laptops[at];
        let line = self.line(laptop, way, self.plan.badness);
        match round(laptop.store(), &line).await {
            Ok(_) => Ok(()),
            Err(error) => passes(&laptop.person.name, &error),
        }
    }

    /// A laptop that ends in the middle of a round.
    async fn cut_off(&mut self, at: usize) -> Result<(), Failure> {
        let after = Duration::from_micros(self.draw.random_range(0..15_000));
        let done = tokio::time::timeout(after, self.sync(at)).await;
        self.laptops[at].stop();
        self.laptops[at].start().await;
        done.unwrap_or(Ok(()))
    }

    async fn all_at_once(&mut self) -> Result<(), Failure> {
        let ways: Vec<_> = (0..self.laptops.len()).map(|n| self.way(n)).collect();
        let run = &*self;
        let lines = run.laptops.iter().zip(ways);
        let rounds = lines.map(|(laptop, way)| async move {
            let line = run.line(laptop, way, run.plan.badness);
            match round(laptop.store(), &line).await {
                Ok(_) => Ok(()),
                Err(error) => passes(&laptop.person.name, &error),
            }
        });
        join_all(rounds).await.into_iter().collect()
    }

    async fn kill_laptop(&mut self, at: usize) {
        let (url, email) = (self.site.world.url.clone(), self.site.emails[at].clone());
        killed_at_work(
            &mut self.laptops[at],
            &url,
            &email,
            self.plan.full_laptop,
            &mut self.draw,
        )
        .await;
    }

    /// The server dies while a laptop talks to it, and comes back.
    async fn kill_server(&mut self, at: usize) -> Result<(), Failure> {
        reached(&self.site.far[at]).await;
        let after = Duration::from_micros(self.draw.random_range(0..8_000));
        let way = (true, self.draw.random());
        let mut process = self.far.take().unwrap();
        let laptop = &self.laptops[at];
        let line = self.line(laptop, way, 0.0);
        let (done, ()) = tokio::join!(round(laptop.store(), &line), async {
            tokio::time::sleep(after).await;
            process.kill();
        });
        let done = done.map_or_else(|error| passes(&laptop.person.name, &error), |_| Ok(()));
        self.start_far().await;
        done
    }

    /// Two people act on the same form at the same time, each without knowing of the other.
    async fn two_at_one(&mut self, at: usize) -> Result<(), Failure> {
        let other = (at + 1) % self.laptops.len();
        self.sync(at).await?;
        self.sync(other).await?;
        let form = self.laptops[at].person.forms[0].clone();
        for n in [at, other] {
            let laptop = &mut self.laptops[n];
            let all = std::mem::replace(&mut laptop.person.forms, vec![form.clone()]);
            for _ in 0..3 {
                laptop.works(&mut self.draw).await;
            }
            laptop.person.forms = all;
        }
        Ok(())
    }

    /// The lines are good again: two rounds of each laptop bring everything to everyone.
    async fn rest(&mut self) -> Result<(), Failure> {
        self.site.disk(None).await;
        for _ in 0..2 {
            for laptop in &self.laptops {
                let line = self.line(laptop, (false, 0), 0.0);
                line.catch_up().await;
                let done = round(laptop.store(), &line).await;
                done.map_err(|e| Failure::new(Wrong::Stalled, format!("{}: {e}", laptop.person.name)))?;
            }
        }
        Ok(())
    }
}

async fn run(site: &mut Site, seed: u64) -> Result<Figures, Failure> {
    let played = async {
        let mut run = Run::begin(site, seed).await;
        run.play().await?;
        run.judged().await
    };
    match AssertUnwindSafe(played).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Failure::new(Wrong::Fault, text.unwrap_or("a panic")))
        }
    }
}

/// What all runs came to.
#[derive(Default)]
struct Sum {
    runs: u64,
    figures: Figures,
    failures: Vec<(u64, Failure)>,
}

async fn some_runs(next: Arc<AtomicU64>, end: u64) -> Sum {
    let mut site = Site::new().await;
    let mut sum = Sum::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return sum;
        }
        sum.runs += 1;
        match run(&mut site, seed).await {
            Ok(figures) => {
                sum.figures.acknowledged += figures.acknowledged;
                sum.figures.accepted += figures.accepted;
                sum.figures.refused += figures.refused;
            }
            Err(failure) => {
                eprintln!("sync simulator: seed {seed}: {:?}: {}", failure.wrong, failure.what);
                sum.failures.push((seed, failure));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figures of a night are read there")]
async fn runs() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, end) = match number("CASTOR_SYNC_SEED") {
        Some(seed) => (seed, seed + 1),
        None => {
            let first = number("CASTOR_SYNC_FIRST").unwrap_or(0);
            (first, first + number("CASTOR_SYNC_RUNS").unwrap_or(200))
        }
    };
    let sites = number("CASTOR_SYNC_SITES").unwrap_or(3).min(end - first);
    let (next, began) = (Arc::new(AtomicU64::new(first)), Instant::now());
    let tasks: Vec<_> = (0..sites)
        .map(|_| tokio::spawn(some_runs(Arc::clone(&next), end)))
        .collect();
    let mut sum = Sum::default();
    for task in tasks {
        let part = task.await.unwrap();
        sum.runs += part.runs;
        sum.figures.acknowledged += part.figures.acknowledged;
        sum.figures.accepted += part.figures.accepted;
        sum.figures.refused += part.figures.refused;
        sum.failures.extend(part.failures);
    }
    let of = |wrong: Wrong| {
        sum.failures
            .iter()
            .filter(|(_, failure)| failure.wrong == wrong)
            .count()
    };
    println!(
        "sync simulator: {} runs in {:.0?}, {} events acknowledged, {} accepted, {} refused and told; lost {}, diverged {}, \
         stalled {}, counted twice {}, refused in silence {}, other faults {}",
        sum.runs,
        began.elapsed(),
        sum.figures.acknowledged,
        sum.figures.accepted,
        sum.figures.refused,
        of(Wrong::Lost),
        of(Wrong::Diverged),
        of(Wrong::Stalled),
        of(Wrong::Twice),
        of(Wrong::Hidden),
        of(Wrong::Fault),
    );
    let again: Vec<String> = sum
        .failures
        .iter()
        .map(|(seed, _)| {
            format!("CASTOR_SYNC_SEED={seed} cargo test -p castor-server --test it sim::runs -- --nocapture")
        })
        .collect();
    assert!(again.is_empty(), "to play them again:\n{}", again.join("\n"));
    assert!(
        sum.runs < 100 || sum.figures.refused > 0,
        "no event was ever refused: the laptops do not meet"
    );
}

/// A server that came back from a backup, before and after others have come to it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_restored_gets_back_what_it_forgot() {
    const KEEP: &str = "CREATE TABLE kept_event AS TABLE event; CREATE TABLE kept_refused AS TABLE refused_event;
        CREATE TABLE kept_form AS TABLE form; CREATE TABLE kept_client AS TABLE sync_client;
        CREATE TABLE kept_author AS TABLE sync_author; CREATE TABLE kept_order AS TABLE sync_order";
    const RESTORE: &str = "SET session_replication_role = replica;
        TRUNCATE event, refused_event, form, lease, sync_client, sync_author, sync_order;
        INSERT INTO event TABLE kept_event; INSERT INTO refused_event TABLE kept_refused; INSERT INTO form TABLE kept_form;
        INSERT INTO sync_client TABLE kept_client; INSERT INTO sync_author TABLE kept_author;
        INSERT INTO sync_order TABLE kept_order;
        DROP TABLE kept_event, kept_refused, kept_form, kept_client, kept_author, kept_order;
        SET session_replication_role = DEFAULT";
    let mut site = Site::new().await;
    for seed in 0..6 {
        let mut run = Run::begin(&mut site, seed).await;
        run.plan.badness = 0.0;
        let works = async |run: &mut Run<'_>, at: usize, times: usize| {
            for _ in 0..times {
                run.laptops[at].works(&mut run.draw).await;
            }
        };
        works(&mut run, 0, 6).await;
        works(&mut run, 1, 6).await;
        run.rest().await.unwrap();
        run.site.database.execute(KEEP).await.unwrap();
        works(&mut run, 0, 8).await;
        works(&mut run, 1, 8).await;
        run.rest().await.unwrap();
        run.site.database.execute(RESTORE).await.unwrap();
        // In half of the runs one laptop has written so much since that the order is longer than it was.
        if seed % 2 == 1 {
            works(&mut run, 0, 60).await;
            run.sync(0).await.unwrap();
        }
        run.rest().await.unwrap();
        run.rest().await.unwrap();
        if let Err(failure) = run.judged().await {
            panic!("seed {seed}: {:?}: {}", failure.wrong, failure.what);
        }
    }
}

/// What is done to the books behind everyone's back, and what the oracle must say of it.
const SABOTAGE: [(&str, &[Wrong]); 7] = [
    (
        "DELETE FROM event WHERE global = (SELECT max(global) FROM event)",
        &[Wrong::Twice],
    ),
    (
        "DELETE FROM event WHERE global = (SELECT max(global) FROM event);
         UPDATE form SET version = (SELECT max(global) FROM event WHERE form = form.id);
         UPDATE sync_order SET last = last - 1",
        // What the last event was about may stand the same without it; then the laptops are too far.
        &[Wrong::Diverged, Wrong::Stalled],
    ),
    ("UPDATE event SET at = at + 1 WHERE global = 1", &[Wrong::Diverged]),
    ("UPDATE form SET doubtful = doubtful + 1", &[Wrong::Diverged]),
    ("UPDATE event SET counter = counter + 100000", &[Wrong::Twice]),
    (
        "UPDATE refused_event SET code = 'REV_OTHER' WHERE (client, counter) = (SELECT client, counter FROM refused_event LIMIT 1)",
        &[Wrong::Hidden],
    ),
    (
        "DELETE FROM refused_event WHERE (client, counter) = (SELECT client, counter FROM refused_event LIMIT 1)",
        &[Wrong::Lost],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oracle_sees_what_is_done_to_the_books() {
    let mut site = Site::new().await;
    // The first run in which an event was refused.
    for seed in 0.. {
        let mut run = Run::begin(&mut site, seed).await;
        run.play().await.unwrap();
        if run.judged().await.unwrap().refused == 0 {
            continue;
        }
        for (sabotage, due) in SABOTAGE {
            run.site
                .database
                .execute("BEGIN; SET LOCAL session_replication_role = replica")
                .await
                .unwrap();
            run.site.database.execute(sabotage).await.unwrap();
            let said = run.judged().await.err().map(|failure| failure.wrong);
            assert!(said.is_some_and(|wrong| due.contains(&wrong)), "{sabotage}: {said:?}");
            run.site.database.execute("ROLLBACK").await.unwrap();
        }
        run.laptops[0].acknowledged.push(999_999);
        assert_eq!(run.judged().await.err().map(|failure| failure.wrong), Some(Wrong::Lost));
        run.laptops[0].acknowledged.pop();
        let before = run.laptops[0].acknowledged.len();
        while run.laptops[0].acknowledged.len() == before {
            run.laptops[0].works(&mut run.draw).await;
        }
        assert_eq!(
            run.judged().await.err().map(|failure| failure.wrong),
            Some(Wrong::Stalled)
        );
        return;
    }
}
