//! File types by their first bytes.

use std::path::Path;

/// The types that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// Portable Document Format.
    Pdf,
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Tagged Image File Format, one or more pictures.
    Tiff,
    /// WebP.
    Webp,
}

impl FileType {
    /// The type of a file that begins with these bytes; what they leave open is none.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        file_type(head)
    }

    /// Bytes from the beginning that settle the type.
    pub const HEAD: usize = HEAD;
}

/// Bytes that suffice to tell the type: a PDF may begin with up to this much foreign matter.
pub(super) const HEAD: usize = 1024;

/// Type of a file by its first [`HEAD`] bytes.
pub(super) fn file_type(bytes: &[u8]) -> Option<FileType> {
    let head = &bytes[..bytes.len().min(HEAD)];
    match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(FileType::Png),
        [0xff, 0xd8, 0xff, ..] => Some(FileType::Jpeg),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(FileType::Tiff),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(FileType::Webp),
        _ if head.windows(5).any(|w| w == b"%PDF-") => Some(FileType::Pdf),
        _ => None,
    }
}

/// Whether the name claims to be a picture.
pub(super) fn named_as_picture(path: &Path) -> bool {
    path.extension().is_some_and(|e| {
        ["png", "jpg", "jpeg", "tif", "tiff", "webp"]
            .iter()
            .any(|known| e.eq_ignore_ascii_case(known))
    })
}
