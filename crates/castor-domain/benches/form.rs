//! Time of the steps that follow the symbol model: one field, all checks, a suggestion, a place by its name.

use castor_domain::checks::{CheckContext, check_form};
use castor_domain::form::{FieldPath, ListCode, Nivelacion};
use castor_domain::geography::geography;
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect};
use castor_domain::suggestion::suggest;
use castor_domain::symbol::{BoxReading, Symbol};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const POLICY: ReviewPolicy = ReviewPolicy {
    threshold: 0.9,
    overwritten_threshold: 0.5,
    cross_threshold: 0.5,
};

fn unsure(symbol: Symbol) -> BoxReading {
    let mut probabilities = [0.02; 12];
    probabilities[symbol.class()] += 0.76;
    BoxReading {
        probabilities,
        cross: 0.0,
        overwritten: 0.0,
    }
}

fn field(path: FieldPath, page: u16, digit: u8) -> FieldReading {
    let boxes = [Symbol::Filler, Symbol::Filler, Symbol::Digit(digit)].map(unsure);
    let decision = read_field(&boxes, MarkConvention::FILLERS, &POLICY);
    FieldReading {
        path,
        page,
        boxes,
        marks: decision.marks,
        value: decision.value,
        confidence: decision.confidence,
        needs_review: false,
        reasons: Vec::new(),
        alternatives: decision.alternatives,
        bbox: PixelRect {
            x: 0,
            y: 0,
            width: 0,
            height: 0,
        },
    }
}

/// A form of lists in five pages whose sums do not close.
fn council() -> FormReading {
    let mut form = FormReading::default();
    for page in 1..=5_u16 {
        form.pages.push(PageReading {
            page,
            layout: Some("lists".into()),
            ..PageReading::default()
        });
    }
    for nivelacion in [Nivelacion::Sufragantes, Nivelacion::Urna, Nivelacion::Incinerados] {
        form.fields.push(field(FieldPath::Nivelacion(nivelacion), 1, 9));
    }
    for list in 0..8_u16 {
        let code = ListCode(format!("{}", 100 + list));
        form.fields
            .push(field(FieldPath::SoloLista(code.clone()), 1 + list / 2, 1));
        for candidate in 1..=15 {
            form.fields.push(field(
                FieldPath::ListaCandidato(code.clone(), candidate),
                1 + list / 2,
                1,
            ));
        }
        form.fields.push(field(FieldPath::ListaTotal(code), 1 + list / 2, 9));
    }
    for path in [FieldPath::Blanco, FieldPath::Nulos, FieldPath::NoMarcados] {
        form.fields.push(field(path, 5, 2));
    }
    form
}

fn bench(c: &mut Criterion) {
    let boxes = [Symbol::Filler, Symbol::Digit(4), Symbol::Digit(8)].map(unsure);
    c.bench_function("read one field", |b| {
        b.iter(|| read_field(black_box(&boxes), MarkConvention::FILLERS, &POLICY));
    });
    let form = council();
    c.bench_function("check a form of 142 fields", |b| {
        b.iter(|| check_form(black_box(&form), &CheckContext::default()));
    });
    c.bench_function("search a suggestion on a form of 142 fields", |b| {
        b.iter(|| suggest(black_box(&form), 0.001))
    });
    if let Ok(antioquia) = "01".parse() {
        c.bench_function("find a municipality by name", |b| {
            b.iter(|| geography().best_municipality(antioquia, black_box("SANTA FE DE ANTI0QUIA")));
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
