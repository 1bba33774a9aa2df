//! Events and readings there and back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod protocol;

use castor_domain::checks::{CheckContext, FieldRef, check_form};
use castor_domain::form::{Copia, Corporacion, FieldPath, ListCode, Nivelacion};
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::header::Source;
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, ReviewReason};
use castor_domain::review::{Act, Event, EventId, Round};
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};
use castor_wire::event::{EventError, from_text, id, id_text, to_text};
use castor_wire::extraction::extraction;
use castor_wire::payload::{PayloadContext, payload};
use proptest::prelude::*;
use serde_json::json;

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

fn symbol() -> impl Strategy<Value = Symbol> {
    prop_oneof![
        (0u8..10).prop_map(Symbol::Digit),
        Just(Symbol::Filler),
        Just(Symbol::Blank)
    ]
}

fn list(code: u16) -> ListCode {
    match ListCode::new(&code.to_string()) {
        Ok(list) => list,
        Err(error) => panic!("{error}"),
    }
}

fn path() -> impl Strategy<Value = FieldPath> {
    prop_oneof![
        (1u16..40).prop_map(FieldPath::Candidato),
        (1u16..9999).prop_map(|n| FieldPath::ListaTotal(list(n))),
        (1u16..9999, 1u16..130).prop_map(|(l, n)| FieldPath::ListaCandidato(list(l), n)),
        Just(FieldPath::Blanco),
        Just(FieldPath::Total),
    ]
}

fn form(cells: &[(FieldPath, [Symbol; 3], bool)]) -> FormReading {
    let mut form = FormReading::default();
    form.header
        .corporacion
        .add(Source::PrintedText, Corporacion::Concejo, 0.9, 1);
    form.header.copia.add(Source::PrintedText, Copia::Delegados, 0.8, 1);
    form.pages.push(PageReading {
        page: 1,
        size: (1700, 5000),
        registration: 0.9,
        layout: Some("lists-2023".to_owned()),
        ..PageReading::default()
    });
    for (path, marks, waits) in cells {
        let boxes = marks.map(sure);
        let decision = read_field(&boxes, MarkConvention::FILLERS, &POLICY);
        form.fields.push(FieldReading {
            path: path.clone(),
            page: 1,
            boxes,
            marks: decision.marks,
            value: decision.value,
            confidence: 0.75,
            needs_review: *waits,
            reasons: if *waits {
                vec![ReviewReason::LowConfidence]
            } else {
                Vec::new()
            },
            alternatives: vec![(Some(7), 0.25)],
            bbox: PixelRect {
                x: 1,
                y: 2,
                width: 30,
                height: 10,
            },
        });
    }
    form.findings = check_form(&form, &CheckContext::default());
    form
}

fn cells() -> impl Strategy<Value = Vec<(FieldPath, [Symbol; 3], bool)>> {
    prop::collection::vec((path(), [symbol(), symbol(), symbol()], any::<bool>()), 0..12)
}

proptest! {
    #[test]
    fn an_event_comes_back_as_it_was_written(
        cells in cells(), path in path(), marks in [symbol(), symbol(), symbol()], reason in ".{0,40}", n in any::<u128>()
    ) {
        let field = FieldRef { page: 1, path };
        let events = [
            Event::Imported { name: reason.clone(), demo: true },
            Event::Unreadable { code: "INP_003".to_owned(), message: reason.clone() },
            Event::Read { reading: Box::new(form(&cells)), model: "m1".to_owned() },
            Event::Act(Act::Cell { field: field.clone(), marks, round: Round::Second }),
            Event::Probe { field, marks },
            Event::Act(Act::Escalate(reason.clone())),
            Event::Act(Act::Return(reason.clone())),
            Event::Act(Act::Reopen(reason.clone())),
            Event::Act(Act::Reject(reason)),
            Event::Act(Act::AskSecond),
            Event::Act(Act::Complete),
            Event::Undone(EventId(n)),
            Event::Redone(EventId(n)),
        ];
        for event in events {
            let text = to_text(&event).unwrap();
            prop_assert_eq!(&from_text(&text).unwrap(), &event);
        }
        prop_assert_eq!(id(&id_text(EventId(n))).unwrap(), EventId(n));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = from_text(&text);
        let _ = id(&text);
    }
}

#[test]
fn a_text_that_is_no_event_is_refused() {
    assert!(matches!(from_text("{}"), Err(EventError::Shape(_))));
    let cell = r#"{"kind":"cell","page":1,"path":"candidato.1","marks":["x","1","2"],"round":"FIRST"}"#;
    assert!(matches!(from_text(cell), Err(EventError::Word(word)) if word == "x"));
    let nowhere = r#"{"kind":"cell","page":1,"path":"nada","marks":["","1","2"],"round":"FIRST"}"#;
    assert!(matches!(from_text(nowhere), Err(EventError::Path(_))));
}

#[test]
fn events_of_second_readings_are_written_as_they_always_were() {
    let field = FieldRef {
        page: 2,
        path: FieldPath::Candidato(1),
    };
    let marks = [Symbol::Filler, Symbol::Blank, Symbol::Digit(7)];
    let written = [
        (
            Event::Probe {
                field: field.clone(),
                marks,
            },
            r#"{"kind":"probe","page":2,"path":"candidato.1","marks":["*","","7"]}"#,
        ),
        (
            Event::Act(Act::Cell {
                field,
                marks,
                round: Round::Adjudication,
            }),
            r#"{"kind":"cell","page":2,"path":"candidato.1","marks":["*","","7"],"round":"ADJUDICATION"}"#,
        ),
        (Event::Act(Act::AskSecond), r#"{"kind":"second_asked"}"#),
    ];
    for (event, text) in written {
        assert_eq!(to_text(&event).unwrap(), text);
        assert_eq!(from_text(text).unwrap(), event);
    }
}

#[test]
fn the_payload_makes_nothing_up() {
    let waiting = (
        FieldPath::Candidato(1),
        [Symbol::Blank, Symbol::Digit(4), Symbol::Digit(8)],
        true,
    );
    let context = PayloadContext {
        sha256: "ab",
        source: "acta.pdf",
        model: "m1",
        produced_at: "2026-05-31T20:00:00Z",
    };
    let payload = payload(&form(&[waiting]), &context);
    assert_eq!(
        payload["document_header_extracted"]["dept_code"],
        serde_json::Value::Null
    );
    assert_eq!(payload["ocr_fields"][0]["field_key"], "CANDIDATE_01");
    assert_eq!(
        payload["normalized_tallies"][0]["specials"][0]["votes"],
        serde_json::Value::Null
    );
    assert_eq!(payload["pipeline_context"]["target_process"]["contest_type"], "COUNCIL");
}

#[test]
fn the_extraction_has_lists_with_their_rows_and_sums_nothing_that_is_unread() {
    let digit = |d| [Symbol::Filler, Symbol::Filler, Symbol::Digit(d)];
    let blank = [Symbol::Blank; 3];
    let cells = |waits: bool| {
        [
            (FieldPath::Nivelacion(Nivelacion::Incinerados), blank, false),
            (FieldPath::SoloLista(list(11)), digit(4), false),
            (FieldPath::ListaCandidato(list(11), 51), blank, false),
            (FieldPath::ListaCandidato(list(11), 52), digit(3), waits),
            (FieldPath::ListaTotal(list(11)), digit(7), false),
            (FieldPath::SoloLista(list(7)), digit(1), false),
            (FieldPath::Blanco, digit(2), false),
        ]
    };
    let context = PayloadContext {
        sha256: "ab",
        source: "acta.pdf",
        model: "m1",
        produced_at: "2026-05-31T20:00:00Z",
    };
    let whole = extraction(&form(&cells(false)), &context);
    assert_eq!(whole["total_computado"], 10);
    assert_eq!(whole["nivelacion"]["total_votos_incinerados"], serde_json::Value::Null);
    assert_eq!(whole["especiales"]["votos_en_blanco"], 2);
    assert_eq!(whole["especiales"]["votos_nulos"], serde_json::Value::Null);
    let [first, second] = &whole["partidos"].as_array().unwrap()[..] else {
        panic!("{whole}")
    };
    assert_eq!(
        (
            &first["party_code"],
            &first["list_type"],
            &first["votos_agrupacion"],
            &first["total_votos"]
        ),
        (&json!("0011"), &json!("CON_VOTO_PREFERENTE"), &json!(4), &json!(7))
    );
    let votes: Vec<_> = first["votos_candidatos"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["candidate_number"].clone(), c["votes"].clone()))
        .collect();
    assert_eq!(votes, [(json!(51), json!(0)), (json!(52), json!(3))]);
    assert_eq!(
        (&second["party_code"], &second["list_type"]),
        (&json!("0007"), &json!("SIN_VOTO_PREFERENTE"))
    );
    // One row waits for a person: neither it nor the sum is a number.
    let waiting = extraction(&form(&cells(true)), &context);
    assert_eq!(waiting["total_computado"], serde_json::Value::Null);
    assert_eq!(
        waiting["partidos"][0]["votos_candidatos"][1]["votes"],
        serde_json::Value::Null
    );
    assert_eq!(waiting["partidos"][0]["needs_review"], true);
}

#[test]
fn candidates_without_lists_have_no_partys_code() {
    let cells = [1, 2].map(|n| {
        let marks = [Symbol::Filler, Symbol::Filler, Symbol::Digit(5)];
        (FieldPath::Candidato(n), marks, false)
    });
    let context = PayloadContext {
        sha256: "ab",
        source: "acta.pdf",
        model: "m1",
        produced_at: "2026-05-31T20:00:00Z",
    };
    let whole = extraction(&form(&cells), &context);
    assert_eq!(whole["partidos"].as_array().unwrap().len(), 1);
    assert_eq!(whole["partidos"][0]["party_code"], serde_json::Value::Null);
    assert_eq!(whole["partidos"][0]["votos_candidatos"][1]["candidate_number"], 2);
}
