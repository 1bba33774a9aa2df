//! The source folder: forms that lie in it are taken into the store, and while a run is under way they are queued as far as
//! the queue has room.

use super::job::JobPriority;
use super::pipeline::{PipelineOrder, PipelineState};
use super::store::{Given, keep_file};
use crate::config::Service;
use crate::error::{ApiError, ErrorCode};
use crate::repo::file::{self, Place, SourceFile};
use crate::repo::{job as jobs, pipeline};
use crate::server::Server;
use axum::body::Bytes;
use castor_ingest::provenance::plain_name;
use castor_ingest::{Provenance, Source};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

/// Between two looks through the folder, and between two fillings of the queue.
const LOOK: Duration = Duration::from_secs(60);
const FILL: Duration = Duration::from_secs(1);
/// Folders within folders.
const DEEPEST: usize = 12;
/// Files that are asked about at once.
const AT_ONCE: usize = 500;

/// What is wrong with a file itself.
const OF_THE_FILE: [ErrorCode; 3] = [ErrorCode::InvalidFile, ErrorCode::TooLarge, ErrorCode::TooManyPages];

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lying {
    /// Its path within the folder.
    path: String,
    bytes: i64,
    /// Milliseconds since 1970.
    modified: i64,
}

/// Looks through the source folder and fills the queue, until the server ends.
pub(crate) async fn keep_source(server: Server) {
    let mut looked = None;
    loop {
        let due = looked.is_none_or(|at: std::time::Instant| at.elapsed() >= LOOK);
        if let Some(folder) = server.config.work.source.clone().filter(|_| due) {
            match take_in(&server, &folder).await {
                Ok(()) => looked = Some(std::time::Instant::now()),
                Err(error) => tracing::warn!(%error, "the source folder could not be taken in whole; trying again"),
            }
        }
        if let Err(error) = go_on(&server).await {
            tracing::debug!(%error, "the queue could not be filled; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(FILL) => {}
            () = server.intake.notified() => looked = None,
        }
    }
}

/// Fills the queue while a run is under way.
async fn go_on(server: &Server) -> Result<(), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let order = pipeline::read(&mut connection).await?;
    drop(connection);
    if order.state == PipelineState::Running {
        fill(server, &order).await?;
    }
    Ok(())
}

/// Queues files that no job reads yet and that the order means, as far as there is room; how many.
pub(crate) async fn fill(server: &Server, order: &PipelineOrder) -> Result<usize, ApiError> {
    let model = model(server).await?;
    let rules = &server.config.work.queue;
    let place = Place {
        corporacion: order.election_type.clone(),
        copia: order.copy_type.clone(),
        ..Place::default()
    };
    let mut connection = server.database(Service::E14)?.connection().await?;
    let room = i64::from(rules.limit) - jobs::waiting(&mut connection).await?;
    if room <= 0 {
        return Ok(0);
    }
    let found = file::find(&mut connection, &place, &model, room).await?;
    let files: Vec<String> = found.into_iter().filter(|f| !f.queued).map(|f| f.sha256).collect();
    let wish = jobs::Wish {
        model: &model,
        priority: JobPriority::Low,
        account: Uuid::nil(),
        force: false,
    };
    jobs::enqueue(&mut connection, &files, &wish, rules).await?;
    Ok(files.len())
}

/// The model that jobs are queued for: this process's own, else that of the workers.
pub(crate) async fn model(server: &Server) -> Result<String, ApiError> {
    let problem = match server.readers.reader().await {
        Ok(reader) => return Ok(reader.model_version().to_owned()),
        Err(problem) => problem,
    };
    let mut connection = server.database(Service::E14)?.connection().await?;
    pipeline::model(&mut connection).await?.ok_or_else(|| problem.into())
}

/// Takes in what is new in the folder.
async fn take_in(server: &Server, folder: &Path) -> Result<(), ApiError> {
    let root = folder.to_owned();
    let listed = tokio::task::spawn_blocking(move || lying(&root)).await;
    let listed = listed.map_err(|_| ApiError::internal())?.map_err(|error| {
        tracing::error!(folder = %folder.display(), %error, "the source folder cannot be read; check E14_SOURCE");
        ApiError::internal()
    })?;
    for part in listed.chunks(AT_ONCE) {
        let paths: Vec<String> = part.iter().map(|file| file.path.clone()).collect();
        let mut connection = server.database(Service::E14)?.connection().await?;
        let seen = file::seen(&mut connection, &paths).await?;
        drop(connection);
        let seen: HashMap<String, (i64, i64)> = seen.into_iter().map(|(path, a, b)| (path, (a, b))).collect();
        for file in part {
            if seen.get(&file.path) != Some(&(file.bytes, file.modified)) {
                take(server, folder, file).await?;
            }
        }
    }
    Ok(())
}

/// Takes one file in, or notes why not.
async fn take(server: &Server, folder: &Path, lying: &Lying) -> Result<(), ApiError> {
    let outcome = match content(server, folder, lying).await {
        Ok(bytes) => {
            let given = Given {
                bytes,
                from: Provenance {
                    name: plain_name(&lying.path),
                    source: Source::Registraduria,
                    url: None,
                },
                election: None,
                account: None,
            };
            keep_file(server, &given, None).await
        }
        Err(error) => Err(error),
    };
    let told = match outcome {
        Ok(facts) => Ok(facts.sha256),
        Err(error) if OF_THE_FILE.contains(&error.code()) => {
            tracing::warn!(file = lying.path, %error, "a file of the source folder is not taken");
            Err((error.code().name(), error.to_string()))
        }
        // The store or the database: nothing is wrong with the file.
        Err(error) => return Err(error),
    };
    let mut connection = server.database(Service::E14)?.connection().await?;
    let note = SourceFile {
        path: &lying.path,
        bytes: lying.bytes,
        modified: lying.modified,
        outcome: told
            .as_ref()
            .map(String::as_str)
            .map_err(|(code, message)| (code.as_str(), message.as_str())),
    };
    file::note(&mut connection, &note).await?;
    Ok(())
}

async fn content(server: &Server, folder: &Path, lying: &Lying) -> Result<Bytes, ApiError> {
    let limit = server.config.work.files.most_bytes;
    if u64::try_from(lying.bytes).is_ok_and(|bytes| bytes > limit) {
        return Err(ApiError::new(
            ErrorCode::TooLarge,
            format!("the file is larger than {limit} bytes"),
        ));
    }
    let read = tokio::fs::read(folder.join(&lying.path)).await;
    read.map(Bytes::from)
        .map_err(|error| ApiError::new(ErrorCode::InvalidFile, format!("the file cannot be read: {error}")))
}

/// The forms in a folder and in those below it, by path. Links are not followed.
fn lying(root: &Path) -> std::io::Result<Vec<Lying>> {
    let mut found = Vec::new();
    let mut folders = vec![(PathBuf::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEEPEST {
                folders.push((path, depth + 1));
            } else if kind.is_file() && is_form(&path) {
                let metadata = entry.metadata()?;
                let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                found.push(Lying {
                    path: path.to_string_lossy().into_owned(),
                    bytes: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
                    modified: i64::try_from(modified.as_millis()).unwrap_or(i64::MAX),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn is_form(path: &Path) -> bool {
    let known = ["pdf", "png", "jpg", "jpeg", "tif", "tiff", "webp"];
    path.extension()
        .is_some_and(|extension| known.iter().any(|one| extension.eq_ignore_ascii_case(one)))
}
