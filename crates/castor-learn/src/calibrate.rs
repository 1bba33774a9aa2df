//! Making probabilities mean what they say, and measuring whether they do.
//!
//! Temperature scaling: p = softmax(z / T). T is fitted on boxes that took no part in learning, by the smallest mean
//! negative log-likelihood.

use castor_domain::symbol::{MODEL_OUTPUTS, SYMBOL_CLASSES, Symbol};

use crate::error::LearnError;
use crate::num::{bin, single};

/// A fitted temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// T; above 1 the model was too sure.
    pub value: f32,
    /// Mean negative log-likelihood, in nats a box, with T = 1.
    pub before: f64,
    /// The same with the fitted T.
    pub after: f64,
    /// Number of boxes it was fitted on.
    pub boxes: usize,
}

/// Range that the temperature is looked for in.
const RANGE: (f64, f64) = (0.1, 10.0);

/// Fits the temperature on held-out boxes by golden-section search over log T.
///
/// `logits` are the model's outputs before any temperature; `symbols` says what is written in each box.
///
/// # Errors
/// [`LearnError::NoSamples`] without boxes.
pub fn fit_temperature(logits: &[[f32; MODEL_OUTPUTS]], symbols: &[Symbol]) -> Result<Temperature, LearnError> {
    let boxes = logits.len().min(symbols.len());
    if boxes == 0 {
        return Err(LearnError::NoSamples("a temperature is fitted on held-out boxes"));
    }
    let nll = |log_t: f64| mean_nll(logits, symbols, log_t.exp());
    let (log_t, after) = golden_section(nll, RANGE.0.ln(), RANGE.1.ln());
    Ok(Temperature {
        value: single(log_t.exp()),
        before: nll(0.0),
        after,
        boxes,
    })
}

fn mean_nll(logits: &[[f32; MODEL_OUTPUTS]], symbols: &[Symbol], temperature: f64) -> f64 {
    let sum: f64 = logits
        .iter()
        .zip(symbols)
        .map(|(z, symbol)| {
            let z: [f64; SYMBOL_CLASSES] = std::array::from_fn(|i| f64::from(z[i]) / temperature);
            let top = z.iter().copied().fold(f64::MIN, f64::max);
            let log_sum = top + z.iter().map(|v| (v - top).exp()).sum::<f64>().ln();
            log_sum - z[symbol.class()]
        })
        .sum();
    sum / logits.len().min(symbols.len()) as f64
}

/// Least value of a function with one valley, and where it is.
fn golden_section(f: impl Fn(f64) -> f64, low: f64, high: f64) -> (f64, f64) {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (low, high);
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut fa, mut fb) = (f(a), f(b));
    while high - low > 1e-4 {
        if fa <= fb {
            (high, b, fb) = (b, a, fa);
            a = high - ratio * (high - low);
            fa = f(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + ratio * (high - low);
            fb = f(b);
        }
    }
    if fa <= fb { (a, fa) } else { (b, fb) }
}

/// One row of a reliability table: the predictions whose confidence falls into one interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Lower end of the interval; the upper end is the next row's.
    pub from: f32,
    /// Number of predictions.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that was right.
    pub accuracy: f64,
}

/// Stated against met confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Equal intervals over 0–1; empty ones are left out.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: Σ count/n · |accuracy − confidence|.
    pub error: f64,
    /// Largest |accuracy − confidence| of a row.
    pub worst: f64,
    /// Number of predictions.
    pub count: usize,
}

impl Reliability {
    /// The table of predictions given as confidence and whether it was right.
    #[must_use]
    pub fn of(predictions: impl IntoIterator<Item = (f32, bool)>, bins: usize) -> Self {
        let bins = bins.max(1);
        let mut sums = vec![(0_usize, 0.0_f64, 0_usize); bins];
        for (confidence, right) in predictions {
            let row = &mut sums[bin(confidence, bins)];
            row.0 += 1;
            row.1 += f64::from(confidence);
            row.2 += usize::from(right);
        }
        let count: usize = sums.iter().map(|s| s.0).sum();
        let rows: Vec<ReliabilityBin> = sums
            .iter()
            .enumerate()
            .filter(|(_, s)| s.0 > 0)
            .map(|(i, (n, confidence, right))| ReliabilityBin {
                from: i as f32 / bins as f32,
                count: *n,
                confidence: confidence / *n as f64,
                accuracy: *right as f64 / *n as f64,
            })
            .collect();
        let gap = |row: &ReliabilityBin| (row.accuracy - row.confidence).abs();
        Self {
            error: rows.iter().map(|r| gap(r) * r.count as f64).sum::<f64>() / count.max(1) as f64,
            worst: rows.iter().map(gap).fold(0.0, f64::max),
            bins: rows,
            count,
        }
    }
}
