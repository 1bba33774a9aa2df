//! `castor e14 check`: the checks alone, from the readings as written.

use crate::command::{castor, drawn};
use castor_testkit::form::Family;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("readings.jsonl");
    fs::write(&path, text).unwrap();
    path
}

/// The answers of `castor e14 check` to a file of this content.
fn checked(text: &str) -> (Option<i32>, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), text);
    let run = castor(["e14", "check", file.to_str().unwrap()]);
    (run.code, run.json())
}

#[test]
fn checking_what_was_read_finds_what_reading_found() {
    let folder = tempfile::tempdir().unwrap();
    let forms = [
        drawn(folder.path(), Family::PrimeraVuelta2026, 1),
        drawn(folder.path(), Family::Cmj2025, 2),
        drawn(folder.path(), Family::Lists2023, 3),
    ];
    let mut arguments = vec!["e14".to_owned(), "read".to_owned()];
    arguments.extend(forms.iter().map(|p| p.display().to_string()));
    let read = castor(&arguments);
    assert_eq!(read.code, Some(0), "{}", read.err);
    let readings = read.json();
    let (code, answers) = checked(&read.out);
    assert_eq!((code, answers.len()), (Some(0), forms.len()));
    for (reading, answer) in readings.iter().zip(&answers) {
        assert!(
            !reading["fields"].as_array().unwrap().is_empty(),
            "{}",
            reading["source"]
        );
        assert_eq!(reading["source"], answer["source"]);
        assert_eq!(reading["findings"], answer["findings"], "{}", reading["source"]);
    }
}

/// A reading of one page as another program may write it: no more than the reading contract asks.
fn reading(fields: &[(&str, [&str; 3], Option<u16>)]) -> Value {
    json!({
        "source": "acta.pdf",
        "header": { "corporacion": "PRESIDENTE", "copia": "DELEGADOS", "paginas": "1" },
        "fields": fields.iter().map(|(path, marks, value)| json!({
            "path": path, "page": 1, "marks": marks, "value": value, "confidence": 0.999, "needs_review": false,
        })).collect::<Vec<_>>(),
        "pages": [{
            "page": 1, "layout": "drawn", "needs_review": false,
            "readings": { "page_of": [{ "source": "printed_page_of", "value": "1/1", "confidence": 0.99, "page": 1 }] },
        }],
    })
}

const CLOSED: [(&str, [&str; 3], Option<u16>); 8] = [
    ("nivelacion.sufragantes", ["*", "9", "6"], Some(96)),
    ("nivelacion.urna", ["*", "9", "6"], Some(96)),
    ("nivelacion.incinerados", ["*", "*", "*"], Some(0)),
    ("candidato.1", ["*", "4", "8"], Some(48)),
    ("candidato.2", ["*", "4", "5"], Some(45)),
    ("blanco", ["*", "*", "3"], Some(3)),
    ("nulos", ["", "", ""], None),
    ("no_marcados", ["", "", ""], None),
];

fn outcome_of(answer: &Value, code: &str) -> String {
    let findings = answer["findings"].as_array().unwrap();
    let finding = findings.iter().find(|f| f["code"] == code).unwrap();
    finding["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn a_corrected_value_is_checked_anew() {
    let (_, right) = checked(&reading(&CLOSED).to_string());
    assert_eq!(outcome_of(&right[0], "SUM_001"), "pass");
    let mut wrong = CLOSED;
    wrong[3] = ("candidato.1", ["*", "4", "3"], Some(43));
    let (code, wrong) = checked(&reading(&wrong).to_string());
    assert_eq!((code, outcome_of(&wrong[0], "SUM_001").as_str()), (Some(0), "fail"));
}

#[test]
fn an_unread_value_is_never_zero() {
    let mut unread = CLOSED;
    unread[3] = ("candidato.1", ["*", "4", "8"], None);
    let (_, answers) = checked(&reading(&unread).to_string());
    assert_eq!(outcome_of(&answers[0], "SUM_001"), "not_evaluable");
    let mut waiting = reading(&CLOSED);
    waiting["fields"][3]["needs_review"] = json!(true);
    let (_, answers) = checked(&waiting.to_string());
    assert_eq!(outcome_of(&answers[0], "SUM_001"), "not_evaluable");
}

#[test]
fn a_list_whose_code_was_not_read_is_taken_as_it_was_written() {
    let mut lists = CLOSED;
    lists[3].0 = "lista.ilegible-3.solo_lista";
    let (code, answers) = checked(&reading(&lists).to_string());
    assert_eq!(code, Some(0), "{}", answers[0]);
}

#[test]
fn a_table_tells_every_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = CLOSED;
    wrong[3] = ("candidato.1", ["*", "4", "3"], Some(43));
    let file = written(folder.path(), &serde_json::to_string_pretty(&reading(&wrong)).unwrap());
    let run = castor(["e14", "check", "--table", file.to_str().unwrap()]);
    assert!(run.out.starts_with("acta.pdf\n"), "{}", run.out);
    for line in [
        "  NIV_001 cumple",
        "  SUM_001 MEDIUM esperado 96 hallado 91",
        "  FRM_001 no evaluable: signatures",
    ] {
        assert!(run.out.lines().any(|l| l == line), "{line}\n{}", run.out);
    }
}

#[test]
fn a_form_that_was_not_read_keeps_its_error() {
    let failure = json!({
        "source": "foto.jpg", "error": { "code": "INP_002", "message": "INP_002 foto.jpg: the file is empty" },
        "header": {}, "fields": [], "pages": [],
    });
    let (code, answers) = checked(&format!("{failure}\n{}\n", reading(&CLOSED)));
    assert_eq!((code, answers.len()), (Some(2), 2));
    assert_eq!(answers[0]["error"], failure["error"]);
    assert_eq!(outcome_of(&answers[1], "SUM_001"), "pass");
}

#[test]
fn what_is_no_reading_is_refused_on_one_line() {
    let changed = |change: fn(&mut Value)| {
        let mut value = reading(&CLOSED);
        change(&mut value);
        value.to_string()
    };
    let good = reading(&CLOSED).to_string();
    for (code, text) in [
        ("RDG_002", "%PDF-1.4\n".to_owned()),
        ("RDG_002", good[..good.len() / 2].to_owned()),
        ("RDG_003", "[]".to_owned()),
        ("RDG_003", "{}".to_owned()),
        ("RDG_003", "17 18".to_owned()),
        ("RDG_003", changed(|v| v["fields"][0]["value"] = json!("96"))),
        ("RDG_003", changed(|v| v["fields"][0]["value"] = json!(-1))),
        ("RDG_003", changed(|v| v["recount"] = json!("QUIZA"))),
        ("RDG_004", changed(|v| v["fields"][0]["value"] = json!(1000))),
        ("RDG_004", changed(|v| v["fields"][0]["marks"][0] = json!("x"))),
        ("RDG_004", changed(|v| v["fields"][0]["path"] = json!("candidatos"))),
        ("RDG_004", changed(|v| v["fields"][0]["page"] = json!(2))),
        ("RDG_004", changed(|v| v["header"]["corporacion"] = json!("SENADOR"))),
        ("RDG_004", changed(|v| v["pages"][0]["serial"] = json!("12"))),
        ("RDG_005", String::new()),
    ] {
        let (exit, answers) = checked(&text);
        assert_eq!((exit, answers.len()), (Some(2), 1), "{text}");
        assert_eq!(answers[0]["error"]["code"], code, "{text}: {}", answers[0]);
        let message = answers[0]["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(code) && !message.contains('\n'), "{message}");
    }
    let run = castor(["e14", "check", "/no/such/readings.jsonl"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(run.json()[0]["error"]["code"], "RDG_001");
}

#[test]
fn readings_before_a_damaged_line_are_checked() {
    let good = reading(&CLOSED).to_string();
    let (code, answers) = checked(&format!("{good}\n{good}\n{{\n"));
    assert_eq!((code, answers.len()), (Some(2), 3));
    assert_eq!(outcome_of(&answers[1], "SUM_001"), "pass");
    assert_eq!(answers[2]["error"]["code"], "RDG_002");
}
