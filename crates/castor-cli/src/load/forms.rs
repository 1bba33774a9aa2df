//! Generated forms and what people do with them.

use castor_domain::form::{Copia, Corporacion, FieldPath};
use castor_domain::header::Source;
use castor_domain::reading::FormReading;
use castor_domain::review::{Act, Event, EventId, MACHINE, Moment, Recorded};
use castor_testkit::review;
use castor_wire::event::EventError;
use castor_wire::sync::{Pushed, SyncEvent};

/// Candidates of a form.
pub(crate) const CANDIDATES: u16 = 12;
/// Cells that a person says something of before the form is done.
pub(crate) const CELLS: u16 = 5;

/// A table and its copy.
#[derive(Debug, Clone)]
pub(crate) struct Where {
    pub(crate) departamento: String,
    pub(crate) municipio: String,
    pub(crate) zona: String,
    pub(crate) puesto: String,
    pub(crate) mesa: String,
    pub(crate) copia: Copia,
}

/// Departamento, municipio, zona and puesto of a table by its number: spread over the country.
pub(crate) fn place(table: u32) -> [String; 4] {
    [
        format!("{:02}", table % 33 + 1),
        format!("{:03}", table / 33 % 34 + 1),
        format!("{:02}", table / (33 * 34) % 3 + 1),
        format!("{:02}", table / (33 * 34 * 3) % 4 + 1),
    ]
}

/// The table of a form of [`form`]: of each another one.
pub(crate) fn table(author: usize, n: usize) -> Where {
    let table = u32::try_from((author * 10_007 + n) % 10_000_000).unwrap_or_default();
    let [departamento, municipio, zona, puesto] = place(table);
    Where {
        departamento,
        municipio,
        zona,
        puesto,
        mesa: format!("{:03}", table / (33 * 34 * 3 * 4) + 1),
        copia: Copia::Delegados,
    }
}

/// A reading of a president's form; the first [`CELLS`] cells wait for a person, where any does.
pub(crate) fn reading(at: &Where, doubtful: bool) -> FormReading {
    let mut form = review::form();
    let (unsure, sure) = (form.fields[0].clone(), form.fields[3].clone());
    let of = |path: FieldPath, waits: bool| {
        let mut field = if waits && doubtful {
            unsure.clone()
        } else {
            sure.clone()
        };
        field.path = path;
        field
    };
    form.fields = (1..=CANDIDATES)
        .map(|n| of(FieldPath::Candidato(n), n <= CELLS))
        .chain([FieldPath::Blanco, FieldPath::Nulos, FieldPath::NoMarcados].map(|path| of(path, false)))
        .collect();
    form.header.corporacion = castor_domain::header::Item::default();
    form.header
        .corporacion
        .add(Source::PrintedText, Corporacion::Presidente, 0.99, 1);
    put(&mut form, at);
    form
}

fn put(form: &mut FormReading, at: &Where) {
    let header = &mut form.header;
    let source = Source::PrintedText;
    header
        .departamento
        .add_some(source, at.departamento.parse().ok().map(|code| (code, 0.99)), 1);
    header
        .municipio
        .add_some(source, at.municipio.parse().ok().map(|code| (code, 0.99)), 1);
    header
        .zona
        .add_some(source, at.zona.parse().ok().map(|code| (code, 0.99)), 1);
    header
        .puesto
        .add_some(source, at.puesto.parse().ok().map(|code| (code, 0.99)), 1);
    header
        .mesa
        .add_some(source, at.mesa.parse().ok().map(|code| (code, 0.99)), 1);
    header.copia.add(source, at.copia, 0.99, 1);
}

/// Events of one laptop, numbered as it numbers them.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    /// Identity of the laptop.
    pub(crate) client: uuid::Uuid,
    name: String,
    next: u64,
}

impl Author {
    pub(crate) fn new(n: usize) -> Self {
        Self {
            client: uuid::Uuid::new_v4(),
            name: format!("generada {n}"),
            next: 1,
        }
    }

    fn pushed(&mut self, form: &str, by: &str, event: Event) -> Result<Pushed, EventError> {
        let counter = self.next;
        self.next += 1;
        let recorded = Recorded {
            id: EventId(uuid::Uuid::now_v7().as_u128()),
            at: Moment(1_767_000_000_000),
            by: by.to_owned(),
            event,
        };
        Ok(Pushed {
            counter,
            event: SyncEvent::of(form, &recorded)?,
        })
    }

    /// A form is taken in and read.
    pub(crate) fn imports(&mut self, form: &str, reading: &FormReading) -> Result<[Pushed; 2], EventError> {
        let imported = Event::Imported {
            name: format!("GENERADA {form}"),
            demo: false,
        };
        let read = Event::Read {
            reading: Box::new(reading.clone()),
            model: "generado".to_owned(),
        };
        Ok([self.pushed(form, MACHINE, imported)?, self.pushed(form, MACHINE, read)?])
    }

    /// A person says what stands in each cell that waits, and ends the review.
    pub(crate) fn reviews(&mut self, form: &str) -> Result<Vec<Pushed>, EventError> {
        let name = self.name.clone();
        let mut events = Vec::new();
        for candidate in 1..=CELLS {
            let digit = u8::try_from((self.next + u64::from(candidate)) % 10).unwrap_or_default();
            events.push(self.pushed(form, &name, review::says(0, candidate, digit).event)?);
        }
        events.push(self.pushed(form, &name, Event::Act(Act::Complete))?);
        Ok(events)
    }
}

/// The name of a generated form.
pub(crate) fn form(author: usize, n: usize) -> String {
    format!("{author:032x}{n:032x}")
}
