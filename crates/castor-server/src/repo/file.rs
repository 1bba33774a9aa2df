//! Files that the object store holds, and those of the source folder.

use castor_ingest::{FileFacts, Provenance, Source};
use sqlx::{PgConnection, query, query_as, query_scalar};
use std::time::Duration;
use time::OffsetDateTime;
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

/// Notes files that laptops sent whole, of forms of a table: they can be read here like any other.
pub(crate) async fn adopt(connection: &mut PgConnection, table: &Place) -> Result<(), sqlx::Error> {
    let forms = query_scalar!(
        "SELECT id FROM form WHERE departamento = $1 AND municipio = $2 AND zona = $3 AND puesto = $4 AND mesa = $5",
        table.departamento,
        table.municipio,
        table.zona,
        table.puesto,
        table.mesa,
    )
    .fetch_all(&mut *connection)
    .await?;
    adopt_forms(connection, &forms).await
}

/// The same for given forms.
pub(crate) async fn adopt_forms(connection: &mut PgConnection, forms: &[String]) -> Result<(), sqlx::Error> {
    query!(
        "INSERT INTO stored_file (sha256, bytes, name, source, account)
         SELECT b.sha256, b.bytes, o.name, 'MANUAL_ENTRY', b.account FROM readable b JOIN form o ON o.id = b.sha256
         WHERE b.sha256 = ANY($1)
         ORDER BY 1
         ON CONFLICT DO NOTHING",
        forms
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same for the forms of a file that has become whole: its own, or those that it is a page of. Their lists are held, so that
/// of two last pages that come at once the second one sees the first.
pub(crate) async fn adopt_forms_of(connection: &mut PgConnection, file: &str) -> Result<(), sqlx::Error> {
    let mut forms = query_scalar!(
        "SELECT b.sha256 FROM blob_page p JOIN blob b ON b.sha256 = p.form WHERE p.page = $1 ORDER BY 1
         FOR NO KEY UPDATE OF b",
        file
    )
    .fetch_all(&mut *connection)
    .await?;
    forms.push(file.to_owned());
    adopt_forms(connection, &forms).await
}

/// The same for so many files behind a hash; the last one that was looked at, none where there is none.
pub(crate) async fn adopt_next(
    connection: &mut PgConnection,
    after: &str,
    count: i64,
) -> Result<Option<String>, sqlx::Error> {
    query_scalar!(
        "WITH looked AS (SELECT sha256 FROM blob WHERE sha256 > $1 ORDER BY sha256 LIMIT $2), noted AS (
             INSERT INTO stored_file (sha256, bytes, name, source, account)
             SELECT b.sha256, b.bytes, o.name, 'MANUAL_ENTRY', b.account
             FROM looked JOIN readable b USING (sha256) JOIN form o ON o.id = b.sha256
             WHERE NOT EXISTS (SELECT FROM stored_file f WHERE f.sha256 = b.sha256)
             ORDER BY 1
             ON CONFLICT DO NOTHING
         )
         SELECT max(sha256) FROM looked",
        after,
        count
    )
    .fetch_one(connection)
    .await
}

/// Who a file is from.
pub(crate) async fn source(connection: &mut PgConnection, sha256: &str) -> Result<Option<Source>, sqlx::Error> {
    let name = query_scalar!("SELECT source FROM stored_file WHERE sha256 = $1", sha256)
        .fetch_optional(connection)
        .await?;
    Ok(name.as_deref().and_then(Source::parse))
}

/// Files of a table, by what is known of the file or else by what its form says; those that no job of the model reads yet before
/// the others, then in the order in which they came. All five codes are given.
pub(crate) async fn of_table(
    connection: &mut PgConnection,
    place: &Place,
    model: &str,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    query_as!(
        Found,
        r#"WITH known AS (
             SELECT sha256 FROM stored_file WHERE departamento = $1 AND municipio = $2 AND zona = $3 AND puesto = $4 AND mesa = $5
             UNION ALL
             SELECT f.sha256 FROM form o JOIN stored_file f ON f.sha256 = o.id
             WHERE o.departamento = $1 AND o.municipio = $2 AND o.zona = $3 AND o.puesto = $4 AND o.mesa = $5
                 AND f.departamento IS NULL
           )
           SELECT f.sha256, EXISTS (SELECT FROM job j WHERE j.sha256 = f.sha256 AND j.model = $8) AS "queued!"
           FROM known JOIN stored_file f USING (sha256) LEFT JOIN form o ON o.id = f.sha256
           WHERE ($6::text IS NULL OR coalesce(f.corporacion, o.corporacion) = $6)
             AND ($7::text IS NULL OR coalesce(f.copia, o.copia) = $7)
           ORDER BY 2, f.stored_at, f.sha256 LIMIT $9"#,
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

/// How many files there are in a department, and those of them that were queued last for another model or never, in the order in
/// which they came.
pub(crate) async fn of_department(
    connection: &mut PgConnection,
    place: &Place,
    model: &str,
) -> Result<FilesFound, sqlx::Error> {
    query_as!(
        FilesFound,
        r#"WITH known AS (
             SELECT sha256, corporacion, copia, stored_at, model FROM stored_file WHERE departamento = $1
             UNION ALL
             SELECT f.sha256, f.corporacion, f.copia, f.stored_at, f.model FROM stored_file f JOIN form o ON o.id = f.sha256
             WHERE f.departamento IS NULL AND o.departamento = $1
           )
           SELECT count(*) AS "all!",
             coalesce(array_agg(sha256 ORDER BY stored_at, sha256) FILTER (WHERE model IS DISTINCT FROM $4), '{}') AS "unqueued!"
           FROM known
           WHERE ($2::text IS NULL OR coalesce(corporacion, (SELECT o.corporacion FROM form o WHERE o.id = sha256)) = $2)
             AND ($3::text IS NULL OR coalesce(copia, (SELECT o.copia FROM form o WHERE o.id = sha256)) = $3)"#,
        place.departamento,
        place.corporacion,
        place.copia,
        model,
    )
    .fetch_one(connection)
    .await
}

/// Files of a department.
pub(crate) struct FilesFound {
    pub(crate) all: i64,
    pub(crate) unqueued: Vec<String>,
}

/// A file as a run comes upon it.
pub(crate) struct Passed {
    pub(crate) sha256: String,
    pub(crate) stored_at: OffsetDateTime,
    /// Whether every file that was stored before it can be seen by now.
    pub(crate) settled: bool,
    /// Whether it is of the run's kinds and no job of the model reads it yet.
    pub(crate) wanted: bool,
}

/// The next files behind one, in the order in which they came. What was stored in the last two minutes is not settled: a
/// transaction that began before may still write one. Transactions are ended by the database after less.
pub(crate) async fn next(
    connection: &mut PgConnection,
    after: (OffsetDateTime, &str),
    kinds: (Option<&str>, Option<&str>),
    model: &str,
    count: i64,
) -> Result<Vec<Passed>, sqlx::Error> {
    query_as!(
        Passed,
        r#"SELECT f.sha256, f.stored_at, f.stored_at < now() - interval '2 minutes' AS "settled!",
             NOT EXISTS (SELECT FROM job j WHERE j.sha256 = f.sha256 AND j.model = $5)
               AND ($3::text IS NULL OR coalesce(f.corporacion, o.corporacion) IS NOT DISTINCT FROM $3)
               AND ($4::text IS NULL OR coalesce(f.copia, o.copia) IS NOT DISTINCT FROM $4) AS "wanted!"
           FROM (SELECT * FROM stored_file WHERE (stored_at, sha256) > ($1, $2) ORDER BY stored_at, sha256 LIMIT $6) f
             LEFT JOIN form o ON o.id = f.sha256
           ORDER BY f.stored_at, f.sha256"#,
        after.0,
        after.1,
        kinds.0,
        kinds.1,
        model,
        count
    )
    .fetch_all(connection)
    .await
}

/// A file whose table is not noted.
pub(crate) struct Unplaced {
    pub(crate) sha256: String,
    /// Whether its form says it by now.
    pub(crate) known: bool,
}

/// The next files behind one whose table is not noted, by hash.
pub(crate) async fn unplaced(
    connection: &mut PgConnection,
    after: &str,
    count: i64,
) -> Result<Vec<Unplaced>, sqlx::Error> {
    query_as!(
        Unplaced,
        r#"SELECT f.sha256, (o.departamento IS NOT NULL AND o.municipio IS NOT NULL AND o.zona IS NOT NULL AND o.puesto IS NOT NULL
             AND o.mesa IS NOT NULL) AS "known!"
           FROM (SELECT sha256 FROM stored_file WHERE departamento IS NULL AND sha256 > $1 ORDER BY sha256 LIMIT $2) f
             LEFT JOIN form o ON o.id = f.sha256
           ORDER BY f.sha256"#,
        after,
        count
    )
    .fetch_all(connection)
    .await
}

/// Notes the tables that the forms of files say. The jobs come first: a file of which nothing is noted is found again.
pub(crate) async fn note_places(connection: &mut PgConnection, files: &[String]) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE job j SET departamento = o.departamento FROM form o WHERE o.id = j.sha256 AND j.sha256 = ANY($1)",
        files
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "UPDATE stored_file f SET departamento = o.departamento, municipio = o.municipio, zona = o.zona, puesto = o.puesto,
             mesa = o.mesa
         FROM form o WHERE o.id = f.sha256 AND f.sha256 = ANY($1) AND f.departamento IS NULL",
        files
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A form that nobody has read yet.
pub(crate) struct Unread {
    pub(crate) id: String,
    /// Whether its file is here, nobody has said anything of it since, and no job reads it.
    pub(crate) due: bool,
}

/// The next forms behind one that nobody has read, by id. A file that has just come is left for a while to the desk that sent it,
/// if that may read it.
pub(crate) async fn unread(
    connection: &mut PgConnection,
    after: &str,
    count: i64,
    patience: Duration,
) -> Result<Vec<Unread>, sqlx::Error> {
    query_as!(
        Unread,
        r#"SELECT o.id, b.sha256 IS NOT NULL AND NOT EXISTS (SELECT FROM job j WHERE j.sha256 = o.id) AS "due!"
           FROM (SELECT id FROM form WHERE state = 'WAITING' AND NOT demo AND id > $1 ORDER BY id LIMIT $2) o
             LEFT JOIN readable b ON b.sha256 = o.id AND b.touched_at < now() - make_interval(secs => $3)
           ORDER BY o.id"#,
        after,
        count,
        patience.as_secs_f64()
    )
    .fetch_all(connection)
    .await
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
