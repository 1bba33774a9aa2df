//! Accounts.

use crate::role::Role;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// An account, as everyone who may see it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// Its address, as written at registration.
    pub email: String,
    /// What it is for.
    pub role: Role,
    /// Whether it may sign in.
    pub active: bool,
    /// Until when a temporary password may be changed into one of its own; none where it is the person's own.
    #[serde(serialize_with = "crate::instant::rfc3339_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub password_until: Option<OffsetDateTime>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Telephone.
    pub phone: Option<String>,
    /// What the person does in the campaign.
    pub campaign_role: Option<String>,
    /// What the person stands for.
    pub candidate_position: Option<String>,
    /// WhatsApp.
    pub whatsapp_number: Option<String>,
    /// Whether messages there are welcome.
    pub whatsapp_opt_in: bool,
    /// Made at.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}

/// What a new account is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewUser {
    /// Its address; one account per address, letter case aside.
    pub email: String,
    /// 12 to 256 characters.
    #[schema(min_length = 12, max_length = 256)]
    pub password: String,
    /// Given name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub first_name: String,
    /// Family name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub last_name: String,
    /// Telephone: 10 to 15 digits after an optional +.
    pub phone: Option<String>,
    /// What the person does in the campaign.
    pub campaign_role: Option<String>,
    /// What the person stands for.
    pub candidate_position: Option<String>,
    /// WhatsApp, as `phone`.
    pub whatsapp_number: Option<String>,
    /// Whether messages there are welcome.
    #[serde(default)]
    pub whatsapp_opt_in: bool,
}
