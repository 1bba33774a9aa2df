//! Sync by itself: after each change, when the server says that others worked, and now and then.

use super::{SEES, SENDS, Syncing};
use crate::view::Failure;
use crate::{AppError, Desk};
use castor_domain::review::Moment;
use castor_sync::{Backoff, HttpTransport, Kept, ServerUrl, SyncError, Tokens};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Between two rounds where the server's events are heard, and where they are not.
const PAUSE_LISTENING: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(15);
/// Between two looks at what only a person can put right.
const PAUSE_STOPPED: Duration = Duration::from_secs(300);
/// Changes that come in a row go together.
const GATHER: Duration = Duration::from_millis(250);

impl Syncing {
    /// Starts the background work. It ends with the desk.
    pub(crate) fn start(&self, desk: &Arc<Desk>) {
        tokio::spawn(rounds(Arc::downgrade(desk)));
        tokio::spawn(listening(Arc::downgrade(desk)));
        tokio::spawn(super::files::moving(Arc::downgrade(desk)));
    }
}

/// Goes on with the sign-in of the last run, then makes round after round.
async fn rounds(weak: Weak<Desk>) {
    if let Some(desk) = weak.upgrade()
        && let Err(error) = desk.resume().await
    {
        desk.syncing.set(|now| now.failure = Some(Failure::of(&error)));
    }
    let mut backoff = Backoff::default();
    loop {
        let Some(desk) = weak.upgrade() else { return };
        let pause = if desk.syncing.link().is_none() {
            None
        } else {
            Some(desk.next_round(&mut backoff).await)
        };
        let woken = Arc::clone(&desk.syncing.woken);
        drop(desk);
        match pause {
            Some(pause) => {
                let _ = tokio::time::timeout(pause, woken.notified()).await;
            }
            // The look in between notices that the desk was closed.
            None => {
                let _ = tokio::time::timeout(PAUSE_LISTENING, woken.notified()).await;
            }
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Hears what happens on the server while someone is signed in.
async fn listening(weak: Weak<Desk>) {
    let Some(mut link) = weak.upgrade().map(|desk| desk.syncing.link.subscribe()) else {
        return;
    };
    let mut backoff = Backoff::default();
    loop {
        let transport = link.borrow_and_update().clone();
        let Some(transport) = transport else {
            if link.changed().await.is_err() {
                return;
            }
            continue;
        };
        let heard = weak.clone();
        let mut connected = false;
        let happens = |kind: &str| {
            let Some(desk) = heard.upgrade() else { return };
            connected = true;
            desk.syncing.listens(true);
            if matches!(kind, "connected" | "forms.changed" | "lagged") {
                desk.syncing.woken.notify_one();
            }
        };
        tokio::select! {
            _ = transport.listen(happens) => {}
            changed = link.changed() => if changed.is_err() { return },
        }
        let Some(desk) = weak.upgrade() else { return };
        desk.syncing.listens(false);
        drop(desk);
        if connected {
            backoff.reset();
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.wait(draw(), Some(1))) => {}
            changed = link.changed() => if changed.is_err() { return },
        }
    }
}

/// A number of 0–1, drawn anew.
fn draw() -> f64 {
    let [a, b, c, d, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
}

impl Desk {
    /// Takes the sign-in of the last run up.
    pub(super) async fn resume(self: &Arc<Self>) -> Result<(), AppError> {
        let _turn = self.syncing.turn.lock().await;
        // Held until the link stands: a sign-out meanwhile waits, and then ends it.
        let signed = self.syncing.signed.lock().await;
        let Some(remembered) = self.remembered().await? else {
            return Ok(());
        };
        if self.syncing.link().is_some() {
            return Ok(());
        }
        let Some(tokens) = self.kept_token().await? else {
            let message = "its token is not on this computer".to_owned();
            return Err(SyncError::SignedOut(message).into());
        };
        let kept = Kept {
            tokens: Tokens::parse(&tokens),
            account: remembered.account,
        };
        let server = ServerUrl::parse(&remembered.address)?;
        let transport = HttpTransport::resume(server.clone(), kept, self.keeper(server.text(), *signed))?;
        self.syncing.set(|now| now.failure = None);
        self.syncing.link.send_replace(Some(Arc::new(transport)));
        drop(signed);
        Ok(())
    }

    /// Makes a round; how long to wait for the next.
    async fn next_round(self: &Arc<Self>, backoff: &mut Backoff) -> Duration {
        let pause = match self.sync_round().await {
            Ok(()) => {
                backoff.reset();
                if self.syncing.listening.load(std::sync::atomic::Ordering::Relaxed) {
                    PAUSE_LISTENING
                } else {
                    PAUSE
                }
            }
            Err(error) if passes(&error) => backoff.wait(draw(), asked(&error)),
            Err(_) => PAUSE_STOPPED,
        };
        let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let next = Moment((self.clock)().0.saturating_add(millis));
        self.syncing.set(|now| now.next = Some(next));
        pause
    }

    /// One round, and what it says of the state.
    pub(super) async fn sync_round(self: &Arc<Self>) -> Result<(), AppError> {
        let _turn = self.syncing.turn.lock().await;
        let Some(transport) = self.syncing.link() else {
            return Ok(());
        };
        let done = self.exchange(&transport).await;
        let at = (self.clock)();
        self.syncing.set(|now| {
            now.well = Some(done.is_ok());
            match &done {
                Ok(()) => {
                    now.last = Some(at);
                    now.failure = None;
                }
                Err(error) => {
                    now.failure = Some(Failure::of(error));
                    now.passes = passes(error);
                }
            }
        });
        done
    }

    /// Sends and receives as far as the account's role goes.
    async fn exchange(self: &Arc<Self>, transport: &HttpTransport) -> Result<(), AppError> {
        let account = transport.account().await;
        if !account.may(SENDS) {
            // Whether the sign-in still stands is worth knowing all the same.
            transport.me().await?;
            return Ok(());
        }
        self.share_as(&account).await?;
        if account.may(SEES) {
            castor_sync::round(&self.store, transport).await?;
            self.lend_on(transport).await?;
        } else {
            castor_sync::sending(&self.store, transport).await?;
        }
        // Files come after the events that need them.
        self.syncing.files.notify_one();
        Ok(())
    }
}

/// Whether trying again by itself can help.
fn passes(error: &AppError) -> bool {
    match error {
        AppError::Sync(error) => error.passes(),
        AppError::Store(_) | AppError::Cut(_) | AppError::File { .. } => true,
        AppError::Read(_)
        | AppError::Asked(_)
        | AppError::NoSuchCommand(_)
        | AppError::Keyring(_)
        | AppError::Backup(_)
        | AppError::Answered { .. }
        | AppError::OtherAccount(_)
        | AppError::NameTaken
        | AppError::NotSignedIn
        | AppError::NotPassedOn(_)
        | AppError::NoForms
        | AppError::NoRoom(_)
        | AppError::FileAway(_) => false,
    }
}

/// Seconds that the server asked to wait.
fn asked(error: &AppError) -> Option<u64> {
    if let AppError::Sync(SyncError::Busy { wait, .. }) = error {
        *wait
    } else {
        None
    }
}
