//! People who asked for a demonstration.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a person is interested in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // The words of the form say what they are.
pub enum Interest {
    Forecast,
    #[serde(rename = "campañas")]
    Campanas,
    Medios,
    Dashboard,
    Estratega,
    Comunicaciones,
    Candidato,
    Analista,
    Otro,
}

/// For which elections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CandidacyType {
    /// Senado, Cámara.
    Congreso,
    /// Gobernación, Alcaldía, Asamblea, Concejo, JAL.
    Regionales,
    /// Presidencia.
    Presidencia,
}

/// How far the talk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LeadStatus {
    /// Nobody has answered yet.
    Nuevo,
    /// Somebody has.
    Contactado,
    /// A customer now.
    Convertido,
    /// No interest.
    Rechazado,
}

/// The word that an enumeration is written with, in JSON as in the database.
pub(crate) fn word<T: Serialize>(value: T) -> Option<String> {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
}

/// What a person writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewLead {
    /// Given name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub first_name: String,
    /// Family name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub last_name: String,
    /// Address; one request per address.
    pub email: String,
    /// Telephone, 7 to 20 characters.
    #[schema(min_length = 7, max_length = 20)]
    pub phone: String,
    /// In what.
    pub interest: Interest,
    /// Where, up to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    pub location: String,
    /// For which elections.
    pub candidacy_type: Option<CandidacyType>,
}

/// A request, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lead {
    /// Its id.
    pub id: Uuid,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Address.
    pub email: String,
    /// Telephone.
    pub phone: String,
    /// In what.
    pub interest: String,
    /// Where.
    pub location: String,
    /// For which elections.
    pub candidacy_type: Option<String>,
    /// How far the talk has come.
    pub status: String,
    /// Asked at.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}
