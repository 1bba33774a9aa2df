//! Boxes and policies that the tests share.

use castor_domain::checks::{CheckCode, CheckContext, Finding, check_form};
use castor_domain::form::Corporacion;
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::header::Source;
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, ReviewReason};
use castor_domain::serial::PageOf;
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};

/// Thresholds as a model's card states them; the values matter to no test.
pub(crate) const POLICY: ReviewPolicy = ReviewPolicy {
    threshold: 0.9,
    overwritten_threshold: 0.5,
    cross_threshold: 0.5,
};

/// A box in which the given symbols have the given probabilities.
pub(crate) fn seen(symbols: &[(Symbol, f32)]) -> BoxReading {
    let mut probabilities = [0.0; SYMBOL_CLASSES];
    for (symbol, p) in symbols {
        probabilities[symbol.class()] += p;
    }
    BoxReading {
        probabilities,
        cross: 0.0,
        overwritten: 0.0,
    }
}

/// A box that is surely one symbol.
pub(crate) fn sure(symbol: Symbol) -> BoxReading {
    seen(&[(symbol, 1.0)])
}

/// The symbol of one character: a digit, `*` filler, `_` blank.
pub(crate) fn symbol(c: char) -> Symbol {
    match c {
        '*' => Symbol::Filler,
        '_' => Symbol::Blank,
        d => Symbol::Digit(u8::try_from(d.to_digit(10).unwrap()).unwrap()),
    }
}

/// Three symbols of three characters.
pub(crate) fn marks(text: &str) -> [Symbol; 3] {
    let symbols: Vec<Symbol> = text.chars().map(symbol).collect();
    symbols.try_into().unwrap()
}

/// A field whose boxes are surely these marks; a leading `?` sends it to a person.
pub(crate) fn field(page: u16, path: &str, text: &str) -> FieldReading {
    let (waits, text) = text.strip_prefix('?').map_or((false, text), |rest| (true, rest));
    let decision = read_field(&marks(text).map(sure), MarkConvention::FILLERS, &POLICY);
    FieldReading {
        path: path.parse().unwrap(),
        page,
        boxes: marks(text).map(sure),
        marks: decision.marks,
        value: decision.value,
        confidence: decision.confidence,
        needs_review: waits,
        reasons: if waits {
            vec![ReviewReason::LowConfidence]
        } else {
            Vec::new()
        },
        alternatives: Vec::new(),
        bbox: PixelRect {
            x: 0,
            y: 0,
            width: 0,
            height: 0,
        },
    }
}

/// A whole form of the given pages, each a list of path and marks.
pub(crate) fn form(corporacion: Corporacion, pages: &[&[(&str, &str)]]) -> FormReading {
    let total = u16::try_from(pages.len()).unwrap();
    let mut form = FormReading::default();
    form.header.corporacion.add(Source::PrintedText, corporacion, 0.99, 1);
    form.header.pages.add(Source::PrintedPageOf, total, 0.99, 1);
    for (page, fields) in (1..).zip(pages) {
        let mut reading = PageReading {
            page,
            registration: 1.0,
            layout: Some("drawn".into()),
            ..PageReading::default()
        };
        reading
            .page_of
            .add(Source::PrintedPageOf, PageOf { page, pages: total }, 0.99, page);
        form.pages.push(reading);
        form.fields
            .extend(fields.iter().map(|(path, marks)| field(page, path, marks)));
    }
    form
}

/// A form with two candidates that closes: 96 voters, 96 ballots, 48 + 34 + 3 + 1 + 10.
pub(crate) const CLOSED: [(&str, &str); 9] = [
    ("nivelacion.sufragantes", "*96"),
    ("nivelacion.urna", "*96"),
    ("nivelacion.incinerados", "___"),
    ("candidato.1", "*48"),
    ("candidato.2", "*34"),
    ("blanco", "**3"),
    ("nulos", "**1"),
    ("no_marcados", "*10"),
    ("total", "*96"),
];

/// [`CLOSED`] with some fields written otherwise, as a form of one page.
pub(crate) fn closed_but(changes: &[(&str, &str)]) -> FormReading {
    let fields: Vec<(&str, &str)> = CLOSED
        .into_iter()
        .map(|(path, marks)| {
            changes
                .iter()
                .find(|(p, _)| *p == path)
                .copied()
                .unwrap_or((path, marks))
        })
        .collect();
    form(Corporacion::Presidente, &[&fields])
}

/// The field of a form.
pub(crate) fn at<'f>(form: &'f mut FormReading, path: &str) -> &'f mut FieldReading {
    form.fields.iter_mut().find(|f| f.path.to_string() == path).unwrap()
}

/// Findings of one check, without outside knowledge.
pub(crate) fn outcomes(form: &FormReading, code: CheckCode) -> Vec<Finding> {
    outcomes_with(form, code, &CheckContext::default())
}

/// Findings of one check.
pub(crate) fn outcomes_with(form: &FormReading, code: CheckCode, context: &CheckContext<'_>) -> Vec<Finding> {
    check_form(form, context)
        .into_iter()
        .filter(|f| f.code == code)
        .collect()
}

/// The one finding of a check.
pub(crate) fn outcome(form: &FormReading, code: CheckCode) -> Finding {
    let mut found = outcomes(form, code);
    assert_eq!(found.len(), 1, "{code}: {found:?}");
    found.remove(0)
}
