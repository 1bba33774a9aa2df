//! The table of cells as CSV.

use super::folder::NewFolder;
use super::table::{COLUMNS, Value, rows};
use super::{Exported, FormatWriter, NAME_OF_TABLE};
use crate::AppError;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes the table line by line.
pub(super) struct Csv {
    out: BufWriter<File>,
}

impl Csv {
    pub(super) fn begin(folder: &mut NewFolder) -> Result<Self, AppError> {
        let mut csv = Self {
            out: BufWriter::new(folder.create(&format!("{NAME_OF_TABLE}.csv"))?),
        };
        csv.line(&COLUMNS.each_ref().map(|column| column.name.to_owned()))?;
        Ok(csv)
    }

    fn line(&mut self, fields: &[String]) -> Result<(), AppError> {
        writeln!(self.out, "{}", fields.join(",")).map_err(|e| fails(&e))
    }
}

fn fails(error: &std::io::Error) -> AppError {
    AppError::file(Path::new(NAME_OF_TABLE), error)
}

impl FormatWriter for Csv {
    fn add(&mut self, _: &mut NewFolder, form: &Exported) -> Result<(), AppError> {
        rows(form).try_for_each(|row| self.line(&row.map(field)))
    }

    fn finish(mut self: Box<Self>, _: &mut NewFolder) -> Result<(), AppError> {
        self.out.flush().map_err(|e| fails(&e))?;
        self.out.get_ref().sync_all().map_err(|e| fails(&e))
    }
}

fn field(value: Value) -> String {
    match value {
        Value::Text(text) => quoted(&text),
        Value::Number(number) => number.to_string(),
        Value::Real(real) => format!("{real:.4}"),
        Value::Truth(truth) => truth.to_string(),
        Value::Unknown => String::new(),
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
