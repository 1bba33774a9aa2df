//! How good a model is on samples it has not seen.

use castor_domain::symbol::{BoxImage, BoxReading, SYMBOL_CLASSES, Symbol, SymbolModel};

use crate::calibrate::Reliability;
use crate::num::share;
use crate::sample::{Origin, Sample, ScanType};

/// Rows of the reliability table.
const BINS: usize = 15;

/// Right answers among judged ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// Answers judged.
    pub count: usize,
    /// Right ones.
    pub right: usize,
}

impl Score {
    /// Share of right answers, 0 of none.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        share(self.right, self.count)
    }

    fn add(&mut self, right: bool) {
        self.count += 1;
        self.right += usize::from(right);
    }
}

/// How well one class is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    /// Which class.
    pub symbol: Symbol,
    /// Boxes that hold it.
    pub count: usize,
    /// Of the boxes read as this class, the share that holds it.
    pub precision: f64,
    /// Of the boxes that hold it, the share read as this class.
    pub recall: f64,
}

/// How well a signal tells, when it counts from 0.5 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalScore {
    /// Signal given where it should be.
    pub hits: usize,
    /// Signal given where it should not be.
    pub false_alarms: usize,
    /// Signal missing where it should be.
    pub misses: usize,
    /// No signal, and rightly so.
    pub quiet: usize,
}

impl SignalScore {
    fn add(&mut self, truth: Option<bool>, level: f32) {
        let Some(truth) = truth else { return };
        let slot = match (truth, level >= 0.5) {
            (true, true) => &mut self.hits,
            (true, false) => &mut self.misses,
            (false, true) => &mut self.false_alarms,
            (false, false) => &mut self.quiet,
        };
        *slot += 1;
    }

    /// Of the signals given, the share that is right.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.hits, self.hits + self.false_alarms)
    }

    /// Of the signals due, the share given.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.hits, self.hits + self.misses)
    }
}

/// What came out of judging a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Symbols, over all samples.
    pub symbols: Score,
    /// Digits that stand in digit boxes.
    pub digits: Score,
    /// By scan type, in the order of [`ScanType::ALL`].
    pub by_scan: [Score; 3],
    /// By origin, in the order of [`Origin::ALL`].
    pub by_origin: [Score; 3],
    /// Row: what is written; column: what was read; both in the order of [`Symbol::class`].
    pub confusion: [[usize; SYMBOL_CLASSES]; SYMBOL_CLASSES],
    /// Stated against met confidence of single boxes.
    pub reliability: Reliability,
    /// The signal that a mark is a cross.
    pub cross: SignalScore,
    /// The signal that something was written over.
    pub overwritten: SignalScore,
    /// Mean negative log-likelihood of what is written, in nats a box.
    pub nll: f64,
}

impl Evaluation {
    /// Judges readings against their samples, position by position; samples whose symbol is not known count for the
    /// signals alone.
    #[must_use]
    pub fn of(samples: &[Sample], readings: &[BoxReading]) -> Self {
        let mut symbols = Score::default();
        let mut digits = Score::default();
        let mut by_scan = [Score::default(); 3];
        let mut by_origin = [Score::default(); 3];
        let mut confusion = [[0; SYMBOL_CLASSES]; SYMBOL_CLASSES];
        let mut predictions = Vec::new();
        let (mut cross, mut overwritten) = (SignalScore::default(), SignalScore::default());
        let mut nll = 0.0;
        for (sample, reading) in samples.iter().zip(readings) {
            cross.add(sample.cross, reading.cross);
            overwritten.add(sample.overwritten, reading.overwritten);
            let Some(symbol) = sample.symbol else { continue };
            let (read, confidence) = reading.best();
            let right = read == symbol;
            symbols.add(right);
            if matches!(symbol, Symbol::Digit(_)) {
                digits.add(right);
            }
            for (scan, score) in ScanType::ALL.iter().zip(&mut by_scan) {
                if *scan == sample.scan {
                    score.add(right);
                }
            }
            for (origin, score) in Origin::ALL.iter().zip(&mut by_origin) {
                if *origin == sample.origin {
                    score.add(right);
                }
            }
            confusion[symbol.class()][read.class()] += 1;
            predictions.push((confidence, right));
            nll -= f64::from(reading.probabilities[symbol.class()].max(f32::MIN_POSITIVE)).ln();
        }
        Self {
            nll: nll / predictions.len().max(1) as f64,
            reliability: Reliability::of(predictions, BINS),
            symbols,
            digits,
            by_scan,
            by_origin,
            confusion,
            cross,
            overwritten,
        }
    }

    /// Whether this model may take the place of another judged on the same samples: no fewer symbols right, and less
    /// surprised by what is written.
    #[must_use]
    pub fn beats(&self, other: &Self) -> bool {
        self.symbols.count == other.symbols.count && self.symbols.right >= other.symbols.right && self.nll < other.nll
    }

    /// Precision and recall of each class.
    #[must_use]
    pub fn classes(&self) -> Vec<ClassScore> {
        (0..SYMBOL_CLASSES)
            .filter_map(|c| {
                let held: usize = self.confusion[c].iter().sum();
                let read: usize = self.confusion.iter().map(|row| row[c]).sum();
                Some(ClassScore {
                    symbol: Symbol::from_class(c)?,
                    count: held,
                    precision: share(self.confusion[c][c], read),
                    recall: share(self.confusion[c][c], held),
                })
            })
            .collect()
    }
}

/// Runs a model over samples and judges it.
///
/// # Errors
/// Those of the model.
pub fn evaluate<M: SymbolModel>(model: &M, samples: &[Sample]) -> Result<Evaluation, M::Error> {
    let boxes: Vec<BoxImage> = samples.iter().map(|s| s.image.clone()).collect();
    Ok(Evaluation::of(samples, &model.predict(&boxes)?))
}
