//! Where an export is written: a folder that appears whole, or not at all.

use crate::AppError;
use castor_store::sync_names;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// End of the temporary names.
const PART: &str = ".part";

/// A folder under a temporary name. Dropped before it is done, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct NewFolder {
    partial: PathBuf,
    target: PathBuf,
    files: Vec<PathBuf>,
    done: bool,
    /// The folder, locked as long as it is written: so others see that it was not left lying.
    _held: Option<File>,
}

impl NewFolder {
    /// Begins the folder of a name within `parent`; a number is added to a name that is taken.
    pub(crate) fn begin(parent: &Path, name: &str) -> Result<Self, AppError> {
        let mut target = parent.join(name);
        let mut more = 2;
        while target.exists() {
            target = parent.join(format!("{name}-{more}"));
            more += 1;
        }
        Self::begin_exact(&target)
    }

    /// Begins the folder of just this path.
    pub(crate) fn begin_exact(target: &Path) -> Result<Self, AppError> {
        let parent = target.parent().unwrap_or(target);
        let partial = parent.join(format!(".{}{PART}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&partial).map_err(|e| AppError::file(&partial, &e))?;
        let held = File::open(&partial).ok();
        Ok(Self {
            partial,
            target: target.to_owned(),
            files: Vec::new(),
            done: false,
            _held: held.filter(|folder| folder.try_lock().is_ok()),
        })
    }

    /// Takes away what programs that were cut off left under temporary names. What cannot be removed is a hidden folder
    /// that nothing reads.
    pub(crate) fn sweep(parent: &Path) {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name
                .to_str()
                .and_then(|name| name.strip_prefix('.')?.strip_suffix(PART));
            let ours = name.is_some_and(|id| uuid::Uuid::parse_str(id).is_ok());
            let left = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
            if ours && left() {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Where the folder stands until it is done.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Writes one file of the folder at once. `name` may lead through folders of its own.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), AppError> {
        let mut file = self.create(name)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(|e| AppError::file(&self.partial.join(name), &e))
    }

    /// Opens one file of the folder, to be written piece by piece and synced by its writer.
    pub(crate) fn create(&mut self, name: &str) -> Result<File, AppError> {
        let path = self.partial.join(name);
        let fails = |e: &std::io::Error| AppError::file(&path, e);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| fails(&e))?;
        }
        let file = File::create(&path).map_err(|e| fails(&e))?;
        self.files.push(PathBuf::from(name));
        Ok(file)
    }

    /// Lets the folder appear, and says where its files stand.
    pub(crate) fn finish(mut self) -> Result<Vec<PathBuf>, AppError> {
        std::fs::rename(&self.partial, &self.target).map_err(|e| AppError::file(&self.target, &e))?;
        self.done = true;
        let parent = self.target.parent().unwrap_or(&self.target);
        sync_names(parent).map_err(|e| AppError::file(parent, &e))?;
        Ok(self.files.iter().map(|name| self.target.join(name)).collect())
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.done {
            // What cannot be taken away is a hidden folder that nothing reads.
            let _ = std::fs::remove_dir_all(&self.partial);
        }
    }
}
