//! Fitting the network: AdamW, cosine schedule with warm-up, seeded, resumable.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use castor_domain::symbol::{MODEL_OUTPUTS, SYMBOL_CLASSES};
use rayon::prelude::*;

use crate::augment::Augmentation;
use crate::error::{LearnError, write_whole};
use crate::network::{SymbolNet, Weights, batch, floats};
use crate::num::{share, wide};
use crate::sample::Sample;
use crate::seed::{Purpose, stream};
use crate::source::{Mixture, Pool, Source};

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainConfig {
    /// All chance comes from it.
    pub seed: u64,
    /// Number of epochs.
    pub epochs: usize,
    /// Samples drawn in each epoch.
    pub epoch_samples: usize,
    /// Samples of one step.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps, as a share of all, in which the rate rises from 0.
    pub warm_up: f64,
    /// Decay of the weights.
    pub weight_decay: f32,
    /// Probability spread evenly over all classes instead of given to the right one.
    pub label_smoothing: f32,
    /// Weight of the two signals against the classes in the loss.
    pub signal_weight: f32,
    /// File that keeps the state after each epoch.
    pub checkpoint: Option<PathBuf>,
    /// Go on from that file when it exists.
    pub resume: bool,
}

impl TrainConfig {
    /// A base model from drawn boxes: about ten minutes on one core.
    #[must_use]
    pub fn base(seed: u64) -> Self {
        Self {
            seed,
            epochs: 12,
            epoch_samples: 48_000,
            batch: 96,
            learning_rate: 3e-3,
            warm_up: 0.04,
            weight_decay: 0.02,
            label_smoothing: 0.01,
            signal_weight: 0.5,
            checkpoint: None,
            resume: false,
        }
    }

    /// Adapting a base model to real boxes: about a minute on one core.
    #[must_use]
    pub fn fine_tune(seed: u64) -> Self {
        Self {
            epochs: 6,
            epoch_samples: 8_000,
            learning_rate: 1e-3,
            warm_up: 0.1,
            ..Self::base(seed)
        }
    }

    /// Whole batches of an epoch.
    fn steps(&self) -> usize {
        self.epoch_samples.checked_div(self.batch).unwrap_or(0)
    }
}

/// Where training stands after an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Mean loss over the epoch, in nats a sample.
    pub loss: f64,
    /// Share of the epoch's samples, as spoilt for training, whose symbol was read right.
    pub accuracy: f64,
}

/// What training gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trained {
    /// The weights.
    pub weights: Weights,
    /// Epochs done; fewer than asked for when it was stopped.
    pub epochs: usize,
}

/// Trains a network from nothing.
///
/// After each epoch `progress` hears of it and may break off; the checkpoint is written before.
///
/// # Errors
/// [`LearnError::File`] and [`LearnError::OtherTraining`] for the checkpoint, [`LearnError::NoSamples`] when the
/// configuration asks for none.
pub fn train_base(
    source: &dyn Source,
    config: &TrainConfig,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Trained, LearnError> {
    let net = SymbolNet::new(config.seed, &Device::flex().autodiff());
    run(net, source, config, progress)
}

/// Trains weights further.
///
/// # Errors
/// As [`train_base`], and [`LearnError::Weights`] when the weights do not fit the network.
pub fn train_on(
    weights: &Weights,
    source: &dyn Source,
    config: &TrainConfig,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Trained, LearnError> {
    let net = SymbolNet::of(weights, &Device::flex().autodiff())?;
    run(net, source, config, progress)
}

/// What a model is adapted with.
#[derive(Clone, Copy)]
pub struct FineTuneData<'a> {
    /// Boxes of transcribed forms.
    pub corpus: &'a [Sample],
    /// Drawn boxes, so that what the corpus does not show is not forgotten; may be empty.
    pub replay: &'a [Sample],
    /// Share of the replay among what is drawn, 0–1.
    pub replay_share: f64,
    /// Spoiling of the corpus.
    pub augmentation: Augmentation,
}

/// Adapts weights to real boxes, classes balanced, strongly spoilt.
///
/// # Errors
/// As [`train_on`]; [`LearnError::NoSamples`] when the corpus is empty.
pub fn fine_tune(
    weights: &Weights,
    data: &FineTuneData<'_>,
    config: &TrainConfig,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Trained, LearnError> {
    let mut mixture = Mixture::new().with(1.0 - data.replay_share, Pool::new(data.corpus, data.augmentation)?);
    if !data.replay.is_empty() {
        mixture = mixture.with(data.replay_share, Pool::new(data.replay, Augmentation::LIGHT)?);
    }
    train_on(weights, &mixture, config, progress)
}

fn run(
    net: SymbolNet,
    source: &dyn Source,
    config: &TrainConfig,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Trained, LearnError> {
    if config.steps() == 0 {
        return Err(LearnError::NoSamples("an epoch must hold at least one batch"));
    }
    let mut training = Training {
        net,
        optimizer: AdamWConfig::new()
            .with_weight_decay(config.weight_decay)
            .with_epsilon(1e-8)
            .init(),
        epochs: 0,
    };
    if let (true, Some(path)) = (config.resume, &config.checkpoint)
        && path.exists()
    {
        training = training.resumed(path, config)?;
    }
    while training.epochs < config.epochs {
        let report;
        (training, report) = training.epoch(source, config);
        if let Some(path) = &config.checkpoint {
            Checkpoint::write(path, config, &training)?;
        }
        if progress(&report).is_break() {
            break;
        }
    }
    Ok(Trained {
        weights: training.net.weights()?,
        epochs: training.epochs,
    })
}

/// A training between two epochs.
struct Training {
    net: SymbolNet,
    optimizer: ModuleOptimizer,
    /// Epochs done.
    epochs: usize,
}

impl Training {
    fn resumed(self, path: &Path, config: &TrainConfig) -> Result<Self, LearnError> {
        let state = Checkpoint::load(path, config)?;
        Ok(Self {
            net: SymbolNet::of(&state.weights, &Device::flex().autodiff())?,
            optimizer: state.optimizer(self.optimizer)?,
            epochs: state.epochs,
        })
    }

    fn epoch(mut self, source: &dyn Source, config: &TrainConfig) -> (Self, Progress) {
        let device = Device::flex().autodiff();
        let steps = config.steps();
        let (mut loss_sum, mut right, mut known) = (0.0, 0, 0);
        for step in self.epochs * steps..(self.epochs + 1) * steps {
            let samples: Vec<Sample> = (step * config.batch..(step + 1) * config.batch)
                .into_par_iter()
                .map(|i| source.draw(&mut stream(config.seed, Purpose::Training, wide(i))))
                .collect();
            let logits = self.net.forward(batch(samples.iter().map(|s| &s.image), &device));
            let (hits, of) = hits(&logits, &samples);
            right += hits;
            known += of;
            let loss = loss(logits, &samples, config, &device);
            let gradients = GradientsParams::from_grads(loss.backward(), &self.net);
            loss_sum += f64::from(loss.into_scalar::<f32>());
            let rate = rate(config, step, config.epochs * steps);
            self.net = self.optimizer.step(rate, self.net, gradients);
        }
        self.epochs += 1;
        let report = Progress {
            epoch: self.epochs,
            epochs: config.epochs,
            loss: loss_sum / steps as f64,
            accuracy: share(right, known),
        };
        (self, report)
    }
}

/// Linear rise, then half a cosine down to 0.
fn rate(config: &TrainConfig, step: usize, steps: usize) -> f64 {
    let at = (step as f64 + 0.5) / steps as f64;
    let factor = if at < config.warm_up {
        at / config.warm_up
    } else {
        0.5 * (1.0 + (std::f64::consts::PI * (at - config.warm_up) / (1.0 - config.warm_up)).cos())
    };
    config.learning_rate * factor
}

/// Right and judged symbols of a batch.
fn hits(logits: &Tensor<2>, samples: &[Sample]) -> (usize, usize) {
    let values = floats(logits.clone().inner());
    let judged = values
        .chunks_exact(MODEL_OUTPUTS)
        .zip(samples)
        .filter_map(|(row, sample)| {
            let symbol = sample.symbol?;
            let best = (0..SYMBOL_CLASSES).max_by(|a, b| row[*a].total_cmp(&row[*b]))?;
            Some(best == symbol.class())
        });
    judged.fold((0, 0), |(right, all), hit| (right + usize::from(hit), all + 1))
}

/// Mean cross-entropy over the samples whose symbol is known, plus the mean logistic loss of the known signals.
fn loss(logits: Tensor<2>, samples: &[Sample], config: &TrainConfig, device: &Device) -> Tensor<1> {
    let count = samples.len();
    let smooth = config.label_smoothing;
    let known = samples.iter().filter(|s| s.symbol.is_some()).count().max(1) as f32;
    let mut targets = vec![0.0_f32; count * SYMBOL_CLASSES];
    let mut signals = vec![0.0_f32; count * 2];
    let mut weights = vec![0.0_f32; count * 2];
    for (i, sample) in samples.iter().enumerate() {
        if let Some(symbol) = sample.symbol {
            let row = &mut targets[i * SYMBOL_CLASSES..(i + 1) * SYMBOL_CLASSES];
            row.fill(smooth / SYMBOL_CLASSES as f32 / known);
            row[symbol.class()] += (1.0 - smooth) / known;
        }
        for (k, signal) in [sample.cross, sample.overwritten].into_iter().enumerate() {
            if let Some(signal) = signal {
                signals[i * 2 + k] = f32::from(u8::from(signal));
                weights[i * 2 + k] = config.signal_weight / count as f32;
            }
        }
    }
    let tensor = |values: Vec<f32>, width: usize| -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, [count, width]), device)
    };
    let classes = log_softmax(logits.clone().slice([0..count, 0..SYMBOL_CLASSES]), 1);
    let class_loss = (classes * tensor(targets, SYMBOL_CLASSES)).sum().neg();
    let z = logits.slice([0..count, SYMBOL_CLASSES..MODEL_OUTPUTS]);
    // max(z, 0) − z·y + ln(1 + e^−|z|)
    let logistic =
        z.clone().clamp_min(0.0) - z.clone() * tensor(signals, 2) + z.abs().neg().exp().add_scalar(1.0).log();
    class_loss + (logistic * tensor(weights, 2)).sum()
}

/// State of a training between epochs. The samples of an epoch depend on seed and epoch alone, so no generator's state
/// need be kept.
struct Checkpoint {
    epochs: usize,
    weights: Weights,
    optimizer: Vec<u8>,
}

impl Checkpoint {
    const MAGIC: &[u8; 8] = b"CASTORT1";

    fn write(path: &Path, config: &TrainConfig, training: &Training) -> Result<(), LearnError> {
        let state = training.optimizer.into_bytes();
        let state = state.map_err(|e| LearnError::Weights(e.to_string()))?;
        let weights = training.net.weights()?;
        let settings = settings(config);
        let mut bytes = Self::MAGIC.to_vec();
        bytes.extend_from_slice(&wide(training.epochs).to_le_bytes());
        for part in [settings.as_bytes(), &weights.0, &state] {
            bytes.extend_from_slice(&wide(part.len()).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        write_whole(path, &bytes)
    }

    fn load(path: &Path, config: &TrainConfig) -> Result<Self, LearnError> {
        let bytes = std::fs::read(path).map_err(LearnError::file(path))?;
        let (written_with, state) = Self::decode(&bytes).ok_or_else(|| LearnError::Format {
            path: path.to_owned(),
            expected: "training checkpoint",
            reason: "it is damaged or something else".into(),
        })?;
        if written_with == settings(config).as_bytes() {
            Ok(state)
        } else {
            Err(LearnError::OtherTraining { path: path.to_owned() })
        }
    }

    fn decode(bytes: &[u8]) -> Option<(Vec<u8>, Self)> {
        let mut rest = bytes.strip_prefix(Self::MAGIC.as_slice())?;
        let mut number = || -> Option<usize> {
            let (head, tail) = rest.split_first_chunk::<8>()?;
            rest = tail;
            usize::try_from(u64::from_le_bytes(*head)).ok()
        };
        let epochs = number()?;
        let mut part = || -> Option<Vec<u8>> {
            let (head, tail) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*head)).ok()?;
            let (part, tail) = tail.split_at_checked(length)?;
            rest = tail;
            Some(part.to_vec())
        };
        let (settings, weights, optimizer) = (part()?, part()?, part()?);
        let state = Self {
            epochs,
            weights: Weights(weights),
            optimizer,
        };
        rest.is_empty().then_some((settings, state))
    }

    fn optimizer(&self, fresh: ModuleOptimizer) -> Result<ModuleOptimizer, LearnError> {
        fresh
            .from_bytes(Bytes::from_bytes_vec(self.optimizer.clone()))
            .map_err(|e| LearnError::Weights(e.to_string()))
    }
}

/// What two trainings must share for one to go on where the other stopped.
fn settings(config: &TrainConfig) -> String {
    let plain = TrainConfig {
        checkpoint: None,
        resume: false,
        ..config.clone()
    };
    format!("{plain:?}")
}
