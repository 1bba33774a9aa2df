use std::convert::Infallible;

use castor_domain::symbol::{BoxImage, BoxReading, SYMBOL_CLASSES, Symbol, SymbolModel};
use castor_learn::calibrate::Temperature;
use castor_learn::card::{Counts, ModelCard, model_card};
use castor_learn::evaluate::evaluate;
use castor_learn::sample::{Sample, ScanType};
use castor_learn::threshold::{ErrorTarget, HeldOutField, choose_threshold};

use crate::shapes::{picture, sample};

/// Reads the class off the first pixel, with a confidence of 0.8.
struct FirstPixel;

impl SymbolModel for FirstPixel {
    type Error = Infallible;

    fn predict(&self, boxes: &[BoxImage]) -> Result<Vec<BoxReading>, Infallible> {
        let reading = |image: &BoxImage| {
            let mut probabilities = [0.2 / 11.0; SYMBOL_CLASSES];
            probabilities[usize::from(image.0[0])] = 0.8;
            BoxReading {
                probabilities,
                cross: 0.0,
                overwritten: f32::from(image.0[1]),
            }
        };
        Ok(boxes.iter().map(reading).collect())
    }
}

fn labelled(read: u8, written: Symbol, overwritten: (u8, bool)) -> Sample {
    let mut labelled = sample(
        picture(|x, y| [read, overwritten.0].get(x + y * 40).copied().unwrap_or(0)),
        written,
    );
    labelled.overwritten = Some(overwritten.1);
    labelled
}

fn samples() -> Vec<Sample> {
    let mut samples = vec![
        labelled(3, Symbol::Digit(3), (0, false)),
        labelled(3, Symbol::Digit(3), (1, true)),
        labelled(8, Symbol::Digit(3), (1, false)),
        labelled(10, Symbol::Filler, (0, true)),
        labelled(11, Symbol::Blank, (0, false)),
    ];
    samples[2].scan = ScanType::Photo;
    let mut unknown = labelled(5, Symbol::Blank, (0, false));
    unknown.symbol = None;
    samples.push(unknown);
    samples
}

#[test]
fn a_model_is_judged_by_class_scan_and_signal() {
    let judged = evaluate(&FirstPixel, &samples()).unwrap();
    assert_eq!((judged.symbols.right, judged.symbols.count), (4, 5));
    assert_eq!((judged.digits.right, judged.digits.count), (2, 3));
    assert_eq!(judged.confusion[3][8], 1);
    assert_eq!(judged.confusion[3][3], 2);
    let three = judged.classes()[3];
    assert!((three.precision - 1.0).abs() < 1e-9 && (three.recall - 2.0 / 3.0).abs() < 1e-9);
    let eight = judged.classes()[8];
    assert!(eight.precision.abs() < 1e-9 && eight.count == 0);
    assert_eq!(
        (
            judged.by_scan[0].count,
            judged.by_scan[2].count,
            judged.by_scan[2].right
        ),
        (4, 1, 0)
    );
    let over = judged.overwritten;
    assert_eq!((over.hits, over.false_alarms, over.misses, over.quiet), (1, 1, 1, 3));
    let nll = -(4.0 * 0.8_f64.ln() + (0.2_f64 / 11.0).ln()) / 5.0;
    assert!((judged.nll - nll).abs() < 1e-5);
}

#[test]
fn a_model_takes_the_place_of_another_only_when_it_is_better_on_the_same_samples() {
    let all = samples();
    let old = evaluate(&FirstPixel, &all).unwrap();
    let mut repaired = all.clone();
    repaired[2].image = labelled(3, Symbol::Digit(3), (1, false)).image;
    let new = evaluate(&FirstPixel, &repaired).unwrap();
    assert!(new.beats(&old));
    assert!(!old.beats(&new));
    assert!(!old.beats(&old));
    assert!(!evaluate(&FirstPixel, &repaired[1..]).unwrap().beats(&old));
}

#[test]
fn the_card_says_what_was_learnt_and_how_good_it_is() {
    let samples = samples();
    let evaluation = evaluate(&FirstPixel, &samples).unwrap();
    let fields =
        [("a", 0.99, true), ("b", 0.9, true), ("b", 0.4, false)].map(|(form, confidence, correct)| HeldOutField {
            form: form.into(),
            confidence,
            correct,
        });
    let threshold = choose_threshold(&fields, &ErrorTarget::default()).unwrap();
    let card = model_card(&ModelCard {
        version: "2026.1-test",
        date: "2026-01-31",
        seed: 42,
        fingerprint: "0123456789ab",
        training: &["12 epochs".into()],
        learnt: &Counts::of(&samples),
        held_out: "Boxes of a test.",
        evaluation: &evaluation,
        temperature: &Temperature {
            value: 1.25,
            before: 0.2,
            after: 0.1,
            boxes: 5,
        },
        threshold: Some(&threshold),
        fields: Some(&evaluation.reliability),
    });
    for part in [
        "# Symbol model 2026.1-test",
        "Date 2026-01-31. Seed 42. Weights 0123456789ab.",
        "| synthetic | 0 | 0 | 0 | 3 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 1 | 1 | 6 |",
        "By scan type: bitonal 5, colour 0, photo 1.",
        "| all symbols | 5 | 4 | 80.00 % |",
        "| **3** | · | · | · | 2 | · | · | · | · | 1 | · | · | · |",
        "| overwritten | 2 | 1 | 1 | 50.00 % | 50.00 % |",
        "Temperature 1.250, fitted on 5 held-out boxes",
        "2 fields accepted, 0 of them wrong",
        "chosen on 2 held-out forms",
    ] {
        assert!(card.contains(part), "{part} is missing in\n{card}");
    }
}
