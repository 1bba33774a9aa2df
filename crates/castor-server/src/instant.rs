//! Instants as RFC 3339 text in answers.

use serde::{Serializer, ser};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// For `#[serde(serialize_with = …)]`.
pub(crate) fn rfc3339<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&at.format(&Rfc3339).map_err(ser::Error::custom)?)
}
