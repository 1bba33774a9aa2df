//! What lists show of a form: the same row at the desk and on the server.

use super::{Case, Moment, Priority, QueueReason, State};
use crate::form::{FieldPath, Nivelacion};
use crate::reading::FormReading;

/// One form in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Where it stands.
    pub state: State,
    /// How urgent it is.
    pub priority: Priority,
    /// Why it is in the queue.
    pub reasons: Vec<QueueReason>,
    /// Lowest confidence of a cell that waits, 0–1; 1 when none does.
    pub confidence: f32,
    /// Codes of departamento, municipio, zona, puesto and mesa, where they were read.
    pub codes: [Option<String>; 5],
    /// Names of municipality and puesto as far as known.
    pub place: String,
    /// Name of the corporación.
    pub corporacion: Option<&'static str>,
    /// Name of the copy.
    pub copia: Option<&'static str>,
    /// The printed control code.
    pub control: Option<String>,
    /// Cells that wait for a person.
    pub doubtful: usize,
    /// The worst failed check: its code and its difference.
    pub finding: Option<String>,
    /// Votes that hang on cells in doubt: how far the likely numbers of each lie apart.
    pub impact: i64,
    /// Until when it should be done.
    pub due: Moment,
}

impl Case {
    /// The form as lists show it: as it stands, or while it is read a second time as the machine read it, so that nothing
    /// of the first reading shows. Its findings may be checked again with what else is known of other forms.
    #[must_use]
    pub fn listed(&self) -> FormReading {
        match self.reading() {
            Some(reading) if self.comparing() => reading.clone(),
            _ => self.consolidated().unwrap_or_default(),
        }
    }

    fn comparing(&self) -> bool {
        matches!(self.state(), State::SecondReading | State::Adjudication)
    }

    /// The row of a form of which [`Case::listed`] is at hand.
    #[must_use]
    pub fn summary(&self, listed: &FormReading) -> Summary {
        let urgency = self.urgency_of(listed);
        let header = &listed.header;
        let names = [header.municipio_nombre.value(), header.lugar.value()];
        let state = self.state();
        Summary {
            state,
            codes: [
                header.departamento.value().map(ToString::to_string),
                header.municipio.value().map(ToString::to_string),
                header.zona.value().map(ToString::to_string),
                header.puesto.value().map(ToString::to_string),
                header.mesa.value().map(ToString::to_string),
            ],
            place: names.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · "),
            corporacion: header.corporacion.value().map(|c| c.name()),
            copia: header.copia.value().map(|c| c.name()),
            control: header.control.value().map(ToString::to_string),
            doubtful: match state {
                State::Waiting | State::Unreadable | State::Rejected => 0,
                State::Accepted
                | State::Pending
                | State::InProgress
                | State::Escalated
                | State::SecondReading
                | State::Adjudication
                | State::Completed => self.waiting().count(),
            },
            finding: if self.comparing() { None } else { worst(listed) },
            impact: impact(listed),
            due: Moment(self.imported().0.saturating_add(urgency.priority.minutes() * 60_000)),
            priority: urgency.priority,
            reasons: urgency.reasons,
            confidence: urgency.confidence,
        }
    }
}

/// The worst failed check: its code and its difference.
fn worst(form: &FormReading) -> Option<String> {
    let failed = form
        .findings
        .iter()
        .filter(|f| f.failed() && f.code.code() != "OCR_001");
    let worst = failed.max_by_key(|f| (f.severity, f.numbers.map_or(0, |n| n.difference().abs())))?;
    Some(match worst.numbers {
        Some(numbers) => format!("{} {:+}", worst.code.code(), numbers.difference()),
        None => worst.code.code().to_owned(),
    })
}

/// Votes of the contest that hang on cells in doubt: for each of them how far its likely numbers lie apart. A cell that
/// nothing is known of may hold as many votes as there are in the urn, or as three boxes can say.
fn impact(form: &FormReading) -> i64 {
    let in_urn = [Nivelacion::Urna, Nivelacion::Sufragantes].map(|row| {
        let path = FieldPath::Nivelacion(row);
        let read = form.fields.iter().find(|f| f.path == path && !f.needs_review);
        read.and_then(|f| f.value).filter(|votes| *votes > 0)
    });
    let most = i64::from(in_urn.into_iter().flatten().next().unwrap_or(999));
    let doubtful = form.fields.iter().filter(|f| f.needs_review && f.path.counts_votes());
    doubtful
        .map(|field| {
            let other = field.alternatives.iter().map(|(value, _)| *value);
            let likely: Vec<i64> = other.chain([field.value]).map(|v| i64::from(v.unwrap_or(0))).collect();
            let known = field.value.is_some() || !field.alternatives.is_empty();
            match (likely.iter().max(), likely.iter().min()) {
                // A single number that is doubted for its marks or its row may be any other.
                (Some(high), Some(low)) if known => {
                    if high > low {
                        high - low
                    } else {
                        *high
                    }
                }
                _ => most,
            }
        })
        .sum()
}
