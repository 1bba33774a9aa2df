//! Folders of this laptop: settings that come before the data, and the data.

use crate::AppError;
use std::path::{Path, PathBuf};

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
    std::fs::write(&pointer, format!("{}\n", folder.display())).map_err(|e| AppError::file(&pointer, &e))
}
