//! The server that a desk shares its work with: signing in and out, and how sync goes. What is written here works
//! without it; see docs/SYNC.md.

mod background;
mod files;
mod lease;
mod request;

pub use files::whole_file;

use crate::desk::rfc3339;
use crate::view::{AccountView, Failure, RefusedChange, ServerState, ServerView};
use crate::{AppError, Desk};
use castor_domain::review::Moment;
use castor_store::Store;
use castor_sync::{Account, HttpTransport, Keep, Kept, ServerUrl, SignIn};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};

/// Setting: which server, and who is signed in there.
const SERVER: &str = "server";
/// Setting: the account under which this desk's forms are shared, from the first time on.
const SHARED_AS: &str = "sync.account";
/// Most refused events that are shown.
const REFUSED: u32 = 200;

/// What is remembered of a sign-in beside its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remembered {
    address: String,
    account: Account,
}

/// The account that a desk's forms are shared under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedAs {
    /// The account.
    pub id: String,
    /// Its e-mail address, to tell a person.
    pub email: String,
}

/// The account that a store's forms are shared under; `None` before the first time.
///
/// # Errors
/// [`AppError::Store`] when the database fails.
pub async fn shared_as(store: &Store) -> Result<Option<SharedAs>, AppError> {
    let kept = store.setting(SHARED_AS).await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Makes an account the one that a store's forms are shared under, where there is none.
///
/// # Errors
/// [`AppError::OtherAccount`] where another one is, and [`AppError::Store`] when the database fails.
pub async fn share_as(store: &Store, account: &SharedAs) -> Result<(), AppError> {
    match shared_as(store).await? {
        Some(shared) if shared.id == account.id => Ok(()),
        Some(shared) => Err(AppError::OtherAccount(shared.email)),
        None => {
            let text = serde_json::to_string(account).map_err(|e| AppError::Asked(e.to_string()))?;
            Ok(store.set_setting(SHARED_AS, &text).await?)
        }
    }
}

/// The way to the server, and how sync goes.
#[derive(Debug, Default)]
pub(crate) struct Syncing {
    link: watch::Sender<Option<Arc<HttpTransport>>>,
    now: Mutex<Now>,
    /// Ends the wait for the next round.
    woken: Arc<Notify>,
    /// Counts sign-ins and sign-outs: what a sign-in of before renews is not kept any more.
    signed: tokio::sync::Mutex<u64>,
    /// One round, sign-in or sign-out at a time.
    turn: tokio::sync::Mutex<()>,
    /// There may be files to send or to fetch.
    files: Arc<Notify>,
    /// One file is fetched at a time.
    fetching: tokio::sync::Mutex<()>,
    /// Whether the server's own events are heard, so that asking can wait longer.
    listening: AtomicBool,
    /// When a person last worked here; `None` before the first time.
    seen: Mutex<Option<Moment>>,
}

/// How sync goes.
#[derive(Debug, Clone, Default)]
struct Now {
    /// Whether the last round went well; `None` before the first.
    well: Option<bool>,
    /// When everything was last on both sides.
    last: Option<Moment>,
    failure: Option<Failure>,
    /// Whether the failure can pass by itself.
    passes: bool,
    /// When it is tried again by itself.
    next: Option<Moment>,
}

impl Syncing {
    pub(crate) fn link(&self) -> Option<Arc<HttpTransport>> {
        self.link.borrow().clone()
    }

    fn now(&self) -> Now {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Something was written that the server should have. While it cannot be reached, its own time to try again holds.
    pub(crate) fn has_work(&self) {
        if self.now().well != Some(false) {
            self.woken.notify_one();
        }
    }

    /// A person works here. Somebody who comes back keeps what is still lent.
    pub(crate) fn somebody_works(&self, now: Moment) {
        let alone = !self.attended(now);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        if alone {
            self.has_work();
        }
    }

    /// Whether a person worked here within the time of a lease: nobody's work is kept from others.
    fn attended(&self, now: Moment) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_some_and(|seen| now.0 - seen.0 < lease::lent_for())
    }

    fn listens(&self, listening: bool) {
        self.listening.store(listening, Ordering::Relaxed);
    }
}

impl Desk {
    /// Signs in to a server. The password is not kept. Where something fails, everything is as before.
    pub(crate) async fn server_sign_in(
        self: &Arc<Self>,
        address: &str,
        email: &str,
        password: &str,
    ) -> Result<ServerView, AppError> {
        let turn = self.syncing.turn.lock().await;
        let server = ServerUrl::parse(address)?;
        let signing = SignIn { email, password };
        let number = *self.syncing.signed.lock().await + 1;
        let transport = HttpTransport::sign_in(server.clone(), &signing, self.keeper(server.text(), number)).await?;
        let transport = Arc::new(transport);
        if let Err(error) = self.begin(server.text(), &transport, number).await {
            // The session that was begun is of no use to anyone.
            let _ = transport.sign_out().await;
            return Err(error);
        }
        drop(turn);
        self.syncing.woken.notify_one();
        // The sign-in stands without it: a name can be chosen in the settings.
        let _ = self.named_by_account(&transport).await;
        self.server_view().await?.ok_or(AppError::NotSignedIn)
    }

    /// Makes a new sign-in the one that counts.
    async fn begin(
        self: &Arc<Self>,
        address: String,
        transport: &Arc<HttpTransport>,
        number: u64,
    ) -> Result<(), AppError> {
        let kept = transport.kept().await;
        let mut signed = self.syncing.signed.lock().await;
        if kept.account.may(SENDS)
            && let Some(shared) = shared_as(&self.store).await?
            && shared.id != kept.account.id
        {
            return Err(AppError::OtherAccount(shared.email));
        }
        self.remember(Some((address, kept))).await?;
        // From here on nothing fails.
        *signed = number;
        self.syncing.set(|now| *now = Now::default());
        self.syncing.link.send_replace(Some(Arc::clone(transport)));
        Ok(())
    }

    /// Signs out. What the server has not got stays here and is sent after the next sign-in. Where something fails, the
    /// sign-in stands.
    pub(crate) async fn server_sign_out(self: &Arc<Self>) -> Result<(), AppError> {
        let transport = {
            let mut signed = self.syncing.signed.lock().await;
            self.remember(None).await?;
            *signed += 1;
            self.syncing.link.send_replace(None)
        };
        if let Some(transport) = transport {
            // Without a network the session ends on the server when it is not used; here it has ended.
            let _ = transport.sign_out().await;
        }
        // A round that was under way says nothing any more.
        let _turn = self.syncing.turn.lock().await;
        self.syncing.set(|now| *now = Now::default());
        Ok(())
    }

    /// Syncs now, and says how it went.
    pub(crate) async fn server_sync(self: &Arc<Self>) -> Result<ServerView, AppError> {
        if self.remembered().await?.is_none() {
            return Err(AppError::NotSignedIn);
        }
        // A keyring that was locked at the start may be open now.
        self.resume().await?;
        // What is wrong shows in the state.
        let _ = self.sync_round().await;
        self.syncing.woken.notify_one();
        self.server_view().await?.ok_or(AppError::NotSignedIn)
    }

    /// Own changes that the server refused, latest first.
    pub(crate) async fn server_refused(&self) -> Result<Vec<RefusedChange>, AppError> {
        let rows = self.store.refused(REFUSED).await?;
        Ok(rows
            .into_iter()
            .map(|row| RefusedChange {
                seq: row.seq,
                form: row.form,
                name: row.name,
                event: row.kind,
                at: rfc3339(row.at),
                code: row.code,
                message: row.message,
            })
            .collect())
    }

    /// The server and how sync goes; `None` where nobody has signed in.
    pub(crate) async fn server_view(&self) -> Result<Option<ServerView>, AppError> {
        let Some(Remembered { address, account }) = self.remembered().await? else {
            return Ok(None);
        };
        let now = self.syncing.now();
        let state = match now.well {
            None if self.syncing.link().is_none() && now.failure.is_some() => ServerState::Stopped,
            None => ServerState::Connecting,
            Some(true) => ServerState::Online,
            Some(false) if now.passes => ServerState::Offline,
            Some(false) => ServerState::Stopped,
        };
        let at = (self.clock)();
        let retry = now.next.filter(|_| now.well == Some(false));
        let seconds = |next: Moment| u32::try_from((next.0 - at.0).max(0) / 1000).unwrap_or(u32::MAX);
        let files = self.store.attachment_count().await?;
        let events = self.store.sync_count().await?;
        let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(Some(ServerView {
            address,
            account: AccountView {
                name: full_name(&account),
                email: account.email,
                role: account.role,
                permissions: account.permissions,
            },
            state,
            last: now.last.map(rfc3339),
            failure: now.failure,
            retry_seconds: retry.map(seconds),
            refused: small(events.refused),
            read_by_server: small(events.read_by_server),
            files_to_send: small(files.to_send),
            files_to_fetch: small(files.to_fetch),
            files_failing: small(files.failing),
            lent: small(self.store.leased(at).await?),
        }))
    }

    /// Makes the account the one that this desk's forms are shared under, where there is none and it shares forms.
    async fn share_as(&self, account: &Account) -> Result<(), AppError> {
        if !account.may(SENDS) {
            return Ok(());
        }
        let shared = SharedAs {
            id: account.id.clone(),
            email: account.email.clone(),
        };
        share_as(&self.store, &shared).await
    }

    async fn remembered(&self) -> Result<Option<Remembered>, AppError> {
        let kept = self.store.setting(SERVER).await?;
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// What keeps a sign-in each time that it changes.
    fn keeper(self: &Arc<Self>, address: String, signed: u64) -> Keep {
        let desk = Arc::downgrade(self);
        Box::new(move |kept: Kept| {
            let (desk, address) = (desk.clone(), address.clone());
            Box::pin(async move {
                let desk = desk.upgrade().ok_or_else(|| "the desk is closed".to_owned())?;
                desk.keep_sign_in(address, kept, signed)
                    .await
                    .map_err(|e| e.to_string())
            })
        })
    }

    async fn keep_sign_in(self: &Arc<Self>, address: String, kept: Kept, signed: u64) -> Result<(), AppError> {
        let now = self.syncing.signed.lock().await;
        if *now != signed {
            return Ok(());
        }
        self.remember(Some((address, kept))).await
    }

    /// Keeps a sign-in, or forgets the one that was kept: its token and who it is, both or neither.
    async fn remember(self: &Arc<Self>, sign_in: Option<(String, Kept)>) -> Result<(), AppError> {
        let (token, told) = match sign_in {
            Some((address, Kept { tokens, account })) => {
                let told = serde_json::to_string(&Remembered { address, account });
                (
                    Some(tokens.text()),
                    Some(told.map_err(|e| AppError::Asked(e.to_string()))?),
                )
            }
            None => (None, None),
        };
        let former = self.kept_token().await?;
        self.keep_token(token).await?;
        let written = match told {
            Some(told) => self.store.set_setting(SERVER, &told).await,
            None => self.store.forget_setting(SERVER).await,
        };
        if let Err(error) = written {
            // Where the keyring does not even take this, a person signs in again.
            let _ = self.keep_token(former).await;
            return Err(error.into());
        }
        Ok(())
    }

    async fn keep_token(self: &Arc<Self>, token: Option<String>) -> Result<(), AppError> {
        let desk = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || desk.secrets.set_server_token(token.as_deref())).await;
        kept.map_err(|e| AppError::Cut(e.to_string()))?
    }

    async fn kept_token(self: &Arc<Self>) -> Result<Option<String>, AppError> {
        let desk = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || desk.secrets.server_token()).await;
        kept.map_err(|e| AppError::Cut(e.to_string()))?
    }
}

/// Permission of who sends events.
const SENDS: &str = "upload_e14";
/// Permission of who sees the events of others.
const SEES: &str = "validate_e14";

/// The name of an account.
pub(crate) fn full_name(account: &Account) -> String {
    format!("{} {}", account.first_name, account.last_name)
        .trim()
        .to_owned()
}
