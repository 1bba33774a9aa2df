//! The first version of the original's contract, the extraction, from a form as it stands.
//!
//! Differences from the original, all on purpose: what was not read is `null`, sums that an unread row takes part in too;
//! candidates of a form without lists stand in an item without a party's code, since the form prints none; the names of
//! jurors, and of who asked for a recount, are never read.

use crate::payload::PayloadContext;
use castor_domain::checks::FieldState;
use castor_domain::codes::MesaId;
use castor_domain::form::{FieldPath, Nivelacion};
use castor_domain::header::Item;
use castor_domain::reading::{FieldReading, FormReading};
use serde_json::{Map, Value, json};
use std::fmt::Display;

/// The extraction of a form.
#[must_use]
pub fn extraction(form: &FormReading, context: &PayloadContext<'_>) -> Value {
    let lowest = form.fields.iter().map(|f| f.confidence).reduce(f32::min);
    json!({
        "header": header(form),
        "nivelacion": nivelacion(form),
        "partidos": partidos(form),
        "especiales": especiales(form),
        "constancias": {
            "hubo_recuento": form.recount,
            "recuento_solicitado_por": null,
            "en_representacion_de": null,
            "otras_constancias": null,
            "num_jurados_firmantes": form.signatures,
            "jurados_info": null,
        },
        "total_computado": computed(form),
        "meta": {
            "extraction_id": context.sha256,
            "source_file": context.source,
            "source_sha256": context.sha256,
            "extracted_at": context.produced_at,
            "model_version": context.model,
            "processing_time_ms": null,
            "overall_confidence": lowest,
            "fields_needing_review": form.fields.iter().filter(|f| f.needs_review).count(),
            "total_pages": form.pages.len(),
            "pages_processed": form.pages.iter().filter(|page| page.layout.is_some()).count(),
        },
    })
}

fn text<T: Clone + PartialEq + Display>(item: &Item<T>) -> Option<String> {
    item.value().map(ToString::to_string)
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
        "corporacion": header.corporacion.value().map(|corporacion| corporacion.name()),
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

/// Votes that count as read: nothing written is none of them.
fn votes(field: &FieldReading) -> Option<u16> {
    FieldState::settled(field).votes()
}

/// A number about other fields: one that was left out is not none of them.
fn number(field: &FieldReading) -> Option<u16> {
    if field.needs_review { None } else { field.value }
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

/// One list, or the candidates of a form that has none.
#[derive(Default)]
struct Party<'a> {
    code: Option<String>,
    solo: Option<&'a FieldReading>,
    candidates: Vec<(u16, &'a FieldReading)>,
    total: Option<&'a FieldReading>,
}

impl<'a> Party<'a> {
    fn rows(&self) -> impl Iterator<Item = &'a FieldReading> {
        let candidates = self.candidates.iter().map(|(_, field)| *field);
        self.solo.into_iter().chain(candidates).chain(self.total)
    }

    fn view(&self, form: &FormReading) -> Value {
        let name = self
            .solo
            .and_then(|field| form.names.iter().find(|n| n.path == field.path));
        let preferential = if self.candidates.is_empty() {
            "SIN_VOTO_PREFERENTE"
        } else {
            "CON_VOTO_PREFERENTE"
        };
        let candidates = self.candidates.iter().map(|(n, field)| {
            json!({
                "candidate_number": n,
                "votes": votes(field),
                "confidence": field.confidence,
                "needs_review": field.needs_review,
            })
        });
        json!({
            "party_code": self.code.as_ref().map(|code| format!("{code:0>4}")),
            "party_name": name.map(|name| name.text.as_str()),
            "party_logo_detected": null,
            "list_type": self.code.as_ref().map(|_| preferential),
            "circunscripcion": null,
            "votos_agrupacion": self.solo.and_then(votes),
            "votos_candidatos": candidates.collect::<Vec<_>>(),
            "total_votos": self.total.and_then(number),
            "confidence_total": self.total.map(|field| field.confidence),
            "needs_review": self.rows().any(|field| field.needs_review),
        })
    }
}

/// Lists in the order of the form. One that stands in two circunscripciones stands here twice.
fn partidos(form: &FormReading) -> Vec<Value> {
    let mut parties: Vec<Party<'_>> = Vec::new();
    let candidate = |path: &FieldPath| matches!(path, FieldPath::Candidato(_));
    for field in form
        .fields
        .iter()
        .filter(|f| f.path.list().is_some() || candidate(&f.path))
    {
        let code = field.path.list().map(ToString::to_string);
        let begins = matches!(field.path, FieldPath::SoloLista(_));
        if begins || parties.last().is_none_or(|party| party.code != code) {
            parties.push(Party {
                code,
                ..Party::default()
            });
        }
        let Some(party) = parties.last_mut() else { continue };
        match &field.path {
            FieldPath::SoloLista(_) => party.solo = Some(field),
            FieldPath::ListaTotal(_) => party.total = Some(field),
            FieldPath::Candidato(n) | FieldPath::ListaCandidato(_, n) => party.candidates.push((*n, field)),
            FieldPath::Nivelacion(_)
            | FieldPath::Blanco
            | FieldPath::Nulos
            | FieldPath::NoMarcados
            | FieldPath::Total => {}
        }
    }
    parties.iter().map(|party| party.view(form)).collect()
}

/// All votes of the form together; unknown while one of them is.
fn computed(form: &FormReading) -> Option<u32> {
    let mut rows = form.fields.iter().filter(|field| field.path.counts_votes()).peekable();
    rows.peek()?;
    rows.map(|field| votes(field).map(u32::from)).sum()
}
