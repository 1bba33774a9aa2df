//! The sheet's words, in the language of the forms.

use castor_domain::checks::{CheckCode, Finding, Outcome};
use castor_domain::review::State;

/// What a check asks.
pub(super) fn question(code: CheckCode) -> &'static str {
    match code {
        CheckCode::Niv001 => "Los votos en la urna no pasan de los sufragantes",
        CheckCode::Niv002 => "Votos contados = urna menos incinerados",
        CheckCode::Sum001 => "Todos los votos suman los de la urna",
        CheckCode::Sum002 => "Los votos de la lista suman su total",
        CheckCode::Sum003 => "Todos los votos suman la SUMA TOTAL",
        CheckCode::Exc001 => "Ninguna casilla pasa de los sufragantes",
        CheckCode::Ocr001 => "Ninguna casilla espera a una persona",
        CheckCode::Frm001 => "Firmaron al menos tres jurados",
        CheckCode::Pag001 => "Las páginas son las de un solo formulario",
        CheckCode::Hdr001 => "El encabezado nombra la mesa esperada",
        CheckCode::Bar001 => "El código de barras concuerda con lo impreso",
        CheckCode::Dup001 => "Ninguna hoja se vio en otra acta",
        CheckCode::Cpy001 => "Dos ejemplares llevan los mismos números",
        CheckCode::E24001 => "Los números son los del E-24",
    }
}

/// What a check says.
pub(super) fn outcome(finding: &Finding) -> String {
    match &finding.outcome {
        Outcome::Pass => "cumple".to_owned(),
        Outcome::NotEvaluable { .. } => "no evaluable".to_owned(),
        Outcome::Fail => match finding.numbers {
            Some(n) => format!("no cumple: {} frente a {} ({:+})", n.found, n.expected, n.difference()),
            None => "no cumple".to_owned(),
        },
    }
}

/// Where a form stands.
pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Waiting => "sin leer",
        State::Unreadable => "ilegible",
        State::Accepted => "aceptada sin dudas de la máquina",
        State::Pending => "por revisar",
        State::InProgress => "en revisión",
        State::Escalated => "escalada",
        State::SecondReading => "en segunda lectura",
        State::Adjudication => "en desempate",
        State::Completed => "revisada",
        State::Rejected => "apartada",
    }
}

/// What happened; kinds of events that have no words here stand as they are.
pub(super) fn event(kind: &str) -> &str {
    match kind {
        "imported" => "recibida",
        "read" => "leída por la máquina",
        "unreadable" => "no se pudo leer",
        "cell" => "casilla",
        "undone" => "se deshizo",
        "redone" => "se rehízo",
        "escalated" => "escalada",
        "returned" => "devuelta",
        "reopened" => "reabierta",
        "rejected" => "apartada",
        "completed" => "revisión terminada",
        "second_asked" => "segunda lectura pedida",
        other => other,
    }
}
