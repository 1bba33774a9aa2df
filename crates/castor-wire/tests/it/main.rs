//! Events and readings there and back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod protocol;

use castor_domain::checks::{CheckCode, CheckContext, FieldRef, check_form};
use castor_domain::form::{Copia, Corporacion, FieldPath, ListCode, Nivelacion};
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::header::Source;
use castor_domain::reading::{FieldReading, FormReading, PageReading, PixelRect, PrintedName, ReviewReason};
use castor_domain::review::{Act, Event, EventId, Round};
use castor_domain::serial::PageOf;
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};
use castor_wire::event::{EventError, from_text, id, id_text, to_text};
use castor_wire::extraction::{Totals, as_reading, extraction, is_extraction};
use castor_wire::parse;
use castor_wire::payload::{PayloadContext, payload};
use castor_wire::write;
use proptest::prelude::*;
use serde_json::json;

const POLICY: ReviewPolicy = ReviewPolicy {
    threshold: 0.9,
    overwritten_threshold: 0.5,
    cross_threshold: 0.5,
};

const CONTEXT: PayloadContext<'_> = PayloadContext {
    sha256: "ab",
    extraction_id: "job",
    source: "acta.pdf",
    source_type: Some("WITNESS_UPLOAD"),
    object_uri: Some("/api/blobs/ab"),
    model: "m1",
    produced_at: "2026-05-31T20:00:00Z",
    processing_time_ms: Some(1_200),
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
    let only = PageOf { page: 1, pages: 1 };
    form.pages[0].page_of.add(Source::PrintedPageOf, only, 0.9, 1);
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
    let payload = payload(&form(&[waiting]), &CONTEXT);
    assert_eq!(
        payload["document_header_extracted"]["dept_code"],
        serde_json::Value::Null
    );
    assert_eq!(payload["ocr_fields"][0]["field_key"], "CANDIDATE_01");
    assert_eq!(
        payload["normalized_tallies"][0]["tallies"],
        json!([{ "subject_type": "CANDIDATE", "candidate_ordinal": 1, "votes": null }])
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
            (FieldPath::SoloLista(list(7)), digit(1), waits),
            (FieldPath::Blanco, digit(2), false),
            (FieldPath::NoMarcados, blank, false),
            (FieldPath::Nulos, digit(0), false),
        ]
    };
    let whole = extraction(&form(&cells(false)), &CONTEXT);
    assert_eq!(whole["total_computado"], 10);
    assert_eq!(whole["nivelacion"]["total_votos_incinerados"], serde_json::Value::Null);
    assert_eq!(whole["especiales"]["votos_en_blanco"], 2);
    assert_eq!(whole["especiales"]["votos_nulos"], 0);
    let without_nulos = extraction(&form(&cells(false)[..8]), &CONTEXT);
    assert_eq!(without_nulos["especiales"]["votos_nulos"], serde_json::Value::Null);
    assert_eq!(without_nulos["total_computado"], serde_json::Value::Null);
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
    // Rows wait for a person: neither they nor the sum are numbers.
    let waiting = extraction(&form(&cells(true)), &CONTEXT);
    assert_eq!(waiting["total_computado"], serde_json::Value::Null);
    assert_eq!(
        waiting["partidos"][0]["votos_candidatos"][1]["votes"],
        serde_json::Value::Null
    );
    assert_eq!(waiting["partidos"][0]["needs_review"], true);
}

#[test]
fn the_sum_of_all_votes_is_that_of_the_checks() {
    let digit = |d| [Symbol::Filler, Symbol::Filler, Symbol::Digit(d)];
    let cells = |waits: bool| {
        [
            (FieldPath::Nivelacion(Nivelacion::Sufragantes), digit(9), waits),
            (FieldPath::Nivelacion(Nivelacion::Urna), digit(9), waits),
            (FieldPath::Nivelacion(Nivelacion::Incinerados), digit(0), false),
            (FieldPath::SoloLista(list(11)), digit(4), false),
            // Its rows are 4 and 2, and not what was written for them together.
            (FieldPath::ListaCandidato(list(11), 51), digit(2), false),
            (FieldPath::ListaTotal(list(11)), digit(7), false),
            (FieldPath::Blanco, digit(1), false),
            (FieldPath::Nulos, digit(0), false),
            (FieldPath::NoMarcados, digit(0), false),
        ]
    };
    let read = form(&cells(false));
    let check = read.findings.iter().find(|f| f.code == CheckCode::Sum001).unwrap();
    let totals = Totals::of(&read);
    assert_eq!(totals.computado, Some(8));
    assert_eq!(totals.computado, check.numbers.map(|numbers| numbers.found));
    assert_eq!(extraction(&read, &CONTEXT)["total_computado"], 8);
    assert_eq!(totals.delta(), Some(1));
    // The sum is known without the urn; what waits for a person is no number yet.
    let totals = Totals::of(&form(&cells(true)));
    assert_eq!(
        (totals.sufragantes, totals.urna, totals.computado),
        (None, None, Some(8))
    );
    assert_eq!(totals.delta(), None);
}

#[test]
fn each_vote_stands_once_in_the_tallies() {
    let digit = |d| [Symbol::Filler, Symbol::Filler, Symbol::Digit(d)];
    let without_lists = form(&[
        (FieldPath::Nivelacion(Nivelacion::Urna), digit(9), false),
        (FieldPath::Candidato(1), digit(3), false),
        (FieldPath::Candidato(2), digit(4), false),
        (FieldPath::Blanco, digit(1), false),
        (FieldPath::Nulos, digit(1), false),
        (FieldPath::NoMarcados, digit(0), false),
        (FieldPath::Total, digit(9), false),
    ]);
    let tally = |kind: &str, candidate: Option<u8>, votes: u8| json!({ "subject_type": kind, "candidate_ordinal": candidate, "votes": votes });
    let candidates = [tally("CANDIDATE", Some(1), 3), tally("CANDIDATE", Some(2), 4)];
    let specials = [
        tally("BLANK", None, 1),
        tally("NULL", None, 1),
        tally("UNMARKED", None, 0),
    ];
    assert_eq!(
        payload(&without_lists, &CONTEXT)["normalized_tallies"],
        json!([
            { "political_group_code": null, "tallies": candidates, "party_total": null },
            { "specials": specials },
        ])
    );
    // A list of two circunscripciones has two totals.
    let twice = form(&[
        (FieldPath::SoloLista(list(11)), digit(4), false),
        (FieldPath::ListaTotal(list(11)), digit(4), false),
        (FieldPath::SoloLista(list(11)), digit(2), false),
        (FieldPath::ListaTotal(list(11)), digit(2), false),
    ]);
    let tallies = payload(&twice, &CONTEXT)["normalized_tallies"].clone();
    let totals = [0, 1].map(|n| {
        (
            tallies[n]["political_group_code"].clone(),
            tallies[n]["party_total"].clone(),
        )
    });
    assert_eq!(totals, [(json!("0011"), json!(4)), (json!("0011"), json!(2))]);
}

#[test]
fn validations_have_the_originals_names_beside_ours() {
    let payload = payload(&lists(), &CONTEXT);
    let validations = payload["validations"].as_array().unwrap();
    let aliases = |key: &str| {
        let mut of_key = validations.iter().filter(|one| one["rule_key"] == key);
        of_key.next().unwrap()["aliases"].clone()
    };
    assert_eq!(
        aliases("NIV_001"),
        json!(["NIVELACION_SUFRAGANTES_VS_URNA", "E11_EQUALS_URNA"])
    );
    assert_eq!(aliases("SUM_002"), json!(["PARTY_0011"]));
    assert_eq!(aliases("NIV_002"), json!([]));
}

#[test]
fn candidates_without_lists_have_no_partys_code() {
    let cells = [1, 2].map(|n| {
        let marks = [Symbol::Filler, Symbol::Filler, Symbol::Digit(5)];
        (FieldPath::Candidato(n), marks, false)
    });
    let whole = extraction(&form(&cells), &CONTEXT);
    assert_eq!(whole["partidos"].as_array().unwrap().len(), 1);
    assert_eq!(whole["partidos"][0]["party_code"], serde_json::Value::Null);
    assert_eq!(whole["partidos"][0]["votos_candidatos"][1]["candidate_number"], 2);
}

/// A form of two lists and its special votes, with what else the reader may know of it.
fn lists() -> FormReading {
    let digit = |d| [Symbol::Filler, Symbol::Filler, Symbol::Digit(d)];
    let mut lists = form(&[
        (FieldPath::Nivelacion(Nivelacion::Urna), digit(9), false),
        (FieldPath::SoloLista(list(11)), digit(4), false),
        (FieldPath::ListaCandidato(list(11), 51), digit(2), true),
        (FieldPath::ListaTotal(list(11)), digit(6), false),
        (FieldPath::SoloLista(list(7)), digit(1), false),
        (FieldPath::Nulos, digit(2), false),
    ]);
    lists.signatures = Some(6);
    lists.recount = Some(false);
    lists.names = vec![PrintedName {
        path: FieldPath::SoloLista(list(11)),
        page: 1,
        text: "LISTA ONCE".to_owned(),
        confidence: 0.9,
    }];
    lists
}

/// Keys of an object, in their order.
fn keys(value: &serde_json::Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_payload_has_every_key_of_the_original() {
    let payload = payload(&lists(), &CONTEXT);
    for (part, due) in [
        (
            "pipeline_context",
            "ruleset_version target_process template_family template_version",
        ),
        (
            "input_document",
            "copy_type form_type object_uri pages sha256 source_file source_type total_pages",
        ),
        (
            "db_write_plan",
            "alert_rows form_instance leveling ocr_field pages validation_result vote_tally",
        ),
    ] {
        let mut keys = keys(&payload[part]);
        keys.sort_unstable();
        assert_eq!(keys.join(" "), due, "{part}");
    }
    let meta = keys(&payload["meta"]);
    for key in [
        "extraction_id",
        "model_version",
        "processing_time_ms",
        "overall_confidence",
        "fields_needing_review",
        "notes",
        "qr_parsed",
        "qr_polling_table_id",
        "qr_ocr_mismatches",
        "review_items",
    ] {
        assert!(meta.contains(&key), "{key}");
    }
    let page = &payload["input_document"]["pages"][0];
    for key in ["page_image_uri", "page_sha256", "political_group_code", "description"] {
        assert!(keys(page).contains(&key), "{key}");
    }
    assert_eq!(page["political_group_code"], "HEADER");
    let fields = payload["ocr_fields"].as_array().unwrap();
    let named: Vec<&str> = fields
        .iter()
        .map(|field| field["field_key"].as_str().unwrap())
        .collect();
    let rows =
        "TOTAL_VOTOS_URNA LIST_HEADER LIST_ONLY_VOTES CANDIDATE_51 LIST_TOTAL LIST_HEADER LIST_ONLY_VOTES VOTOS_NULOS";
    let signed =
        "HUBO_RECUENTO FIRMA_JURADO_1 FIRMA_JURADO_2 FIRMA_JURADO_3 FIRMA_JURADO_4 FIRMA_JURADO_5 FIRMA_JURADO_6";
    assert_eq!(named.join(" "), format!("{rows} {signed}"));
    for field in fields {
        assert_eq!(keys(field), keys(&fields[0]), "{field}");
    }
    let head = &fields[1];
    assert_eq!(
        (
            &head["political_group_code"],
            &head["political_group_name"],
            &head["list_type"]
        ),
        (&json!("0011"), &json!("LISTA ONCE"), &json!("CON_VOTO_PREFERENTE"))
    );
    assert_eq!(
        (&fields[5]["political_group_name"], &fields[5]["list_type"]),
        (&json!(null), &json!("SIN_VOTO_PREFERENTE"))
    );
    assert_eq!(fields[9]["value_bool"], true, "all six signed");
    assert_eq!(
        payload["db_write_plan"]["alert_rows"][0]["evidence"]["field_key"],
        "CANDIDATE_51"
    );
    assert_eq!(payload["db_write_plan"]["ocr_field"]["rows"], fields.len());
    assert_eq!(payload["meta"]["processing_time_ms"], 1_200);
}

#[test]
fn who_signed_is_said_only_where_all_or_none_did() {
    for (signatures, due) in [
        (Some(6), json!(true)),
        (Some(0), json!(false)),
        (Some(3), json!(null)),
        (None, json!(null)),
    ] {
        let form = FormReading { signatures, ..lists() };
        let payload = payload(&form, &CONTEXT);
        let fields = payload["ocr_fields"].as_array().unwrap().iter();
        let signed: Vec<_> = fields
            .filter(|field| field["field_key"].as_str().unwrap().starts_with("FIRMA_JURADO_"))
            .map(|field| field["value_bool"].clone())
            .collect();
        assert_eq!(signed, vec![due; 6], "{signatures:?}");
    }
}

#[test]
fn an_extraction_is_taken_back_as_the_reading_that_it_means() {
    let given = extraction(&lists(), &CONTEXT);
    assert!(is_extraction(&given));
    assert!(!is_extraction(&serde_json::Value::Object(write::reading(&lists()))));
    let back = parse::reading(&as_reading(&given).to_string()).unwrap();
    let again = extraction(&back, &CONTEXT);
    // Whether every page was read is no part of the contract, and so the sum is not known any more.
    for part in ["nivelacion", "especiales"] {
        assert_eq!(again[part], given[part], "{part}");
    }
    let votes = |extraction: &serde_json::Value| {
        let parties = extraction["partidos"].as_array().unwrap().iter();
        let of = |party: &serde_json::Value| {
            ["party_code", "votos_agrupacion", "total_votos", "needs_review"].map(|key| party[key].clone())
        };
        parties.map(of).collect::<Vec<_>>()
    };
    assert_eq!(votes(&again), votes(&given));
    assert_eq!(
        again["partidos"][0]["votos_candidatos"],
        given["partidos"][0]["votos_candidatos"]
    );
    // What cannot be on a form is said, as of any reading.
    for (path, wrong) in [("total_votos_urna", json!(1_000)), ("total_votos_urna", json!("9"))] {
        let mut given = given.clone();
        given["nivelacion"][path] = wrong.clone();
        assert!(parse::reading(&as_reading(&given).to_string()).is_err(), "{wrong}");
    }
}
