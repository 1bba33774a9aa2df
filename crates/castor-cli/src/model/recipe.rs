//! How the shipped model is made: a base from drawn boxes and MNIST digits, adapted to transcribed forms; judged, and its
//! temperature and threshold chosen, on tables that a model of the same making has not seen.

use super::corpus::{CorpusCell, CorpusForm};
use super::sources::{mnist, synthetic};
use anyhow::Result;
use castor_domain::grammar::{MarkConvention, ReviewPolicy, read_field};
use castor_domain::symbol::{BoxImage, BoxReading, MODEL_OUTPUTS, SYMBOL_CLASSES, Symbol};
use castor_learn::augment::Augmentation;
use castor_learn::calibrate::{Reliability, Temperature, fit_temperature};
use castor_learn::evaluate::Evaluation;
use castor_learn::folds::{Folds, folds_by_group};
use castor_learn::mnist::MnistPart;
use castor_learn::sample::Sample;
use castor_learn::seed::Purpose;
use castor_learn::source::draw_many;
use castor_learn::threshold::{ChosenThreshold, ErrorTarget, HeldOutField, choose_threshold};
use castor_learn::train::{FineTuneData, Progress, TrainConfig, fine_tune, train_base};
use castor_learn::{Predictor, Weights};
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::path::Path;

/// Everything that decides what a training gives.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// All chance comes from it.
    pub(crate) seed: u64,
    /// The base.
    pub(crate) base: TrainConfig,
    /// Adapting it.
    pub(crate) tune: TrainConfig,
    /// Drawn boxes that are shown again while adapting.
    pub(crate) replay: usize,
    /// Their share.
    pub(crate) replay_share: f64,
    /// Networks adapted from the base, each by its own chance; they answer together.
    pub(crate) members: u64,
    /// Folds of the cross-validation.
    pub(crate) folds: usize,
}

impl Recipe {
    /// The recipe of the shipped model.
    pub(crate) fn shipped(seed: u64) -> Self {
        Self {
            seed,
            base: TrainConfig {
                epochs: 60,
                epoch_samples: 12_000,
                ..TrainConfig::base(seed)
            },
            tune: TrainConfig::fine_tune(seed),
            replay: 12_000,
            replay_share: 0.3,
            members: 3,
            folds: 5,
        }
    }

    /// Trains the base; goes on from its checkpoint `STEM.checkpoint` when there is one.
    pub(crate) fn train_base(&self, stem: &Path) -> Result<Weights> {
        let config = TrainConfig {
            checkpoint: Some(stem.with_extension("checkpoint")),
            resume: true,
            ..self.base.clone()
        };
        let digits = mnist(MnistPart::Train)?;
        let trained = train_base(&synthetic(&digits), &config, &mut reporter("base"))?;
        Ok(trained.weights)
    }

    /// Drawn boxes that are shown again while adapting.
    pub(crate) fn replay(&self) -> Result<Vec<Sample>> {
        let digits = mnist(MnistPart::Train)?;
        Ok(draw_many(&synthetic(&digits), self.replay, self.seed, Purpose::Pool))
    }

    /// Adapts a base to boxes of transcribed forms, once for each member.
    pub(crate) fn adapt(
        &self,
        base: &Weights,
        corpus: &[Sample],
        replay: &[Sample],
        name: &str,
    ) -> Result<Vec<Weights>> {
        let data = FineTuneData {
            corpus,
            replay,
            replay_share: self.replay_share,
            augmentation: Augmentation::STRONG,
        };
        (0..self.members)
            .map(|member| {
                let config = TrainConfig {
                    seed: self.seed + member,
                    ..self.tune.clone()
                };
                let mut report = reporter(&format!("{name}, network {}/{}", member + 1, self.members));
                Ok(fine_tune(base, &data, &config, &mut report)?.weights)
            })
            .collect()
    }

    /// Adapts one model for each fold, which has seen none of the fold's tables, and keeps what it makes of them.
    pub(crate) fn cross_validate(&self, base: &Weights, forms: &[CorpusForm], replay: &[Sample]) -> Result<HeldOut> {
        let tables: Vec<&str> = forms.iter().map(|f| f.table.as_str()).collect();
        let folds = folds_by_group(&tables, self.folds, self.seed);
        let mut models = Vec::new();
        let mut cells = Vec::new();
        for fold in 0..folds.count() {
            let (learn, judge) = folds.split(fold);
            let corpus: Vec<Sample> = learn.iter().flat_map(|i| boxes(&forms[*i])).cloned().collect();
            let members = self.adapt(base, &corpus, replay, &format!("fold {}/{}", fold + 1, folds.count()))?;
            let predictor = Predictor::new(&members)?;
            for form in judge {
                cells.extend(held_out(&predictor, &forms[form], form));
            }
            models.push(members);
        }
        Ok(HeldOut { folds, models, cells })
    }
}

/// All boxes of a form's cells.
pub(crate) fn boxes(form: &CorpusForm) -> impl Iterator<Item = &Sample> {
    form.cells.iter().flat_map(|c| &c.boxes)
}

/// What a model without temperature makes of the cells of a form that it has not seen.
pub(crate) fn held_out(predictor: &Predictor, form: &CorpusForm, position: usize) -> Vec<HeldOutCell> {
    let pictures: Vec<BoxImage> = boxes(form).map(|s| s.image.clone()).collect();
    let logits = predictor.logits(&pictures);
    form.cells
        .iter()
        .zip(logits.as_chunks::<3>().0)
        .map(|(cell, logits)| HeldOutCell {
            form: position,
            cell: cell.clone(),
            logits: *logits,
        })
        .collect()
}

/// A cell with the raw outputs of a model that has not seen its table.
#[derive(Debug, Clone)]
pub(crate) struct HeldOutCell {
    /// Position of its form in the corpus.
    pub(crate) form: usize,
    /// The cell.
    pub(crate) cell: CorpusCell,
    /// Outputs for its boxes, before any temperature.
    pub(crate) logits: [[f32; MODEL_OUTPUTS]; 3],
}

/// What cross-validation gave.
pub(crate) struct HeldOut {
    /// Fold of each form.
    pub(crate) folds: Folds,
    /// The model that has not seen a fold.
    pub(crate) models: Vec<Vec<Weights>>,
    /// Every cell, read by the model that has not seen it.
    pub(crate) cells: Vec<HeldOutCell>,
}

impl HeldOut {
    /// Temperature and threshold for a fold, chosen on the cells of the others.
    pub(crate) fn settle_without(&self, fold: usize, forms: &[CorpusForm]) -> Result<Settled> {
        let others = self.cells.iter().filter(|c| self.folds.of()[c.form] != fold);
        Settled::on(&others.collect::<Vec<_>>(), forms)
    }

    /// Temperature and threshold chosen on every cell.
    pub(crate) fn settle(&self, forms: &[CorpusForm]) -> Result<Settled> {
        Settled::on(&self.cells.iter().collect::<Vec<_>>(), forms)
    }
}

/// What is chosen and measured on held-out cells.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) temperature: Temperature,
    pub(crate) threshold: ChosenThreshold,
    pub(crate) evaluation: Evaluation,
    pub(crate) fields: Reliability,
}

/// Rows of the table of stated against met confidence.
const BINS: usize = 10;

impl Settled {
    /// Fits the temperature on boxes, then chooses the threshold on the fields that they make.
    pub(crate) fn on(cells: &[&HeldOutCell], forms: &[CorpusForm]) -> Result<Self> {
        let known: Vec<([f32; MODEL_OUTPUTS], Symbol)> = cells
            .iter()
            .flat_map(|c| c.logits.iter().zip(&c.cell.boxes))
            .filter_map(|(logits, sample)| Some((*logits, sample.symbol?)))
            .collect();
        let (logits, symbols): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let temperature = fit_temperature(&logits, &symbols)?;
        let mut samples = Vec::new();
        let mut readings = Vec::new();
        let mut fields = Vec::new();
        for held in cells {
            let three = held.logits.map(|l| tempered(l, temperature.value));
            if held.cell.decidable {
                fields.push(field(&held.cell, &three, &forms[held.form].table));
            }
            samples.extend(held.cell.boxes.iter().cloned());
            readings.extend(three);
        }
        Ok(Self {
            threshold: choose_threshold(&fields, &ErrorTarget::default())?,
            fields: Reliability::of(fields.iter().map(|f| (f.confidence, f.correct)), BINS),
            evaluation: Evaluation::of(&samples, &readings),
            temperature,
        })
    }
}

/// The reading that outputs mean at a temperature.
fn tempered(mut logits: [f32; MODEL_OUTPUTS], temperature: f32) -> BoxReading {
    for logit in &mut logits[..SYMBOL_CLASSES] {
        *logit /= temperature;
    }
    BoxReading::from_logits(&logits)
}

/// The machine's decision on a cell; one that goes to a person whatever its confidence counts as confidence 0.
fn field(cell: &CorpusCell, boxes: &[BoxReading; 3], table: &str) -> HeldOutField {
    const POLICY: ReviewPolicy = ReviewPolicy {
        threshold: 0.0,
        overwritten_threshold: 0.5,
        cross_threshold: 0.5,
    };
    let decision = read_field(boxes, MarkConvention::FILLERS, &POLICY);
    HeldOutField {
        form: table.to_owned(),
        confidence: if decision.needs_review() {
            0.0
        } else {
            decision.confidence
        },
        correct: decision.value.unwrap_or(0) == cell.value.unwrap_or(0),
    }
}

/// Shows how a training goes on.
fn reporter(name: &str) -> impl FnMut(&Progress) -> ControlFlow<()> + use<> {
    let bar = ProgressBar::new(0).with_prefix(name.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} epochs, {msg}, {eta} left") {
        bar.set_style(style);
    }
    move |p| {
        bar.set_length(u64::try_from(p.epochs).unwrap_or(u64::MAX));
        bar.set_message(format!("loss {:.4}, right {:.4}", p.loss, p.accuracy));
        bar.inc(1);
        ControlFlow::Continue(())
    }
}
