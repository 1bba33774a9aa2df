//! Events of the log as JSON objects, each with its `kind`.

use crate::parse::{self, ReadingFileError};
use crate::write::{self, mark, symbol};
use castor_domain::checks::FieldRef;
use castor_domain::error::ParseError;
use castor_domain::review::{Act, Event, EventId, Round};
use castor_domain::symbol::Symbol;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write;

/// Why a text is no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is no JSON, or not of an event's shape.
    #[error("WIRE_001 not an event: {0}")]
    Shape(#[from] serde_json::Error),
    /// Its reading cannot be on a form.
    #[error("WIRE_002 {0}")]
    Reading(#[from] ReadingFileError),
    /// It names no field of a form.
    #[error("WIRE_003 {0}")]
    Path(#[from] ParseError),
    /// Something in it is not one of the words that may stand there.
    #[error("WIRE_004 \"{0}\" is no mark, round or id")]
    Word(String),
}

/// The written shape of an event.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Written {
    Imported {
        name: String,
        demo: bool,
    },
    Unreadable {
        code: String,
        message: String,
    },
    Read {
        model: String,
        reading: Value,
    },
    Cell {
        page: u16,
        path: String,
        marks: [String; 3],
        round: String,
    },
    Probe {
        page: u16,
        path: String,
        marks: [String; 3],
    },
    Escalated {
        reason: String,
    },
    Returned {
        reason: String,
    },
    Reopened {
        reason: String,
    },
    Rejected {
        reason: String,
    },
    SecondAsked,
    Completed,
    Undone {
        event: String,
    },
    Redone {
        event: String,
    },
}

/// An event as one line of JSON.
///
/// # Errors
/// [`EventError::Shape`] when it cannot be written, which no event of the domain causes.
pub fn to_text(event: &Event) -> Result<String, EventError> {
    let written = match event {
        Event::Imported { name, demo } => Written::Imported {
            name: name.clone(),
            demo: *demo,
        },
        Event::Unreadable { code, message } => Written::Unreadable {
            code: code.clone(),
            message: message.clone(),
        },
        Event::Read { reading, model } => Written::Read {
            model: model.clone(),
            reading: Value::Object(write::reading(reading)),
        },
        Event::Act(act) => match act {
            Act::Cell { field, marks, round } => Written::Cell {
                page: field.page,
                path: field.path.to_string(),
                marks: marks.map(mark),
                round: round.name().to_owned(),
            },
            Act::Escalate(reason) => Written::Escalated { reason: reason.clone() },
            Act::Return(reason) => Written::Returned { reason: reason.clone() },
            Act::Reopen(reason) => Written::Reopened { reason: reason.clone() },
            Act::Reject(reason) => Written::Rejected { reason: reason.clone() },
            Act::AskSecond => Written::SecondAsked,
            Act::Complete => Written::Completed,
        },
        Event::Probe { field, marks } => Written::Probe {
            page: field.page,
            path: field.path.to_string(),
            marks: marks.map(mark),
        },
        Event::Undone(id) => Written::Undone { event: id_text(*id) },
        Event::Redone(id) => Written::Redone { event: id_text(*id) },
    };
    Ok(serde_json::to_string(&written)?)
}

/// The event that a text says.
///
/// # Errors
/// [`EventError`] when it says none.
pub fn from_text(text: &str) -> Result<Event, EventError> {
    Ok(match serde_json::from_str::<Written>(text)? {
        Written::Imported { name, demo } => Event::Imported { name, demo },
        Written::Unreadable { code, message } => Event::Unreadable { code, message },
        Written::Read { model, reading } => Event::Read {
            reading: Box::new(checked(parse::reading(reading)?)),
            model,
        },
        Written::Cell {
            page,
            path,
            marks,
            round,
        } => Event::Act(Act::Cell {
            field: FieldRef {
                page,
                path: path.parse()?,
            },
            marks: symbols(&marks)?,
            round: Round::ALL
                .into_iter()
                .find(|r| r.name() == round)
                .ok_or(EventError::Word(round))?,
        }),
        Written::Probe { page, path, marks } => Event::Probe {
            field: FieldRef {
                page,
                path: path.parse()?,
            },
            marks: symbols(&marks)?,
        },
        Written::Escalated { reason } => Event::Act(Act::Escalate(reason)),
        Written::Returned { reason } => Event::Act(Act::Return(reason)),
        Written::Reopened { reason } => Event::Act(Act::Reopen(reason)),
        Written::Rejected { reason } => Event::Act(Act::Reject(reason)),
        Written::SecondAsked => Event::Act(Act::AskSecond),
        Written::Completed => Event::Act(Act::Complete),
        Written::Undone { event } => Event::Undone(id(&event)?),
        Written::Redone { event } => Event::Redone(id(&event)?),
    })
}

/// The kind of an event, as written.
#[must_use]
pub fn kind(event: &Event) -> &'static str {
    match event {
        Event::Imported { .. } => "imported",
        Event::Unreadable { .. } => "unreadable",
        Event::Read { .. } => "read",
        Event::Act(Act::Cell { .. }) => "cell",
        Event::Act(Act::Escalate(_)) => "escalated",
        Event::Act(Act::Return(_)) => "returned",
        Event::Act(Act::Reopen(_)) => "reopened",
        Event::Act(Act::Reject(_)) => "rejected",
        Event::Act(Act::AskSecond) => "second_asked",
        Event::Act(Act::Complete) => "completed",
        Event::Probe { .. } => "probe",
        Event::Undone(_) => "undone",
        Event::Redone(_) => "redone",
    }
}

/// A reading that comes back has no findings of its own; they follow from its fields.
fn checked(mut form: castor_domain::reading::FormReading) -> castor_domain::reading::FormReading {
    form.findings = castor_domain::checks::check_form(&form, &castor_domain::checks::CheckContext::default());
    form
}

/// Three marks as symbols.
///
/// # Errors
/// [`EventError::Word`] for a text that is no mark.
pub fn symbols(marks: &[String; 3]) -> Result<[Symbol; 3], EventError> {
    let one = |text: &String| symbol(text).ok_or_else(|| EventError::Word(text.clone()));
    let [a, b, c] = marks;
    Ok([one(a)?, one(b)?, one(c)?])
}

/// An id as 32 hexadecimal digits in the groups of a UUID.
#[must_use]
pub fn id_text(id: EventId) -> String {
    let digits = format!("{:032x}", id.0);
    let mut text = String::with_capacity(36);
    for (i, part) in [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .into_iter()
    .enumerate()
    {
        let _ = write!(text, "{}{part}", if i == 0 { "" } else { "-" });
    }
    text
}

/// The id of such a text.
///
/// # Errors
/// [`EventError::Word`] for any other text.
pub fn id(text: &str) -> Result<EventId, EventError> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 {
        return Err(EventError::Word(text.to_owned()));
    }
    u128::from_str_radix(&digits, 16)
        .map(EventId)
        .map_err(|_| EventError::Word(text.to_owned()))
}
