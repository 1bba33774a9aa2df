//! Settings of this laptop, by name.

use crate::{Store, StoreError};

impl Store {
    /// The value of a setting.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar!("SELECT value FROM setting WHERE name = ?", name)
            .fetch_optional(&self.pool)
            .await?)
    }

    /// The value of a setting, which this one becomes where there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn setting_or(&self, name: &str, value: String) -> Result<String, StoreError> {
        sqlx::query!("INSERT OR IGNORE INTO setting (name, value) VALUES (?, ?)", name, value)
            .execute(&self.pool)
            .await?;
        Ok(self.setting(name).await?.unwrap_or(value))
    }

    /// Forgets a setting.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn forget_setting(&self, name: &str) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM setting WHERE name = ?", name)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)",
            name,
            value
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
