//! Forms as JSON, one object a line: the reading contract (version 1) and the original's payload (version 2).

use super::folder::NewFolder;
use super::{About, Exported, FormatWriter};
use crate::AppError;
use castor_wire::payload::{PayloadContext, payload};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contract {
    Reading,
    Payload,
}

impl Contract {
    fn file(self) -> &'static str {
        match self {
            Self::Reading => "formularios-v1.json",
            Self::Payload => "formularios-v2.json",
        }
    }
}

/// Writes a line for each form.
pub(super) struct JsonLines {
    out: BufWriter<File>,
    contract: Contract,
    produced_at: String,
}

impl JsonLines {
    pub(super) fn begin(folder: &mut NewFolder, contract: Contract, about: &About) -> Result<Self, AppError> {
        Ok(Self {
            out: BufWriter::new(folder.create(contract.file())?),
            contract,
            produced_at: about.produced_at.clone(),
        })
    }

    fn fails(&self, error: &std::io::Error) -> AppError {
        AppError::file(Path::new(self.contract.file()), error)
    }
}

impl FormatWriter for JsonLines {
    fn add(&mut self, _: &mut NewFolder, form: &Exported) -> Result<(), AppError> {
        let object = match self.contract {
            Contract::Reading => reading(form),
            Contract::Payload => payload(
                &form.form,
                &PayloadContext {
                    sha256: &form.row.id,
                    source: &form.row.name,
                    model: form.model(),
                    produced_at: &self.produced_at,
                },
            ),
        };
        writeln!(self.out, "{object}").map_err(|e| self.fails(&e))
    }

    fn finish(mut self: Box<Self>, _: &mut NewFolder) -> Result<(), AppError> {
        let ended = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        ended.map_err(|e| self.fails(&e))
    }
}

/// The reading contract with people's words in place, and what they are.
fn reading(exported: &Exported) -> Value {
    let mut object = castor_wire::write::reading(&exported.form);
    object.insert("source".into(), json!(exported.row.name));
    object.insert("sha256".into(), json!(exported.row.id));
    object.insert("state".into(), json!(exported.row.state));
    object.insert("demo".into(), json!(exported.row.demo));
    let decided = exported.form.fields.iter().filter_map(|field| {
        let cell = crate::cells::key(&castor_domain::review::reference(field));
        exported.word(field).map(|word| json!({"cell": cell, "by": word.by}))
    });
    object.insert("decided".into(), json!(decided.collect::<Vec<_>>()));
    Value::Object(object)
}
