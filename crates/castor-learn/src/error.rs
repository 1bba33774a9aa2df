//! What can go wrong in learning.

use std::path::{Path, PathBuf};

/// Errors of this crate; the first word of the message is its stable code.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// A file cannot be read or written.
    #[error("FILE: {path}: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not of the kind that its place says.
    #[error("FORMAT: {path} is no {expected}: {reason}", path = path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Weights do not fit the network of this version.
    #[error("WEIGHTS: these weights do not fit this version's network: {0}")]
    Weights(String),
    /// A checkpoint belongs to another training.
    #[error("RESUME: {path} was written by a training with other settings; remove it or start without resuming", path = path.display())]
    OtherTraining {
        /// The checkpoint.
        path: PathBuf,
    },
    /// There is nothing to learn from.
    #[error("NO_SAMPLES: {0}")]
    NoSamples(&'static str),
}

impl LearnError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "FILE",
            Self::Format { .. } => "FORMAT",
            Self::Weights(_) => "WEIGHTS",
            Self::OtherTraining { .. } => "RESUME",
            Self::NoSamples(_) => "NO_SAMPLES",
        }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// Writes a file so that a reader finds the old content or the new, never a part.
///
/// # Errors
/// [`LearnError::File`] when the folder cannot be written to.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LearnError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    std::fs::write(&part, bytes).map_err(LearnError::file(&part))?;
    std::fs::rename(&part, path).map_err(LearnError::file(path))
}
