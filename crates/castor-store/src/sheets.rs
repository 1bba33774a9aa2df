//! Sheets that were seen before: pages of the same table, corporación and copy in another form.

use crate::{Store, StoreError};
use castor_domain::checks::SeenSheet;
use castor_domain::reading::FormReading;
use sqlx::SqliteConnection;

/// The printed pages of a form, a bit for each of the first 62.
pub(crate) fn page_bits(form: &FormReading) -> i64 {
    let bits = form
        .pages
        .iter()
        .filter_map(castor_domain::reading::PageReading::printed_page)
        .map(bit);
    bits.fold(0, |all, bit| all | bit)
}

fn bit(page: u16) -> i64 {
    if (1..=62).contains(&page) { 1 << (page - 1) } else { 0 }
}

/// Where the log first says what a form holds: the order in which sheets are seen.
pub(crate) async fn first_reading(connection: &mut SqliteConnection, id: &str) -> Result<Option<i64>, StoreError> {
    let seq = sqlx::query_scalar!(
        "SELECT MIN(seq) AS \"seq?: i64\" FROM event WHERE form = ? AND kind = 'read'",
        id
    )
    .fetch_one(connection)
    .await?;
    Ok(seq)
}

/// The sheets of forms read before this one that show one of its pages, first read first. Generated forms and real ones
/// are never compared.
pub(crate) async fn seen_before(
    connection: &mut SqliteConnection,
    id: &str,
    read_seq: Option<i64>,
    demo: bool,
    form: &FormReading,
) -> Result<Vec<SeenSheet>, StoreError> {
    let places: Vec<_> = form.pages.iter().filter_map(|page| form.sheet_place(page)).collect();
    let (Some(first), Some(read_seq)) = (places.first(), read_seq) else {
        return Ok(Vec::new());
    };
    let mesa = first.mesa;
    let codes = [
        mesa.departamento.to_string(),
        mesa.municipio.to_string(),
        mesa.zona.to_string(),
        mesa.puesto.to_string(),
        mesa.mesa.to_string(),
    ];
    let [departamento, municipio, zona, puesto, mesa] = codes;
    let (corporacion, copia, pages) = (first.corporacion.name(), first.copia.name(), page_bits(form));
    let control = form.header.control.value().map(ToString::to_string);
    let rows = sqlx::query!(
        "SELECT id AS \"id!\", printed_pages AS \"printed_pages!: i64\", control FROM form
         WHERE departamento = ? AND municipio = ? AND zona = ? AND puesto = ? AND mesa = ? AND corporacion = ? AND copia = ?
             AND printed_pages & ? <> 0 AND read_seq < ? AND demo = ? AND id <> ?
             AND (control IS NULL OR coalesce(?, control) = control)
         ORDER BY read_seq LIMIT 20",
        departamento,
        municipio,
        zona,
        puesto,
        mesa,
        corporacion,
        copia,
        pages,
        read_seq,
        demo,
        id,
        control
    )
    .fetch_all(connection)
    .await?;
    let mut seen = Vec::new();
    for row in rows {
        for place in places.iter().filter(|place| bit(place.page) & row.printed_pages != 0) {
            seen.push(SeenSheet {
                form: row.id.clone(),
                serial: None,
                control: row.control.as_deref().and_then(|text| text.parse().ok()),
                qr: None,
                place: Some(*place),
            });
        }
    }
    Ok(seen)
}

impl Store {
    /// The sheets of forms read before this one that show one of its pages.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn seen_sheets(&self, id: &str, demo: bool, form: &FormReading) -> Result<Vec<SeenSheet>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let read_seq = first_reading(&mut connection, id).await?;
        seen_before(&mut connection, id, read_seq, demo, form).await
    }
}
