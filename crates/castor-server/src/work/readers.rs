//! Readings at a time: a bounded number, off the async threads, with one reader that is opened when it is first needed.

use castor_ingest::file::{look, look_pages};
use castor_ingest::{FileFacts, FileProblem, FileRules, open_reader};
use castor_vision::input::Document;
use castor_vision::read::{FormReader, ReadError, ReadForm};
use castor_vision::runtime::RuntimeError;
use metrics::gauge;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

/// A reading takes seconds. What takes so long hangs.
const LONGEST: Duration = Duration::from_secs(15 * 60);

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
    /// The reader had not come to an end after so long that it never will.
    #[error("RUN_003 the reader did not come to an end with this file; please report it")]
    TooLong,
}

impl ReadingProblem {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::File(problem) => problem.code(),
            Self::Runtime(_) => "RUN_001",
            Self::Failed => "RUN_002",
            Self::TooLong => "RUN_003",
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
    /// Opening the reader failed when it was tried last.
    failed: AtomicBool,
    rules: FileRules,
    longest: Duration,
}

impl Readers {
    pub(crate) fn new(places: usize, rules: FileRules) -> Self {
        Self {
            reader: OnceCell::new(),
            places: Arc::new(Semaphore::new(places)),
            busy: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            rules,
            longest: LONGEST,
        }
    }

    /// The reader, opened when it is first asked for; a failure is not kept, so that what was missing can be installed.
    pub(crate) async fn reader(&self) -> Result<Arc<FormReader>, ReadingProblem> {
        let open = async || {
            let opened = tokio::task::spawn_blocking(|| open_reader(None)).await;
            let reader = opened.map_err(|_| ReadingProblem::Failed)??;
            Ok::<_, ReadingProblem>(Arc::new(reader))
        };
        let reader = self.reader.get_or_try_init(open).await.cloned();
        self.failed.store(reader.is_err(), Ordering::Relaxed);
        reader
    }

    /// Whether opening the reader failed when it was tried last.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// The model that reads here, once the reader was opened.
    pub(crate) fn model(&self) -> Option<String> {
        self.reader.get().map(|reader| reader.model_version().to_owned())
    }

    /// Looks a file over.
    pub(crate) async fn look(&self, name: &str, bytes: Vec<u8>) -> Result<(Document, FileFacts), ReadingProblem> {
        let name = name.to_owned();
        self.open(move |rules| look(&name, bytes, rules)).await
    }

    /// Looks a form over whose pages are files of their own.
    pub(crate) async fn look_pages(
        &self,
        name: &str,
        files: Vec<Vec<u8>>,
    ) -> Result<(Document, FileFacts), ReadingProblem> {
        let name = name.to_owned();
        self.open(move |rules| look_pages(&name, files, rules)).await
    }

    async fn open(
        &self,
        look: impl FnOnce(&FileRules) -> Result<(Document, FileFacts), FileProblem> + Send + 'static,
    ) -> Result<(Document, FileFacts), ReadingProblem> {
        let rules = self.rules;
        let _place = self.place().await?;
        Ok(self.in_time(move || look(&rules)).await??)
    }

    /// Reads a form.
    pub(crate) async fn read(&self, document: Document) -> Result<ReadForm, ReadingProblem> {
        let reader = self.reader().await?;
        let _place = self.place().await?;
        let _busy = Busy::begin(&self.busy);
        Ok(self.in_time(move || reader.read(&document)).await??)
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, ReadingProblem> {
        self.places.acquire().await.map_err(|_| ReadingProblem::Failed)
    }

    /// Has something done off the async threads by who holds a place. What hangs is left: a thread cannot be ended from outside,
    /// but its place goes to others.
    async fn in_time<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadingProblem> {
        let work = tokio::task::spawn_blocking(move || std::panic::catch_unwind(AssertUnwindSafe(work)));
        let done = tokio::time::timeout(self.longest, work)
            .await
            .map_err(|_| ReadingProblem::TooLong)?;
        done.map_err(|_| ReadingProblem::Failed)?
            .map_err(|_| ReadingProblem::Failed)
    }
}

/// A reading under way, as the figures show it.
struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn begin(readings: &'a AtomicUsize) -> Self {
        show(readings.fetch_add(1, Ordering::Relaxed) + 1);
        Self(readings)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        show(self.0.fetch_sub(1, Ordering::Relaxed) - 1);
    }
}

fn show(readings: usize) {
    gauge!("castor_ocr_workers_active").set(small(readings));
}

fn small(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::{Readers, ReadingProblem};
    use castor_ingest::FileRules;
    use std::sync::mpsc;
    use std::time::Duration;

    #[tokio::test]
    async fn what_hangs_keeps_no_place_from_others() {
        let mut readers = Readers::new(1, FileRules::default());
        readers.longest = Duration::from_millis(50);
        let (end, ended) = mpsc::channel::<()>();
        let hangs = async {
            let _place = readers.place().await;
            readers.in_time(move || ended.recv().is_ok()).await
        };
        let hung = tokio::time::timeout(Duration::from_secs(20), hangs).await;
        assert!(matches!(hung, Ok(Err(ReadingProblem::TooLong))), "{hung:?}");
        let next = async {
            let _place = readers.place().await;
            readers.in_time(|| 7).await
        };
        let next = tokio::time::timeout(Duration::from_secs(20), next).await;
        assert!(matches!(next, Ok(Ok(7))), "{next:?}");
        drop(end);
    }

    #[tokio::test]
    async fn the_clock_starts_with_the_place() {
        let mut readers = Readers::new(1, FileRules::default());
        readers.longest = Duration::from_millis(6_000);
        let one = async || {
            let _place = readers.place().await;
            readers
                .in_time(|| std::thread::sleep(Duration::from_millis(2_500)))
                .await
        };
        let (first, second, third) = tokio::join!(one(), one(), one());
        for done in [first, second, third] {
            assert!(matches!(done, Ok(())), "{done:?}");
        }
    }
}
