//! `castor model …` on drawn forms: their truth is written in the notation of a corpus.

use crate::command::{castor, drawn};
use castor_domain::symbol::Symbol;
use castor_learn::sample::read_samples;
use castor_testkit::form::Family;
use std::fs;

#[test]
fn the_cells_of_a_corpus_are_cut_and_labelled_by_its_truth() {
    let folder = tempfile::tempdir().unwrap();
    drawn(folder.path(), Family::PrimeraVuelta2026, 5);
    let file = folder.path().join("cells.boxes");
    let run = castor(["model".as_ref(), "cells".as_ref(), folder.path(), file.as_path()]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let samples = read_samples(&file).unwrap();
    assert!(
        samples.len() >= 30 && samples.len().is_multiple_of(3),
        "{}",
        samples.len()
    );
    // A box labelled blank holds less ink than one labelled with a digit.
    let ink = |wanted: fn(Symbol) -> bool| {
        let held: Vec<u64> = samples
            .iter()
            .filter(|s| s.symbol.is_some_and(wanted))
            .map(|s| s.image.0.iter().map(|v| u64::from(*v)).sum())
            .collect();
        held.iter().sum::<u64>() / u64::try_from(held.len().max(1)).unwrap()
    };
    let digits = ink(|s| matches!(s, Symbol::Digit(_)));
    let empty = ink(|s| s == Symbol::Blank);
    assert!(digits > empty, "{digits} against {empty}");
}

#[test]
fn the_shipped_model_reads_most_boxes_of_a_drawn_form() {
    let folder = tempfile::tempdir().unwrap();
    drawn(folder.path(), Family::PrimeraVuelta2026, 6);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/symbols.onnx");
    let run = castor(["model", "score", model, folder.path().to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let symbols = run.out.lines().find(|l| l.starts_with("symbols")).unwrap();
    let share: f64 = symbols.split(['=', '%']).nth(1).unwrap().trim().parse().unwrap();
    assert!(share > 80.0, "{symbols}");
}

#[test]
fn a_folder_that_is_no_corpus_is_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let file = folder.path().join("cells.boxes");
    let run = castor(["model".as_ref(), "cells".as_ref(), folder.path(), file.as_path()]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("no folder `forms`"), "{}", run.err);
}
