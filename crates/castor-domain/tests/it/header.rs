//! Readings of header items: all kept, one chosen, the rule named.

use castor_domain::header::{ChoiceRule, Header, Item, Source};
use proptest::prelude::*;

#[test]
fn one_reading_is_chosen_with_its_own_confidence() {
    let mut item = Item::default();
    item.add(Source::PrintedText, "001", 0.9, 1);
    let chosen = item.chosen().unwrap();
    assert_eq!((chosen.value, chosen.rule), ("001", ChoiceRule::OnlyReading));
    assert!((chosen.confidence - 0.9).abs() < 1e-4);
}

#[test]
fn two_unsure_readings_that_agree_beat_one_sure_reading_that_differs() {
    let mut item = Item::default();
    item.add(Source::SerialDigits, 63_431_u32, 0.97, 1);
    item.add(Source::PrintedKit, 6343, 0.9, 1);
    item.add(Source::SerialBarcode, 6343, 0.9, 1);
    let chosen = item.chosen().unwrap();
    assert_eq!((chosen.value, chosen.rule), (6343, ChoiceRule::BestSupported));
    assert_eq!(item.readings().len(), 3);
    assert_eq!(
        item.dissenting().map(|r| r.source).collect::<Vec<_>>(),
        [Source::SerialDigits]
    );
}

#[test]
fn what_a_person_decided_stays_when_readings_are_added() {
    let mut item = Item::default();
    item.add(Source::PrintedText, 3, 0.9, 1);
    item.decide(8);
    item.add(Source::Geography, 3, 0.99, 1);
    assert_eq!(item.value(), Some(&8));
    assert_eq!(item.chosen().unwrap().rule, ChoiceRule::Person);
    assert_eq!(item.readings().len(), 2);
}

#[test]
fn a_table_is_named_only_when_all_its_codes_are_known() {
    let mut header = Header::default();
    header
        .departamento
        .add(Source::PrintedText, "01".parse().unwrap(), 0.9, 1);
    header
        .municipio
        .add(Source::PrintedText, "280".parse().unwrap(), 0.9, 1);
    header.zona.add(Source::PrintedText, "03".parse().unwrap(), 0.9, 1);
    header.puesto.add(Source::PrintedText, "01".parse().unwrap(), 0.9, 1);
    assert_eq!(header.mesa_id(), None);
    header.mesa.add(Source::PrintedText, "1".parse().unwrap(), 0.9, 1);
    assert_eq!(header.mesa_id().unwrap().to_string(), "01-280-03-01-001");
}

proptest! {
    #[test]
    fn no_reading_is_ever_lost_or_changed(readings in prop::collection::vec((0..5_u8, -1.0..2.0_f32), 1..12)) {
        let mut item = Item::default();
        for (value, confidence) in &readings {
            item.add(Source::PrintedText, *value, *confidence, 1);
        }
        let kept: Vec<_> = item.readings().iter().map(|r| (r.value, r.confidence)).collect();
        prop_assert_eq!(&kept, &readings);
        let chosen = item.chosen().unwrap();
        prop_assert!((0.0..=1.0).contains(&chosen.confidence));
        prop_assert!(readings.iter().any(|(value, _)| *value == chosen.value));
    }

    #[test]
    fn agreement_never_makes_a_value_less_sure(first in 0.2..1.0_f32, second in 0.2..1.0_f32) {
        let mut item = Item::default();
        item.add(Source::SerialDigits, 1, first, 1);
        let alone = item.chosen().unwrap().confidence;
        item.add(Source::PrintedKit, 1, second, 1);
        let both = item.chosen().unwrap();
        prop_assert_eq!(both.rule, ChoiceRule::Agreement);
        prop_assert!(both.confidence >= alone - 1e-5);
    }
}
