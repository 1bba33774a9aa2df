//! Files by their hash: written whole or not at all, checked when read.

use crate::{Page, Store, StoreError};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// SHA-256 of bytes as 64 hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of a file, whatever its size.
pub(crate) fn hash_file(path: &Path) -> std::io::Result<String> {
    Ok(hex(&passed_on(path, &mut std::io::sink())?))
}

/// Writes a file elsewhere; the SHA-256 of what was written.
fn passed_on(from: &Path, to: &mut impl std::io::Write) -> std::io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut file = File::open(from)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(hash.finalize().into());
        }
        let piece = piece.get(..read).unwrap_or_default();
        hash.update(piece);
        to.write_all(piece)?;
    }
}

/// Copies a file and waits until the disk has it; the SHA-256 of the copy.
fn copied(from: &Path, to: &mut File) -> std::io::Result<[u8; 32]> {
    let hash = passed_on(from, to)?;
    to.sync_all()?;
    Ok(hash)
}

/// Waits until the disk has the names in a folder: a file that was renamed is found after a power cut only when the folder
/// that holds it was written too.
///
/// # Errors
/// What the disk says.
pub fn sync_names(folder: &Path) -> std::io::Result<()> {
    // Systems that open no folders write names by themselves.
    File::open(folder).map_or(Ok(()), |folder| folder.sync_all())
}

/// Gives a file or folder of the store its name for good.
pub(crate) fn appear(partial: &Path, target: &Path) -> std::io::Result<()> {
    std::fs::rename(partial, target)?;
    target.parent().map_or(Ok(()), sync_names)
}

impl Store {
    /// Where the file of a hash stands.
    #[must_use]
    pub fn blob_path(&self, hash: &str) -> PathBuf {
        let start = hash.get(..2).unwrap_or("xx");
        self.blobs().join(start).join(hash)
    }

    fn blobs(&self) -> PathBuf {
        self.folder().join("blobs")
    }

    /// The folder that the file of a hash stands in, made where there is none.
    pub(crate) fn shelf(&self, hash: &str) -> std::io::Result<PathBuf> {
        let blobs = self.blobs();
        let shelf = blobs.join(hash.get(..2).unwrap_or("xx"));
        std::fs::create_dir_all(&shelf)?;
        sync_names(&blobs)?;
        Ok(shelf)
    }

    /// Keeps bytes as a file and returns its hash. What is there already, whole, is not written again.
    ///
    /// # Errors
    /// [`StoreError::Folder`] or [`StoreError::Full`] when it cannot be written.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let hash = sha256(bytes);
        if self.blob(&hash).is_ok() {
            return Ok(hash);
        }
        let path = self.blob_path(&hash);
        let write = || -> std::io::Result<()> {
            let shelf = self.shelf(&hash)?;
            // Under a name of its own, so that two writers of one file do not meet; the rename makes it appear whole.
            let mut partial = tempfile::NamedTempFile::new_in(&shelf)?;
            partial.write_all(bytes)?;
            partial.as_file().sync_all()?;
            partial.persist(&path)?;
            sync_names(&shelf)
        };
        write().map_err(|e| StoreError::folder(&path, &e))?;
        Ok(hash)
    }

    /// Keeps a file that is known by its hash already, in place of whatever stands there.
    ///
    /// # Errors
    /// [`StoreError::SourceChanged`] when the file is another by now, and those of [`Store::put_blob`]; nothing is changed
    /// then.
    pub fn put_file(&self, source: &Path, hash: &str) -> Result<(), StoreError> {
        let target = self.blob_path(hash);
        let write = || -> std::io::Result<bool> {
            let shelf = self.shelf(hash)?;
            let mut partial = tempfile::NamedTempFile::new_in(&shelf)?;
            if hex(&copied(source, partial.as_file_mut())?) != hash {
                return Ok(false);
            }
            partial.persist(&target)?;
            sync_names(&shelf)?;
            Ok(true)
        };
        match write().map_err(|e| StoreError::folder(&target, &e))? {
            true => Ok(()),
            false => Err(StoreError::SourceChanged(source.to_owned())),
        }
    }

    /// Keeps the page files of a form, in reading order, that are known by the SHA-256 over their binary hashes already, in
    /// place of whatever stands there.
    ///
    /// # Errors
    /// As [`Store::put_file`].
    pub fn put_pages(&self, pages: &[Page], hash: &str) -> Result<(), StoreError> {
        let target = self.blob_path(hash);
        let write = || -> std::io::Result<Option<&Path>> {
            let shelf = self.shelf(hash)?;
            let partial = tempfile::tempdir_in(&shelf)?;
            let mut whole = Sha256::new();
            for Page { sha256, path } in pages {
                let mut page = File::create(partial.path().join(path.file_name().unwrap_or_default()))?;
                let found = copied(path, &mut page)?;
                if hex(&found) != *sha256 {
                    return Ok(Some(path));
                }
                whole.update(found);
            }
            if hex(&whole.finalize()) != hash {
                return Ok(pages.first().and_then(|page| page.path.parent()));
            }
            sync_names(partial.path())?;
            self.replace_folder(&shelf, partial, &target)?;
            Ok(None)
        };
        match write().map_err(|e| StoreError::folder(&target, &e))? {
            None => Ok(()),
            Some(changed) => Err(StoreError::SourceChanged(changed.to_owned())),
        }
    }

    /// Lets a folder appear under a name; what stood there goes.
    fn replace_folder(&self, shelf: &Path, partial: tempfile::TempDir, target: &Path) -> std::io::Result<()> {
        // A folder cannot be renamed onto another: nobody else does the two steps meanwhile.
        let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let former = tempfile::tempdir_in(shelf)?;
        if target.exists() {
            std::fs::rename(target, former.path().join("former"))?;
        }
        appear(partial.path(), target)?;
        let _gone = partial.keep();
        Ok(())
    }

    /// Takes away what was left lying when a program that had this folder open was cut off: files that were being written,
    /// and pieces of files that nobody fetches any more. To be called before anything is written.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails. What cannot be removed takes some space and harms nothing.
    pub async fn sweep_blobs(&self) -> Result<(), StoreError> {
        let fetched: BTreeSet<String> = self.files_to_fetch(u32::MAX).await?.into_iter().collect();
        let blobs = self.blobs();
        let swept = tokio::task::spawn_blocking(move || {
            let shelves = entries(&blobs).into_iter().flat_map(|shelf| entries(&shelf));
            for path in shelves.filter(|path| left_lying(path, &fetched)) {
                remove(&path);
            }
        });
        swept.await.map_err(|e| StoreError::Database(e.to_string()))
    }

    /// The bytes of a hash.
    ///
    /// # Errors
    /// [`StoreError::BlobMissing`], or [`StoreError::BlobChanged`] when they are not what the hash says.
    pub fn blob(&self, hash: &str) -> Result<Vec<u8>, StoreError> {
        let missing = || StoreError::BlobMissing(hash.to_owned());
        let bytes = std::fs::read(self.blob_path(hash)).map_err(|_| missing())?;
        if sha256(&bytes) == hash {
            Ok(bytes)
        } else {
            Err(StoreError::BlobChanged(hash.to_owned()))
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Whether a path of a shelf is what a writer left that was cut off, while the files of these forms are being fetched.
fn left_lying(path: &Path, fetched: &BTreeSet<String>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.split_once('.') {
        // As `tempfile` names them.
        Some(("", rest)) => rest.starts_with("tmp"),
        Some((form, "joined")) => !fetched.contains(form),
        // Pages have hashes of their own.
        Some((_, "fetched")) => fetched.is_empty(),
        Some(_) | None => false,
    }
}

fn remove(path: &Path) {
    let _ = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
}
