//! The grammar of marks and the posterior of a field.

use crate::support::{POLICY, marks, seen, sure, symbol};
use castor_domain::grammar::{CrossMeaning, FieldDecision, FillerRow, MarkConvention, Meaning, meaning, read_field};
use castor_domain::reading::ReviewReason;
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};
use proptest::prelude::*;

fn read(boxes: &[BoxReading; 3]) -> FieldDecision {
    read_field(boxes, MarkConvention::FILLERS, &POLICY)
}

fn read_sure(text: &str) -> FieldDecision {
    read(&marks(text).map(sure))
}

#[test]
fn plain_rows_mean_what_they_say() {
    for (text, value) in [
        ("___", None),
        ("***", Some(0)),
        ("*_*", Some(0)),
        ("**0", Some(0)),
        ("000", Some(0)),
        ("0**", Some(0)),
        ("**7", Some(7)),
        ("_*7", Some(7)),
        ("*_7", Some(7)),
        ("__7", Some(7)),
        ("007", Some(7)),
        ("*17", Some(17)),
        ("_17", Some(17)),
        ("0_7", Some(7)),
        ("217", Some(217)),
        ("200", Some(200)),
        ("*10", Some(10)),
    ] {
        let decision = read_sure(text);
        assert_eq!(decision.value, value, "{text}");
        assert_eq!(decision.marks, marks(text), "{text}");
        assert!(decision.confidence > 0.999, "{text}");
        assert_eq!(decision.reasons, [], "{text}");
    }
}

#[test]
fn a_filler_or_blank_after_a_digit_goes_to_a_person_with_its_likelier_meaning() {
    for (text, natural, other) in [
        ("4__", 4, 400),
        ("4**", 4, 400),
        ("_4_", 4, 40),
        ("12_", 12, 120),
        ("1*5", 105, 15),
        ("1_5", 105, 15),
        ("10*", 10, 100),
    ] {
        assert_eq!(meaning(marks(text)), Meaning::Doubtful { natural, other }, "{text}");
        let decision = read_sure(text);
        assert_eq!(decision.value, Some(natural), "{text}");
        assert_eq!(decision.alternatives[0].0, Some(other), "{text}");
        assert!(decision.reasons.contains(&ReviewReason::FillerAfterDigit), "{text}");
    }
}

#[test]
fn not_knowing_a_blank_from_a_filler_costs_no_certainty_about_the_number() {
    let either = || seen(&[(Symbol::Filler, 0.5), (Symbol::Blank, 0.5)]);
    let decision = read(&[either(), either(), sure(Symbol::Digit(4))]);
    assert_eq!(decision.value, Some(4));
    assert!(decision.confidence > 0.999);
    assert!(!decision.needs_review());
    let empty = read(&[either(), either(), either()]);
    assert_eq!(empty.value.unwrap_or(0), 0);
    assert!(!empty.needs_review());
}

#[test]
fn a_zero_taken_for_a_filled_ring_before_a_digit_is_the_same_number() {
    let ring = || seen(&[(Symbol::Filler, 0.6), (Symbol::Digit(0), 0.4)]);
    let decision = read(&[ring(), ring(), sure(Symbol::Digit(9))]);
    assert_eq!(decision.value, Some(9));
    assert!(!decision.needs_review());
}

#[test]
fn a_row_that_may_hold_a_number_goes_to_a_person() {
    let decision = read(&[
        sure(Symbol::Blank),
        sure(Symbol::Blank),
        seen(&[(Symbol::Blank, 0.8), (Symbol::Digit(1), 0.2)]),
    ]);
    assert_eq!(decision.value, None);
    assert_eq!(decision.alternatives[0].0, Some(1));
    assert_eq!(decision.reasons, [ReviewReason::LowConfidence]);
}

#[test]
fn a_crossed_box_is_a_filler_unless_the_template_says_that_crosses_delete() {
    let mut boxes = marks("**3").map(sure);
    boxes[0].cross = 0.95;
    assert!(!read(&boxes).needs_review());
    let deleting = MarkConvention {
        cross: CrossMeaning::Deletion,
        filler_row: FillerRow::Zero,
    };
    assert_eq!(read_field(&boxes, deleting, &POLICY).reasons, [ReviewReason::Cross]);
}

#[test]
fn fillers_alone_go_to_a_person_where_the_template_does_not_settle_them() {
    let unknown = |text: &str| read_field(&marks(text).map(sure), MarkConvention::UNKNOWN, &POLICY).reasons;
    assert_eq!(unknown("***"), [ReviewReason::UnsettledMark]);
    assert_eq!(unknown("**0"), []);
    assert_eq!(unknown("___"), []);
}

#[test]
fn an_overwritten_box_goes_to_a_person_however_sure_its_digit() {
    let mut boxes = marks("*83").map(sure);
    boxes[1].overwritten = 0.7;
    let decision = read(&boxes);
    assert_eq!(decision.value, Some(83));
    assert_eq!(decision.reasons, [ReviewReason::Overwritten]);
}

#[test]
fn boxes_that_say_nothing_are_no_number() {
    let nothing = BoxReading {
        probabilities: [0.0; SYMBOL_CLASSES],
        cross: 0.0,
        overwritten: 0.0,
    };
    let decision = read(&[nothing.clone(), sure(Symbol::Filler), nothing]);
    assert_eq!((decision.value, decision.confidence), (None, 0.0));
    assert_eq!(decision.reasons, [ReviewReason::LowConfidence]);
}

#[test]
fn conventions_read_back_from_their_names() {
    for convention in [MarkConvention::FILLERS, MarkConvention::UNKNOWN] {
        assert_eq!(convention.name().parse(), Ok(convention));
    }
    assert!("dots".parse::<MarkConvention>().is_err());
}

fn any_box() -> impl Strategy<Value = BoxReading> {
    prop::array::uniform12(0.0..1.0_f32).prop_map(|weights| {
        let sum: f32 = weights.iter().sum();
        BoxReading {
            probabilities: weights.map(|w| w.powi(4) / sum),
            cross: 0.0,
            overwritten: 0.0,
        }
    })
}

fn leading() -> impl Strategy<Value = char> {
    prop::sample::select(vec!['*', '_'])
}

proptest! {
    #[test]
    fn value_and_alternatives_share_one_certainty(boxes in prop::array::uniform3(any_box())) {
        let decision = read(&boxes);
        let rest: f32 = decision.alternatives.iter().map(|(_, p)| p).sum();
        prop_assert!(decision.confidence > 0.0 && decision.confidence + rest <= 1.0 + 1e-3);
        let mut last = decision.confidence;
        for (value, p) in &decision.alternatives {
            prop_assert!(*p <= last + 1e-6);
            prop_assert!(value.unwrap_or(0) != decision.value.unwrap_or(0));
            last = *p;
        }
    }

    #[test]
    fn the_marks_shown_mean_the_value_shown(boxes in prop::array::uniform3(any_box())) {
        let decision = read(&boxes);
        match meaning(decision.marks) {
            Meaning::Nothing => prop_assert_eq!(decision.value, None),
            Meaning::Number(n) => prop_assert_eq!(decision.value, Some(n)),
            Meaning::Doubtful { natural, other } => {
                prop_assert!(decision.value == Some(natural) || decision.value == Some(other));
            }
        }
    }

    #[test]
    fn the_confidence_of_a_three_digit_number_is_that_of_its_digits(
        digits in prop::array::uniform3(1..10_u8),
        sureness in prop::array::uniform3(0.6..1.0_f32),
    ) {
        let boxes = [0, 1, 2].map(|i| {
            let other = Symbol::Digit(if digits[i] == 9 { 1 } else { digits[i] + 1 });
            seen(&[(Symbol::Digit(digits[i]), sureness[i]), (other, 1.0 - sureness[i])])
        });
        let decision = read(&boxes);
        let value = digits.iter().fold(0, |n, d| n * 10 + u16::from(*d));
        prop_assert_eq!(decision.value, Some(value));
        prop_assert!((decision.confidence - sureness.iter().product::<f32>()).abs() < 1e-3);
    }

    #[test]
    fn any_mixture_before_a_digit_is_nothing(a in leading(), b in leading(), d in 1..10_u8, p in 0.0..=1.0_f32) {
        let unclear = |c: char| {
            let other = if c == '*' { Symbol::Blank } else { Symbol::Filler };
            seen(&[(symbol(c), p), (other, 1.0 - p)])
        };
        let decision = read(&[unclear(a), unclear(b), sure(Symbol::Digit(d))]);
        prop_assert_eq!(decision.value, Some(u16::from(d)));
        prop_assert!(!decision.needs_review());
    }

    #[test]
    fn a_surer_digit_makes_the_number_surer(d in 1..10_u8, low in 0.5..0.98_f32, more in 0.0..0.02_f32) {
        let field = |p: f32| read(&[
            sure(Symbol::Filler),
            sure(Symbol::Filler),
            seen(&[(Symbol::Digit(d), p), (Symbol::Filler, 1.0 - p)]),
        ]);
        prop_assert!(field(low + more).confidence >= field(low).confidence - 1e-6);
    }

    #[test]
    fn no_input_breaks_the_grammar(raw in prop::array::uniform3(prop::array::uniform12(any::<f32>())), signal in any::<f32>()) {
        let boxes = raw.map(|probabilities| BoxReading { probabilities, cross: signal, overwritten: signal });
        let decision = read_field(&boxes, MarkConvention::UNKNOWN, &POLICY);
        prop_assert!((0.0..=1.0).contains(&decision.confidence));
        prop_assert!(decision.value.is_none_or(|v| v < 1000));
    }

    #[test]
    fn signals_that_are_no_number_go_to_a_person(text in "[0-9*_]{3}") {
        let mut boxes = marks(&text).map(sure);
        boxes[2].overwritten = f32::NAN;
        prop_assert!(read(&boxes).needs_review());
    }
}
