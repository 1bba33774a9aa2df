//! What the queue shows of each form, and the ways to ask for it.

use crate::blobs::sha256;
use crate::sheets::{first_reading, page_bits, seen_before};
use crate::{Store, StoreError};
use castor_domain::checks::{CheckContext, align_copies, check_form};
use castor_domain::reading::FormReading;
use castor_domain::review::{Case, Moment, Summary};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::fmt::Write;

/// One form in the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct FormRow {
    /// SHA-256 of its file.
    pub id: String,
    /// Name of its file.
    pub name: String,
    /// Generated, not a real form.
    pub demo: bool,
    /// Stable name of its state.
    pub state: String,
    /// 0 critical to 3 low.
    pub priority: i64,
    /// Stable names of why it is in the queue.
    pub reasons: Vec<String>,
    /// Codes of its table, as far as read.
    pub codes: [Option<String>; 5],
    /// Names of its municipality and polling place, as far as read.
    pub place: String,
    /// Corporación, as far as read.
    pub corporacion: Option<String>,
    /// Copy, as far as read.
    pub copia: Option<String>,
    /// Cells that wait for a person.
    pub doubtful: i64,
    /// The worst failed check, with its difference.
    pub finding: Option<String>,
    /// Lowest confidence of a cell that waits, 0–1.
    pub confidence: f64,
    /// When its file was taken in.
    pub imported_at: Moment,
    /// Until when it should be done.
    pub due_at: Moment,
    /// The form read before it that shows a page of the same table, corporación and copy.
    pub same_sheet: Option<String>,
    /// Who may not do its present reading.
    pub barred: Vec<String>,
}

/// How the queue is ordered. Forms that wait for a person come before those that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Most urgent first, then oldest.
    #[default]
    Priority,
    /// Least sure first.
    Uncertainty,
    /// Most votes in doubt first.
    Impact,
    /// By the codes of the table.
    Table,
}

/// What part of the queue is asked for; what is empty filters nothing.
#[derive(Debug, Clone, Default)]
pub struct QueueFilter {
    /// Stable names of states.
    pub states: Vec<String>,
    /// Stable names of reasons.
    pub reasons: Vec<String>,
    /// Corporación.
    pub corporacion: Option<String>,
    /// Copy.
    pub copia: Option<String>,
    /// Codes of the table: departamento, municipio, zona, puesto, mesa.
    pub codes: [Option<String>; 5],
    /// Part of the table's codes, of the place or of the file's name.
    pub search: String,
    /// Only forms whose present reading this person may do.
    pub reader: Option<String>,
    /// Only forms that are lent to this laptop at this moment.
    pub lent: Option<Moment>,
}

/// How many forms there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormCounts {
    /// Forms by the stable name of their state.
    pub states: Vec<(String, i64)>,
    /// Cells that wait for a person.
    pub doubtful: i64,
    /// Generated forms.
    pub demo: i64,
}

/// Setting that says that the generated forms were taken out.
const DEMO_REMOVED: &str = "demo_removed";

const CODES: [&str; 5] = ["departamento", "municipio", "zona", "puesto", "mesa"];

impl QueueFilter {
    pub(crate) fn push(&self, query: &mut QueryBuilder<Sqlite>) {
        query.push(" WHERE 1 = 1");
        let mut any = |column: &str, values: &[String]| {
            if !values.is_empty() {
                query.push(format!(" AND {column} IN ("));
                let mut list = query.separated(", ");
                for value in values {
                    list.push_bind(value.clone());
                }
                query.push(")");
            }
        };
        any("state", &self.states);
        let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
        any("corporacion", &one(&self.corporacion));
        any("copia", &one(&self.copia));
        for (column, code) in CODES.into_iter().zip(&self.codes) {
            any(column, &one(code));
        }
        for reason in &self.reasons {
            query
                .push(" AND instr(reasons, ")
                .push_bind(reason.clone())
                .push(") > 0");
        }
        if let Some(reader) = &self.reader {
            query
                .push(" AND NOT EXISTS (SELECT 1 FROM json_each(barred) WHERE value = ")
                .push_bind(reader.clone())
                .push(")");
        }
        if let Some(now) = self.lent {
            query
                .push(" AND id IN (SELECT form FROM lease WHERE until > ")
                .push_bind(now.0)
                .push(")");
        }
        let words = self.search.trim();
        if !words.is_empty() {
            query
                .push(" AND instr(lower(name || ' ' || place || ' ' || ")
                .push("coalesce(departamento, '?') || '-' || coalesce(municipio, '?') || '-' || ")
                .push("coalesce(zona, '?') || '-' || coalesce(puesto, '?') || '-' || coalesce(mesa, '?')), ")
                .push_bind(words.to_lowercase())
                .push(") > 0");
        }
    }
}

impl Order {
    pub(crate) fn clause(self) -> &'static str {
        match self {
            Self::Priority => " ORDER BY waits DESC, priority, imported_at, id",
            Self::Uncertainty => " ORDER BY waits DESC, confidence, id",
            Self::Impact => " ORDER BY waits DESC, impact DESC, id",
            Self::Table => " ORDER BY departamento, municipio, zona, puesto, mesa, corporacion, copia, id",
        }
    }

    /// The columns of the clause so that the later has the larger values, nothing being the least.
    fn keys(self) -> &'static str {
        match self {
            Self::Priority => "-waits, priority, imported_at, id",
            Self::Uncertainty => "-waits, confidence, id",
            Self::Impact => "-waits, -impact, id",
            Self::Table => {
                "coalesce(departamento, ''), coalesce(municipio, ''), coalesce(zona, ''), coalesce(puesto, ''),
                 coalesce(mesa, ''), coalesce(corporacion, ''), coalesce(copia, ''), id"
            }
        }
    }
}

impl Store {
    /// A stretch of the queue with the number of all its forms.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn queue(
        &self,
        filter: &QueueFilter,
        order: Order,
        offset: u32,
        limit: u32,
    ) -> Result<(i64, Vec<FormRow>), StoreError> {
        let mut count = QueryBuilder::new("SELECT COUNT(*) FROM form");
        filter.push(&mut count);
        let total: i64 = count.build_query_scalar().fetch_one(&self.pool).await?;
        let mut query = QueryBuilder::new("SELECT * FROM form");
        filter.push(&mut query);
        query
            .push(order.clause())
            .push(" LIMIT ")
            .push_bind(i64::from(limit))
            .push(" OFFSET ")
            .push_bind(i64::from(offset));
        let rows = query.build().fetch_all(&self.pool).await?;
        let rows = rows.iter().map(form_row).collect::<Result<_, _>>()?;
        Ok((total, rows))
    }

    /// The form behind another in an order; the first where nothing is behind it, or where it is not among those that the
    /// filter finds. Never the other itself.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn behind(
        &self,
        filter: &QueueFilter,
        order: Order,
        after: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        let found = || {
            let mut query = QueryBuilder::new("SELECT id FROM form");
            filter.push(&mut query);
            query
        };
        if let Some(after) = after {
            // A table keeps its place when its form is done; urgency and doubt end with it.
            let here = if order == Order::Table {
                Some(after.to_owned())
            } else {
                let mut among = found();
                among.push(" AND id = ").push_bind(after.to_owned());
                among.build_query_scalar().fetch_optional(&self.pool).await?
            };
            let keys = order.keys();
            let mut query = found();
            query
                .push(format!(" AND ({keys}) > (SELECT {keys} FROM form WHERE id = "))
                .push_bind(here)
                .push(")")
                .push(order.clause())
                .push(" LIMIT 1");
            let next: Option<String> = query.build_query_scalar().fetch_optional(&self.pool).await?;
            if next.is_some() {
                return Ok(next);
            }
        }
        let mut query = found();
        if let Some(after) = after {
            query.push(" AND id <> ").push_bind(after.to_owned());
        }
        query.push(order.clause()).push(" LIMIT 1");
        Ok(query.build_query_scalar().fetch_optional(&self.pool).await?)
    }

    /// One form's row.
    ///
    /// # Errors
    /// [`StoreError::NoSuchForm`].
    pub async fn form_row(&self, id: &str) -> Result<FormRow, StoreError> {
        let row = sqlx::query("SELECT * FROM form WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        let row = row.ok_or_else(|| StoreError::NoSuchForm(id.to_owned()))?;
        Ok(form_row(&row)?)
    }

    /// Takes the generated forms out of everything that is shown, and those that are not read yet out of the import; none
    /// comes in any more. Their events stay in the log.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn hide_demo(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query!(
            "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)",
            DEMO_REMOVED,
            "1"
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!("DELETE FROM form WHERE demo")
            .execute(&mut *transaction)
            .await?;
        sqlx::query!("DELETE FROM import WHERE demo AND state IN ('waiting', 'failed')")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether the generated forms were taken out.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn demo_removed(&self) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?;
        demo_removed(&mut connection).await
    }

    /// Forms by state, and all cells that wait.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn counts(&self) -> Result<FormCounts, StoreError> {
        let rows = sqlx::query!("SELECT state, COUNT(*) AS \"count!: i64\" FROM form GROUP BY state")
            .fetch_all(&self.pool)
            .await?;
        let sums = sqlx::query!(
            "SELECT coalesce(sum(doubtful), 0) AS \"doubtful!: i64\", coalesce(sum(demo), 0) AS \"demo!: i64\" FROM form"
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(FormCounts {
            states: rows.into_iter().map(|r| (r.state, r.count)).collect(),
            doubtful: sums.doubtful,
            demo: sums.demo,
        })
    }
}

pub(crate) fn form_row(row: &SqliteRow) -> Result<FormRow, sqlx::Error> {
    let reasons: String = row.try_get("reasons")?;
    let barred: String = row.try_get("barred")?;
    let [a, b, c, d, e] = CODES;
    Ok(FormRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        demo: row.try_get("demo")?,
        state: row.try_get("state")?,
        priority: row.try_get("priority")?,
        reasons: reasons.split_whitespace().map(str::to_owned).collect(),
        codes: [
            row.try_get(a)?,
            row.try_get(b)?,
            row.try_get(c)?,
            row.try_get(d)?,
            row.try_get(e)?,
        ],
        place: row.try_get("place")?,
        corporacion: row.try_get("corporacion")?,
        copia: row.try_get("copia")?,
        doubtful: row.try_get("doubtful")?,
        finding: row.try_get("finding")?,
        confidence: row.try_get("confidence")?,
        imported_at: Moment(row.try_get("imported_at")?),
        due_at: Moment(row.try_get("due_at")?),
        same_sheet: row.try_get("same_sheet")?,
        barred: serde_json::from_str(&barred).map_err(|e| sqlx::Error::Decode(e.into()))?,
    })
}

/// What all rows of a form say together; `None` for one without rows.
fn votes_of(form: &FormReading) -> Option<String> {
    let mut said = String::new();
    for row in align_copies(&[form]) {
        let votes = row.cells.first().and_then(|cell| cell.as_ref()?.1.votes());
        let votes = votes.map_or_else(|| "?".to_owned(), |votes| votes.to_string());
        let _ = writeln!(said, "{} {votes}", row.path);
    }
    (!said.is_empty()).then(|| sha256(said.as_bytes()))
}

pub(crate) async fn demo_removed(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let set = sqlx::query_scalar!("SELECT value FROM setting WHERE name = ?", DEMO_REMOVED)
        .fetch_optional(connection)
        .await?;
    Ok(set.is_some())
}

/// Writes a form's row as its case stands, but for a generated one once those were taken out.
pub(crate) async fn write_form(
    connection: &mut SqliteConnection,
    id: &str,
    seq: i64,
    case: &Case,
) -> Result<(), StoreError> {
    if case.demo() && demo_removed(connection).await? {
        return Ok(());
    }
    let mut form = case.listed();
    let read_seq = first_reading(connection, id).await?;
    let seen = seen_before(connection, id, read_seq, case.demo(), &form).await?;
    form.findings = check_form(
        &form,
        &CheckContext {
            seen: Some(&seen),
            ..CheckContext::default()
        },
    );
    let same_sheet = seen.first().map(|sheet| sheet.form.clone());
    let printed_pages = page_bits(&form);
    let votes = votes_of(&form);
    let Summary {
        state,
        priority,
        reasons,
        confidence,
        codes: [departamento, municipio, zona, puesto, mesa],
        place,
        corporacion,
        copia,
        control,
        doubtful,
        finding,
        impact,
        due,
    } = case.summary(&form);
    let (waits, priority, due) = (state.waits(), priority.rank(), due.0);
    let reasons = reasons.iter().map(|r| r.name()).collect::<Vec<_>>().join(" ");
    let doubtful = i64::try_from(doubtful).unwrap_or(i64::MAX);
    let imported = case.imported().0;
    let (name, demo, state) = (case.name(), case.demo(), state.name());
    let confidence = f64::from(confidence);
    let names = |names: Vec<&str>| serde_json::Value::from(names).to_string();
    let readers = names(case.readers().collect());
    let barred = names(case.barred_readers().collect());
    let known = i64::try_from(case.known().len()).unwrap_or(i64::MAX);
    sqlx::query!(
        "INSERT OR REPLACE INTO form (id, seq, name, demo, state, waits, priority, reasons, departamento, municipio, zona,
             puesto, mesa, place, corporacion, copia, doubtful, finding, confidence, impact, imported_at, due_at,
             printed_pages, control, read_seq, same_sheet, readers, barred, known, votes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        id,
        seq,
        name,
        demo,
        state,
        waits,
        priority,
        reasons,
        departamento,
        municipio,
        zona,
        puesto,
        mesa,
        place,
        corporacion,
        copia,
        doubtful,
        finding,
        confidence,
        impact,
        imported,
        due,
        printed_pages,
        control,
        read_seq,
        same_sheet,
        readers,
        barred,
        known,
        votes
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
