use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use castor_domain::symbol::{BOX_SIDE, BoxImage, MODEL_OUTPUTS};
use castor_learn::augment::Augmentation;
use castor_learn::evaluate::evaluate;
use castor_learn::onnx::{ModelLabel, to_onnx};
use castor_learn::seed::Purpose;
use castor_learn::source::draw_many;
use castor_learn::train::{FineTuneData, Progress, TrainConfig, fine_tune, train_base};
use castor_learn::{LearnError, Predictor, Weights};

use crate::shapes::shape;

fn small(epochs: usize) -> TrainConfig {
    TrainConfig {
        epochs,
        epoch_samples: 640,
        batch: 32,
        ..TrainConfig::base(11)
    }
}

fn go_on(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_network_learns_simple_shapes_with_some_labels_unknown() {
    let mut losses = Vec::new();
    let trained = train_base(&shape, &small(3), &mut |p| {
        losses.push(p.loss);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(losses.len(), 3);
    assert!(losses[2] < losses[0]);
    let held_out = draw_many(&shape, 400, 99, Purpose::HeldOut);
    let judged = evaluate(
        &Predictor::new(std::slice::from_ref(&trained.weights)).unwrap(),
        &held_out,
    )
    .unwrap();
    assert!(judged.symbols.accuracy() > 0.97, "{:?}", judged.symbols);
    assert!(judged.overwritten.recall() > 0.9, "{:?}", judged.overwritten);
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let train = |seed| {
        let config = TrainConfig { seed, ..small(1) };
        train_base(&shape, &config, &mut go_on)
            .unwrap()
            .weights
            .fingerprint()
            .unwrap()
    };
    assert_eq!(train(4), train(4));
    assert_ne!(train(4), train(5));
}

#[test]
fn stopping_and_resuming_gives_the_weights_of_never_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let with_checkpoint = TrainConfig {
        checkpoint: Some(folder.path().join("state")),
        resume: true,
        ..small(3)
    };
    let whole = train_base(&shape, &small(3), &mut go_on).unwrap();
    let part = train_base(&shape, &with_checkpoint, &mut |p| {
        if p.epoch == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert_eq!((part.epochs, whole.epochs), (2, 3));
    let mut heard = Vec::new();
    let resumed = train_base(&shape, &with_checkpoint, &mut |p| {
        heard.push(p.epoch);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(heard, [3]);
    assert_eq!(
        resumed.weights.fingerprint().unwrap(),
        whole.weights.fingerprint().unwrap()
    );
    assert_ne!(
        part.weights.fingerprint().unwrap(),
        whole.weights.fingerprint().unwrap()
    );
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("state");
    let first = TrainConfig {
        epoch_samples: 32,
        checkpoint: Some(checkpoint.clone()),
        ..small(1)
    };
    train_base(&shape, &first, &mut go_on).unwrap();
    let other = TrainConfig {
        seed: 12,
        resume: true,
        ..first.clone()
    };
    let refused = train_base(&shape, &other, &mut go_on).unwrap_err();
    assert!(matches!(&refused, LearnError::OtherTraining { path } if *path == checkpoint));

    std::fs::write(&checkpoint, b"CASTORT1 but no more").unwrap();
    let refused = train_base(&shape, &TrainConfig { resume: true, ..first }, &mut go_on).unwrap_err();
    assert_eq!(refused.code(), "FORMAT");
}

#[test]
fn weights_come_back_from_their_file_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let weights = Weights::untrained(5).unwrap();
    weights.save(&path).unwrap();
    assert_eq!(Weights::load(&path).unwrap(), weights);
    let fingerprint = |seed| Weights::untrained(seed).unwrap().fingerprint().unwrap();
    assert_eq!(fingerprint(5), weights.fingerprint().unwrap());
    assert_ne!(fingerprint(6), fingerprint(5));
    std::fs::write(&path, b"something else").unwrap();
    assert_eq!(Weights::load(&path).unwrap_err().code(), "WEIGHTS");
}

#[test]
fn fine_tuning_needs_real_boxes() {
    let weights = Weights::untrained(1).unwrap();
    let data = FineTuneData {
        corpus: &[],
        replay: &[],
        replay_share: 0.3,
        augmentation: Augmentation::STRONG,
    };
    let refused = fine_tune(&weights, &data, &small(1), &mut go_on).unwrap_err();
    assert_eq!(refused.code(), "NO_SAMPLES");
}

#[test]
fn fine_tuning_learns_from_few_boxes_and_keeps_the_replay() {
    let corpus = draw_many(&shape, 60, 1, Purpose::Pool);
    let replay = draw_many(&shape, 60, 2, Purpose::Pool);
    let weights = Weights::untrained(1).unwrap();
    let data = FineTuneData {
        corpus: &corpus,
        replay: &replay,
        replay_share: 0.3,
        augmentation: Augmentation::LIGHT,
    };
    let tuned = fine_tune(&weights, &data, &small(4), &mut go_on).unwrap();
    let held_out = draw_many(&shape, 400, 99, Purpose::HeldOut);
    let judged = evaluate(
        &Predictor::new(std::slice::from_ref(&tuned.weights)).unwrap(),
        &held_out,
    )
    .unwrap();
    assert!(judged.symbols.accuracy() > 0.9, "{:?}", judged.symbols);
}

fn runtime_library() -> PathBuf {
    let home = std::env::var_os("CASTOR_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/castor"),
        PathBuf::from,
    );
    home.join("lib/libonnxruntime.so")
}

type Failure = Box<dyn std::error::Error>;

fn run_onnx(library: &Path, model: &[u8], boxes: &[BoxImage]) -> Result<(Vec<f32>, Option<String>), Failure> {
    let environment = ort::init_from(library)?.with_telemetry(false).build()?;
    let mut session = ort::session::Session::builder(&environment)?
        .with_intra_threads(1)?
        .commit_from_memory(model)?;
    let ink: Vec<f32> = boxes
        .iter()
        .flat_map(|b| b.0.iter().map(|v| f32::from(*v) / 255.0))
        .collect();
    let tensor = ort::value::TensorRef::from_array_view(([boxes.len(), 1, BOX_SIDE, BOX_SIDE], ink.as_slice()))?;
    let outputs = session.run(ort::inputs!["boxes" => tensor])?;
    let logits = outputs["logits"].try_extract_tensor::<f32>()?.1.to_vec();
    drop(outputs);
    Ok((logits, session.metadata()?.custom("castor.version")))
}

#[test]
fn the_exported_model_says_what_the_networks_say_together() {
    let library = runtime_library();
    if !library.exists() {
        eprintln!("skipped: no ONNX Runtime at {}", library.display());
        return;
    }
    let members = [1, 2].map(|seed| train_base(&shape, &small(seed), &mut go_on).unwrap().weights);
    let label = ModelLabel {
        version: "test-1".into(),
        temperature: 1.7,
        threshold: 0.98,
    };
    let boxes: Vec<BoxImage> = draw_many(&shape, 33, 3, Purpose::HeldOut)
        .into_iter()
        .map(|s| s.image)
        .collect();
    let (found, version) = run_onnx(&library, &to_onnx(&members, &label).unwrap(), &boxes).unwrap();
    let expected = Predictor::new(&members).unwrap().with_temperature(1.7).logits(&boxes);
    assert_eq!(found.len(), boxes.len() * MODEL_OUTPUTS);
    let furthest = expected
        .as_flattened()
        .iter()
        .zip(&found)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(furthest < 1e-4, "{furthest}");
    assert_eq!(version.as_deref(), Some("test-1"));
}
