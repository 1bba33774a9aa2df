//! What can be wrong with a file, each with a stable code and one line that says what to do.

use std::path::{Path, PathBuf};

/// Why a file, or one page of it, cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The path does not exist or may not be read.
    #[error("INP_001 {}: cannot be read ({reason}); check the path and its permissions", file.display())]
    Unreadable {
        /// The path.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file has no bytes.
    #[error("INP_002 {}: the file is empty; fetch it again", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// The content is of none of the types read here, whatever the name says.
    #[error("INP_003 {}: not a PDF, PNG, JPEG, TIFF or WebP by its content; convert it to one of these", file.display())]
    UnsupportedType {
        /// The file.
        file: PathBuf,
    },
    /// The end of the file is missing.
    #[error("INP_004 {}: the file is cut off before its end; fetch it again", file.display())]
    Truncated {
        /// The file.
        file: PathBuf,
    },
    /// The content contradicts its type.
    #[error("INP_005 {}: damaged ({reason}); fetch or scan it again", file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What the decoder met.
        reason: String,
    },
    /// The PDF opens only with a password.
    #[error("INP_006 {}: the PDF is encrypted; save it without a password first", file.display())]
    Encrypted {
        /// The file.
        file: PathBuf,
    },
    /// More pages than one form can have.
    #[error("INP_007 {}: {pages} pages, more than the {limit} of one form; split it into one file per form", file.display())]
    TooManyPages {
        /// The file or folder.
        file: PathBuf,
        /// Pages found (of a folder: so far).
        pages: u64,
        /// Pages allowed.
        limit: u16,
    },
    /// More bytes than allowed.
    #[error("INP_008 {}: larger than {} MB; scan at 300 dpi or split it", file.display(), limit / 1_000_000)]
    FileTooLarge {
        /// The file or folder.
        file: PathBuf,
        /// Bytes allowed.
        limit: u64,
    },
    /// A page would unpack to more pixels than allowed (a decompression bomb, or a scan far too fine).
    #[error("INP_009 {}: a page of {width} × {height} pixels, more than {} million; scan at 300 dpi", file.display(), limit / 1_000_000)]
    TooManyPixels {
        /// The file.
        file: PathBuf,
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Pixels allowed.
        limit: u64,
    },
    /// A folder with no picture in it.
    #[error("INP_010 {}: no page pictures in this folder; give the PDF files themselves, or a folder of one form's pictures", file.display())]
    NoPages {
        /// The folder.
        file: PathBuf,
    },
    /// A folder with more entries than are looked at.
    #[error("INP_011 {}: more than {limit} files in this folder; give a folder of one form's pictures", file.display())]
    FolderTooLarge {
        /// The folder.
        file: PathBuf,
        /// Entries allowed.
        limit: usize,
    },
    /// The file is not what it was when its folder was opened.
    #[error("INP_012 {}: changed while it was being read; read the folder again", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The type is known but this variant of it is not read.
    #[error("INP_013 {}: a variant that is not read here ({reason}); convert it to PNG", file.display())]
    UnsupportedVariant {
        /// The file.
        file: PathBuf,
        /// Which variant.
        reason: String,
    },
    /// A page number that the document does not have.
    #[error("INP_014 page {number} was asked for, but there are {pages}; ask for 1 to {pages}")]
    NoSuchPage {
        /// The page asked for.
        number: u16,
        /// Pages of the document.
        pages: u16,
    },
    /// The PDF library is not where the installation puts it.
    #[error("INP_015 {}: the PDF library cannot be loaded ({reason}); run ./run or scripts/install.sh", file.display())]
    PdfLibrary {
        /// Where it was looked for.
        file: PathBuf,
        /// What the loader said.
        reason: String,
    },
}

impl InputError {
    /// Stable code, `INP_001` and on; the message begins with it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "INP_001",
            Self::Empty { .. } => "INP_002",
            Self::UnsupportedType { .. } => "INP_003",
            Self::Truncated { .. } => "INP_004",
            Self::Corrupt { .. } => "INP_005",
            Self::Encrypted { .. } => "INP_006",
            Self::TooManyPages { .. } => "INP_007",
            Self::FileTooLarge { .. } => "INP_008",
            Self::TooManyPixels { .. } => "INP_009",
            Self::NoPages { .. } => "INP_010",
            Self::FolderTooLarge { .. } => "INP_011",
            Self::Changed { .. } => "INP_012",
            Self::UnsupportedVariant { .. } => "INP_013",
            Self::NoSuchPage { .. } => "INP_014",
            Self::PdfLibrary { .. } => "INP_015",
        }
    }

    pub(super) fn unreadable(file: &Path, reason: &std::io::Error) -> Self {
        Self::Unreadable {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn corrupt(file: &Path, reason: &impl ToString) -> Self {
        Self::Corrupt {
            file: file.to_owned(),
            reason: one_line(&reason.to_string()),
        }
    }
}

/// A decoder's message on one line of bounded length.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    line
}
