//! Cells with a settled answer that are given to a person once more.

use crate::{QueueFilter, Store, StoreError};
use castor_domain::review::{Moment, State};
use sqlx::{QueryBuilder, SqliteConnection};

/// One such cell, given to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeTask {
    /// The name under which the person sees the form.
    pub id: String,
    /// The form.
    pub form: String,
    /// The cell, as `page/path`.
    pub cell: String,
    /// The person.
    pub person: String,
}

impl Store {
    /// Gives a cell to a person.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn add_probe(&self, task: &ProbeTask, at: Moment) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT OR REPLACE INTO probe (id, form, cell, person, open, at) VALUES (?, ?, ?, ?, 1, ?)",
            task.id,
            task.form,
            task.cell,
            task.person,
            at.0
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The cell behind a name; `None` when it is no such name.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn probe(&self, id: &str) -> Result<Option<ProbeTask>, StoreError> {
        Ok(sqlx::query_as!(
            ProbeTask,
            "SELECT p.id, p.form, p.cell, p.person FROM probe p JOIN form f ON f.id = p.form WHERE p.id = ?",
            id
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// The cell that a person was given and has not dealt with, as long as nobody works on its form again.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn open_probe(&self, person: &str) -> Result<Option<ProbeTask>, StoreError> {
        Ok(sqlx::query_as!(
            ProbeTask,
            "SELECT p.id, p.form, p.cell, p.person FROM probe p JOIN form f ON f.id = p.form
             WHERE p.person = ? AND p.open AND f.state = 'COMPLETED' ORDER BY p.at LIMIT 1",
            person
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Says whether a cell that was given still waits for the person.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn set_probe_open(&self, id: &str, open: bool) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        set_open(&mut connection, id, open).await
    }

    /// A form with settled answers that a person has no part in, among those that a filter finds, which of them by a
    /// number; `None` where there is none. The filter's states and reasons do not count: such forms are done.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn form_to_probe(
        &self,
        filter: &QueueFilter,
        person: &str,
        number: u64,
    ) -> Result<Option<String>, StoreError> {
        let filter = QueueFilter {
            states: vec![State::Completed.name().to_owned()],
            reasons: Vec::new(),
            reader: None,
            ..filter.clone()
        };
        let found = |select: &str| {
            let mut query = QueryBuilder::new(select);
            filter.push(&mut query);
            query
                .push(" AND known > 0 AND NOT EXISTS (SELECT 1 FROM json_each(readers) WHERE value = ")
                .push_bind(person.to_owned())
                .push(")");
            query
        };
        let mut count = found("SELECT COUNT(*) FROM form");
        let count: i64 = count.build_query_scalar().fetch_one(&self.pool).await?;
        let Some(at) = u64::try_from(count).ok().and_then(|count| number.checked_rem(count)) else {
            return Ok(None);
        };
        let mut query = found("SELECT id FROM form");
        query
            .push(" ORDER BY id LIMIT 1 OFFSET ")
            .push_bind(i64::try_from(at).unwrap_or(0));
        Ok(query.build_query_scalar().fetch_optional(&self.pool).await?)
    }
}

pub(crate) async fn set_open(connection: &mut SqliteConnection, id: &str, open: bool) -> Result<(), StoreError> {
    sqlx::query!("UPDATE probe SET open = ? WHERE id = ?", open, id)
        .execute(connection)
        .await?;
    Ok(())
}
