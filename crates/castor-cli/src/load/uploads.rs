//! Forms that are sent to be read while parts of the server are killed, and whether each was read once.

use super::forms::{Author, reading, table};
use super::site::{Site, asked, client, token_of};
use anyhow::{Context, Result};
use castor_server::role::Role;
use castor_store::sha256;
use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use castor_wire::sync::{PROTOCOL, Push, PushAnswer};
use reqwest::Client;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

const OPERATOR: &str = "lee@example.org";
const OBSERVER: &str = "envia@example.org";
/// How long a client tries again by itself before a person would see an error: a server that was killed opens its reader anew,
/// and a job that was lost waits for its lease.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(500);
/// How long jobs have to end once nothing is killed any more.
const REST: Duration = Duration::from_secs(300);

/// Forms that are different files, drawn.
pub(super) fn draw(forms: usize) -> Result<Vec<Vec<u8>>> {
    (0..forms)
        .map(|n| {
            let folder = tempfile::tempdir()?;
            let seed = 40_000 + u64::try_from(n)?;
            let form = Form::sample(seed, Family::Presidente2022, &Options::default())?.named("acta");
            write_form(folder.path(), &form, Scan::bitonal_300())?;
            Ok(std::fs::read(folder.path().join("forms/acta.pdf"))?)
        })
        .collect()
}

/// What became of them on the way.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) forms: Vec<String>,
    pub(super) retries: usize,
    pub(super) errors: Vec<String>,
    pub(super) longest: Duration,
}

/// Who sends.
pub(super) struct Sender {
    client: Client,
    urls: [String; 2],
    operator: String,
    observer: String,
}

impl Sender {
    pub(super) async fn sign_in(site: &Site, urls: [String; 2]) -> Result<Self> {
        site.account_of(OPERATOR, Role::Operator).await?;
        site.account_of(OBSERVER, Role::Observer).await?;
        let client = client()?;
        Ok(Self {
            operator: token_of(&client, &urls[0], OPERATOR).await?,
            observer: token_of(&client, &urls[0], OBSERVER).await?,
            client,
            urls,
        })
    }

    /// Sends the files with a pause between them: one in two as someone who waits for the reading, the others as the desk of
    /// someone who may not read, whose forms the workers read.
    pub(super) async fn send(self, files: Vec<Vec<u8>>, pause: Duration) -> Result<Sent> {
        let mut sent = Sent::default();
        for (n, file) in files.into_iter().enumerate() {
            let began = Instant::now();
            let form = sha256(&file);
            let mut author = Author::new(n);
            let [imported, _] = author.imports(&form, &reading(&table(n, 0), false))?;
            let push = Push {
                protocol: PROTOCOL,
                client: author.client.to_string(),
                events: vec![imported],
            };
            for attempt in n.. {
                let url = &self.urls[attempt % 2];
                let done = if n % 2 == 0 {
                    self.processed(url, &file).await
                } else {
                    self.observed(url, &form, &push, &file).await
                };
                match done {
                    Ok(()) => break,
                    Err(_) if began.elapsed() < PATIENCE => {
                        sent.retries += 1;
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(error) => {
                        sent.errors.push(format!("{error:#}"));
                        break;
                    }
                }
            }
            sent.longest = sent.longest.max(began.elapsed());
            sent.forms.push(form);
            tokio::time::sleep(pause).await;
        }
        Ok(sent)
    }

    async fn processed(&self, url: &str, file: &[u8]) -> Result<()> {
        let head = "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"acta.pdf\"\r\n\r\n";
        let body = [head.as_bytes(), file, b"\r\n--limit--\r\n"].concat();
        let request = self.client.post(format!("{url}/api/e14/process"));
        let request = request.bearer_auth(&self.operator);
        let request = request.header("content-type", "multipart/form-data; boundary=limit");
        asked::<Value>(request.body(body)).await.map(drop)
    }

    async fn observed(&self, url: &str, form: &str, push: &Push, file: &[u8]) -> Result<()> {
        let push = self.client.post(format!("{url}/api/sync/push")).json(push);
        asked::<PushAnswer>(push.bearer_auth(&self.observer)).await?;
        let place = format!("{url}/api/blobs/{form}?offset=0&total={}&kind=file", file.len());
        let piece = self.client.post(place).bearer_auth(&self.observer);
        let piece = piece.header("content-type", "application/octet-stream");
        asked::<Value>(piece.body(file.to_vec())).await.map(drop)
    }
}

/// How the forms that were sent stand in the end.
#[derive(Debug)]
pub(super) struct Read {
    /// Jobs that are done; there is one for each form.
    pub(super) done: i64,
    /// Attempts beyond the first of each job: readings that were begun by who was killed.
    pub(super) again: i64,
    /// Forms with exactly one reading in the log.
    pub(super) once: i64,
}

/// Waits until every form has been read, and counts.
pub(super) async fn read(site: &Site, forms: &[String]) -> Result<Read> {
    let mut database = PgConnection::connect(site.database()).await?;
    let began = Instant::now();
    loop {
        let (done, again): (i64, Option<i64>) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 'DONE' AND event IS NOT NULL), sum(attempts - 1)::bigint FROM job
             WHERE sha256 = ANY($1)",
        )
        .bind(forms)
        .fetch_one(&mut database)
        .await?;
        if done == i64::try_from(forms.len())? || began.elapsed() > REST {
            let once: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM (SELECT form FROM event WHERE kind = 'read' AND form = ANY($1) GROUP BY form
                 HAVING count(*) = 1) AS once",
            )
            .bind(forms)
            .fetch_one(&mut database)
            .await
            .context("the log cannot be read")?;
            return Ok(Read {
                done,
                again: again.unwrap_or(0),
                once,
            });
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
