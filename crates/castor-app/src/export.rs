//! Exports of reviewed forms.

use crate::view::{ExportFormat, ExportResult};
use crate::{AppError, Desk};
use castor_domain::reading::FormReading;
use castor_store::{FormRow, Order, QueueFilter};
use castor_wire::payload::{PayloadContext, payload};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// One form to be written out.
struct Exported {
    row: FormRow,
    form: FormReading,
    model: String,
    decided: Vec<(String, String)>,
}

impl Desk {
    /// Writes forms out to a new folder under `exports/` of the data folder.
    pub(crate) async fn export(&self, format: ExportFormat, ids: Option<&[String]>) -> Result<ExportResult, AppError> {
        let forms = self.exported(ids).await?;
        let (name, text) = match format {
            ExportFormat::Csv => ("casillas.csv", csv(&forms)),
            ExportFormat::JsonV1 => ("formularios-v1.json", json_lines(&forms)),
            ExportFormat::JsonV2 => ("formularios-v2.json", self.json_v2(&forms)),
            ExportFormat::Parquet | ExportFormat::Sheet | ExportFormat::Crops => {
                return Err(AppError::Asked(
                    "this format is not available in this version".to_owned(),
                ));
            }
        };
        let folder = self.export_folder()?;
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|e| AppError::file(&path, &e))?;
        Ok(ExportResult {
            files: vec![path.display().to_string()],
            forms: u32::try_from(forms.len()).unwrap_or(u32::MAX),
        })
    }

    /// The original's payload, one JSON object a line.
    fn json_v2(&self, forms: &[Exported]) -> String {
        let produced_at = crate::desk::rfc3339((self.clock)());
        let one = |exported: &Exported| {
            let context = PayloadContext {
                sha256: &exported.row.id,
                source: &exported.row.name,
                model: &exported.model,
                produced_at: &produced_at,
            };
            payload(&exported.form, &context).to_string() + "\n"
        };
        forms.iter().map(one).collect()
    }

    /// A new folder for what is written now.
    pub(crate) fn export_folder(&self) -> Result<PathBuf, AppError> {
        let stamp = crate::desk::rfc3339((self.clock)()).replace(':', "-");
        let folder = self.store.folder().join("exports").join(stamp);
        std::fs::create_dir_all(&folder).map_err(|e| AppError::file(&folder, &e))?;
        Ok(folder)
    }

    async fn exported(&self, ids: Option<&[String]>) -> Result<Vec<Exported>, AppError> {
        const STRETCH: u32 = 500;
        let mut rows = Vec::new();
        match ids {
            Some(ids) => {
                for id in ids {
                    rows.push(self.store.form_row(id).await?);
                }
            }
            None => loop {
                let offset = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                let (_, more) = self
                    .store
                    .queue(&QueueFilter::default(), Order::Table, offset, STRETCH)
                    .await?;
                if more.is_empty() {
                    break;
                }
                rows.extend(more);
            },
        }
        let mut out = Vec::new();
        for row in rows {
            let case = self.store.case(&row.id).await?;
            let Some(form) = case.consolidated() else { continue };
            let decided = form
                .fields
                .iter()
                .filter_map(|f| {
                    let at = castor_domain::review::reference(f);
                    case.decision(&at).map(|d| (crate::cells::key(&at), d.by.clone()))
                })
                .collect();
            out.push(Exported {
                row,
                form,
                model: case.model().to_owned(),
                decided,
            });
        }
        Ok(out)
    }
}

/// A text as one CSV field. Leading signs that a spreadsheet takes for a formula are put out of action.
pub(crate) fn quoted(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

/// One line for each cell.
fn csv(forms: &[Exported]) -> String {
    let mut out = String::from(
        "form,file,demo,state,departamento,municipio,zona,puesto,mesa,corporacion,copia,page,field,marks,value,confidence,needs_review,decided_by\n",
    );
    for exported in forms {
        let row = &exported.row;
        for field in &exported.form.fields {
            let key = crate::cells::key(&castor_domain::review::reference(field));
            let by = exported
                .decided
                .iter()
                .find(|(k, _)| *k == key)
                .map_or("", |(_, by)| by);
            let code = |i: usize| row.codes[i].clone().unwrap_or_default();
            let marks = field.marks.map(crate::cells::mark).concat();
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.4},{},{}",
                row.id,
                quoted(&row.name),
                row.demo,
                row.state,
                code(0),
                code(1),
                code(2),
                code(3),
                code(4),
                row.corporacion.as_deref().unwrap_or_default(),
                row.copia.as_deref().unwrap_or_default(),
                field.page,
                field.path,
                quoted(&marks),
                field.value.map(|v| v.to_string()).unwrap_or_default(),
                field.confidence,
                field.needs_review,
                quoted(by),
            );
        }
    }
    out
}

/// One JSON object a line.
fn json_lines(forms: &[Exported]) -> String {
    forms.iter().map(|form| v1(form).to_string() + "\n").collect()
}

/// The reading contract with people's words in place, and what they are.
fn v1(exported: &Exported) -> Value {
    let mut object = castor_wire::write::reading(&exported.form);
    object.insert("source".into(), json!(exported.row.name));
    object.insert("sha256".into(), json!(exported.row.id));
    object.insert("state".into(), json!(exported.row.state));
    object.insert("demo".into(), json!(exported.row.demo));
    object.insert(
        "decided".into(),
        json!(
            exported
                .decided
                .iter()
                .map(|(cell, by)| json!({"cell": cell, "by": by}))
                .collect::<Vec<_>>()
        ),
    );
    Value::Object(object)
}
