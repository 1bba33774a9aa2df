//! The log as people read it.

use crate::cells::shown;
use crate::desk::rfc3339;
use crate::export::quoted;
use crate::view::{AuditQuery, AuditRow, ChainReport, ExportResult, HistoryView, PersonQuality};
use crate::{AppError, Desk};
use castor_store::{LogQuery, LogRow, hex};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write;

/// Events of a form that are shown beside it.
const HISTORY: u32 = 400;

/// An event as a person reads it. The value before is what the event before it said of the same cell.
fn history(row: &LogRow, before: Option<String>) -> HistoryView {
    let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    HistoryView {
        seq: row.seq,
        event: row.kind.clone(),
        at: rfc3339(row.at),
        by: row.by.clone(),
        cell: cell_of(&body),
        before,
        after: marks_of(&body),
        reason: text("reason").or_else(|| text("message")),
    }
}

fn cell_of(body: &Value) -> Option<String> {
    let (page, path) = (body.get("page")?.as_u64()?, body.get("path")?.as_str()?);
    Some(format!("{page}/{path}"))
}

fn marks_of(body: &Value) -> Option<String> {
    let marks = body.get("marks")?.as_array()?;
    let one = |mark: &Value| shown(mark.as_str().unwrap_or_default().to_owned());
    Some(marks.iter().map(one).collect())
}

/// Rows, latest first, with what each cell was before.
fn with_before(rows: &[LogRow]) -> Vec<HistoryView> {
    let mut said: HashMap<(String, String), String> = HashMap::new();
    let mut views: Vec<HistoryView> = rows
        .iter()
        .rev()
        .map(|row| {
            let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
            if row.kind == "read" {
                for field in body
                    .pointer("/reading/fields")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    if let (Some(cell), Some(marks)) = (cell_of(field), marks_of(field)) {
                        said.insert((row.form.clone(), cell), marks);
                    }
                }
            }
            let before = match (cell_of(&body), marks_of(&body)) {
                (Some(cell), Some(marks)) => said.insert((row.form.clone(), cell), marks),
                _ => None,
            };
            history(row, before)
        })
        .collect();
    views.reverse();
    views
}

impl Desk {
    /// What happened to a form, latest first.
    pub(crate) async fn history(&self, form: &str) -> Result<Vec<HistoryView>, AppError> {
        let query = LogQuery {
            form: Some(form.to_owned()),
            limit: HISTORY,
            ..LogQuery::default()
        };
        Ok(with_before(&self.store.log(&query).await?))
    }

    /// A stretch of the log, latest first.
    pub(crate) async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, AppError> {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        let rows = self
            .store
            .log(&LogQuery {
                form: some(&query.form),
                by: some(&query.person),
                before: query.before,
                limit: query.limit.clamp(1, 500),
            })
            .await?;
        let mut names: HashMap<String, String> = HashMap::new();
        for row in &rows {
            if !names.contains_key(&row.form) {
                let name = self.store.form_row(&row.form).await.map(|r| r.name).unwrap_or_default();
                names.insert(row.form.clone(), name);
            }
        }
        let views = with_before(&rows);
        Ok(rows
            .iter()
            .zip(views)
            .map(|(row, event)| AuditRow {
                event,
                form: row.form.clone(),
                name: names.get(&row.form).cloned().unwrap_or_default(),
                hash: hex(&row.hash),
            })
            .collect())
    }

    /// Writes the log, or what a query finds of it, as CSV with each event's hash, oldest first.
    pub(crate) async fn audit_export(&self, query: &AuditQuery) -> Result<ExportResult, AppError> {
        let mut rows = Vec::new();
        let mut asked = AuditQuery {
            limit: 500,
            ..query.clone()
        };
        loop {
            let part = self.audit(&asked).await?;
            let Some(last) = part.last() else { break };
            asked.before = Some(last.event.seq);
            rows.extend(part);
        }
        let mut out = String::from("seq,at,by,event,form,file,cell,before,after,reason,hash\n");
        for row in rows.iter().rev() {
            let e = &row.event;
            let text = |value: &Option<String>| quoted(value.as_deref().unwrap_or_default());
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{},{}",
                e.seq,
                e.at,
                quoted(&e.by),
                e.event,
                row.form,
                quoted(&row.name),
                text(&e.cell),
                text(&e.before),
                text(&e.after),
                text(&e.reason),
                row.hash,
            );
        }
        let path = self.export_folder()?.join("registro.csv");
        std::fs::write(&path, out).map_err(|error| AppError::file(&path, &error))?;
        let mut forms: Vec<&str> = rows.iter().map(|r| r.form.as_str()).collect();
        forms.sort_unstable();
        forms.dedup();
        Ok(ExportResult {
            files: vec![path.display().to_string()],
            forms: u32::try_from(forms.len()).unwrap_or(u32::MAX),
        })
    }

    /// Follows the chain of the log.
    pub(crate) async fn audit_verify(&self) -> Result<ChainReport, AppError> {
        let report = self.store.verify().await?;
        Ok(ChainReport {
            events: report.events,
            whole: report.broken_at.is_none(),
            broken_at: report.broken_at,
            head: hex(&report.head),
        })
    }

    /// Cells that a person settled within the last hour.
    pub(crate) async fn pace(&self, person: &str) -> Result<u32, AppError> {
        let since = (self.clock)().0 - 3_600_000;
        let n = self
            .store
            .cells_since(person, castor_domain::review::Moment(since))
            .await?;
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// How each person works.
    pub(crate) async fn quality(&self) -> Result<Vec<PersonQuality>, AppError> {
        let work = self.store.cell_words().await?;
        let mut people: HashMap<&str, (u32, u32, Vec<i64>)> = HashMap::new();
        for (i, word) in work.iter().enumerate() {
            let entry = people.entry(&word.by).or_default();
            if word.agrees {
                entry.0 += 1;
            } else {
                entry.1 += 1;
            }
            let former = work[..i].iter().rev().find(|w| w.by == word.by && w.form == word.form);
            // A pause of ten minutes is no work on a cell.
            if let Some(former) = former
                && word.at.0 - former.at.0 < 600_000
            {
                entry.2.push(word.at.0 - former.at.0);
            }
        }
        let mut out: Vec<PersonQuality> = people
            .into_iter()
            .map(|(person, (confirmed, corrected, mut gaps))| {
                gaps.sort_unstable();
                let median = gaps.get(gaps.len() / 2).and_then(|ms| u16::try_from(ms / 100).ok());
                PersonQuality {
                    person: person.to_owned(),
                    confirmed,
                    corrected,
                    median_seconds: median.map(|tenths| f32::from(tenths) / 10.0),
                }
            })
            .collect();
        out.sort_by(|a, b| a.person.cmp(&b.person));
        Ok(out)
    }
}
