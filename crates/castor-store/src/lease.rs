//! Forms of the shared queue that the server lent to this laptop.

use crate::{Store, StoreError};
use castor_domain::review::Moment;

impl Store {
    /// Notes what is lent: these forms and no others.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; nothing is changed then.
    pub async fn set_leases(&self, leases: &[(String, Moment)]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query!("DELETE FROM lease").execute(&mut *transaction).await?;
        for (form, until) in leases {
            sqlx::query!(
                "INSERT OR REPLACE INTO lease (form, until) VALUES (?, ?)",
                form,
                until.0
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// How many forms are lent at a moment.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn leased(&self, now: Moment) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!("SELECT COUNT(*) FROM lease WHERE until > ?", now.0)
            .fetch_one(&self.pool)
            .await?)
    }

    /// Lent forms that wait for nobody any more.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn settled_leases(&self, now: Moment) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT l.form FROM lease l JOIN form f ON f.id = l.form WHERE l.until > ? AND NOT f.waits ORDER BY l.form",
            now.0
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// What is lent at a moment, and until when.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn leases(&self, now: Moment) -> Result<Vec<(String, Moment)>, StoreError> {
        let rows = sqlx::query!("SELECT form, until FROM lease WHERE until > ? ORDER BY form", now.0)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|row| (row.form, Moment(row.until))).collect())
    }
}
