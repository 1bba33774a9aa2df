//! The model card: what a model learnt from and how good it is, in Markdown.

use std::fmt::{self, Write};

use castor_domain::symbol::{SYMBOL_CLASSES, Symbol};

use crate::calibrate::{Reliability, Temperature};
use crate::evaluate::{Evaluation, Score, SignalScore};
use crate::sample::{Origin, Sample, ScanType};
use crate::threshold::ChosenThreshold;

/// How many samples of each origin, class and scan type there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// By origin (order of [`Origin::ALL`]) and class; the last class is "not known".
    pub classes: [[usize; SYMBOL_CLASSES + 1]; 3],
    /// By scan type, in the order of [`ScanType::ALL`].
    pub scans: [usize; 3],
}

impl Counts {
    /// Counts samples.
    #[must_use]
    pub fn of<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let mut counts = Self::default();
        for sample in samples {
            for (origin, classes) in Origin::ALL.iter().zip(&mut counts.classes) {
                if *origin == sample.origin {
                    classes[sample.symbol.map_or(SYMBOL_CLASSES, |s| s.class())] += 1;
                }
            }
            for (scan, count) in ScanType::ALL.iter().zip(&mut counts.scans) {
                *count += usize::from(*scan == sample.scan);
            }
        }
        counts
    }
}

/// Everything that the card says.
#[derive(Debug, Clone)]
pub struct ModelCard<'a> {
    /// Version of the model.
    pub version: &'a str,
    /// Date of the card, as it shall be printed.
    pub date: &'a str,
    /// Seed of the training.
    pub seed: u64,
    /// Fingerprint of the weights.
    pub fingerprint: &'a str,
    /// How it was trained, one line each.
    pub training: &'a [String],
    /// What it learnt from.
    pub learnt: &'a Counts,
    /// How the judged samples were held out, one sentence.
    pub held_out: &'a str,
    /// How good it is on them.
    pub evaluation: &'a Evaluation,
    /// Its temperature.
    pub temperature: &'a Temperature,
    /// The threshold for review, when fields were judged.
    pub threshold: Option<&'a ChosenThreshold>,
    /// Stated against met confidence of whole fields, when fields were judged.
    pub fields: Option<&'a Reliability>,
}

/// Writes the card.
#[must_use]
pub fn model_card(card: &ModelCard<'_>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_card(&mut text, card);
    text
}

fn write_card(out: &mut String, card: &ModelCard<'_>) -> fmt::Result {
    writeln!(out, "# Symbol model {}\n", card.version)?;
    writeln!(
        out,
        "Reads one box of an E-14 (40 × 40 ink levels) as a digit, a filler or a blank, and signals crosses and overwriting.\n"
    )?;
    writeln!(
        out,
        "Date {}. Seed {}. Weights {}.\n",
        card.date, card.seed, card.fingerprint
    )?;
    writeln!(out, "## Training\n")?;
    for line in card.training {
        writeln!(out, "* {line}")?;
    }
    write_counts(out, card.learnt)?;
    writeln!(out, "\n## Held-out boxes\n\n{}\n", card.held_out)?;
    write_scores(out, card.evaluation)?;
    write_confusion(out, card.evaluation)?;
    write_signals(out, card.evaluation)?;
    write_calibration(out, card)?;
    write_threshold(out, card)
}

fn name(symbol: Symbol) -> String {
    match symbol {
        Symbol::Digit(d) => d.to_string(),
        Symbol::Filler => "filler".into(),
        Symbol::Blank => "blank".into(),
    }
}

fn class_names() -> impl Iterator<Item = String> {
    (0..SYMBOL_CLASSES).filter_map(Symbol::from_class).map(name)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn header(out: &mut String, cells: impl IntoIterator<Item = String>) -> fmt::Result {
    let cells: Vec<String> = cells.into_iter().collect();
    row(out, cells.iter())?;
    writeln!(out, "|{}", "---|".repeat(cells.len()))
}

fn row<T: fmt::Display>(out: &mut String, cells: impl IntoIterator<Item = T>) -> fmt::Result {
    out.write_char('|')?;
    for cell in cells {
        write!(out, " {cell} |")?;
    }
    writeln!(out)
}

fn write_counts(out: &mut String, counts: &Counts) -> fmt::Result {
    writeln!(out, "\n### Samples learnt from\n")?;
    let ends = ["not known", "all"].map(str::to_owned);
    header(out, ["origin".to_owned()].into_iter().chain(class_names()).chain(ends))?;
    for (origin, classes) in Origin::ALL.iter().zip(&counts.classes) {
        let all: usize = classes.iter().sum();
        let numbers = classes.iter().chain([&all]).map(usize::to_string);
        row(out, [origin.name().to_owned()].into_iter().chain(numbers))?;
    }
    let scans: Vec<String> = ScanType::ALL
        .iter()
        .zip(counts.scans)
        .map(|(scan, count)| format!("{} {count}", scan.name()))
        .collect();
    writeln!(out, "\nBy scan type: {}.", scans.join(", "))
}

fn write_scores(out: &mut String, evaluation: &Evaluation) -> fmt::Result {
    header(out, ["what", "boxes", "right", "accuracy"].map(str::to_owned))?;
    let mut line = |what: &str, score: &Score| {
        let cells = [
            what.to_owned(),
            score.count.to_string(),
            score.right.to_string(),
            percent(score.accuracy()),
        ];
        if score.count > 0 { row(out, cells) } else { Ok(()) }
    };
    line("all symbols", &evaluation.symbols)?;
    line("digits", &evaluation.digits)?;
    for (scan, score) in ScanType::ALL.iter().zip(&evaluation.by_scan) {
        line(&format!("scan type {}", scan.name()), score)?;
    }
    for (origin, score) in Origin::ALL.iter().zip(&evaluation.by_origin) {
        line(&format!("origin {}", origin.name()), score)?;
    }
    writeln!(out)?;
    header(out, ["class", "boxes", "precision", "recall"].map(str::to_owned))?;
    for class in evaluation.classes() {
        let cells = [
            name(class.symbol),
            class.count.to_string(),
            percent(class.precision),
            percent(class.recall),
        ];
        row(out, cells)?;
    }
    Ok(())
}

fn write_confusion(out: &mut String, evaluation: &Evaluation) -> fmt::Result {
    writeln!(out, "\n### Confusion (row: written, column: read)\n")?;
    header(out, [String::new()].into_iter().chain(class_names()))?;
    for (name, counts) in class_names().zip(&evaluation.confusion) {
        let numbers = counts
            .iter()
            .map(|n| if *n == 0 { "·".to_owned() } else { n.to_string() });
        row(out, [format!("**{name}**")].into_iter().chain(numbers))?;
    }
    Ok(())
}

fn write_signals(out: &mut String, evaluation: &Evaluation) -> fmt::Result {
    writeln!(out, "\n### Signals (from 0.5 on)\n")?;
    header(
        out,
        ["signal", "due", "given rightly", "false alarms", "precision", "recall"].map(str::to_owned),
    )?;
    let mut line = |name: &str, s: &SignalScore| {
        let cells = [
            name.to_owned(),
            (s.hits + s.misses).to_string(),
            s.hits.to_string(),
            s.false_alarms.to_string(),
            percent(s.precision()),
            percent(s.recall()),
        ];
        row(out, cells)
    };
    line("cross", &evaluation.cross)?;
    line("overwritten", &evaluation.overwritten)
}

fn write_calibration(out: &mut String, card: &ModelCard<'_>) -> fmt::Result {
    let t = card.temperature;
    writeln!(out, "\n## Calibration\n")?;
    writeln!(
        out,
        "Temperature {:.3}, fitted on {} held-out boxes: mean negative log-likelihood {:.4} → {:.4} nats.\n",
        t.value, t.boxes, t.before, t.after
    )?;
    writeln!(out, "### Single boxes\n")?;
    write_reliability(out, &card.evaluation.reliability)?;
    if let Some(fields) = card.fields {
        writeln!(out, "\n### Whole fields\n")?;
        write_reliability(out, fields)?;
    }
    Ok(())
}

fn write_reliability(out: &mut String, table: &Reliability) -> fmt::Result {
    header(
        out,
        ["confidence from", "count", "mean confidence", "right"].map(str::to_owned),
    )?;
    for bin in &table.bins {
        let cells = [
            format!("{:.2}", bin.from),
            bin.count.to_string(),
            percent(bin.confidence),
            percent(bin.accuracy),
        ];
        row(out, cells)?;
    }
    writeln!(
        out,
        "\nExpected calibration error {}, worst row {}.",
        percent(table.error),
        percent(table.worst)
    )
}

fn write_threshold(out: &mut String, card: &ModelCard<'_>) -> fmt::Result {
    let Some(t) = card.threshold else { return Ok(()) };
    writeln!(out, "\n## Threshold for review\n")?;
    writeln!(
        out,
        "Fields of confidence {:.4} and more need no person, chosen on {} held-out forms: {} fields accepted, {} of them wrong ({}; upper bound {}), {} to review.\n",
        t.value,
        t.forms,
        t.accepted.fields,
        t.accepted.wrong,
        percent(t.accepted.error()),
        percent(t.upper_bound),
        percent(t.accepted.review_share()),
    )?;
    writeln!(
        out,
        "Each form judged by the threshold that the others choose: {} fields accepted, {} of them wrong ({}), {} to review.",
        t.left_out.fields,
        t.left_out.wrong,
        percent(t.left_out.error()),
        percent(t.left_out.review_share()),
    )
}
