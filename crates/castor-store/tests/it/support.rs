//! Forms and events that the tests share.

use castor_domain::checks::FieldRef;
use castor_domain::form::{Copia, Corporacion, FieldPath};
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::header::Source;
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, ReviewReason};
use castor_domain::review::{Act, Event, EventId, Moment, Round};
use castor_domain::serial::PageOf;
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};
use castor_store::NewEvent;

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

fn form() -> FormReading {
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

pub(crate) fn event(id: u128, event: Event) -> NewEvent {
    NewEvent {
        id: EventId(id),
        at: Moment(i64::try_from(id).unwrap()),
        by: "ana".to_owned(),
        event,
    }
}

pub(crate) fn begun(id: u128) -> Vec<NewEvent> {
    begun_with(id, form())
}

/// A form that says of itself that it is this page of one table's copy.
pub(crate) fn placed(id: u128, page: u16) -> Vec<NewEvent> {
    let mut form = form();
    let header = &mut form.header;
    header
        .departamento
        .add(Source::PrintedText, "01".parse().unwrap(), 0.99, 1);
    header
        .municipio
        .add(Source::PrintedText, "280".parse().unwrap(), 0.99, 1);
    header.zona.add(Source::PrintedText, "03".parse().unwrap(), 0.99, 1);
    header.puesto.add(Source::PrintedText, "01".parse().unwrap(), 0.99, 1);
    header.mesa.add(Source::PrintedText, "001".parse().unwrap(), 0.99, 1);
    header.copia.add(Source::PrintedText, Copia::Claveros, 0.99, 1);
    form.pages[0]
        .page_of
        .add(Source::PrintedText, PageOf { page, pages: 2 }, 0.99, 1);
    begun_with(id, form)
}

fn begun_with(id: u128, form: FormReading) -> Vec<NewEvent> {
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

pub(crate) fn says(id: u128, candidate: u16, digit: u8) -> NewEvent {
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
