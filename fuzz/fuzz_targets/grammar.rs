//! The grammar of marks on any probabilities.
#![no_main]

use castor_domain::grammar::{CrossMeaning, FillerRow, MarkConvention, ReviewPolicy, read_field};
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES};
use libfuzzer_sys::fuzz_target;

const POLICY: ReviewPolicy = ReviewPolicy {
    threshold: 0.9,
    overwritten_threshold: 0.5,
    cross_threshold: 0.5,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&flags, rest)) = bytes.split_first() else {
        return;
    };
    // Odd flags: four bytes a number, so that infinities and NaN occur; even: one byte a probability.
    let mut numbers: Box<dyn Iterator<Item = f32>> = if flags & 1 == 1 {
        Box::new(rest.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)))
    } else {
        Box::new(rest.iter().map(|b| f32::from(*b) / 255.0))
    };
    let boxes = [(); 3].map(|()| BoxReading {
        probabilities: std::array::from_fn::<f32, SYMBOL_CLASSES, _>(|_| numbers.next().unwrap_or(0.0)),
        cross: numbers.next().unwrap_or(0.0),
        overwritten: numbers.next().unwrap_or(0.0),
    });
    let convention = MarkConvention {
        cross: if flags & 2 == 0 {
            CrossMeaning::Filler
        } else {
            CrossMeaning::Deletion
        },
        filler_row: if flags & 4 == 0 {
            FillerRow::Zero
        } else {
            FillerRow::Unsettled
        },
    };
    let decision = read_field(&boxes, convention, &POLICY);
    assert!(decision.value.is_none_or(|v| v <= 999), "{decision:?}");
    assert!((0.0..=1.0).contains(&decision.confidence), "{decision:?}");
    assert!(
        decision.alternatives.iter().all(|(v, _)| *v != decision.value),
        "{decision:?}"
    );
});
