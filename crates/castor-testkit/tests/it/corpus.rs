use std::collections::HashSet;
use std::fs;

use castor_testkit::corpus::{sample_forms, write_corpus, write_form};
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use castor_testkit::truth::PageTruth;
use serde_json::Value;

#[test]
fn a_corpus_has_forms_truth_and_an_index_marked_as_synthetic() {
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path(), 31, 3, &Options::default()).unwrap();
    let index: Value = serde_json::from_slice(&fs::read(dir.path().join("index.json")).unwrap()).unwrap();
    let entries = index.as_array().unwrap();
    assert_eq!(entries.len(), 3);
    for entry in entries {
        assert_eq!(entry["synthetic"], true);
        let form = entry["form"].as_str().unwrap();
        let pages = entry["pages"].as_u64().unwrap();
        let pdf = fs::read(dir.path().join(format!("forms/{form}.pdf"))).unwrap();
        assert_eq!(count(&pdf, b"/Type /Page "), usize::try_from(pages).unwrap());
        for page in 1..=pages {
            let path = dir.path().join(format!("truth/{form}_page_{page:02}.json"));
            let truth: PageTruth = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            assert_eq!(
                (truth.form.as_str(), u64::from(truth.page), truth.synthetic),
                (form, page, true)
            );
        }
    }
}

#[test]
fn truth_has_the_keys_of_the_corpus_of_real_forms() {
    let form = Form::sample(32, Family::Lists2023, &Options::default()).unwrap();
    let truth = serde_json::to_value(form.truth(1).unwrap()).unwrap();
    let keys: HashSet<&str> = truth.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "form",
        "page",
        "printed_page",
        "header",
        "sections",
        "cells",
        "recount",
        "constancias",
        "signatures",
        "overwritten",
        "notes",
    ];
    assert!(expected.iter().all(|k| keys.contains(k)), "{keys:?}");
    assert_eq!(truth["sections"][0]["kind"], "nivelacion");
    let list = truth["sections"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["kind"] == "list")
        .unwrap();
    assert!(list["party_code"].is_string() && list["candidate_numbers"].is_array() && list["list_type"].is_string());
    let cell = &truth["cells"][0];
    assert_eq!(cell["field"], "nivelacion.sufragantes");
    assert_eq!(cell["marks"].as_array().unwrap().len(), 3);
}

#[test]
fn the_cross_reference_table_of_a_pdf_points_at_its_objects() {
    let dir = tempfile::tempdir().unwrap();
    let form = Form::sample(33, Family::SegundaVuelta2026, &Options::default()).unwrap();
    for scan in [Scan::drop_out(), Scan::phone(200)] {
        write_form(dir.path(), &form, scan).unwrap();
        let pdf = fs::read(dir.path().join(format!("forms/{}.pdf", form.name()))).unwrap();
        let tail = String::from_utf8_lossy(&pdf[pdf.len() - 700..]).into_owned();
        let start: usize = tail.lines().rev().nth(1).unwrap().parse().unwrap();
        assert!(pdf[start..].starts_with(b"xref"));
        let table = String::from_utf8_lossy(&pdf[start..]).into_owned();
        let objects = table.lines().filter(|l| l.ends_with(" n "));
        for (number, line) in (1..).zip(objects) {
            let offset: usize = line[..10].parse().unwrap();
            assert!(pdf[offset..].starts_with(format!("{number} 0 obj").as_bytes()));
        }
    }
}

#[test]
fn the_demonstration_set_has_one_form_per_family() {
    let dir = tempfile::tempdir().unwrap();
    let index = sample_forms(dir.path(), 1).unwrap();
    let names: HashSet<&str> = index.iter().map(|e| e.form.as_str()).collect();
    assert_eq!(names.len(), Family::ALL.len());
    assert!(index.iter().all(|e| e.synthetic && e.form.starts_with("ejemplo-")));
}

fn count(data: &[u8], needle: &[u8]) -> usize {
    data.windows(needle.len()).filter(|w| *w == needle).count()
}
