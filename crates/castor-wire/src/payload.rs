//! The payload that the original's event bus carried (`ocr.completed`, schema 1.3.0), from a form as it stands.
//!
//! Differences from the original, all on purpose: nothing is made up where nothing was read (`null` instead of `00`,
//! DESCONOCIDO or a default corporación), `total_votos_mesa` is the number on the form and never a computed sum, and
//! confidences are calibrated.

use crate::write::{finding, mark};
use castor_domain::form::{Corporacion, FieldPath, Nivelacion};
use castor_domain::header::Item;
use castor_domain::reading::{FieldReading, FormReading};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Display;

/// What the payload says beside the form.
#[derive(Debug, Clone, Copy)]
pub struct PayloadContext<'a> {
    /// SHA-256 of the file.
    pub sha256: &'a str,
    /// Name of the file.
    pub source: &'a str,
    /// Version of the model that read it.
    pub model: &'a str,
    /// When the payload is written, RFC 3339.
    pub produced_at: &'a str,
}

/// The payload of a form.
#[must_use]
pub fn payload(form: &FormReading, context: &PayloadContext<'_>) -> Value {
    let header = &form.header;
    let corporacion = header.corporacion.value().copied();
    let lowest = form.fields.iter().map(|f| f.confidence).reduce(f32::min);
    json!({
        "event_type": "ocr.completed",
        "schema_version": "1.3.0",
        "produced_at": context.produced_at,
        "pipeline_context": {
            "target_process": {
                "process_type": corporacion.map(process_type),
                "process_date": text(&header.fecha),
                "contest_type": corporacion.map(contest_type),
                "contest_scope": corporacion.map(contest_scope),
            },
            "template_family": "E14",
            "template_version": template_version(corporacion, form.pages.len()),
            "ruleset_version": "VALIDATION_CORE_V1",
        },
        "input_document": {
            "source_file": context.source,
            "form_type": "E14",
            "copy_type": header.copia.value().map(|c| c.name()),
            "sha256": context.sha256,
            "total_pages": form.pages.len(),
            "pages": form.pages.iter().map(|page| json!({
                "page_no": page.page, "layout": page.layout, "needs_review": page.needs_review,
            })).collect::<Vec<_>>(),
        },
        "document_header_extracted": {
            "reported_election_date": text(&header.fecha),
            "reported_election_label": text(&header.eleccion),
            "corporacion": corporacion.map(Corporacion::name),
            "dept_code": text(&header.departamento),
            "dept_name": text(&header.departamento_nombre),
            "muni_code": text(&header.municipio),
            "muni_name": text(&header.municipio_nombre),
            "zone_code": text(&header.zona),
            "station_code": text(&header.puesto),
            "table_number": text(&header.mesa),
            "place_name": text(&header.lugar),
            "page_count_reported": text(&header.pages),
        },
        "ocr_fields": fields(form),
        "normalized_tallies": tallies(form),
        "validations": form.findings.iter().map(|f| json!({
            "rule_key": f.code.code(),
            "passed": match f.outcome.name() { "pass" => Some(true), "fail" => Some(false), _ => None },
            "severity": f.severity.name(),
            "details": finding(f),
        })).collect::<Vec<_>>(),
        "meta": {
            "model_version": context.model,
            "overall_confidence": lowest,
            "fields_needing_review": form.fields.iter().filter(|f| f.needs_review).count(),
            "signatures": form.signatures,
        },
    })
}

fn text<T: Clone + PartialEq + Display>(item: &Item<T>) -> Option<String> {
    item.value().map(ToString::to_string)
}

/// Elections of the nation and those of its territories are held on different days.
fn process_type(corporacion: Corporacion) -> &'static str {
    match corporacion {
        Corporacion::Presidente | Corporacion::Senado | Corporacion::Camara => "NACIONAL",
        Corporacion::Gobernador
        | Corporacion::Asamblea
        | Corporacion::Alcalde
        | Corporacion::Concejo
        | Corporacion::Jal
        | Corporacion::Cmj => "TERRITORIAL",
    }
}

fn contest_type(corporacion: Corporacion) -> &'static str {
    match corporacion {
        Corporacion::Presidente => "PRESIDENCY",
        Corporacion::Senado => "SENATE",
        Corporacion::Camara => "CHAMBER",
        Corporacion::Gobernador => "GOVERNOR",
        Corporacion::Asamblea => "ASSEMBLY",
        Corporacion::Alcalde => "MAYOR",
        Corporacion::Concejo => "COUNCIL",
        Corporacion::Jal => "JAL",
        Corporacion::Cmj => "YOUTH_COUNCIL",
    }
}

fn contest_scope(corporacion: Corporacion) -> &'static str {
    match corporacion {
        Corporacion::Presidente | Corporacion::Senado => "NATIONAL",
        Corporacion::Camara | Corporacion::Gobernador | Corporacion::Asamblea => "DEPARTMENTAL",
        Corporacion::Alcalde | Corporacion::Concejo | Corporacion::Cmj => "MUNICIPAL",
        Corporacion::Jal => "LOCAL",
    }
}

fn template_version(corporacion: Option<Corporacion>, pages: usize) -> String {
    match corporacion {
        Some(Corporacion::Presidente | Corporacion::Gobernador | Corporacion::Alcalde) => {
            "E14_CONSULTA_SIMPLE_V1".to_owned()
        }
        Some(c @ (Corporacion::Camara | Corporacion::Senado | Corporacion::Asamblea | Corporacion::Concejo)) => {
            format!("E14_{}_MULTIPAGINA_V1", c.name())
        }
        Some(Corporacion::Jal | Corporacion::Cmj) | None if pages > 2 => "E14_MULTIPAGINA_V1".to_owned(),
        Some(Corporacion::Jal | Corporacion::Cmj) | None => "E14_SIMPLE_V1".to_owned(),
    }
}

/// Key, kind of option, list and candidate of a field.
fn named(path: &FieldPath) -> (String, Option<&'static str>, Option<String>, Option<u16>) {
    let list = path.list().map(ToString::to_string);
    match path {
        FieldPath::Nivelacion(Nivelacion::Sufragantes) => ("TOTAL_SUFRAGANTES_E11".to_owned(), None, list, None),
        FieldPath::Nivelacion(Nivelacion::Urna) => ("TOTAL_VOTOS_URNA".to_owned(), None, list, None),
        FieldPath::Nivelacion(Nivelacion::Incinerados) => ("TOTAL_VOTOS_INCINERADOS".to_owned(), None, list, None),
        FieldPath::Candidato(n) => (format!("CANDIDATE_{n:02}"), Some("CANDIDATE"), list, Some(*n)),
        FieldPath::SoloLista(_) => ("LIST_ONLY_VOTES".to_owned(), Some("LIST_ONLY"), list, None),
        FieldPath::ListaCandidato(_, n) => (format!("CANDIDATE_{n:02}"), Some("LIST_CANDIDATE"), list, Some(*n)),
        FieldPath::ListaTotal(_) => ("LIST_TOTAL".to_owned(), Some("TOTAL"), list, None),
        FieldPath::Blanco => ("VOTOS_EN_BLANCO".to_owned(), Some("BLANK"), list, None),
        FieldPath::Nulos => ("VOTOS_NULOS".to_owned(), Some("NULL"), list, None),
        FieldPath::NoMarcados => ("VOTOS_NO_MARCADOS".to_owned(), Some("UNMARKED"), list, None),
        FieldPath::Total => ("TOTAL_VOTOS_MESA".to_owned(), Some("TOTAL"), list, None),
    }
}

fn fields(form: &FormReading) -> Vec<Value> {
    let mut out: Vec<Value> = form.fields.iter().map(field).collect();
    if let Some(recount) = form.recount {
        out.push(json!({ "field_key": "HUBO_RECUENTO", "value_bool": recount }));
    }
    out
}

fn field(field: &FieldReading) -> Value {
    let (key, option, list, candidate) = named(&field.path);
    let marks = field.marks.map(mark);
    json!({
        "field_key": key,
        "page_no": field.page,
        "value_int": field.value,
        "raw_text": marks.concat(),
        "raw_mark": marks,
        "ballot_option_type": option,
        "political_group_code": list,
        "candidate_ordinal": candidate,
        "confidence": field.confidence,
        "needs_review": field.needs_review,
        "notes": field.reasons.iter().map(|r| r.code()).collect::<Vec<_>>(),
    })
}

/// Votes by list, settled ones alone: what waits for a person has no votes yet.
fn tallies(form: &FormReading) -> Vec<Value> {
    let mut groups: BTreeMap<String, (Vec<Value>, Option<u16>)> = BTreeMap::new();
    let mut specials = Vec::new();
    for field in &form.fields {
        let votes = if field.needs_review { None } else { field.value };
        let (_, option, list, candidate) = named(&field.path);
        let tally = json!({ "subject_type": option, "candidate_ordinal": candidate, "votes": votes });
        match (&field.path, list) {
            (FieldPath::ListaTotal(_), Some(list)) => groups.entry(list).or_default().1 = votes,
            (_, Some(list)) => groups.entry(list).or_default().0.push(tally),
            (FieldPath::Nivelacion(_), None) => {}
            (_, None) => specials.push(tally),
        }
    }
    let mut out: Vec<Value> = groups
        .into_iter()
        .map(|(code, (tallies, total))| {
            json!({ "political_group_code": code, "tallies": tallies, "party_total": total })
        })
        .collect();
    out.push(json!({ "specials": specials }));
    out
}
