//! Rows of the original's databases as they were.

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, query};

/// Adds the rows that are not there yet and says how many.
pub(crate) async fn insert(connection: &mut PgConnection, table: &str, rows: &[Value]) -> Result<u64, sqlx::Error> {
    let hashes: Vec<Vec<u8>> = rows
        .iter()
        .map(|row| Sha256::digest(format!("{table}\n{row}")).to_vec())
        .collect();
    let done = query!(
        "INSERT INTO former_row (hash, table_name, content)
         SELECT hash, $1, content FROM unnest($2::bytea[], $3::jsonb[]) AS new (hash, content)
         ON CONFLICT (hash) DO NOTHING",
        table,
        &hashes,
        rows
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
