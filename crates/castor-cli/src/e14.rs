//! `castor e14 …`

use crate::ordered::in_order;
use crate::{overlay, report, table};
use anyhow::Result;
use castor_app::open_reader;
use castor_vision::input::{Document, Limits};
use castor_vision::read::{FormReader, ReadError, ReadForm};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

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
    /// Read the printed names of candidates and parties too.
    #[arg(long)]
    names: bool,
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

/// Reads forms and prints each in the order of the paths as soon as its turn comes. The exit code is 0 when every file
/// was read, 2 when one was not.
pub(crate) fn read(arguments: &ReadArguments) -> Result<ExitCode> {
    let mut reader = open_reader(arguments.model.as_deref())?;
    if arguments.names {
        reader = reader.with_names();
    }
    let progress = progress_bar(arguments.paths.len());
    let mut whole = true;
    let work = |index: usize| {
        let path = &arguments.paths[index];
        let start = Instant::now();
        let folder = arguments.overlay.as_deref();
        let answer = match guarded(&reader, path, folder) {
            Ok((form, pictures)) if arguments.table => (table::of(path, &form, &pictures), true),
            Ok((form, _)) => {
                let elapsed = start.elapsed();
                let answer = report::json(path, &form, reader.model_version(), elapsed);
                (answer.to_string(), true)
            }
            Err(error) => (report::failure(path, &error, arguments.table), false),
        };
        progress.inc(1);
        answer
    };
    let print = |(text, read): (String, bool)| {
        whole &= read;
        // The bar is wiped while a line is printed, or both would end in one line of a terminal.
        progress.suspend(|| writeln!(std::io::stdout().lock(), "{text}"))
    };
    in_order(arguments.paths.len(), arguments.jobs, work, print)?;
    progress.finish_and_clear();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Reads one form; a defect met by one file is that file's error and never stops the others.
pub(crate) fn guarded(reader: &FormReader, path: &Path, folder: Option<&Path>) -> Result<(ReadForm, Vec<PathBuf>)> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(reader, path, folder))).unwrap_or_else(|_| {
        Err(anyhow::anyhow!(
            "the reader failed on this file; please report it with the file"
        ))
    })
}

/// Reads one form and draws its overlays.
fn one(reader: &FormReader, path: &Path, folder: Option<&Path>) -> Result<(ReadForm, Vec<PathBuf>)> {
    let start = Instant::now();
    let document = Document::open(path, &Limits::default()).map_err(ReadError::from)?;
    let opening = start.elapsed();
    let mut form = reader.read(&document)?;
    form.timings.decode += opening;
    let pictures = match folder {
        Some(folder) => overlay::draw(&document, &form.reading, path, folder)?,
        None => Vec::new(),
    };
    Ok((form, pictures))
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
