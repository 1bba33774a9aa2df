//! `castor e14 check …`

use crate::{report, table};
use anyhow::Result;
use castor_domain::checks::{CheckContext, check_form};
use castor_wire::parse::{Line, ReadingFileError, lines};
use clap::Args;
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, Read, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `castor e14 check` takes.
#[derive(Args)]
pub(crate) struct CheckArguments {
    /// Files of JSON lines that `castor e14 read` wrote; - is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a line for each form (the default).
    #[arg(long, conflicts_with = "table")]
    json: bool,
    /// Print the outcome of every check as text.
    #[arg(long)]
    table: bool,
}

/// Checks readings. The exit code is 0 when every form was checked, 2 when one was not.
pub(crate) fn check(arguments: &CheckArguments) -> Result<ExitCode> {
    let mut out = stdout().lock();
    let mut whole = true;
    for file in &arguments.files {
        for line in lines_of(file) {
            whole &= matches!(line, Ok(Line { outcome: Ok(_), .. }));
            writeln!(out, "{}", answer(file, line, arguments.table))?;
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn lines_of(file: &Path) -> Box<dyn Iterator<Item = Result<Line, ReadingFileError>>> {
    let opened: std::io::Result<Box<dyn Read>> = if file == Path::new("-") {
        Ok(Box::new(stdin()))
    } else {
        File::open(file).map(|f| Box::new(f) as Box<dyn Read>)
    };
    match opened {
        Ok(opened) => Box::new(lines(BufReader::new(opened))),
        Err(error) => Box::new(std::iter::once(Err(ReadingFileError::Unreadable(error.to_string())))),
    }
}

/// What is printed for one form, or for a file that gives none.
fn answer(file: &Path, line: Result<Line, ReadingFileError>, plain: bool) -> String {
    match line {
        Ok(Line {
            source,
            outcome: Ok(form),
        }) => {
            let findings = check_form(&form, &CheckContext::default());
            if plain {
                return table::of_findings(&source, &findings);
            }
            let findings: Vec<_> = findings.iter().map(castor_wire::write::finding).collect();
            json!({ "source": source, "findings": findings }).to_string()
        }
        Ok(Line {
            source,
            outcome: Err(error),
        }) => {
            if plain {
                let said = |key| error.get(key).and_then(|v| v.as_str()).unwrap_or_default();
                return report::failure_text(&source, said("code"), said("message"));
            }
            json!({ "source": source, "error": error }).to_string()
        }
        Err(error) => {
            if plain {
                return report::failure_text(&file.display().to_string(), error.code(), &error.to_string());
            }
            json!({
                "source": file.display().to_string(),
                "error": { "code": error.code(), "message": error.to_string() },
            })
            .to_string()
        }
    }
}
