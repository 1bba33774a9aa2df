//! `castor model …`: how the symbol model is made and judged.

mod corpus;
mod judge;
mod recipe;
mod sources;

use anyhow::{Context, Result};
use castor_domain::symbol::{BoxImage, BoxReading, SymbolModel};
use castor_learn::Weights;
use castor_learn::card::{Counts, ModelCard, model_card};
use castor_learn::evaluate::{Evaluation, Score};
use castor_learn::onnx::{ModelLabel, write_onnx};
use castor_learn::sample::{Sample, ScanType, write_samples};
use castor_vision::read::FormReader;
use castor_vision::symbols::SymbolReader;
use castor_vision::text::TextReader;
use clap::{Args, Subcommand};
use corpus::{CorpusForm, read_corpus};
use judge::{Judged, judge, readings, version};
use recipe::{HeldOut, Recipe, boxes};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `castor model` does.
#[derive(Subcommand)]
pub(crate) enum Model {
    /// Train a model: a base from drawn boxes and MNIST digits, adapted to transcribed forms when there are any. Goes on
    /// where it was stopped.
    Train {
        #[command(flatten)]
        making: Making,
        /// Date that the card shows.
        #[arg(long, default_value = "not stated")]
        date: String,
    },
    /// Judge the making of a model by cross-validation over polling tables, and write its card.
    Eval(Making),
    /// Judge a model file as it is on transcribed forms that it has not learnt from.
    Score {
        /// Model file.
        model: PathBuf,
        /// Folder with `forms` and `truth`.
        corpus: PathBuf,
    },
    /// Cut the transcribed cells of a corpus to a sample file.
    Cells {
        /// Folder with `forms` and `truth`.
        corpus: PathBuf,
        /// Sample file to write.
        file: PathBuf,
    },
}

/// What decides the making of a model.
#[derive(Args)]
pub(crate) struct Making {
    /// Path without ending of what is written: STEM.checkpoint, STEM.base.weights, STEM.onnx, STEM.md.
    stem: PathBuf,
    /// Transcribed forms: a folder with `forms` and `truth`.
    #[arg(long)]
    corpus: PathBuf,
    /// Seed of every choice.
    #[arg(long, default_value_t = 11)]
    seed: u64,
    /// Networks that answer together.
    #[arg(long, default_value_t = 3)]
    networks: u64,
    /// Write every form as read by networks that have not seen its table: JSON lines as `e14 read` prints them.
    #[arg(long)]
    readings: Option<PathBuf>,
}

/// Runs one of them.
pub(crate) fn run(model: Model) -> Result<ExitCode> {
    match model {
        Model::Train { making, date } => train(&making, &date)?,
        Model::Eval(making) => eval(&making)?,
        Model::Score { model, corpus } => score(&model, &corpus)?,
        Model::Cells { corpus, file } => cells(&corpus, &file)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn cutter() -> Result<FormReader> {
    Ok(FormReader::cutter(TextReader::open(&TextReader::installed())?))
}

fn with_suffix(stem: &Path, suffix: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn cells(corpus: &Path, file: &Path) -> Result<()> {
    let forms = read_corpus(corpus, &cutter()?)?;
    for form in &forms {
        println!(
            "{}  {}  {} cells, {} not found",
            form.path.display(),
            form.table,
            form.cells.len(),
            form.not_found
        );
    }
    let samples: Vec<Sample> = forms.iter().flat_map(boxes).cloned().collect();
    Ok(write_samples(file, &samples)?)
}

fn train(making: &Making, date: &str) -> Result<()> {
    let recipe = Recipe::shipped(making.seed, making.networks);
    let base = recipe.train_base(&making.stem)?;
    base.save(&with_suffix(&making.stem, ".base.weights"))?;
    let forms = read_corpus(&making.corpus, &cutter()?)?;
    let replay = recipe.replay()?;
    let held_out = recipe.cross_validate(&base, &forms, &replay)?;
    let judged = judge(&held_out, &forms)?;
    print(&judged, &forms);
    write_readings(making.readings.as_deref(), &held_out, &judged, &forms)?;
    let corpus: Vec<Sample> = forms.iter().flat_map(boxes).cloned().collect();
    let members = recipe.adapt(&base, &corpus, &replay, "all forms")?;
    let label = ModelLabel {
        version: version(&members)?,
        temperature: judged.temperature.value,
        threshold: judged.threshold.value,
    };
    write_onnx(&with_suffix(&making.stem, ".onnx"), &members, &label)?;
    let card = Card {
        recipe: &recipe,
        date,
        version: &label.version,
        members: &members,
        learnt: corpus.iter().chain(&replay),
    };
    std::fs::write(with_suffix(&making.stem, ".md"), card.text(&judged, &forms)?)?;
    Ok(())
}

fn eval(making: &Making) -> Result<()> {
    let recipe = Recipe::shipped(making.seed, making.networks);
    let base = Weights::load(&with_suffix(&making.stem, ".base.weights"))?;
    let forms = read_corpus(&making.corpus, &cutter()?)?;
    let held_out = recipe.cross_validate(&base, &forms, &recipe.replay()?)?;
    let judged = judge(&held_out, &forms)?;
    print(&judged, &forms);
    write_readings(making.readings.as_deref(), &held_out, &judged, &forms)
}

fn write_readings(path: Option<&Path>, held_out: &HeldOut, judged: &Judged, forms: &[CorpusForm]) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let lines = readings(held_out, judged, forms)?;
    std::fs::write(path, lines).with_context(|| format!("cannot write {}", path.display()))
}

/// What the card is written from.
struct Card<'a, S> {
    recipe: &'a Recipe,
    date: &'a str,
    version: &'a str,
    members: &'a [Weights],
    learnt: S,
}

impl<'a, S: Iterator<Item = &'a Sample>> Card<'a, S> {
    fn text(self, judged: &Judged, forms: &[CorpusForm]) -> Result<String> {
        let fingerprints = self
            .members
            .iter()
            .map(Weights::fingerprint)
            .collect::<Result<Vec<_>, _>>()?;
        let counts = self.members.iter().map(Weights::count).collect::<Result<Vec<_>, _>>()?;
        let (base, tune) = (&self.recipe.base, &self.recipe.tune);
        let held_out = format!(
            "Boxes of {} forms, each read by a model of the same making that has seen no form of the same polling table ({} folds).",
            forms.len(),
            self.recipe.folds
        );
        Ok(model_card(&ModelCard {
            version: self.version,
            date: self.date,
            seed: self.recipe.seed,
            fingerprint: &fingerprints.join(", "),
            training: &[
                format!(
                    "Base: {} epochs of {} fresh samples, drawn boxes and MNIST digits.",
                    base.epochs, base.epoch_samples
                ),
                format!(
                    "Adapted: {} epochs of {} samples, {:.0} % of them drawn boxes ({:.0} % of these of kinds that few forms show), the rest boxes of transcribed forms, strongly spoilt.",
                    tune.epochs,
                    tune.epoch_samples,
                    self.recipe.replay_share * 100.0,
                    self.recipe.rare_share * 100.0
                ),
                format!(
                    "{} networks answer together, {} weights.",
                    counts.len(),
                    counts.iter().sum::<usize>()
                ),
            ],
            learnt: &Counts::of(self.learnt),
            held_out: &held_out,
            evaluation: &judged.evaluation,
            temperature: &judged.temperature,
            threshold: Some(&judged.threshold),
            fields: Some(&judged.reliability),
        }))
    }
}

fn print(judged: &Judged, forms: &[CorpusForm]) {
    let (t, c) = (&judged.temperature, &judged.threshold);
    let not_found: usize = forms.iter().map(|f| f.not_found).sum();
    println!("forms {}, transcribed cells not found {not_found}", forms.len());
    print_evaluation(&judged.evaluation);
    println!("temperature {:.3}, nll {:.4} -> {:.4}", t.value, t.before, t.after);
    println!(
        "threshold {:.4}: {} fields accepted, {} wrong, {:.2} % to review; by the other tables' threshold {} wrong, {:.2} % to review",
        c.value,
        c.accepted.fields,
        c.accepted.wrong,
        c.accepted.review_share() * 100.0,
        c.left_out.wrong,
        c.left_out.review_share() * 100.0
    );
}

fn print_evaluation(evaluation: &Evaluation) {
    let line = |name: &str, s: &Score| {
        println!("{name:<12} {}/{} = {:.2} %", s.right, s.count, s.accuracy() * 100.0);
    };
    line("symbols", &evaluation.symbols);
    line("digits", &evaluation.digits);
    for (scan, score) in ScanType::ALL.iter().zip(&evaluation.by_scan) {
        line(scan.name(), score);
    }
    println!("calibration error {:.4}", evaluation.reliability.error);
}

/// Judges a model file on boxes that it has not learnt from.
fn score(model: &Path, corpus: &Path) -> Result<()> {
    let forms = read_corpus(corpus, &cutter()?)?;
    let samples: Vec<Sample> = forms.iter().flat_map(boxes).cloned().collect();
    let pictures: Vec<BoxImage> = samples.iter().map(|s| s.image.clone()).collect();
    let readings: Vec<BoxReading> = SymbolReader::open(model)?.predict(&pictures)?;
    print_evaluation(&Evaluation::of(&samples, &readings));
    Ok(())
}
