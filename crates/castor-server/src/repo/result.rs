//! Results by contest and place: sums of the forms that count, a moment behind the forms themselves.

use castor_domain::form::{Corporacion, Level};
use serde::Serialize;
use sqlx::{PgConnection, query, query_as, query_scalar};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A table and contest: corporación, departamento, municipio, zona, puesto, mesa.
type Table = [String; 6];

/// One row of the ballot, added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct OptionResult {
    /// The row, such as `candidato.3` or `blanco`.
    pub(crate) path: String,
    /// Votes of the tables where they are known.
    pub(crate) votes: i64,
    /// Of these, votes of validated forms.
    pub(crate) validated: i64,
    /// Tables where they are known.
    pub(crate) tables: i64,
    /// Tables where the cell is unread or waits for a person: their votes are in no sum.
    pub(crate) unread: i64,
}

/// Tables of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub(crate) struct Tables {
    /// Tables of which a form was read.
    pub(crate) read: i64,
    /// Of these, tables whose form a person validated.
    pub(crate) validated: i64,
}

/// A place within the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Part {
    /// Its own code.
    pub(crate) code: String,
    /// Tables of which a form was read.
    pub(crate) read: i64,
    /// Of these, tables whose form a person validated.
    pub(crate) validated: i64,
    /// Votes of the row that was asked for; null without one, or where it is known of no table.
    pub(crate) votes: Option<i64>,
}

/// A place by its codes: departamento, municipio, zona, puesto, empty below its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) level: Level,
    pub(crate) codes: [String; 4],
}

/// Up to which place of the order the sums go, and its last place.
pub(crate) async fn state(connection: &mut PgConnection) -> Result<(i64, i64), sqlx::Error> {
    let row = query!("SELECT upto, (SELECT last FROM sync_order) AS \"last!\" FROM result_state")
        .fetch_one(connection)
        .await?;
    Ok((row.upto, row.last))
}

/// The sums of a place.
pub(crate) async fn options(
    connection: &mut PgConnection,
    corporacion: &str,
    place: &Place,
) -> Result<Vec<OptionResult>, sqlx::Error> {
    let [departamento, municipio, zona, puesto] = &place.codes;
    query_as!(
        OptionResult,
        "SELECT path, votes, validated, tables, unread FROM result
         WHERE corporacion = $1 AND level = $2 AND departamento = $3 AND municipio = $4 AND zona = $5 AND puesto = $6
             AND tables + unread > 0
         ORDER BY votes DESC, path",
        corporacion,
        place.level.codes(),
        departamento,
        municipio,
        zona,
        puesto
    )
    .fetch_all(connection)
    .await
}

/// The tables of a place.
pub(crate) async fn tables(
    connection: &mut PgConnection,
    corporacion: &str,
    place: &Place,
) -> Result<Tables, sqlx::Error> {
    let [departamento, municipio, zona, puesto] = &place.codes;
    let row = query_as!(
        Tables,
        "SELECT tables AS read, validated FROM result_place
         WHERE corporacion = $1 AND level = $2 AND departamento = $3 AND municipio = $4 AND zona = $5 AND puesto = $6",
        corporacion,
        place.level.codes(),
        departamento,
        municipio,
        zona,
        puesto
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.unwrap_or_default())
}

/// The places directly within one, with the votes of one row of the ballot.
pub(crate) async fn parts(
    connection: &mut PgConnection,
    corporacion: &str,
    place: &Place,
    path: Option<&str>,
) -> Result<Vec<Part>, sqlx::Error> {
    let [departamento, municipio, zona, _] = &place.codes;
    query_as!(
        Part,
        r#"SELECT (ARRAY[p.departamento, p.municipio, p.zona, p.puesto])[$2::integer + 1] AS "code!", p.tables AS read,
                p.validated, CASE WHEN r.tables > 0 THEN r.votes END AS votes
         FROM result_place p
         LEFT JOIN result r ON r.corporacion = p.corporacion AND r.level = p.level AND r.departamento = p.departamento
             AND r.municipio = p.municipio AND r.zona = p.zona AND r.puesto = p.puesto AND r.path = $6
         WHERE p.corporacion = $1 AND p.level = $2::integer + 1 AND p.tables > 0
             AND ($2::integer < 1 OR p.departamento = $3) AND ($2::integer < 2 OR p.municipio = $4)
             AND ($2::integer < 3 OR p.zona = $5)
         ORDER BY 1"#,
        corporacion,
        i32::from(place.level.codes()),
        departamento,
        municipio,
        zona,
        path
    )
    .fetch_all(connection)
    .await
}

/// Forms whose table or corporación was not read: they are in no sum.
pub(crate) async fn unplaced(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    query_scalar!(
        "SELECT count(*) AS \"count!\" FROM form WHERE votes IS NOT NULL AND NOT demo AND (departamento IS NULL
             OR municipio IS NULL OR zona IS NULL OR puesto IS NULL OR mesa IS NULL OR corporacion IS NULL)"
    )
    .fetch_one(connection)
    .await
}

/// Takes the forms of the next events into the sums, within the caller's transaction; how many. None when nothing has
/// changed or another process is at it.
pub(crate) async fn advance(connection: &mut PgConnection, most: i64) -> Result<usize, sqlx::Error> {
    let upto = query_scalar!("SELECT upto FROM result_state FOR UPDATE SKIP LOCKED")
        .fetch_optional(&mut *connection)
        .await?;
    let Some(upto) = upto else { return Ok(0) };
    let changed = query!(
        "SELECT form, max(global) AS \"last!\" FROM (SELECT form, global FROM event WHERE global > $1 ORDER BY global LIMIT $2) AS e GROUP BY form",
        upto,
        most
    )
    .fetch_all(&mut *connection)
    .await?;
    let Some(last) = changed.iter().map(|row| row.last).max() else {
        return Ok(0);
    };
    let ids: Vec<String> = changed.into_iter().map(|row| row.form).collect();
    let mut tables = standing(connection, &ids).await?;
    let rows = query!(
        "SELECT corporacion, departamento, municipio, zona, puesto, mesa FROM form WHERE id = ANY($1)",
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    tables.extend(rows.into_iter().filter_map(|row| {
        let table = [
            row.corporacion?,
            row.departamento?,
            row.municipio?,
            row.zona?,
            row.puesto?,
            row.mesa?,
        ];
        Some(table)
    }));
    replace(connection, &tables).await?;
    query!("UPDATE result_state SET upto = $1", last)
        .execute(connection)
        .await?;
    Ok(ids.len())
}

/// The tables for which some forms count now.
async fn standing(connection: &mut PgConnection, forms: &[String]) -> Result<BTreeSet<Table>, sqlx::Error> {
    let rows = query!(
        "SELECT corporacion, departamento, municipio, zona, puesto, mesa FROM result_table WHERE form = ANY($1)",
        forms
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            [
                row.corporacion,
                row.departamento,
                row.municipio,
                row.zona,
                row.puesto,
                row.mesa,
            ]
        })
        .collect())
}

/// Takes what stands of some tables out of the sums and what counts for them now in.
async fn replace(connection: &mut PgConnection, tables: &BTreeSet<Table>) -> Result<(), sqlx::Error> {
    let column = |n: usize| tables.iter().map(|table| table[n].clone()).collect::<Vec<_>>();
    let [corporaciones, departamentos, municipios] = [column(0), column(1), column(2)];
    let [zonas, puestos, mesas] = [column(3), column(4), column(5)];
    let contests: Vec<String> = Corporacion::ALL.iter().map(|c| c.name().to_owned()).collect();
    let scopes: Vec<i16> = Corporacion::ALL.iter().map(|c| c.scope().codes()).collect();
    query!(
        "WITH change AS (
             SELECT t.corporacion, t.departamento, t.municipio, t.zona, t.puesto, s.sign, s.validated, s.votes
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                 AS t(corporacion, departamento, municipio, zona, puesto, mesa)
             CROSS JOIN LATERAL (
                 SELECT -1 AS sign, r.validated, r.votes FROM result_table r
                 WHERE r.corporacion = t.corporacion AND r.departamento = t.departamento AND r.municipio = t.municipio
                     AND r.zona = t.zona AND r.puesto = t.puesto AND r.mesa = t.mesa
                 UNION ALL
                 SELECT 1, f.state = 'COMPLETED', f.votes
                 FROM counting_form(t.corporacion, t.departamento, t.municipio, t.zona, t.puesto, t.mesa) f
             ) s
         ), level AS (
             SELECT l.* FROM change c CROSS JOIN LATERAL (VALUES
                 (c.corporacion, 0::smallint, '', '', '', '', c.sign, c.validated, c.votes),
                 (c.corporacion, 1, c.departamento, '', '', '', c.sign, c.validated, c.votes),
                 (c.corporacion, 2, c.departamento, c.municipio, '', '', c.sign, c.validated, c.votes),
                 (c.corporacion, 3, c.departamento, c.municipio, c.zona, '', c.sign, c.validated, c.votes),
                 (c.corporacion, 4, c.departamento, c.municipio, c.zona, c.puesto, c.sign, c.validated, c.votes)
             ) AS l(corporacion, level, departamento, municipio, zona, puesto, sign, validated, votes)
         ), place AS (
             INSERT INTO result_place AS p
             SELECT corporacion, level, departamento, municipio, zona, puesto, sum(sign),
                 coalesce(sum(sign) FILTER (WHERE validated), 0)
             FROM (SELECT corporacion, level, departamento, municipio, zona, puesto, sign, validated FROM level) l
             GROUP BY 1, 2, 3, 4, 5, 6
             ON CONFLICT (corporacion, level, departamento, municipio, zona, puesto) DO UPDATE SET
                 tables = p.tables + excluded.tables, validated = p.validated + excluded.validated
         )
         INSERT INTO result AS r
         SELECT l.corporacion, l.level, l.departamento, l.municipio, l.zona, l.puesto, v.key,
             coalesce(sum(l.sign * v.value::bigint), 0),
             coalesce(sum(l.sign * v.value::bigint) FILTER (WHERE l.validated), 0),
             coalesce(sum(l.sign) FILTER (WHERE v.value IS NOT NULL), 0),
             coalesce(sum(l.sign) FILTER (WHERE v.value IS NULL), 0)
         FROM level l
         JOIN unnest($7::text[], $8::smallint[]) AS contest(corporacion, scope)
             ON contest.corporacion = l.corporacion AND l.level >= contest.scope
         CROSS JOIN LATERAL jsonb_each_text(l.votes) v
         GROUP BY 1, 2, 3, 4, 5, 6, 7
         ON CONFLICT (corporacion, level, departamento, municipio, zona, puesto, path) DO UPDATE SET
             votes = r.votes + excluded.votes, validated = r.validated + excluded.validated,
             tables = r.tables + excluded.tables, unread = r.unread + excluded.unread",
        &corporaciones,
        &departamentos,
        &municipios,
        &zonas,
        &puestos,
        &mesas,
        &contests,
        &scopes,
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "DELETE FROM result_table r USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
             AS t(corporacion, departamento, municipio, zona, puesto, mesa)
         WHERE r.corporacion = t.corporacion AND r.departamento = t.departamento AND r.municipio = t.municipio
             AND r.zona = t.zona AND r.puesto = t.puesto AND r.mesa = t.mesa",
        &corporaciones,
        &departamentos,
        &municipios,
        &zonas,
        &puestos,
        &mesas,
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "INSERT INTO result_table
         SELECT t.corporacion, t.departamento, t.municipio, t.zona, t.puesto, t.mesa, f.id, f.state = 'COMPLETED', f.votes
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
             AS t(corporacion, departamento, municipio, zona, puesto, mesa)
         CROSS JOIN LATERAL counting_form(t.corporacion, t.departamento, t.municipio, t.zona, t.puesto, t.mesa) f",
        &corporaciones,
        &departamentos,
        &municipios,
        &zonas,
        &puestos,
        &mesas,
    )
    .execute(connection)
    .await?;
    Ok(())
}
