//! `castor e14 bench …`

use crate::e14::guarded;
use crate::ordered::in_order;
use anyhow::{Context, Result, bail};
use castor_app::open_reader;
use castor_vision::input::{Document, Limits};
use castor_vision::read::Timings;
use clap::Args;
use std::convert::Infallible;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Folders inside the given one are looked into this deep.
const DEPTH: u8 = 3;

/// What `castor e14 bench` takes.
#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Folder of forms: PDFs, images and folders of page images; or a single form.
    path: PathBuf,
    /// Forms read at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Read all forms this many times, to see what memory does in a long run.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    repeat: u16,
    /// Symbol model to use instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// What reading cost, over all forms.
#[derive(Default)]
struct Cost {
    forms: u32,
    pages: u32,
    unread: u32,
    /// Time of the threads, opening and drawing up included.
    spent: Duration,
    parts: Timings,
}

impl Cost {
    fn add(&mut self, pages: usize, spent: Duration, parts: Timings) {
        self.forms += 1;
        self.pages += u32::try_from(pages).unwrap_or(u32::MAX);
        self.spent += spent;
        self.parts.decode += parts.decode;
        self.parts.register += parts.register;
        self.parts.header += parts.header;
        self.parts.layout += parts.layout;
        self.parts.symbols += parts.symbols;
    }
}

/// Times the reading of every form of a folder, and tells the memory that it took.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<ExitCode> {
    let forms = forms_of(&arguments.path, DEPTH)?;
    if forms.is_empty() {
        bail!("{}: no form in it", arguments.path.display());
    }
    let reader = open_reader(arguments.model.as_deref())?;
    let before = memory("VmRSS:");
    let mut cost = Cost::default();
    let busy = processor_time();
    let start = Instant::now();
    let work = |index: usize| {
        let path = &forms[index % forms.len()];
        let start = Instant::now();
        let outcome = guarded(&reader, path, None);
        (
            index,
            start.elapsed(),
            outcome.map(|(form, _)| (form.reading.pages.len(), form.timings)),
        )
    };
    let count = |(index, spent, outcome): (usize, Duration, Result<(usize, Timings)>)| {
        match outcome {
            Ok((pages, parts)) => cost.add(pages, spent, parts),
            Err(error) => {
                cost.unread += 1;
                if index < forms.len() {
                    eprintln!("{}: {error:#}", forms[index].display());
                }
            }
        }
        Ok::<(), Infallible>(())
    };
    match in_order(forms.len() * usize::from(arguments.repeat), arguments.jobs, work, count) {
        Ok(()) => {}
        Err(never) => match never {},
    }
    let wall = start.elapsed();
    if cost.pages == 0 {
        bail!("{}: no form could be read", arguments.path.display());
    }
    print(&cost, wall, arguments);
    if let Some((before, after)) = busy.zip(processor_time()) {
        let each = after.saturating_sub(before).as_secs_f64() * 1e3 / f64::from(cost.pages);
        println!("{:<17}{each:.1} ms a page", "processor");
    }
    for (name, now) in [
        ("memory before", before),
        ("memory peak", memory("VmHWM:")),
        ("memory final", memory("VmRSS:")),
    ] {
        if let Some(megabytes) = now {
            println!("{name:<17}{megabytes} MB");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(cost: &Cost, wall: Duration, arguments: &BenchArguments) {
    let pages = f64::from(cost.pages);
    println!(
        "forms {}, pages {}, not read {}, threads {}, rounds {}",
        cost.forms, cost.pages, cost.unread, arguments.jobs, arguments.repeat
    );
    println!("{:<17}{:.2}", "pages a second", pages / wall.as_secs_f64());
    let parts = &cost.parts;
    let named = [
        ("decode", parts.decode),
        ("register", parts.register),
        ("header", parts.header),
        ("layout", parts.layout),
        ("symbols", parts.symbols),
        ("all of a page", cost.spent),
    ];
    for (name, time) in named {
        println!("{name:<17}{:.1} ms a page", time.as_secs_f64() * 1e3 / pages);
    }
}

/// The forms in a folder, by name. A folder with pictures, and neither PDFs nor folders beside them, is one form; what
/// holds no form is passed over.
fn forms_of(path: &Path, depth: u8) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = || format!("{} cannot be read", path.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?.path();
        let hidden = entry
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            entries.push(entry);
        }
    }
    entries.sort();
    if !entries.iter().any(|entry| entry.is_dir() || is_pdf(entry)) {
        let form = Document::open(path, &Limits::default()).is_ok();
        return Ok(if form { vec![path.to_owned()] } else { Vec::new() });
    }
    let mut forms = Vec::new();
    for entry in entries {
        if !entry.is_dir() {
            // A file of a type that is read, however damaged: reading it says what is wrong.
            let other = Document::open(&entry, &Limits::default()).is_err_and(|e| e.code() == "INP_003");
            if !other {
                forms.push(entry);
            }
        } else if depth > 0 {
            forms.extend(forms_of(&entry, depth - 1)?);
        }
    }
    Ok(forms)
}

fn is_pdf(path: &Path) -> bool {
    let mut head = [0; 5];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *b"%PDF-"
}

/// Time that the processors have spent on this process, as Linux tells it: what other processes took is not in it.
fn processor_time() -> Option<Duration> {
    /// Milliseconds of Linux's unit for it.
    const TICK: u64 = 10;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name before may hold anything but ends with the last parenthesis; the times are the 14th and 15th field.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis((user + system) * TICK))
}

/// An amount of memory as Linux tells it of this process, in MB: `VmRSS:` now resident, `VmHWM:` the most so far.
fn memory(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1_024 / 1_000_000)
}
