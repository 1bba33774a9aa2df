//! `castor bench scale`.

use super::Times;
use super::forms::{Where, place, reading};
use super::site::{Site, asked, client, free_port, token};
use anyhow::{Context, Result, bail, ensure};
use castor_domain::form::Copia;
use castor_domain::review::{Case, Event, EventId, MACHINE, Moment, Recorded, Summary};
use castor_server::role::Role;
use castor_wire::event::to_text;
use castor_wire::sync::{PullAnswer, SyncEvent};
use clap::Args;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How much.
#[derive(Args)]
pub(crate) struct ScaleArguments {
    /// Tables, with three copies each.
    #[arg(long, default_value_t = 120_000)]
    tables: u32,
    /// Requests of each kind.
    #[arg(long, default_value_t = 200)]
    requests: u32,
}

/// Codes that stand in the pattern of a form where each form has its own.
const PATTERN: [&str; 5] = ["67", "689", "78", "79", "797"];
/// The goal for each query, in milliseconds.
const GOAL: f64 = 100.0;
/// The model of the generated readings.
const MODEL: &str = "generado";
/// Files that a run looks at in a second, about.
const LOOKED_AT: u32 = 10_000;
/// Forms in one statement of the filling.
const STRETCH: u32 = 15_000;

/// Fills, measures, shows the plans.
pub(crate) async fn bench(arguments: &ScaleArguments) -> Result<ExitCode> {
    let settings = ["shared_buffers=512MB", "max_wal_size=8GB", "synchronous_commit=off"];
    let site = Site::start(&settings, None).await?;
    let server = site.serve(free_port()?).await?;
    site.account(Role::Admin).await?;
    let mut database = PgConnection::connect(site.database()).await?;
    let began = Instant::now();
    fill(&mut database, arguments.tables).await?;
    println!(
        "{} generated forms of {} tables written in {:.0?}",
        arguments.tables * 3,
        arguments.tables,
        began.elapsed()
    );
    let client = client()?;
    let way = Way {
        token: token(&client, &server.url).await?,
        url: server.url.clone(),
        client,
    };
    added_up(&way, arguments.tables).await?;
    placed(&mut database).await?;
    database.execute("VACUUM (ANALYZE)").await?;
    let mut well = true;
    for (name, kind) in KINDS {
        let mut times = Times::default();
        for n in 0..arguments.requests {
            let began = Instant::now();
            way.ask(kind, n, arguments.tables)
                .await
                .with_context(|| name.to_owned())?;
            times.add(began.elapsed());
        }
        let p95 = times.percentile(95);
        well &= p95 <= GOAL;
        println!(
            "{name}: {} requests, p50 {:.1} ms, p95 {p95:.1} ms (goal {GOAL:.0})",
            times.count(),
            times.percentile(50)
        );
    }
    drop(server);
    well &= plans(&site, &mut database, arguments.tables).await?;
    database.close().await?;
    site.end().await?;
    println!("{}", if well { "all goals met" } else { "NOT all goals met" });
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// What a generated form is: its events' texts with the codes of the pattern, and its row.
struct Pattern {
    imported: String,
    read: String,
    summary: Summary,
    votes: Value,
}

fn pattern(copia: Copia, doubtful: bool) -> Result<Pattern> {
    let [departamento, municipio, zona, puesto, mesa] = PATTERN.map(ToOwned::to_owned);
    let at = Where {
        departamento,
        municipio,
        zona,
        puesto,
        mesa,
        copia,
    };
    let imported = Event::Imported {
        name: "GENERADA".to_owned(),
        demo: false,
    };
    let read = Event::Read {
        reading: Box::new(reading(&at, doubtful)),
        model: MODEL.to_owned(),
    };
    let texts = (to_text(&imported)?, to_text(&read)?);
    let recorded = [imported, read].map(|event| Recorded {
        id: EventId(1),
        at: Moment(0),
        by: MACHINE.to_owned(),
        event,
    });
    let case = Case::of(&recorded)?;
    let listed = case.listed();
    let counted = castor_domain::results::Counted::of(&case, &listed).context("the pattern counts for nothing")?;
    let votes = counted
        .votes
        .iter()
        .map(|(path, votes)| (path.to_string(), (*votes).into()));
    Ok(Pattern {
        imported: texts.0,
        read: texts.1,
        summary: case.summary(&listed),
        votes: Value::Object(votes.collect()),
    })
}

async fn fill(database: &mut PgConnection, tables: u32) -> Result<()> {
    for (n, copia) in [Copia::Claveros, Copia::Delegados, Copia::Transmision]
        .into_iter()
        .enumerate()
    {
        let copy = u32::try_from(n)?;
        let (sure, unsure) = (pattern(copia, false)?, pattern(copia, true)?);
        let mut from = 0;
        while from < tables {
            let upto = (from + STRETCH).min(tables);
            stretch(database, copy, from..upto, tables, [&sure, &unsure]).await?;
            from = upto;
        }
    }
    unread(database, tables).await?;
    // A worker of that model that is never late.
    sqlx::query("INSERT INTO worker (id, name, model, slots, seen_at) VALUES (gen_random_uuid(), 'generado', $1, 1, '2100-01-01')")
        .bind(MODEL)
        .execute(&mut *database)
        .await?;
    sqlx::query("UPDATE sync_order SET last = (SELECT max(global) FROM event)")
        .execute(&mut *database)
        .await?;
    database.execute("ANALYZE").await?;
    let sample = sqlx::query_as::<_, (String, String, String)>(
        "SELECT f.departamento || f.municipio || f.zona || f.puesto || f.mesa, e.form, e.body FROM form f
         JOIN event e ON e.form = f.id AND e.kind = 'read' WHERE f.version % 1001 = 0 LIMIT 20",
    );
    for (codes, form, body) in sample.fetch_all(database).await? {
        let event = SyncEvent {
            id: "0".repeat(32),
            form,
            at: 0,
            by: MACHINE.to_owned(),
            body,
        };
        let case = Case::of(&[event.recorded()?])?;
        let said = case
            .summary(&case.listed())
            .codes
            .map(Option::unwrap_or_default)
            .concat();
        ensure!(said == codes, "a form's events say {said}, its row {codes}");
    }
    Ok(())
}

/// One form in ten waits for a person.
async fn stretch(
    database: &mut PgConnection,
    copy: u32,
    tables: std::ops::Range<u32>,
    of: u32,
    [sure, unsure]: [&Pattern; 2],
) -> Result<()> {
    let mut transaction = database.begin().await?;
    let make = "CREATE TEMP TABLE generated ON COMMIT DROP AS
        SELECT t, $3 * $4 + t + 1 AS k, encode(sha256(convert_to($3 || '-' || t, 'UTF8')), 'hex') AS id, t % 10 = 0 AS unsure,
            lpad((t % 33 + 1)::text, 2, '0') AS departamento, lpad((t / 33 % 34 + 1)::text, 3, '0') AS municipio,
            lpad((t / (33 * 34) % 3 + 1)::text, 2, '0') AS zona, lpad((t / (33 * 34 * 3) % 4 + 1)::text, 2, '0') AS puesto,
            lpad((t / (33 * 34 * 12) + 1)::text, 3, '0') AS mesa
        FROM generate_series($1, $2 - 1) AS t";
    let numbers = [tables.start, tables.end, copy, of].map(i64::from);
    let make = make
        .replace("$1", &numbers[0].to_string())
        .replace("$2", &numbers[1].to_string());
    let make = make
        .replace("$3", &numbers[2].to_string())
        .replace("$4", &numbers[3].to_string());
    transaction.execute(AssertSqlSafe(make)).await?;
    let events = "INSERT INTO event (global, id, client, counter, form, at, author, kind, body)
        SELECT 2 * k - 1, gen_random_uuid(), '00000000-0000-7000-8000-000000000001'::uuid, 2 * k - 1, id, 1767000000000, 'castor',
            'imported', $1 FROM generated
        UNION ALL
        SELECT 2 * k, gen_random_uuid(), '00000000-0000-7000-8000-000000000001'::uuid, 2 * k, id, 1767000000000, 'castor', 'read',
            replace(replace(replace(replace(replace(CASE WHEN unsure THEN $3 ELSE $2 END, $4, to_json(departamento)::text),
                $5, to_json(municipio)::text), $6, to_json(zona)::text), $7, to_json(puesto)::text), $8, to_json(mesa)::text)
        FROM generated ORDER BY 1";
    let mut query = sqlx::query(events)
        .bind(&sure.imported)
        .bind(&sure.read)
        .bind(&unsure.read);
    for code in PATTERN {
        let code = Value::from(code).to_string();
        ensure!(
            sure.read.contains(&code) && unsure.read.contains(&code),
            "the pattern lost {code}"
        );
        query = query.bind(code);
    }
    query.execute(&mut *transaction).await?;
    for pattern in [sure, unsure] {
        let Summary {
            state,
            priority,
            reasons,
            confidence,
            place,
            corporacion,
            copia,
            doubtful,
            finding,
            impact,
            ..
        } = &pattern.summary;
        let reasons = reasons.iter().map(|r| r.name()).collect::<Vec<_>>().join(" ");
        sqlx::query(
            "INSERT INTO form (id, version, name, demo, state, waits, priority, reasons, departamento, municipio, zona, puesto,
                 mesa, place, corporacion, copia, doubtful, finding, confidence, impact, imported_at, due_at, copy_rank,
                 consistent, votes)
             SELECT id, 2 * k, 'GENERADA', false, $1, $2, $3, $4, departamento, municipio, zona, puesto, mesa, $5, $6, $7, $8,
                 $9, $10, $11, 1767000000000 + k, 1767000000000 + k, $12, $13, $14 FROM generated WHERE unsure = $2",
        )
        .bind(state.name())
        .bind(state.waits())
        .bind(priority.rank())
        .bind(reasons)
        .bind(place)
        .bind(*corporacion)
        .bind(*copia)
        .bind(i32::try_from(*doubtful)?)
        .bind(finding)
        .bind(confidence)
        .bind(impact)
        .bind(i16::try_from(copy)?)
        .bind(finding.is_none())
        .bind(&pattern.votes)
        .execute(&mut *transaction)
        .await?;
    }
    files(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// The forms' files and the jobs that read them: every other one is named after its table, and one in a thousand was not read
/// here yet.
async fn files(database: &mut PgConnection) -> Result<()> {
    let files = "INSERT INTO stored_file (sha256, bytes, pages, name, source, departamento, municipio, zona, puesto, mesa, corporacion,
            stored_at, model)
        SELECT id, 100000, 1, 'GENERADA', CASE WHEN named THEN 'REGISTRADURIA' ELSE 'MANUAL_ENTRY' END,
            CASE WHEN named THEN departamento END, CASE WHEN named THEN municipio END, CASE WHEN named THEN zona END,
            CASE WHEN named THEN puesto END, CASE WHEN named THEN mesa END, CASE WHEN named THEN 'PRESIDENTE' END,
            now() - interval '1 day' + k * interval '1 millisecond', CASE WHEN k % 1000 <> 0 THEN $1 END
        FROM (SELECT *, k % 2 = 0 AS named FROM generated) AS generated";
    let blobs = "INSERT INTO blob (sha256, kind, total, bytes, whole, account, touched_at)
        SELECT id, 'file', 100000, 100000, true, '00000000-0000-7000-8000-000000000001', now() - interval '1 day' FROM generated";
    let jobs = "INSERT INTO job (id, sha256, departamento, model, priority, state, attempts, turn, started_at, finished_at, event)
        SELECT gen_random_uuid(), id, CASE WHEN k % 2 = 0 THEN departamento END, $1, 4, 'DONE', 1, now(), now(), now(), gen_random_uuid() FROM generated WHERE k % 1000 <> 0";
    sqlx::query(files).bind(MODEL).execute(&mut *database).await?;
    sqlx::query(blobs).execute(&mut *database).await?;
    sqlx::query(jobs).bind(MODEL).execute(&mut *database).await?;
    Ok(())
}

/// Forms that laptops have told of, and whose files have not come: one for every six tables.
async fn unread(database: &mut PgConnection, tables: u32) -> Result<()> {
    let imported = Event::Imported {
        name: "GENERADA".to_owned(),
        demo: false,
    };
    let events = "INSERT INTO event (global, id, client, counter, form, at, author, kind, body)
        SELECT $1 + n, gen_random_uuid(), '00000000-0000-7000-8000-000000000001', $1 + n,
            encode(sha256(convert_to('unread-' || n, 'UTF8')), 'hex'), 1767000000000, 'castor', 'imported', $2
        FROM generate_series(1, $3) AS n";
    let forms = "INSERT INTO form (id, version, name, demo, state, waits, priority, reasons, place, doubtful, confidence, impact,
            imported_at, due_at)
        SELECT form, global, 'GENERADA', false, 'WAITING', false, 4, '', '', 0, 0, 0, 1767000000000, 1767000000000
        FROM event WHERE global > $1";
    let base = i64::from(tables) * 6;
    sqlx::query(events)
        .bind(base)
        .bind(to_text(&imported)?)
        .bind(i64::from(tables / 6))
        .execute(&mut *database)
        .await?;
    sqlx::query(forms).bind(base).execute(&mut *database).await?;
    Ok(())
}

/// Waits until the server has added everything up, and checks the sum.
async fn added_up(way: &Way, tables: u32) -> Result<()> {
    let began = Instant::now();
    for _ in 0..3_600 {
        let said: Value = way.get("/api/results/totals?corporacion=PRESIDENTE").await?;
        if said["behind"] == 0 {
            ensure!(
                said["tables"]["read"] == tables,
                "{} tables were added up",
                said["tables"]["read"]
            );
            let options = said["options"].as_array().context("no rows of the ballot")?;
            let last = options
                .iter()
                .find(|o| o["path"] == format!("candidato.{}", super::forms::CANDIDATES));
            ensure!(
                last.is_some_and(|o| o["votes"] == u64::from(tables) * 3),
                "the votes do not add up: {last:?}"
            );
            println!("results of all tables added up in {:.0?}", began.elapsed());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bail!("the results are never up to date")
}

/// Waits until the server has noted the tables of the files that are not named after theirs.
async fn placed(database: &mut PgConnection) -> Result<()> {
    let began = Instant::now();
    for _ in 0..3_600 {
        let unplaced: i64 = sqlx::query_scalar("SELECT count(*) FROM stored_file WHERE departamento IS NULL")
            .fetch_one(&mut *database)
            .await?;
        if unplaced == 0 {
            println!("tables of all files noted in {:.0?}", began.elapsed());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bail!("the tables of the files are never noted")
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Lease,
    LeaseOfDepartment,
    Pull,
    Country,
    Department,
    Puesto,
    Table,
    WholeDepartment,
    Jobs,
    Pipeline,
}

const KINDS: [(&str, Kind); 10] = [
    ("queue, 20 forms", Kind::Lease),
    ("queue, 20 forms of a departamento", Kind::LeaseOfDepartment),
    ("pull, 500 events", Kind::Pull),
    ("totals of the country", Kind::Country),
    ("totals of a departamento", Kind::Department),
    ("totals of a polling place", Kind::Puesto),
    ("a table to be read", Kind::Table),
    ("a departamento to be read", Kind::WholeDepartment),
    ("jobs of a departamento", Kind::Jobs),
    ("the pipeline's state", Kind::Pipeline),
];

/// What the server asks by itself, each second: a part of the statement that no other has.
const BY_ITSELF: [(&str, &str); 4] = [
    ("a run that goes through the files", "(stored_at, sha256) >"),
    ("a run that looks for files of laptops", "WITH looked AS"),
    ("forms that nobody has read", "state = 'WAITING' AND NOT demo AND id >"),
    (
        "files whose table is not noted",
        "WHERE departamento IS NULL AND sha256 >",
    ),
];

struct Way {
    client: Client,
    url: String,
    token: String,
}

impl Way {
    async fn get(&self, path: &str) -> Result<Value> {
        let request = self.client.request(Method::GET, format!("{}{path}", self.url));
        asked(request.bearer_auth(&self.token)).await
    }

    async fn ask(&self, kind: Kind, n: u32, tables: u32) -> Result<()> {
        // Spread over the country, the same in every run.
        let table = n.wrapping_mul(2_654_435_761) % tables;
        let [departamento, municipio, zona, puesto] = place(table);
        let lease = |departamento: Option<String>| {
            let body = json!({ "client": uuid::Uuid::new_v4(), "count": 20, "departamento": departamento });
            self.client
                .post(format!("{}/api/sync/lease", self.url))
                .bearer_auth(&self.token)
                .json(&body)
        };
        let queue = |what: &str, body: Value| {
            let request = self.client.post(format!("{}/api/queue/{what}", self.url));
            asked::<Value>(request.bearer_auth(&self.token).json(&body))
        };
        let totals = "/api/results/totals?corporacion=PRESIDENTE&path=candidato.1";
        match kind {
            Kind::Lease => {
                let lent: Vec<Value> = asked(lease(None)).await?;
                ensure!(lent.len() == 20, "{} forms were lent", lent.len());
            }
            Kind::LeaseOfDepartment => {
                asked::<Vec<Value>>(lease(Some(departamento))).await?;
            }
            Kind::Pull => {
                let after = u64::from(table) * 6;
                let path = format!(
                    "{}/api/sync/pull?client={}&after={after}&limit=500",
                    self.url,
                    uuid::Uuid::nil()
                );
                let answer: PullAnswer = asked(self.client.get(path).bearer_auth(&self.token)).await?;
                ensure!(
                    answer.upto > after || u64::from(tables) * 6 <= after,
                    "nothing was pulled"
                );
            }
            Kind::Country => drop(self.get(totals).await?),
            Kind::Department => drop(self.get(&format!("{totals}&departamento={departamento}")).await?),
            Kind::Puesto => {
                let path =
                    format!("{totals}&departamento={departamento}&municipio={municipio}&zona={zona}&puesto={puesto}");
                drop(self.get(&path).await?);
            }
            Kind::Table => {
                let mesa = table / (33 * 34 * 12) + 1;
                let body = json!({ "department_code": departamento, "municipality_code": municipio, "zone_code": zona,
                    "station_code": puesto, "table_code": mesa });
                let queued = queue("table", body).await?;
                ensure!(queued["files"] == 3, "{queued}");
            }
            Kind::WholeDepartment => {
                let queued = queue(
                    "department",
                    json!({ "department_code": departamento, "confirm": true }),
                )
                .await?;
                ensure!(queued["files"].as_u64() >= Some(u64::from(tables / 33 * 3)), "{queued}");
            }
            Kind::Jobs => drop(self.get(&format!("/api/queue/jobs?dept={departamento}")).await?),
            Kind::Pipeline => drop(self.get("/api/pipeline/status").await?),
        }
        Ok(())
    }
}

/// A statement as PostgreSQL ran it, from its own log.
struct Ran {
    milliseconds: f64,
    text: String,
}

fn ran(log: &str) -> Vec<Ran> {
    let entries = log.split("LOG:  duration: ").skip(1);
    let one = |entry: &str| {
        let milliseconds = entry.split(' ').next()?.parse().ok()?;
        let lines = entry
            .lines()
            .take_while(|line| line.starts_with('\t') || line.contains(" plan:"));
        let text = lines.collect::<Vec<_>>().join("\n");
        Some(Ran { milliseconds, text })
    };
    entries.filter_map(one).collect()
}

/// The plans as PostgreSQL ran them, one of each statement, and the times of what the server asks by itself; whether these keep
/// to the goal.
async fn plans(site: &Site, database: &mut PgConnection, tables: u32) -> Result<bool> {
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
    ] {
        database
            .execute(AssertSqlSafe(format!("ALTER DATABASE postgres SET {setting}")))
            .await?;
    }
    let before = std::fs::read_to_string(site.log())?.len();
    let server = site.serve(free_port()?).await?;
    let client = client()?;
    let way = Way {
        token: token(&client, &server.url).await?,
        url: server.url.clone(),
        client,
    };
    for (_, kind) in KINDS {
        way.ask(kind, 7, tables).await?;
    }
    // A run, once through all files and then with nothing that is new.
    let start = way.client.post(format!("{}/api/pipeline/start", way.url));
    asked::<Value>(start.bearer_auth(&way.token).json(&json!({}))).await?;
    tokio::time::sleep(Duration::from_secs(u64::from(tables * 3 / LOOKED_AT + 10))).await;
    drop(server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = std::fs::read_to_string(site.log())?;
    let ran = ran(&log[before..]);
    let mut seen = BTreeSet::new();
    let of_interest = [
        "FROM event WHERE global >",
        "INTO lease",
        "FROM result",
        "FROM form WHERE votes",
        "FROM form o JOIN blob b",
        "WITH known AS",
        "FROM job",
    ];
    for Ran { text, .. } in &ran {
        let statement: String = text.lines().skip(1).take(3).collect();
        let by_itself = BY_ITSELF.iter().map(|(_, part)| part);
        if of_interest.iter().chain(by_itself).any(|part| text.contains(part)) && seen.insert(statement) {
            println!("\nplan, {text}");
        }
    }
    ensure!(!seen.is_empty(), "PostgreSQL's log has no plans");
    let mut well = true;
    for (name, part) in BY_ITSELF {
        let mut times = Times::default();
        for Ran { milliseconds, .. } in ran.iter().filter(|ran| ran.text.contains(part)) {
            times.add(Duration::from_secs_f64(milliseconds / 1e3));
        }
        ensure!(times.count() > 0, "{name}: it was never asked");
        let p95 = times.percentile(95);
        well &= p95 <= GOAL;
        let (count, p50) = (times.count(), times.percentile(50));
        println!("{name}: {count} statements, p50 {p50:.1} ms, p95 {p95:.1} ms (goal {GOAL:.0})");
    }
    Ok(well)
}
