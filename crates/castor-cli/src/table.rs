//! A reading as a person would read it.

use crate::report::mark;
use castor_domain::header::Item;
use castor_vision::read::ReadForm;
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
        let numbers = finding.numbers.map_or(String::new(), |n| {
            format!(" esperado {} hallado {}", n.expected, n.found)
        });
        let list = finding
            .list
            .as_ref()
            .map_or(String::new(), |l| format!(" lista {}", l.0));
        let _ = writeln!(
            out,
            "  {} {}{list}{numbers}",
            finding.code.code(),
            finding.severity.name()
        );
    }
    for picture in pictures {
        let _ = writeln!(out, "  {}", picture.display());
    }
    out
}

fn say<T: Clone + PartialEq + Display>(item: &Item<T>) -> String {
    item.value().map_or("sin dato".to_owned(), ToString::to_string)
}
