//! A private PostgreSQL cluster in the data folder, of the programs that the system has installed.

use crate::config::Secret;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::Command;

/// Where distributions put PostgreSQL's programs, one folder per version.
const INSTALLED: [&str; 2] = ["/usr/lib/postgresql", "/usr/local/lib/postgresql"];
const SUPERUSER: &str = "castor";
/// Between two looks whether it runs.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why there is no private cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// PostgreSQL is not installed.
    #[error(
        "PostgreSQL is not installed here; install it (Debian: postgresql), name its folder in CASTOR_POSTGRES_BIN, or set DATABASE_URL"
    )]
    NotInstalled,
    /// As root, and there is nobody else to run it.
    #[error(
        "PostgreSQL refuses to run as root and there is no user postgres or nobody; start the server as an ordinary user"
    )]
    NoUser,
    /// The data folder cannot be used.
    #[error("{path}: {error}", path = path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// One of its programs failed.
    #[error("{program} failed: {said}")]
    Program {
        /// The program.
        program: &'static str,
        /// What it said.
        said: String,
    },
}

/// A running cluster. It goes on when this value is dropped; [`Cluster::leave`] ends it when no other process uses it.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    owner: Option<Owner>,
    port: u16,
    settings: Vec<String>,
    password: Secret,
    /// Held shared by every process that uses the cluster: the last one ends it.
    in_use: File,
}

/// The account that PostgreSQL runs as when the server runs as root.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl Cluster {
    /// Makes the cluster when the folder is new, starts it when it does not run, and says where it listens.
    /// `settings` are `name=value` of postgresql.conf.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn start(folder: &Path, bin: Option<&Path>, settings: &[&str]) -> Result<Self, ClusterError> {
        let bin = programs(bin).ok_or(ClusterError::NotInstalled)?;
        let owner = owner()?;
        let folder = prepared(folder, owner)?;
        let password = password(&folder, owner)?;
        let lock = |name: &str| lock_file(&folder.join(name));
        let (starting, in_use) = (lock("starting")?, lock("in-use")?);
        alone(&starting).await.map_err(|error| ClusterError::Folder {
            path: folder.clone(),
            error,
        })?;
        in_use.lock_shared().map_err(|error| ClusterError::Folder {
            path: folder.clone(),
            error,
        })?;
        let mut cluster = Self {
            bin,
            folder,
            owner,
            port: 0,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            password,
            in_use,
        };
        if !Self::is_made(&cluster.folder) {
            cluster.create().await?;
        }
        cluster.port = match cluster.running_on().await {
            Some(port) => port,
            None => cluster.launch().await?,
        };
        Ok(cluster)
    }

    /// Whether there is a cluster in the folder.
    pub(crate) fn is_made(folder: &Path) -> bool {
        folder.join("data").join("PG_VERSION").exists()
    }

    /// Whether one could be made, as far as that shows without making it.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or there is nobody to run it.
    pub(crate) fn could_be_made(bin: Option<&Path>) -> Result<(), ClusterError> {
        programs(bin).ok_or(ClusterError::NotInstalled)?;
        owner().map(|_| ())
    }

    /// The URL of a database in it.
    #[must_use]
    pub fn url(&self, database: &str) -> Secret {
        let password = self.password.reveal();
        Secret::new(format!(
            "postgres://{SUPERUSER}:{password}@127.0.0.1:{}/{database}",
            self.port
        ))
    }

    /// The port it listens on, on this machine alone.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again whenever it has ended by itself. For ever.
    pub async fn keep(&self) {
        let mut told = false;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_ok() {
                told = false;
                continue;
            }
            match self.revive().await {
                Ok(()) => tracing::warn!(
                    port = self.port,
                    "the private PostgreSQL had ended and was started again"
                ),
                Err(error) if !told => {
                    tracing::error!(%error, port = self.port, "the private PostgreSQL has ended and does not start; trying again");
                    told = true;
                }
                Err(_) => {}
            }
        }
    }

    async fn revive(&self) -> Result<(), ClusterError> {
        let starting = lock_file(&self.folder.join("starting"))?;
        alone(&starting).await.map_err(|error| ClusterError::Folder {
            path: self.folder.clone(),
            error,
        })?;
        // Another process may have been faster, or it starts this moment.
        match self.running_on().await {
            Some(_) => Ok(()),
            None => self.launch_on(self.port).await,
        }
    }

    /// Ends it in good order, unless another process uses it.
    ///
    /// # Errors
    /// It does not end.
    pub async fn leave(&self) -> Result<(), ClusterError> {
        let failed = |error| ClusterError::Folder {
            path: self.folder.clone(),
            error,
        };
        let starting = lock_file(&self.folder.join("starting"))?;
        alone(&starting).await.map_err(failed)?;
        self.in_use.unlock().map_err(failed)?;
        match self.in_use.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let data = self.data();
        self.run(
            "pg_ctl",
            &[
                "-D".as_ref(),
                data.as_os_str(),
                "-m".as_ref(),
                "fast".as_ref(),
                "stop".as_ref(),
            ],
        )
        .await
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    async fn create(&self) -> Result<(), ClusterError> {
        let (data, word) = (self.data(), self.folder.join("password"));
        let mut pwfile = std::ffi::OsString::from("--pwfile=");
        pwfile.push(&word);
        let options = [
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "-U",
            SUPERUSER,
        ];
        let mut arguments: Vec<&std::ffi::OsStr> = vec!["-D".as_ref(), data.as_os_str(), &pwfile];
        arguments.extend(options.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
        self.run("initdb", &arguments).await
    }

    /// The port of a cluster that a server which was killed left behind.
    async fn running_on(&self) -> Option<u16> {
        let data = self.data();
        self.run("pg_ctl", &["-D".as_ref(), data.as_os_str(), "status".as_ref()])
            .await
            .ok()?;
        let written = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
        written.lines().nth(3)?.trim().parse().ok()
    }

    async fn launch(&self) -> Result<u16, ClusterError> {
        let mut last = ClusterError::NotInstalled;
        // The port may be taken by another program between the choice and the start.
        for _ in 0..3 {
            let port = free_port().map_err(|error| ClusterError::Folder {
                path: self.folder.clone(),
                error,
            })?;
            match self.launch_on(port).await {
                Ok(()) => return Ok(port),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn launch_on(&self, port: u16) -> Result<(), ClusterError> {
        let (data, log) = (self.data(), self.folder.join("log"));
        let mut options = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''");
        for setting in &self.settings {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        let arguments: [&std::ffi::OsStr; 10] = [
            "-D".as_ref(),
            data.as_os_str(),
            "-l".as_ref(),
            log.as_os_str(),
            "-o".as_ref(),
            options.as_ref(),
            "-w".as_ref(),
            "-t".as_ref(),
            "60".as_ref(),
            "start".as_ref(),
        ];
        self.run("pg_ctl", &arguments).await
    }

    async fn run(&self, program: &'static str, arguments: &[&std::ffi::OsStr]) -> Result<(), ClusterError> {
        let failed = |said: String| ClusterError::Program { program, said };
        let said = self.folder.join(format!("{program}.out"));
        let out = File::create(&said).map_err(|error| ClusterError::Folder {
            path: said.clone(),
            error,
        })?;
        let err = out.try_clone().map_err(|error| ClusterError::Folder {
            path: said.clone(),
            error,
        })?;
        let mut command = Command::new(self.bin.join(program));
        // To a file: what pg_ctl starts keeps its output open, so that a pipe would never end.
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        #[cfg(unix)]
        if let Some(owner) = self.owner {
            command.uid(owner.user).gid(owner.group);
        }
        let status = command.status().await.map_err(|error| failed(error.to_string()))?;
        if status.success() {
            return Ok(());
        }
        Err(failed(
            std::fs::read_to_string(&said).unwrap_or_default().trim().to_owned(),
        ))
    }
}

fn lock_file(path: &Path) -> Result<File, ClusterError> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    file.map_err(|error| ClusterError::Folder {
        path: path.to_path_buf(),
        error,
    })
}

/// Waits for the lock without holding up other tasks. It ends with the file.
async fn alone(file: &File) -> io::Result<()> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// The folder of PostgreSQL's programs: the one named, else the newest that is installed.
pub(crate) fn programs(named: Option<&Path>) -> Option<PathBuf> {
    named.map(Path::to_path_buf).or_else(installed)
}

fn installed() -> Option<PathBuf> {
    let versions = INSTALLED
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .flatten();
    let newest = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max()
        .map(|(_, bin)| bin);
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|bin| bin.join("initdb").exists());
    newest.or_else(on_path)
}

/// Nobody when the server is not root.
fn owner() -> Result<Option<Owner>, ClusterError> {
    if !is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            Some(Owner {
                user: fields.nth(1)?.parse().ok()?,
                group: fields.next()?.parse().ok()?,
            })
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .map(Some)
        .ok_or(ClusterError::NoUser)
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1));
    effective == Some("0")
}

fn prepared(folder: &Path, owner: Option<Owner>) -> Result<PathBuf, ClusterError> {
    let failed = |error| ClusterError::Folder {
        path: folder.to_path_buf(),
        error,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let folder = folder.canonicalize().map_err(failed)?;
    give(&folder, owner, 0o700)?;
    Ok(folder)
}

/// The password of the cluster, made once.
fn password(folder: &Path, owner: Option<Owner>) -> Result<Secret, ClusterError> {
    let path = folder.join("password");
    let failed = |error| ClusterError::Folder {
        path: path.clone(),
        error,
    };
    if !path.exists() {
        std::fs::write(&path, crate::secret::random_token()).map_err(failed)?;
        give(&path, owner, 0o600)?;
    }
    Ok(Secret::new(std::fs::read_to_string(&path).map_err(failed)?))
}

#[cfg(unix)]
fn give(path: &Path, owner: Option<Owner>, mode: u32) -> Result<(), ClusterError> {
    use std::os::unix::fs::{PermissionsExt, chown};
    let failed = |error| ClusterError::Folder {
        path: path.to_path_buf(),
        error,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    match owner {
        Some(owner) => chown(path, Some(owner.user), Some(owner.group)).map_err(failed),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn give(_: &Path, _: Option<Owner>, _: u32) -> Result<(), ClusterError> {
    Ok(())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
