//! Files of forms, to the server and from it.

use super::{SEES, SENDS};
use crate::integrity::{kept_whole, pages_of};
use crate::{AppError, Desk};
use castor_store::{Store, StoreError};
use castor_sync::{Content, Find, fetch_file, send_files};
use castor_vision::input::{Document, Limits};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Files that are fetched before it is looked again what else waits.
const STRETCH: u32 = 50;

/// Sends and fetches after each round of sync.
pub(super) async fn moving(weak: Weak<Desk>) {
    loop {
        let Some(desk) = weak.upgrade() else { return };
        let woken = Arc::clone(&desk.syncing.files);
        drop(desk);
        // The look in between notices that the desk was closed.
        if tokio::time::timeout(Duration::from_secs(60), woken.notified())
            .await
            .is_err()
        {
            continue;
        }
        let Some(desk) = weak.upgrade() else { return };
        // What does not get through now is tried after the next round, which says whether the server is reached.
        let _ = desk.move_files().await;
    }
}

/// A form's file as it is sent, looked through to its end; may block.
///
/// # Errors
/// A stable code and a message where it is not there, or not as it was taken in.
pub fn whole_file(store: &Store, form: &str) -> Result<Content, (String, String)> {
    let told = |error: StoreError| (error.code().to_owned(), error.to_string());
    kept_whole(store, form).map_err(told)?;
    let path = store.blob_path(form);
    if !path.is_dir() {
        return Ok(Content::File(path));
    }
    let document = Document::open(&path, &Limits::default());
    let document = document.map_err(|error| (error.code().to_owned(), error.to_string()))?;
    Ok(Content::Pages(pages_of(&document)))
}

impl Desk {
    async fn move_files(self: &Arc<Self>) -> Result<(), AppError> {
        let Some(transport) = self.syncing.link() else {
            return Ok(());
        };
        let account = transport.account().await;
        if account.may(SEES) {
            for form in self.store.files_to_fetch(STRETCH).await? {
                let _one = self.syncing.fetching.lock().await;
                fetch_file(&self.store, &*transport, &form).await?;
            }
        }
        if account.may(SENDS) {
            let find = self.find();
            while send_files(&self.store, &*transport, &find).await?.arrived > 0 {}
        }
        Ok(())
    }

    /// Finds a form's file, whole.
    fn find(self: &Arc<Self>) -> Find {
        let desk = Arc::clone(self);
        Arc::new(move |form| whole_file(&desk.store, form))
    }

    /// Sees to it that a form's file is here.
    ///
    /// # Errors
    /// [`AppError::FileAway`] when it is on the server and does not come now; it is then wanted.
    pub(crate) async fn bring(&self, form: &str) -> Result<(), AppError> {
        if self.store.blob_path(form).exists() {
            return Ok(());
        }
        let Some(transport) = self.syncing.link() else {
            return Err(StoreError::BlobMissing(form.to_owned()).into());
        };
        self.store.want_files(&[form.to_owned()]).await?;
        let _one = self.syncing.fetching.lock().await;
        match fetch_file(&self.store, &*transport, form).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(AppError::FileAway(form.to_owned())),
        }
    }
}
