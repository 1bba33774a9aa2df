//! The store as it stood at one moment, however long it takes to be read.

use crate::log::{FormLog, loads};
use crate::queue::{FormRow, Order, QueueFilter, form_row};
use crate::{Store, StoreError};
use sqlx::{QueryBuilder, Sqlite, Transaction};
use std::collections::HashMap;

/// A view of the store that does not change while it is held: what is written meanwhile is not in it.
#[derive(Debug)]
pub struct Snapshot {
    transaction: Transaction<'static, Sqlite>,
}

/// A form with everything that happened to it.
#[derive(Debug, Clone)]
pub struct Filed {
    /// What the queue shows of it.
    pub row: FormRow,
    /// The form as it stands with its events.
    pub log: FormLog,
}

impl Store {
    /// The store as it stands now.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            transaction: self.pool.begin().await?,
        })
    }
}

impl Snapshot {
    /// Place and hash of the last event; 0 and no bytes where there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn head(&mut self) -> Result<(i64, Vec<u8>), StoreError> {
        let last = sqlx::query!("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut *self.transaction)
            .await?;
        Ok(last.map_or((0, Vec::new()), |row| (row.seq, row.hash)))
    }

    /// The forms that a filter finds, in order.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn ids(&mut self, filter: &QueueFilter, order: Order) -> Result<Vec<String>, StoreError> {
        let mut query = QueryBuilder::new("SELECT id FROM form");
        filter.push(&mut query);
        query.push(order.clause());
        Ok(query.build_query_scalar().fetch_all(&mut *self.transaction).await?)
    }

    /// Forms with all that happened to them, in the order asked: two queries for as many forms as are asked for. Unknown
    /// forms are passed over.
    ///
    /// # Errors
    /// [`StoreError`] when an event cannot be read or the database fails.
    pub async fn forms(&mut self, ids: &[String]) -> Result<Vec<Filed>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM form WHERE id IN ");
        push_list(&mut query, ids);
        let mut rows: HashMap<String, FormRow> = HashMap::new();
        for row in query.build().fetch_all(&mut *self.transaction).await? {
            let row = form_row(&row)?;
            rows.insert(row.id.clone(), row);
        }
        let logs = loads(&mut self.transaction, ids).await?;
        let mut logs: HashMap<String, FormLog> = logs.into_iter().collect();
        let mut forms = Vec::new();
        for id in ids {
            if let (Some(row), Some(log)) = (rows.remove(id), logs.remove(id)) {
                forms.push(Filed { row, log });
            }
        }
        Ok(forms)
    }
}

fn push_list(query: &mut QueryBuilder<Sqlite>, ids: &[String]) {
    query.push("(");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id.clone());
    }
    query.push(")");
}
