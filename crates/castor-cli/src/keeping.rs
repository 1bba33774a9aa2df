//! `castor backup`, `castor restore`, `castor integrity`: what the server or the desk of this computer keeps.

use anyhow::{Context, Result};
use castor_store::Store;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Whose data, and where the backup is.
#[derive(Args)]
pub(crate) struct BackupArguments {
    /// The backup: a folder; for the desk also a file that ends in .zip.
    path: PathBuf,
    /// The desk of this computer instead of the server.
    #[arg(long)]
    desk: bool,
    /// Data folder of the desk; CASTOR_DATA, else the one chosen in its settings.
    #[arg(long, value_name = "DIR", requires = "desk")]
    data: Option<PathBuf>,
}

/// Which desk is looked through.
#[derive(Args)]
pub(crate) struct IntegrityArguments {
    /// Data folder of the desk; CASTOR_DATA, else the one chosen in its settings.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Writes what is shown of every form afresh from the log first.
    #[arg(long)]
    rebuild: bool,
}

fn desk_folder(named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(castor_app::data_folder)
}

/// Writes a backup.
pub(crate) fn backup(arguments: &BackupArguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    if !arguments.desk {
        let manifest = runtime.block_on(castor_server::backup(crate::server::config(None)?, &arguments.path))?;
        for dump in manifest.files {
            println!("{} {}", dump.services, dump.sha256);
        }
        println!(
            "not in the backup: the files of forms (E14_OBJECTS_URL, else the folder objects of CASTOR_DATA), to be copied after it, and the signing key"
        );
        return Ok(ExitCode::SUCCESS);
    }
    let folder = desk_folder(arguments.data.as_ref());
    let manifest = runtime.block_on(async {
        let store = Store::open_existing(&folder).await?;
        castor_app::backup(&store, &arguments.path).await
    })?;
    println!(
        "{} events, {} files, {}",
        manifest.events,
        manifest.files.len(),
        manifest.head
    );
    for id in &manifest.missing {
        println!("not in the backup: the file of form {id} is missing or was changed");
    }
    Ok(if manifest.missing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// Brings a backup back.
pub(crate) fn restore(arguments: &BackupArguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    if arguments.desk {
        let folder = desk_folder(arguments.data.as_ref());
        let manifest = runtime.block_on(castor_app::restore(&arguments.path, &folder))?;
        println!(
            "{}: {} events, {} files",
            folder.display(),
            manifest.events,
            manifest.files.len()
        );
    } else {
        let manifest = runtime.block_on(castor_server::restore(crate::server::config(None)?, &arguments.path))?;
        println!("{} databases, written by {}", manifest.files.len(), manifest.version);
    }
    Ok(ExitCode::SUCCESS)
}

/// Looks through the desk's data; exit code 2 when something is wrong.
pub(crate) fn integrity(arguments: &IntegrityArguments) -> Result<ExitCode> {
    let folder = desk_folder(arguments.data.as_ref());
    let runtime = tokio::runtime::Runtime::new()?;
    let found = runtime.block_on(async {
        let store = Store::open_existing(&folder)
            .await
            .context("the desk's data cannot be opened")?;
        if arguments.rebuild {
            castor_app::rebuild(&store).await?;
        }
        anyhow::Ok(castor_app::integrity(&store).await?)
    })?;
    println!("{} events, {} forms, {}", found.events, found.forms, found.head);
    for problem in &found.problems {
        println!("{}", problem.message);
    }
    Ok(if found.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}
