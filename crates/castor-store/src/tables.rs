//! Tables of which more than one copy was read.

use crate::queue::{FormRow, form_row};
use crate::{Store, StoreError};

/// A table and a corporación.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableKey {
    /// Codes of departamento, municipio, zona, puesto and mesa, with a hyphen between each.
    pub mesa: String,
    /// Name of the corporación.
    pub corporacion: String,
    /// Whether its forms are generated: they are never held against real ones.
    pub demo: bool,
}

impl Store {
    /// A stretch of the tables of which more than one copy was read, with the number of all. Those whose copies do not all
    /// say the same come first. Forms that were set aside count for nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn tables_with_copies(&self, offset: u32, limit: u32) -> Result<(i64, Vec<TableKey>), StoreError> {
        let total = sqlx::query_scalar!(
            "SELECT COUNT(*) FROM (
                 SELECT 1 FROM form WHERE mesa IS NOT NULL AND departamento IS NOT NULL AND municipio IS NOT NULL
                     AND zona IS NOT NULL AND puesto IS NOT NULL AND corporacion IS NOT NULL AND state <> 'REJECTED'
                 GROUP BY departamento, municipio, zona, puesto, mesa, corporacion, demo HAVING COUNT(*) > 1
             )"
        )
        .fetch_one(&self.pool)
        .await?;
        let rows = sqlx::query!(
            "SELECT departamento || '-' || municipio || '-' || zona || '-' || puesto || '-' || mesa AS \"mesa!: String\",
                    corporacion AS \"corporacion!: String\", demo AS \"demo!: bool\"
             FROM form WHERE mesa IS NOT NULL AND departamento IS NOT NULL AND municipio IS NOT NULL
                 AND zona IS NOT NULL AND puesto IS NOT NULL AND corporacion IS NOT NULL AND state <> 'REJECTED'
             GROUP BY departamento, municipio, zona, puesto, mesa, corporacion, demo HAVING COUNT(*) > 1
             ORDER BY COUNT(DISTINCT votes) = 1, departamento, municipio, zona, puesto, mesa, corporacion
             LIMIT ? OFFSET ?",
            limit,
            offset
        )
        .fetch_all(&self.pool)
        .await?;
        let tables = rows.into_iter().map(|row| TableKey {
            mesa: row.mesa,
            corporacion: row.corporacion,
            demo: row.demo,
        });
        Ok((total, tables.collect()))
    }

    /// The forms of tables, as many as a table has; those that were set aside are left out.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn forms_of_tables(&self, tables: &[TableKey]) -> Result<Vec<(TableKey, FormRow)>, StoreError> {
        // As the index has them: the five codes, then the corporación.
        let key = |table: &TableKey| {
            let codes: Vec<&str> = table.mesa.split('-').collect();
            (codes.len() == 5).then(|| serde_json::json!([codes, table.corporacion, table.demo]))
        };
        let asked = serde_json::Value::from_iter(tables.iter().filter_map(key)).to_string();
        let rows = sqlx::query(
            "SELECT f.* FROM json_each(?) t JOIN form f
                 ON f.departamento = t.value ->> '$[0][0]' AND f.municipio = t.value ->> '$[0][1]'
                 AND f.zona = t.value ->> '$[0][2]' AND f.puesto = t.value ->> '$[0][3]'
                 AND f.mesa = t.value ->> '$[0][4]' AND f.corporacion = t.value ->> '$[1]' AND f.demo = t.value ->> '$[2]'
             WHERE f.state <> 'REJECTED' ORDER BY t.key, f.copia, f.id",
        )
        .bind(asked)
        .fetch_all(&self.pool)
        .await?;
        let mut forms = Vec::with_capacity(rows.len());
        for row in &rows {
            let form = form_row(row)?;
            let codes: Vec<&str> = form
                .codes
                .iter()
                .map(|code| code.as_deref().unwrap_or_default())
                .collect();
            let table = TableKey {
                mesa: codes.join("-"),
                corporacion: form.corporacion.clone().unwrap_or_default(),
                demo: form.demo,
            };
            forms.push((table, form));
        }
        Ok(forms)
    }
}
