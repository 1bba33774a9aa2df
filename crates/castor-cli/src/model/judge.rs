//! Judging whole forms as the product reads them, each by networks, temperature and threshold that its polling table had
//! no part in.

use super::corpus::CorpusForm;
use super::recipe::HeldOut;
use crate::report;
use anyhow::Result;
use castor_domain::reading::FormReading;
use castor_learn::Weights;
use castor_learn::calibrate::{Reliability, Temperature};
use castor_learn::evaluate::Evaluation;
use castor_learn::onnx::{ModelLabel, to_onnx};
use castor_learn::threshold::{ChosenThreshold, ErrorTarget, HeldOutField, choose_threshold};
use castor_vision::input::{Document, Limits};
use castor_vision::read::{FormReader, ReadForm};
use castor_vision::symbols::SymbolReader;
use castor_vision::text::TextReader;
use rayon::prelude::*;
use std::path::Path;
use std::time::{Duration, Instant};

/// No wrong field among the accepted ones of the corpus, and none of which the machine itself is less sure than three boxes
/// allow that are each granted the chance of a box read wrongly with full confidence, 1 in 2,000: more than the few
/// thousand boxes of a corpus can vouch for. On drawn forms no wrong field was as sure.
const TARGET: ErrorTarget = ErrorTarget {
    error: 0.0,
    level: 0.95,
    at_least: 0.9985,
};
/// Rows of the table of stated against met confidence.
const BINS: usize = 10;

/// What is chosen and measured on held-out forms.
pub(crate) struct Judged {
    /// Fitted on all held-out boxes.
    pub(crate) temperature: Temperature,
    /// Chosen on all held-out fields.
    pub(crate) threshold: ChosenThreshold,
    /// Boxes.
    pub(crate) evaluation: Evaluation,
    /// Stated against met confidence of fields.
    pub(crate) reliability: Reliability,
    /// The fields of each form.
    fields: Vec<Vec<HeldOutField>>,
}

/// Reads every form with what its table had no part in, and chooses temperature and threshold.
pub(crate) fn judge(held_out: &HeldOut, forms: &[CorpusForm]) -> Result<Judged> {
    let mut fields = vec![Vec::new(); forms.len()];
    for fold in 0..held_out.models.len() {
        for (form, read, _) in read_fold(held_out, forms, fold, 0.0)? {
            fields[form] = held_out_fields(&forms[form], &read.reading);
        }
    }
    let all: Vec<HeldOutField> = fields.iter().flatten().cloned().collect();
    let temperature = held_out.temperature(None)?;
    Ok(Judged {
        threshold: choose_threshold(&all, &TARGET)?,
        reliability: Reliability::of(all.iter().map(|f| (f.confidence, f.correct)), BINS),
        evaluation: held_out.evaluation(&temperature),
        temperature,
        fields,
    })
}

/// Every form as JSON line, read with the threshold that the other folds choose.
pub(crate) fn readings(held_out: &HeldOut, judged: &Judged, forms: &[CorpusForm]) -> Result<String> {
    let mut lines = String::new();
    for fold in 0..held_out.models.len() {
        let others: Vec<HeldOutField> = judged
            .fields
            .iter()
            .zip(held_out.folds.of())
            .filter(|(_, of)| **of != fold)
            .flat_map(|(fields, _)| fields.iter().cloned())
            .collect();
        let threshold = choose_threshold(&others, &TARGET)?.value;
        for (form, read, elapsed) in read_fold(held_out, forms, fold, threshold)? {
            let version = version(&held_out.models[fold])?;
            lines += &report::json(&forms[form].path, &read, &version, elapsed).to_string();
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// Name of a model by its networks.
pub(crate) fn version(members: &[Weights]) -> Result<String> {
    let parts = members.iter().map(|w| Ok(w.fingerprint()?[..6].to_owned()));
    Ok(format!("symbols-{}", parts.collect::<Result<Vec<_>>>()?.join("-")))
}

/// Reads the forms of a fold as the product would.
fn read_fold(
    held_out: &HeldOut,
    forms: &[CorpusForm],
    fold: usize,
    threshold: f32,
) -> Result<Vec<(usize, ReadForm, Duration)>> {
    let members = &held_out.models[fold];
    let label = ModelLabel {
        version: version(members)?,
        temperature: held_out.temperature(Some(fold))?.value,
        threshold,
    };
    let symbols = SymbolReader::of_bytes(Path::new("held-out model"), to_onnx(members, &label)?)?;
    let reader = FormReader::new(TextReader::open(&TextReader::installed())?, symbols);
    let (_, judged) = held_out.folds.split(fold);
    judged
        .into_par_iter()
        .map(|form| {
            let start = Instant::now();
            let read = reader.read(&Document::open(&forms[form].path, &Limits::default())?)?;
            Ok((form, read, start.elapsed()))
        })
        .collect()
}

/// The decisions on transcribed cells; one that goes to a person whatever its confidence counts as confidence 0.
fn held_out_fields(form: &CorpusForm, reading: &FormReading) -> Vec<HeldOutField> {
    form.cells
        .iter()
        .filter(|cell| cell.decidable)
        .filter_map(|cell| {
            let at = |f: &&castor_domain::reading::FieldReading| f.page == cell.page && f.path == cell.path;
            let field = reading.fields.iter().find(at)?;
            Some(HeldOutField {
                form: form.table.clone(),
                confidence: if field.needs_review { 0.0 } else { field.confidence },
                correct: field.value.unwrap_or(0) == cell.value.unwrap_or(0),
            })
        })
        .collect()
}
