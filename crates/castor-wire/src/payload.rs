//! The payload that the original's event bus carried (`ocr.completed`, schema 1.3.0), from a form as it stands.
//!
//! Every key of the original is there. Differences, all on purpose:
//! * nothing is made up where nothing was read: `null` in place of `00`, DESCONOCIDO or a default corporación; votes that wait for
//!   a person are `null` in `normalized_tallies`; `TOTAL_VOTOS_MESA` is the number on the form and never a computed sum;
//! * candidates of a form without lists are a group of `normalized_tallies` whose code is `null`; a list that stands in two
//!   circunscripciones is two groups;
//! * `rule_key` of a check is the catalogue's code and `aliases` the original's names; `passed` is `null` where it is not known;
//! * `raw_mark` is the three boxes as read, each a digit, `*` for any filler, or empty: the reader does not tell dash, asterisk and
//!   filled circle apart, so that the original's tokens for a whole field cannot be said;
//! * confidences are calibrated; `overall_confidence` is the lowest of the form;
//! * names of parties and candidates are there where the reader was asked for them, which takes twice the time; else `null`;
//! * `page_image_uri` and `page_sha256` are `null`: pages are no files of their own. `political_group_code` of a page is `null` where
//!   it holds several lists;
//! * signatures are counted and not told apart: `FIRMA_JURADO_1` to `6` say true or false only when all six or none signed.
//!   Names and identity numbers of jurors are never read;
//! * QRs of forms since 2019 hold no table: `qr_polling_table_id` and `qr_ocr_mismatches` are `null` for them, and a QR never
//!   overwrites what is printed;
//! * `db_write_plan` says what a consumer would write by the original's plan; this program writes none of it;
//! * CMJ and the copy CONSUL are names that the original does not have; it had CONSULTA, which no family of forms here is.

use crate::parties::parties;
use crate::write::{finding, mark};
use castor_domain::checks::{FieldState, Finding};
use castor_domain::codes::MesaId;
use castor_domain::form::{Corporacion, FieldPath, ListCode, Nivelacion};
use castor_domain::header::{Item, Source};
use castor_domain::reading::{FieldReading, FormReading, PageReading, PrintedName};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Display;

/// Jurors of a table.
const JURORS: u8 = 6;

/// What the payload says beside the form.
#[derive(Debug, Clone, Copy)]
pub struct PayloadContext<'a> {
    /// SHA-256 of the file.
    pub sha256: &'a str,
    /// What names the reading: the job that made it, or the file's hash.
    pub extraction_id: &'a str,
    /// Name of the file.
    pub source: &'a str,
    /// How the file came: `WITNESS_UPLOAD`, `REGISTRADURIA` or `MANUAL_ENTRY`, where it is known.
    pub source_type: Option<&'a str>,
    /// Where the file can be fetched, where it can.
    pub object_uri: Option<&'a str>,
    /// Version of the model that read it.
    pub model: &'a str,
    /// When the payload is written, RFC 3339.
    pub produced_at: &'a str,
    /// How long the reading took, in milliseconds, where it is known.
    pub processing_time_ms: Option<u64>,
}

/// The payload of a form.
#[must_use]
pub fn payload(form: &FormReading, context: &PayloadContext<'_>) -> Value {
    let corporacion = form.header.corporacion.value().copied();
    json!({
        "event_type": "ocr.completed",
        "schema_version": "1.3.0",
        "produced_at": context.produced_at,
        "pipeline_context": {
            "target_process": {
                "process_type": corporacion.map(process_type),
                "process_date": text(&form.header.fecha),
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
            "copy_type": form.header.copia.value().map(|c| c.name()),
            "source_type": context.source_type,
            "object_uri": context.object_uri,
            "sha256": context.sha256,
            "total_pages": form.pages.len(),
            "pages": form.pages.iter().map(|one| page(form, one)).collect::<Vec<_>>(),
        },
        "document_header_extracted": header(form),
        "ocr_fields": fields(form),
        "normalized_tallies": tallies(form),
        "validations": form.findings.iter().map(|f| json!({
            "rule_key": f.code.code(),
            "aliases": aliases(f),
            "passed": match f.outcome.name() { "pass" => Some(true), "fail" => Some(false), _ => None },
            "severity": f.severity.name(),
            "details": finding(f),
        })).collect::<Vec<_>>(),
        "db_write_plan": write_plan(form),
        "meta": meta(form, context),
    })
}

fn header(form: &FormReading) -> Value {
    let header = &form.header;
    json!({
        "reported_election_date": text(&header.fecha),
        "reported_election_label": text(&header.eleccion),
        "corporacion": header.corporacion.value().copied().map(former_name),
        "dept_code": text(&header.departamento),
        "dept_name": text(&header.departamento_nombre),
        "muni_code": text(&header.municipio),
        "muni_name": text(&header.municipio_nombre),
        "zone_code": text(&header.zona),
        "station_code": text(&header.puesto),
        "table_number": text(&header.mesa),
        "place_name": text(&header.lugar),
        "page_count_reported": text(&header.pages),
    })
}

/// A page, and of which list it is: `HEADER` with the nivelación, `FIRMAS` with the special votes above the signatures alone.
fn page(form: &FormReading, page: &PageReading) -> Value {
    let fields = || form.fields.iter().filter(|field| field.page == page.page);
    let lists: BTreeSet<&ListCode> = fields().filter_map(|field| field.path.list()).collect();
    let mut of_one = lists.iter();
    let group = match (of_one.next(), of_one.next()) {
        _ if fields().any(|field| matches!(field.path, FieldPath::Nivelacion(_))) => Some("HEADER".to_owned()),
        (Some(list), None) => Some(group_code(list)),
        (None, _) if fields().any(|field| field.path == FieldPath::Nulos) => Some("FIRMAS".to_owned()),
        (Some(_), Some(_)) | (None, _) => None,
    };
    json!({
        "page_no": page.page,
        "page_image_uri": null,
        "page_sha256": null,
        "political_group_code": group,
        "description": page.page_of.value().map(ToString::to_string),
        "layout": page.layout,
        "needs_review": page.needs_review,
    })
}

fn write_plan(form: &FormReading) -> Value {
    let rows = |rows: usize, from: &str| json!({ "rows": rows, "from": from });
    let settled = form
        .fields
        .iter()
        .filter(|field| field.path.counts_votes() && !field.needs_review);
    let leveling = form
        .fields
        .iter()
        .filter(|f| matches!(f.path, FieldPath::Nivelacion(_)));
    let alerts = form.fields.iter().filter(|field| field.needs_review).map(
        |field| json!({ "type": "OCR_LOW_CONF", "severity": "MEDIUM", "status": "OPEN", "evidence": doubt(field) }),
    );
    json!({
        "form_instance": rows(1, "document_header_extracted"),
        "pages": rows(form.pages.len(), "input_document.pages"),
        "ocr_field": rows(fields(form).len(), "ocr_fields"),
        "vote_tally": rows(settled.count(), "normalized_tallies"),
        "leveling": rows(leveling.count(), "ocr_fields"),
        "validation_result": rows(form.findings.len(), "validations"),
        "alert_rows": alerts.collect::<Vec<_>>(),
    })
}

/// A field that waits for a person, and why.
fn doubt(field: &FieldReading) -> Value {
    json!({
        "field_key": named(&field.path).0,
        "political_group_code": field.path.list().map(group_code),
        "page_no": field.page,
        "confidence": field.confidence,
        "reasons": field.reasons.iter().map(|r| r.code()).collect::<Vec<_>>(),
    })
}

fn meta(form: &FormReading, context: &PayloadContext<'_>) -> Value {
    let waiting = || form.fields.iter().filter(|field| field.needs_review);
    let qr = Qr::of(form);
    json!({
        "extraction_id": context.extraction_id,
        "model_version": context.model,
        "processing_time_ms": context.processing_time_ms,
        "overall_confidence": form.fields.iter().map(|f| f.confidence).reduce(f32::min),
        "fields_needing_review": waiting().count(),
        "review_items": waiting().map(doubt).collect::<Vec<_>>(),
        "notes": form.pages.iter().flat_map(|page| {
            page.notes.iter().map(|note| json!({ "page_no": page.page, "note": note }))
        }).collect::<Vec<_>>(),
        "qr_parsed": { "status": qr.status(), "raw": qr.raw },
        "qr_polling_table_id": qr.mesa.map(|mesa| mesa.to_string()),
        "qr_ocr_mismatches": qr.mismatches,
        "signatures": form.signatures,
    })
}

/// What the QRs of the pages say.
struct Qr<'a> {
    raw: Vec<&'a str>,
    mesa: Option<MesaId>,
    /// Items that they give otherwise than the form as read; none where they give none.
    mismatches: Option<Vec<Value>>,
}

impl<'a> Qr<'a> {
    fn of(form: &'a FormReading) -> Self {
        let header = &form.header;
        let compared = [
            compared("departamento", &header.departamento),
            compared("municipio", &header.municipio),
            compared("zona", &header.zona),
            compared("puesto", &header.puesto),
            compared("mesa", &header.mesa),
        ];
        let gives_any = compared.iter().any(Option::is_some);
        let mesa = || {
            Some(MesaId {
                departamento: in_qr(&header.departamento)?,
                municipio: in_qr(&header.municipio)?,
                zona: in_qr(&header.zona)?,
                puesto: in_qr(&header.puesto)?,
                mesa: in_qr(&header.mesa)?,
            })
        };
        Self {
            raw: form.pages.iter().filter_map(|page| page.qr.as_deref()).collect(),
            mesa: mesa(),
            mismatches: gives_any.then(|| {
                compared
                    .into_iter()
                    .flatten()
                    .filter(|one| one["qr"] != one["ocr"])
                    .collect()
            }),
        }
    }

    fn status(&self) -> &'static str {
        match (self.mesa.is_some(), self.raw.is_empty()) {
            (true, _) => "SUCCESS",
            (false, false) => "PARTIAL",
            (false, true) => "NOT_FOUND",
        }
    }
}

fn in_qr<T: Clone + PartialEq>(item: &Item<T>) -> Option<T> {
    let readings = item.readings().iter();
    let of_qr = readings.filter(|reading| reading.source == Source::QrPlaintext);
    of_qr.map(|reading| reading.value.clone()).next()
}

fn compared<T: Clone + PartialEq + Display>(name: &str, item: &Item<T>) -> Option<Value> {
    let qr = in_qr(item)?.to_string();
    Some(json!({ "field": name, "qr": qr, "ocr": text(item) }))
}

pub(crate) fn text<T: Clone + PartialEq + Display>(item: &Item<T>) -> Option<String> {
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

/// The corporación as the original wrote it.
#[must_use]
pub fn former_name(corporacion: Corporacion) -> &'static str {
    match corporacion {
        Corporacion::Presidente => "PRESIDENCIA",
        Corporacion::Gobernador => "GOBERNACION",
        Corporacion::Alcalde => "ALCALDIA",
        Corporacion::Senado
        | Corporacion::Camara
        | Corporacion::Asamblea
        | Corporacion::Concejo
        | Corporacion::Jal
        | Corporacion::Cmj => corporacion.name(),
    }
}

/// A party's code as the original wrote it, in four characters.
pub(crate) fn group_code(list: &ListCode) -> String {
    format!("{list:0>4}", list = list.0)
}

/// The name printed beside a row, where it was read.
pub(crate) fn printed<'a>(form: &'a FormReading, path: &FieldPath) -> Option<&'a PrintedName> {
    form.names.iter().find(|name| name.path == *path)
}

/// Whether a list is voted with preference for a candidate.
pub(crate) fn list_type(has_candidates: bool) -> &'static str {
    if has_candidates {
        "CON_VOTO_PREFERENTE"
    } else {
        "SIN_VOTO_PREFERENTE"
    }
}

/// Votes that count as read: nothing written is none of them.
pub(crate) fn votes(field: &FieldReading) -> Option<u16> {
    FieldState::settled(field).votes()
}

/// A number about other fields: one that was left out is not none of them.
pub(crate) fn number(field: &FieldReading) -> Option<u16> {
    if field.needs_review { None } else { field.value }
}

/// Key, kind of option and candidate of a field.
fn named(path: &FieldPath) -> (String, Option<&'static str>, Option<u16>) {
    match path {
        FieldPath::Nivelacion(Nivelacion::Sufragantes) => ("TOTAL_SUFRAGANTES_E11".to_owned(), None, None),
        FieldPath::Nivelacion(Nivelacion::Urna) => ("TOTAL_VOTOS_URNA".to_owned(), None, None),
        FieldPath::Nivelacion(Nivelacion::Incinerados) => ("TOTAL_VOTOS_INCINERADOS".to_owned(), None, None),
        FieldPath::Candidato(n) => (format!("CANDIDATE_{n:02}"), Some("CANDIDATE"), Some(*n)),
        FieldPath::SoloLista(_) => ("LIST_ONLY_VOTES".to_owned(), Some("LIST_ONLY"), None),
        FieldPath::ListaCandidato(_, n) => (format!("CANDIDATE_{n:02}"), Some("LIST_CANDIDATE"), Some(*n)),
        FieldPath::ListaTotal(_) => ("LIST_TOTAL".to_owned(), Some("TOTAL"), None),
        FieldPath::Blanco => ("VOTOS_EN_BLANCO".to_owned(), Some("BLANK"), None),
        FieldPath::Nulos => ("VOTOS_NULOS".to_owned(), Some("NULL"), None),
        FieldPath::NoMarcados => ("VOTOS_NO_MARCADOS".to_owned(), Some("UNMARKED"), None),
        FieldPath::Total => ("TOTAL_VOTOS_MESA".to_owned(), Some("TOTAL"), None),
    }
}

/// Rows in the order of the form, each list after its head; then the recount and the signatures.
fn fields(form: &FormReading) -> Vec<Value> {
    let mut out = Vec::new();
    let mut current = None;
    for one in &form.fields {
        let list = one.path.list();
        let begins = matches!(one.path, FieldPath::SoloLista(_)) || list != current;
        if let Some(list) = list.filter(|_| begins) {
            out.push(list_head(form, list, one.page));
        }
        current = list;
        out.push(field(form, one));
    }
    let answer = |key: String, value: Option<bool>, notes: &[&str]| {
        let mut out = empty(&key);
        out["value_bool"] = value.into();
        out["notes"] = notes.into();
        out
    };
    out.push(answer("HUBO_RECUENTO".to_owned(), form.recount, &[]));
    let signed = match form.signatures {
        Some(0) => Some(false),
        Some(JURORS) => Some(true),
        Some(_) | None => None,
    };
    let counted: &[&str] = if signed.is_none() {
        &["SIGNATURES_ARE_COUNTED_ONLY"]
    } else {
        &[]
    };
    out.extend((1..=JURORS).map(|n| answer(format!("FIRMA_JURADO_{n}"), signed, counted)));
    out
}

/// A field with every key and nothing in it.
fn empty(key: &str) -> Value {
    json!({
        "field_key": key, "page_no": null, "value_int": null, "value_bool": null, "raw_text": null, "raw_mark": null,
        "ballot_option_type": null, "political_group_code": null, "political_group_name": null, "candidate_ordinal": null,
        "candidate_name": null, "list_type": null, "confidence": null, "needs_review": false, "notes": [],
    })
}

fn list_head(form: &FormReading, list: &ListCode, page: u16) -> Value {
    let name = printed(form, &FieldPath::SoloLista(list.clone()));
    let mut out = empty("LIST_HEADER");
    of_list(&mut out, form, list);
    out["page_no"] = page.into();
    out["raw_text"] = json!(name.map(|name| &name.text));
    out["confidence"] = json!(name.map(|name| name.confidence));
    out
}

fn of_list(out: &mut Value, form: &FormReading, list: &ListCode) {
    let is_candidate = |field: &FieldReading| matches!(&field.path, FieldPath::ListaCandidato(of, _) if of == list);
    let name = printed(form, &FieldPath::SoloLista(list.clone()));
    out["political_group_code"] = group_code(list).into();
    out["political_group_name"] = json!(name.map(|name| &name.text));
    out["list_type"] = list_type(form.fields.iter().any(is_candidate)).into();
}

fn field(form: &FormReading, field: &FieldReading) -> Value {
    let (key, option, candidate) = named(&field.path);
    let marks = field.marks.map(mark);
    let mut out = empty(&key);
    if let Some(list) = field.path.list() {
        of_list(&mut out, form, list);
    }
    let name = candidate.and_then(|_| printed(form, &field.path));
    out["page_no"] = field.page.into();
    out["value_int"] = field.value.into();
    out["raw_text"] = marks.concat().into();
    out["raw_mark"] = json!(marks);
    out["ballot_option_type"] = option.into();
    out["candidate_ordinal"] = candidate.into();
    out["candidate_name"] = json!(name.map(|name| &name.text));
    out["confidence"] = json!(field.confidence);
    out["needs_review"] = field.needs_review.into();
    out["notes"] = field.reasons.iter().map(|r| r.code()).collect::<Vec<_>>().into();
    out
}

/// Votes by list, settled ones alone: what waits for a person has no votes yet. Each vote of the form stands in one place.
fn tallies(form: &FormReading) -> Vec<Value> {
    let groups = parties(form).into_iter().map(|party| {
        json!({
            "political_group_code": party.code.map(group_code),
            "tallies": party.votes().map(tally).collect::<Vec<_>>(),
            "party_total": party.total.and_then(number),
        })
    });
    let special =
        |field: &&FieldReading| matches!(field.path, FieldPath::Blanco | FieldPath::Nulos | FieldPath::NoMarcados);
    let specials = form.fields.iter().filter(special).map(tally);
    let specials = json!({ "specials": specials.collect::<Vec<_>>() });
    groups.chain([specials]).collect()
}

fn tally(field: &FieldReading) -> Value {
    let (_, option, candidate) = named(&field.path);
    json!({ "subject_type": option, "candidate_ordinal": candidate, "votes": votes(field) })
}

/// Names that the original and its database knew a check by.
fn aliases(finding: &Finding) -> Vec<String> {
    let list = finding.list.as_ref().map(group_code).unwrap_or_default();
    let names = finding.code.aliases().iter();
    names.map(|name| name.replace("{code}", &list)).collect()
}
