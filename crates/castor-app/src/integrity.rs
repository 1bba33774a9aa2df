//! Whether everything that the desk keeps is there and whole.

use crate::AppError;
use castor_store::{ChainReport, Page, Store, StoreError, hex};
use castor_vision::input::{Document, Limits};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrity {
    /// Events whose chain was followed.
    pub events: i64,
    /// Hash of the last of them.
    pub head: String,
    /// Forms whose file was looked at.
    pub forms: usize,
    /// What is wrong, with a stable code; empty when all is well.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable code.
    pub code: &'static str,
    /// What and where, and what to do.
    pub message: String,
}

impl Problem {
    fn of(error: &StoreError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

/// Looks through the database, the chain of the log, the files of all forms and what is shown of them. Nothing is changed.
///
/// # Errors
/// [`AppError::Store`] when the database cannot even be asked.
pub async fn integrity(store: &Store) -> Result<Integrity, AppError> {
    let mut problems: Vec<Problem> = store
        .damage()
        .await?
        .into_iter()
        .map(|line| Problem::of(&StoreError::Damaged(line)))
        .collect();
    let chain = match store.verify().await {
        Ok(chain) => chain,
        Err(error) => {
            problems.push(Problem::of(&error));
            ChainReport::default()
        }
    };
    if let Some(seq) = chain.broken_at {
        problems.push(Problem {
            code: "INT_001",
            message: format!("INT_001 the log does not follow at event {seq}: it was changed; restore a backup"),
        });
    }
    let forms = store.forms_of_log().await?;
    problems.extend(
        forms
            .iter()
            .filter_map(|id| kept_whole(store, id).err().map(|e| Problem::of(&e))),
    );
    match store.stale_rows().await {
        Ok(stale) => problems.extend(stale.into_iter().map(|id| Problem {
            code: "INT_002",
            message: format!("INT_002 what is shown of form {id} does not follow from the log; rebuild what is shown"),
        })),
        Err(error) => problems.push(Problem::of(&error)),
    }
    Ok(Integrity {
        events: chain.events,
        head: hex(&chain.head),
        forms: forms.len(),
        problems,
    })
}

/// Whether a form's file, or folder of pages, is there with the content that its hash says.
pub(crate) fn kept_whole(store: &Store, id: &str) -> Result<(), StoreError> {
    let path = store.blob_path(id);
    if !path.is_dir() {
        return store.blob(id).map(|_| ());
    }
    match Document::open(&path, &Limits::default()) {
        Ok(document) if document.sha256() == id => Ok(()),
        Ok(_) | Err(_) => Err(StoreError::BlobChanged(id.to_owned())),
    }
}

/// The page files of a form that is a folder of them, in reading order; none of a single file.
pub(crate) fn pages_of(document: &Document) -> Vec<Page> {
    let page = |(path, sha256)| Page { sha256, path };
    document.page_files().into_iter().map(page).collect()
}

/// Writes what is shown of every form afresh from the log.
///
/// # Errors
/// [`AppError::Store`] when an event cannot be read; nothing is changed then.
pub async fn rebuild(store: &Store) -> Result<(), AppError> {
    Ok(store.rebuild().await?)
}
