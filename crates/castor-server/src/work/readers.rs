//! Readings at a time: a bounded number, off the async threads, with one reader that is opened when it is first needed.

use castor_ingest::file::look;
use castor_ingest::{FileFacts, FileProblem, FileRules, open_reader};
use castor_vision::input::Document;
use castor_vision::read::{FormReader, ReadError, ReadForm};
use castor_vision::runtime::RuntimeError;
use metrics::gauge;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OnceCell, Semaphore};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadingProblem {
    /// The file is none of a form, or not within the rules. Trying again changes nothing.
    #[error(transparent)]
    File(#[from] FileProblem),
    /// A library or model is missing or failed.
    #[error("RUN_001 {0}")]
    Runtime(#[from] RuntimeError),
    /// The reader failed on this file.
    #[error("RUN_002 the reader failed on this file; please report it")]
    Failed,
}

impl ReadingProblem {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::File(problem) => problem.code(),
            Self::Runtime(_) => "RUN_001",
            Self::Failed => "RUN_002",
        }
    }
}

impl From<ReadError> for ReadingProblem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Input(error) => Self::File(error.into()),
            ReadError::Runtime(error) => Self::Runtime(error),
        }
    }
}

/// The readers of this process.
pub(crate) struct Readers {
    reader: OnceCell<Arc<FormReader>>,
    places: Arc<Semaphore>,
    busy: AtomicUsize,
    rules: FileRules,
}

impl Readers {
    pub(crate) fn new(places: usize, rules: FileRules) -> Self {
        Self {
            reader: OnceCell::new(),
            places: Arc::new(Semaphore::new(places)),
            busy: AtomicUsize::new(0),
            rules,
        }
    }

    /// The reader, opened when it is first asked for; a failure is not kept, so that what was missing can be installed.
    pub(crate) async fn reader(&self) -> Result<Arc<FormReader>, ReadingProblem> {
        let open = async || {
            let opened = tokio::task::spawn_blocking(|| open_reader(None)).await;
            let reader = opened.map_err(|_| ReadingProblem::Failed)??;
            Ok::<_, ReadingProblem>(Arc::new(reader))
        };
        self.reader.get_or_try_init(open).await.cloned()
    }

    /// The model that reads here, once the reader was opened.
    pub(crate) fn model(&self) -> Option<String> {
        self.reader.get().map(|reader| reader.model_version().to_owned())
    }

    /// Looks a file over.
    pub(crate) async fn look(&self, name: &str, bytes: Vec<u8>) -> Result<(Document, FileFacts), ReadingProblem> {
        let _place = self.place().await?;
        let (name, rules) = (name.to_owned(), self.rules);
        let looked = move || std::panic::catch_unwind(AssertUnwindSafe(|| look(&name, bytes, &rules)));
        let looked = tokio::task::spawn_blocking(looked)
            .await
            .map_err(|_| ReadingProblem::Failed)?;
        Ok(looked.map_err(|_| ReadingProblem::Failed)??)
    }

    /// Reads a form.
    pub(crate) async fn read(&self, document: Document) -> Result<ReadForm, ReadingProblem> {
        let reader = self.reader().await?;
        let _place = self.place().await?;
        let busy = self.busy.fetch_add(1, Ordering::Relaxed) + 1;
        gauge!("castor_ocr_workers_active").set(small(busy));
        let read = move || std::panic::catch_unwind(AssertUnwindSafe(|| reader.read(&document)));
        let read = tokio::task::spawn_blocking(read).await;
        let busy = self.busy.fetch_sub(1, Ordering::Relaxed) - 1;
        gauge!("castor_ocr_workers_active").set(small(busy));
        let read = read.map_err(|_| ReadingProblem::Failed)?;
        Ok(read.map_err(|_| ReadingProblem::Failed)??)
    }

    async fn place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ReadingProblem> {
        self.places.acquire().await.map_err(|_| ReadingProblem::Failed)
    }
}

fn small(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
