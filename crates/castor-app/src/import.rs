//! Taking files in: remembered first, read in the background, each with its outcome.

use crate::desk::rfc3339;
use crate::view::{ImportItem, ImportStatus};
use crate::{AppError, Desk};
use castor_domain::review::{Case, Event, MACHINE, Moment, Recorded};
use castor_store::{ImportRow, ImportState, StoreError};
use castor_vision::input::{Document, Limits};
use castor_vision::read::ReadError;
use serde::Serialize;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// Largest ZIP content taken out, in bytes and files.
const ZIP_BYTES: u64 = 8 << 30;
const ZIP_FILES: usize = 100_000;

/// The background work of the import.
#[derive(Debug, Default)]
pub(crate) struct Importing {
    paused: AtomicBool,
    woken: Arc<Notify>,
    /// When the last forms were done, for the pace.
    finished: Mutex<VecDeque<Moment>>,
}

impl Importing {
    /// Starts the workers, one for each core. They end with the desk.
    pub(crate) fn start(&self, desk: &Arc<Desk>) {
        let weak = Arc::downgrade(desk);
        let woken = Arc::clone(&self.woken);
        tokio::spawn(async move { work(weak, woken).await });
    }
}

/// Reads what waits, as many files at a time as there are cores.
async fn work(desk: Weak<Desk>, woken: Arc<Notify>) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    loop {
        let Some(strong) = desk.upgrade() else { return };
        let paused = strong.importing.paused.load(Ordering::Relaxed);
        let limit = u32::try_from(cores).unwrap_or(1);
        let waiting = if paused {
            Vec::new()
        } else {
            strong.store.waiting_imports(limit).await.unwrap_or_default()
        };
        if waiting.is_empty() {
            drop(strong);
            // Woken at once by new files; the pause between looks covers a database that was busy.
            let _ = tokio::time::timeout(Duration::from_secs(2), woken.notified()).await;
            continue;
        }
        let tasks: Vec<_> = waiting
            .into_iter()
            .map(|row| {
                let desk = Arc::clone(&strong);
                tokio::spawn(async move { desk.take_in(row).await })
            })
            .collect();
        let mut failing = false;
        for task in tasks {
            // What went wrong with a file is written beside it. Where even that cannot be written (the disk is full), the
            // file stays in the queue and is tried again after a while.
            failing |= !matches!(task.await, Ok(Ok(())));
        }
        if failing {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
}

/// What became of a file.
struct Outcome {
    state: ImportState,
    sha256: Option<String>,
    failure: Option<(String, String)>,
}

/// One stretch of the list of files given.
#[derive(Debug, Serialize, ts_rs::TS)]
pub(crate) struct ImportPage {
    pub(crate) total: u32,
    pub(crate) items: Vec<ImportItem>,
}

impl Desk {
    /// Takes files in: PDFs, images, folders, ZIP archives.
    ///
    /// # Errors
    /// [`AppError`] when a path cannot be looked at; nothing is taken in then.
    pub async fn import(&self, paths: &[PathBuf], demo: bool) -> Result<ImportStatus, AppError> {
        let mut sources = Vec::new();
        for path in paths {
            self.spread(path, &mut sources)?;
        }
        if sources.is_empty() {
            return Err(AppError::Asked("no PDF, image or ZIP in what was given".to_owned()));
        }
        self.store.add_imports(&sources, demo, (self.clock)()).await?;
        self.importing.woken.notify_one();
        self.import_status().await
    }

    /// The forms that a path holds: a folder of page images is one form, any other folder holds forms.
    fn spread(&self, path: &Path, sources: &mut Vec<String>) -> Result<(), AppError> {
        let unreadable = |e: std::io::Error| AppError::file(path, &e);
        let kind = |path: &Path| {
            let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
            match extension.as_deref() {
                Some("pdf") => Kind::Form,
                Some("png" | "jpg" | "jpeg" | "tif" | "tiff" | "webp") => Kind::Picture,
                Some("zip") => Kind::Archive,
                _ => Kind::Other,
            }
        };
        if !path.metadata().map_err(unreadable)?.is_dir() {
            if kind(path) == Kind::Archive {
                return self.spread(&self.unpacked(path)?, sources);
            }
            // Whatever the name says, the content decides; a file that is no form gets its error beside it.
            sources.push(path.display().to_string());
            return Ok(());
        }
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(unreadable)?
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .collect();
        entries.sort();
        let pictures = entries.iter().filter(|e| kind(e) == Kind::Picture).count();
        let others = entries
            .iter()
            .any(|e| e.is_dir() || matches!(kind(e), Kind::Form | Kind::Archive));
        if pictures > 0 && !others {
            sources.push(path.display().to_string());
            return Ok(());
        }
        for entry in entries {
            if entry.is_dir() || kind(&entry) != Kind::Other {
                self.spread(&entry, sources)?;
            }
        }
        Ok(())
    }

    /// A ZIP archive taken out into a folder of its own.
    fn unpacked(&self, path: &Path) -> Result<PathBuf, AppError> {
        let fails = |e: &dyn std::fmt::Display| AppError::file(path, &e.to_string());
        let file = std::fs::File::open(path).map_err(|e| fails(&e))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|e| fails(&e))?;
        let folder = self
            .store
            .folder()
            .join("incoming")
            .join(uuid::Uuid::now_v7().to_string());
        if archive.len() > ZIP_FILES {
            return Err(fails(&format!("more than {ZIP_FILES} files in one archive")));
        }
        let mut left = ZIP_BYTES;
        for i in 0..archive.len() {
            let mut entry = archive.by_index(i).map_err(|e| fails(&e))?;
            // Names that lead out of the folder are passed over.
            let Some(name) = entry.enclosed_name() else { continue };
            let target = folder.join(name);
            if entry.is_dir() {
                continue;
            }
            let parent = target.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent).map_err(|e| fails(&e))?;
            let mut out = std::fs::File::create(&target).map_err(|e| fails(&e))?;
            let written = std::io::copy(&mut std::io::Read::take(&mut entry, left), &mut out).map_err(|e| fails(&e))?;
            left -= written;
            if left == 0 {
                return Err(fails(&format!("more than {ZIP_BYTES} bytes in one archive")));
            }
        }
        Ok(folder)
    }

    /// Reads one file and writes what became of it.
    async fn take_in(self: Arc<Self>, row: ImportRow) -> Result<(), AppError> {
        let outcome = match self.read_in(&row).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome {
                state: ImportState::Failed,
                sha256: None,
                failure: Some((error.code().to_owned(), error.to_string())),
            },
        };
        let failure = outcome
            .failure
            .as_ref()
            .map(|(code, message)| (code.as_str(), message.as_str()));
        let at = (self.clock)();
        self.store
            .settle_import(row.seq, outcome.state, outcome.sha256.as_deref(), failure, at)
            .await?;
        let mut finished = self.importing.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.push_back(at);
        if finished.len() > 600 {
            finished.pop_front();
        }
        Ok(())
    }

    async fn read_in(self: &Arc<Self>, row: &ImportRow) -> Result<Outcome, AppError> {
        let path = PathBuf::from(&row.source);
        let desk = Arc::clone(self);
        let source = path.clone();
        let (hash, read) = tokio::task::spawn_blocking(move || desk.opened(&source))
            .await
            .map_err(|e| AppError::Cut(e.to_string()))??;
        let known = match self.store.case(&hash).await {
            Ok(case) => Some(case),
            Err(StoreError::NoSuchForm(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if known.as_ref().is_some_and(|case| case.reading().is_some()) {
            return Ok(Outcome {
                state: ImportState::Duplicate,
                sha256: Some(hash),
                failure: None,
            });
        }
        let name = path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let mut events = Vec::new();
        if known.is_none() {
            events.push(self.event(MACHINE, Event::Imported { name, demo: row.demo }));
        }
        let (state, failure, event) = match read {
            Ok(mut form) => {
                if let Some(threshold) = self.settings().await?.threshold {
                    form.reading.ask_below(threshold);
                }
                let event = Event::Read {
                    reading: Box::new(form.reading),
                    model: self.reader.model_version().to_owned(),
                };
                (ImportState::Read, None, event)
            }
            Err(error) => {
                let error = AppError::from(error);
                let (code, message) = (error.code().to_owned(), error.to_string());
                let event = Event::Unreadable {
                    code: code.clone(),
                    message: message.clone(),
                };
                (ImportState::Failed, Some((code, message)), event)
            }
        };
        events.push(self.event(MACHINE, event));
        let sampling = self.settings().await?.sampling;
        let make = |case: &Case| -> Result<Vec<Recorded>, AppError> {
            self.ask_second(&hash, case, &mut events, &sampling)?;
            Ok(events)
        };
        self.store.append_with(&hash, make).await?;
        self.syncing.has_work();
        Ok(Outcome {
            state,
            sha256: Some(hash),
            failure,
        })
    }

    /// Opens, keeps and reads a file.
    fn opened(&self, path: &Path) -> Result<(String, Result<castor_vision::read::ReadForm, ReadError>), AppError> {
        let document = Document::open(path, &Limits::default())?;
        let hash = document.sha256().to_owned();
        self.store.put_tree(path, &hash)?;
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.reader.read(&document)));
        let read = read.map_err(|_| AppError::Cut("the reader failed on this file; please report it".to_owned()))?;
        Ok((hash, read))
    }

    /// How the import goes.
    pub(crate) async fn import_status(&self) -> Result<ImportStatus, AppError> {
        let count = self.store.import_count().await?;
        let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        let since = (self.clock)().0 - 60_000;
        let finished = self.importing.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = finished.iter().filter(|at| at.0 >= since).count();
        Ok(ImportStatus {
            waiting: small(count.waiting),
            done: small(count.done),
            failed: small(count.failed),
            paused: self.importing.paused.load(Ordering::Relaxed),
            per_minute: u16::try_from(lately).ok().filter(|n| *n > 0).map(f32::from),
        })
    }

    /// Pauses or goes on.
    pub(crate) async fn pause_import(&self, paused: bool) -> Result<ImportStatus, AppError> {
        self.importing.paused.store(paused, Ordering::Relaxed);
        self.importing.woken.notify_one();
        self.import_status().await
    }

    /// Files given, latest first.
    pub(crate) async fn import_items(&self, offset: u32, limit: u32) -> Result<ImportPage, AppError> {
        let (total, rows) = self.store.imports(offset, limit.min(500)).await?;
        Ok(ImportPage {
            total: u32::try_from(total).unwrap_or(u32::MAX),
            items: rows
                .into_iter()
                .map(|row| ImportItem {
                    source: row.source,
                    state: row.state,
                    code: row.code,
                    message: row.message,
                    form: row.sha256,
                    at: rfc3339(row.at),
                    same_sheet: row.same_sheet,
                })
                .collect(),
        })
    }
}

#[derive(PartialEq)]
enum Kind {
    Form,
    Picture,
    Archive,
    Other,
}
