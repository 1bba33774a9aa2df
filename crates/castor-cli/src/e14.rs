//! `castor e14 …`

use crate::{overlay, report, table};
use anyhow::{Context, Result, bail};
use castor_vision::input::{Document, Limits};
use castor_vision::read::{FormReader, ReadError, ReadForm, Timings};
use castor_vision::symbols::SymbolReader;
use castor_vision::text::TextReader;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What `castor e14 read` takes.
#[derive(Args)]
pub(crate) struct ReadArguments {
    /// PDFs, images, or folders of page images.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One JSON object a line for each form (the default).
    #[arg(long, conflicts_with = "table")]
    json: bool,
    /// Print each form as a person would read it.
    #[arg(long)]
    table: bool,
    /// Write each page with its cells coloured by state to this folder.
    #[arg(long, value_name = "DIR")]
    overlay: Option<PathBuf>,
    /// Forms read at the same time.
    #[arg(long, default_value_t = default_jobs())]
    jobs: usize,
    /// Symbol model to use instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Reads forms. The exit code is 0 when every file was read, 2 when one was not.
pub(crate) fn read(arguments: &ReadArguments) -> Result<ExitCode> {
    let reader = open_reader(arguments.model.as_deref())?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.jobs.max(1))
        .build()?;
    let progress = progress_bar(arguments.paths.len());
    let results: Vec<(String, bool)> = pool.install(|| {
        arguments
            .paths
            .par_iter()
            .map(|path| {
                let start = Instant::now();
                let outcome = guarded(&reader, path, arguments.overlay.as_deref());
                progress.inc(1);
                match outcome {
                    Ok((form, pictures)) if arguments.table => (table::of(path, &form, &pictures), true),
                    Ok((form, _)) => (
                        report::json(path, &form, reader.model_version(), start.elapsed()).to_string(),
                        true,
                    ),
                    Err(error) => (report::failure(path, &error, arguments.table), false),
                }
            })
            .collect()
    });
    progress.finish_and_clear();
    for (text, _) in &results {
        println!("{text}");
    }
    Ok(if results.iter().all(|r| r.1) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// Reads one form; a defect met by one file is that file's error and never stops the others.
fn guarded(reader: &FormReader, path: &Path, folder: Option<&Path>) -> Result<(ReadForm, Vec<PathBuf>)> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(reader, path, folder))).unwrap_or_else(|_| {
        Err(anyhow::anyhow!(
            "the reader failed on this file; please report it with the file"
        ))
    })
}

/// Reads one form and draws its overlays.
fn one(reader: &FormReader, path: &Path, folder: Option<&Path>) -> Result<(ReadForm, Vec<PathBuf>)> {
    let document = Document::open(path, &Limits::default()).map_err(ReadError::from)?;
    let form = reader.read(&document)?;
    let pictures = match folder {
        Some(folder) => overlay::draw(&document, &form.reading, path, folder)?,
        None => Vec::new(),
    };
    Ok((form, pictures))
}

/// The model that ships with the program; its card is models/symbols.md.
const SHIPPED_MODEL: &[u8] = include_bytes!("../../../models/symbols.onnx");

/// Opens the models: the shipped symbol model unless another is named, by argument or by CASTOR_MODEL.
pub(crate) fn open_reader(model: Option<&Path>) -> Result<FormReader> {
    let text = TextReader::open(&TextReader::installed())?;
    let other = model
        .map(Path::to_owned)
        .or_else(|| std::env::var_os("CASTOR_MODEL").map(PathBuf::from));
    let symbols = match other {
        Some(path) => SymbolReader::open(&path).with_context(|| format!("symbol model {}", path.display()))?,
        None => SymbolReader::of_bytes(Path::new("models/symbols.onnx"), SHIPPED_MODEL.to_vec())?,
    };
    Ok(FormReader::new(text, symbols))
}

fn progress_bar(files: usize) -> ProgressBar {
    if files < 2 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(files).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} formularios, faltan {eta}") {
        bar.set_style(style);
    }
    bar
}

/// Times the reading of every form of a folder.
pub(crate) fn bench(folder: &Path, jobs: usize) -> Result<ExitCode> {
    let reader = open_reader(None)?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.is_file())
        .collect();
    paths.sort();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.max(1)).build()?;
    let start = Instant::now();
    let done: Vec<(usize, Timings)> = pool.install(|| {
        paths
            .par_iter()
            .filter_map(|path| one(&reader, path, None).ok())
            .map(|(form, _)| (form.reading.pages.len(), form.timings))
            .collect()
    });
    let wall = start.elapsed();
    let pages: usize = done.iter().map(|d| d.0).sum();
    if pages == 0 {
        bail!("{}: no form could be read", folder.display());
    }
    let count = u32::try_from(pages).unwrap_or(u32::MAX);
    let sum = |part: fn(&Timings) -> Duration| done.iter().map(|d| part(&d.1)).sum::<Duration>();
    println!("forms {}, pages {pages}, threads {jobs}", done.len());
    println!("pages a second   {:.2}", f64::from(count) / wall.as_secs_f64());
    for (name, part) in [
        ("decode", (|t| t.decode) as fn(&Timings) -> Duration),
        ("register", |t| t.register),
        ("header", |t| t.header),
        ("layout", |t| t.layout),
        ("symbols", |t| t.symbols),
    ] {
        println!(
            "{name:<17}{:.1} ms a page",
            sum(part).as_secs_f64() * 1e3 / f64::from(count)
        );
    }
    if let Some(memory) = peak_memory() {
        println!("peak memory      {memory}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Peak resident memory as the system tells it.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .map(|v| v.trim().to_owned())
}
