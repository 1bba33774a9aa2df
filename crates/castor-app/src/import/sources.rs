//! What a path given to the import holds: files, folders and archives as forms to be read.

use crate::AppError;
use castor_store::{NewImport, sync_names};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Largest ZIP content taken out, in bytes and files.
const ZIP_BYTES: u64 = 8 << 30;
const ZIP_FILES: usize = 100_000;
/// Folders within folders that are looked into.
const DEPTH: usize = 32;
/// Archives within archives that are unpacked.
const NESTED: usize = 3;
/// Between an archive and the path in it, in what people read.
const WITHIN: &str = " › ";

/// What a file is taken for by its name; its content decides when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Form,
    Picture,
    Archive,
    Other,
}

impl Kind {
    pub(super) fn of(path: &Path) -> Self {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("pdf") => Self::Form,
            Some("png" | "jpg" | "jpeg" | "tif" | "tiff" | "webp") => Self::Picture,
            Some("zip") => Self::Archive,
            _ => Self::Other,
        }
    }
}

/// A folder whose files are called by where they stand in it, not by where the folder stands.
struct Within {
    folder: PathBuf,
    /// What stands before the path: an archive's name.
    prefix: String,
}

/// The forms that paths hold, in order.
#[derive(Default)]
pub(super) struct Sources {
    files: Vec<NewImport>,
    within: Option<Within>,
}

impl Sources {
    /// What paths of this computer hold.
    pub(super) fn of(paths: &[PathBuf]) -> Result<Vec<NewImport>, AppError> {
        let mut sources = Self::default();
        for path in paths {
            path.metadata().map_err(|e| AppError::file(path, &e))?;
            sources.add(path, DEPTH);
        }
        Ok(sources.files)
    }

    /// What was put into a folder one by one, as a browser sends it.
    pub(super) fn sent(folder: &Path) -> Result<Vec<NewImport>, AppError> {
        let mut sources = Self {
            within: Some(Within {
                folder: folder.to_owned(),
                prefix: String::new(),
            }),
            ..Self::default()
        };
        for entry in entries(folder).map_err(|e| AppError::file(folder, &e))? {
            sources.add(&entry, DEPTH);
        }
        Ok(sources.files)
    }

    /// What an archive held that was taken out into a folder.
    pub(super) fn unpacked(archive: &str, folder: &Path) -> Vec<NewImport> {
        let mut sources = Self {
            within: Some(Within {
                folder: folder.to_owned(),
                prefix: format!("{archive}{WITHIN}"),
            }),
            ..Self::default()
        };
        sources.add(folder, DEPTH);
        sources.files
    }

    /// A folder of page images is one form, any other folder holds forms. What cannot be looked into is a source too: it
    /// gets its error when its turn comes.
    fn add(&mut self, path: &Path, depth: usize) {
        let listed = if path.is_dir() && depth > 0 {
            entries(path).ok()
        } else {
            None
        };
        // Whatever its name says, the content of a file decides.
        let Some(entries) = listed else { return self.push(path) };
        let pictures = entries.iter().any(|e| Kind::of(e) == Kind::Picture);
        let others = entries
            .iter()
            .any(|e| e.is_dir() || matches!(Kind::of(e), Kind::Form | Kind::Archive));
        if pictures && !others {
            return self.push(path);
        }
        for entry in entries {
            // A link may lead back to where it stands.
            let folder = entry.is_dir() && !entry.is_symlink();
            if folder || (!entry.is_dir() && Kind::of(&entry) != Kind::Other) {
                self.add(&entry, depth - 1);
            } else if self.within.is_some() && !entry.is_dir() {
                // A copy that nobody will read. What cannot be removed takes some space and harms nothing.
                let _ = std::fs::remove_file(&entry);
            }
        }
    }

    fn push(&mut self, path: &Path) {
        let origin = self.within.as_ref().map(|within| {
            let inner = path.strip_prefix(&within.folder).unwrap_or(path).display().to_string();
            let whole = format!("{}{inner}", within.prefix);
            whole.strip_suffix(WITHIN).unwrap_or(&whole).to_owned()
        });
        self.files.push(NewImport {
            source: path.display().to_string(),
            origin,
        });
    }
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .collect();
    entries.sort();
    Ok(entries)
}

/// Takes an archive out into a folder, which is made anew; `origin` is what people know the archive by.
pub(super) fn unpack(path: &Path, origin: &str, folder: &Path) -> Result<(), AppError> {
    let fails = |e: &dyn Display| AppError::file(path, &e.to_string());
    let written = |target: &Path, error| unwritten(origin, target, &error);
    if origin.matches(WITHIN).count() >= NESTED {
        return Err(fails(&format!("more than {NESTED} archives within each other")));
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| written(folder, e))?;
    }
    std::fs::create_dir_all(folder).map_err(|e| written(folder, e))?;
    let file = std::fs::File::open(path).map_err(|e| fails(&e))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| fails(&e))?;
    if archive.len() > ZIP_FILES {
        return Err(fails(&format!("more than {ZIP_FILES} files in one archive")));
    }
    let mut left = ZIP_BYTES;
    let mut folders = BTreeSet::from([folder.to_owned()]);
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|e| fails(&e))?;
        // Names that lead out of the folder are passed over, and what no form can be.
        let Some(name) = entry
            .enclosed_name()
            .filter(|name| !entry.is_dir() && Kind::of(name) != Kind::Other)
        else {
            continue;
        };
        let target = folder.join(name);
        let parent = target.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|e| written(parent, e))?;
        let mut out = std::fs::File::create(&target).map_err(|e| written(&target, e))?;
        let copied = std::io::copy(&mut std::io::Read::take(&mut entry, left), &mut out);
        left -= copied.map_err(|e| if full(&e) { written(&target, e) } else { fails(&e) })?;
        out.sync_all().map_err(|e| written(&target, e))?;
        if left == 0 {
            return Err(fails(&format!("more than {ZIP_BYTES} bytes in one archive")));
        }
        let within = parent.ancestors().take_while(|above| above.starts_with(folder));
        folders.extend(within.map(Path::to_owned));
    }
    // The archive is not looked at again once its files wait for their turn.
    folders.extend(folder.parent().map(Path::to_owned));
    folders
        .iter()
        .try_for_each(|folder| sync_names(folder).map_err(|e| written(folder, e)))
}

fn full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Why a file of an archive could not be written. That there is no room for it says something of this archive: once what
/// was taken out is gone again, others fit.
fn unwritten(archive: &str, path: &Path, error: &std::io::Error) -> AppError {
    if full(error) {
        AppError::NoRoom(archive.to_owned())
    } else {
        AppError::file(path, error)
    }
}

/// Removes a copy that was made to be read, and the folders that it alone stood in.
pub(super) fn forget(path: &Path, incoming: &Path) {
    if !path.starts_with(incoming) {
        return;
    }
    // What cannot be removed takes some space and harms nothing.
    let _ = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    let parents = path.ancestors().skip(1).take_while(|p| *p != incoming);
    for parent in parents {
        if std::fs::remove_dir(parent).is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::stops_all;

    #[test]
    fn an_archive_that_does_not_fit_fails_alone() {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let error = unwritten("lote.zip", Path::new("zip-1/acta.pdf"), &kind.into());
            assert_eq!(error.code(), "APP_008");
            assert!(!stops_all(&error));
        }
    }
}
