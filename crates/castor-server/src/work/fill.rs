//! Filling the queue as far as it has room: while a run is under way with every file that no job reads yet, and at any time with
//! files that laptops sent and nobody has read. What forms say of their table is noted beside their files here too.

use super::job::JobPriority;
use super::pipeline::{PipelineOrder, PipelineState};
use crate::config::Service;
use crate::error::ApiError;
use crate::repo::{file, job as jobs, pipeline};
use crate::server::Server;
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use uuid::Uuid;

/// Between two fillings of the queue.
const FILL: Duration = Duration::from_secs(1);
/// Files, or forms, that one statement looks at.
const WINDOW: i64 = 2_000;
/// Such statements in one filling.
const WINDOWS: usize = 5;
/// Between two rounds through files whose table is not known.
const REST: Duration = Duration::from_secs(20);
/// How long the desk that sent a file has to read it itself.
const PATIENCE: Duration = Duration::from_secs(600);

/// How far a run has come through the files, in the order in which they came. What lies behind it is not looked at again.
#[derive(Debug)]
pub(crate) struct Run {
    of: Option<(PipelineOrder, String)>,
    upto: (OffsetDateTime, String),
    /// Up to which hash files of laptops were noted; none when all were. Those that come later are noted as they come.
    noted: Option<String>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            of: None,
            upto: (OffsetDateTime::UNIX_EPOCH, String::new()),
            noted: Some(String::new()),
        }
    }
}

/// Fills the queue until the server ends.
pub(crate) async fn keep_filling(server: Server) {
    let mut started = server.intake.subscribe();
    let (mut run, mut unread, mut unplaced) = (Run::default(), String::new(), Unplaced::default());
    loop {
        if let Err(error) = go_on(&server, &mut run).await {
            tracing::debug!(%error, "the queue could not be filled; trying again");
        }
        if let Err(error) = read_unread(&server, &mut unread).await {
            tracing::debug!(%error, "files that laptops sent could not be queued; trying again");
        }
        if let Err(error) = unplaced.look(&server).await {
            tracing::debug!(%error, "the tables of files could not be noted; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(FILL) => {}
            // The sender lives as long as the server.
            _ = started.changed() => run = Run::default(),
        }
    }
}

/// Fills the queue while a run is under way.
async fn go_on(server: &Server, run: &mut Run) -> Result<(), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let order = pipeline::read(&mut connection).await?;
    drop(connection);
    if order.state == PipelineState::Running {
        fill(server, &order, run).await?;
    }
    Ok(())
}

/// Goes on with a run.
pub(crate) async fn fill(server: &Server, order: &PipelineOrder, run: &mut Run) -> Result<(), ApiError> {
    let of = (order.clone(), model(server).await?);
    if run.of.as_ref() != Some(&of) {
        *run = Run {
            of: Some(of),
            ..Run::default()
        };
    }
    let mut connection = server.database(Service::E14)?.connection().await?;
    for _ in 0..WINDOWS {
        if !run.step(server, &mut connection).await? {
            break;
        }
    }
    Ok(())
}

impl Run {
    /// Queues what is wanted of the next files; whether there may be more.
    async fn step(&mut self, server: &Server, connection: &mut PgConnection) -> Result<bool, ApiError> {
        let Some((order, model)) = &self.of else {
            return Ok(false);
        };
        let room = room(server, connection).await?;
        if room == 0 {
            return Ok(false);
        }
        if let Some(after) = &self.noted {
            self.noted = file::adopt_next(connection, after, WINDOW).await?;
        }
        let after = (self.upto.0, self.upto.1.as_str());
        let kinds = (order.election_type.as_deref(), order.copy_type.as_deref());
        let passed = file::next(connection, after, kinds, model, WINDOW).await?;
        let more = self.noted.is_some() || !is_last(passed.len());
        let (mut files, mut upto) = (Vec::new(), self.upto.clone());
        let mut settled = true;
        for file in passed {
            if file.wanted && files.len() == room {
                settled = false;
                break;
            }
            settled &= file.settled;
            if settled {
                upto = (file.stored_at, file.sha256.clone());
            }
            if file.wanted {
                files.push(file.sha256);
            }
        }
        queue(server, connection, &files, model, JobPriority::Low).await?;
        self.upto = upto;
        Ok(more && settled)
    }
}

/// Files whose table is not noted, gone through stretch by stretch: once their forms say it, it is noted beside them.
#[derive(Debug, Default)]
struct Unplaced {
    upto: String,
    found: bool,
    /// After a round that found nothing.
    rest: Option<Instant>,
}

impl Unplaced {
    async fn look(&mut self, server: &Server) -> Result<(), ApiError> {
        if self.rest.is_some_and(|since| since.elapsed() < REST) {
            return Ok(());
        }
        let mut connection = server.database(Service::E14)?.connection().await?;
        let files = file::unplaced(&mut connection, &self.upto, WINDOW).await?;
        let is_last = is_last(files.len());
        let next = files.last().filter(|_| !is_last).map(|file| file.sha256.clone());
        let known: Vec<String> = files
            .into_iter()
            .filter(|file| file.known)
            .map(|file| file.sha256)
            .collect();
        if !known.is_empty() {
            file::note_places(&mut connection, &known).await?;
            self.found = true;
        }
        self.rest = (is_last && !self.found).then(Instant::now);
        self.found &= !is_last;
        self.upto = next.unwrap_or_default();
        Ok(())
    }
}

/// Whether a stretch in which so many were found was the last one.
fn is_last(found: usize) -> bool {
    i64::try_from(found).is_ok_and(|found| found < WINDOW)
}

/// Queues forms whose files are here and that nobody has read, one stretch of them at a time.
async fn read_unread(server: &Server, upto: &mut String) -> Result<(), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let forms = file::unread(&mut connection, upto, WINDOW, PATIENCE).await?;
    drop(connection);
    let is_last = is_last(forms.len());
    let next = forms.last().filter(|_| !is_last).map(|form| form.id.clone());
    let due: Vec<String> = forms.into_iter().filter(|form| form.due).map(|form| form.id).collect();
    if !due.is_empty() {
        read_here(server, due).await?;
    }
    *upto = next.unwrap_or_default();
    Ok(())
}

async fn read_here(server: &Server, mut forms: Vec<String>) -> Result<(), ApiError> {
    let model = model(server).await?;
    let mut connection = server.database(Service::E14)?.connection().await?;
    forms.truncate(room(server, &mut connection).await?);
    file::adopt_forms(&mut connection, &forms).await?;
    queue(server, &mut connection, &forms, &model, JobPriority::Normal).await
}

/// Jobs for which the queue has room.
async fn room(server: &Server, connection: &mut PgConnection) -> Result<usize, ApiError> {
    let room = i64::from(server.config.work.queue.limit) - jobs::waiting(connection).await?;
    Ok(usize::try_from(room).unwrap_or(0))
}

async fn queue(
    server: &Server,
    connection: &mut PgConnection,
    files: &[String],
    model: &str,
    priority: JobPriority,
) -> Result<(), ApiError> {
    if files.is_empty() {
        return Ok(());
    }
    let wish = jobs::Wish {
        model,
        priority,
        account: Uuid::nil(),
        force: false,
    };
    jobs::enqueue(connection, files, &wish, &server.config.work.queue).await?;
    Ok(())
}

/// The model that jobs are queued for: this process's own where it takes jobs, else that of the workers that do.
pub(crate) async fn model(server: &Server) -> Result<String, ApiError> {
    let of_workers = async || {
        let mut connection = server.database(Service::E14)?.connection().await?;
        Ok::<_, ApiError>(pipeline::model(&mut connection, &server.config.work.queue).await?)
    };
    if server.config.work.workers == 0
        && let Some(workers) = of_workers().await?.filter(|workers| workers.alive)
    {
        return Ok(workers.model);
    }
    let problem = match server.readers.reader().await {
        Ok(reader) => return Ok(reader.model_version().to_owned()),
        Err(problem) => problem,
    };
    let workers = of_workers().await?;
    workers.map(|workers| workers.model).ok_or_else(|| problem.into())
}
