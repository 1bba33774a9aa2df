//! What a file must be before anything is done with it: size, type by its content, pages.

use castor_vision::input::{Document, FileType, InputError, Limits};
use std::path::Path;

/// First bytes of a file that settle its type.
pub const HEAD: usize = FileType::HEAD;

/// What a file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRules {
    /// Fewest bytes. An E-14 of one page has some tens of thousands.
    pub fewest_bytes: u64,
    /// Most bytes.
    pub most_bytes: u64,
    /// Most pages. Senate forms reach thirty.
    pub most_pages: u16,
}

impl Default for FileRules {
    /// 1 KB to 10 MB, 40 pages.
    fn default() -> Self {
        Self {
            fewest_bytes: 1_000,
            most_bytes: 10_000_000,
            most_pages: 40,
        }
    }
}

impl FileRules {
    fn limits(&self) -> Limits {
        Limits {
            file_bytes: self.most_bytes,
            pages: self.most_pages,
            ..Limits::default()
        }
    }
}

/// A file that keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Pages.
    pub pages: u16,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// Fewer bytes than a form has.
    #[error("ING_001 {bytes} bytes are no form; fetch or scan it again")]
    TooSmall {
        /// Its bytes.
        bytes: u64,
    },
    /// It cannot be opened as a form's file.
    #[error(transparent)]
    Input(#[from] InputError),
}

impl FileProblem {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooSmall { .. } => "ING_001",
            Self::Input(error) => error.code(),
        }
    }
}

/// Whether a file that begins with these bytes can be one of a form; none while they do not settle it.
#[must_use]
pub fn could_be(head: &[u8]) -> Option<bool> {
    match FileType::of(head) {
        Some(_) => Some(true),
        None if head.len() >= HEAD => Some(false),
        None => None,
    }
}

/// Looks a file over and opens it; no page is decoded yet. Takes as long as reading the file: not for async threads.
///
/// # Errors
/// [`FileProblem`].
pub fn look(name: &str, bytes: Vec<u8>, rules: &FileRules) -> Result<(Document, FileFacts), FileProblem> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > 0 && length < rules.fewest_bytes {
        return Err(FileProblem::TooSmall { bytes: length });
    }
    let document = Document::from_bytes(Path::new(name), bytes, &rules.limits())?;
    Ok(with_facts(document, length))
}

/// The same for a form whose pages are files of their own, in reading order: each keeps the rule on bytes, and all together that
/// of [`Limits`]. Its hash is the one of a folder with these files.
///
/// # Errors
/// [`FileProblem`].
pub fn look_pages(name: &str, files: Vec<Vec<u8>>, rules: &FileRules) -> Result<(Document, FileFacts), FileProblem> {
    let lengths = files.iter().map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    if lengths.clone().any(|length| length > rules.most_bytes) {
        return Err(FileProblem::Input(InputError::FileTooLarge {
            file: name.into(),
            limit: rules.most_bytes,
        }));
    }
    let length = lengths.fold(0, u64::saturating_add);
    let limits = Limits {
        pages: rules.most_pages,
        ..Limits::default()
    };
    let document = Document::from_page_files(Path::new(name), files, &limits)?;
    Ok(with_facts(document, length))
}

fn with_facts(document: Document, bytes: u64) -> (Document, FileFacts) {
    let facts = FileFacts {
        sha256: document.sha256().to_owned(),
        bytes,
        pages: document.page_count(),
    };
    (document, facts)
}
