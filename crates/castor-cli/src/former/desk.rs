//! A desk's store: its events and its files go in as its own sync would send them.

use anyhow::{Context, Result, bail};
use castor_app::{SharedAs, share_as, shared_as, whole_file};
use castor_server::error::{ApiError, ErrorCode};
use castor_server::intake::{Account, Intake};
use castor_store::Store;
use castor_sync::{BlobTransport, FetchedPiece, Find, SyncError, Transport, round, send_files};
use castor_wire::sync::{BlobKind, BlobState, Lease, LeaseRequest, PullAnswer, Push, PushAnswer, SyncState};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// The server's databases and its store of files instead of a line to a server.
struct Direct<'a> {
    intake: &'a Intake,
    account: Account,
}

fn told(error: ApiError) -> SyncError {
    let message = error.to_string();
    let passes = [
        ErrorCode::DatabaseUnavailable,
        ErrorCode::StorageFull,
        ErrorCode::ObjectsUnavailable,
    ];
    if passes.contains(&error.code()) {
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

impl BlobTransport for Direct<'_> {
    async fn blob_state(&self, hash: &str) -> Result<BlobState, SyncError> {
        self.intake.blob_state(hash).await.map_err(told)
    }

    async fn send_piece(
        &self,
        hash: &str,
        kind: BlobKind,
        offset: u64,
        total: u64,
        piece: Vec<u8>,
    ) -> Result<BlobState, SyncError> {
        let put = self.intake.put_piece(&self.account, hash, kind, offset, total, piece);
        put.await.map_err(told)
    }

    /// An import fetches nothing.
    async fn fetch_piece(&self, hash: &str, _: u64) -> Result<FetchedPiece, SyncError> {
        Err(SyncError::Refused(format!("an import fetches no file ({hash})")))
    }
}

/// Brings events and files in; exit code 2 when the server refused some, or files did not arrive.
pub(super) async fn import(intake: &Intake, folder: &Path, account: &str) -> Result<ExitCode> {
    let account = intake
        .account(account)
        .await
        .with_context(|| format!("the account {account}"))?;
    let store = Store::open_existing(folder)
        .await
        .with_context(|| format!("the desk's data in {}", folder.display()))?;
    claim(intake, &store, folder, &account).await?;
    let email = account.email().to_owned();
    let direct = Direct { intake, account };
    let done = round(&store, &direct).await?;
    println!("{} events accepted, {} refused", done.accepted, done.refused);
    let refused = u32::try_from(done.refused).unwrap_or(u32::MAX);
    for row in store.refused(refused).await? {
        println!("refused: form {} {} {}", row.form, row.code, row.message);
    }
    let store = Arc::new(store);
    let left = files(&store, &direct).await?;
    println!("the desk shares its forms under {email} from now on: that account signs in there, and no other");
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(if done.refused == 0 && left == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// Makes the store the account's on both sides, as a first sign-in at the desk would. Nothing is written where one of them
/// has it under another account: the events would be refused ever after.
async fn claim(intake: &Intake, store: &Store, folder: &Path, account: &Account) -> Result<()> {
    let own = SharedAs {
        id: account.id(),
        email: account.email().to_owned(),
    };
    if let Some(shared) = shared_as(store).await?.filter(|shared| shared.id != own.id) {
        bail!(
            "the forms in {} are shared under the account {} ({}), not under {} ({}): bring them in with that one; nothing was changed",
            folder.display(),
            shared.email,
            shared.id,
            own.email,
            own.id,
        );
    }
    let client = Uuid::parse_str(&store.client().await?)?;
    intake.claim(account, client).await.with_context(|| {
        let folder = folder.display();
        format!("the forms in {folder}: bring them in with that account, or sign in with it at the desk")
    })?;
    Ok(share_as(store, &own).await?)
}

/// Brings the files in that the server has not, and says so; how many did not arrive.
async fn files(store: &Arc<Store>, direct: &Direct<'_>) -> Result<i64> {
    let found = Arc::clone(store);
    let find: Find = Arc::new(move |form| whole_file(&found, form));
    let mut arrived = 0;
    loop {
        let moved = send_files(store, direct, &find).await?;
        arrived += moved.arrived;
        if moved.arrived == 0 {
            break;
        }
    }
    let left = store.attachment_count().await?;
    println!("{arrived} files brought in");
    if left.to_send > 0 {
        println!(
            "{} files are left: they are missing in the desk's folder or were changed there. The desk tries them again at each sync",
            left.to_send
        );
    }
    Ok(left.to_send)
}
