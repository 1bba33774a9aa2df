//! Forms and events of a review, for the tests of everything that handles them.

use castor_domain::checks::FieldRef;
use castor_domain::form::{Corporacion, FieldPath};
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::header::Source;
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, ReviewReason};
use castor_domain::review::{Act, Event, EventId, Moment, Recorded, Round};
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};

const POLICY: ReviewPolicy = ReviewPolicy {
    threshold: 0.9,
    overwritten_threshold: 0.5,
    cross_threshold: 0.5,
};

fn sure(symbol: Symbol) -> BoxReading {
    let mut probabilities = [0.0; SYMBOL_CLASSES];
    probabilities[symbol.class()] = 1.0;
    BoxReading {
        probabilities,
        cross: 0.0,
        overwritten: 0.0,
    }
}

fn field(path: FieldPath, digit: u8, waits: bool) -> FieldReading {
    let boxes = [Symbol::Blank, Symbol::Blank, Symbol::Digit(digit)].map(sure);
    let decision = read_field(&boxes, MarkConvention::FILLERS, &POLICY);
    FieldReading {
        path,
        page: 1,
        boxes,
        marks: decision.marks,
        value: decision.value,
        confidence: if waits { 0.6 } else { 0.999 },
        needs_review: waits,
        reasons: if waits {
            vec![ReviewReason::LowConfidence]
        } else {
            Vec::new()
        },
        alternatives: Vec::new(),
        bbox: PixelRect {
            x: 10,
            y: 20,
            width: 90,
            height: 30,
        },
    }
}

/// What the machine read of it.
#[must_use]
pub fn form() -> FormReading {
    let mut form = FormReading::default();
    form.header
        .corporacion
        .add(Source::PrintedText, Corporacion::Alcalde, 0.99, 1);
    form.pages.push(PageReading {
        page: 1,
        registration: 1.0,
        layout: Some("drawn".to_owned()),
        ..PageReading::default()
    });
    form.fields = (1..=4).map(|n| field(FieldPath::Candidato(n), 3, n <= 2)).collect();
    form
}

/// An event of one person, at the moment of its number.
#[must_use]
pub fn event(id: u128, event: Event) -> Recorded {
    Recorded {
        id: EventId(id),
        at: Moment(i64::try_from(id).unwrap_or(i64::MAX)),
        by: "ana".to_owned(),
        event,
    }
}

/// A form of four candidates that was taken in and read; the cells of the first two wait for a person.
#[must_use]
pub fn begun(id: u128) -> Vec<Recorded> {
    begun_with(id, form())
}

/// The same for a form with such a reading.
#[must_use]
pub fn begun_with(id: u128, form: FormReading) -> Vec<Recorded> {
    let imported = Event::Imported {
        name: "acta.pdf".to_owned(),
        demo: false,
    };
    let read = Event::Read {
        reading: Box::new(form),
        model: "m1".to_owned(),
    };
    vec![event(id, imported), event(id + 1, read)]
}

/// What a person says of a candidate's cell: one digit.
#[must_use]
pub fn says(id: u128, candidate: u16, digit: u8) -> Recorded {
    event(
        id,
        Event::Act(Act::Cell {
            field: FieldRef {
                page: 1,
                path: FieldPath::Candidato(candidate),
            },
            marks: [Symbol::Blank, Symbol::Blank, Symbol::Digit(digit)],
            round: Round::First,
        }),
    )
}
