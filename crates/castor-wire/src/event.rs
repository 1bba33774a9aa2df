//! Events of the log as JSON objects, each with its `kind`.

use crate::parse::{self, ReadingFileError};
use crate::write::{self, mark, symbol};
use castor_domain::checks::FieldRef;
use castor_domain::error::ParseError;
use castor_domain::review::{Act, Event, EventId, Round};
use castor_domain::symbol::Symbol;
use serde::de::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
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

/// The written shape of an event. It is read by [`from_text`] kind by kind.
#[derive(Serialize)]
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
        round: &'static str,
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

/// Kinds as they are written.
const KINDS: &[&str] = &[
    "imported",
    "unreadable",
    "read",
    "cell",
    "probe",
    "escalated",
    "returned",
    "reopened",
    "rejected",
    "second_asked",
    "completed",
    "undone",
    "redone",
];

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Imported {
    name: String,
    demo: bool,
}

#[derive(Deserialize)]
struct Unreadable {
    code: String,
    message: String,
}

#[derive(Deserialize)]
struct Read<'a> {
    model: String,
    #[serde(borrow)]
    reading: &'a RawValue,
}

#[derive(Deserialize)]
struct Cell<'a> {
    page: u16,
    #[serde(borrow)]
    path: Cow<'a, str>,
    marks: [Cow<'a, str>; 3],
    #[serde(borrow)]
    round: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Probe<'a> {
    page: u16,
    #[serde(borrow)]
    path: Cow<'a, str>,
    marks: [Cow<'a, str>; 3],
}

#[derive(Deserialize)]
struct Because {
    reason: String,
}

#[derive(Deserialize)]
struct Of<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
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
                round: round.name(),
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
    // The kind is looked for first, and then what stands beside it: much cheaper than keeping everything until the kind is
    // known.
    let Kind { kind } = serde_json::from_str(text)?;
    let reason = || Ok::<_, EventError>(serde_json::from_str::<Because>(text)?.reason);
    let of = || id(&serde_json::from_str::<Of<'_>>(text)?.event);
    let field = |page: u16, path: &str| {
        Ok::<_, EventError>(FieldRef {
            page,
            path: path.parse()?,
        })
    };
    Ok(match &*kind {
        "imported" => {
            let Imported { name, demo } = serde_json::from_str(text)?;
            Event::Imported { name, demo }
        }
        "unreadable" => {
            let Unreadable { code, message } = serde_json::from_str(text)?;
            Event::Unreadable { code, message }
        }
        "read" => {
            let Read { model, reading } = serde_json::from_str(text)?;
            Event::Read {
                reading: Box::new(checked(parse::reading(reading.get())?)),
                model,
            }
        }
        "cell" => {
            let Cell {
                page,
                path,
                marks,
                round,
            } = serde_json::from_str(text)?;
            let (field, marks) = (field(page, &path)?, symbols(&marks)?);
            let round = Round::ALL
                .into_iter()
                .find(|r| r.name() == round)
                .ok_or_else(|| EventError::Word(round.into_owned()))?;
            Event::Act(Act::Cell { field, marks, round })
        }
        "probe" => {
            let Probe { page, path, marks } = serde_json::from_str(text)?;
            Event::Probe {
                field: field(page, &path)?,
                marks: symbols(&marks)?,
            }
        }
        "escalated" => Event::Act(Act::Escalate(reason()?)),
        "returned" => Event::Act(Act::Return(reason()?)),
        "reopened" => Event::Act(Act::Reopen(reason()?)),
        "rejected" => Event::Act(Act::Reject(reason()?)),
        "second_asked" => Event::Act(Act::AskSecond),
        "completed" => Event::Act(Act::Complete),
        "undone" => Event::Undone(of()?),
        "redone" => Event::Redone(of()?),
        unknown => return Err(serde_json::Error::unknown_variant(unknown, KINDS).into()),
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
pub fn symbols<T: AsRef<str>>(marks: &[T; 3]) -> Result<[Symbol; 3], EventError> {
    let one = |text: &T| symbol(text.as_ref()).ok_or_else(|| EventError::Word(text.as_ref().to_owned()));
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
    let digits = || text.bytes().filter(|b| *b != b'-');
    let number = digits().try_fold(0_u128, |number, digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(number << 4 | u128::from(digit))
    });
    match number {
        Some(number) if digits().count() == 32 => Ok(EventId(number)),
        _ => Err(EventError::Word(text.to_owned())),
    }
}
