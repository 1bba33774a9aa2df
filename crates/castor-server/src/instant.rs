//! Instants as RFC 3339 text, in answers and in queries.

use serde::{Deserialize, Deserializer, Serializer, de, ser};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// For `#[serde(serialize_with = …)]`.
pub(crate) fn rfc3339<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text(*at).map_err(ser::Error::custom)?)
}

/// As [`rfc3339`], where there may be none.
pub(crate) fn rfc3339_option<S: Serializer>(at: &Option<OffsetDateTime>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, to),
        None => to.serialize_none(),
    }
}

/// For `#[serde(default, deserialize_with = …)]`.
pub(crate) fn read_option<'a, D: Deserializer<'a>>(from: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    OffsetDateTime::parse(&text, &Rfc3339).map(Some).map_err(|error| {
        de::Error::custom(format!(
            "{text:?} is no instant such as 2026-05-31T08:00:00-05:00: {error}"
        ))
    })
}

/// As it is written everywhere.
pub(crate) fn text(at: OffsetDateTime) -> Result<String, time::error::Format> {
    at.format(&Rfc3339)
}
