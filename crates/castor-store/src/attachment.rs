//! Files of forms on their way to the server and from it. They go by their hash, in pieces, from where the last attempt ended.

use crate::blobs::{appear, hash_file};
use crate::{Store, StoreError};
use sqlx::SqliteConnection;
use std::io::Write as _;
use std::path::PathBuf;

/// Kind of the event that says that a form's file was taken in.
pub(crate) const IMPORTED: &str = "imported";

/// How many files are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttachmentCount {
    /// To be sent.
    pub to_send: i64,
    /// To be fetched.
    pub to_fetch: i64,
    /// Of all these, those of which the last attempt failed.
    pub failing: i64,
}

/// One page file of a form that is a folder of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its hash.
    pub sha256: String,
    /// Where it stands.
    pub path: PathBuf,
}

/// Notes that a form's file is to be sent, unless that was noted before.
pub(crate) async fn to_send(connection: &mut SqliteConnection, form: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT OR IGNORE INTO attachment (form, state) VALUES (?, 'to_send')",
        form
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The server forgot a form: its file, if it was sent, is offered again.
pub(crate) async fn offer_again(connection: &mut SqliteConnection, form: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE attachment SET state = 'to_send' WHERE form = ? AND state = 'sent'",
        form
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The server forgot what it had: every file that was sent is offered again.
pub(crate) async fn send_again(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query!("UPDATE attachment SET state = 'to_send' WHERE state = 'sent'")
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Forms whose file is to be sent; those that failed last come after the others.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn files_to_send(&self, limit: u32) -> Result<Vec<String>, StoreError> {
        let limit = i64::from(limit);
        Ok(sqlx::query_scalar!(
            "SELECT form FROM attachment WHERE state = 'to_send' ORDER BY code IS NOT NULL, form LIMIT ?",
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Forms whose file is to be fetched; those that failed last come after the others.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn files_to_fetch(&self, limit: u32) -> Result<Vec<String>, StoreError> {
        let limit = i64::from(limit);
        Ok(sqlx::query_scalar!(
            "SELECT form FROM attachment WHERE state = 'to_fetch' ORDER BY code IS NOT NULL, form LIMIT ?",
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Asks for the files of forms that are not here.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn want_files(&self, forms: &[String]) -> Result<(), StoreError> {
        let away: Vec<&String> = forms.iter().filter(|form| !self.blob_path(form).exists()).collect();
        for form in away {
            sqlx::query!(
                "INSERT INTO attachment (form, state) VALUES (?, 'to_fetch')
                 ON CONFLICT (form) DO UPDATE SET state = 'to_fetch' WHERE state <> 'to_send'",
                form
            )
            .execute(&self.pool)
            .await?;
        }
        Ok(())
    }

    /// Notes that a form's file arrived: at the server, or here.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn file_arrived(&self, form: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE attachment SET state = CASE state WHEN 'to_send' THEN 'sent' WHEN 'to_fetch' THEN 'fetched' ELSE state END,
                 code = NULL, message = NULL WHERE form = ?",
            form
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes why a form's file did not arrive.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn file_failed(&self, form: &str, code: &str, message: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE attachment SET code = ?, message = ? WHERE form = ?",
            code,
            message,
            form
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// How many files are on their way.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn attachment_count(&self) -> Result<AttachmentCount, StoreError> {
        Ok(sqlx::query_as!(
            AttachmentCount,
            "SELECT coalesce(sum(state = 'to_send'), 0) AS \"to_send!: i64\",
                    coalesce(sum(state = 'to_fetch'), 0) AS \"to_fetch!: i64\",
                    coalesce(sum(code IS NOT NULL), 0) AS \"failing!: i64\"
             FROM attachment WHERE state IN ('to_send', 'to_fetch')"
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Where the pieces of a file that is being fetched are gathered.
    #[must_use]
    pub fn gathered_path(&self, hash: &str) -> PathBuf {
        self.blob_path(hash).with_extension("fetched")
    }

    /// Adds a piece to a file that is being fetched; how many bytes there are then. The piece is on the disk.
    ///
    /// # Errors
    /// [`StoreError::Folder`] or [`StoreError::Full`] when it cannot be written.
    pub fn gather(&self, hash: &str, piece: &[u8]) -> Result<u64, StoreError> {
        let path = self.gathered_path(hash);
        let write = || -> std::io::Result<u64> {
            self.shelf(hash)?;
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(piece)?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        write().map_err(|e| StoreError::folder(&path, &e))
    }

    /// How many bytes of a file have been gathered.
    #[must_use]
    pub fn gathered(&self, hash: &str) -> u64 {
        std::fs::metadata(self.gathered_path(hash)).map_or(0, |file| file.len())
    }

    /// Makes a gathered file the file of its hash. One whose bytes are others is thrown away, to be fetched anew.
    ///
    /// # Errors
    /// [`StoreError::BlobChanged`] when the hash is another.
    pub fn finish_gathered(&self, hash: &str) -> Result<(), StoreError> {
        let gathered = self.checked_gathered(hash)?;
        let target = self.blob_path(hash);
        appear(&gathered, &target).map_err(|e| StoreError::folder(&target, &e))
    }

    /// The bytes of a gathered file, which is taken away: a list of pages and not a form's file itself.
    ///
    /// # Errors
    /// As [`Self::finish_gathered`].
    pub fn take_gathered(&self, hash: &str) -> Result<Vec<u8>, StoreError> {
        let gathered = self.checked_gathered(hash)?;
        let taken = std::fs::read(&gathered).and_then(|bytes| std::fs::remove_file(&gathered).map(|()| bytes));
        taken.map_err(|e| StoreError::folder(&gathered, &e))
    }

    fn checked_gathered(&self, hash: &str) -> Result<PathBuf, StoreError> {
        let path = self.gathered_path(hash);
        let found = hash_file(&path).map_err(|e| StoreError::folder(&path, &e))?;
        if found == hash {
            return Ok(path);
        }
        std::fs::remove_file(&path).map_err(|e| StoreError::folder(&path, &e))?;
        Err(StoreError::BlobChanged(hash.to_owned()))
    }

    /// Where a page file of a form stands while its pages are gathered. Pages are read in the order of their names; what
    /// they are is told by their content.
    fn page_path(&self, form: &str, number: usize) -> PathBuf {
        let folder = self.blob_path(form).with_extension("joined");
        folder.join(format!("{number:04}.png"))
    }

    /// Whether a page file of a form, by its number from 1, is here already.
    #[must_use]
    pub fn has_page(&self, form: &str, number: usize, hash: &str) -> bool {
        hash_file(&self.page_path(form, number)).is_ok_and(|found| found == hash)
    }

    /// Makes a gathered file a page of a form.
    ///
    /// # Errors
    /// As [`Self::finish_gathered`].
    pub fn finish_page(&self, form: &str, number: usize, hash: &str) -> Result<(), StoreError> {
        let gathered = self.checked_gathered(hash)?;
        let target = self.page_path(form, number);
        let folder = target.parent().unwrap_or(self.folder());
        let moved = std::fs::create_dir_all(folder).and_then(|()| appear(&gathered, &target));
        moved.map_err(|e| StoreError::folder(&target, &e))
    }

    /// Makes the gathered pages of a form, which are all here, its folder of pages.
    ///
    /// # Errors
    /// [`StoreError::Folder`] when that cannot be written.
    pub fn join_pages(&self, form: &str) -> Result<(), StoreError> {
        let target = self.blob_path(form);
        appear(&target.with_extension("joined"), &target).map_err(|e| StoreError::folder(&target, &e))
    }
}
