//! A printable sheet of one form: its pages, what machine and people read, what the checks say, and what happened to it.

mod paper;
mod type_face;
mod words;

use super::folder::NewFolder;
use super::{About, Exported, FormatWriter};
use crate::AppError;
use crate::cells::{header, label, mark};
use crate::desk::rfc3339;
use castor_domain::reading::{FieldReading, PixelRect};
use castor_domain::review::reference;
use castor_domain::symbol::Symbol;
use castor_vision::conceal::without_signatures;
use castor_vision::input::{Document, Limits};
use image::GrayImage;
use paper::{Field, Frame, Paper};

/// Said where a page's picture is not.
const NOT_SHOWN: &str = "La imagen de esta página no se muestra: no se pudo ubicar dónde terminan los votos, y debajo de ellos \
                         firman los jurados.";
const COVERED: &str =
    "Lo que está debajo de los votos va cubierto: allí están las firmas, los nombres y las cédulas de los jurados.";

/// Writes a file for each form.
pub(super) struct Sheets {
    about: About,
}

impl Sheets {
    pub(super) fn new(about: &About) -> Self {
        Self { about: about.clone() }
    }
}

impl FormatWriter for Sheets {
    fn add(&mut self, folder: &mut NewFolder, form: &Exported) -> Result<(), AppError> {
        let codes = form.row.codes.each_ref().map(|code| code.as_deref().unwrap_or("x"));
        let start = form.row.id.get(..12).unwrap_or(&form.row.id);
        let name = format!("hojas/{}-{start}.pdf", codes.join("-"));
        folder.write(&name, &sheet(form, &self.about)?)
    }

    fn finish(self: Box<Self>, _: &mut NewFolder) -> Result<(), AppError> {
        Ok(())
    }
}

/// The sheet of a form as PDF.
fn sheet(form: &Exported, about: &About) -> Result<Vec<u8>, AppError> {
    let head = if about.head.is_empty() {
        "sin eventos"
    } else {
        &about.head
    };
    let mut paper = Paper::new(Frame {
        title: format!("CASTOR · {}", form.row.name),
        mark: form
            .row
            .demo
            .then(|| "DATOS DE EJEMPLO: formulario generado, no es un acta real".to_owned()),
        foot: [
            format!("Acta, SHA-256: {}", form.row.id),
            format!(
                "Registro: {head} · {} eventos · {}",
                about.events,
                minute(&about.produced_at)
            ),
        ],
    });
    paper.heading("Hoja del acta", 15.0);
    facts(&mut paper, form);
    pictures(&mut paper, form)?;
    paper.turn();
    readings(&mut paper, form);
    checks(&mut paper, form);
    history(&mut paper, form);
    Ok(paper.finish())
}

/// A moment to the second, without the signs of RFC 3339.
fn minute(moment: &str) -> String {
    let shown = moment.get(..19).unwrap_or(moment).replace('T', " ");
    format!("{shown} UTC")
}

fn facts(paper: &mut Paper, form: &Exported) {
    let known = header(&form.form).into_iter().filter_map(|item| {
        let value = item.value?;
        let disputed = if item.disputed { " (lecturas distintas)" } else { "" };
        Some(format!("{}: {value}{disputed}", item.item.replace('_', " ")))
    });
    paper.paragraph(&known.collect::<Vec<_>>().join(" · "));
    let recount = match form.form.recount {
        Some(true) => "sí",
        Some(false) => "no",
        None => "sin dato",
    };
    let signatures = form.form.signatures.map_or("sin dato".to_owned(), |n| n.to_string());
    paper.paragraph(&format!(
        "Archivo: {} · estado: {} · modelo: {} · hubo recuento: {recount} · firmas contadas: {signatures}",
        form.row.name,
        words::state(form.log.case.state()),
        form.model(),
    ));
    if let Some(other) = &form.row.same_sheet {
        paper.paragraph(&format!(
            "Otra acta trae la misma mesa, ejemplar y página: SHA-256 {other}"
        ));
    }
}

fn pictures(paper: &mut Paper, form: &Exported) -> Result<(), AppError> {
    let document = Document::open(&form.file, &Limits::default());
    for page in &form.form.pages {
        if page.page > 1 {
            paper.turn();
        }
        paper.heading(&format!("Página {}", page.page), 10.0);
        let shown = match &document {
            Ok(document) => shown(form, document, page.page),
            Err(error) => Err(format!("La imagen no está disponible: {error}")),
        };
        match shown {
            Ok(picture) => {
                paper.paragraph(COVERED);
                let drawn = paper.picture(&picture);
                drawn.map_err(|e| AppError::file(&form.file, &e))?;
            }
            Err(why) => paper.paragraph(&why),
        }
    }
    Ok(())
}

/// A page without its signatures, or why it is not shown.
fn shown(form: &Exported, document: &Document, number: u16) -> Result<GrayImage, String> {
    let page = document
        .page(number)
        .map_err(|error| format!("La imagen no está disponible: {error}"))?;
    let cells: Vec<PixelRect> = form
        .form
        .fields
        .iter()
        .filter(|f| f.page == number)
        .map(|f| f.bbox)
        .collect();
    without_signatures(&page, &cells, form.form.header.corporacion.value().copied()).ok_or_else(|| NOT_SHOWN.to_owned())
}

/// Marks and what they mean.
fn reading(marks: [Symbol; 3], value: Option<u16>) -> String {
    let number = value.map_or("en blanco".to_owned(), |v| v.to_string());
    format!("{}  {number}", marks.map(mark).join(" "))
}

fn readings(paper: &mut Paper, form: &Exported) {
    paper.heading("Lecturas", 12.0);
    let rows: Vec<[Field; 7]> = form.form.fields.iter().map(|field| row(form, field)).collect();
    paper.table(
        [
            "Fila",
            "Pág.",
            "Máquina",
            "Confianza",
            "Persona",
            "Quién y cuándo",
            "Cuenta",
        ],
        [30.0, 6.0, 15.0, 11.0, 15.0, 29.0, 13.0],
        &rows,
    );
}

fn row(form: &Exported, field: &FieldReading) -> [Field; 7] {
    let at = reference(field);
    let machine = form.log.case.machine(&at).filter(|_| form.open);
    let decision = form.word(field);
    // What waits for a person has no number yet.
    let counts = match field.value {
        _ if field.needs_review => "por revisar".to_owned(),
        Some(value) => value.to_string(),
        None => "en blanco".to_owned(),
    };
    [
        Field::plain(label(&field.path)),
        Field::plain(field.page.to_string()),
        Field::plain(machine.map_or(String::new(), |m| reading(m.marks, m.value))),
        Field::plain(machine.map_or(String::new(), |m| format!("{:.3}", m.confidence).replace('.', ","))),
        Field::plain(decision.map_or(String::new(), |d| reading(d.marks, d.value))),
        Field::plain(decision.map_or(String::new(), |d| format!("{} · {}", d.by, minute(&rfc3339(d.at))))),
        Field::bold(counts),
    ]
}

fn checks(paper: &mut Paper, form: &Exported) {
    paper.heading("Comprobaciones", 12.0);
    let rows: Vec<[Field; 3]> = form
        .form
        .findings
        .iter()
        .map(|finding| {
            let list = finding.list.as_ref().map_or(String::new(), |list| format!(" {list}"));
            let said = words::outcome(finding);
            [
                Field::plain(format!("{}{list}", finding.code.code())),
                Field::plain(words::question(finding.code)),
                if finding.failed() {
                    Field::bold(said)
                } else {
                    Field::plain(said)
                },
            ]
        })
        .collect();
    paper.table(["Código", "Qué se comprueba", "Resultado"], [14.0, 52.0, 34.0], &rows);
}

fn history(paper: &mut Paper, form: &Exported) {
    paper.heading("Qué pasó con el acta", 12.0);
    let rows: Vec<[Field; 6]> = form
        .history
        .iter()
        .rev()
        .map(|event| {
            let change = match (&event.before, &event.after) {
                (Some(before), Some(after)) => format!("{before} antes, {after} después"),
                (None, Some(after)) => after.clone(),
                _ => String::new(),
            };
            [
                Field::plain(event.seq.to_string()),
                Field::plain(minute(&event.at)),
                Field::plain(&event.by),
                Field::plain(words::event(&event.event)),
                Field::plain(event.cell.as_deref().unwrap_or_default()),
                Field::plain(event.reason.clone().unwrap_or(change)),
            ]
        })
        .collect();
    paper.table(
        ["N.º", "Cuándo", "Quién", "Qué", "Casilla", "Detalle"],
        [7.0, 23.0, 18.0, 20.0, 22.0, 30.0],
        &rows,
    );
}
