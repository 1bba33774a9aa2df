use castor_domain::symbol::{BoxReading, MODEL_OUTPUTS, Symbol};
use castor_learn::calibrate::{Reliability, fit_temperature};
use castor_learn::seed::{Purpose, stream};
use rand::RngExt;

/// Boxes whose symbols are drawn from the probabilities that the logits, divided by `true_t`, state.
fn drawn(true_t: f32, count: usize) -> (Vec<[f32; MODEL_OUTPUTS]>, Vec<Symbol>) {
    let mut rng = stream(7, Purpose::HeldOut, 0);
    (0..count)
        .map(|_| {
            let logits: [f32; MODEL_OUTPUTS] = std::array::from_fn(|_| rng.random_range(-4.0..4.0));
            let stated = BoxReading::from_logits(&logits.map(|z| z / true_t)).probabilities;
            let mut at = rng.random_range(0.0..1.0);
            let class = stated.iter().position(|p| {
                at -= p;
                at < 0.0
            });
            (logits, class.and_then(Symbol::from_class).unwrap_or(Symbol::Blank))
        })
        .unzip()
}

#[test]
fn the_temperature_that_the_boxes_were_drawn_with_is_found() {
    for true_t in [0.7, 1.0, 2.5] {
        let (logits, symbols) = drawn(true_t, 6000);
        let fitted = fit_temperature(&logits, &symbols).unwrap();
        assert!((fitted.value / true_t - 1.0).abs() < 0.08, "{true_t}: {fitted:?}");
        assert!(fitted.after <= fitted.before);
    }
}

#[test]
fn a_temperature_needs_boxes() {
    assert!(fit_temperature(&[], &[]).is_err());
}

#[test]
fn the_reliability_table_compares_stated_and_met_confidence() {
    let predictions = (0..100).map(|i| (0.95, i < 85)).chain((0..10).map(|i| (0.3, i < 3)));
    let table = Reliability::of(predictions, 10);
    assert_eq!(table.count, 110);
    assert_eq!(table.bins.len(), 2);
    assert_eq!((table.bins[0].count, table.bins[1].count), (10, 100));
    assert!((table.bins[1].accuracy - 0.85).abs() < 1e-9);
    assert!((table.error - 0.1 * 100.0 / 110.0).abs() < 1e-6);
    assert!((table.worst - 0.1).abs() < 1e-6);
}

#[test]
fn fitting_brings_stated_and_met_confidence_together() {
    let (logits, symbols) = drawn(2.0, 6000);
    let error = |t: f32| {
        let predictions = logits.iter().zip(&symbols).map(|(z, symbol)| {
            let (read, confidence) = BoxReading::from_logits(&z.map(|v| v / t)).best();
            (confidence, read == *symbol)
        });
        Reliability::of(predictions, 15).error
    };
    let fitted = fit_temperature(&logits, &symbols).unwrap();
    assert!(error(1.0) > 0.1);
    assert!(error(fitted.value) < 0.03);
}
