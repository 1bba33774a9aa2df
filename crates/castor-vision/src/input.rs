//! From a path to page images: a PDF, a picture or a folder of pictures is one form.
//!
//! The type is told by the first bytes, never by the name. Sizes are checked before anything is decoded, and pages are
//! decoded one at a time, so that memory depends on the largest page and not on the file.

mod error;
mod gray;
mod jpeg;
mod pdf;
mod picture;
mod sniff;

pub use error::InputError;
pub use pdf::library_path as pdf_library_path;
pub use sniff::FileType;

use crate::page::PageImage;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a file may cost. A file beyond a limit is refused before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file, or of all pictures of a folder together. Default 200 MB: a form of 60 pages scanned in colour
    /// at 300 dpi stays below 50 MB.
    pub file_bytes: u64,
    /// Pages of a form. Default 60: the longest E-14 seen has 13.
    pub pages: u16,
    /// Pixels of one page. Default 60 million: a strip of 107 × 330 mm at 1,000 dpi has 55.
    pub page_pixels: u64,
    /// Entries of a folder that are looked at. Default 1,000.
    pub folder_entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 200_000_000,
            pages: 60,
            page_pixels: 60_000_000,
            folder_entries: 1_000,
        }
    }
}

impl Limits {
    fn allow_pages(&self, file: &Path, pages: u64) -> Result<(), InputError> {
        if pages > u64::from(self.pages) {
            return Err(InputError::TooManyPages {
                file: file.to_owned(),
                pages,
                limit: self.pages,
            });
        }
        Ok(())
    }
}

/// One form's file, opened: its pages are known and counted, none is decoded yet.
#[derive(Debug)]
pub struct Document {
    source: Source,
    sha256: String,
    limits: Limits,
}

#[derive(Debug)]
enum Source {
    Pdf(Box<pdf::PdfFile>),
    /// Picture files, held as read.
    Pictures(Vec<Picture>),
    /// The pages of a folder's pictures in reading order.
    Folder(Vec<FolderPage>),
}

#[derive(Debug)]
struct Picture {
    file: PathBuf,
    bytes: Vec<u8>,
    pages: u16,
}

impl Picture {
    /// A picture file that is damaged keeps its place and is reported when its page is asked for.
    fn new(file: &Path, bytes: Vec<u8>) -> Self {
        Self {
            file: file.to_owned(),
            pages: picture_count(&bytes),
            bytes,
        }
    }
}

fn picture_count(bytes: &[u8]) -> u16 {
    sniff::file_type(bytes).map_or(1, |kind| picture::count(kind, bytes))
}

/// A page of a folder: which file, its hash when the folder was opened, and which picture of that file.
#[derive(Debug)]
struct FolderPage {
    file: PathBuf,
    sha256: String,
    picture: u16,
}

impl Document {
    /// Opens a PDF, a picture (PNG, JPEG, TIFF, WebP) or a folder of pictures.
    ///
    /// # Errors
    /// [`InputError`], naming the file, what is wrong with it and what to do.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, InputError> {
        let metadata = std::fs::metadata(path).map_err(|e| InputError::unreadable(path, &e))?;
        if metadata.is_dir() {
            Self::open_folder(path, limits)
        } else {
            Self::from_bytes(path, read_bounded(path, limits.file_bytes)?, limits)
        }
    }

    /// The same for a file whose bytes are already in memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn from_bytes(name: &Path, bytes: Vec<u8>, limits: &Limits) -> Result<Self, InputError> {
        if u64::try_from(bytes.len()).is_ok_and(|n| n > limits.file_bytes) {
            return Err(InputError::FileTooLarge {
                file: name.to_owned(),
                limit: limits.file_bytes,
            });
        }
        let sha256 = hex(&Sha256::digest(&bytes));
        let source = match sniff::file_type(&bytes) {
            None if bytes.is_empty() => return Err(InputError::Empty { file: name.to_owned() }),
            None => return Err(InputError::UnsupportedType { file: name.to_owned() }),
            Some(FileType::Pdf) => Source::Pdf(Box::new(pdf::PdfFile::open(name, bytes, limits)?)),
            Some(FileType::Png | FileType::Jpeg | FileType::Tiff | FileType::Webp) => {
                let picture = Picture::new(name, bytes);
                limits.allow_pages(name, picture.pages.into())?;
                Source::Pictures(vec![picture])
            }
        };
        Ok(Self {
            source,
            sha256,
            limits: *limits,
        })
    }

    /// A folder of pictures whose page files are already in memory, in reading order; `name` stands for the folder.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn from_page_files(name: &Path, files: Vec<Vec<u8>>, limits: &Limits) -> Result<Self, InputError> {
        if files.is_empty() {
            return Err(InputError::NoPages { file: name.to_owned() });
        }
        let bytes = files.iter().map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if bytes.fold(0, u64::saturating_add) > limits.file_bytes {
            return Err(InputError::FileTooLarge {
                file: name.to_owned(),
                limit: limits.file_bytes,
            });
        }
        let mut hash = Sha256::new();
        let mut pictures = Vec::with_capacity(files.len());
        for (number, bytes) in (1..).zip(files) {
            hash.update(Sha256::digest(&bytes));
            pictures.push(Picture::new(&name.join(format!("{number}")), bytes));
        }
        let pages = pictures.iter().map(|picture| u64::from(picture.pages)).sum();
        limits.allow_pages(name, pages)?;
        Ok(Self {
            source: Source::Pictures(pictures),
            sha256: hex(&hash.finalize()),
            limits: *limits,
        })
    }

    fn open_folder(folder: &Path, limits: &Limits) -> Result<Self, InputError> {
        let mut pages = Vec::new();
        let mut hash = Sha256::new();
        let mut bytes_left = limits.file_bytes;
        for file in page_files(folder, limits)? {
            let bytes = read_bounded(&file, bytes_left).map_err(|e| {
                if matches!(e, InputError::FileTooLarge { .. }) {
                    InputError::FileTooLarge {
                        file: folder.to_owned(),
                        limit: limits.file_bytes,
                    }
                } else {
                    e
                }
            })?;
            bytes_left = bytes_left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let digest = Sha256::digest(&bytes);
            hash.update(digest);
            pages.extend((0..picture_count(&bytes)).map(|picture| FolderPage {
                file: file.clone(),
                sha256: hex(&digest),
                picture,
            }));
            limits.allow_pages(folder, u64::try_from(pages.len()).unwrap_or(u64::MAX))?;
        }
        if pages.is_empty() {
            return Err(InputError::NoPages {
                file: folder.to_owned(),
            });
        }
        Ok(Self {
            source: Source::Folder(pages),
            sha256: hex(&hash.finalize()),
            limits: *limits,
        })
    }

    /// Number of pages, at least 1.
    #[must_use]
    pub fn page_count(&self) -> u16 {
        match &self.source {
            Source::Pdf(pdf) => pdf.page_count(),
            Source::Pictures(pictures) => pictures.iter().map(|picture| picture.pages).sum(),
            Source::Folder(pages) => u16::try_from(pages.len()).unwrap_or(u16::MAX),
        }
    }

    /// SHA-256 of the file in hexadecimal; of a folder, over the binary hashes of its page files in reading order.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The page files of an opened folder in reading order, each with its SHA-256; nothing where the bytes were given.
    #[must_use]
    pub fn page_files(&self) -> Vec<(PathBuf, String)> {
        let Source::Folder(pages) = &self.source else {
            return Vec::new();
        };
        // A file with several pictures stands once.
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        for page in pages {
            if files.last().is_none_or(|(file, _)| *file != page.file) {
                files.push((page.file.clone(), page.sha256.clone()));
            }
        }
        files
    }

    /// Decodes page `number` (from 1) to grey, upright as the file says it should be shown.
    ///
    /// # Errors
    /// [`InputError`] of this page alone; other pages may still be readable.
    pub fn page(&self, number: u16) -> Result<PageImage, InputError> {
        let index = number.checked_sub(1).filter(|_| number <= self.page_count());
        let Some(index) = index else {
            return Err(InputError::NoSuchPage {
                number,
                pages: self.page_count(),
            });
        };
        let gray = match &self.source {
            Source::Pdf(pdf) => pdf.page(index, &self.limits)?,
            Source::Pictures(pictures) => {
                let (picture, index) = within(pictures, index);
                picture::decode(&picture.file, &picture.bytes, index, &self.limits)?
            }
            Source::Folder(pages) => {
                let page = &pages[usize::from(index)];
                let bytes = read_bounded(&page.file, self.limits.file_bytes)?;
                if hex(&Sha256::digest(&bytes)) != page.sha256 {
                    return Err(InputError::Changed {
                        file: page.file.clone(),
                    });
                }
                picture::decode(&page.file, &bytes, page.picture, &self.limits)?
            }
        };
        Ok(PageImage {
            number,
            bitonal: gray::is_bitonal(&gray),
            gray,
        })
    }
}

/// The picture file that has a page, and which of its pictures that is. The page is one of theirs.
fn within(pictures: &[Picture], mut index: u16) -> (&Picture, u16) {
    let mut at = 0;
    while index >= pictures[at].pages {
        index -= pictures[at].pages;
        at += 1;
    }
    (&pictures[at], index)
}

/// Reads a file, but never more than the limit even when it grows meanwhile or its length is not known (a pipe).
fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let unreadable = |e: std::io::Error| InputError::unreadable(path, &e);
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let too_large = || InputError::FileTooLarge {
        file: path.to_owned(),
        limit,
    };
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|n| n > limit) {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The files of a folder that are pages: pictures by content, and files named as pictures, so that a damaged page is
/// reported and not passed over. In natural order: `2.png` before `10.png`.
fn page_files(folder: &Path, limits: &Limits) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|e| InputError::unreadable(folder, &e))?;
    for (seen, entry) in entries.enumerate() {
        if seen >= limits.folder_entries {
            return Err(InputError::FolderTooLarge {
                file: folder.to_owned(),
                limit: limits.folder_entries,
            });
        }
        let path = entry.map_err(|e| InputError::unreadable(folder, &e))?.path();
        let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if hidden || !path.is_file() {
            continue;
        }
        let mut head = Vec::with_capacity(sniff::HEAD);
        let read =
            File::open(&path).and_then(|f| f.take(u64::try_from(sniff::HEAD).unwrap_or(0)).read_to_end(&mut head));
        let by_content = match read {
            Ok(_) => sniff::file_type(&head),
            Err(e) => return Err(InputError::unreadable(&path, &e)),
        };
        match by_content {
            Some(FileType::Png | FileType::Jpeg | FileType::Tiff | FileType::Webp) => files.push(path),
            Some(FileType::Pdf) => {}
            None => {
                if sniff::named_as_picture(&path) {
                    files.push(path);
                }
            }
        }
    }
    files.sort_by_cached_key(|p| natural_key(&p.file_name().unwrap_or_default().to_string_lossy()));
    Ok(files)
}

/// Sort key in which runs of digits compare as numbers and letters without case.
fn natural_key(name: &str) -> Vec<(String, u64)> {
    let mut key = vec![(String::new(), 0u64)];
    let mut in_number = false;
    for c in name.to_lowercase().chars() {
        match c.to_digit(10) {
            Some(digit) => {
                if let Some((_, number)) = key.last_mut() {
                    *number = number.saturating_mul(10).saturating_add(digit.into());
                }
                in_number = true;
            }
            None => {
                if in_number {
                    key.push((String::new(), 0));
                    in_number = false;
                }
                if let Some((text, _)) = key.last_mut() {
                    text.push(c);
                }
            }
        }
    }
    // Names that differ only in leading zeros still get one order.
    key.push((name.to_owned(), 0));
    key
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}
