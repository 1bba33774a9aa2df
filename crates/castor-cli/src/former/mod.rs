//! `castor import-sqlite`: data of before into the server's databases.

mod desk;
mod original;

use anyhow::{Context, Result, bail};
use castor_server::intake::Intake;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// What is brought in.
#[derive(Args)]
pub(crate) struct ImportArguments {
    /// A desk's data folder, or a SQLite file of the former services.
    path: PathBuf,
    /// The account in whose name a desk's events come in, by its e-mail address.
    #[arg(long, value_name = "E-MAIL")]
    account: Option<String>,
}

/// Brings it in. What came in before is not counted twice, so an import that was cut off is run again.
pub(crate) fn import(arguments: &ImportArguments) -> Result<ExitCode> {
    let path = &arguments.path;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        if path.is_dir() {
            let Some(account) = &arguments.account else {
                bail!(
                    "--account E-MAIL says in whose name the events of {} come in",
                    path.display()
                );
            };
            let intake = open().await?;
            let done = desk::import(&intake, path, account).await;
            intake.close().await?;
            return done;
        }
        let database = original::Original::open(path)
            .await
            .with_context(|| format!("{} cannot be read as a SQLite database", path.display()))?;
        let intake = open().await?;
        let done = original::import(&intake, &database).await;
        intake.close().await?;
        done
    })
}

async fn open() -> Result<Intake> {
    Ok(Intake::open(crate::server::config(None)?).await?)
}
