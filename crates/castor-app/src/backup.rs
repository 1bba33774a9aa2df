//! Backups: the database with the files of its forms and a list of what ought to be there, and back again.

use crate::AppError;
use crate::export::NewFolder;
use crate::integrity::kept_whole;
use castor_store::{Store, hex, sha256, sync_names};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};
use zip::write::SimpleFileOptions;

const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "castor.db";
/// Version of the manifest.
const FORMAT: u32 = 1;
/// Largest manifest that is read.
const MANIFEST_BYTES: u64 = 256 << 20;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this list.
    pub format: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// Events of the log.
    pub events: i64,
    /// Hash of the last event.
    pub head: String,
    /// Every file.
    pub files: Vec<ManifestFile>,
    /// Forms whose file was missing or changed in the data folder already, and is not in the backup.
    pub missing: Vec<String>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Path within the backup and within a data folder, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content.
    pub sha256: String,
}

/// Writes a backup to a path that must not exist: a ZIP archive when its name ends so, a folder otherwise.
///
/// # Errors
/// [`AppError::Store`] when the log is not whole, [`AppError::File`] when something cannot be written; nothing is left then.
pub async fn backup(store: &Store, target: &Path) -> Result<Manifest, AppError> {
    if target.exists() {
        return Err(AppError::file(target, &"there is something there already"));
    }
    let parent = around(target);
    NewFolder::sweep(parent);
    let work = NewFolder::begin(parent, "copia")?;
    let database = work.path().join(DATABASE);
    store.backup(&database).await?;
    let chain = store.verify().await?;
    if let Some(seq) = chain.broken_at {
        return Err(AppError::Backup(format!(
            "the log does not follow from its beginning at event {seq}"
        )));
    }
    let mut sources = vec![(DATABASE.to_owned(), database)];
    let mut missing = Vec::new();
    for id in store.forms_of_log().await? {
        if kept_whole(store, &id).is_err() {
            missing.push(id);
            continue;
        }
        let path = store.blob_path(&id);
        let start = id.get(..2).unwrap_or("xx");
        sources.extend(files_of(&path, &format!("blobs/{start}/{id}"))?);
    }
    let mut manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        events: chain.events,
        head: hex(&chain.head),
        files: Vec::new(),
        missing,
    };
    let partial = work.path().join("archive.part");
    let mut sink = if is_archive(target) {
        let file = File::create(&partial).map_err(|e| AppError::file(&partial, &e))?;
        Sink::Archive(Box::new(zip::ZipWriter::new(file)))
    } else {
        Sink::Folder(NewFolder::begin_exact(target)?)
    };
    for (name, path) in sources {
        let bytes = std::fs::read(&path).map_err(|e| AppError::file(&path, &e))?;
        sink.write(&name, &bytes)?;
        manifest.files.push(ManifestFile {
            path: name,
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: sha256(&bytes),
        });
    }
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| AppError::Asked(e.to_string()))?;
    sink.write(MANIFEST, &text)?;
    sink.finish()?;
    if is_archive(target) {
        let renamed = std::fs::rename(&partial, target).and_then(|()| sync_names(parent));
        renamed.map_err(|e| AppError::file(target, &e))?;
    }
    Ok(manifest)
}

/// Brings a backup back into a data folder that must be empty or not be there. Everything is checked before the folder
/// appears.
///
/// # Errors
/// [`AppError::Backup`] when something of the backup is missing or changed; nothing is written then.
pub async fn restore(source: &Path, folder: &Path) -> Result<Manifest, AppError> {
    let occupied = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(AppError::file(
            folder,
            &"the folder is not empty, and a backup never overwrites",
        ));
    }
    let mut backup = Source::open(source)?;
    let text = backup.read(MANIFEST, MANIFEST_BYTES)?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|e| AppError::Backup(format!("{MANIFEST} cannot be read: {e}")))?;
    if manifest.format > FORMAT {
        return Err(AppError::Backup(format!(
            "a newer version of CASTOR wrote it ({})",
            manifest.program
        )));
    }
    NewFolder::sweep(around(folder));
    let mut out = NewFolder::begin_exact(folder)?;
    for file in &manifest.files {
        if !stays_within(&file.path) {
            return Err(AppError::Backup(format!("{} leads out of the folder", file.path)));
        }
        let bytes = backup.read(&file.path, file.bytes)?;
        if sha256(&bytes) != file.sha256 {
            return Err(AppError::Backup(format!("{} is not what was backed up", file.path)));
        }
        out.write(&file.path, &bytes)?;
    }
    let store = Store::open(out.path()).await?;
    let chain = store.verify().await;
    let own = store.forget_client().await;
    store.close().await;
    own?;
    let chain = chain?;
    if chain.broken_at.is_some() || hex(&chain.head) != manifest.head {
        return Err(AppError::Backup("its log does not end where the list says".to_owned()));
    }
    out.finish()?;
    Ok(manifest)
}

/// The folder that a path stands in.
fn around(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip"))
}

fn stays_within(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// A file, or the files of a folder of pages, with their names in the backup.
fn files_of(path: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, AppError> {
    if !path.is_dir() {
        return Ok(vec![(name.to_owned(), path.to_owned())]);
    }
    let fails = |e: std::io::Error| AppError::file(path, &e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fails)? {
        let entry = entry.map_err(fails)?;
        files.push((format!("{name}/{}", entry.file_name().to_string_lossy()), entry.path()));
    }
    files.sort();
    Ok(files)
}

/// Where a backup is written.
enum Sink {
    Folder(NewFolder),
    Archive(Box<zip::ZipWriter<File>>),
}

impl Sink {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), AppError> {
        match self {
            Self::Folder(folder) => folder.write(name, bytes),
            Self::Archive(archive) => {
                let fails = |e: &dyn std::fmt::Display| AppError::file(Path::new(name), &e.to_string());
                let options = SimpleFileOptions::default().large_file(bytes.len() > 2 << 30);
                archive.start_file(name, options).map_err(|e| fails(&e))?;
                archive.write_all(bytes).map_err(|e| fails(&e))
            }
        }
    }

    fn finish(self) -> Result<(), AppError> {
        match self {
            Self::Folder(folder) => folder.finish().map(|_| ()),
            Self::Archive(archive) => {
                let fails = |e: &dyn std::fmt::Display| AppError::file(Path::new("zip"), &e.to_string());
                let file = archive.finish().map_err(|e| fails(&e))?;
                file.sync_all().map_err(|e| fails(&e))
            }
        }
    }
}

/// Where a backup is read from.
enum Source {
    Folder(PathBuf),
    Archive(Box<zip::ZipArchive<File>>),
}

impl Source {
    fn open(path: &Path) -> Result<Self, AppError> {
        let file = File::open(path).map_err(|e| AppError::file(path, &e))?;
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let archive = zip::ZipArchive::new(file);
        let archive = archive.map_err(|e| AppError::Backup(format!("{} is no whole archive: {e}", path.display())))?;
        Ok(Self::Archive(Box::new(archive)))
    }

    /// The bytes of a file that has at most so many.
    fn read(&mut self, name: &str, most: u64) -> Result<Vec<u8>, AppError> {
        let missing = |e: &dyn std::fmt::Display| AppError::Backup(format!("{name} cannot be read: {e}"));
        let mut bytes = Vec::new();
        let read = match self {
            Self::Folder(folder) => {
                let file = File::open(folder.join(name)).map_err(|e| missing(&e))?;
                file.take(most.saturating_add(1)).read_to_end(&mut bytes)
            }
            Self::Archive(archive) => {
                let file = archive.by_name(name).map_err(|e| missing(&e))?;
                file.take(most.saturating_add(1)).read_to_end(&mut bytes)
            }
        };
        read.map_err(|e| missing(&e))?;
        if u64::try_from(bytes.len()).is_ok_and(|n| n <= most) {
            Ok(bytes)
        } else {
            Err(missing(&"it is larger than listed"))
        }
    }
}
