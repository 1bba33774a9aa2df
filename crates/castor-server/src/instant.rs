//! Instants as RFC 3339 text in answers.

use serde::{Serializer, ser};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// For `#[serde(serialize_with = …)]`.
pub(crate) fn rfc3339<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&at.format(&Rfc3339).map_err(ser::Error::custom)?)
}

/// The same where there may be none.
#[expect(clippy::ref_option, reason = "serde gives the field's reference")]
pub(crate) fn rfc3339_option<S: Serializer>(at: &Option<OffsetDateTime>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, to),
        None => to.serialize_none(),
    }
}
