//! What can go wrong while drawing and writing synthetic forms.

use std::path::PathBuf;

/// Why a synthetic form could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// A font file is missing or is no font.
    #[error(
        "font {path} cannot be read ({reason}); install fonts-liberation or point CASTOR_FONTS at a folder with Liberation Sans"
    )]
    Font {
        /// The file that was looked for.
        path: PathBuf,
        /// What the system or the font parser said.
        reason: String,
    },
    /// The form has no such page.
    #[error("the form has {pages} pages, page {page} was asked for")]
    NoSuchPage {
        /// Page asked for, from 1.
        page: usize,
        /// Pages of the form.
        pages: usize,
    },
    /// A QR code cannot hold its text.
    #[error("the QR code cannot be made: {0}")]
    Qr(String),
    /// A file could not be written.
    #[error("{path} cannot be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An image could not be encoded.
    #[error("the page image cannot be encoded: {0}")]
    Encode(#[from] image::ImageError),
    /// Truth could not be written as JSON.
    #[error("the truth cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl TestkitError {
    /// Stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Font { .. } => "testkit.font",
            Self::NoSuchPage { .. } => "testkit.page",
            Self::Qr(_) => "testkit.qr",
            Self::Write { .. } => "testkit.write",
            Self::Encode(_) => "testkit.encode",
            Self::Json(_) => "testkit.json",
        }
    }
}
