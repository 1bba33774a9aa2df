//! Cells, checks and rows of the queue as they are shown.

use crate::desk::rfc3339;
use crate::view::{
    Alternative, CellReading, CellState, CellView, CheckView, Decision, HeaderItem, PriorityName, QueueItem,
    ReasonName, Rect, SightName, StateName,
};
use castor_domain::checks::{FieldRef, Finding};
use castor_domain::form::{FieldPath, Nivelacion};
use castor_domain::header::Item;
use castor_domain::reading::{FieldReading, FormReading};
use castor_domain::review::{Case, Round, Sight, State, reference, said as said_number};
use castor_domain::suggestion::{Suggestion, suggest};
use castor_domain::symbol::Symbol;
use castor_store::FormRow;
use castor_wire::write::SUGGESTION_FLOOR;
use std::collections::BTreeSet;
use std::fmt::Display;

impl From<State> for StateName {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Unreadable => Self::Unreadable,
            State::Accepted => Self::Accepted,
            State::Pending => Self::Pending,
            State::InProgress => Self::InProgress,
            State::Escalated => Self::Escalated,
            State::SecondReading => Self::SecondReading,
            State::Adjudication => Self::Adjudication,
            State::Completed => Self::Completed,
            State::Rejected => Self::Rejected,
        }
    }
}

/// The word of an enumeration as it is written.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(_) | Err(_) => String::new(),
    }
}

/// The value of an enumeration of a written word.
pub(crate) fn of_word<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

/// A form of the queue, as a person sees it.
pub(crate) fn queue_item(row: FormRow, person: &str) -> QueueItem {
    let barred = row.barred.iter().any(|name| name == person);
    let mesa = row.codes.map(|code| code.unwrap_or_else(|| "?".to_owned())).join("-");
    QueueItem {
        id: row.id,
        name: row.name,
        state: of_word(&row.state).unwrap_or(StateName::Waiting),
        priority: match row.priority {
            0 => PriorityName::Critical,
            1 => PriorityName::High,
            2 => PriorityName::Medium,
            _ => PriorityName::Low,
        },
        reasons: row.reasons.iter().filter_map(|r| of_word::<ReasonName>(r)).collect(),
        mesa,
        place: row.place,
        corporacion: row.corporacion,
        copia: row.copia,
        doubtful: u32::try_from(row.doubtful).unwrap_or(u32::MAX),
        finding: row.finding,
        confidence: narrowed(row.confidence),
        imported_at: rfc3339(row.imported_at),
        due_at: rfc3339(row.due_at),
        demo: row.demo,
        same_sheet: row.same_sheet,
        barred,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a probability, shown with three digits")]
fn narrowed(value: f64) -> f32 {
    value as f32
}

/// The cell of a key.
pub(crate) fn field_of(key: &str) -> Option<FieldRef> {
    let (page, path) = key.split_once('/')?;
    Some(FieldRef {
        page: page.parse().ok()?,
        path: path.parse().ok()?,
    })
}

/// A symbol as people see it: what is empty in the corpus' notation has a sign of its own.
pub(crate) fn mark(symbol: Symbol) -> String {
    match symbol {
        Symbol::Blank => "_".to_owned(),
        Symbol::Digit(_) | Symbol::Filler => castor_wire::write::mark(symbol),
    }
}

/// The symbol of such a mark.
pub(crate) fn symbol(mark: &str) -> Option<Symbol> {
    match mark {
        "_" | " " | "" => Some(Symbol::Blank),
        other => castor_wire::write::symbol(other),
    }
}

/// What the form prints beside the row.
pub(crate) fn label(path: &FieldPath) -> String {
    match path {
        FieldPath::Nivelacion(Nivelacion::Sufragantes) => "Total sufragantes E-11".to_owned(),
        FieldPath::Nivelacion(Nivelacion::Urna) => "Total votos en la urna".to_owned(),
        FieldPath::Nivelacion(Nivelacion::Incinerados) => "Total votos incinerados".to_owned(),
        FieldPath::Candidato(n) => format!("Candidato {n}"),
        FieldPath::SoloLista(code) => format!("Lista {code} · solo por la lista"),
        FieldPath::ListaCandidato(code, n) => format!("Lista {code} · candidato {n}"),
        FieldPath::ListaTotal(code) => format!("Lista {code} · total"),
        FieldPath::Blanco => "Votos en blanco".to_owned(),
        FieldPath::Nulos => "Votos nulos".to_owned(),
        FieldPath::NoMarcados => "Votos no marcados".to_owned(),
        FieldPath::Total => "Suma total".to_owned(),
    }
}

impl From<Sight> for SightName {
    fn from(sight: Sight) -> Self {
        match sight {
            Sight::Open => Self::Open,
            Sight::Blind => Self::Blind,
            Sight::Compared => Self::Compared,
        }
    }
}

/// What a blind reader is told of the machine's reading.
fn unseen() -> CellReading {
    CellReading {
        marks: ["?", "?", "?"].map(str::to_owned),
        value: None,
        confidence: 0.0,
    }
}

/// Marks as a person's reading.
pub(crate) fn said(marks: [Symbol; 3], value: Option<u16>) -> CellReading {
    CellReading {
        marks: marks.map(mark),
        value,
        confidence: 1.0,
    }
}

fn read_by_machine(field: &FieldReading) -> CellReading {
    CellReading {
        marks: field.marks.map(mark),
        value: field.value,
        confidence: field.confidence,
    }
}

/// What a person is shown of a form's cells.
struct Looked<'a> {
    id: &'a str,
    case: &'a Case,
    form: &'a FormReading,
    round: Round,
    sight: Sight,
    /// Cells that the present reading is of, where not all of what was said of them may be seen.
    covered: BTreeSet<FieldRef>,
    waiting: BTreeSet<FieldRef>,
    suggestion: Option<Suggestion>,
}

/// The cells of a form as a person may see them.
pub(crate) fn cells(id: &str, case: &Case, person: &str) -> Vec<CellView> {
    let Some(form) = case.reading() else { return Vec::new() };
    let sight = case.sight(person);
    let open = sight == Sight::Open;
    let looked = Looked {
        id,
        case,
        form,
        round: case.state().round().unwrap_or(Round::First),
        sight,
        covered: if open {
            BTreeSet::new()
        } else {
            case.asked().into_iter().collect()
        },
        // To those who read it first a form that is read again has nothing that waits.
        waiting: if open && case.barred(person) {
            BTreeSet::new()
        } else {
            case.waiting().collect()
        },
        suggestion: case
            .consolidated()
            .filter(|_| open)
            .and_then(|form| suggest(&form, SUGGESTION_FLOOR)),
    };
    form.fields.iter().map(|field| looked.cell(field)).collect()
}

impl Looked<'_> {
    fn cell(&self, field: &FieldReading) -> CellView {
        let at = reference(field);
        let covered = self.covered.contains(&at);
        let blind = covered && self.sight == Sight::Blind;
        let decision = if covered {
            self.case.decided(self.round, &at)
        } else {
            self.case.decision(&at)
        };
        let waits = self.waiting.contains(&at);
        let settled = !waits && (decision.is_some() || !field.needs_review);
        CellView {
            key: at.key(),
            path: field.path.to_string(),
            page: field.page,
            label: label(&field.path),
            name: self.name(&field.path),
            place: Rect {
                x: field.bbox.x,
                y: field.bbox.y,
                width: field.bbox.width,
                height: field.bbox.height,
            },
            state: if blind && !waits {
                // Whether it agrees with the machine would tell what the machine read.
                CellState::Confirmed
            } else {
                state_of(field, decision, waits)
            },
            reasons: if waits && !covered {
                field.reasons.iter().map(|r| r.code().to_owned()).collect()
            } else {
                Vec::new()
            },
            machine: if blind { unseen() } else { read_by_machine(field) },
            readings: self.readings(field, &at),
            alternatives: field
                .alternatives
                .iter()
                .filter(|_| !covered)
                .map(|&(value, probability)| Alternative { value, probability })
                .collect(),
            suggestion: self
                .suggestion
                .as_ref()
                .and_then(|s| s.changes.iter().find(|c| c.field == at))
                .and_then(|c| c.to),
            decision: decision.map(|d| Decision {
                reading: said(d.marks, d.value),
                by: (self.sight == Sight::Open).then(|| d.by.clone()),
                at: rfc3339(d.at),
            }),
            value: if settled {
                decision.map_or(field.value, |d| d.value)
            } else {
                None
            },
        }
    }

    fn name(&self, path: &FieldPath) -> Option<String> {
        let name = self.form.names.iter().find(|n| n.path == *path);
        name.map(|n| n.text.clone())
    }

    /// Both readings of a cell that is to be decided, then the machine's where it is neither.
    fn readings(&self, field: &FieldReading, at: &FieldRef) -> Vec<CellReading> {
        if self.sight != Sight::Compared || !self.covered.contains(at) {
            return Vec::new();
        }
        let Some(both) = self.case.to_compare(self.id, at) else {
            return Vec::new();
        };
        let mut readings: Vec<CellReading> = both.map(|marks| said(marks, said_number(marks))).into();
        if readings.iter().all(|r| r.value != field.value) {
            readings.push(read_by_machine(field));
        }
        readings
    }
}

fn state_of(field: &FieldReading, decision: Option<&castor_domain::review::Decision>, waits: bool) -> CellState {
    let fillers = field.marks.contains(&Symbol::Filler) && field.value == Some(0);
    match decision {
        _ if waits => CellState::Doubtful,
        Some(d) if d.value == field.value => CellState::Confirmed,
        Some(_) => CellState::Corrected,
        None if field.value.is_none() => CellState::Blank,
        None if fillers => CellState::Filler,
        None => CellState::Read,
    }
}

/// A check as it is shown.
pub(crate) fn check(finding: &Finding) -> CheckView {
    CheckView {
        code: match &finding.list {
            Some(list) => format!("{} {list}", finding.code.code()),
            None => finding.code.code().to_owned(),
        },
        outcome: finding.outcome.name().to_owned(),
        severity: finding.severity.name().to_lowercase(),
        cells: finding.fields.iter().map(FieldRef::key).collect(),
        difference: finding.numbers.map(castor_domain::checks::Numbers::difference),
        left: finding.numbers.map(|n| n.expected),
        right: finding.numbers.map(|n| n.found),
        detail: match &finding.outcome {
            castor_domain::checks::Outcome::NotEvaluable { missing } => {
                missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            castor_domain::checks::Outcome::Pass | castor_domain::checks::Outcome::Fail => {
                finding.details.iter().map(|d| d.kind()).collect::<Vec<_>>().join(" ")
            }
        },
    }
}

/// The header's items.
pub(crate) fn header(form: &FormReading) -> Vec<HeaderItem> {
    fn item<T: Clone + PartialEq + Display>(name: &str, item: &Item<T>) -> HeaderItem {
        HeaderItem {
            item: name.to_owned(),
            value: item.value().map(ToString::to_string),
            disputed: item.dissenting().next().is_some(),
        }
    }
    let h = &form.header;
    vec![
        item("eleccion", &h.eleccion),
        item("fecha", &h.fecha),
        item("corporacion", &h.corporacion),
        item("copia", &h.copia),
        item("departamento", &h.departamento),
        item("departamento_nombre", &h.departamento_nombre),
        item("municipio", &h.municipio),
        item("municipio_nombre", &h.municipio_nombre),
        item("zona", &h.zona),
        item("puesto", &h.puesto),
        item("mesa", &h.mesa),
        item("lugar", &h.lugar),
        item("serial", &h.serial),
        item("kit", &h.kit),
        item("control", &h.control),
    ]
}
