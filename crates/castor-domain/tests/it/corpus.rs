//! The checks on transcribed real forms, when the corpus is at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::field;
use castor_domain::checks::{CheckCode, CheckContext, check_form};
use castor_domain::codes::DepartamentoCode;
use castor_domain::geography::geography;
use castor_domain::header::Source;
use castor_domain::reading::{FormReading, PageReading};
use castor_domain::serial::PageOf;
use serde_json::Value;

/// Folder of the transcriptions; `None`, with a word why, when there is none.
fn truth() -> Option<PathBuf> {
    let corpus = std::env::var_os("CASTOR_E14_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/e14"),
        PathBuf::from,
    );
    let folder = corpus.join("dev/truth");
    if !folder.is_dir() {
        eprintln!("skipped: no corpus at {}", corpus.display());
        return None;
    }
    Some(folder)
}

/// The transcribed pages, in the order of their names.
fn pages(folder: PathBuf) -> Vec<Value> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
        .collect()
}

fn number(value: &Value) -> u16 {
    u16::try_from(value.as_u64().unwrap()).unwrap()
}

fn add_page(form: &mut FormReading, truth: &Value) {
    let page = number(&truth["page"]);
    let header = &truth["header"];
    let pages = number(&header["page_of"][1]);
    let mut reading = PageReading {
        page,
        layout: Some("transcribed".into()),
        ..PageReading::default()
    };
    reading.page_of.add(
        Source::PrintedPageOf,
        PageOf {
            page: number(&truth["printed_page"]),
            pages,
        },
        0.99,
        page,
    );
    if let Ok(serial) = header["barcode"].as_str().unwrap_or_default().parse() {
        reading.serial.add(Source::SerialDigits, serial, 0.99, page);
    }
    if let Ok(kit) = header["kit"].as_str().unwrap_or_default().parse() {
        reading.kit.add(Source::PrintedKit, kit, 0.99, page);
        form.header.kit.add(Source::PrintedKit, kit, 0.99, page);
    }
    if let Ok(control) = header["control"].as_str().unwrap_or_default().parse() {
        reading.control.add(Source::PrintedText, control, 0.99, page);
        form.header.control.add(Source::PrintedText, control, 0.99, page);
    }
    let corporacion = header["corporacion"].as_str().unwrap().parse().unwrap();
    form.header
        .corporacion
        .add(Source::PrintedText, corporacion, 0.99, page);
    form.header.copia.add(
        Source::PrintedText,
        header["copia"].as_str().unwrap().parse().unwrap(),
        0.99,
        page,
    );
    if let Ok(departamento) = header["departamento"].as_str().unwrap_or_default().parse() {
        form.header
            .departamento
            .add(Source::PrintedText, departamento, 0.99, page);
    }
    form.header.pages.add(Source::PrintedPageOf, pages, 0.99, page);
    form.pages.push(reading);
    for cell in truth["cells"].as_array().unwrap() {
        let marks: String = cell["marks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m.as_str().unwrap().replace('?', ""))
            .map(|m| if m.is_empty() { "_".into() } else { m })
            .collect();
        let field = field(page, cell["field"].as_str().unwrap(), &marks);
        if !cell["marks"].to_string().contains('?') {
            assert_eq!(field.value.map(u64::from), cell["value"].as_u64(), "{cell}");
        }
        form.fields.push(field);
    }
}

#[test]
fn transcribed_forms_mean_what_their_transcribers_say_and_mostly_close() {
    let Some(folder) = truth() else { return };
    let mut forms: BTreeMap<String, FormReading> = BTreeMap::new();
    for page in pages(folder) {
        add_page(
            forms.entry(page["form"].as_str().unwrap().to_owned()).or_default(),
            &page,
        );
    }
    let mut outcomes: BTreeMap<(CheckCode, &str), usize> = BTreeMap::new();
    for form in forms.values() {
        for finding in check_form(form, &CheckContext::default()) {
            *outcomes.entry((finding.code, finding.outcome.name())).or_default() += 1;
        }
    }
    for code in [
        CheckCode::Sum001,
        CheckCode::Sum002,
        CheckCode::Sum003,
        CheckCode::Bar001,
    ] {
        let count = |outcome| outcomes.get(&(code, outcome)).copied().unwrap_or(0);
        assert!(
            count("pass") >= 4 * count("fail") && count("pass") > 0,
            "{code}: {outcomes:?}"
        );
    }
}

#[test]
fn the_places_of_transcribed_headers_are_in_the_tables_under_their_names() {
    let Some(folder) = truth() else { return };
    let (mut known, mut fitting, mut unknown) = (0, 0, 0);
    for page in pages(folder) {
        let text = |item: &str| page["header"][item].as_str().unwrap_or_default();
        let (Ok(departamento), Ok(municipio)) = (text("departamento").parse(), text("municipio").parse()) else {
            continue;
        };
        let found = geography()
            .best_municipality(departamento, text("municipio_nombre"))
            .unwrap();
        assert_eq!((found.code, found.score > 0.9), (municipio, true), "{found:?}");
        let (Ok(zona), Ok(puesto)) = (text("zona").parse(), text("puesto").parse()) else {
            continue;
        };
        match geography().fits(departamento, municipio, zona, puesto, text("lugar")) {
            Some(score) => {
                known += 1;
                fitting += usize::from(score > 0.7);
            }
            // Places abroad are in no table.
            None => unknown += usize::from(departamento != DepartamentoCode::CONSULADOS),
        }
    }
    assert!(
        known > 4 * unknown && fitting * 10 > known * 8,
        "{known} known, {fitting} fitting, {unknown} unknown"
    );
}
