//! Databases into a folder and back, by PostgreSQL's own programs. Signing keys and files stay in the data folder.

use crate::cluster::{ClusterError, programs};
use crate::config::Config;
use crate::database::newest_migration;
use crate::running::{Running, ServeError, Store};
use crate::secret::{hex, private_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tokio::process::Command;

const MANIFEST: &str = "manifest.json";

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The server's parts.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// PostgreSQL's programs.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The folder or a file in it.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A backup is not written over another.
    #[error("{path} is not empty: name a new folder", path = .0.display())]
    NotEmpty(PathBuf),
    /// The manifest cannot be read or has another form.
    #[error("{path} is not the manifest of a backup: {reason}", path = path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is not the one that the backup wrote.
    #[error("{path} is missing, or is not the file that the backup wrote; nothing was restored", path = .0.display())]
    Changed(PathBuf),
    /// It was written by a later program, whose tables this one does not know.
    #[error(
        "{path} was written by CASTOR {version} (migration {migration}), which is newer than this one; install that version, nothing was changed",
        path = path.display()
    )]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// What it says of the program.
        version: String,
        /// And of its tables.
        migration: i64,
    },
    /// Data is there already.
    #[error("the database of {0} has data; restore into empty ones, nothing was changed")]
    HasData(String),
    /// Some databases are restored and others are not.
    #[error(
        "the database of {failed} was not restored and is as it was ({error}); that of {restored} is restored: put right what is wrong, \
         empty them all (dropdb, createdb), and restore again"
    )]
    Partly {
        /// The services whose databases hold the backup.
        restored: String,
        /// The services whose database could not be restored.
        failed: String,
        /// Why.
        error: Box<Self>,
    },
    /// The database cannot be asked.
    #[error("the database does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {said}")]
    Program {
        /// The program.
        program: &'static str,
        /// What it said.
        said: String,
    },
}

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of CASTOR that wrote it.
    pub version: String,
    /// The newest migration that its tables may have seen; 0 where none is said.
    #[serde(default)]
    pub migration: i64,
    /// One file for each database.
    pub files: Vec<Dump>,
}

/// One database's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// The services whose tables it holds, as in `core+e14`.
    pub services: String,
    /// Its name in the folder.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// Writes every database into a new folder, for its owner's eyes alone. The server may go on meanwhile: each file is of one
/// moment.
///
/// # Errors
/// See [`BackupError`].
pub async fn backup(config: Config, folder: &Path) -> Result<Manifest, BackupError> {
    let at = |error| BackupError::File {
        path: folder.to_path_buf(),
        error,
    };
    make_private(folder).map_err(at)?;
    if std::fs::read_dir(folder).map_err(at)?.next().is_some() {
        return Err(BackupError::NotEmpty(folder.to_path_buf()));
    }
    let bin = programs(config.postgres_bin.as_deref()).ok_or(ClusterError::NotInstalled)?;
    let running = Running::open(config).await?;
    let written = write(&running, &bin, folder).await;
    running.close().await?;
    written
}

async fn write(running: &Running, bin: &Path, folder: &Path) -> Result<Manifest, BackupError> {
    let mut files = Vec::new();
    for store in &running.stores {
        let services = services(store);
        let name = format!("{services}.dump");
        let path = folder.join(&name);
        // What is there already, the program writes into as it is.
        private_file().open(&path).map_err(|error| BackupError::File {
            path: path.clone(),
            error,
        })?;
        let arguments = [
            "--format=custom".as_ref(),
            "--no-owner".as_ref(),
            "--file".as_ref(),
            path.as_os_str(),
        ];
        run(bin, "pg_dump", store, &arguments).await?;
        files.push(Dump {
            services,
            name,
            sha256: sha256(&path)?,
        });
    }
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        migration: newest_migration(),
        files,
    };
    let path = folder.join(MANIFEST);
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| BackupError::Manifest {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let written = private_file().open(&path).and_then(|mut file| file.write_all(&text));
    written.map_err(|error| BackupError::File { path, error })?;
    Ok(manifest)
}

/// Makes a folder that nobody else may look into, where there is none.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Brings a backup into empty databases and these up to date. All files are looked at before anything is changed.
///
/// # Errors
/// See [`BackupError`].
pub async fn restore(config: Config, folder: &Path) -> Result<Manifest, BackupError> {
    let manifest = checked(folder)?;
    let bin = programs(config.postgres_bin.as_deref()).ok_or(ClusterError::NotInstalled)?;
    let running = Running::open(config).await?;
    let read = read(&running, &bin, folder, &manifest).await;
    running.close().await?;
    read.map(|()| manifest)
}

async fn read(running: &Running, bin: &Path, folder: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let (mut pairs, mut with_data) = (Vec::new(), Vec::new());
    for store in &running.stores {
        let services = services(store);
        let dump = manifest.files.iter().find(|dump| dump.services == services);
        let dump = dump.ok_or_else(|| BackupError::Manifest {
            path: folder.join(MANIFEST),
            reason: format!("it has no database of {services}; run the same services as when it was written"),
        })?;
        if store.database.is_made().await? {
            with_data.push(services.clone());
        }
        pairs.push((store, services, folder.join(&dump.name)));
    }
    if !with_data.is_empty() {
        return Err(BackupError::HasData(with_data.join(", ")));
    }
    let mut restored = Vec::new();
    for (store, services, path) in pairs {
        let arguments = ["--single-transaction".as_ref(), "--no-owner".as_ref(), path.as_os_str()];
        match run(bin, "pg_restore", store, &arguments).await {
            Ok(()) => restored.push(services),
            Err(error) if restored.is_empty() => return Err(error),
            Err(error) => {
                return Err(BackupError::Partly {
                    restored: restored.join(", "),
                    failed: services,
                    error: Box::new(error),
                });
            }
        }
    }
    Ok(running.migrate().await?)
}

/// The manifest, once all that it says was found to be so.
fn checked(folder: &Path) -> Result<Manifest, BackupError> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read(&path).map_err(|error| BackupError::File {
        path: path.clone(),
        error,
    })?;
    let wrong = |reason: String| BackupError::Manifest {
        path: path.clone(),
        reason,
    };
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let numbers =
        |version: &str| numbers(version).ok_or_else(|| wrong(format!("{version:?} is not a version such as 1.2.3")));
    if numbers(&manifest.version)? > numbers(env!("CARGO_PKG_VERSION"))? || manifest.migration > newest_migration() {
        return Err(BackupError::Newer {
            path,
            version: manifest.version,
            migration: manifest.migration,
        });
    }
    for dump in &manifest.files {
        // A name alone: a manifest from elsewhere does not lead out of its folder.
        if Path::new(&dump.name).file_name() != Some(OsStr::new(&dump.name)) {
            return Err(wrong(format!(
                "{:?} is not the name of a file in its folder",
                dump.name
            )));
        }
        let path = folder.join(&dump.name);
        if !path.is_file() || sha256(&path)? != dump.sha256 {
            return Err(BackupError::Changed(path));
        }
    }
    Ok(manifest)
}

/// `1.2.3`, in an order; what follows a hyphen or a plus does not count.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let plain = version.split(['-', '+']).next()?;
    let numbers: Vec<u64> = plain.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

fn services(store: &Store) -> String {
    store
        .services
        .iter()
        .map(|service| service.name())
        .collect::<Vec<_>>()
        .join("+")
}

/// Runs a program on the store's database. The password goes by the environment: a command line is for all to see.
async fn run(bin: &Path, program: &'static str, store: &Store, arguments: &[&OsStr]) -> Result<(), BackupError> {
    let failed = |said: String| BackupError::Program { program, said };
    let mut url = reqwest::Url::parse(store.url.reveal()).map_err(|error| failed(error.to_string()))?;
    let password = url.password().map(decoded).unwrap_or_default();
    // A URL that has no host cannot have a password either, so that this cannot fail where it matters.
    let _ = url.set_password(None);
    let mut command = Command::new(bin.join(program));
    command
        .arg(format!("--dbname={url}"))
        .args(arguments)
        .env("PGPASSWORD", password)
        .kill_on_drop(true);
    let output = command.output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// Percent signs of a URL read.
fn decoded(text: &str) -> String {
    let carrier = reqwest::Url::parse(&format!("text:?text={}", text.replace('+', "%2B")));
    carrier
        .ok()
        .and_then(|url| url.query_pairs().next().map(|(_, text)| text.into_owned()))
        .unwrap_or_default()
}

fn sha256(path: &Path) -> Result<String, BackupError> {
    let failed = |error| BackupError::File {
        path: path.to_path_buf(),
        error,
    };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&buffer[..length]),
        }
    }
}
