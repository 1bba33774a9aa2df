//! Suggestions: the smallest likely change that closes the sums.

use crate::support::{at, closed_but};
use castor_domain::checks::{CheckCode, FieldState, Tally};
use castor_domain::form::FieldPath;
use castor_domain::reading::FormReading;
use castor_domain::suggestion::suggest;
use proptest::prelude::*;

const FLOOR: f32 = 0.01;

fn with_alternatives(mut form: FormReading, fields: &[(&str, &[(u16, f32)])]) -> FormReading {
    for (path, alternatives) in fields {
        let field = at(&mut form, path);
        field.alternatives = alternatives.iter().map(|(value, p)| (Some(*value), *p)).collect();
        field.confidence = 1.0 - alternatives.iter().map(|(_, p)| p).sum::<f32>();
    }
    form
}

#[test]
fn one_misread_field_is_found_by_its_alternative() {
    let form = with_alternatives(
        closed_but(&[("candidato.1", "*43")]),
        &[
            ("candidato.1", &[(48, 0.2), (13, 0.05)]),
            ("candidato.2", &[(84, 0.3)]),
            ("nulos", &[(7, 0.3)]),
        ],
    );
    let suggestion = suggest(&form, FLOOR).unwrap();
    assert_eq!(suggestion.changes.len(), 1);
    let change = &suggestion.changes[0];
    assert_eq!(
        (&change.field.path, change.from, change.to),
        (&FieldPath::Candidato(1), Some(43), Some(48))
    );
    let closed: Vec<CheckCode> = suggestion.closes.iter().map(|sum| sum.code).collect();
    assert_eq!(closed, [CheckCode::Sum001, CheckCode::Sum003]);
    assert_eq!(suggestion.rivals, 0);
}

#[test]
fn two_misread_fields_are_found_together() {
    let form = with_alternatives(
        closed_but(&[("candidato.1", "*43"), ("candidato.2", "*31")]),
        &[("candidato.1", &[(48, 0.2)]), ("candidato.2", &[(34, 0.1), (37, 0.1)])],
    );
    let suggestion = suggest(&form, FLOOR).unwrap();
    let to: Vec<Option<u16>> = suggestion.changes.iter().map(|c| c.to).collect();
    assert_eq!(to, [Some(48), Some(34)]);
}

#[test]
fn the_likelier_of_two_changes_is_suggested_and_the_other_counted() {
    let form = with_alternatives(
        closed_but(&[("candidato.1", "*47")]),
        &[("candidato.1", &[(48, 0.1)]), ("candidato.2", &[(35, 0.3)])],
    );
    let suggestion = suggest(&form, FLOOR).unwrap();
    assert_eq!(suggestion.changes[0].field.path, FieldPath::Candidato(2));
    assert_eq!(suggestion.rivals, 1);
}

#[test]
fn nothing_is_suggested_for_sums_that_close_or_that_no_likely_reading_closes() {
    let closed = with_alternatives(closed_but(&[]), &[("candidato.1", &[(43, 0.4)])]);
    assert_eq!(suggest(&closed, FLOOR), None);
    let unlikely = with_alternatives(
        closed_but(&[("candidato.1", "*43")]),
        &[("candidato.1", &[(48, 0.001)])],
    );
    assert_eq!(suggest(&unlikely, FLOOR), None);
    let beside = with_alternatives(closed_but(&[("candidato.1", "*43")]), &[("candidato.1", &[(13, 0.4)])]);
    assert_eq!(suggest(&beside, FLOOR), None);
}

#[test]
fn a_field_that_waits_for_a_person_takes_part_with_its_likeliest_reading() {
    let form = with_alternatives(
        closed_but(&[("candidato.1", "?*43")]),
        &[("candidato.1", &[(48, 0.45)])],
    );
    assert_eq!(suggest(&form, FLOOR).unwrap().changes[0].to, Some(48));
}

#[test]
fn making_a_sum_not_evaluable_does_not_close_it() {
    let mut form = closed_but(&[("total", "*86")]);
    at(&mut form, "total").alternatives = vec![(None, 0.4)];
    assert_eq!(suggest(&form, FLOOR), None);
}

/// A closed form misread in one or two fields, each with the true number among its alternatives.
fn misread() -> impl Strategy<Value = FormReading> {
    let field = prop::sample::select(vec![
        ("candidato.1", 48),
        ("candidato.2", 34),
        ("no_marcados", 10),
        ("total", 96),
    ]);
    let slip = (field, 10..96_u16, 0.02..0.4_f32, 10..96_u16);
    prop::collection::vec(slip, 1..3).prop_map(|slips| {
        let mut form = closed_but(&[]);
        for ((path, truth), read, p, other) in slips {
            let page = at(&mut form, path).page;
            *at(&mut form, path) = crate::support::field(page, path, &format!("*{read}"));
            let alternatives = [truth, other].into_iter().filter(|v| *v != read);
            at(&mut form, path).alternatives = alternatives.map(|v| (Some(v), p)).collect();
        }
        form
    })
}

proptest! {
    #[test]
    fn a_suggestion_closes_every_sum_with_readings_that_were_likely(form in misread()) {
        let before = form.clone();
        if let Some(suggestion) = suggest(&form, FLOOR) {
            let mut changed = form.clone();
            for change in &suggestion.changes {
                let field = at(&mut changed, &change.field.path.to_string());
                prop_assert_eq!(change.from, field.value);
                prop_assert!(field.alternatives.iter().any(|(v, p)| *v == change.to && *p >= FLOOR));
                field.value = change.to;
            }
            prop_assert!((1..=2).contains(&suggestion.changes.len()));
            prop_assert!(!suggestion.closes.is_empty());
            prop_assert_eq!(suggest(&changed, FLOOR), None, "still open");
        }
        prop_assert_eq!(form, before, "arithmetic never changes a reading");
    }

    #[test]
    fn one_misread_field_with_the_truth_among_its_alternatives_always_has_a_suggestion(
        read in 10..96_u16, p in 0.02..0.4_f32,
    ) {
        prop_assume!(read != 48);
        let form = with_alternatives(closed_but(&[("candidato.1", &format!("*{read}"))]), &[("candidato.1", &[(48, p)])]);
        let suggestion = suggest(&form, FLOOR).unwrap();
        prop_assert_eq!(suggestion.changes[0].to, Some(48));
        let tally = Tally::tentative(&form).with(&suggestion.changes[0].field, FieldState::Read(48));
        prop_assert!(tally.states().any(|(_, state)| state == FieldState::Read(48)));
    }
}
