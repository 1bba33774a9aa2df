//! The first version of the original's contract, the extraction, from a form as it stands and back.
//!
//! Every key of the original is there. Differences, all on purpose:
//! * what was not read is `null`, and so is `total_computado` while a row or page of it is unread; a list counts in it by its
//!   written total, else by its rows, as in the check SUM_001;
//! * candidates of a form without lists stand in an item without a party's code, since the form prints none;
//! * a list that stands in two circunscripciones stands in two items; `circunscripcion`, `party_logo_detected` and `header.version`
//!   are not read (`null`), names of parties only where the reader was asked for them;
//! * confidences are calibrated; `overall_confidence` is the lowest of the form;
//! * names and identity numbers of jurors (`jurados_info`), who asked for a recount and for whom, and other remarks are never read;
//! * CMJ and the copy CONSUL are names that the original does not have.

use crate::parties::{Party, parties};
use crate::payload::{PayloadContext, former_name, group_code, list_type, number, printed, text, votes};
use castor_domain::checks::votes_of_form;
use castor_domain::codes::MesaId;
use castor_domain::form::{FieldPath, Nivelacion};
use castor_domain::reading::{FieldReading, FormReading};
use serde_json::{Map, Value, json};

/// What a form says as a whole. A number that waits for a person is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Voters by form E-11.
    pub sufragantes: Option<u16>,
    /// Ballots in the urn.
    pub urna: Option<u16>,
    /// All votes together.
    pub computado: Option<i64>,
}

impl Totals {
    /// Those of a form.
    #[must_use]
    pub fn of(form: &FormReading) -> Self {
        let row = |row| find(form, &FieldPath::Nivelacion(row)).and_then(number);
        Self {
            sufragantes: row(Nivelacion::Sufragantes),
            urna: row(Nivelacion::Urna),
            computado: votes_of_form(form),
        }
    }

    /// Ballots in the urn less all votes.
    #[must_use]
    pub fn delta(self) -> Option<i64> {
        let (urna, computado) = self.urna.zip(self.computado)?;
        Some(i64::from(urna) - computado)
    }
}

/// The extraction of a form.
#[must_use]
pub fn extraction(form: &FormReading, context: &PayloadContext<'_>) -> Value {
    let lowest = form.fields.iter().map(|f| f.confidence).reduce(f32::min);
    json!({
        "header": header(form),
        "nivelacion": nivelacion(form),
        "partidos": parties(form).iter().map(|party| partido(form, party)).collect::<Vec<_>>(),
        "especiales": especiales(form),
        "constancias": {
            "hubo_recuento": form.recount,
            "recuento_solicitado_por": null,
            "en_representacion_de": null,
            "otras_constancias": null,
            "num_jurados_firmantes": form.signatures,
            "jurados_info": null,
        },
        "total_computado": Totals::of(form).computado,
        "meta": {
            "extraction_id": context.extraction_id,
            "source_file": context.source,
            "source_sha256": context.sha256,
            "extracted_at": context.produced_at,
            "model_version": context.model,
            "processing_time_ms": context.processing_time_ms,
            "overall_confidence": lowest,
            "fields_needing_review": form.fields.iter().filter(|f| f.needs_review).count(),
            "total_pages": form.pages.len(),
            "pages_processed": form.pages.iter().filter(|page| page.layout.is_some()).count(),
        },
    })
}

fn header(form: &FormReading) -> Value {
    let header = &form.header;
    let mesa = header.mesa_id().map(|id: MesaId| id.to_string());
    json!({
        "barcode": text(&header.serial),
        "version": null,
        "page_info": text(&header.pages),
        "copy_type": header.copia.value().map(|copia| copia.name()),
        "election_name": text(&header.eleccion),
        "election_date": text(&header.fecha),
        "corporacion": header.corporacion.value().copied().map(former_name),
        "departamento_code": text(&header.departamento),
        "departamento_name": text(&header.departamento_nombre),
        "municipio_code": text(&header.municipio),
        "municipio_name": text(&header.municipio_nombre),
        "lugar": text(&header.lugar),
        "zona": text(&header.zona),
        "puesto": text(&header.puesto),
        "mesa": text(&header.mesa),
        "mesa_id": mesa,
    })
}

fn find<'a>(form: &'a FormReading, path: &FieldPath) -> Option<&'a FieldReading> {
    form.fields.iter().find(|field| field.path == *path)
}

fn nivelacion(form: &FormReading) -> Value {
    let rows = [
        ("total_sufragantes_e11", Nivelacion::Sufragantes),
        ("total_votos_urna", Nivelacion::Urna),
        ("total_votos_incinerados", Nivelacion::Incinerados),
    ];
    let mut out = Map::new();
    for (name, row) in rows {
        let field = find(form, &FieldPath::Nivelacion(row));
        out.insert(name.to_owned(), json!(field.and_then(number)));
        out.insert(format!("confidence_{name}"), json!(field.map(|f| f.confidence)));
    }
    Value::Object(out)
}

fn especiales(form: &FormReading) -> Value {
    let rows = [
        ("votos_en_blanco", FieldPath::Blanco),
        ("votos_nulos", FieldPath::Nulos),
        ("votos_no_marcados", FieldPath::NoMarcados),
    ];
    let mut out = Map::new();
    for (name, path) in rows {
        let field = find(form, &path);
        out.insert(name.to_owned(), json!(field.and_then(votes)));
        out.insert(format!("confidence_{name}"), json!(field.map(|f| f.confidence)));
    }
    Value::Object(out)
}

fn partido(form: &FormReading, party: &Party<'_>) -> Value {
    let name = party.solo.and_then(|field| printed(form, &field.path));
    let candidates = party.candidates.iter().map(|(n, field)| {
        json!({
            "candidate_number": n,
            "votes": votes(field),
            "confidence": field.confidence,
            "needs_review": field.needs_review,
        })
    });
    json!({
        "party_code": party.code.map(group_code),
        "party_name": name.map(|name| name.text.as_str()),
        "party_logo_detected": null,
        "list_type": party.code.map(|_| list_type(!party.candidates.is_empty())),
        "circunscripcion": null,
        "votos_agrupacion": party.solo.and_then(votes),
        "votos_candidatos": candidates.collect::<Vec<_>>(),
        "total_votos": party.total.and_then(number),
        "confidence_total": party.total.map(|field| field.confidence),
        "needs_review": party.rows().any(|field| field.needs_review),
    })
}

/// What the rows of the nivelación and the special votes are called, in the form's order.
const NIVELACION: [(&str, &str); 3] = [
    ("total_sufragantes_e11", "nivelacion.sufragantes"),
    ("total_votos_urna", "nivelacion.urna"),
    ("total_votos_incinerados", "nivelacion.incinerados"),
];
const ESPECIALES: [(&str, &str); 3] = [
    ("votos_en_blanco", "blanco"),
    ("votos_nulos", "nulos"),
    ("votos_no_marcados", "no_marcados"),
];
/// Most pages of a form.
const PAGES: u64 = 60;

/// Whether a value is an extraction and no reading as [`crate::write::reading`] gives it.
#[must_use]
pub fn is_extraction(value: &Value) -> bool {
    value.get("fields").is_none()
        && ["nivelacion", "partidos", "especiales"]
            .iter()
            .any(|key| value.get(key).is_some())
}

/// The reading that an extraction means, as [`crate::write::reading`] writes one and [`crate::parse::reading`] takes it. What the
/// contract has no place for is unread: marks, pages of rows, printed totals of the whole form.
#[must_use]
pub fn as_reading(extraction: &Value) -> Value {
    let header = &extraction["header"];
    let pages = extraction["meta"]["total_pages"].as_u64().unwrap_or(1).clamp(1, PAGES);
    let recount = extraction["constancias"]["hubo_recuento"].as_bool();
    json!({
        "header": {
            "departamento": header["departamento_code"],
            "departamento_nombre": header["departamento_name"],
            "municipio": header["municipio_code"],
            "municipio_nombre": header["municipio_name"],
            "zona": header["zona"],
            "puesto": header["puesto"],
            "mesa": header["mesa"],
            "lugar": header["lugar"],
            "copia": known(&header["copy_type"]),
            "corporacion": ours(&header["corporacion"]),
            "eleccion": header["election_name"],
            "fecha": header["election_date"],
        },
        "fields": rows(extraction),
        "pages": (1..=pages).map(|page| json!({ "page": page, "needs_review": false })).collect::<Vec<_>>(),
        "recount": recount.map(|recount| if recount { "SI" } else { "NO" }),
        "signatures": extraction["constancias"]["num_jurados_firmantes"],
    })
}

fn known(copy: &Value) -> &Value {
    if copy == "UNKNOWN" { &Value::Null } else { copy }
}

fn ours(corporacion: &Value) -> Value {
    match corporacion.as_str() {
        Some("PRESIDENCIA") => "PRESIDENTE".into(),
        Some("GOBERNACION") => "GOBERNADOR".into(),
        Some("ALCALDIA") => "ALCALDE".into(),
        Some(_) | None => corporacion.clone(),
    }
}

fn rows(extraction: &Value) -> Vec<Value> {
    let mut rows = Vec::new();
    for (part, names) in [("nivelacion", NIVELACION), ("especiales", ESPECIALES)] {
        for (name, path) in names {
            let value = &extraction[part][name];
            // One that is null is not printed, left out or not read, which the contract does not tell apart.
            if !value.is_null() {
                rows.push(row(
                    path,
                    value,
                    &extraction[part][format!("confidence_{name}")],
                    &Value::Null,
                ));
            }
        }
    }
    for party in extraction["partidos"].as_array().into_iter().flatten() {
        let list = party["party_code"].as_str().map(|code| format!("lista.{code}."));
        let list = list.unwrap_or_default();
        if !list.is_empty() {
            rows.push(row(
                &format!("{list}solo_lista"),
                &party["votos_agrupacion"],
                &Value::Null,
                &Value::Null,
            ));
        }
        for candidate in party["votos_candidatos"].as_array().into_iter().flatten() {
            let path = format!("{list}candidato.{}", candidate["candidate_number"]);
            rows.push(row(
                &path,
                &candidate["votes"],
                &candidate["confidence"],
                &candidate["needs_review"],
            ));
        }
        if !list.is_empty() && !party["total_votos"].is_null() {
            rows.push(row(
                &format!("{list}total"),
                &party["total_votos"],
                &party["confidence_total"],
                &Value::Null,
            ));
        }
    }
    rows
}

/// A row that says no confidence is as sure as who gave it.
fn row(path: &str, value: &Value, confidence: &Value, waits: &Value) -> Value {
    let or = |given: &Value, other: Value| if given.is_null() { other } else { given.clone() };
    let digits = value.as_u64().map(|number| format!("{number:*>3}")).unwrap_or_default();
    let marks: Vec<String> = match digits.len() {
        3 => digits.chars().map(String::from).collect(),
        _ => vec![String::new(); 3],
    };
    json!({
        "path": path,
        "page": 1,
        "marks": marks,
        "value": value,
        "confidence": or(confidence, 1.0.into()),
        "needs_review": or(waits, value.is_null().into()),
    })
}
