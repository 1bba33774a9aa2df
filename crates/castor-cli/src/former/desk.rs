//! A desk's store: its events go in as its own sync would send them.

use anyhow::{Context, Result};
use castor_server::error::{ApiError, ErrorCode};
use castor_server::intake::{Account, Intake};
use castor_store::Store;
use castor_sync::{SyncError, Transport, round};
use castor_wire::sync::{Lease, LeaseRequest, PullAnswer, Push, PushAnswer, SyncState};
use std::path::Path;
use std::process::ExitCode;
use uuid::Uuid;

/// The server's databases instead of a line to a server.
struct Direct<'a> {
    intake: &'a Intake,
    account: Account,
}

fn told(error: ApiError) -> SyncError {
    let message = error.to_string();
    if matches!(error.code(), ErrorCode::DatabaseUnavailable | ErrorCode::StorageFull) {
        SyncError::Busy { message, wait: None }
    } else {
        SyncError::Refused(message)
    }
}

impl Transport for Direct<'_> {
    async fn state(&self, client: &str) -> Result<SyncState, SyncError> {
        let client = Uuid::parse_str(client).map_err(|error| SyncError::Store(error.to_string()))?;
        self.intake.state(client).await.map_err(told)
    }

    async fn push(&self, push: &Push) -> Result<PushAnswer, SyncError> {
        self.intake.push(&self.account, push.clone()).await.map_err(told)
    }

    /// An import brings in; it fetches nothing.
    async fn pull(&self, _: &str, after: u64, _: u16) -> Result<PullAnswer, SyncError> {
        Ok(PullAnswer {
            events: Vec::new(),
            upto: after,
            more: false,
        })
    }

    async fn lease(&self, _: &LeaseRequest) -> Result<Vec<Lease>, SyncError> {
        Ok(Vec::new())
    }
}

/// Brings the events in; exit code 2 when the server refused some.
pub(super) async fn import(intake: &Intake, folder: &Path, account: &str) -> Result<ExitCode> {
    let account = intake
        .account(account)
        .await
        .with_context(|| format!("the account {account}"))?;
    let store = Store::open_existing(folder)
        .await
        .with_context(|| format!("the desk's data in {}", folder.display()))?;
    let done = round(&store, &Direct { intake, account }).await?;
    println!("{} events accepted, {} refused", done.accepted, done.refused);
    let refused = u32::try_from(done.refused).unwrap_or(u32::MAX);
    for row in store.refused(refused).await? {
        println!("refused: form {} {} {}", row.form, row.code, row.message);
    }
    store.close().await;
    Ok(if done.refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}
