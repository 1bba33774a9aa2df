//! Files by their hash: written whole or not at all, checked when read.

use crate::{Store, StoreError};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

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
    let mut hash = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(piece.get(..read).unwrap_or_default());
    }
}

impl Store {
    /// Where the file of a hash stands.
    #[must_use]
    pub fn blob_path(&self, hash: &str) -> PathBuf {
        let start = hash.get(..2).unwrap_or("xx");
        self.folder().join("blobs").join(start).join(hash)
    }

    /// Keeps a file and returns its hash. What is there already is not written again.
    ///
    /// # Errors
    /// [`StoreError::Folder`] or [`StoreError::Full`] when it cannot be written.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let hash = sha256(bytes);
        let path = self.blob_path(&hash);
        if path.exists() {
            return Ok(hash);
        }
        let write = || -> std::io::Result<()> {
            let folder = path.parent().unwrap_or(self.folder());
            std::fs::create_dir_all(folder)?;
            // Under a name of its own, so that two writers of one file do not meet; the rename makes it appear whole.
            let mut partial = tempfile::NamedTempFile::new_in(folder)?;
            partial.write_all(bytes)?;
            partial.as_file().sync_all()?;
            partial.persist(&path)?;
            Ok(())
        };
        write().map_err(|e| StoreError::folder(&path, &e))?;
        Ok(hash)
    }

    /// Keeps a file, or a folder of page images, that is known by its hash already.
    ///
    /// # Errors
    /// As [`Store::put_blob`].
    pub fn put_tree(&self, source: &Path, hash: &str) -> Result<(), StoreError> {
        let target = self.blob_path(hash);
        if target.exists() {
            return Ok(());
        }
        let parent = target.parent().unwrap_or(self.folder());
        let copy = || -> std::io::Result<()> {
            std::fs::create_dir_all(parent)?;
            if !source.is_dir() {
                let mut partial = tempfile::NamedTempFile::new_in(parent)?;
                copied(source, partial.as_file_mut())?;
                partial.persist(&target)?;
                return Ok(());
            }
            let partial = tempfile::tempdir_in(parent)?;
            for entry in std::fs::read_dir(source)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    let mut page = std::fs::File::create(partial.path().join(entry.file_name()))?;
                    copied(&entry.path(), &mut page)?;
                }
            }
            match std::fs::rename(partial.path(), &target) {
                // Another import of the same pages was faster.
                Err(_) if target.is_dir() => Ok(()),
                Err(error) => Err(error),
                Ok(()) => {
                    let _gone = partial.keep();
                    Ok(())
                }
            }
        };
        copy().map_err(|e| StoreError::folder(&target, &e))
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

/// Copies a file and waits until the disk has it.
fn copied(from: &Path, to: &mut std::fs::File) -> std::io::Result<()> {
    std::io::copy(&mut std::fs::File::open(from)?, to)?;
    to.sync_all()
}
