//! Forms as JSON, one object a line: the original's extraction (version 1) and its payload (version 2), each with what this
//! desk knows of the form beside it.

use super::folder::NewFolder;
use super::{About, Exported, FormatWriter};
use crate::AppError;
use castor_wire::extraction::extraction;
use castor_wire::payload::{PayloadContext, payload};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contract {
    Extraction,
    Payload,
}

impl Contract {
    fn file(self) -> &'static str {
        match self {
            Self::Extraction => "formularios-v1.jsonl",
            Self::Payload => "formularios-v2.jsonl",
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
        let context = PayloadContext {
            sha256: &form.row.id,
            extraction_id: &form.row.id,
            source: &form.row.name,
            source_type: None,
            object_uri: None,
            model: form.model(),
            produced_at: &self.produced_at,
            processing_time_ms: None,
        };
        let mut object = match self.contract {
            Contract::Extraction => extraction(&form.form, &context),
            Contract::Payload => payload(&form.form, &context),
        };
        if let Some(object) = object.as_object_mut() {
            object.insert("castor".to_owned(), beside(form));
        }
        writeln!(self.out, "{object}").map_err(|e| self.fails(&e))
    }

    fn finish(mut self: Box<Self>, _: &mut NewFolder) -> Result<(), AppError> {
        let ended = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        ended.map_err(|e| self.fails(&e))
    }
}

/// What neither contract has a place for: where the form stands, whether it is generated, and who settled which cell.
fn beside(exported: &Exported) -> Value {
    let decided = exported.form.fields.iter().filter_map(|field| {
        let cell = castor_domain::review::reference(field).key();
        exported.word(field).map(|word| json!({ "cell": cell, "by": word.by }))
    });
    json!({
        "state": exported.row.state,
        "demo": exported.row.demo,
        "decided": decided.collect::<Vec<_>>(),
    })
}
