//! Files that the object store holds, and those of the source folder.

use castor_ingest::{FileFacts, Provenance};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

/// What is known of a file's form before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) departamento: Option<String>,
    pub(crate) municipio: Option<String>,
    pub(crate) zona: Option<String>,
    pub(crate) puesto: Option<String>,
    pub(crate) mesa: Option<String>,
    pub(crate) corporacion: Option<String>,
    pub(crate) copia: Option<String>,
}

/// A file to be noted.
pub(crate) struct NewFile<'a> {
    pub(crate) facts: &'a FileFacts,
    pub(crate) from: &'a Provenance,
    pub(crate) election: Option<&'a str>,
    pub(crate) place: &'a Place,
    pub(crate) account: Option<Uuid>,
}

/// Notes a file that the object store holds. Of one that is there already the first note stands; what it lacks is filled in.
pub(crate) async fn insert(connection: &mut PgConnection, new: &NewFile<'_>) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO stored_file AS f (sha256, bytes, pages, name, source, url, election, departamento, municipio, zona, puesto, mesa,
             corporacion, copia, account)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (sha256) DO UPDATE SET election = coalesce(f.election, excluded.election),
             departamento = coalesce(f.departamento, excluded.departamento), municipio = coalesce(f.municipio, excluded.municipio),
             zona = coalesce(f.zona, excluded.zona), puesto = coalesce(f.puesto, excluded.puesto),
             mesa = coalesce(f.mesa, excluded.mesa), corporacion = coalesce(f.corporacion, excluded.corporacion),
             copia = coalesce(f.copia, excluded.copia)",
        new.facts.sha256,
        i64::try_from(new.facts.bytes).unwrap_or(i64::MAX),
        i16::try_from(new.facts.pages).unwrap_or(i16::MAX),
        new.from.name,
        new.from.source.name(),
        new.from.url,
        new.election,
        new.place.departamento,
        new.place.municipio,
        new.place.zona,
        new.place.puesto,
        new.place.mesa,
        new.place.corporacion,
        new.place.copia,
        new.account,
    )
    .execute(&mut *connection)
    .await?;
    // Laptops fetch it like a file that a laptop sent.
    query!(
        "INSERT INTO blob (sha256, kind, total, bytes, whole, account) VALUES ($1, 'file', $2, $2, true, $3)
         ON CONFLICT (sha256) DO UPDATE SET kind = 'file', total = excluded.total, bytes = excluded.bytes, whole = true,
             touched_at = now()
         WHERE NOT blob.whole",
        new.facts.sha256,
        i64::try_from(new.facts.bytes).unwrap_or(i64::MAX),
        new.account.unwrap_or_default(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes files that laptops sent whole, of forms at a place: they can be read here like any other.
pub(crate) async fn adopt(connection: &mut PgConnection, place: &Place) -> Result<u64, sqlx::Error> {
    let done = query!(
        "INSERT INTO stored_file (sha256, bytes, name, source, account)
         SELECT b.sha256, b.total, o.name, 'MANUAL_ENTRY', b.account FROM blob b JOIN form o ON o.id = b.sha256
         WHERE b.whole AND b.kind = 'file'
             AND ($1::text IS NULL OR o.departamento = $1) AND ($2::text IS NULL OR o.municipio = $2)
             AND ($3::text IS NULL OR o.zona = $3) AND ($4::text IS NULL OR o.puesto = $4)
             AND ($5::text IS NULL OR o.mesa = $5) AND ($6::text IS NULL OR o.corporacion = $6)
             AND ($7::text IS NULL OR o.copia = $7)
             AND NOT EXISTS (SELECT FROM stored_file f WHERE f.sha256 = b.sha256)
         ON CONFLICT DO NOTHING",
        place.departamento,
        place.municipio,
        place.zona,
        place.puesto,
        place.mesa,
        place.corporacion,
        place.copia,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Files whose place fits everything that is given, by what is known of the file or else by what its form says; those that
/// no job of the model reads yet before the others, then in the order in which they came.
pub(crate) async fn find(
    connection: &mut PgConnection,
    place: &Place,
    model: &str,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    query_as!(
        Found,
        r#"SELECT f.sha256, j.id IS NOT NULL AS "queued!"
           FROM stored_file f LEFT JOIN form o ON o.id = f.sha256 LEFT JOIN job j ON j.sha256 = f.sha256 AND j.model = $8
           WHERE ($1::text IS NULL OR coalesce(f.departamento, o.departamento) = $1)
             AND ($2::text IS NULL OR coalesce(f.municipio, o.municipio) = $2)
             AND ($3::text IS NULL OR coalesce(f.zona, o.zona) = $3)
             AND ($4::text IS NULL OR coalesce(f.puesto, o.puesto) = $4)
             AND ($5::text IS NULL OR coalesce(f.mesa, o.mesa) = $5)
             AND ($6::text IS NULL OR coalesce(f.corporacion, o.corporacion) = $6)
             AND ($7::text IS NULL OR coalesce(f.copia, o.copia) = $7)
           ORDER BY j.id IS NOT NULL, f.stored_at, f.sha256 LIMIT $9"#,
        place.departamento,
        place.municipio,
        place.zona,
        place.puesto,
        place.mesa,
        place.corporacion,
        place.copia,
        model,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// A file that was looked for.
pub(crate) struct Found {
    pub(crate) sha256: String,
    /// Whether a job of the model reads it, or has.
    pub(crate) queued: bool,
}

/// How many files there are at a place, and how many of them no job of the model reads yet.
pub(crate) async fn count(connection: &mut PgConnection, place: &Place, model: &str) -> Result<FileCount, sqlx::Error> {
    query_as!(
        FileCount,
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE j.id IS NULL) AS "unqueued!"
           FROM stored_file f LEFT JOIN form o ON o.id = f.sha256 LEFT JOIN job j ON j.sha256 = f.sha256 AND j.model = $8
           WHERE ($1::text IS NULL OR coalesce(f.departamento, o.departamento) = $1)
             AND ($2::text IS NULL OR coalesce(f.municipio, o.municipio) = $2)
             AND ($3::text IS NULL OR coalesce(f.zona, o.zona) = $3)
             AND ($4::text IS NULL OR coalesce(f.puesto, o.puesto) = $4)
             AND ($5::text IS NULL OR coalesce(f.mesa, o.mesa) = $5)
             AND ($6::text IS NULL OR coalesce(f.corporacion, o.corporacion) = $6)
             AND ($7::text IS NULL OR coalesce(f.copia, o.copia) = $7)"#,
        place.departamento,
        place.municipio,
        place.zona,
        place.puesto,
        place.mesa,
        place.corporacion,
        place.copia,
        model,
    )
    .fetch_one(connection)
    .await
}

/// Files of a place.
pub(crate) struct FileCount {
    pub(crate) all: i64,
    pub(crate) unqueued: i64,
}

/// Size and moment of change of the source folder's files that were looked at, of the paths given.
pub(crate) async fn seen(
    connection: &mut PgConnection,
    paths: &[String],
) -> Result<Vec<(String, i64, i64)>, sqlx::Error> {
    let rows = query!(
        "SELECT path, bytes, modified FROM source_file WHERE path = ANY($1)",
        paths
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.path, row.bytes, row.modified))
        .collect())
}

/// A file of the source folder that was looked at.
pub(crate) struct SourceFile<'a> {
    pub(crate) path: &'a str,
    pub(crate) bytes: i64,
    pub(crate) modified: i64,
    /// Its hash, or code and message of why it was not taken.
    pub(crate) outcome: Result<&'a str, (&'a str, &'a str)>,
}

/// Notes what became of a file of the source folder.
pub(crate) async fn note(connection: &mut PgConnection, file: &SourceFile<'_>) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO source_file (path, bytes, modified, sha256, code, message) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes, modified = excluded.modified, sha256 = excluded.sha256,
             code = excluded.code, message = excluded.message, seen_at = now()",
        file.path,
        file.bytes,
        file.modified,
        file.outcome.ok(),
        file.outcome.err().map(|(code, _)| code),
        file.outcome.err().map(|(_, message)| message),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What the source folder has given so far.
pub(crate) struct SourceCount {
    pub(crate) taken: i64,
    pub(crate) refused: i64,
}

/// Counts the source folder's files.
pub(crate) async fn source_count(connection: &mut PgConnection) -> Result<SourceCount, sqlx::Error> {
    query_as!(
        SourceCount,
        r#"SELECT count(sha256) AS "taken!", count(code) AS "refused!" FROM source_file"#
    )
    .fetch_one(connection)
    .await
}
