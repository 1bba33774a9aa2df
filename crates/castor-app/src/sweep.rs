//! What a run left lying that was cut off: taken away when the desk opens, before anything new is written.

use crate::AppError;
use crate::export::NewFolder;
use castor_store::Store;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Where copies stand that are made to be read once, in the data folder.
pub(crate) const INCOMING: &str = "incoming";
/// Where exports are written, in the data folder.
pub(crate) const EXPORTS: &str = "exports";

/// Takes away files that were being written, and copies made to be read that no file given to the import names any more.
pub(crate) async fn sweep(store: &Store) -> Result<(), AppError> {
    store.sweep_blobs().await?;
    let unread = store.sources_unread().await?;
    let folder = store.folder().to_owned();
    let swept = tokio::task::spawn_blocking(move || {
        NewFolder::sweep(&folder.join(EXPORTS));
        let named: HashSet<PathBuf> = unread.iter().flat_map(|source| within(Path::new(source))).collect();
        empty(&folder.join(INCOMING), Path::new(""), &named);
    });
    swept.await.map_err(|e| AppError::Cut(e.to_string()))
}

/// Where a path leads to within the folder of copies, however the data folder was called when it was written down.
/// Another folder of that name may lie around it or within it: each way to read the path counts.
fn within(source: &Path) -> Vec<PathBuf> {
    let mut steps = source.components();
    let mut found = Vec::new();
    while let Some(step) = steps.next() {
        if step.as_os_str() == INCOMING {
            found.push(steps.as_path().to_owned());
        }
    }
    found
}

/// Removes everything of a folder that is not named. What cannot be removed takes some space and harms nothing.
fn empty(folder: &Path, place: &Path, named: &HashSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, place) = (entry.path(), place.join(entry.file_name()));
        if named.contains(&place) {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            empty(&path, &place, named);
            // Only where nothing is left in it.
            let _ = std::fs::remove_dir(&path);
        } else {
            let _ = std::fs::remove_file(&path);
        }
    }
}
