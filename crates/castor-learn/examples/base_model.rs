//! Trains a base model on drawn boxes and MNIST digits, judges it on boxes of other seeds and writes it.
//!
//! `cargo run --release -p castor-learn --example base_model -- OUT_STEM [EPOCHS] [EPOCH_SAMPLES] [SEED]` writes
//! OUT_STEM.weights, OUT_STEM.onnx and OUT_STEM.md. The MNIST files are looked for in `$CASTOR_HOME/data/mnist`, default
//! `~/.cache/castor/data/mnist`.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use castor_domain::symbol::{BoxImage, Symbol};
use castor_learn::augment::Augmentation;
use castor_learn::calibrate::fit_temperature;
use castor_learn::card::{Counts, ModelCard, model_card};
use castor_learn::evaluate::{Evaluation, evaluate};
use castor_learn::mnist::{MNIST_SIDE, MnistDigit, MnistPart, read_mnist};
use castor_learn::onnx::{ModelLabel, write_onnx};
use castor_learn::sample::{Origin, Sample, ScanType};
use castor_learn::seed::Purpose;
use castor_learn::source::{Mixture, Source, Spoilt, draw_many};
use castor_learn::train::{TrainConfig, train_base};
use castor_learn::{Predictor, Weights};
use castor_testkit::boxes::{BoxScan, BoxStyle, LabelledBox, sample_box, sample_box_with_ink};
use castor_testkit::hand::Hand;
use image::GrayImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let stem = args
        .next()
        .ok_or("usage: base_model OUT_STEM [EPOCHS] [EPOCH_SAMPLES] [SEED]")?;
    let mut number = || args.next().map(|s| s.parse::<usize>()).transpose();
    let (epochs, epoch_samples, seed) = (number()?, number()?, number()?.unwrap_or(1));
    let seed = u64::try_from(seed)?;
    let base = TrainConfig::base(seed);
    let config = TrainConfig {
        epochs: epochs.unwrap_or(base.epochs),
        epoch_samples: epoch_samples.unwrap_or(base.epoch_samples),
        checkpoint: Some(PathBuf::from(format!("{stem}.checkpoint"))),
        resume: true,
        ..base
    };

    let train = read_mnist(&mnist_folder(), MnistPart::Train)?;
    let test = read_mnist(&mnist_folder(), MnistPart::Test)?;
    let source = Mixture::new()
        .with(0.85, Spoilt::new(drawn, Augmentation::LIGHT))
        .with(0.15, Spoilt::new(placed(&train), Augmentation::LIGHT));
    let started = Instant::now();
    let trained = train_base(&source, &config, &mut |p| {
        let seconds = started.elapsed().as_secs_f64();
        eprintln!(
            "epoch {}/{} loss {:.4} accuracy {:.4} {seconds:.0} s",
            p.epoch, p.epochs, p.loss, p.accuracy
        );
        ControlFlow::Continue(())
    })?;
    trained.weights.save(format!("{stem}.weights").as_ref())?;
    report(&stem, &trained.weights, &config, &test, &source)
}

fn report(
    stem: &str,
    weights: &Weights,
    config: &TrainConfig,
    test: &[MnistDigit],
    source: &dyn Source,
) -> Result<(), Box<dyn Error>> {
    let held_seed = config.seed ^ 0x5eed;
    let mut held_out = draw_many(&drawn, 16_000, held_seed, Purpose::HeldOut);
    held_out.extend(draw_many(&placed(test), 4_000, held_seed, Purpose::HeldOut));
    let symbols: Vec<Symbol> = held_out.iter().filter_map(|s| s.symbol).collect();
    let boxes: Vec<BoxImage> = held_out.iter().map(|s| s.image.clone()).collect();
    let predictor = Predictor::new(weights)?;
    let temperature = fit_temperature(&predictor.logits(&boxes), &symbols)?;
    let predictor = predictor.with_temperature(temperature.value);
    let evaluation = evaluate(&predictor, &held_out)?;
    print_scores(&evaluation);
    let version = format!("base-{}", weights.fingerprint()?);
    write_onnx(
        format!("{stem}.onnx").as_ref(),
        weights,
        &ModelLabel {
            version: version.clone(),
            temperature: temperature.value,
            threshold: 0.99,
        },
    )?;
    let learnt = Counts::of(&draw_many(source, 20_000, config.seed, Purpose::Training));
    let card = model_card(&ModelCard {
        version: &version,
        date: "undated",
        seed: config.seed,
        fingerprint: &weights.fingerprint()?,
        training: &[
            format!(
                "{} epochs of {} fresh samples, 85 % drawn, 15 % MNIST digits; counts of the first 20,000",
                config.epochs, config.epoch_samples
            ),
            format!("{} weights", weights.count()?),
        ],
        learnt: &learnt,
        held_out: "Drawn by other seeds, and digits of the MNIST test part.",
        evaluation: &evaluation,
        temperature: &temperature,
        threshold: None,
        fields: None,
    });
    std::fs::write(format!("{stem}.md"), card)?;
    Ok(())
}

fn print_scores(evaluation: &Evaluation) {
    eprintln!(
        "held out: all {:.4}, digits {:.4}, nll {:.4}, calibration error {:.4}",
        evaluation.symbols.accuracy(),
        evaluation.digits.accuracy(),
        evaluation.nll,
        evaluation.reliability.error
    );
    for (scan, score) in ScanType::ALL.iter().zip(&evaluation.by_scan) {
        eprintln!("  {} {:.4} of {}", scan.name(), score.accuracy(), score.count);
    }
    for (origin, score) in Origin::ALL.iter().zip(&evaluation.by_origin) {
        eprintln!("  {} {:.4} of {}", origin.name(), score.accuracy(), score.count);
    }
    eprintln!(
        "  overwritten {:?}, cross {:?}",
        evaluation.overwritten, evaluation.cross
    );
}

fn mnist_folder() -> PathBuf {
    let home = std::env::var_os("CASTOR_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/castor"),
        PathBuf::from,
    );
    home.join("data/mnist")
}

fn drawn(rng: &mut ChaCha8Rng) -> Sample {
    let (hand, mut style) = (Hand::sample(rng), BoxStyle::sample(rng));
    // More often than people correct themselves, so that the signal is learnt.
    style.corrected = 0.12;
    sample(sample_box(rng, &hand, None, &style), &style, Origin::Synthetic)
}

fn placed(digits: &[MnistDigit]) -> impl Source {
    move |rng: &mut ChaCha8Rng| {
        let digit = &digits[rng.random_range(0..digits.len())];
        let style = BoxStyle::sample(rng);
        let side = u32::try_from(MNIST_SIDE).unwrap_or_default();
        let ink = GrayImage::from_raw(side, side, digit.pixels.clone()).unwrap_or_default();
        let drawn = sample_box_with_ink(rng, &ink, Symbol::Digit(digit.digit), &style);
        sample(drawn, &style, Origin::Mnist)
    }
}

fn sample(drawn: LabelledBox, style: &BoxStyle, origin: Origin) -> Sample {
    Sample {
        image: drawn.image,
        symbol: Some(drawn.symbol),
        cross: Some(drawn.cross),
        overwritten: Some(drawn.overwritten),
        group: String::new(),
        scan: match style.scan {
            BoxScan::Bitonal { .. } => ScanType::Bitonal,
            BoxScan::Grey { .. } if style.native >= 52.0 => ScanType::Colour,
            BoxScan::Grey { .. } => ScanType::Photo,
        },
        origin,
    }
}
