//! Exports of forms: what is asked for is read from one unchanging view of the store and written form by form.

mod crops;
mod csv;
mod folder;
mod json;
mod parquet;
mod sheet;
mod table;

pub(crate) use csv::quoted;
pub(crate) use folder::NewFolder;

use crate::desk::rfc3339;
use crate::log::history;
use crate::review::filter;
use crate::sweep::EXPORTS;
use crate::view::{ExportFormat, ExportProgress, ExportResult, HistoryView, QueueQuery};
use crate::{AppError, Desk};
use castor_domain::reading::{FieldReading, FormReading};
use castor_domain::review::{Decision, Sight, reference};
use castor_store::{Filed, FormLog, FormRow, Order, Store, hex};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Name of the files with a row for each cell, without their ending.
const NAME_OF_TABLE: &str = "casillas";
/// Forms that are loaded together.
const BATCH: usize = 100;

/// Which forms are asked for.
#[derive(Debug)]
pub(crate) enum Scope {
    /// What a query of the queue finds; its stretch counts for nothing.
    Found(Box<QueueQuery>),
    /// One form.
    Form(String),
}

/// What an export says of itself.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// When it is written, RFC 3339.
    produced_at: String,
    /// Hash of the last event that it knows of.
    head: String,
    /// How many events it knows of.
    events: i64,
}

/// One form to be written out, as far as the person at the desk may see it: what a blind reading or a decision between two
/// readings must not know stays unread in files too.
pub(crate) struct Exported {
    row: FormRow,
    log: FormLog,
    /// The form as it stands.
    form: FormReading,
    /// What happened to it, latest first.
    history: Vec<HistoryView>,
    /// Whether people's words are shown.
    open: bool,
    /// Where its file is kept.
    file: PathBuf,
}

impl Exported {
    /// `None` for a form that was never read.
    fn of(store: &Store, filed: Filed, person: &str) -> Option<Self> {
        Some(Self {
            file: store.blob_path(&filed.row.id),
            form: filed.log.case.seen_by(person)?,
            history: history(&filed.log, person),
            open: filed.log.case.sight(person) == Sight::Open,
            row: filed.row,
            log: filed.log,
        })
    }

    fn model(&self) -> &str {
        self.log.case.model()
    }

    /// The person's word that counts on a cell.
    fn word(&self, field: &FieldReading) -> Option<&Decision> {
        let word = self.log.case.decision(&reference(field));
        word.filter(|_| self.open)
    }
}

/// Writes forms in one format.
trait FormatWriter: Send {
    /// Writes one form.
    fn add(&mut self, folder: &mut NewFolder, form: &Exported) -> Result<(), AppError>;
    /// Writes what comes last.
    fn finish(self: Box<Self>, folder: &mut NewFolder) -> Result<(), AppError>;
}

/// The export that is being written.
#[derive(Debug, Default)]
pub(crate) struct Exporting {
    /// One at a time: each keeps a connection to the database as long as it lasts.
    turn: tokio::sync::Mutex<()>,
    progress: Mutex<Option<ExportProgress>>,
}

impl Exporting {
    fn set(&self, progress: Option<ExportProgress>) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Option<ExportProgress> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Writes forms out to a new folder under `exports/` of the data folder.
    pub(crate) async fn export(&self, format: ExportFormat, scope: Scope) -> Result<ExportResult, AppError> {
        let _turn = self.exporting.turn.lock().await;
        let written = self.written(format, scope).await;
        self.exporting.set(None);
        written
    }

    async fn written(&self, format: ExportFormat, scope: Scope) -> Result<ExportResult, AppError> {
        let person = self.settings().await?.person;
        let salt = self.pseudonym_salt().await?;
        if let Scope::Form(id) = &scope {
            self.store.form_row(id).await?;
        }
        // From here on the store is asked through the snapshot alone.
        let mut store = self.store.snapshot().await?;
        let (events, head) = store.head().await?;
        let about = About {
            produced_at: rfc3339((self.clock)()),
            head: hex(&head),
            events,
        };
        let ids = match scope {
            Scope::Found(query) => store.ids(&filter(&query, (self.clock)()), Order::Table).await?,
            Scope::Form(id) => vec![id],
        };
        let mut folder = self.export_folder()?;
        let mut writer = self.writer(format, &mut folder, &about, salt)?;
        let mut forms = 0u32;
        for batch in ids.chunks(BATCH) {
            let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            self.exporting.set(Some(ExportProgress {
                done: forms,
                total: small(ids.len()),
            }));
            let filed = store.forms(batch).await?.into_iter();
            let batch: Vec<Exported> = filed
                .filter_map(|filed| Exported::of(&self.store, filed, &person))
                .collect();
            forms += small(batch.len());
            (writer, folder) = apart(move || {
                batch.iter().try_for_each(|form| writer.add(&mut folder, form))?;
                Ok((writer, folder))
            })
            .await?;
        }
        let files = apart(move || {
            writer.finish(&mut folder)?;
            folder.finish()
        })
        .await?;
        Ok(ExportResult {
            files: files.iter().map(|path| path.display().to_string()).collect(),
            forms,
        })
    }

    fn writer(
        &self,
        format: ExportFormat,
        folder: &mut NewFolder,
        about: &About,
        salt: String,
    ) -> Result<Box<dyn FormatWriter>, AppError> {
        Ok(match format {
            ExportFormat::Csv => Box::new(csv::Csv::begin(folder)?),
            ExportFormat::Parquet => Box::new(parquet::Parquet::begin(folder, about)?),
            ExportFormat::JsonV1 => Box::new(json::JsonLines::begin(folder, json::Contract::Extraction, about)?),
            ExportFormat::JsonV2 => Box::new(json::JsonLines::begin(folder, json::Contract::Payload, about)?),
            ExportFormat::Sheet => Box::new(sheet::Sheets::new(about)),
            ExportFormat::Crops => Box::new(crops::Crops::begin(folder, Arc::clone(&self.reader), salt)?),
        })
    }

    /// What makes pseudonyms of reviewers' names: drawn once, so that a person keeps theirs, and never written out.
    async fn pseudonym_salt(&self) -> Result<String, AppError> {
        let drawn = uuid::Uuid::new_v4().to_string();
        Ok(self.store.setting_or("pseudonym_salt", drawn).await?)
    }

    /// A new folder for what is written now.
    pub(crate) fn export_folder(&self) -> Result<NewFolder, AppError> {
        let stamp = rfc3339((self.clock)()).replace(':', "-");
        NewFolder::begin(&self.store.folder().join(EXPORTS), &stamp)
    }
}

/// Does work that holds a thread where it holds up nobody.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, AppError> + Send + 'static) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| AppError::Cut(e.to_string()))?
}
