//! The source folder: forms that lie in it are taken into the store.

use super::store::{Given, keep_file};
use crate::config::Service;
use crate::error::{ApiError, ErrorCode};
use crate::repo::file::{self, SourceFile};
use crate::server::Server;
use axum::body::Bytes;
use castor_ingest::provenance::plain_name;
use castor_ingest::{Provenance, Source};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Between two looks through the folder.
const LOOK: Duration = Duration::from_secs(60);
/// After one that was broken off.
const AGAIN: Duration = Duration::from_secs(5);
/// Folders within folders.
const DEEPEST: usize = 12;
/// Files that are asked about at once.
const AT_ONCE: usize = 500;
/// Files in a row that the store or the database does not take, before a look is broken off.
const IN_A_ROW: usize = 10;

/// What is wrong with a file itself.
const OF_THE_FILE: [ErrorCode; 3] = [ErrorCode::InvalidFile, ErrorCode::TooLarge, ErrorCode::TooManyPages];
/// What is wrong with what every file needs.
const OF_ALL: [ErrorCode; 4] = [
    ErrorCode::DatabaseUnavailable,
    ErrorCode::StorageFull,
    ErrorCode::ObjectsUnavailable,
    ErrorCode::ReaderUnavailable,
];

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lying {
    /// Its path within the folder.
    path: String,
    bytes: i64,
    /// Milliseconds since 1970.
    modified: i64,
}

/// Looks through the source folder until the server ends.
pub(crate) async fn keep_source(server: Server) {
    let Some(folder) = server.config.work.source.clone() else {
        return;
    };
    let mut started = server.intake.subscribe();
    loop {
        let pause = match take_in(&server, &folder).await {
            Ok(()) => LOOK,
            Err(error) => {
                tracing::warn!(%error, "the source folder could not be taken in whole; trying again");
                AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // The sender lives as long as the server.
            _ = started.changed() => {}
        }
    }
}

/// Takes in what is new in the folder. A file that fails keeps no other from being taken in.
async fn take_in(server: &Server, folder: &Path) -> Result<(), ApiError> {
    let root = folder.to_owned();
    let listed = tokio::task::spawn_blocking(move || lying(&root)).await;
    let listed = listed.map_err(|_| ApiError::internal())?.map_err(|error| {
        tracing::error!(folder = %folder.display(), %error, "the source folder cannot be read; check E14_SOURCE");
        ApiError::internal()
    })?;
    let mut in_a_row = 0;
    for part in listed.chunks(AT_ONCE) {
        let paths: Vec<String> = part.iter().map(|file| file.path.clone()).collect();
        let mut connection = server.database(Service::E14)?.connection().await?;
        let seen = file::seen(&mut connection, &paths).await?;
        drop(connection);
        let seen: HashMap<String, (i64, i64)> = seen.into_iter().map(|(path, a, b)| (path, (a, b))).collect();
        let new = part
            .iter()
            .filter(|file| seen.get(&file.path) != Some(&(file.bytes, file.modified)));
        for file in new {
            match take(server, folder, file).await {
                Ok(()) => in_a_row = 0,
                Err(error) => {
                    tracing::warn!(file = file.path, %error, "a file of the source folder could not be taken in; trying again later");
                    in_a_row = if OF_ALL.contains(&error.code()) {
                        in_a_row + 1
                    } else {
                        0
                    };
                    if in_a_row == IN_A_ROW {
                        return Err(error);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Takes one file in, or notes why not. An error lies with the moment, or with the program: nothing is noted of the file.
async fn take(server: &Server, folder: &Path, lying: &Lying) -> Result<(), ApiError> {
    let outcome = match content(folder, lying, server.config.work.files.most_bytes).await {
        Ok(None) => return Ok(()),
        Ok(Some(bytes)) => {
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

/// A file's bytes; none where it has gone since the folder was listed.
async fn content(folder: &Path, lying: &Lying, limit: u64) -> Result<Option<Bytes>, ApiError> {
    if u64::try_from(lying.bytes).is_ok_and(|bytes| bytes > limit) {
        let text = format!("the file is larger than {limit} bytes");
        return Err(ApiError::new(ErrorCode::TooLarge, text));
    }
    match tokio::fs::read(folder.join(&lying.path)).await {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            tracing::warn!(file = lying.path, %error, "a file of the source folder cannot be read");
            Err(ApiError::internal())
        }
    }
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

#[cfg(test)]
mod tests {
    use super::{Lying, OF_THE_FILE, content};

    #[tokio::test]
    async fn what_cannot_be_read_at_the_moment_is_not_said_to_be_no_form() {
        let folder = std::env::temp_dir();
        let lying = |path: &str, bytes| Lying {
            path: path.to_owned(),
            bytes,
            modified: 0,
        };
        // A folder in the place of the file: the system refuses to read it.
        let unreadable = content(&folder, &lying(".", 10), 100).await;
        assert!(
            matches!(&unreadable, Err(error) if !OF_THE_FILE.contains(&error.code())),
            "{unreadable:?}"
        );
        let gone = content(&folder, &lying("gone.pdf", 10), 100).await;
        assert!(matches!(gone, Ok(None)), "{gone:?}");
        let large = content(&folder, &lying("gone.pdf", 101), 100).await;
        assert!(
            matches!(&large, Err(error) if OF_THE_FILE.contains(&error.code())),
            "{large:?}"
        );
    }
}
