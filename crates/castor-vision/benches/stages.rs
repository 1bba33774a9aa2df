//! What the stages of reading cost on a drawn page: one scanned in black and white, one in colour.
//!
//! Stages that need ONNX Runtime, PDFium or a model say so and are left out where those are not installed.

// Benches are not part of the API that must be documented.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench without its form is of no use")]

use castor_domain::symbol::{BoxImage, SymbolModel};
use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use castor_vision::header::{HeaderScope, read_header};
use castor_vision::input::{Document, Limits};
use castor_vision::labels::{LabelLooks, Labels};
use castor_vision::layout::find_layout;
use castor_vision::read::FormReader;
use castor_vision::register::{rectify, register};
use castor_vision::symbols::SymbolReader;
use castor_vision::text::{Region, TextReader, ink_of};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;

const SEED: u64 = 7;

fn bench(c: &mut Criterion) {
    for (name, scan) in [("black-and-white", Scan::drop_out()), ("colour", Scan::colour_300())] {
        stages(c, name, scan);
    }
}

fn stages(c: &mut Criterion, name: &str, scan: Scan) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10);
    let form = Form::sample(SEED, Family::Uninominal2023, &Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_form(folder.path(), &form, scan).unwrap();
    let file = folder.path().join("forms").join(format!("{}.pdf", form.name()));
    let document = match Document::open(&file, &Limits::default()) {
        Ok(document) => document,
        Err(error) => return eprintln!("SKIPPED {name}: {error}"),
    };
    let page = document.page(1).unwrap();
    group.bench_function("decode", |b| b.iter(|| black_box(document.page(1).unwrap())));
    let registration = register(&page).unwrap();
    group.bench_function("register", |b| {
        b.iter(|| {
            let found = register(black_box(&page)).unwrap();
            rectify(&page, &found)
        });
    });

    let (text, symbols) = match (TextReader::open(&TextReader::installed()), shipped_model()) {
        (Ok(text), Ok(symbols)) => (text, symbols),
        (Err(error), _) | (_, Err(error)) => return eprintln!("SKIPPED the other stages of {name}: {error}"),
    };
    let rectified = rectify(&page, &registration);
    group.bench_function("header", |b| {
        b.iter(|| read_header(black_box(&rectified), &text, HeaderScope::Full, &mut None).unwrap());
    });
    let (right, bottom) = rectified.gray.dimensions();
    let whole = Region {
        left: 0,
        top: 0,
        right,
        bottom,
    };
    let ink = ink_of(&rectified.gray, whole);
    group.bench_function("layout", |b| {
        b.iter(|| {
            find_layout(
                black_box(&rectified),
                &ink,
                &Labels::of(&text, LabelLooks::default()),
                None,
            )
        });
    });
    let cells = FormReader::cutter(TextReader::open(&TextReader::installed()).unwrap())
        .cut(&document)
        .unwrap();
    let boxes: Vec<BoxImage> = cells
        .iter()
        .filter(|cell| cell.page == 1)
        .flat_map(|cell| cell.boxes.iter().cloned())
        .collect();
    assert!(!boxes.is_empty(), "the drawn page has cells");
    group.bench_function("symbols", |b| b.iter(|| symbols.predict(black_box(&boxes)).unwrap()));
    let pages = document.page_count();
    let reader = FormReader::new(text, symbols);
    group.bench_function(format!("whole form of {pages} pages"), |b| {
        b.iter(|| reader.read(black_box(&document)).unwrap());
    });
}

fn shipped_model() -> Result<SymbolReader, castor_vision::runtime::RuntimeError> {
    SymbolReader::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/symbols.onnx"))
}

criterion_group!(benches, bench);
criterion_main!(benches);
