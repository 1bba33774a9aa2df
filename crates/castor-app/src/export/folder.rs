//! Where an export is written: a folder that appears whole, or not at all.

use crate::AppError;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A folder under a temporary name. Dropped before it is done, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct NewFolder {
    partial: PathBuf,
    target: PathBuf,
    files: Vec<PathBuf>,
    done: bool,
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
        let partial = parent.join(format!(".{}.part", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&partial).map_err(|e| AppError::file(&partial, &e))?;
        Ok(Self {
            partial,
            target: target.to_owned(),
            files: Vec::new(),
            done: false,
        })
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
        // The new name is on the disk only when the folder that holds it is.
        let parent = self.target.parent().unwrap_or(&self.target);
        if let Ok(folder) = File::open(parent) {
            folder.sync_all().map_err(|e| AppError::file(parent, &e))?;
        }
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
