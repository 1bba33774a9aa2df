//! Folders of this laptop: settings that come before the data, and the data.

use crate::AppError;
use castor_store::sync_names;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

fn home() -> PathBuf {
    std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Where settings stand that must be known before the data folder is: `$XDG_CONFIG_HOME/castor`, else `~/.config/castor`.
#[must_use]
pub fn settings_folder() -> PathBuf {
    std::env::var_os("XDG_CONFIG_HOME")
        .map_or_else(|| home().join(".config"), PathBuf::from)
        .join("castor")
}

/// The file that names the data folder.
fn pointer(settings: &Path) -> PathBuf {
    settings.join("data-folder")
}

/// Where the desk keeps its data unless told otherwise: `CASTOR_DATA`, else what was chosen in the settings, else
/// `~/.local/share/castor`.
#[must_use]
pub fn data_folder() -> PathBuf {
    let chosen = || {
        let text = std::fs::read_to_string(pointer(&settings_folder())).ok()?;
        let path = PathBuf::from(text.trim_end_matches('\n'));
        path.is_absolute().then_some(path)
    };
    std::env::var_os("CASTOR_DATA")
        .map(PathBuf::from)
        .or_else(chosen)
        .unwrap_or_else(|| home().join(".local/share/castor"))
}

/// Chooses the data folder from the next start on.
pub(crate) fn choose_data_folder(settings: &Path, folder: &Path) -> Result<(), AppError> {
    if !folder.is_absolute() {
        return Err(AppError::Asked("the data folder is named by its whole path".to_owned()));
    }
    std::fs::create_dir_all(folder.join("blobs")).map_err(|e| AppError::file(folder, &e))?;
    // What cannot be written to is found out now and not at the next start.
    let probe = folder.join(".writable");
    std::fs::write(&probe, b"").map_err(|e| AppError::file(folder, &e))?;
    std::fs::remove_file(&probe).map_err(|e| AppError::file(folder, &e))?;
    let pointer = pointer(settings);
    std::fs::create_dir_all(settings).map_err(|e| AppError::file(settings, &e))?;
    let text = format!("{}\n", folder.display());
    replace(&pointer, &[text.as_bytes()]).map_err(|e| AppError::file(&pointer, &e))
}

/// Writes a file that only its owner can read, in place of what stands there: the one or the other is found, whatever
/// happens meanwhile.
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    beside(folder, parts)?.persist(path)?;
    sync_names(folder)
}

/// The same where nothing stands yet; what does stays.
pub(crate) fn write_once(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    match beside(folder, parts)?.persist_noclobber(path) {
        Ok(_) => sync_names(folder),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

/// A file under a name of its own, on the disk.
fn beside(folder: &Path, parts: &[&[u8]]) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}
