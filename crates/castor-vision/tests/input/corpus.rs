//! Real forms, where they are at hand.

use castor_vision::input::{Document, Limits};
use castor_vision::register::register;
use castor_vision::serial::read_serial;
use std::path::PathBuf;

/// The folder of the development forms, or None with a line that says what was skipped.
fn corpus(test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CASTOR_E14_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/e14"),
        PathBuf::from,
    );
    let dev = root.join("dev");
    if dev.join("forms").is_dir() {
        Some(dev)
    } else {
        eprintln!(
            "SKIPPED {test}: no real forms in {}; set CASTOR_E14_CORPUS",
            root.display()
        );
        None
    }
}

#[test]
fn a_black_and_white_form_of_the_portal_comes_at_its_own_resolution() {
    let Some(dev) = corpus("a_black_and_white_form_of_the_portal_comes_at_its_own_resolution") else {
        return;
    };
    let document = Document::open(&dev.join("forms/d07.pdf"), &Limits::default()).unwrap();
    assert_eq!(document.page_count(), 2);
    let page = document.page(1).unwrap();
    assert_eq!(page.gray.dimensions(), (868, 2613));
    assert!(page.bitonal);
}

#[test]
fn no_barcode_of_a_real_form_is_read_wrong_with_confidence() {
    let Some(dev) = corpus("no_barcode_of_a_real_form_is_read_wrong_with_confidence") else {
        return;
    };
    let (mut right, mut sure, mut pages) = (0, 0, 0);
    for entry in std::fs::read_dir(dev.join("forms")).unwrap() {
        let path = entry.unwrap().path();
        let form = path.file_stem().unwrap().to_string_lossy().into_owned();
        let document = Document::open(&path, &Limits::default()).unwrap();
        for number in 1..=document.page_count() {
            let truth = std::fs::read(dev.join(format!("truth/{form}_page_{number:02}.json"))).unwrap();
            let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
            let page = document.page(number).unwrap();
            pages += 1;
            let Some(reading) = register(&page).and_then(|r| read_serial(&page, &r.to_page)) else {
                continue;
            };
            let agrees = truth["header"]["barcode"] == reading.text().as_str();
            right += usize::from(agrees);
            sure += usize::from(agrees && reading.confidence >= 0.9);
            assert!(
                agrees || reading.confidence < 0.9,
                "{form} page {number}: {} with {}",
                reading.text(),
                reading.confidence
            );
        }
    }
    println!("{right} of {pages} barcodes right, {sure} of them sure");
    assert!(right * 2 > pages);
}
