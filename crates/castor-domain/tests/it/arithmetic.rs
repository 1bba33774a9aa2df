//! The sums of a form as evidence about its fields.

use crate::support::{POLICY, at, closed_but, marks, seen, sure, symbol};
use castor_domain::arithmetic::weigh_sums;
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::reading::{FieldReading, FormReading, ReviewReason};

/// Of which confidence the shipped model asks.
const STRICT: ReviewPolicy = ReviewPolicy {
    threshold: 0.995,
    ..POLICY
};

/// Reads a field again from boxes whose units may be one of several symbols.
fn with_units(mut form: FormReading, path: &str, front: &str, units: &[(char, f32)]) -> FormReading {
    let [a, b, _] = marks(&format!("{front}_")).map(sure);
    let units: Vec<_> = units.iter().map(|(c, p)| (symbol(*c), *p)).collect();
    let field = at(&mut form, path);
    field.boxes = [a, b, seen(&units)];
    let decision = read_field(&field.boxes, MarkConvention::FILLERS, &POLICY);
    field.marks = decision.marks;
    field.value = decision.value;
    field.confidence = decision.confidence;
    field.reasons = decision.reasons;
    field.needs_review = !field.reasons.is_empty();
    form
}

fn weighed(mut form: FormReading, path: &str) -> FieldReading {
    weigh_sums(&mut form, &POLICY);
    at(&mut form, path).clone()
}

#[test]
fn a_digit_that_its_box_leaves_open_is_settled_by_sums_that_close() {
    let form = with_units(closed_but(&[]), "candidato.1", "*4", &[('8', 0.7), ('3', 0.3)]);
    let before = form
        .fields
        .iter()
        .find(|f| f.path.to_string() == "candidato.1")
        .unwrap();
    assert!(before.needs_review);
    let field = weighed(form, "candidato.1");
    assert_eq!((field.value, field.needs_review), (Some(48), false));
    assert!(field.confidence > 0.99, "{}", field.confidence);
}

#[test]
fn a_likely_number_that_closes_the_sums_takes_its_place_and_goes_to_a_person() {
    let form = with_units(closed_but(&[]), "candidato.1", "*4", &[('3', 0.7), ('8', 0.3)]);
    let field = weighed(form, "candidato.1");
    assert_eq!(field.value, Some(48));
    assert_eq!(field.marks, marks("*48"));
    assert!(field.needs_review && field.reasons.contains(&ReviewReason::Arithmetic));
}

#[test]
fn arithmetic_does_not_overrule_what_the_paper_says() {
    // The candidates were miscounted: no likely reading of any box closes the sums.
    let form = closed_but(&[("candidato.1", "*43")]);
    for field in &form.fields {
        let after = weighed(form.clone(), &field.path.to_string());
        assert_eq!(
            (after.value, &after.marks),
            (field.value, &field.marks),
            "{}",
            field.path
        );
    }
}

#[test]
fn a_sure_digit_is_less_sure_when_another_would_close_the_sum() {
    let closed = weighed(closed_but(&[]), "candidato.1").confidence;
    let open = weighed(closed_but(&[("candidato.1", "*43")]), "candidato.1").confidence;
    assert!(open < closed - 0.002, "{open} against {closed}");
}

#[test]
fn two_copies_of_a_misread_number_do_not_confirm_each_other_against_a_sum() {
    let mut form = closed_but(&[("nivelacion.urna", "*76"), ("total", "*76")]);
    for path in ["nivelacion.urna", "total"] {
        let field = at(&mut form, path);
        field.boxes[1] = seen(&[(symbol('7'), 0.99), (symbol('1'), 0.01)]);
        field.confidence = 0.99;
    }
    weigh_sums(&mut form, &STRICT);
    assert!(at(&mut form, "total").needs_review);
    assert!(at(&mut form, "nivelacion.urna").needs_review);
}

#[test]
fn a_total_left_blank_says_nothing_of_the_rest() {
    let form = with_units(
        closed_but(&[
            ("total", "___"),
            ("nivelacion.urna", "___"),
            ("nivelacion.sufragantes", "___"),
        ]),
        "candidato.1",
        "*4",
        &[('8', 0.7), ('3', 0.3)],
    );
    let before = at(&mut form.clone(), "candidato.1").confidence;
    let after = weighed(form, "candidato.1");
    assert!((after.confidence - before).abs() < 1e-6 && after.needs_review);
}

#[test]
fn a_form_that_lacks_a_page_adds_up_to_nothing() {
    let mut form = with_units(closed_but(&[]), "candidato.1", "*4", &[('8', 0.7), ('3', 0.3)]);
    form.fields.retain(|f| f.path.to_string() != "nulos");
    let after = weighed(form, "candidato.1");
    assert!(after.needs_review && after.confidence < 0.71);
}

#[test]
fn a_field_read_for_a_person_by_its_marks_stays_with_the_person() {
    let mut form = closed_but(&[]);
    let field = at(&mut form, "candidato.1");
    field.reasons = vec![ReviewReason::Overwritten];
    field.needs_review = true;
    assert!(weighed(form, "candidato.1").needs_review);
}

#[test]
fn a_sum_that_does_not_close_sends_its_least_sure_fields_to_a_person() {
    // Three numbers misread at once: no likely change of one of them closes the sum.
    let mut form = closed_but(&[("candidato.1", "*41"), ("candidato.2", "*31"), ("blanco", "**1")]);
    for path in ["candidato.1", "candidato.2", "blanco"] {
        let field = at(&mut form, path);
        field.boxes[2] = seen(&[(symbol('1'), 0.97), (symbol('4'), 0.03)]);
    }
    weigh_sums(&mut form, &POLICY);
    assert!(at(&mut form, "candidato.1").needs_review && at(&mut form, "candidato.2").needs_review);
    assert!(!at(&mut form, "nulos").needs_review);
}

/// A closed form of 196 voters whose hundreds, all but one, are 1s that look like 7s.
fn written_with_flagged_ones(no_marcados: &str) -> FormReading {
    let mut form = closed_but(&[
        ("nivelacion.sufragantes", "796"),
        ("nivelacion.urna", "796"),
        ("candidato.1", "748"),
        ("no_marcados", no_marcados),
        ("total", "796"),
    ]);
    for path in ["nivelacion.sufragantes", "nivelacion.urna", "candidato.1", "total"] {
        let field = at(&mut form, path);
        field.boxes[0] = seen(&[(symbol('7'), 0.97), (symbol('1'), 0.03)]);
    }
    form
}

#[test]
fn numbers_that_all_repeat_one_misread_digit_are_not_believed_for_closing_the_sums() {
    let mut form = written_with_flagged_ones("*10");
    weigh_sums(&mut form, &STRICT);
    for path in ["nivelacion.sufragantes", "nivelacion.urna", "candidato.1", "total"] {
        assert!(at(&mut form, path).needs_review, "{path}");
    }
    assert!(!at(&mut form, "candidato.2").needs_review);
}

#[test]
fn a_hand_whose_ones_look_like_sevens_is_recognised_by_the_sums() {
    // 748 + 34 + 3 + 1 + 10 closes with 796, 148 with 196; only the second with a 10 that is taken for a 70.
    let mut form = written_with_flagged_ones("*70");
    at(&mut form, "no_marcados").boxes[1] = seen(&[(symbol('7'), 0.9), (symbol('1'), 0.1)]);
    weigh_sums(&mut form, &POLICY);
    for (path, value) in [
        ("nivelacion.sufragantes", 196),
        ("candidato.1", 148),
        ("total", 196),
        ("no_marcados", 10),
    ] {
        let field = at(&mut form, path);
        assert_eq!(field.value, Some(value), "{path}");
        assert!(
            field.needs_review && field.reasons.contains(&ReviewReason::Arithmetic),
            "{path}"
        );
    }
}

#[test]
fn sevens_that_close_the_sums_at_a_usual_table_are_sevens() {
    let mut form = closed_but(&[
        ("nivelacion.sufragantes", "*76"),
        ("nivelacion.urna", "*76"),
        ("candidato.2", "*14"),
        ("total", "*76"),
    ]);
    weigh_sums(&mut form, &STRICT);
    for field in &form.fields {
        assert!(!field.needs_review, "{}: {}", field.path, field.confidence);
    }
}

#[test]
fn a_digit_squeezed_into_the_next_ones_box_is_found_by_the_sums() {
    // The boxes show 4; what stands there is 14.
    let mut form = closed_but(&[("candidato.1", "*44"), ("candidato.2", "**4"), ("total", "*72")]);
    for path in ["nivelacion.sufragantes", "nivelacion.urna"] {
        form = with_units(form, path, "*7", &[('2', 1.0)]);
    }
    at(&mut form, "candidato.2").boxes[2].overwritten = 0.6;
    let field = weighed(form.clone(), "candidato.2");
    assert_eq!((field.value, field.marks), (Some(14), marks("*14")));
    assert!(field.needs_review && field.reasons.contains(&ReviewReason::Arithmetic));

    at(&mut form, "candidato.2").boxes[2].overwritten = 0.1;
    assert_eq!(weighed(form, "candidato.2").value, Some(4));
}

#[test]
fn a_number_that_no_table_has_gives_way_to_a_usual_one_even_where_no_sum_closes() {
    let mut form = closed_but(&[("total", "*99"), ("nulos", "*71")]);
    at(&mut form, "nulos").boxes[1] = seen(&[(symbol('7'), 0.7), (symbol('*'), 0.3)]);
    let field = weighed(form, "nulos");
    assert_eq!((field.value, field.marks), (Some(1), marks("**1")));
    assert!(field.needs_review && field.reasons.contains(&ReviewReason::Arithmetic));
}

#[test]
fn of_two_open_numbers_of_null_ballots_the_smaller_is_the_likelier_where_no_sum_closes() {
    let mut form = closed_but(&[("total", "*99"), ("nulos", "*13")]);
    at(&mut form, "nulos").boxes[1] = seen(&[(symbol('1'), 0.7), (symbol('*'), 0.3)]);
    assert_eq!(weighed(form, "nulos").value, Some(3));
    // Of candidates no number is usual.
    let mut form = closed_but(&[("total", "*99"), ("candidato.2", "*13")]);
    at(&mut form, "candidato.2").boxes[1] = seen(&[(symbol('1'), 0.7), (symbol('*'), 0.3)]);
    assert_eq!(weighed(form, "candidato.2").value, Some(13));
}

#[test]
fn many_null_ballots_that_the_paper_says_clearly_stay() {
    let mut form = closed_but(&[("total", "124"), ("nulos", "*29")]);
    for path in ["nivelacion.sufragantes", "nivelacion.urna"] {
        form = with_units(form, path, "12", &[('4', 1.0)]);
    }
    let field = weighed(form, "nulos");
    assert_eq!((field.value, field.needs_review), (Some(29), false));
}
