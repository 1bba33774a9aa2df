use castor_learn::LearnError;
use castor_learn::threshold::{ErrorTarget, HeldOutField, choose_threshold, upper_bound};
use proptest::prelude::*;

fn field(form: &str, confidence: f32, correct: bool) -> HeldOutField {
    HeldOutField {
        form: form.into(),
        confidence,
        correct,
    }
}

const NONE_WRONG: ErrorTarget = ErrorTarget {
    error: 0.0,
    level: 0.95,
    at_least: 0.0,
};

#[test]
fn the_threshold_lies_between_the_most_confident_error_and_the_next_field() {
    let fields = [
        field("a", 0.999, true),
        field("a", 0.99, true),
        field("b", 0.9, false),
        field("b", 0.8, true),
    ];
    let chosen = choose_threshold(&fields, &NONE_WRONG).unwrap();
    assert!(chosen.value > 0.9 && chosen.value < 0.99, "{chosen:?}");
    assert_eq!(
        (chosen.accepted.fields, chosen.accepted.wrong, chosen.accepted.to_review),
        (2, 0, 2)
    );
    assert_eq!(chosen.forms, 2);
}

#[test]
fn a_tolerated_error_lets_more_fields_through() {
    let mut fields: Vec<HeldOutField> = (0..99).map(|i| field("a", 0.95 + 0.0001 * i as f32, true)).collect();
    fields.push(field("b", 0.93, false));
    fields.push(field("b", 0.92, false));
    let strict = choose_threshold(&fields, &NONE_WRONG).unwrap();
    let lax = choose_threshold(
        &fields,
        &ErrorTarget {
            error: 0.01,
            ..NONE_WRONG
        },
    )
    .unwrap();
    assert_eq!((strict.accepted.fields, strict.accepted.wrong), (99, 0));
    assert_eq!((lax.accepted.fields, lax.accepted.wrong), (100, 1));
    assert!((lax.accepted.error() - 0.01).abs() < 1e-12);
}

#[test]
fn a_form_is_judged_by_the_threshold_of_the_others() {
    // The one error stands in form b: seen, it raises the threshold; left out, nothing warns of it.
    let fields = [
        field("a", 0.99, true),
        field("a", 0.7, true),
        field("b", 0.95, false),
        field("b", 0.99, true),
    ];
    let chosen = choose_threshold(&fields, &NONE_WRONG).unwrap();
    assert_eq!(chosen.accepted.wrong, 0);
    assert_eq!(chosen.left_out.wrong, 1);
}

#[test]
fn fields_of_equal_confidence_are_accepted_or_refused_together() {
    let fields = [field("a", 0.9, true), field("a", 0.9, false), field("a", 0.95, true)];
    let chosen = choose_threshold(&fields, &NONE_WRONG).unwrap();
    assert_eq!((chosen.accepted.fields, chosen.accepted.wrong), (1, 0));
}

#[test]
fn nothing_is_accepted_when_the_most_confident_field_is_wrong() {
    let fields = [field("a", 0.99, false), field("a", 0.9, true)];
    let chosen = choose_threshold(&fields, &NONE_WRONG).unwrap();
    assert_eq!(chosen.accepted.fields, 0);
    assert!((chosen.upper_bound - 1.0).abs() < f64::EPSILON);
}

#[test]
fn good_fields_alone_do_not_lower_the_threshold_without_end() {
    let fields = [field("a", 0.99, true), field("b", 0.3, true)];
    let chosen = choose_threshold(
        &fields,
        &ErrorTarget {
            at_least: 0.5,
            ..NONE_WRONG
        },
    )
    .unwrap();
    assert!((chosen.value - 0.5).abs() < f32::EPSILON);
    assert_eq!(chosen.accepted.to_review, 1);
}

#[test]
fn no_fields_give_no_threshold() {
    assert!(matches!(
        choose_threshold(&[], &NONE_WRONG),
        Err(LearnError::NoSamples(_))
    ));
}

#[test]
fn the_upper_bound_is_that_of_clopper_and_pearson() {
    // No error among n: 1 − tail^(1/n). The others are published quantiles of the beta distribution.
    assert!((upper_bound(0, 100, 0.95) - (1.0 - 0.05_f64.powf(0.01))).abs() < 1e-9);
    assert!((upper_bound(1, 100, 0.95) - 0.046_56).abs() < 1e-4);
    assert!((upper_bound(5, 50, 0.975) - 0.218_14).abs() < 1e-4);
    assert!((upper_bound(3, 3, 0.95) - 1.0).abs() < f64::EPSILON);
}

proptest! {
    #[test]
    fn accepted_fields_keep_the_target(
        drawn in prop::collection::vec((0_u8..5, 0.0_f32..1.0, prop::bool::weighted(0.9)), 1..120),
        error in 0.0_f64..0.2,
    ) {
        let fields: Vec<HeldOutField> =
            drawn.iter().map(|(form, confidence, correct)| field(&form.to_string(), *confidence, *correct)).collect();
        let chosen = choose_threshold(&fields, &ErrorTarget { error, ..NONE_WRONG }).unwrap();
        prop_assert!(chosen.accepted.error() <= error);
        prop_assert!(chosen.accepted.error() <= chosen.upper_bound);
        prop_assert_eq!(chosen.accepted.fields + chosen.accepted.to_review, fields.len());
        prop_assert_eq!(chosen.left_out.fields + chosen.left_out.to_review, fields.len());
    }
}
