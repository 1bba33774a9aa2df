//! Rows of the original's databases as they were.

use serde_json::Value;
use sqlx::{PgConnection, query};

/// Adds the rows that are not there yet, each known by its hash, and says how many.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    table: &str,
    hashes: &[Vec<u8>],
    rows: &[Value],
) -> Result<u64, sqlx::Error> {
    let done = query!(
        "INSERT INTO former_row (hash, table_name, content)
         SELECT hash, $1, content FROM unnest($2::bytea[], $3::jsonb[]) AS new (hash, content)
         ON CONFLICT (hash) DO NOTHING",
        table,
        hashes,
        rows
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
