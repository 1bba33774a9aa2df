//! Whether the store is as it should be.

use crate::log::rebuild_in;
use crate::queue::{FormRow, form_row};
use crate::{Store, StoreError};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

impl Store {
    /// What SQLite finds damaged in its own file; empty when all is well.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot even be asked.
    pub async fn damage(&self) -> Result<Vec<String>, StoreError> {
        let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_all(&self.pool)
            .await?;
        Ok(said.into_iter().filter(|line| line != "ok").collect())
    }

    /// Every form of the log, shown or not.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn forms_of_log(&self) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar!("SELECT DISTINCT form AS \"form!\" FROM event ORDER BY form")
                .fetch_all(&self.pool)
                .await?,
        )
    }

    /// Forms whose row is not the one that follows from the log. Nothing is changed.
    ///
    /// # Errors
    /// [`StoreError`] when an event cannot be read or the database fails.
    pub async fn stale_rows(&self) -> Result<Vec<String>, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let kept = rows(&mut transaction).await?;
        rebuild_in(&mut transaction).await?;
        let due = rows(&mut transaction).await?;
        transaction.rollback().await?;
        let ids = kept.keys().chain(due.keys().filter(|id| !kept.contains_key(*id)));
        Ok(ids.filter(|id| kept.get(*id) != due.get(*id)).cloned().collect())
    }
}

async fn rows(connection: &mut SqliteConnection) -> Result<BTreeMap<String, FormRow>, StoreError> {
    let rows = sqlx::query("SELECT * FROM form").fetch_all(connection).await?;
    let rows = rows.iter().map(form_row).collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}
