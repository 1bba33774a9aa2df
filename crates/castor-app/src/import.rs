//! Taking files in: remembered first, read in the background, each with its outcome.

mod sources;

use crate::desk::rfc3339;
use crate::integrity::{kept_whole, pages_of};
use crate::sweep::INCOMING;
use crate::view::{Failure, ImportItem, ImportStatus, SourceView};
use crate::{AppError, Desk};
use castor_domain::review::{Case, Event, MACHINE, Moment, Recorded};
use castor_store::{Beside, ImportOutcome, ImportRow, ImportState, NewImport, StoreError};
use castor_vision::input::{Document, Limits};
use serde::Serialize;
use sources::{Kind, Sources};
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};

/// Setting: whether reading was paused.
const PAUSED: &str = "import.paused";
/// Between two looks for files; new ones are told of at once.
const LOOK: Duration = Duration::from_secs(2);
/// Until the disk is tried again that took nothing.
const REST: Duration = Duration::from_secs(5);

/// The background work of the import.
#[derive(Debug, Default)]
pub(crate) struct Importing {
    paused: AtomicBool,
    woken: Arc<Notify>,
    /// When the last forms were done, for the pace.
    finished: Mutex<VecDeque<Moment>>,
    /// What keeps all files from being read, while it does.
    trouble: Mutex<Option<Failure>>,
}

impl Importing {
    /// Starts the workers, one for each core, unless reading was paused. They end with the desk.
    pub(crate) async fn start(&self, desk: &Arc<Desk>) -> Result<(), AppError> {
        let paused = desk.store.setting(PAUSED).await?.is_some_and(|value| value == "1");
        self.paused.store(paused, Ordering::SeqCst);
        let weak = Arc::downgrade(desk);
        let woken = Arc::clone(&self.woken);
        tokio::spawn(async move { work(weak, woken).await });
        Ok(())
    }

    fn say(&self, trouble: Option<Failure>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Files that are being read.
struct AtWork {
    tasks: JoinSet<Result<(), AppError>>,
    /// Their places among those given, by task.
    files: HashMap<Id, i64>,
    /// As many at a time.
    most: usize,
}

impl AtWork {
    fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            files: HashMap::new(),
            most: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }

    fn has_room(&self) -> bool {
        self.files.len() < self.most
    }

    /// Begins what waits, unless reading is paused.
    async fn fill(&mut self, desk: &Arc<Desk>) -> Result<(), AppError> {
        let paused = || desk.importing.paused.load(Ordering::SeqCst);
        if paused() || !self.has_room() {
            return Ok(());
        }
        let limit = u32::try_from(self.most + self.files.len()).unwrap_or(1);
        for row in desk.store.waiting_imports(limit).await? {
            // Asked again for each: what is given after a pause waits, whatever was asked for before it.
            if paused() || !self.has_room() {
                break;
            }
            let seq = row.seq;
            if self.files.values().all(|begun| *begun != seq) {
                let task = self.tasks.spawn(Arc::clone(desk).take_in(row));
                self.files.insert(task.id(), seq);
            }
        }
        Ok(())
    }

    /// Waits until one ends; without any for ever.
    async fn ended(&mut self) -> Result<(), AppError> {
        match self.tasks.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((task, outcome))) => {
                self.files.remove(&task);
                outcome
            }
            Some(Err(error)) => {
                self.files.remove(&error.id());
                Err(AppError::Cut(error.to_string()))
            }
        }
    }
}

/// Reads what waits, as many files at a time as there are cores. One that takes long, or never ends, holds up its own core.
async fn work(desk: Weak<Desk>, woken: Arc<Notify>) {
    let mut at_work = AtWork::new();
    // Whether it could not be seen what waits.
    let mut blind = false;
    loop {
        let Some(strong) = desk.upgrade() else { return };
        let looked = at_work.fill(&strong).await;
        if looked.is_err() || blind {
            strong.importing.say(looked.as_ref().err().map(Failure::of));
        }
        blind = looked.is_err();
        drop(strong);
        let room = at_work.has_room();
        let failure = tokio::select! {
            ended = at_work.ended() => ended.err(),
            () = woken.notified(), if room => continue,
            () = tokio::time::sleep(LOOK), if room => continue,
        };
        let Some(strong) = desk.upgrade() else { return };
        // What went wrong with a file is written beside it. Where even that cannot be written (the disk is full), the file
        // keeps its turn and is tried again after a while.
        strong.importing.say(failure.as_ref().map(Failure::of));
        drop(strong);
        if failure.is_some() {
            tokio::time::sleep(REST).await;
        }
    }
}

/// Whether an error stands in the way of every file, so that it says nothing of the one at hand.
fn stops_all(error: &AppError) -> bool {
    matches!(
        error,
        AppError::Store(StoreError::Full | StoreError::Unwritable(_) | StoreError::Occupied(_))
    )
}

/// One stretch of the list of files given.
#[derive(Debug, Serialize, ts_rs::TS)]
pub(crate) struct ImportPage {
    pub(crate) total: u32,
    pub(crate) items: Vec<ImportItem>,
}

impl Desk {
    /// Takes files of this computer in: PDFs, images, folders, ZIP archives.
    ///
    /// # Errors
    /// [`AppError`] when a path cannot be looked at; nothing is taken in then.
    pub async fn import(&self, paths: Vec<PathBuf>, demo: bool) -> Result<ImportStatus, AppError> {
        self.take(move || Sources::of(&paths), demo).await
    }

    /// Takes in what a browser put into a folder under [`Desk::incoming`], by the names that it gave.
    ///
    /// # Errors
    /// [`AppError`] when the folder cannot be looked at or the database fails.
    pub async fn import_sent(&self, folder: PathBuf) -> Result<ImportStatus, AppError> {
        self.take(move || Sources::sent(&folder), false).await
    }

    /// Where copies stand that are made to be read once.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.store.folder().join(INCOMING)
    }

    /// Looks for forms without holding anybody up, and remembers them.
    async fn take(
        &self,
        look: impl FnOnce() -> Result<Vec<NewImport>, AppError> + Send + 'static,
        demo: bool,
    ) -> Result<ImportStatus, AppError> {
        let files = tokio::task::spawn_blocking(look)
            .await
            .map_err(|e| AppError::Cut(e.to_string()))??;
        if files.is_empty() {
            return Err(AppError::NoForms);
        }
        self.store.add_imports(&files, demo, (self.clock)()).await?;
        self.importing.woken.notify_one();
        self.import_status().await
    }

    /// Reads one file and writes what became of it.
    async fn take_in(self: Arc<Self>, row: ImportRow) -> Result<(), AppError> {
        let path = PathBuf::from(&row.source);
        let taken = if Kind::of(&path) == Kind::Archive && path.is_file() {
            self.unpack(&row).await
        } else {
            self.read_in(&row).await
        };
        let at = (self.clock)();
        let state = match taken {
            Ok(state) => state,
            Err(error) if stops_all(&error) => return Err(error),
            Err(error) => {
                let outcome = ImportOutcome {
                    state: ImportState::Failed,
                    sha256: None,
                    failure: Some((error.code().to_owned(), error.to_string())),
                    at,
                };
                self.store.settle_import(row.seq, &outcome).await?;
                outcome.state
            }
        };
        if state != ImportState::Failed {
            let incoming = self.incoming();
            tokio::task::spawn_blocking(move || sources::forget(&path, &incoming))
                .await
                .map_err(|e| AppError::Cut(e.to_string()))?;
        }
        let mut finished = self.importing.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.push_back(at);
        if finished.len() > 600 {
            finished.pop_front();
        }
        Ok(())
    }

    /// Puts the files of an archive in its place. A run that was cut off begins it anew.
    async fn unpack(&self, row: &ImportRow) -> Result<ImportState, AppError> {
        let origin = known_as(row).to_owned();
        let path = PathBuf::from(&row.source);
        let folder = self.incoming().join(format!("zip-{}", row.seq));
        let files = tokio::task::spawn_blocking(move || {
            sources::unpack(&path, &origin, &folder).inspect_err(|_| {
                // Half of an archive is of no use to anybody.
                let _ = std::fs::remove_dir_all(&folder);
            })?;
            Ok::<_, AppError>(Sources::unpacked(&origin, &folder))
        })
        .await
        .map_err(|e| AppError::Cut(e.to_string()))??;
        if files.is_empty() {
            return Err(AppError::NoForms);
        }
        let outcome = ImportOutcome {
            state: ImportState::Unpacked,
            sha256: None,
            failure: None,
            at: (self.clock)(),
        };
        self.store.unpack_import(row.seq, &files, row.demo, &outcome).await?;
        Ok(outcome.state)
    }

    /// Reads a file as a form and settles it in one go with what was read: a run that was cut off leaves both or neither.
    async fn read_in(self: &Arc<Self>, row: &ImportRow) -> Result<ImportState, AppError> {
        let desk = Arc::clone(self);
        let source = PathBuf::from(&row.source);
        let document = tokio::task::spawn_blocking(move || desk.keep(&source))
            .await
            .map_err(|e| AppError::Cut(e.to_string()))??;
        let hash = document.sha256().to_owned();
        let settled = |state, failure| ImportOutcome {
            state,
            sha256: Some(hash.clone()),
            failure,
            at: (self.clock)(),
        };
        let repeats = settled(ImportState::Duplicate, None);
        match self.store.case(&hash).await {
            Ok(case) if case.reading().is_some() => {
                self.store.settle_import(row.seq, &repeats).await?;
                return Ok(repeats.state);
            }
            Ok(_) | Err(StoreError::NoSuchForm(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let settings = self.settings().await?;
        let (event, failure) = self.read(document, settings.threshold).await?;
        let mut state = match failure {
            None => ImportState::Read,
            Some(_) => ImportState::Failed,
        };
        let outcome = settled(state, failure);
        // The same file may have been read meanwhile, under another name or on another laptop. What it was first taken in
        // as stands, and people may already work on that reading.
        let make = |case: &Case| -> Result<(Vec<Recorded>, Beside), AppError> {
            if case.reading().is_some() {
                state = repeats.state;
                return Ok((Vec::new(), Beside::Import(row.seq, repeats)));
            }
            let mut events = Vec::new();
            if !case.is_imported() {
                let name = name_of(row);
                events.push(self.event(MACHINE, Event::Imported { name, demo: row.demo }));
            }
            events.push(self.event(MACHINE, event));
            self.ask_second(&hash, case, &mut events, &settings.sampling)?;
            Ok((events, Beside::Import(row.seq, outcome)))
        };
        self.store.append_beside(&hash, make).await?;
        if state != ImportState::Duplicate {
            self.syncing.has_work();
        }
        Ok(state)
    }

    /// Opens a file and keeps it.
    fn keep(&self, path: &Path) -> Result<Document, AppError> {
        let document = Document::open(path, &Limits::default())?;
        let hash = document.sha256();
        // What stands there and is not whole any more is what giving the file again mends.
        if kept_whole(&self.store, hash).is_err() {
            match pages_of(&document) {
                pages if pages.is_empty() => self.store.put_file(path, hash)?,
                pages => self.store.put_pages(&pages, hash)?,
            }
        }
        Ok(document)
    }

    /// What the machine reads of a file; beside it, code and words of why it reads nothing.
    async fn read(
        &self,
        document: Document,
        threshold: Option<f32>,
    ) -> Result<(Event, Option<(String, String)>), AppError> {
        let reader = Arc::clone(&self.reader);
        let read = tokio::task::spawn_blocking(move || {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reader.read(&document)))
                .map_err(|_| AppError::Cut("the reader failed on this file; please report it".to_owned()))
        });
        match read.await.map_err(|e| AppError::Cut(e.to_string()))?? {
            Ok(mut form) => {
                if let Some(threshold) = threshold {
                    form.reading.ask_below(threshold);
                }
                let model = self.reader.model_version().to_owned();
                let reading = Box::new(form.reading);
                Ok((Event::Read { reading, model }, None))
            }
            Err(error) => {
                let error = AppError::from(error);
                let (code, message) = (error.code().to_owned(), error.to_string());
                let failure = (code.clone(), message.clone());
                Ok((Event::Unreadable { code, message }, Some(failure)))
            }
        }
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
            paused: self.importing.paused.load(Ordering::SeqCst),
            per_minute: u16::try_from(lately).ok().filter(|n| *n > 0).map(f32::from),
            trouble: self
                .importing
                .trouble
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        })
    }

    /// Pauses or goes on, also after a restart.
    pub(crate) async fn pause_import(&self, paused: bool) -> Result<ImportStatus, AppError> {
        self.store.set_setting(PAUSED, if paused { "1" } else { "0" }).await?;
        self.importing.paused.store(paused, Ordering::SeqCst);
        self.importing.woken.notify_one();
        self.import_status().await
    }

    /// Lets files that could not be read wait for their turn again.
    pub(crate) async fn retry_import(&self) -> Result<ImportStatus, AppError> {
        self.store.retry_imports().await?;
        self.importing.woken.notify_one();
        self.import_status().await
    }

    /// Files given, latest first; `trouble` asks for those alone that failed or repeat another.
    pub(crate) async fn import_items(&self, offset: u32, limit: u32, trouble: bool) -> Result<ImportPage, AppError> {
        let (total, rows) = self.store.imports(offset, limit.min(500), trouble).await?;
        Ok(ImportPage {
            total: u32::try_from(total).unwrap_or(u32::MAX),
            items: rows.into_iter().map(item).collect(),
        })
    }

    /// Where a form's file came from, each time that it was given.
    pub(crate) async fn sources_of(&self, form: &str) -> Result<Vec<SourceView>, AppError> {
        let rows = self.store.imports_of(form).await?.into_iter();
        let view = |row: ImportRow| SourceView {
            source: known_as(&row).to_owned(),
            at: rfc3339(row.at),
        };
        Ok(rows.map(view).collect())
    }
}

/// What people know a file by: where it comes from, else its path.
fn known_as(row: &ImportRow) -> &str {
    row.origin.as_deref().unwrap_or(&row.source)
}

/// The name of a file alone.
fn name_of(row: &ImportRow) -> String {
    let last = known_as(row).rsplit(['/', '\\', '›']).next().unwrap_or_default();
    last.trim().to_owned()
}

fn item(row: ImportRow) -> ImportItem {
    ImportItem {
        source: known_as(&row).to_owned(),
        state: row.state,
        code: row.code,
        message: row.message,
        form: row.sha256,
        at: rfc3339(row.at),
        same_sheet: row.same_sheet,
    }
}
