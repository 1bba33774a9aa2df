//! A reading as JSON, as `castor e14 read` prints it and the event log keeps it.

use castor_domain::checks::{Detail, Finding, Outcome};
use castor_domain::header::Item;
use castor_domain::reading::{FieldReading, FormReading, PageReading};
use castor_domain::suggestion::suggest;
use castor_domain::symbol::{BoxReading, Symbol};
use serde_json::{Map, Value, json};
use std::fmt::Display;

/// Least probability of another reading that a suggestion may use.
pub const SUGGESTION_FLOOR: f32 = 0.002;

/// One form as one JSON object.
#[must_use]
pub fn reading(reading: &FormReading) -> Map<String, Value> {
    let header = &reading.header;
    let object = json!({
        "header": {
            "departamento": text(&header.departamento),
            "departamento_nombre": text(&header.departamento_nombre),
            "municipio": text(&header.municipio),
            "municipio_nombre": text(&header.municipio_nombre),
            "zona": text(&header.zona),
            "puesto": text(&header.puesto),
            "mesa": text(&header.mesa),
            "lugar": text(&header.lugar),
            "copia": header.copia.value().map(|c| c.name()),
            "corporacion": header.corporacion.value().map(|c| c.name()),
            "eleccion": text(&header.eleccion),
            "fecha": text(&header.fecha),
            "serial": text(&header.serial),
            "kit": text(&header.kit),
            "paginas": text(&header.pages),
            "control": text(&header.control),
        },
        "header_readings": {
            "departamento": readings(&header.departamento),
            "departamento_nombre": readings(&header.departamento_nombre),
            "municipio": readings(&header.municipio),
            "municipio_nombre": readings(&header.municipio_nombre),
            "zona": readings(&header.zona),
            "puesto": readings(&header.puesto),
            "mesa": readings(&header.mesa),
            "lugar": readings(&header.lugar),
            "copia": readings(&header.copia),
            "corporacion": readings(&header.corporacion),
            "eleccion": readings(&header.eleccion),
            "fecha": readings(&header.fecha),
            "serial": readings(&header.serial),
            "kit": readings(&header.kit),
            "paginas": readings(&header.pages),
            "version": readings(&header.version),
            "control": readings(&header.control),
            "form_number": readings(&header.form_number),
            "civ": readings(&header.civ),
        },
        "fields": reading.fields.iter().map(field).collect::<Vec<_>>(),
        "pages": reading.pages.iter().map(page).collect::<Vec<_>>(),
        "recount": reading.recount.map(|r| if r { "SI" } else { "NO" }),
        "signatures": reading.signatures,
        "names": reading.names.iter().map(|n| json!({
            "path": n.path.to_string(), "page": n.page, "text": n.text, "confidence": n.confidence,
        })).collect::<Vec<_>>(),
        "findings": reading.findings.iter().map(finding).collect::<Vec<_>>(),
        "suggestion": suggest(reading, SUGGESTION_FLOOR).map(|s| json!({
            "changes": s.changes.iter().map(|c| json!({
                "path": c.field.path.to_string(), "page": c.field.page, "from": c.from, "to": c.to,
                "probability": c.probability,
            })).collect::<Vec<_>>(),
            "closes": s.closes.iter().map(|c| c.code.code()).collect::<Vec<_>>(),
            "rivals": s.rivals,
        })),
    });
    if let Value::Object(map) = object {
        map
    } else {
        Map::new()
    }
}

fn text<T: Clone + PartialEq + Display>(item: &Item<T>) -> Option<String> {
    item.value().map(ToString::to_string)
}

fn readings<T: Clone + PartialEq + Display>(item: &Item<T>) -> Vec<Value> {
    item.readings()
        .iter()
        .map(|r| json!({ "source": r.source.name(), "value": r.value.to_string(), "confidence": r.confidence, "page": r.page }))
        .collect()
}

/// A mark in the corpus' notation: digit, `*` for a filler, empty for nothing.
#[must_use]
pub fn mark(symbol: Symbol) -> String {
    match symbol {
        Symbol::Digit(d) => d.to_string(),
        Symbol::Filler => "*".to_owned(),
        Symbol::Blank => String::new(),
    }
}

/// The symbol of such a mark; `None` for anything else.
#[must_use]
pub fn symbol(mark: &str) -> Option<Symbol> {
    match mark.as_bytes() {
        [] => Some(Symbol::Blank),
        b"*" => Some(Symbol::Filler),
        [digit @ b'0'..=b'9'] => Some(Symbol::Digit(digit - b'0')),
        _ => None,
    }
}

fn field(field: &FieldReading) -> Value {
    json!({
        "path": field.path.to_string(),
        "page": field.page,
        "marks": field.marks.map(mark),
        "value": field.value,
        "confidence": field.confidence,
        "needs_review": field.needs_review,
        "reasons": field.reasons.iter().map(|r| r.code()).collect::<Vec<_>>(),
        "alternatives": field.alternatives.iter().map(|(v, p)| json!({ "value": v, "probability": p })).collect::<Vec<_>>(),
        "bbox": [field.bbox.x, field.bbox.y, field.bbox.width, field.bbox.height],
        "boxes": field.boxes.iter().map(top3).collect::<Vec<_>>(),
    })
}

/// The three likeliest symbols of a box and its signals.
fn top3(reading: &BoxReading) -> Value {
    let mut order: Vec<(usize, f32)> = reading.probabilities.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let top: Vec<Value> = order
        .iter()
        .take(3)
        .filter_map(|&(class, p)| Symbol::from_class(class).map(|s| json!([mark(s), p])))
        .collect();
    json!({ "top": top, "cross": reading.cross, "overwritten": reading.overwritten })
}

fn page(page: &PageReading) -> Value {
    json!({
        "page": page.page,
        "size": [page.size.0, page.size.1],
        "printed_page": page.printed_page(),
        "serial": text(&page.serial),
        "readings": {
            "page_of": readings(&page.page_of),
            "serial": readings(&page.serial),
            "kit": readings(&page.kit),
            "control": readings(&page.control),
        },
        "mesa": page.mesa.map(|m| m.to_string()),
        "qr": page.qr,
        "registration": page.registration,
        "layout": page.layout,
        "needs_review": page.needs_review,
        "notes": page.notes,
    })
}

/// A finding as a JSON object.
#[must_use]
pub fn finding(finding: &Finding) -> Value {
    let mut out = Map::new();
    out.insert("code".into(), json!(finding.code.code()));
    out.insert("outcome".into(), json!(finding.outcome.name()));
    out.insert("severity".into(), json!(finding.severity.name()));
    if let Some(list) = &finding.list {
        out.insert("list".into(), json!(list.0));
    }
    out.insert(
        "fields".into(),
        json!(
            finding
                .fields
                .iter()
                .map(|f| json!({ "path": f.path.to_string(), "page": f.page }))
                .collect::<Vec<_>>()
        ),
    );
    if let Some(numbers) = finding.numbers {
        out.insert("expected".into(), json!(numbers.expected));
        out.insert("found".into(), json!(numbers.found));
        out.insert("difference".into(), json!(numbers.difference()));
    }
    if !finding.details.is_empty() {
        out.insert(
            "details".into(),
            json!(finding.details.iter().map(detail).collect::<Vec<_>>()),
        );
    }
    if let Outcome::NotEvaluable { missing } = &finding.outcome {
        out.insert(
            "missing".into(),
            json!(missing.iter().map(ToString::to_string).collect::<Vec<_>>()),
        );
    }
    Value::Object(out)
}

/// One thing that a finding points at.
fn detail(detail: &Detail) -> Value {
    let kind = detail.kind();
    match detail {
        Detail::Field { field, expected, found } => json!({
            "kind": kind, "path": field.path.to_string(), "page": field.page, "expected": expected, "found": found,
        }),
        Detail::Header {
            item,
            page,
            expected,
            found,
        } => json!({ "kind": kind, "item": item, "page": page, "expected": expected, "found": found }),
        Detail::PageMissing(page) => json!({ "kind": kind, "printed_page": page }),
        Detail::PageRepeated(page) | Detail::PageOutOfOrder(page) | Detail::PageOfOtherForm(page) => {
            json!({ "kind": kind, "page": page })
        }
        Detail::SeenIn { page, form } => json!({ "kind": kind, "page": page, "form": form }),
        Detail::EqualSums => json!({ "kind": kind }),
    }
}
