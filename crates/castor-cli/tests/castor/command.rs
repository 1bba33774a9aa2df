//! Runs the built command, within bounds of time and memory.

use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// A command that takes longer hangs: the longest here takes seconds on an idle machine.
const LONGEST: Duration = Duration::from_secs(600);

/// What a command did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    /// Most memory that it held at once, in MB, where the system tells.
    pub(crate) peak: Option<u64>,
}

impl Run {
    /// The lines of the output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}\n{}", self.err)))
            .collect()
    }
}

/// Runs `castor` with these arguments; stops it and fails when it hangs.
#[track_caller]
pub(crate) fn castor<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    castor_in(&[], arguments)
}

/// Runs `castor` with these variables of the environment too.
#[track_caller]
pub(crate) fn castor_in<A: AsRef<std::ffi::OsStr>>(
    variables: &[(&str, &str)],
    arguments: impl IntoIterator<Item = A>,
) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_castor"))
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = drained(child.stdout.take().unwrap());
    let err = drained(child.stderr.take().unwrap());
    let start = Instant::now();
    let mut peak = None;
    let status = loop {
        peak = peak_memory(&child).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LONGEST {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("hangs: {}", err.join().unwrap());
        }
        sleep(Duration::from_millis(10));
    };
    Run {
        code: status.code(),
        out: out.join().unwrap(),
        err: err.join().unwrap(),
        peak,
    }
}

fn drained(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

/// High-water mark of the resident memory in MB, from Linux's /proc.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1_000)
}

/// A form whose every number is written plainly and closes.
pub(crate) fn plain(family: Family, seed: u64) -> Form {
    let options = Options {
        overwritten: 0.0,
        arithmetic_error: 0.0,
        blank_total: 0.0,
        ..Options::default()
    };
    Form::sample(seed, family, &options).unwrap()
}

/// Draws a plain form as a PDF; gives its path.
pub(crate) fn drawn(folder: &Path, family: Family, seed: u64) -> PathBuf {
    let entry = write_form(folder, &plain(family, seed), Scan::bitonal_300()).unwrap();
    folder.join("forms").join(format!("{}.pdf", entry.form))
}
