//! How the shipped model is made: a base from drawn boxes and MNIST digits, adapted to transcribed forms, and the same
//! again without each fold of polling tables, for judging.

use super::corpus::CorpusForm;
use super::sources::{mnist, synthetic, with_rare};
use anyhow::Result;
use castor_domain::symbol::{BoxImage, BoxReading, MODEL_OUTPUTS, SYMBOL_CLASSES, Symbol};
use castor_learn::augment::Augmentation;
use castor_learn::calibrate::{Temperature, fit_temperature};
use castor_learn::evaluate::Evaluation;
use castor_learn::folds::{Folds, folds_by_group};
use castor_learn::mnist::MnistPart;
use castor_learn::sample::Sample;
use castor_learn::seed::Purpose;
use castor_learn::source::draw_many;
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
    /// Boxes that few forms show among those drawn boxes.
    pub(crate) rare_share: f64,
    /// Networks adapted from the base, each by its own chance; they answer together.
    pub(crate) members: u64,
    /// Folds of the cross-validation.
    pub(crate) folds: usize,
}

impl Recipe {
    /// The recipe of the shipped model.
    pub(crate) fn shipped(seed: u64, members: u64) -> Self {
        Self {
            seed,
            base: TrainConfig {
                epochs: 60,
                epoch_samples: 12_000,
                ..TrainConfig::base(seed)
            },
            tune: TrainConfig::fine_tune(seed),
            replay: 12_000,
            replay_share: 0.4,
            rare_share: 0.4,
            members,
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
        let source = with_rare(&digits, self.rare_share);
        Ok(draw_many(&source, self.replay, self.seed, Purpose::Pool))
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
        let mut all = Vec::new();
        for fold in 0..folds.count() {
            let (learn, judge) = folds.split(fold);
            let corpus: Vec<Sample> = learn.iter().flat_map(|i| boxes(&forms[*i])).cloned().collect();
            let members = self.adapt(base, &corpus, replay, &format!("fold {}/{}", fold + 1, folds.count()))?;
            let predictor = Predictor::new(&members)?;
            for form in judge {
                all.extend(held_out(&predictor, &forms[form], form));
            }
            models.push(members);
        }
        Ok(HeldOut {
            folds,
            models,
            boxes: all,
        })
    }
}

/// All boxes of a form's cells.
pub(crate) fn boxes(form: &CorpusForm) -> impl Iterator<Item = &Sample> {
    form.cells.iter().flat_map(|c| &c.boxes)
}

/// What networks without temperature make of the boxes of a form that they have not seen.
fn held_out(predictor: &Predictor, form: &CorpusForm, position: usize) -> Vec<HeldOutBox> {
    let pictures: Vec<BoxImage> = boxes(form).map(|s| s.image.clone()).collect();
    boxes(form)
        .zip(predictor.logits(&pictures))
        .map(|(sample, logits)| HeldOutBox {
            form: position,
            sample: sample.clone(),
            logits,
        })
        .collect()
}

/// A box with the raw outputs of a model that has not seen its table.
#[derive(Debug, Clone)]
pub(crate) struct HeldOutBox {
    /// Position of its form in the corpus.
    pub(crate) form: usize,
    /// The box.
    pub(crate) sample: Sample,
    /// Outputs before any temperature.
    pub(crate) logits: [f32; MODEL_OUTPUTS],
}

/// What cross-validation gave.
pub(crate) struct HeldOut {
    /// Fold of each form.
    pub(crate) folds: Folds,
    /// The networks that have not seen a fold.
    pub(crate) models: Vec<Vec<Weights>>,
    /// Every box, read by the networks that have not seen it.
    pub(crate) boxes: Vec<HeldOutBox>,
}

impl HeldOut {
    /// The temperature that the boxes outside a fold ask for; that of all boxes without a fold.
    pub(crate) fn temperature(&self, fold: Option<usize>) -> Result<Temperature> {
        let (logits, symbols): (Vec<_>, Vec<Symbol>) = self
            .boxes
            .iter()
            .filter(|b| Some(self.folds.of()[b.form]) != fold)
            .filter_map(|b| Some((b.logits, b.sample.symbol?)))
            .unzip();
        Ok(fit_temperature(&logits, &symbols)?)
    }

    /// How well boxes are read at a temperature.
    pub(crate) fn evaluation(&self, temperature: &Temperature) -> Evaluation {
        let samples: Vec<Sample> = self.boxes.iter().map(|b| b.sample.clone()).collect();
        let readings: Vec<BoxReading> = self
            .boxes
            .iter()
            .map(|b| tempered(b.logits, temperature.value))
            .collect();
        Evaluation::of(&samples, &readings)
    }
}

/// The reading that outputs mean at a temperature.
fn tempered(mut logits: [f32; MODEL_OUTPUTS], temperature: f32) -> BoxReading {
    for logit in &mut logits[..SYMBOL_CLASSES] {
        *logit /= temperature;
    }
    BoxReading::from_logits(&logits)
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
