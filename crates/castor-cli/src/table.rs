//! A reading as a person would read it.

use castor_domain::checks::{Detail, Finding, Outcome};
use castor_domain::header::Item;
use castor_vision::read::ReadForm;
use castor_wire::write::mark;
use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};

/// The form as lines of text.
pub(crate) fn of(path: &Path, form: &ReadForm, pictures: &[PathBuf]) -> String {
    let mut out = String::new();
    let header = &form.reading.header;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", path.display());
    let _ = writeln!(
        out,
        "  {} {}  departamento {}  municipio {}  zona {}  puesto {}  mesa {}  {}",
        header.corporacion.value().map_or("sin dato", |c| c.name()),
        header.copia.value().map_or("sin dato", |c| c.name()),
        say(&header.departamento),
        say(&header.municipio),
        say(&header.zona),
        say(&header.puesto),
        say(&header.mesa),
        say(&header.lugar),
    );
    let _ = writeln!(
        out,
        "  serial {}  control {}",
        say(&header.serial),
        say(&header.control)
    );
    for page in &form.reading.pages {
        if page.needs_review {
            let _ = writeln!(out, "  página {} A REVISAR: {}", page.page, page.notes.join("; "));
        }
    }
    for field in &form.reading.fields {
        let marks = field.marks.map(|m| match mark(m).as_str() {
            "" => "_".to_owned(),
            other => other.to_owned(),
        });
        let value = field.value.map_or("-".to_owned(), |v| v.to_string());
        let review = if field.needs_review { "  A REVISAR" } else { "" };
        let _ = writeln!(
            out,
            "  p{} {:<34} {} {:>5}  {:.3}{review}",
            field.page,
            field.path.to_string(),
            marks.join(" "),
            value,
            field.confidence
        );
    }
    for finding in form.reading.findings.iter().filter(|f| f.failed()) {
        let _ = writeln!(out, "  {}", failed(finding));
    }
    for picture in pictures {
        let _ = writeln!(out, "  {}", picture.display());
    }
    out
}

/// Every outcome of a form's checks, as lines of text.
pub(crate) fn of_findings(source: &str, findings: &[Finding]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{source}");
    for finding in findings {
        let list = list_of(finding);
        let _ = match &finding.outcome {
            Outcome::Pass => writeln!(out, "  {}{list} cumple", finding.code),
            Outcome::Fail => writeln!(out, "  {}", failed(finding)),
            Outcome::NotEvaluable { missing } => {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                writeln!(out, "  {}{list} no evaluable: {}", finding.code, missing.join("; "))
            }
        };
    }
    out
}

/// A failed check on one line.
fn failed(finding: &Finding) -> String {
    let numbers = finding.numbers.map_or(String::new(), |n| {
        format!(" esperado {} hallado {}", n.expected, n.found)
    });
    let details: String = finding.details.iter().map(pointed_at).collect();
    format!(
        "{} {}{}{numbers}{details}",
        finding.code,
        finding.severity,
        list_of(finding)
    )
}

fn list_of(finding: &Finding) -> String {
    finding.list.as_ref().map_or(String::new(), |l| format!(" lista {l}"))
}

/// What a failed check points at besides its numbers.
fn pointed_at(detail: &Detail) -> String {
    match detail {
        Detail::Field { field, expected, found } => {
            format!("; {} esperado {expected} hallado {found}", field.path)
        }
        Detail::Header {
            item,
            page,
            expected,
            found,
        } => format!("; página {page} {item} esperado {expected} hallado {found}"),
        Detail::PageMissing(page) => format!("; falta la página impresa {page}"),
        Detail::PageRepeated(page) => format!("; página {page} repetida"),
        Detail::PageOutOfOrder(page) => format!("; página {page} fuera de orden"),
        Detail::PageOfOtherForm(page) => format!("; página {page} de otro formulario"),
        Detail::SeenIn { page, form } => format!("; página {page} vista en {form}"),
        Detail::EqualSums => "; sumas iguales".to_owned(),
    }
}

fn say<T: Clone + PartialEq + Display>(item: &Item<T>) -> String {
    item.value().map_or("sin dato".to_owned(), ToString::to_string)
}
